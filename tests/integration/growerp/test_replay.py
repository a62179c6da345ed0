"""How much is sent again, what is left out, and that it survives whatever ends the server."""

import asyncio
import contextlib
import signal
import sqlite3

import pytest

from support.growerp import FrontEnd, notify, until
from support.process import proved_on_disk, serving, toml
from support.proofs import another, done, drop, faces, gone, proved, rows, texts
from support.server import Site, merged, running_server, users
from support.wire import Wire
from tornado_chat.errors import Unavailable
from tornado_chat.store.models import MessageRow

TABLES = {"plugins": {"disabled": ["order_list"]}}
FEW = merged(TABLES, {"delivery": {"replay_messages": 5}})


async def say(who, room, *contents):
    for content in contents:
        await who.say(room, str(content))


@contextlib.asynccontextmanager
async def away(site, who, path="chat", **more):
    """Somebody has had everything, and is not there for a while."""
    async with getattr(who, path)(**more) as socket:
        await socket.send("subscribe: ALL" if path == "notws" else "here")
        await until(lambda: faces(site) and faces(site)[-1].subscriptions[None].live)
        await proved(site)
        await drop(socket)
    await gone(site, name=who.name)
    yield


# Bounds


async def test_at_most_so_many_the_newest():
    async with running_server(FEW) as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        room = await ann.room_with(bob)
        async with away(site, ann):
            await say(bob, room, *range(12))
        async with ann.chat() as chat:
            assert await texts(chat) == ["7", "8", "9", "10", "11"]
            await say(bob, room, "live")
            assert await texts(chat) == ["live"]
            await proved(site)
            await drop(chat)
        await gone(site)
        async with ann.chat() as chat:
            assert await texts(chat) == []


async def test_what_is_not_for_this_socket_does_not_count():
    """Notifications, his own and foreign messages, what he has read: five of the others come."""
    async with running_server(FEW) as site:
        ann, bob, carl = (FrontEnd(site, name) for name in ("ann", "bob", "carl"))
        room, read, foreign = (
            await ann.room_with(bob),
            await ann.room_with(bob, name="read"),
            await bob.room_with(carl),
        )
        async with away(site, ann):
            await say(bob, room, *range(8))
            for n in range(20):
                await notify(site, "T", {"message": "a note"})
                await say(ann, room, f"own {n}")
                await say(bob, foreign, f"foreign {n}")
                await say(bob, read, f"read {n}")
            await ann.history(read)
        async with ann.chat() as chat:
            assert await texts(chat) == ["3", "4", "5", "6", "7"]


async def test_topics_that_are_not_subscribed_do_not_count():
    async with running_server(FEW) as site:
        ann = FrontEnd(site, "ann")
        async with ann.notws("A") as notes:
            await until(lambda: faces(site)[0].subscriptions[None].live)
            await proved(site)
            await drop(notes)
        await gone(site)
        for n in range(8):
            await notify(site, "A", {"message": f"A {n}"})
            for _ in range(60):
                await notify(site, "B", {"message": "B"})
        async with ann.notws() as notes:
            assert await texts(notes, 1.0) == ["A 3", "A 4", "A 5", "A 6", "A 7"]


async def test_nothing_older_than_so_many_hours():
    tables = merged(TABLES, {"delivery": {"replay_hours": 2}})
    for few in ({}, {"delivery": {"replay_messages": 3}}):
        async with running_server(merged(tables, few)) as site:
            ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
            room = await ann.room_with(bob)
            async with away(site, ann):
                await say(bob, room, "old", "older than it may be", "new", "newer")

            def age(_tx):
                for offset, hours in ((1, 3), (2, 2.001), (3, 1.999)):
                    MessageRow.update(at=MessageRow.at - int(hours * 3_600_000)).where(
                        MessageRow.offset == offset
                    ).execute()

            await site.server.write(age)
            async with ann.chat() as chat:
                assert await texts(chat) == ["new", "newer"]


async def test_more_than_a_page_is_bounded_and_in_order():
    tables = merged(
        TABLES, {"delivery": {"replay_messages": 450}, "limits": {"frames_per_second": 0}}
    )
    async with running_server(tables) as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        room = await ann.room_with(bob)
        async with away(site, ann), bob.chat() as chat:
            for n in range(1000):
                await chat.say(room, str(n))
            await until(lambda: site.server.hub.mark == 1000, 20)
        async with ann.chat() as back:
            assert await texts(back, 1.0) == [str(n) for n in range(550, 1000)]


