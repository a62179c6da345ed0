"""RFC 6455 on a real connection: pings, goodbyes, and what ends a connection at once."""

import asyncio
import struct

import pytest

from support.boards import boards
from support.growerp import until
from support.server import key_of, running_server
from support.wire import CLOSE, PING, PONG, TEXT, Wire


@pytest.fixture
async def site():
    async with running_server(modules=[boards()], entry_points=False) as running:
        yield running


async def opened(wire):
    """The handler, once the socket has had its hello."""
    assert "hello" in await wire.next()


async def test_a_ping_is_answered_with_its_payload(site):
    async with Wire.open(site, "/ws", "ann") as wire:
        await opened(wire)
        wire.write(PING, b"are you there")
        assert await wire.frame() == (PONG, b"are you there")


async def test_a_goodbye_is_echoed_and_its_code_is_known(site):
    async with Wire.open(site, "/ws", "ann") as wire:
        await opened(wire)
        [session] = site.server.hub.all_sessions()
        wire.write(CLOSE, struct.pack("!H", 3001) + b"enough")
        assert await wire.close_code() == 3001
        assert await wire.reader.read() == b""
        await until(lambda: session.closed == 3001)
        assert not site.server.sockets.handlers


async def test_who_does_not_answer_a_goodbye_is_dropped(site, monkeypatch):
    monkeypatch.setattr("tornado_chat.web.connection.CLOSE_SECONDS", 0.05)
    async with Wire.open(site, "/ws", "ann") as wire:
        await opened(wire)
        [session] = site.server.hub.all_sessions()
        session.close(4009, "enough")
        assert await wire.close_code() == 4009
        assert await asyncio.wait_for(wire.reader.read(), 5) == b""
        assert not site.server.sockets.handlers


async def test_who_pings_and_does_not_read_is_owed_one_answer_for_all(site):
    async with Wire.open(site, "/ws", "ann", window=4096) as wire:
        await opened(wire)
        [handler] = site.server.sockets.handlers
        wire.writer.transport.pause_reading()
        for number in range(60_000):
            wire.write(PING, b"%0100d" % number)
            if not number % 100:
                await asyncio.sleep(0)
            if handler._owed is not None:
                break
        for number in range(1000):
            wire.write(PING, b"again %d" % number)
        await wire.writer.drain()
        wire.write(TEXT, b'{"id":1,"do":"ping"}')
        await until(lambda: handler.inbox.frames_in == 1)
        wire.writer.transport.resume_reading()
        answered = []
        while b"again 999" not in answered:
            opcode, payload = await wire.frame()
            answered += [payload] if opcode == PONG and payload.startswith(b"again") else []
        assert answered == [b"again 999"]


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {}, 405),
        ("GET", {"Upgrade": None}, 400),
        ("GET", {"Connection": "close"}, 400),
        ("GET", {"Sec-WebSocket-Key": None}, 400),
        ("GET", {"Sec-WebSocket-Key": "c2hvcnQ="}, 400),
        ("GET", {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==,dGhlIHNhbXBsZSBub25jZQ=="}, 400),
        ("GET", {"Sec-WebSocket-Version": "8"}, 426),
        ("GET", {"Content-Length": "4"}, 400),
        ("GET", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("GET", {"Sec-Fetch-Site": "same-origin"}, 101),
    ],
)
async def test_a_handshake_that_is_none_is_refused_in_words(site, method, headers, status):
    usual = {
        "Host": "x",
        "api_key": key_of("ann"),
        "Upgrade": "websocket",
        "Connection": "keep-alive, Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    given = {name: value for name, value in {**usual, **headers}.items() if value}
    lines = [f"{method} /ws HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write("\r\n".join([*lines, "", ""]).encode() + b"body" * ("Content-Length" in given))
    head = await reader.readuntil(b"\r\n\r\n")
    assert int(head.split()[1]) == status
    if status == 101:
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head  # of RFC 6455 1.3
    else:
        assert b'"error"' in await reader.readuntil(b"}")
        assert (b"sec-websocket-version: 13" in head.lower()) is (status == 426)
        assert (b"Allow: GET\r\n" in head) is (status == 405)
        if given["Connection"] != "close":  # its connection goes on
            writer.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def test_a_socket_is_not_opened_by_an_old_http(site):
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(
        f"GET /ws HTTP/1.0\r\napi_key: {key_of('ann')}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    assert b" 400 " in await reader.readuntil(b"\r\n\r\n")
    writer.close()
