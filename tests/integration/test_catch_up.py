"""Behind and live: joining, slow readers and healing are one mechanism, over real sockets."""

import asyncio
import socket

import pytest
import websockets

from support.boards import boards
from support.server import running_server
from tornado_chat import Topic

BOARD = Topic("SHOP", "board", "1")


async def publish_many(site, count, size=0):
    await asyncio.gather(
        *(site.server.publish(BOARD, {"n": n, "pad": "x" * size}) for n in range(count))
    )


def small_window(site):
    """A connection whose kernel buffers are small, so that a reader is slow at once."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # before the window is agreed
    sock.connect(("127.0.0.1", site.port))
    return sock


@pytest.fixture
async def site():
    limits = {"limits": {"outbox_bytes": 20_000}}
    async with running_server(limits, modules=[boards()], entry_points=False) as running:
        yield running


async def test_b11_a_slow_reader_falls_behind_and_catches_up_without_a_gap(site):
    async with (
        site.connect("ann", sock=small_window(site), max_queue=1) as slow,
        site.connect("bob") as quick,
    ):
        await slow.ok("subscribe", topic="board:1")
        await quick.ok("subscribe", topic="board:1")
        await publish_many(site, 2000, 4000)  # more than kernels hold for a loopback socket
        assert [(await quick.push())["offset"] for _ in range(2000)] == list(range(1, 2001))
        session = site.server.hub.sessions("SHOP", "u-ann")[0]
        assert not session.subscriptions[BOARD].live
        assert session.outbox.size <= 20_000 + 2 * 65536
        assert [(await slow.push())["offset"] for _ in range(2000)] == list(range(1, 2001))
        await publish_many(site, 1)
        assert (await slow.push())["offset"] == 2001


async def test_who_joins_while_much_is_published_misses_and_doubles_nothing(site):
    async def join(name):
        async with site.connect(name) as client:
            await asyncio.sleep(0.01)
            start = (await client.ok("subscribe", topic="board:1"))["offset"]
            seen = []
            while not seen or seen[-1] < 600:
                seen.append((await client.push())["offset"])
            assert seen == list(range(start + 1, 601))

    async def publish():
        for _ in range(12):
            await publish_many(site, 50)
            await asyncio.sleep(0.005)

    await asyncio.gather(publish(), *(join(name) for name in ("ann", "bob", "carl", "dora")))


async def test_a_missed_ring_is_healed_from_the_log(site):
    async with site.connect("ann") as ann:
        await ann.ok("subscribe", topic="board:1")
        engine = site.server.engine
        ring, engine.ring = engine.ring, lambda *args: None
        await publish_many(site, 3)
        await ann.quiet()
        engine.ring = ring
        await publish_many(site, 1)
        assert [(await ann.push())["offset"] for _ in range(4)] == [1, 2, 3, 4]


async def test_a_ring_without_bodies_is_read_from_the_log(site):
    async with site.connect("ann") as ann:
        await ann.ok("subscribe", topic="board:1")
        engine = site.server.engine
        ring = engine.ring
        engine.ring = lambda first, last, bodies: ring(first, last, ())
        await publish_many(site, 3)
        assert [(await ann.push())["offset"] for _ in range(3)] == [1, 2, 3]


async def test_b11_who_takes_no_byte_is_ended_and_costs_no_more_than_his_outbox(site, monkeypatch):
    monkeypatch.setattr("tornado_chat.heartbeat.STALL_SECONDS", 1.0)
    async with site.connect("ann", sock=small_window(site), max_queue=1) as dead:
        await dead.ok("subscribe", topic="board:1")
        session = site.server.hub.sessions("SHOP", "u-ann")[0]
        await publish_many(site, 2000, 4000)
        assert session.outbox.size <= 20_000 + 2 * 65536
        for _ in range(100):
            if not site.server.hub.sessions("SHOP", "u-ann"):
                break
            await asyncio.sleep(0.1)
        assert site.server.hub.sessions("SHOP", "u-ann") == []
        assert session.closed == 4008
        assert site.server.sockets.budget.used == 0
        dead.socket.transport.abort()


async def test_b39_a_publisher_who_floods_is_slowed_and_nothing_is_dropped():
    limits = {"limits": {"frames_per_second": 50}}
    async with (
        running_server(limits, modules=[boards()], entry_points=False) as site,
        site.connect("ann") as ann,
        site.connect("bob") as bob,
    ):
        began = asyncio.get_running_loop().time()
        for number in range(100):
            await ann.send(
                {"id": number, "do": "publish", "topic": "board:1", "data": {"n": number}}
            )
        await bob.ok("ping")  # nobody else waits
        assert asyncio.get_running_loop().time() - began < 0.8
        for number in range(100):
            assert "ok" in await ann.reply(number, 10)
        assert asyncio.get_running_loop().time() - began > 0.8
        history = await bob.ok("history", topic="board:1", limit=200)
        assert [each["data"]["n"] for each in history["messages"]] == list(range(100))


async def test_no_task_and_no_query_for_sessions_that_only_listen(site):
    clients = [site.connect(name) for name in ("ann", "bob", "carl", "dora") for _ in range(5)]
    opened = [await each.__aenter__() for each in clients]
    try:
        await asyncio.gather(*(each.ok("subscribe", topic="board:1") for each in opened))
        await asyncio.sleep(0.1)
        hub, store = site.server.hub, site.server.store
        before = (store.reads, len(site.server.background.tasks), hub.encoded, hub.looked_at)
        await publish_many(site, 10)
        for each in opened:
            for number in range(10):
                assert (await each.push())["data"]["n"] == number
        after = (store.reads, len(site.server.background.tasks), hub.encoded, hub.looked_at)
        assert after[:3] == (before[0], before[1], before[2] + 10)
        assert after[3] <= before[3] + 200  # less where some went out together
    finally:
        for each in clients:
            await each.__aexit__(None, None, None)


async def test_a_dead_peer_is_noticed_by_its_missing_pong():
    quick = {"delivery": {"ping_seconds": 0.5}}
    async with running_server(quick, modules=[boards()], entry_points=False) as site:
        async with site.connect("ann") as ann:
            await asyncio.sleep(3)
            assert await ann.ok("ping") == {}  # one that answers pings is never closed
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(
            b"GET /ws?api_key=key-of-bob HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        await reader.readuntil(b"\r\n\r\n")
        assert await asyncio.wait_for(reader.read(), 10) is not None  # until we are dropped
        writer.close()
        assert site.server.hub.sessions("SHOP", "u-bob") == []


async def test_a_key_that_ends_ends_its_sockets():
    quick = {"delivery": {"ping_seconds": 0.5}}
    async with running_server(quick, modules=[boards()], entry_points=False) as site:
        key = await site.server.accounts.issue_key("u-ann", days=2 / 86400)
        async with site.open("/ws", query=f"api_key={key}") as socket_:
            await socket_.recv()
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(socket_.recv(), 10)
            assert socket_.close_code == 4001


async def test_a_hub_that_is_full_does_not_read_what_it_has_no_room_for(site, monkeypatch):
    monkeypatch.setattr("tornado_chat.hub.WAITING", 20)
    monkeypatch.setattr("tornado_chat.hub.SLICE", 1)
    monkeypatch.setattr("tornado_chat.batch.BATCH", 1)
    hub, store = site.server.hub, site.server.store
    turn, held, reads = hub._call_soon, [], []
    read = store.everything_after

    async def counted(*asked):
        reads.append(asked)
        return await read(*asked)

    monkeypatch.setattr(store, "everything_after", counted)
    async with site.connect("ann") as ann:
        await ann.ok("subscribe", topic="board:1")
        hub._call_soon = lambda fn: held.append(fn) if fn == hub._pump else turn(fn)
        for _ in range(10):
            await publish_many(site, 10)
            held.pop()()  # one is handed out: there is room for one
        assert len(hub._waiting) <= 20
        assert reads == []
        hub._call_soon = turn
        held.pop()()
        assert [(await ann.push())["offset"] for _ in range(100)] == list(range(1, 101))