# Left out on /chat


async def test_what_he_has_read_wrote_or_left_is_left_out(site, ann, bob, carl):
    read, own, left, back = [await ann.room_with(bob, carl, name=name) for name in "abcd"]
    async with away(site, ann):
        await say(bob, read, "read")
        await ann.history(read)
        await say(bob, read, "not read")
        await say(ann, own, "own")
        await say(carl, own, "not own")
        for room in (left, back):
            await say(bob, room, "before he left")
            await ann.good("DELETE", "ChatRoom", {"chatRoomId": room})
        await say(bob, back, "after he left")
    async with ann.chat() as chat:
        assert await texts(chat) == ["not read", "not own", "after he left"]


async def test_who_was_removed_gets_nothing_of_it(site, ann, bob):
    room = await ann.room_with(bob, name="a")
    async with away(site, ann):
        await say(bob, room, "one")
        topic = f"room:{room}"
        from tornado_chat import Topic

        await site.server.write(lambda tx: tx.members.remove(Topic.parse("SHOP", topic), ["u-ann"]))
    async with ann.chat() as chat:
        assert await texts(chat) == []


async def test_only_what_was_said_before_he_came_is_left_out():
    """He has read it all on another device by the time his socket may be written to."""
    tables = merged(TABLES, {"delivery": {"settle_seconds": 5.0}})
    async with running_server(tables) as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        room = await ann.room_with(bob)
        async with away(site, ann):
            await say(bob, room, "one")
        async with ann.chat() as chat:
            await say(bob, room, "two")
            assert await ann.history(room) == ["one", "two"]
            await chat.send("here")
            assert await texts(chat) == ["two"]


async def test_what_is_said_while_he_reads_it_elsewhere_is_live_and_comes(site, ann, bob):
    """Only the replay leaves out: somebody who looks on may have read it on another device."""
    room = await ann.room_with(bob)
    async with ann.chat() as chat:
        await chat.send("here")
        await until(lambda: faces(site)[0].subscriptions[None].live)
        session = faces(site)[0]
        session.subscriptions[None].fall_behind(site.server.hub.mark)
        await say(bob, room, "one")
        await ann.history(room)
        site.server.catch_up.start(session)
        assert await texts(chat) == ["one"]


# Restarts


async def test_a_restart_in_order_loses_and_doubles_nothing(tmp_path):
    async with running_server(TABLES, folder=tmp_path) as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        room = await ann.room_with(bob)
        async with ann.chat() as chat, ann.notws("T") as notes:
            await say(bob, room, "one")
            await notify(site, "T", {"message": "a note"})
            assert (await texts(chat), await texts(notes)) == (["one"], ["a note"])
            await proved(site)
            await say(bob, room, "two")
            assert await chat.contents(1) == ["two"]  # and not proved
            site.server.ready = False
            stopping = asyncio.create_task(site.server.leaving.leave(0))
            assert await chat.closed() == 1012
            await stopping
    async with running_server(TABLES, folder=tmp_path) as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        assert [state for state, _position in await rows(site)] == ["orphan"]
        await say(bob, room, "three")
        await notify(site, "T", {"message": "another"})
        async with ann.chat() as chat, ann.notws() as notes:
            assert await texts(chat) == ["two", "three"]
            assert await texts(notes) == ["another"]


async def test_what_was_proved_last_is_written_when_the_server_stops(tmp_path):
    async with running_server(TABLES, folder=tmp_path) as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        room = await ann.room_with(bob)
        async with ann.chat() as chat:
            await say(bob, room, "one")
            assert await chat.contents(1) == ["one"]
            await until(lambda: done(site.server, faces(site)[0]))
        await gone(site)
    async with running_server(TABLES, folder=tmp_path) as site:
        assert await rows(site) == [("key", 1)]


