"""The house leaves: goodbyes over a window, what was sent is answered first, nobody holds it up."""

import asyncio
import contextlib
import json
import time

import pytest
import websockets
from tornado.simple_httpclient import HTTPStreamClosedError

from support.boards import Board, boards, plugin_of
from support.server import running_server
from support.stores import one_group
from support.wire import Wire
from tornado_chat import Identity, PluginHandler, hookimpl, leaving


def going(seconds, modules=None, **kwargs):
    """A server that takes so many seconds to leave."""
    tables = {"server": {"drain_seconds": seconds}}
    return running_server(tables, modules or [boards()], entry_points=False, **kwargs)


async def to_the_end(socket):
    """All frames until the close, each with its moment; then the close code."""
    heard = []
    with contextlib.suppress(websockets.ConnectionClosed):
        while True:
            frame = json.loads(await socket.recv())
            heard.append((time.monotonic(), frame))
    return heard, time.monotonic(), socket.close_code


async def publish(socket, key, topic="board:1"):
    frame = {"id": key, "do": "publish", "topic": topic, "data": {"said": key}, "key": str(key)}
    await socket.send(json.dumps(frame))


async def in_the_log(store):
    return [each.data["said"] for each in await store.everything_after(0, 1000)]


async def test_goodbyes_come_one_after_another_and_name_a_time_after_the_last():
    people = ("ann", "bob", "carl", "dora", "admin")
    async with going(1.0) as site, contextlib.AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(site.open("/ws", name)) for name in people]
        for socket in sockets:
            assert "hello" in await socket.recv()
        began = time.monotonic()
        stopping = asyncio.create_task(site.server.stop())
        ends = await asyncio.gather(*map(to_the_end, sockets))
        await stopping
    moments = sorted(end for _heard, end, _code in ends)
    # of n sockets the i-th goes at i/n of the window: evenly, and a busy machine may be late
    for place, moment in enumerate(moments):
        assert moment - began >= place * 0.2 - 0.05, (place, moment - began)
    for heard, _end, code in ends:
        assert code == 1012
        [(moment, frame)] = heard
        assert frame["bye"]["code"] == "restart"
        first, last = frame["bye"]["reconnect_after_ms"]
        assert moment + first / 1000 >= began + 0.8
        assert last - first == 3800


async def test_one_socket_alone_is_told_at_once():
    async with going(30) as site, site.open("/ws", "ann") as ann:
        await ann.recv()
        async with asyncio.timeout(20):
            stopping = asyncio.create_task(site.server.stop())
            [(_moment, frame)], _end, code = await to_the_end(ann)
            await stopping
    assert frame == {"bye": {"code": "restart", "reconnect_after_ms": [200, 4000]}}
    assert code == 1012


async def test_what_was_sent_is_answered_after_its_commit_and_what_comes_later_is_not_read():
    async with going(0) as site, site.open("/ws", "ann") as ann:
        await ann.recv()
        server = site.server
        for key in range(5):
            await publish(ann, key)
        async with one_group(server.store):
            handler = next(iter(server.sockets.handlers))
            for key in range(5, 40):
                await publish(ann, key)
            async with asyncio.timeout(5):
                while handler.inbox.frames_in < 40:
                    await asyncio.sleep(0.01)
            stopping = asyncio.create_task(server.stop())
            async with asyncio.timeout(5):
                while not server.sockets.refusing:
                    await asyncio.sleep(0)
            await asyncio.sleep(0.05)  # its goodbye has begun
            await publish(ann, "late")
            await asyncio.sleep(0.1)
            assert not stopping.done()
            written = asyncio.create_task(in_the_log(server.store))
        logged = await written
        heard, _end, code = await to_the_end(ann)
        await stopping
    frames = [frame for _moment, frame in heard]
    assert [frame["id"] for frame in frames[:-1]] == list(range(40))
    assert all("ok" in frame for frame in frames[:-1])
    assert "bye" in frames[-1]
    assert code == 1012
    assert "late" not in logged


async def test_a_commit_that_hangs_holds_the_goodbye_only_so_long(monkeypatch):
    monkeypatch.setattr(leaving, "ANSWER_SECONDS", 0.2)
    async with going(0) as site, site.open("/ws", "ann") as ann:
        await ann.recv()
        async with one_group(site.server.store):
            await publish(ann, 1)
            await asyncio.sleep(0.05)
            stopping = asyncio.create_task(site.server.stop())
            async with asyncio.timeout(2.5):  # and not 3
                [(_moment, frame)], _end, code = await to_the_end(ann)
        await stopping
    assert "bye" in frame
    assert code == 1012


