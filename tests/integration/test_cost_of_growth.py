"""What a thing costs does not grow with what else there is: counted, never timed."""

import asyncio
import contextlib
import gc
import threading
import weakref

import pytest

from support.boards import boards
from support.queries import counted_queries, explained
from support.rooms import PATH, rooms_server
from support.server import running_server
from tornado_chat import Topic, pages, protocol
from tornado_chat.store import readers

CROWD = 30  # sockets that come back together
BOARD, OTHER = Topic("SHOP", "board", "1"), Topic("SHOP", "board", "2")
GROW = {"message", "member", "topic", "address", "chat_rooms_room"}  # tables without a bound


@pytest.fixture
async def site():
    limits = {"limits": {"sockets_per_user": 0}}
    async with running_server(limits, modules=[boards()], entry_points=False) as running:
        yield running


@pytest.fixture
async def house():
    async with rooms_server() as running:
        yield running


@contextlib.asynccontextmanager
async def crowd(site, count=CROWD):
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(site.connect("ann")) for _ in range(count)]


def place(site):
    """Where somebody stands who has everything."""
    return {"epoch": site.server.store.log.epochs.today, "offset": site.server.hub.mark}


async def publish(site, *topics):
    """The offsets."""
    done = await asyncio.gather(*(site.server.publish(each, {"n": 1}) for each in topics))
    return [each.offset for each in done]


async def come_back(clients, since, **what):
    replies = await asyncio.gather(*(each.ok("subscribe", since=since, **what) for each in clients))
    assert all(each["complete"] for one in replies for each in one.get("topics", [one]))


async def received(clients, offsets):
    for client in clients:
        assert [(await client.push())["offset"] for _ in offsets] == offsets


# Who comes back


async def test_a_crowd_that_comes_back_to_one_place_costs_one_page(site, monkeypatch):
    since, made, push = place(site), [], protocol.push
    offsets = await publish(site, *[BOARD] * 20)
    monkeypatch.setattr(protocol, "push", lambda message: made.append(message) or push(message))
    async with crowd(site) as clients:
        reads = site.server.store.reads
        await come_back(clients, since, topic="board:1")
        await received(clients, offsets)
        assert (site.server.store.reads - reads, len(made)) == (1, 20)


async def test_who_has_missed_nothing_is_live_after_one_look_for_all(site):
    await publish(site, BOARD)
    since = place(site)
    await publish(site, OTHER, OTHER)
    async with crowd(site) as clients:
        reads = site.server.store.reads
        await come_back(clients, since, topic="board:1")
        assert all(
            session.subscriptions[BOARD].live for session in site.server.hub.subscribers(BOARD)
        )
        assert site.server.store.reads - reads == 1
        await received(clients, await publish(site, BOARD))


async def test_what_is_said_meanwhile_is_read_by_whoever_comes_next(site):
    since = place(site)
    offsets = await publish(site, BOARD)
    async with crowd(site, 3) as clients:
        for client in clients:
            await come_back([client], since, topic="board:1")
            await received([client], offsets)
            offsets += await publish(site, BOARD)
            await received(clients[: clients.index(client) + 1], offsets[-1:])


async def test_a_list_of_topics_is_read_once_for_all_who_have_it(site):
    names = [f"board:{number}" for number in range(10)]
    since = place(site)
    offsets = await publish(site, *(Topic.parse("SHOP", name) for name in names))
    async with crowd(site) as clients:
        reads = site.server.store.reads
        await come_back(clients, since, topics=names)
        for client in clients:
            assert sorted([(await client.push())["offset"] for _ in names]) == offsets
        assert site.server.store.reads - reads == len(names)


async def test_members_are_read_once_until_somebody_comes_or_goes(house):
    room = await house.make("ann", "bob")
    topic, store = Topic("SHOP", "room", room), house.server.store
    members = {"u-ann", "u-bob"}
    for change, cost in (("add", 1), ("remove", 0)):
        reads = store.reads
        for _ in range(3):
            assert await store.members(topic) == members
        assert store.reads == reads + cost
        await house.server.write(lambda tx, do=change: getattr(tx.members, do)(topic, ["u-carl"]))
        members ^= {"u-carl"}
        assert await store.members(topic) == members
    asked = [asyncio.ensure_future(store.members(topic)) for _ in range(3)]
    await house.server.write(lambda tx: tx.members.add(topic, ["u-carl"]))
    assert await store.members(topic) == {"u-ann", "u-bob", "u-carl"}
    assert set(await asyncio.gather(*asked)) <= {
        frozenset(members),
        frozenset(members | {"u-carl"}),
    }


async def test_those_who_are_behind_leave_readers_to_others(site, monkeypatch):
    """However many there are, and each at another place: few pages are asked for at a time."""
    store, asked, most = site.server.store, set(), []
    after = store.after

    async def counted(position, selection, *rest):
        asked.add(selection)
        most.append(len(asked))
        await asyncio.sleep(0.01)  # longer than it takes the others to come
        page = await after(position, selection, *rest)
        asked.discard(selection)
        return page

    monkeypatch.setattr(store, "after", counted)
    names = [f"board:{number}" for number in range(20)]
    since = place(site)
    await publish(site, *(Topic.parse("SHOP", name) for name in names))
    async with crowd(site, len(names)) as clients:
        for client, name in zip(clients, names, strict=True):
            await client.send({"id": 1, "do": "subscribe", "topic": name, "since": since})
        for client in clients:
            assert "ok" in await client.reply(1, 10)
    assert max(most) == pages.READS


