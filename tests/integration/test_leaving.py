"""Sockets that go while something is under way, and a house that goes while sockets are open."""

import asyncio
import contextlib
import json

import pytest
import websockets

from support.boards import Board, boards, plugin_of
from support.server import key_of, running_server
from tornado_chat import Topic, hookimpl


@pytest.fixture
async def site():
    async with running_server(modules=[boards()], entry_points=False) as running:
        yield running


async def until(found, seconds=5.0):
    async with asyncio.timeout(seconds):
        while not await found():
            await asyncio.sleep(0.02)


async def test_subscribes_of_sockets_that_are_gone_leave_nothing_behind(site):
    """What was sent before a close is still read: posts are kept, subscribes are pointless."""
    topics = [f"board:{number}" for number in range(12)]
    for _ in range(5):
        async with site.open("/ws", "bob") as socket:
            await socket.recv()
            for number, topic in enumerate(topics):
                await socket.send(json.dumps({"id": number, "do": "subscribe", "topic": topic}))
            last = {"id": 99, "do": "publish", "topic": "board:done", "data": {}}
            await socket.send(json.dumps(last))
    server = site.server

    async def all_read():
        return await server.store.head() == 5 and not server.sockets.handlers

    await until(all_read)
    assert [name for name in topics if server.hub.subscribers(Topic.parse("SHOP", name))] == []
    assert server.hub.session_count == 0


class Slow(Board):
    def __init__(self):
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()
        self.answered = asyncio.Event()

    async def wait(self):
        self.asked.set()
        await self.go_on.wait()
        self.answered.set()


class SlowState(Slow):
    async def snapshot(self, identity, topic):
        await self.wait()


class SlowDoor(Slow):
    async def authorize(self, identity, action, topic):
        await self.wait()
        return True


@pytest.mark.parametrize("kind", [SlowState, SlowDoor])
async def test_a_socket_that_goes_in_the_middle_of_a_subscribe_leaves_nothing_behind(kind):
    board = kind()
    async with running_server(modules=[plugin_of(board)], entry_points=False) as site:
        server = site.server
        async with site.connect("ann") as ann:
            await ann.send({"id": 1, "do": "subscribe", "topic": "board:1"})
            await asyncio.wait_for(board.asked.wait(), 5)

        async def gone():
            return not server.sockets.handlers

        await until(gone)
        board.go_on.set()
        await asyncio.wait_for(board.answered.wait(), 5)
        await asyncio.sleep(0.05)
        assert server.hub.subscribers(Topic("SHOP", "board", "1")) == []
        await server.publish(Topic("SHOP", "board", "1"), {})
        assert server.hub.looked_at == 0


async def test_a_stop_says_goodbye_to_who_has_not_said_who_he_is_and_does_not_wait_for_him():
    async with running_server(modules=[boards()], entry_points=False) as site:
        stranger = await site.open("/ws")
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 2
    with pytest.raises(websockets.ConnectionClosed):
        await stranger.recv()
    assert stranger.close_code == 1012


async def test_nobody_is_let_in_any_more_once_a_stop_has_begun():
    leaving, go_on = asyncio.Event(), asyncio.Event()

    @hookimpl
    async def session_closed(session, code):
        leaving.set()
        await go_on.wait()

    module = plugin_of(Board(), session_closed=session_closed)
    async with running_server(modules=[module], entry_points=False) as site:
        stranger, ann = await site.open("/ws"), await site.open("/ws", "ann")
        stopping = asyncio.create_task(site.server.stop())
        await asyncio.wait_for(leaving.wait(), 5)
        heard = []
        with contextlib.suppress(websockets.ConnectionClosed):
            await stranger.send(json.dumps({"id": 1, "do": "auth", "key": key_of("bob")}))
            heard.append(await stranger.recv())
        assert not any("hello" in text for text in heard)
        assert site.server.hub.all_sessions() == []
        go_on.set()
        await stopping
        await asyncio.wait_for(ann.wait_closed(), 5)
        assert (stranger.close_code, ann.close_code) == (1012, 1012)


async def test_a_provider_whose_stop_raises_does_not_keep_the_store_open(tmp_path, logs):
    logs.expect("failed in topic.stop")

    class Sticky(Board):
        async def stop(self):
            raise RuntimeError("a plugin's slip")

    async with running_server(
        modules=[plugin_of(Sticky())], entry_points=False, folder=tmp_path
    ) as site:
        store = site.server.store
    assert not store.writer.is_alive()
    assert store._readers is None
    assert "failed in topic.stop" in logs.text
