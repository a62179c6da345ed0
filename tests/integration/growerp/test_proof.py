"""What was not proved comes again, what was proved does not (design section 5 rules 5 and 6)."""

import asyncio
import contextlib
import socket as sockets
import sqlite3
from dataclasses import replace

import pytest
from tornado_chat_plugins.notifications.models import Note
from websockets.exceptions import InvalidStatus

from support.growerp import FrontEnd, notify, until
from support.proofs import another, done, drop, faces, gone, proved, rows, stored, texts
from support.server import key_of, merged, running_server
from support.wire import PING, PONG, Wire
from tornado_chat.store.models import CursorRow

TABLES = {"plugins": {"disabled": ["order_list"]}}


@pytest.fixture
def impatient(monkeypatch):
    """Who does not answer at once is half open."""
    monkeypatch.setattr("tornado_chat.cursors.PROBE_SECONDS", 0.2)


@pytest.fixture
async def room(ann, bob):
    return await ann.room_with(bob)


async def say(who, room, *contents):
    for content in contents:
        await who.say(room, content)


async def note(site, *contents, **more):
    for content in contents:
        await notify(site, "T", {"message": content}, **more)


# Missed, sent again, proved


async def test_what_came_while_away_comes_once(site, ann, bob, room):
    async with ann.chat() as chat:
        await say(bob, room, "one")
        assert await texts(chat) == ["one"]
        await proved(site)
        await drop(chat)
    await gone(site)
    await say(bob, room, "two", "three")
    async with ann.chat() as chat:
        assert await texts(chat) == ["two", "three"]
        await proved(site)
        await drop(chat)
    await gone(site)
    async with ann.chat() as chat:
        assert await texts(chat) == []
        await say(bob, room, "four")
        assert await texts(chat) == ["four"]


async def test_notifications_too_persisted_or_not(site, ann):
    async with ann.notws("ALL") as notes:
        await note(site, "one")
        assert await texts(notes) == ["one"]
        await proved(site)
        await drop(notes)
    await gone(site)
    await note(site, "two")
    await note(site, "three", persist=True)
    async with ann.notws() as notes:  # without a word: its topics are remembered
        assert await texts(notes) == ["two", "three"]
        await proved(site)
        await drop(notes)
    await gone(site)
    async with ann.notws() as notes:
        assert await texts(notes) == []


async def test_what_was_sent_and_not_proved_comes_again(site, ann, bob, room):
    async with ann.chat() as chat:
        await say(bob, room, "one")
        assert await texts(chat, 0.1) == ["one"]
        await drop(chat)
    await gone(site)
    async with ann.chat() as chat:
        assert await texts(chat) == ["one"]


async def test_a_proof_follows_within_a_second_and_is_stored_within_another(site, ann, bob, room):
    async with ann.chat() as chat:
        await say(bob, room, "one")
        assert await chat.contents(1) == ["one"]
        mark = site.server.hub.mark

        def work(_tx):
            return [row.position for row in CursorRow.select()]

        async with asyncio.timeout(20):
            while await site.server.read(work) != [mark]:
                await asyncio.sleep(0.02)


async def test_a_pong_that_nobody_asked_for_proves_nothing(site, ann, bob, room):
    async with Wire.open(site, "/chat", "ann") as wire:
        wire.send("here")
        await until(lambda: faces(site)[0].subscriptions[None].live)
        await say(bob, room, "one")
        assert (await wire.next())["content"] == "one"
        site.server.heartbeat.tick()
        opcode, serial = await wire.frame()
        assert opcode == PING
        for payload in (b"", b"0", b"x" * 125, serial + b"0", b"0" + serial):
            wire.write(PONG, payload)
        wire.send("a frame, so that they are read")
        await until(lambda: site.server.heartbeat.unproven_for(faces(site)[0]) < 0.5)
        await asyncio.sleep(0.05)
        cursor = faces(site)[0].cursor
        assert cursor.position == cursor.start < site.server.hub.mark
        wire.write(PONG, serial)
        await until(lambda: cursor.position == site.server.hub.mark)