async def test_what_is_answered_while_the_loop_is_busy_is_one_turn(site, monkeypatch):
    turns, finish = [], readers.Readers._finish

    def counted(those):
        turns.append(len(those._answered))
        finish(those)

    monkeypatch.setattr(readers.Readers, "_finish", counted)
    done = threading.Semaphore(0)
    waiting = [
        asyncio.ensure_future(site.server.store.read(lambda n=n: done.release() or n))
        for n in range(50)
    ]
    await asyncio.sleep(0)  # they are asked
    del turns[:]
    for _ in range(50):
        done.acquire()  # the loop does nothing else meanwhile
    assert await asyncio.gather(*waiting) == list(range(50))
    assert len(turns) <= 3  # one, and what was under way at both ends


async def test_a_slow_answer_holds_up_no_quick_one_before_it(site):
    """On one thread, the quick one first."""
    store, slow = site.server.store, threading.Event()
    others = len(store._readers._threads) - 1
    busy = [asyncio.ensure_future(store.read(slow.wait)) for _ in range(others)]
    quick = asyncio.ensure_future(store.read(lambda: "quick"))
    last = asyncio.ensure_future(store.read(slow.wait))
    try:
        assert await asyncio.wait_for(quick, 10) == "quick"
    finally:
        slow.set()
    assert all(await asyncio.gather(last, *busy))


# Who is gone


async def test_of_a_socket_that_is_gone_nothing_waits_for_the_garbage_collector(site):
    opened = [site.open("/ws", query="api_key=key-of-ann") for _ in range(5)]
    sockets = [await each.__aenter__() for each in opened]
    for each in sockets:
        await each.send('{"id":1,"do":"subscribe","topic":"board:1"}')
        await each.recv()
        await each.recv()
    sessions = [weakref.ref(each) for each in site.server.hub.subscribers(BOARD)]
    there = [weakref.ref(each().transport) for each in sessions]
    gc.collect()
    gc.disable()
    try:
        for each in opened:
            await each.__aexit__(None, None, None)
        async with asyncio.timeout(5):
            while any(each() is not None for each in [*sessions, *there]):
                await asyncio.sleep(0.01)
    finally:
        gc.enable()


# Plans of the queries that run


async def hot_queries(house, room):
    """What people do all day, with something to find each time."""
    since = {"epoch": house.server.store.log.epochs.today, "offset": 0}
    async with house.connect("bob") as bob:
        await bob.ok("subscribe", topic=f"room:{room}", since=since)
        await bob.ok("subscribe", topic="mine", since=since)
        await bob.ok("subscribe", topic=f"room:{room}")
        await bob.ok("history", topic=f"room:{room}")
        await bob.ok("history", topic=f"room:{room}", after=1)
        await bob.ok("publish", topic=f"room:{room}", data={"content": "one"}, key="once")
        await bob.ok("seen", topic=f"room:{room}", offset=3)
    await house.fetch("GET", PATH, name="bob")
    await house.fetch("GET", f"{PATH}/{room}", name="bob")


async def test_nothing_that_is_done_all_day_walks_a_table_that_grows(house):
    room = await house.make("ann", "bob")
    for number in range(20):
        await house.make("ann", "carl", name=f"Other {number}")
        await house.say("ann", room)
    with explained() as plans:
        await hot_queries(house, room)
    assert len(plans.statements) > 20
    assert plans.walked(GROW) == []


async def test_a_list_of_rooms_begins_with_the_rooms_one_is_in(house):
    """Not with all there are of his tenant."""
    await house.make("ann", "bob")
    with explained() as plans:
        await house.list("bob")
    [rooms] = [text for text in plans.statements if 'FROM "chat_rooms_room"' in text]
    steps = [step for text, step in plans.steps if text == rooms]
    searches = [step for step in steps if step.startswith("SEARCH")]
    assert "user_id=?" in searches[0], steps
    assert not [step for step in searches if "tenant=?" in step], steps
    # and members are counted of those rooms alone that are on the page
    assert steps.index("SCAN page") < next(n for n, step in enumerate(steps) if "counted" in step)


# A publish


async def work_of(house, room):
    """What one publish asks of the database, and whom the hub looks at."""
    hub = house.server.hub
    looked = hub.looked_at
    with counted_queries() as queries:
        await house.say("ann", room)
    return [text.split(" ", 2)[:2] for text in queries.all], hub.looked_at - looked


async def test_a_publish_costs_the_same_among_many_topics_members_and_sockets(house):
    small, large = await house.make("ann", "bob"), await house.make("ann", "bob")
    topic = Topic("SHOP", "room", large)
    async with house.connect("bob") as bob:
        for room in (small, large):
            await bob.ok("subscribe", topic=f"room:{room}")
            await house.say("ann", room)  # known by now
        before = await work_of(house, small)
        await house.server.write(
            lambda tx: tx.members.add(topic, [f"x{number}" for number in range(500)])
        )
        for number in range(50):
            await house.make("carl", "dora", name=f"Other {number}")
        async with crowd(house, 10) as others:
            for each in others:
                await each.ok("subscribe", topic=f"room:{small}")
            await house.say("ann", large)  # its members are read once more
            assert await work_of(house, large) == before
    assert before[1] == 1
