"""`WsClient` on both GrowERP sockets of a real server: as the front-end's own client behaves."""

import asyncio

import pytest
import websockets

from support.growerp import FrontEnd, chat_message, notify
from support.proxy import proxied
from support.server import key_of, running_server
from tornado_chat.client import WsClient

QUICK = {"reconnect_seconds": 0.05, "ping_interval": 0.2, "ping_timeout": 0.2}


@pytest.fixture
async def site():
    async with running_server({"plugins": {"disabled": ["order_list"]}}) as running:
        yield running


def client(server, path, **more):
    return WsClient(f"ws://127.0.0.1:{server.port}", path, **{**QUICK, **more})


async def take(stream, count, seconds=5.0):
    async with asyncio.timeout(seconds):
        return [await anext(stream) for _ in range(count)]


async def gone(site, count=0):
    async with asyncio.timeout(5):
        while len(site.server.sockets.handlers) > count:
            await asyncio.sleep(0.01)


async def test_chat_is_sent_and_comes(site):
    ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
    room = await ann.room_with(bob)
    async with client(site, "chat") as mine, client(site, "/chat/") as his:
        stream, other = his.stream(), his.stream()
        await mine.connect(key_of("ann"), "u-ann")
        await his.connect(key_of("bob"), "u-bob")
        assert (mine.connected, mine.trouble) == (True, None)
        assert await mine.send(chat_message(room, "hello")) is True
        for each in (stream, other):  # each listener has all of it
            [frame] = await take(each, 1)
            assert (frame["content"], frame["fromUserId"]) == ("hello", "u-ann")
        other.close()
        await mine.send(chat_message(room, "again"))
        assert [frame["content"] for frame in await take(stream, 1)] == ["again"]
        assert [frame async for frame in other] == []


async def test_a_notification_comes_to_who_has_subscribed(site):
    async with client(site, "notws") as ann:
        stream = ann.stream()
        await ann.connect(key_of("ann"), "u-ann")
        await ann.send("subscribe: ALL")
        await asyncio.sleep(0.05)
        await notify(site, "OrderUpdate", {"message": "D1"})
        [frame] = await take(stream, 1)
        assert (frame["topic"], frame["message"]) == ("OrderUpdate", {"message": "D1"})


async def test_one_stream_outlives_the_connections(site):
    ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
    room = await ann.room_with(bob)
    async with proxied(site.port) as proxy, client(proxy, "chat") as his:
        stream = his.stream()
        await his.connect(key_of("bob"), "u-bob")
        for number in range(3):
            await ann.say(room, f"{number}")
            while (await take(stream, 1))[0]["content"] != f"{number}":
                pass  # what was not proved before the cut comes again
            proxy.cut()
            await proxy.until(lambda number=number: proxy.accepted == number + 2)
            async with asyncio.timeout(5):
                while not his.connected:
                    await asyncio.sleep(0.01)


async def test_without_a_connection_nothing_is_sent_and_it_tries_for_ever_in_silence(site, logs):
    logs.expect("/chat 401")
    async with proxied(1) as proxy, client(proxy, "chat") as ann:
        assert await ann.send("anything") is False
        await ann.connect("wrong", "u-ann")
        assert (ann.connected, ann.trouble) != (True, None)
        assert await ann.send("anything") is False
        proxy.target = site.port
        await proxy.until(lambda: proxy.accepted > 3)
        async with asyncio.timeout(5):
            while ann.trouble is None or "401" not in ann.trouble:
                await asyncio.sleep(0.01)
        await ann.connect(key_of("ann"), "u-ann")
        assert ann.connected


async def test_a_user_id_of_somebody_else_is_refused(site):
    async with client(site, "chat") as ann:
        await ann.connect(key_of("ann"), "u-bob")
        assert not ann.connected
        assert "answered 403" in ann.trouble


async def test_connecting_again_closes_the_old_socket_with_1000(site):
    async with client(site, "chat") as ann:
        stream = ann.stream()
        await ann.connect(key_of("ann"), "u-ann")
        [old] = site.server.sockets.handlers
        await ann.connect(key_of("bob"), "u-bob")
        await gone(site, 1)
        assert old.close_code == 1000
        [new] = site.server.sockets.handlers
        assert new.session.identity.user_id == "u-bob"
        await ann.close()
        await gone(site)
        assert new.close_code == 1000
        assert [frame async for frame in stream] == []
        await asyncio.sleep(0.2)
        assert not site.server.sockets.handlers  # and does not come back


async def test_a_stalled_network_is_noticed(site):
    async with proxied(site.port) as proxy, client(proxy, "chat", close_timeout=0.1) as ann:
        await ann.connect(key_of("ann"), "u-ann")
        proxy.stall()
        await proxy.until(lambda: proxy.accepted > 1)


async def test_who_does_not_read_keeps_no_more_than_his_buffer(site):
    ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
    room = await ann.room_with(bob)
    async with client(site, "chat", buffer=3, ping_interval=20) as his:
        stream = his.stream()
        await his.connect(key_of("bob"), "u-bob")
        for number in range(30):
            await ann.say(room, f"{number}")
        await asyncio.sleep(0.1)
        assert len(stream._items) == 3
        texts = [frame["content"] for frame in await take(stream, 30)]
        assert texts == [f"{number}" for number in range(30)]


async def test_no_address_holds_the_key(logs):
    asked = asyncio.get_running_loop().create_future()

    async def answer(reader, writer):
        if not asked.done():
            asked.set_result(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with WsClient(url, "chat", **QUICK) as ann:
        connecting = asyncio.create_task(ann.connect(key_of("ann"), "u-ann"))
        line, *headers = (await asyncio.wait_for(asked, 5)).decode().split("\r\n")
        connecting.cancel()
    server.close()
    assert line == "GET /chat?userId=u-ann HTTP/1.1"
    assert key_of("ann") in "".join(headers)
    assert "key-of-" not in logs.text


def test_what_is_no_address():
    with pytest.raises(ValueError, match="not of the form http://HOST:PORT"):
        WsClient("localhost", "chat")


async def test_what_is_not_of_this_wire_is_passed_over_and_a_dead_socket_takes_nothing():
    done = asyncio.Event()

    async def talk(socket):
        for frame in ("no json", "[1]", b"\xff", '{"content":"this"}'):
            await socket.send(frame)
        await done.wait()

    async with websockets.serve(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with WsClient(f"ws://127.0.0.1:{port}", "chat") as ann:
            stream = ann.stream()
            await ann.connect("key", "u-ann")
            assert await take(stream, 1) == [{"content": "this"}]
            done.set()
            async with asyncio.timeout(5):
                while await ann.send("anything"):
                    await asyncio.sleep(0.01)
            assert not ann.connected or ann.trouble is None
