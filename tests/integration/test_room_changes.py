"""Front-ends hear that a room has changed, by a signal: those whom it concerns, and nobody else."""

import contextlib

import pytest

from support.growerp import FrontEnd
from support.rooms import PATH, ids, rooms_server
from support.server import running_server
from tornado_chat import Denied, Topic


@pytest.fixture
async def site():
    async with rooms_server() as running:
        yield running


@contextlib.asynccontextmanager
async def listening(site, *names, topic="mine"):
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(site.connect(name)) for name in names]
        for client in clients:
            await client.ok("subscribe", topic=topic)
        yield clients


async def heard(client, **data):
    """The signals that came since: room and sender of each; no frame of another sort. `data`: of them
    all."""
    await client.ok("ping")  # its answer comes last
    signals = [frame["signal"] for frame in client.pushed]
    client.pushed.clear()
    assert all(each["data"] == data and each["name"] == "changed" for each in signals)
    return [(each["topic"], each["sender"]) for each in signals]


async def test_who_is_in_a_new_room_hears_of_it_and_nobody_else(site):
    async with listening(site, "ann", "bob", "carl", "zoe") as (ann, bob, carl, zoe):
        answer = await site.fetch("POST", PATH, {"members": ids("bob")}, name="ann")
        topic = answer.json["room"]["topic"]
        assert await heard(ann) == await heard(bob) == [(topic, "u-ann")]
        assert await heard(carl) == await heard(zoe) == []
        await site.rooms.create(await site.who("ann"), members=ids("bob", "carl"), left=ids("carl"))
        assert len(await heard(ann)) == len(await heard(bob)) == 1
        assert await heard(carl) == []  # for whom it begins with its first message


async def test_all_members_hear_what_changes_for_all(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    topic = f"room:{room_id}"
    async with listening(site, "ann", "bob", "carl") as everybody:
        ann, bob, carl = everybody
        for body in ({"name": "Dinner"}, {"private": True}, {"name": None}):
            await site.fetch("PATCH", f"{PATH}/{room_id}", body, name="bob")
            assert await heard(ann) == await heard(bob) == [(topic, "u-bob")], body
        await site.change("ann", room_id, add=ids("carl"))
        assert [await heard(each) for each in everybody] == [[(topic, "u-ann")]] * 3
        await site.remove("ann", room_id, "u-carl")
        told = [await heard(each, removed="u-carl") for each in everybody]
        assert told == [[(topic, "u-ann")]] * 3
        await site.change("ann", room_id, name="Lunch")
        assert await heard(ann) == await heard(bob) == [(topic, "u-ann")]
        assert await heard(carl) == []
        await site.rooms.as_house().change(await site.who("ann"), room_id, name="Tea")
        assert await heard(ann) == [(topic, None)]


async def test_nobody_hears_of_what_changes_nothing(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    await site.make("ann", "bob", private=True)
    async with listening(site, "ann", "bob") as (ann, bob):
        await site.change("ann", room_id, name="Lunch", private=False, add=ids("bob"))
        await site.change("ann", room_id, active={"u-ann": True}, extra={"colour": "red"})
        await site.make("ann", "bob", private=True)
        await site.read("bob", room_id)
        with pytest.raises(Denied):
            await site.remove("bob", room_id, "u-ann")
        assert await heard(ann) == []
        await bob.ok("ping")
        assert [frame["signal"]["name"] for frame in bob.pushed] == ["seen"]


async def test_who_leaves_and_comes_back_is_told_on_all_his_devices_alone(site):
    lunch, pair = (
        await site.make("ann", "bob", name="Lunch"),
        await site.make("ann", "bob", private=True),
    )
    async with listening(site, "ann", "ann", "bob") as (ann, tablet, bob):

        async def told(room_id):
            found = await heard(ann)
            assert await heard(tablet) == found
            assert await heard(bob) == []
            return found == [(f"room:{room_id}", "u-ann")]

        await site.fetch("POST", f"{PATH}/{lunch}/leave", {}, name="ann")
        assert await told(lunch)
        await site.leave("ann", lunch)  # again: nothing
        assert await heard(ann) == []
        await site.fetch("PATCH", f"{PATH}/{lunch}", {"active": True}, name="ann")
        assert await told(lunch)
        await site.fetch("PATCH", f"{PATH}/{lunch}", {"active": False}, name="ann")
        assert await told(lunch)
        await site.leave("ann", pair)
        assert await told(pair)
        assert await site.make("ann", "bob", private=True) == pair
        assert await told(pair)


async def test_a_session_that_has_room_and_mine_is_told_once(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    async with listening(site, "bob") as (bob,):
        await bob.ok("subscribe", topic=f"room:{room_id}")
        await site.change("ann", room_id, name="Dinner")
        assert await heard(bob) == [(f"room:{room_id}", "u-ann")]


async def test_who_is_removed_hears_it_before_his_subscription_ends(site):
    room_id = await site.make("ann", "bob", "carl", name="Lunch")
    async with listening(site, "bob", "carl", topic=f"room:{room_id}") as (bob, carl):
        await site.remove("ann", room_id, "u-bob")
        assert (await bob.signal())["name"] == "changed"
        assert (await bob.next())["error"]["code"] == "denied"
        assert await heard(carl, removed="u-bob") == [(f"room:{room_id}", "u-ann")]


async def test_a_sender_cannot_choose_who_hears_his_signal(site):
    """What a person signals goes to those who have the room open, whatever its name."""
    room_id = await site.make("ann", "bob", name="Lunch")
    async with listening(site, "bob") as (bob,), listening(site, "ann") as (ann,):
        await ann.ok("signal", topic=f"room:{room_id}", name="changed", data={})
        assert await heard(bob) == []


async def test_5000_members_are_one_signal_encoded_once(site):
    crowd = [f"x{number:04}" for number in range(4998)]
    room_id = await site.make("ann", "bob")
    topic = Topic("SHOP", "room", room_id)
    await site.server.write(lambda tx: tx.members.add(topic, crowd))
    async with listening(site, "ann", "bob") as (ann, bob):
        hub = site.server.hub
        before = hub.encoded, hub.looked_at
        await site.change("ann", room_id, name="All hands")
        assert (hub.encoded - before[0], hub.looked_at - before[1]) == (1, 2)
        assert await heard(ann) == await heard(bob) == [(topic.name, "u-ann")]


async def test_sockets_of_the_face_see_nothing_of_any_signal():
    """Of a room that changes, of who is here and who types."""
    async with running_server() as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        async with (
            bob.chat() as chat,
            bob.notws("ALL") as notes,
            listening(site, "bob") as (native,),
        ):
            room_id = await ann.room_with(bob, name="Lunch", private=False)
            topic = Topic("SHOP", "room", room_id)
            body = {"chatRoom": {"chatRoomId": room_id, "chatRoomName": "Dinner"}}
            await ann.good("PATCH", "ChatRoom", body)
            assert await heard(native) == [(topic.name, "u-ann")] * 2
            async with site.connect("ann") as typing:
                await native.ok("subscribe", topic=topic.name)
                await typing.ok("signal", topic=topic.name, name="typing", data={})
                assert (await native.signal())["name"] == "typing"
                site.server.signal(topic, "here", {"user_id": "u-ann", "here": True})
                assert (await native.next())["signal"]["name"] == "here"
            await ann.say(room_id, "the end")
            assert (await chat.next())["content"] == "the end"
            await notes.quiet()