@pytest.mark.timeout(120)
async def test_a_kill_loses_nothing_and_what_was_proved_does_not_come_again(tmp_path):
    """Also one right after the handshake, and one after that."""
    config = tmp_path / "tornado_chat.toml"
    config.write_text(toml({"users": users(), "delivery": {"settle_seconds": 0.2}}))
    async with serving("-c", config, cwd=tmp_path) as server:
        site = Site(server)
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        room = await ann.room_with(bob)
        async with ann.chat() as chat, ann.notws("T") as notes:
            await say(bob, room, "one")
            await post_note(site, "a note")
            assert (await texts(chat), await texts(notes)) == (["one"], ["a note"])
            await proved_on_disk(tmp_path, 2)
            await say(bob, room, "two")
            await server.stop(signal.SIGKILL)
    for _ in range(2):
        async with serving("-c", config, cwd=tmp_path) as server:
            site = Site(server)
            async with FrontEnd(site, "ann").chat(), FrontEnd(site, "ann").notws():
                await server.stop(signal.SIGKILL)
    async with serving("-c", config, cwd=tmp_path) as server:
        site = Site(server)
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        await post_note(site, "another")
        await say(bob, room, "three")
        async with ann.chat() as chat, ann.notws() as notes:
            assert await texts(chat, 1.0) == ["two", "three"]
            assert await texts(notes, 1.0) == ["another"]


async def test_two_of_one_key_that_a_kill_has_dropped_both_find_their_place(tmp_path):
    """The database as a kill would leave it, copied while the server runs."""
    left = tmp_path / "left"
    left.mkdir()
    async with running_server(TABLES, folder=tmp_path) as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        room = await ann.room_with(bob)
        async with ann.chat() as quick, Wire.open(site, "/chat", "ann") as slow:
            slow.send("here")
            await until(lambda: len(faces(site)) == 2 and faces(site)[1].subscriptions[None].live)
            await say(bob, room, "one", "two")
            assert await quick.contents(2) == ["one", "two"]
            await until(lambda: any(done(site.server, each) for each in faces(site)))
            assert await rows(site) == [("open", 0), ("open", 2)]
            with (
                sqlite3.connect(tmp_path / "chat.db") as now,
                sqlite3.connect(left / "chat.db") as then,
            ):
                now.backup(then)
    async with running_server(TABLES, folder=left) as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        assert await rows(site) == [("orphan", 0), ("orphan", 2)]
        await say(bob, room, "three")
        async with ann.chat() as one:
            assert await texts(one) == ["one", "two", "three"]
            await proved(site)
            async with ann.chat() as two:
                assert await texts(two) == ["one", "two", "three"]


async def post_note(site, text):
    admin = FrontEnd(site, "admin")
    body = {"topic": "T", "message": {"message": text}, "userIds": ["u-ann"]}
    await admin.post("Notification", {"notification": body})


async def test_a_socket_that_opens_as_the_first_is_not_told_before_its_place_is_written(
    site, ann, bob
):
    """So nothing said after the handshake can be lost by a kill."""
    async with ann.chat():
        positions = await rows(site)
        assert positions == [("open", 0)]


async def test_the_places_of_two_people_and_two_keys_are_apart(site, ann, bob, carl):
    room = await ann.room_with(bob, carl, name="a")
    second = await another(site, "ann")
    async with ann.chat() as one, second.chat() as two, carl.chat() as other:
        await proved(site)
        await drop(one)
        await gone(site, 1)
        await say(bob, room, "one")
        assert (await texts(two), await texts(other)) == (["one"], ["one"])
        await proved(site)
        await drop(two)
        await drop(other)
    await gone(site)
    await gone(site, name="carl")
    async with second.chat() as two, carl.chat() as other, ann.chat() as one:
        assert await texts(two) == []
        assert await texts(other) == []
        assert await texts(one) == ["one"]


@pytest.mark.parametrize("fault", [Unavailable("locked"), ValueError("a row that is no JSON")])
async def test_what_cannot_be_looked_up_is_looked_up_again(monkeypatch, logs, fault):
    logs.expect("cannot look back")
    monkeypatch.setattr("tornado_chat.replay.RETRY_SECONDS", 0.05)
    async with running_server(FEW) as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        room = await ann.room_with(bob)
        async with away(site, ann):
            await say(bob, room, *range(8))
        look, faults = site.server.store.before, [fault]

        async def before(*asked):
            if faults:
                raise faults.pop()
            return await look(*asked)

        monkeypatch.setattr(site.server.store, "before", before)
        async with ann.chat() as chat:
            await chat.send("here")
            assert await texts(chat) == ["3", "4", "5", "6", "7"]
        assert not faults
