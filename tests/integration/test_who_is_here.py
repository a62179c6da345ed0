"""Who of a room is here: has a socket of any kind open; said when asked, and told to who has it open."""

import asyncio
import contextlib

import pytest
from tornado_chat_plugins.chat_rooms import here

from support.growerp import FrontEnd, until
from support.queries import counted_queries
from support.rooms import PATH, ids, rooms_server
from support.server import running_server
from tornado_chat import testing
from tornado_chat.store.models import current_database


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(here, "GATHER_SECONDS", 0.02)
    monkeypatch.setattr(here, "GONE_SECONDS", 0.2)


@pytest.fixture
async def site():
    async with rooms_server() as running:
        yield running


@contextlib.asynccontextmanager
async def looking(site, name, *rooms):
    """A session that has these rooms open; everybody who came before is known to be here."""
    async with site.connect(name) as client:
        await client.ok("subscribe", topics=["mine", *(f"room:{room}" for room in rooms)])
        await settled(site)
        await heard(client)
        yield client


def watched(site):
    return site.server.service("chat_rooms.here")


async def settled(site):
    """All that sockets did until now is known, and told."""
    observers = site.server.plugins.observers
    await until(lambda: not observers.busy() and watched(site)._task is None)


@contextlib.contextmanager
def nobody_looks(site, monkeypatch):
    """What sockets do meanwhile is told together."""
    with monkeypatch.context() as held:
        held.setattr(watched(site), "_due", list)
        yield


async def gone(site, name):
    """His last socket is."""
    await until(lambda: not site.server.online("SHOP", f"u-{name}"))
    await until(lambda: not site.server.plugins.observers.busy())


async def heard(client):
    """Who came and went since, of which room, as far as the server has told."""
    await client.ok("ping")  # its answer comes last
    signals = [frame["signal"] for frame in client.pushed]
    client.pushed.clear()
    assert all((each["name"], each["sender"]) == ("here", None) for each in signals)
    return [(each["topic"], *each["data"].values()) for each in signals]


async def next_of(client):
    signal = (await client.next())["signal"]
    assert (signal["name"], signal["sender"]) == ("here", None)
    return signal["topic"], signal["data"]


async def asked(site, room_id, name):
    answer = await site.fetch("GET", f"{PATH}/{room_id}/here", name=name)
    return answer.json.get("here", answer.code)


async def test_who_has_the_room_open_hears_who_comes_and_goes(site):
    lunch = await site.make("ann", "bob", name="Lunch")
    await site.make("ann", "bob", name="not open")
    async with looking(site, "ann", lunch) as ann:
        async with site.connect("bob"):
            assert await next_of(ann) == (f"room:{lunch}", {"user_id": "u-bob", "here": True})
            async with site.connect("carl"), site.connect("zoe"):  # who are not in it
                await settled(site)
        assert await next_of(ann) == (f"room:{lunch}", {"user_id": "u-bob", "here": False})
        await settled(site)
        assert await heard(ann) == []


async def test_who_has_not_opened_the_room_hears_nothing_and_costs_little(site):
    await site.make("ann", "bob", name="Lunch")

    async def asked_for_bob():
        with counted_queries() as queries:
            async with site.connect("bob"):
                await settled(site)
            await gone(site, "bob")
            await settled(site)
        return len([text for text in queries.all if 'FROM "member"' in text])

    async with looking(site, "ann") as ann:
        assert await asked_for_bob() == 0
        async with looking(site, "dora", await site.make("carl", "dora")):
            assert await asked_for_bob() == 2  # as he came, and as he went
        assert await heard(ann) == []


async def test_who_loads_the_page_again_has_not_gone(site, monkeypatch):
    lunch = await site.make("ann", "bob", name="Lunch")
    async with looking(site, "ann", lunch) as ann:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(site.connect("bob"))
            assert (await next_of(ann))[1] == {"user_id": "u-bob", "here": True}
            with nobody_looks(site, monkeypatch):  # it does not take him two seconds
                await stack.aclose()
                await gone(site, "bob")
                assert await asked(site, lunch, "ann") == ids("ann", "bob")
                await stack.enter_async_context(site.connect("bob"))
            await settled(site)
            assert await heard(ann) == []
            async with site.connect("bob"):  # nor does a second device come, or go
                await settled(site)
            await until(lambda: len(site.server.sockets.handlers) == 2)
            await settled(site)
            assert await heard(ann) == []
        assert (await next_of(ann))[1] == {"user_id": "u-bob", "here": False}
        assert await asked(site, lunch, "ann") == ids("ann")


async def test_who_closes_one_of_two_tabs_has_come_all_the_same(site, monkeypatch):
    monkeypatch.setattr(here, "GONE_SECONDS", 60.0)
    lunch = await site.make("ann", "bob", name="Lunch")
    async with looking(site, "ann", lunch) as ann, contextlib.AsyncExitStack() as stack:
        with nobody_looks(site, monkeypatch):
            await stack.enter_async_context(site.connect("bob"))
            async with site.connect("bob"):
                pass
            await until(lambda: len(site.server.sockets.handlers) == 2)
            await until(lambda: not site.server.plugins.observers.busy())
        assert (await next_of(ann))[1] == {"user_id": "u-bob", "here": True}