async def test_the_position_of_an_idle_socket_moves_with_what_was_not_for_it(site, ann, bob, carl):
    room = await bob.room_with(carl)
    async with ann.chat() as chat:
        await say(bob, room, "one", "two")
        await proved(site)
        assert (await rows(site))[-1] == ("open", site.server.hub.mark)
        commits = site.server.store.writer.commits
        await proved(site)  # nothing was said: nothing is written
        assert site.server.store.writer.commits == commits + 1  # that of `stored` itself
        await chat.quiet(0.05)


# Ends


@pytest.mark.parametrize("code", [1000, 1001])
async def test_a_close_by_the_peer_folds_into_what_the_key_has_had(site, ann, bob, room, code):
    for content in ("one", "two"):
        async with ann.chat() as chat:
            await say(bob, room, content)
            assert await texts(chat, 0.1) == [content]
            await proved(site)
            await chat.socket.close(code)
        await gone(site)
        assert await rows(site) == [("key", site.server.hub.mark)]
    await say(bob, room, "three")
    async with ann.chat() as chat:
        assert await texts(chat) == ["three"]


@pytest.mark.parametrize("code", [1011, 3000])
async def test_any_other_end_leaves_an_orphan(site, ann, bob, room, code):
    async with ann.chat() as chat:
        await proved(site)
        await chat.socket.close(code)
    await gone(site)
    assert await rows(site) == [("orphan", site.server.hub.mark)]


async def test_who_is_ended_by_the_house_leaves_no_orphan(site, ann, room):
    ann = await another(site, "ann")
    async with ann.chat() as chat:
        await proved(site)
        await ann.post("Logout")
        assert await chat.closed() == 1008
    assert [state for state, _position in await rows(site)] == ["key"]


async def test_a_socket_that_was_never_opened_costs_nobody_anything(site, ann, bob, room):
    async with ann.chat() as chat:
        await proved(site)
        await drop(chat)
    await gone(site)
    await say(bob, room, "one")
    assert (await site.fetch("GET", "/chat", name="dora")).code == 400
    foreign = {"Upgrade": "websocket", "Connection": "upgrade", "Origin": "https://evil.example"}
    site.server.origins.allow_only(["https://app.example"])
    assert (await site.fetch("GET", "/chat", name="dora", headers=foreign)).code == 403
    assert await rows(site, user="u-dora") == []
    before = await rows(site)
    for headers in (
        {},
        {"Upgrade": "websocket"},
        {"Upgrade": "websocket", "Connection": "upgrade"},
    ):
        answer = await site.fetch("GET", "/chat", name="ann", headers=headers)
        assert answer.code in {400, 426}
    after = await rows(site)
    assert [position for _state, position in after] == [position for _state, position in before]
    async with ann.chat() as chat:
        assert await texts(chat) == ["one"]


