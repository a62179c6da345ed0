"""What somebody has read: arithmetic, one state for all devices and both faces."""

import asyncio
import json

import pytest

from support.queries import counted_queries
from support.rooms import rooms_server
from support.server import running_server


async def unread(site, name, room):
    return (await site.get(name, room)).unread


@pytest.fixture
async def site():
    async with rooms_server() as running:
        yield running


async def test_native_seen(site):
    room = await site.make("ann", "bob")
    topic = f"room:{room}"
    places = [(await site.say("ann", room, str(n))).offset for n in range(5)]
    async with site.connect("bob") as bob:
        for place, left in [(places[1], 3), (places[0], 3), (places[3], 1), (places[4], 0)]:
            reply = await bob.ok("seen", topic=topic, offset=place)
            assert reply["unread"] == left == await unread(site, "bob", room)
            assert reply["topic"] == topic
        assert reply["offset"] == places[4]
        assert (await bob.ok("seen", topic=topic, offset=0)) == {
            "topic": topic,
            "offset": places[4],
            "unread": 0,
        }


async def test_ones_own_messages_are_not_unread_wherever_one_has_read_to(site):
    room = await site.make("ann", "bob")
    said = [await site.say(name, room) for name in ("ann", "bob", "ann", "bob", "bob", "ann")]
    async with site.connect("bob") as bob:
        for place, left in [(0, 2), (1, 2), (2, 1), (3, 1), (4, 1), (5, 0)]:
            reply = await bob.ok("seen", topic=f"room:{room}", offset=said[place].offset)
            assert reply["unread"] == left == await unread(site, "bob", room), place


async def test_beyond_the_head_is_all_there_is(site):
    room = await site.make("ann", "bob")
    await site.say("ann", room)
    async with site.connect("bob") as bob:
        reply = await bob.ok("seen", topic=f"room:{room}", offset=10**12)
        assert (reply["offset"], reply["unread"]) == (1, 0)


async def test_between_two_messages_of_the_room_counts_those_before(site):
    room, other = await site.make("ann", "bob"), await site.make("ann", "bob", name="other")
    await site.say("ann", room)
    between = (await site.say("ann", other)).offset
    await site.say("ann", room)
    async with site.connect("bob") as bob:
        assert (await bob.ok("seen", topic=f"room:{room}", offset=between))["unread"] == 1


async def test_the_other_devices_are_told_and_nobody_else(site):
    room = await site.make("ann", "bob")
    said = await site.say("ann", room)
    async with (
        site.connect("bob") as desk,
        site.connect("bob") as phone,
        site.connect("ann") as ann,
    ):
        await ann.ok("subscribe", topic=f"room:{room}")
        await desk.ok("seen", topic=f"room:{room}", offset=said.offset)
        expected = {
            "signal": {
                "topic": f"room:{room}",
                "name": "seen",
                "sender": "u-bob",
                "data": {"offset": said.offset, "unread": 0},
            }
        }
        assert await phone.next() == expected
        assert await desk.next() == expected
        await desk.ok("seen", topic=f"room:{room}", offset=said.offset)
        await phone.quiet()  # nothing has changed
        await ann.ok("ping")  # its answer comes last
        assert {each["signal"]["name"] for each in ann.pushed} <= {"here"}


@pytest.mark.parametrize("topic", ["room:999", "room:{}"])
async def test_who_is_no_member_is_denied(site, topic):
    room = await site.make("ann", "carl")
    async with site.connect("bob") as bob:
        assert await bob.refused("seen", topic=topic.format(room), offset=1) == "denied"


async def test_it_costs_the_same_in_a_short_and_in_a_long_room(site):
    costs = []
    for count in (3, 300):
        room = await site.make("ann", "bob", name=f"of {count}")
        said = [await site.say("ann", room) for _ in range(count)]
        async with site.connect("bob") as bob:
            await bob.ok("subscribe", topic=f"room:{room}")
            with counted_queries() as statements:
                await bob.ok("seen", topic=f"room:{room}", offset=said[-2].offset)
            here = ("chat_rooms_room", "GROUP BY")  # who is here is looked up meanwhile
            costs.append(len([each for each in statements.all if not any(w in each for w in here)]))
    assert costs[0] == costs[1]