@pytest.mark.parametrize("lost", [False, True])
async def test_who_was_said_to_be_here_is_told_to_have_gone(site, monkeypatch, lost):
    """Also who went before anybody was told of him, and whose coming was lost."""
    lunch = await site.make("ann", "bob", name="Lunch")
    async with looking(site, "ann", lunch) as ann:
        if lost:
            monkeypatch.setattr(watched(site), "opened", lambda _identity: None)
        with nobody_looks(site, monkeypatch):
            async with site.connect("bob"):
                assert await asked(site, lunch, "ann") == ids("ann", "bob")
            await gone(site, "bob")
        assert (await next_of(ann))[1] == {"user_id": "u-bob", "here": False}
        await settled(site)
        assert await heard(ann) == []
        assert not watched(site)._unsure


async def test_members_alone_may_ask(site):
    lunch = await site.make("ann", "bob", "carl", name="Lunch")
    async with site.connect("ann"), site.connect("carl"), site.connect("dora"):
        assert await asked(site, lunch, "bob") == ids("ann", "carl")
        reads = site.server.store.reads
        assert await asked(site, lunch, "ann") == ids("ann", "carl")
        assert site.server.store.reads == reads
        for room, name in ((lunch, "dora"), (lunch, "zoe"), ("100099", "ann"), ("x", "ann")):
            assert await asked(site, room, name) == 404
        assert (await site.fetch("GET", f"{PATH}/{lunch}/here")).code == 401


async def test_any_socket_counts_and_a_socket_of_the_face_hears_nothing():
    async with running_server() as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        room_id = await ann.room_with(bob, name="Lunch")
        async with looking(site, "ann", room_id) as native, ann.chat() as chat, ann.notws("ALL"):
            async with bob.notws("ALL"):
                assert (await next_of(native))[1] == {"user_id": "u-bob", "here": True}
                assert await asked(site, room_id, "ann") == ids("ann", "bob")
            assert (await next_of(native))[1] == {"user_id": "u-bob", "here": False}
            await bob.say(room_id, "the end")
            assert (await chat.next())["content"] == "the end"


CROWD = [f"x{number:02}" for number in range(40)]


async def test_a_burst_is_told_by_two_queries_for_many_people(monkeypatch):
    monkeypatch.setattr(here, "PEOPLE", 20)
    people = [testing.people.described(name, "Mx", "SHOP") for name in CROWD]
    async with rooms_server({"users": [*testing.users(passwords=False), *people]}) as site:
        rooms = [await site.make("ann", "bob", *CROWD, name=f"{n}") for n in range(10)]
        async with (
            looking(site, "ann", rooms[0], rooms[1]) as ann,
            contextlib.AsyncExitStack() as s,
        ):
            with nobody_looks(site, monkeypatch):
                await asyncio.gather(*(s.enter_async_context(site.connect(name)) for name in CROWD))
                await until(lambda: len(watched(site)._looks) == 40)
            with counted_queries() as queries:
                await settled(site)
                told = [await next_of(ann) for _ in range(80)]
            assert {topic for topic, _ in told} == {f"room:{room}" for room in rooms[:2]}
            assert sorted(each["user_id"] for _, each in told) == sorted(ids(*CROWD) * 2)
            assert len([text for text in queries.all if '"chat_rooms_room"' in text]) == 2
            assert len([text for text in queries.all if "GROUP BY" in text]) == 2


async def test_in_a_crowd_nobody_is_told(site, monkeypatch):
    monkeypatch.setattr(here, "CROWD", 2)
    small, large = await site.make("ann", "bob"), await site.make("ann", "bob", "carl")
    async with looking(site, "ann", small, large) as ann, site.connect("bob"):
        assert (await next_of(ann))[0] == f"room:{small}"
        await settled(site)
        assert await heard(ann) == []
        assert await asked(site, large, "ann") == ids("ann", "bob")


async def test_what_cannot_be_read_now_is_told_later(site):
    lunch = await site.make("ann", "bob", name="Lunch")

    async def rename(old, new):
        statement = f'ALTER TABLE "{old}" RENAME TO "{new}"'
        await site.server.write(lambda _tx: current_database.get().execute_sql(statement))

    async with looking(site, "ann", lunch) as ann:
        await rename("chat_rooms_room", "aside")
        async with site.connect("bob"):
            await until(lambda: "u-bob" in str(watched(site)._looks))
            await asyncio.sleep(0.1)
            assert await heard(ann) == []
            await rename("aside", "chat_rooms_room")
            assert (await next_of(ann))[1] == {"user_id": "u-bob", "here": True}


async def test_that_all_go_when_the_server_leaves_is_no_news(monkeypatch):
    async with rooms_server({"server": {"drain_seconds": 1}}) as site:
        lunch = await site.make("ann", "bob", "carl", "dora", name="Lunch")
        names = ("ann", "bob", "carl", "dora")
        async with contextlib.AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(looking(site, n, lunch)) for n in names]
            for client in clients:
                await heard(client)
            monkeypatch.setattr(here, "GONE_SECONDS", 0.0)
            stopping = asyncio.create_task(site.server.stop())
            for client in clients:
                assert "bye" in await client.next()
                await client.closed()
            await stopping