async def test_a_provider_that_hangs_does_not_either(monkeypatch):
    monkeypatch.setattr(leaving, "ANSWER_SECONDS", 0.2)

    class Hanging(Board):
        async def authorize(self, identity, action, topic):
            await asyncio.sleep(30)

    async with going(0, [plugin_of(Hanging())]) as site, site.open("/ws", "ann") as ann:
        await ann.recv()
        await publish(ann, 1)
        await asyncio.sleep(0.05)
        async with asyncio.timeout(20):
            await site.server.stop()
        _heard, _end, code = await to_the_end(ann)
    assert code == 1012


async def test_who_reads_slowly_gets_all_that_was_said_before_the_goodbye():
    limits = {"outbox_bytes": 0, "frames_per_second": 0}
    tables = {"limits": limits, "store": {"durability": "relaxed"}}
    async with (
        running_server(tables, [boards()], entry_points=False) as site,
        Wire.open(site, "/ws", "ann") as ann,
    ):
        await ann.next()
        ann.send({"id": 1, "do": "subscribe", "topic": "board:1"})
        await ann.next()
        async with site.connect("bob") as bob:
            data = {"text": "x" * 60_000}
            for key in range(200):  # more than the kernel takes
                frame = {"id": key, "do": "publish", "topic": "board:1", "data": data}
                await bob.send(frame)
            await bob.reply(199, 30)
        stopping = asyncio.create_task(site.server.stop())
        await asyncio.sleep(0.1)
        for _ in range(200):
            assert "push" in await ann.next()
        assert "bye" in await ann.next()
        assert await ann.close_code() == 1012
        ann.writer.close()
        await stopping


async def test_asked_twice_it_leaves_at_once():
    async with going(60) as site, contextlib.AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(site.open("/ws", "ann")) for _ in range(10)]
        stopping = asyncio.create_task(site.server.stop())
        ends = [asyncio.create_task(to_the_end(socket)) for socket in sockets]
        [first], others = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        assert first.result()[0][-1][1]["bye"]["reconnect_after_ms"][0] > 50_000
        assert not stopping.done()
        async with asyncio.timeout(20):
            site.server.leaving.hurry()
            await stopping
        for heard, _end, code in await asyncio.gather(*others):
            assert heard[-1][1]["bye"]["reconnect_after_ms"] == [200, 4000]
            assert code == 1012


async def test_asked_twice_it_does_not_wait_for_a_commit_either(monkeypatch):
    monkeypatch.setattr(leaving, "ANSWER_SECONDS", 60)
    async with going(0) as site, site.open("/ws", "ann") as ann:
        await ann.recv()
        async with one_group(site.server.store):
            await publish(ann, 1)
            await asyncio.sleep(0.05)
            stopping = asyncio.create_task(site.server.stop())
            await asyncio.sleep(0.1)
            site.server.leaving.hurry()
            async with asyncio.timeout(20):
                _heard, _end, code = await to_the_end(ann)
        await stopping
    assert code == 1012


async def test_it_does_not_wait_for_who_went_by_himself():
    async with going(60) as site, contextlib.AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(site.open("/ws", "ann")) for _ in range(3)]
        stopping = asyncio.create_task(site.server.stop())
        await asyncio.sleep(0.1)
        for socket in sockets:
            await socket.close()
        async with asyncio.timeout(20):
            await stopping


async def test_a_peer_that_does_not_answer_the_goodbye_is_dropped(monkeypatch):
    monkeypatch.setattr(leaving, "CLOSE_SECONDS", 0.2)
    async with going(0) as site, Wire.open(site, "/ws", "ann") as ann:
        await ann.next()
        async with asyncio.timeout(2):
            await site.server.stop()
        assert site.server.sockets.handlers == set()
        assert "bye" in await ann.next()
        assert await ann.close_code() == 1012
        with pytest.raises(asyncio.IncompleteReadError):
            await ann.frame()


