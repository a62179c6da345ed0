"""The bad network of the tests is as bad as it says, and no worse."""

import asyncio
import contextlib

import pytest

from support.proxy import proxied


class Echo:
    """Says back what it hears; knows how its connections ended."""

    def __init__(self):
        self.heard = b""
        self.ends = asyncio.Queue()

    async def serve(self, reader, writer):
        try:
            while piece := await reader.read(1000):
                self.heard += piece
                writer.write(piece)
            self.ends.put_nowait("goodbye")
        except ConnectionError:
            self.ends.put_nowait("reset")
        writer.close()


@pytest.fixture
async def net():
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    async with proxied(server.sockets[0].getsockname()[1]) as proxy:
        yield echo, proxy
    server.close()
    await server.wait_closed()


@contextlib.asynccontextmanager
async def client(proxy):
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def nothing(reader, seconds=0.1):
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(10), seconds)


async def said(reader, text):
    assert await asyncio.wait_for(reader.readexactly(len(text)), 5) == text


async def test_it_passes_both_ways_and_goodbyes(net):
    echo, proxy = net
    async with client(proxy) as (reader, writer):
        writer.write(b"hello")
        await said(reader, b"hello")
        assert (proxy.connections, proxy.accepted) == (1, 1)
        writer.write_eof()
        assert await asyncio.wait_for(echo.ends.get(), 5) == "goodbye"
        assert await asyncio.wait_for(reader.read(), 5) == b""
    await proxy.until(lambda: not proxy.connections)


async def test_a_delay_is_a_delay(net):
    _, proxy = net
    proxy.delay(0.1)
    async with client(proxy) as (reader, writer):
        start = asyncio.get_running_loop().time()
        writer.write(b"hello")
        await said(reader, b"hello")
        assert asyncio.get_running_loop().time() - start >= 0.2


@pytest.mark.parametrize("direction", ["both", "up", "down"])
async def test_a_stall_closes_nothing_and_keeps_everything(net, direction):
    echo, proxy = net
    async with client(proxy) as (reader, writer):
        writer.write(b"1")
        await said(reader, b"1")
        proxy.stall(direction)
        writer.write(b"2")
        await nothing(reader)
        assert echo.heard == (b"12" if direction == "down" else b"1")
        proxy.restore()
        await said(reader, b"2")


async def test_a_stranded_connection_stays_so_and_new_ones_pass(net):
    echo, proxy = net
    async with client(proxy) as (reader, writer):
        writer.write(b"1")
        await said(reader, b"1")
        proxy.strand()
        writer.write(b"2")
        proxy.restore()
        async with client(proxy) as (other, other_writer):
            other_writer.write(b"3")
            await said(other, b"3")
        await nothing(reader)
    assert echo.heard == b"13"
    assert await asyncio.wait_for(echo.ends.get(), 5) in {"goodbye", "reset"}  # the other's
    assert echo.ends.empty()  # half open: its server has not heard that it left


async def test_a_cut_is_a_reset_at_both_ends(net):
    echo, proxy = net
    async with client(proxy) as (reader, writer):
        writer.write(b"1")
        await said(reader, b"1")
        proxy.cut()
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(reader.read(), 5)
        assert await asyncio.wait_for(echo.ends.get(), 5) == "reset"


async def test_a_frame_is_cut_before_its_last_byte_once(net):
    _, proxy = net
    proxy.cut_in_frame("down")
    async with client(proxy) as (reader, writer):
        writer.write(b"hello")
        await said(reader, b"hell")
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(reader.read(), 5)
    async with client(proxy) as (reader, writer):
        writer.write(b"hello")
        await said(reader, b"hello")


async def test_bytes_are_counted_of_each_connection_from_now(net):
    echo, proxy = net
    async with client(proxy) as (reader, writer):
        writer.write(b"1234567890")
        await said(reader, b"1234567890")
        proxy.cut_after(7, "up")
        writer.write(b"abcdefghij")
        await said(reader, b"abcdefg")
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(reader.read(), 5)
    async with client(proxy) as (reader, writer):
        writer.write(b"ABCDEFGHIJ")
        await said(reader, b"ABCDEFG")
    assert echo.heard == b"1234567890abcdefgABCDEFG"


async def test_who_is_refused_reaches_nobody(net):
    echo, proxy = net
    async with client(proxy) as (reader, writer):
        writer.write(b"1")
        await said(reader, b"1")
        proxy.refuse()
        async with client(proxy) as (other, _):
            with contextlib.suppress(ConnectionError):
                assert await asyncio.wait_for(other.read(), 5) == b""
        writer.write(b"2")
        await said(reader, b"2")
        proxy.restore()
        async with client(proxy) as (other, other_writer):
            other_writer.write(b"3")
            await said(other, b"3")
    assert echo.heard == b"123"