async def test_grow_erp_reads_the_same_state():
    async with running_server() as site, site.connect("bob") as bob:
        made = await site.fetch(
            "POST",
            "/rest/s1/growerp/100/ChatRoom",
            {"chatRoom": {"isPrivate": False, "chatRoomName": "x", "members": [
                {"user": {"userId": "u-bob"}}]}},
            name="ann",
        )  # fmt: skip
        room = made.json["chatRoom"]["chatRoomId"]

        async def has_read():
            rooms = (await site.fetch("GET", "/rest/s1/growerp/100/ChatRoom", name="bob")).json
            (found,) = [each for each in rooms["chatRooms"] if each["chatRoomId"] == room]
            return found["hasRead"]

        async def say(text):
            body = {"chatMessage": {"chatRoom": {"chatRoomId": room}, "content": text}}
            await site.fetch("POST", "/rest/s1/growerp/100/ChatMessage", body, name="ann")

        await say("one")
        assert await has_read() is False
        head = site.server.hub.mark
        assert (await bob.ok("seen", topic=f"room:{room}", offset=head))["unread"] == 0
        assert await has_read() is True
        assert (await bob.next())["signal"]["name"] == "seen"
        await say("two")
        assert await has_read() is False
        await site.fetch("GET", f"/rest/s1/growerp/100/ChatMessage?chatRoomId={room}", name="bob")
        assert await has_read() is True
        assert (await bob.next())["signal"]["data"]["unread"] == 0  # read on the other device


async def test_a_grow_erp_socket_hears_nothing_of_it():
    async with running_server() as site:
        room, _ = await site.server.service("chat_rooms").create(
            await who(site, "ann"), members=["u-bob"]
        )
        async with site.open("/chat", "bob") as chat, site.connect("bob") as bob:
            message = await site.server.publish(
                room_topic(room.room_id), {"content": "hi"}, sender="u-ann"
            )
            assert json.loads(await asyncio.wait_for(chat.recv(), 5))["content"] == "hi"
            await bob.ok("seen", topic=f"room:{room.room_id}", offset=message.offset)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(chat.recv(), 0.3)


async def test_notifications_that_are_listed_are_viewed_up_to_there():
    async with running_server() as site, site.connect("bob") as bob, site.connect("bob") as phone:
        service = site.server.service("notifications")
        sent = [
            await service.send("SHOP", name, {"message": name}, persist=True)
            for name in ("Stock", "Stock", "Other", "Stock")
        ]
        reply = await bob.ok("seen", topic="Stock", offset=sent[1].offset)
        assert (reply["offset"], reply["unread"]) == (sent[1].offset, 1)
        told = (await phone.next())["signal"]
        assert (told["name"], told["topic"]) == ("viewed", "Stock")
        assert told["data"] == {"ids": [each.id for each in sent[:2]]}
        listed = await service.list(await who(site, "bob"))
        assert [each.viewed is not None for each in listed] == [False, False, True, True]
        for offset, upto, left in [(0, 1, 1), (10**9, 3, 0), (1, 3, 0)]:  # never back, never beyond
            reply = await bob.ok("seen", topic="Stock", offset=offset)
            assert (reply["offset"], reply["unread"]) == (sent[upto].offset, left)


def room_topic(room_id):
    from tornado_chat import Topic

    return Topic("SHOP", "room", room_id)


async def who(site, name):
    from support.server import key_of
    from tornado_chat import Credentials

    return await site.server.identify(Credentials(key=key_of(name)))


async def test_ones_own_that_were_thrown_away_do_not_count_for_those_that_are_left():
    async with rooms_server({"retention": {"messages": 5}}) as site:
        room = await site.make("ann", "bob")
        topic = f"room:{room}"
        for _ in range(4):
            await site.say("bob", room)
        places = [(await site.say("ann", room, str(n))).offset for n in range(5)]
        assert await unread(site, "bob", room) == 5
        await site.server.retention.run()
        assert await unread(site, "bob", room) == 5
        async with site.connect("bob") as bob:
            for place, left in [(places[1], 3), (places[2], 2)]:
                reply = await bob.ok("seen", topic=topic, offset=place)
                assert reply["unread"] == left == await unread(site, "bob", room)