async def test_strangers_have_their_turn_too():
    async with going(0.4) as site, contextlib.AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(site.open("/ws")) for _ in range(4)]
        began = time.monotonic()
        stopping = asyncio.create_task(site.server.stop())
        ends = await asyncio.gather(*map(to_the_end, sockets))
        await stopping
    assert [(heard, code) for heard, _end, code in ends] == [([], 1012)] * 4
    assert max(end for _heard, end, _code in ends) - began > 0.25


class Slow(PluginHandler):
    """`asked`: a request has come; it is answered once `go_on` is set."""

    asked = None

    async def get(self):
        self.asked.set()
        await self.go_on.wait()
        self.answer({"text": "x" * 5_000_000})


@pytest.fixture
def slow():
    Slow.asked, Slow.go_on = asyncio.Event(), asyncio.Event()

    @hookimpl
    def register_routes():
        return [("/slow", Slow)]

    return plugin_of(Board(), register_routes=register_routes)


async def test_a_request_under_way_is_answered(slow):
    async with going(0, [slow]) as site:
        asking = asyncio.create_task(site.fetch("GET", "/plugins/given/slow", name="ann"))
        await asyncio.wait_for(Slow.asked.wait(), 5)
        stopping = asyncio.create_task(site.server.stop())
        await asyncio.sleep(0.1)
        assert not stopping.done()
        Slow.go_on.set()
        answer = await asyncio.wait_for(asking, 5)
        assert answer.code == 200
        assert len(answer.json["text"]) == 5_000_000
        assert answer.headers["Connection"] == "close"
        await asyncio.wait_for(stopping, 20)


async def test_while_it_leaves_an_answer_ends_its_connection():
    """Else the client would send its next request into a house that is gone."""
    async with going(60) as site, contextlib.AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(site.open("/ws", "ann"))
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        ask = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
        writer.write(ask)
        head = await asyncio.wait_for(reader.readuntil(b"}"), 5)
        assert b"Connection: close" not in head
        stopping = asyncio.create_task(site.server.stop())
        async with asyncio.timeout(5):
            while not site.server.sockets.refusing:
                await asyncio.sleep(0.01)
        writer.write(ask)
        answer = await asyncio.wait_for(reader.read(), 5)
        assert b"200 OK" in answer
        assert b"Connection: close" in answer
        writer.close()
        site.server.leaving.hurry()
        await stopping


async def test_who_is_still_being_looked_up_when_it_begins_is_refused(logs):
    logs.expect("GET /ws 503")
    asked, go_on = asyncio.Event(), asyncio.Event()

    @hookimpl
    async def authenticate(credentials):
        if credentials.key == "slow":
            asked.set()
            await go_on.wait()
            return Identity("u-slow", "SHOP", "Slow")
        return None

    async with (
        going(60, [plugin_of(Board(), authenticate=authenticate)]) as site,
        site.open("/ws", "ann"),
        site.open("/ws", "ann"),
    ):
        opening = asyncio.create_task(site.open("/ws", query="api_key=slow").__aenter__())
        await asyncio.wait_for(asked.wait(), 5)
        stopping = asyncio.create_task(site.server.stop())
        await asyncio.sleep(0.1)
        go_on.set()
        with pytest.raises(websockets.InvalidStatus) as refused:
            await opening
        assert refused.value.response.status_code == 503
        site.server.leaving.hurry()
        await stopping


async def test_a_request_that_never_ends_is_not_waited_for(slow, monkeypatch):
    monkeypatch.setattr(leaving, "REQUEST_SECONDS", 0.2)
    async with going(0, [slow]) as site:
        asking = asyncio.create_task(site.fetch("GET", "/plugins/given/slow", name="ann"))
        await asyncio.wait_for(Slow.asked.wait(), 5)
        async with asyncio.timeout(2):
            await site.server.stop()
        with pytest.raises(HTTPStreamClosedError):
            await asking
        Slow.go_on.set()


async def test_a_request_whose_asker_has_gone_holds_nobody(slow, monkeypatch):
    monkeypatch.setattr(leaving, "REQUEST_SECONDS", 60)
    async with going(0, [slow]) as site:
        _reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(b"GET /plugins/given/slow?api_key=key-of-ann HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(Slow.asked.wait(), 5)
        writer.close()
        await asyncio.sleep(0.1)
        async with asyncio.timeout(20):
            await site.server.stop()
        Slow.go_on.set()