async def test_who_goes_while_the_door_is_opened_is_not_thought_to_be_there(site, monkeypatch):
    enter, entered = asyncio.Event(), asyncio.Event()

    async def slow(_identity):
        entered.set()
        await enter.wait()

    monkeypatch.setattr(site.server.listener._house.dialects["/chat"], "enter", slow)
    raw = sockets.create_connection(("127.0.0.1", site.port))
    raw.sendall(
        f"GET /chat?api_key={key_of('ann')} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    await entered.wait()
    raw.close()
    await asyncio.sleep(0.1)
    enter.set()
    async with asyncio.timeout(5):
        while [state for state, _position in await rows(site)] != ["orphan"]:
            await asyncio.sleep(0.01)
    assert not site.server.hub.all_sessions()
    assert not site.server.sockets.handlers


# Two sockets of one key


@pytest.mark.parametrize("first", [0, 1])
async def test_two_of_one_key_both_dropped_lose_nothing_whichever_returns_first(
    site, ann, bob, room, first
):
    """One has seen two messages more than the other; each is followed by what it did not see."""
    async with ann.chat() as quick, Wire.open(site, "/chat", "ann") as slow:
        slow.send("here")
        await say(bob, room, "one")
        assert (await slow.next())["content"] == "one"
        await asyncio.sleep(0.05)
        for session in faces(site):
            site.server.heartbeat.ask(session)
        opcode, serial = await slow.frame()
        assert opcode == PING
        slow.write(PONG, serial)
        await until(lambda: all(done(site.server, each) for each in faces(site)))
        await say(bob, room, "two", "three")
        assert await quick.contents(3) == ["one", "two", "three"]
        await until(lambda: any(done(site.server, each) for each in faces(site)))
        await drop(quick)
    await gone(site)
    positions = [position for _state, position in await rows(site)]
    assert len(positions) == 2
    assert positions[0] < positions[1]
    await say(bob, room, "four")
    needs = [["two", "three", "four"], ["four"]]
    if first:
        needs.reverse()
    async with contextlib.AsyncExitStack() as stack:
        for need in needs:
            back = await stack.enter_async_context(ann.chat())
            seen = await texts(back)
            assert seen[-len(need) :] == need
            await proved(site)
    await gone(site)
    async with ann.chat() as third:
        assert await texts(third) == []


async def test_a_second_socket_of_a_key_that_lives_starts_where_that_is(site, ann, bob, room):
    async with ann.chat() as one:
        await say(bob, room, "one")
        assert await one.contents(1) == ["one"]
        await proved(site)
        async with ann.chat() as two:
            assert await texts(two) == []
            await say(bob, room, "two")
            assert (await one.contents(1), await two.contents(1)) == (["two"], ["two"])
            await proved(site)
            assert [state for state, _position in await rows(site)] == ["open", "open"]


async def test_orphans_that_nobody_comes_for_are_started_from_for_ten_minutes(site, ann, bob, room):
    async with ann.chat() as one, ann.chat() as two:
        await proved(site)
        await drop(one)
        await gone(site, 1)
        await say(bob, room, "one")
        await proved(site)
        await drop(two)
    await gone(site)
    for content in ("two", "three"):
        await say(bob, room, content)
        async with ann.chat() as two:
            assert (await texts(two))[0] == "one"  # again, for the other might have come
            await proved(site)
            await drop(two)
        await gone(site)

    def ten_minutes_later(_tx):
        spared = CursorRow.until.is_null(False)
        assert CursorRow.select().where(spared).count() == 1
        CursorRow.update(until=CursorRow.until - 600_000).where(spared).execute()

    await site.server.write(ten_minutes_later)
    await say(bob, room, "four")
    async with ann.chat() as two:
        assert await texts(two) == ["four"]


# Half open, slow, silent


async def test_a_half_open_socket_counts_as_gone(site, ann, bob, room, impatient):
    async with Wire.open(site, "/chat", "ann") as dead:
        dead.send("here")
        await until(lambda: faces(site)[0].subscriptions[None].live)
        await say(bob, room, "one", "two")  # nobody reads them, and nobody knows
        async with ann.chat() as chat:
            assert await texts(chat, 0.6) == ["one", "two"]
            await proved_by_the_last(site)
            await drop(chat)
        await gone(site, 1)
        async with ann.chat() as chat:  # the dead one was taken over, once
            assert await texts(chat, 0.6) == []
            await proved_by_the_last(site)
    await gone(site)
    assert [state for state, _position in await rows(site)] == ["key"]


async def proved_by_the_last(site):
    session = max(faces(site), key=lambda each: each.id)
    site.server.heartbeat.ask(session)
    await until(lambda: session.cursor.position == site.server.hub.mark)
    await stored(site)


async def test_one_whose_ping_is_overdue_is_not_waited_for(site, ann, bob, room, impatient):
    async with Wire.open(site, "/chat", "ann") as dead:
        dead.send("here")
        await until(lambda: faces(site)[0].subscriptions[None].live)
        await say(bob, room, "one")
        site.server.heartbeat.tick()
        await asyncio.sleep(0.3)
        async with ann.chat() as chat:
            await chat.send("here")
            assert (await chat.next(0.2))["content"] == "one"


@pytest.mark.parametrize("further", ["the dead one", "the dropped one"])
async def test_nothing_is_lost_between_a_half_open_one_and_one_that_dropped(
    site, ann, bob, room, impatient, further
):
    """Two return, in the place of two that are gone; of one the server does not know it."""
    async with ann.chat() as dropped, Wire.open(site, "/chat", "ann") as dead:
        dead.send("here")
        await until(lambda: len(faces(site)) == 2 and faces(site)[1].subscriptions[None].live)
        if further == "the dropped one":
            await say(bob, room, "one")
            await until(lambda: done(site.server, faces(site)[0]))
            await drop(dropped)
            await gone(site, 1)
        else:
            await drop(dropped)
            await gone(site, 1)
            await say(bob, room, "one")
            assert (await dead.next())["content"] == "one"
            site.server.heartbeat.ask(faces(site)[0])
            dead.write(PONG, (await dead.frame())[1])
            await until(lambda: faces(site)[0].cursor.position == site.server.hub.mark)
        await say(bob, room, "two")
        for _ in range(2):
            async with ann.chat() as back:
                assert await texts(back, 0.6) == ["one", "two"]
                await proved_by_the_last(site)
            await gone(site, 1)
        async with ann.chat() as third:
            assert await texts(third, 0.6) == []


async def test_one_that_drops_while_it_is_asked_is_gone_too(site, ann, bob, room):
    """A third one lives and has everything, so that the new one would start after what it missed."""
    async with ann.chat() as living, Wire.open(site, "/chat", "ann") as dead:
        dead.send("here")
        await until(lambda: len(faces(site)) == 2 and faces(site)[1].subscriptions[None].live)
        await say(bob, room, "one")
        assert await living.contents(1) == ["one"]
        await until(lambda: any(done(site.server, each) for each in faces(site)))
        async with ann.chat() as chat:
            await chat.send("here")
            await chat.quiet(0.2)
            dead.writer.transport.abort()
            assert await texts(chat) == ["one"]
            await proved(site)
            async with ann.chat() as another_one:
                assert await texts(another_one) == []


async def test_one_that_was_thought_dead_and_lives_has_its_place_again(
    site, ann, bob, room, impatient
):
    async with Wire.open(site, "/chat", "ann") as late:
        late.send("here")
        await until(lambda: faces(site)[0].subscriptions[None].live)
        cursor = faces(site)[0].cursor
        await say(bob, room, "one")
        async with ann.chat() as chat:
            assert await texts(chat, 0.6) == ["one"]
            await until(lambda: cursor.taken)
            assert (await late.next())["content"] == "one"
            opcode, serial = await late.frame()
            assert opcode == PING
            late.write(PONG, serial)
            await until(lambda: not cursor.taken)
            await proved_by_the_last(site)
            await drop(chat)
        await gone(site, 1)
        assert cursor.state == "open"
    await gone(site)
    assert [state for state, _position in await rows(site)] == ["orphan", "orphan"]


async def test_one_that_proves_nothing_new_has_its_place_again_too(site, ann, impatient):
    async with Wire.open(site, "/chat", "ann") as late:
        late.send("here")
        await until(lambda: faces(site)[0].subscriptions[None].live)
        cursor = faces(site)[0].cursor
        async with ann.chat():
            opcode, serial = await late.frame()
            assert opcode == PING
            await until(lambda: cursor.taken)
            assert await rows(site) == [("open", 0)]
            late.write(PONG, serial)
            await until(lambda: not cursor.taken)
            assert await rows(site) == [("open", 0), ("open", 0)]


async def test_a_socket_that_stops_reading_gets_the_rest_when_it_reads_again(ann, bob):
    tables = merged(TABLES, {"limits": {"outbox_bytes": 20_000, "frames_per_second": 0}})
    async with running_server(tables) as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        room = await ann.room_with(bob)
        async with Wire.open(site, "/chat", "ann", window=4096) as wire:
            wire.send("here")
            await until(lambda: faces(site) and faces(site)[0].subscriptions[None].live)
            for n in range(600):
                await bob.say(room, f"{n} " + "x" * 10_000)
            session = faces(site)[0]
            assert not session.subscriptions[None].live  # its pings wait behind a full outbox
            site.server.heartbeat.tick()
            position = session.cursor.position
            seen = []
            while len(seen) < 600:
                opcode, payload = await wire.frame(10)
                if opcode == PING:
                    wire.write(PONG, payload)
                else:
                    seen.append(payload)
            assert [int(each.split(b'"content":"')[1].split()[0]) for each in seen] == list(
                range(600)
            )
            await until(lambda: session.cursor.position > position)


# When nothing may be written


async def test_nothing_is_written_before_the_first_frame_or_the_time():
    tables = merged(TABLES, {"delivery": {"settle_seconds": 1.0}})
    async with running_server(tables) as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        room = await ann.room_with(bob)
        async with ann.chat() as chat:
            await drop(chat)
        await gone(site)
        await say(bob, room, "one")
        async with ann.chat() as chat:
            await say(bob, room, "two")
            await chat.quiet(0.5)
            await chat.send("anything")
            assert await texts(chat) == ["one", "two"]
            await drop(chat)
        await gone(site)
        async with ann.chat() as chat:
            await chat.quiet(0.5)
            assert await chat.contents(2) == ["one", "two"]


# The store


async def test_a_socket_opens_while_the_store_cannot_write_and_its_row_follows(tmp_path, logs):
    logs.expect("database: ")
    async with running_server(TABLES, folder=tmp_path) as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        room = await ann.room_with(bob)
        async with ann.chat() as chat:
            await proved(site)
            await drop(chat)
        await gone(site)
        await say(bob, room, "one")
        lock = locked(tmp_path)
        async with ann.chat() as chat:
            assert await texts(chat) == ["one"]
            lock.rollback()
            lock.close()
            await proved(site)
            await until_async(lambda: has_rows(site, ("open", site.server.hub.mark)))
            await drop(chat)
        await gone(site)
        await say(bob, room, "two")
        async with ann.chat() as chat:
            # its older orphan could not be struck off: once more, not nothing
            assert (await texts(chat))[-1] == "two"


async def test_where_the_place_cannot_even_be_looked_up_the_door_is_shut_for_a_moment(
    site, ann, bob, room, logs
):
    for line in ("cursors: cannot be written", "GET /chat 503"):
        logs.expect(line)
    async with ann.chat() as chat:
        await proved(site)
        await drop(chat)
    await gone(site)
    await say(bob, room, "one")
    await rename(site, "cursor", "aside")
    with pytest.raises(InvalidStatus) as refused:
        async with ann.chat():
            pass
    assert refused.value.response.status_code == 503
    assert int(refused.value.response.headers["Retry-After"]) > 0
    await rename(site, "aside", "cursor")
    async with ann.chat() as chat:
        assert await texts(chat) == ["one"]


async def rename(site, old, new):
    database = CursorRow._meta
    sql = f"ALTER TABLE {old} RENAME TO {new}"
    await site.server.write(lambda _tx: database.database.execute_sql(sql))


def locked(folder):
    lock = sqlite3.connect(folder / "chat.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    return lock


@pytest.mark.parametrize("busy", [0.2, 5.0])
async def test_the_row_of_a_socket_that_nobody_writes_to_follows_too(
    tmp_path, logs, monkeypatch, busy
):
    """What was asked of the store has failed by then, or is still to be done; there is one row."""
    logs.expect("database: ")
    monkeypatch.setattr("tornado_chat.store.database.BUSY_SECONDS", busy)
    monkeypatch.setattr("tornado_chat.write_behind.RETRY_SECONDS", 0.2)
    async with running_server(TABLES, folder=tmp_path) as site:
        lock = locked(tmp_path)
        async with FrontEnd(site, "ann").chat():
            await asyncio.sleep(2 * busy if busy < 1 else 0)
            site.server.cursors.flush()
            await asyncio.sleep(2 * busy if busy < 1 else 0)
            lock.rollback()
            lock.close()
            await until_async(lambda: has_rows(site, ("open", 0)))
        await gone(site)
        assert await rows(site) == [("key", 0)]


async def has_rows(site, *wanted):
    found = await rows(site)
    return all(each in found for each in wanted)


async def until_async(found, seconds=10.0):
    async with asyncio.timeout(seconds):
        while not await found():
            await asyncio.sleep(0.05)


async def test_where_nothing_is_sent_again_nothing_is_kept(ann, bob):
    for off in ({"replay_messages": 0}, {"replay_hours": 0}):
        async with running_server(merged(TABLES, {"delivery": off})) as site:
            ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
            room = await ann.room_with(bob)
            async with ann.chat() as chat:
                await say(bob, room, "one")
                assert await texts(chat) == ["one"]
                await drop(chat)
            await gone(site)
            await say(bob, room, "two")
            async with ann.chat() as chat:
                assert await texts(chat) == []
                await say(bob, room, "three")
                assert await texts(chat) == ["three"]
            assert await rows(site) == []


async def test_a_bound_that_is_read_again_holds_for_the_next_socket(site, ann, bob, room):
    """As SIGHUP sets it."""
    config = site.server.config
    for messages, missed in [(2, ["b", "c"]), (0, []), (1000, [])]:
        async with ann.chat() as chat:
            await say(bob, room, "here")
            assert (await texts(chat))[-1] == "here"
            await drop(chat)
        await gone(site)
        delivery = replace(config.delivery, replay_messages=messages)
        site.server.config = replace(config, delivery=delivery)
        await say(bob, room, "a", "b", "c")
        async with ann.chat() as chat:
            found = await texts(chat)
            assert found == missed or messages == 1000  # on again: what there is from before
            await drop(chat)
        await gone(site)
    await say(bob, room, "d")
    async with ann.chat() as chat:
        assert (await texts(chat))[-1] == "d"


# Another key of the same person


async def test_a_new_key_starts_where_another_of_the_person_was_left(site, ann, bob, room):
    async with ann.chat() as chat:
        await proved(site)
        await drop(chat)
    await gone(site)
    await say(bob, room, "one")
    other = await another(site, "ann")
    async with other.chat() as chat:
        assert await texts(chat) == ["one"]
        await proved(site)
    await gone(site)
    async with other.chat() as chat:
        assert await texts(chat) == []
    await gone(site)
    async with ann.chat() as chat:  # its own place was left alone
        assert await texts(chat) == ["one"]


async def test_somebody_who_was_never_here_starts_now(site, ann, bob, room):
    await say(bob, room, "one")
    async with ann.chat() as chat:
        assert await texts(chat) == []


async def test_the_two_sockets_have_their_own_places(site, ann, bob, room):
    async with ann.chat() as chat, ann.notws("ALL") as notes:
        await proved(site)
        await drop(chat)
        await gone(site, 1)
        await say(bob, room, "one")
        await note(site, "a note")
        assert await texts(notes) == ["a note"]
        await proved(site)
        await drop(notes)
    await gone(site)
    async with ann.notws() as notes, ann.chat() as chat:
        assert await texts(notes) == []
        assert await texts(chat) == ["one"]


# Proof and `sentDate`


async def test_sent_is_noted_by_proof_and_the_first_time_stays(site, ann):
    async def sent():
        identity = await site.server.accounts.identify(ann.key, "127.0.0.1")
        return [each.sent for each in await site.server.service("notifications").list(identity)]

    async with Wire.open(site, "/notws", "ann") as wire:
        wire.send("subscribe: ALL")
        await until(lambda: faces(site)[0].subscriptions[None].live)
        await note(site, "one", persist=True)
        await note(site, "two")
        assert [(await wire.next())["persistOnSend"] for _ in range(2)] == [True, False]
        site.server.heartbeat.tick()
        opcode, serial = await wire.frame()
        assert opcode == PING
        await note(site, "three", persist=True)  # behind the ping
        assert (await wire.next())["message"] == {"message": "three"}
        assert await sent() == [None, None]
        wire.write(PONG, serial)
        async with asyncio.timeout(5):
            while (times := await sent()) == [None, None]:
                await asyncio.sleep(0.05)
        assert times[0] is None
    await gone(site)
    async with ann.notws() as notes:
        assert await texts(notes) == ["three"]
        await proved(site)
        async with asyncio.timeout(5):
            while (await sent())[0] is None:
                await asyncio.sleep(0.05)
        assert (await sent())[1] == times[1]
    assert await site.server.read(lambda _tx: Note.select().count()) == 2


# What it costs


async def test_nothing_scans_the_sockets():
    """By counting: what two say to one another is no work for the sockets of others."""
    async with (
        running_server(merged(TABLES, {"limits": {"sockets_per_user": 0}})) as site,
        contextlib.AsyncExitStack() as stack,
    ):
        bob, carl = FrontEnd(site, "bob"), FrontEnd(site, "carl")
        room = await bob.room_with(carl)
        for _ in range(20):
            ann = await another(site, "ann")
            await stack.enter_async_context(ann.notws("nothing"))
            await stack.enter_async_context(ann.chat())
        chat = await stack.enter_async_context(carl.chat())
        await proved(site)
        heartbeat, hub = site.server.heartbeat, site.server.hub
        before = heartbeat.looked_at, hub.looked_at
        await say(bob, room, *map(str, range(10)))
        assert len(await chat.contents(10)) == 10
        heartbeat.tick()
        assert heartbeat.looked_at - before[0] <= 2  # carl's, and with the timer's own tick again
        assert hub.looked_at - before[1] == 10
