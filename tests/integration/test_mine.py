"""`mine`: all that is addressed to somebody, as one subscription with one position."""

import asyncio

import pytest
import tornado_chat_plugins.notifications as notifications_plugin

from support.rooms import rooms_server
from support.server import running_server
from tornado_chat import Audience, Topic
from tornado_chat.outbox import Outbox

MANY = 200


async def said(client, count):
    pushes = [await client.push() for _ in range(count)]
    assert [each["offset"] for each in pushes] == sorted({each["offset"] for each in pushes})
    return [(each["topic"], each["data"]["content"]) for each in pushes]


@pytest.fixture
async def site():
    async with rooms_server() as running:
        yield running


async def test_what_is_said_in_my_rooms_and_nothing_else(site):
    ours = await site.make("ann", "bob")
    theirs = await site.make("carl", "dora")
    async with site.connect("bob") as bob:
        reply = await bob.ok("subscribe", topic="mine")
        assert reply == {
            "topic": "mine",
            "epoch": reply["epoch"],
            "offset": 0,
            "complete": False,
            "state": None,
        }
        await site.say("carl", theirs, "not for bob")
        await site.say("ann", ours, "hello")
        await site.say("bob", ours, "my own, too")
        assert await said(bob, 2) == [(f"room:{ours}", "hello"), (f"room:{ours}", "my own, too")]
        await bob.quiet()


async def test_it_resumes_over_all_of_them_in_one_order(site):
    rooms = [await site.make("ann", "bob", name=f"r{n}") for n in range(5)]
    first = await site.say("ann", rooms[0], "seen")
    for n in range(MANY):
        await site.say("ann", rooms[n % 5], str(n))
    since = {"epoch": first.epoch, "offset": first.offset}
    async with site.connect("bob") as bob:
        reply = await bob.ok("subscribe", topic="mine", since=since)
        assert (reply["complete"], reply["offset"]) == (True, MANY + 1)
        assert await said(bob, MANY) == [(f"room:{rooms[n % 5]}", str(n)) for n in range(MANY)]
        await bob.quiet()


async def test_a_room_that_one_joined_later_begins_there(site):
    room = await site.make("ann", "carl", name="ours")
    await site.say("ann", room, "before bob")
    await site.change("ann", room, add=["u-bob"])
    await site.say("ann", room, "with bob")
    async with site.connect("bob") as bob:
        await bob.ok("subscribe", topic="mine", since="start")
        assert await said(bob, 1) == [(f"room:{room}", "with bob")]
        await bob.quiet()


async def test_a_room_that_one_joins_meanwhile_is_in_it(site):
    async with site.connect("bob") as bob:
        await bob.ok("subscribe", topic="mine")
        room = await site.make("ann", "bob")
        assert (await bob.signal())["name"] == "changed"
        await site.say("ann", room, "welcome")
        assert await said(bob, 1) == [(f"room:{room}", "welcome")]


async def test_who_is_removed_gets_nothing_more_live_or_resumed(site):
    room = await site.make("ann", "bob", "carl")
    async with site.connect("bob") as bob:
        await bob.ok("subscribe", topic="mine")
        await site.say("ann", room, "one")
        assert len(await said(bob, 1)) == 1
        await site.rooms.remove(await site.who("ann"), room, "u-bob")
        assert (await bob.signal())["name"] == "changed"
        await site.say("ann", room, "two")
        await bob.ok("subscribe", topic="mine", since="start")
        await bob.quiet()


async def test_a_topic_subscribed_by_name_beside_it_comes_once(site):
    named = await site.make("ann", "bob", name="named")
    other = await site.make("ann", "bob", name="other")
    async with site.connect("bob") as bob:
        await bob.ok("subscribe", topic="mine")
        await site.say("ann", named, "by mine")
        assert await said(bob, 1) == [(f"room:{named}", "by mine")]
        await bob.ok("subscribe", topic=f"room:{named}")
        await site.say("ann", named, "by name")
        await site.say("ann", other, "by mine still")
        assert await said(bob, 2) == [
            (f"room:{named}", "by name"),
            (f"room:{other}", "by mine still"),
        ]
        await bob.ok("unsubscribe", topic=f"room:{named}")
        await site.say("ann", named, "by mine again")
        assert await said(bob, 1) == [(f"room:{named}", "by mine again")]
        await bob.quiet()


async def test_both_resumed_give_each_message_once(site):
    """The one by name from its position, all else and what came before it by `mine`."""
    room = await site.make("ann", "bob")
    places = [await site.say("ann", room, str(n)) for n in range(10)]
    async with site.connect("bob") as bob:
        since = {"epoch": places[6].epoch, "offset": places[6].offset}
        await bob.ok("subscribe", topic=f"room:{room}", since=since)
        assert [text for _topic, text in await said(bob, 3)] == ["7", "8", "9"]
        since["offset"] = places[3].offset
        await bob.ok("subscribe", topic="mine", since=since)
        assert [text for _topic, text in await said(bob, 3)] == ["4", "5", "6"]
        await bob.quiet()


async def test_unsubscribing_ends_it(site):
    room = await site.make("ann", "bob")
    async with site.connect("bob") as bob:
        await bob.ok("subscribe", topic="mine")
        assert await bob.ok("unsubscribe", topic="mine") == {"topic": "mine"}
        await site.say("ann", room, "nobody listens")
        await bob.quiet()


async def test_it_may_be_one_of_a_list(site):
    room = await site.make("ann", "bob")
    async with site.connect("bob") as bob:
        reply = await bob.ok("subscribe", topics=["mine", f"room:{room}"])
        assert [each["topic"] for each in reply["topics"]] == ["mine", f"room:{room}"]
        await site.say("ann", room, "once")
        assert await said(bob, 1) == [(f"room:{room}", "once")]
        await bob.quiet()


async def test_notifications_to_me_my_group_and_my_company():
    async with running_server(modules=[notifications_plugin], entry_points=False) as site:
        topic = Topic("SHOP", "", "Note")
        for_whom = {
            "me": Audience(users=frozenset({"u-bob"})),
            "group": Audience(groups=frozenset({"GROWERP_M_EMPLOYEE"})),
            "all": Audience(everyone=True),
            "others": Audience(users=frozenset({"u-ann"})),
            "admins": Audience(groups=frozenset({"GROWERP_M_ADMIN"})),
        }

        async def send():
            for name, audience in for_whom.items():
                data = {"message": {"for": name}, "type": "info"}
                await site.server.publish(topic, data, audience=audience)

        async with site.connect("bob") as bob, site.connect("zoe") as zoe:
            await send()
            for client in (bob, zoe):
                await client.ok("subscribe", topic="mine", since="start")
            await send()
            names = [(await bob.push())["data"]["message"]["for"] for _ in range(6)]
            assert names == ["me", "group", "all"] * 2
            await bob.quiet()
            await zoe.quiet()  # another company


async def test_who_has_no_tenant_has_no_mine():
    lonely = {"user_id": "u-x", "login_name": "x", "full_name": "X", "api_key": "key-of-lonely"}
    async with running_server({"users": [lonely]}) as site, site.connect("lonely") as client:
        assert await client.refused("subscribe", topic="mine") == "bad_request"


async def test_a_slow_reader_of_it_catches_up(site):
    rooms = [await site.make("ann", "bob", name=f"r{n}") for n in range(3)]
    async with site.connect("bob", max_queue=1) as bob:
        await bob.ok("subscribe", topic="mine")
        for n in range(MANY):
            await site.say("ann", rooms[n % 3], f"{n} " + "x" * 20_000)
        seen = await said(bob, MANY)
        assert [int(text.split()[0]) for _topic, text in seen] == list(range(MANY))


async def test_who_is_removed_while_a_page_waits_for_room_gets_no_more_of_it(site, monkeypatch):
    room, other = await site.make("ann", "bob"), await site.make("ann", "bob", name="other")
    for n in range(6):
        await site.say("ann", room, str(n))
    await site.say("ann", other, "the other room")
    full, free = asyncio.Event(), asyncio.Event()
    wait, asked = Outbox.room, []

    async def waits(outbox):
        asked.append(outbox)
        if len(asked) == 5:
            full.set()
            await free.wait()
        await wait(outbox)

    async with site.connect("bob") as bob:
        monkeypatch.setattr(Outbox, "room", waits)
        await bob.ok("subscribe", topic="mine", since="start")
        await full.wait()
        await site.rooms.remove(await site.who("ann"), room, "u-bob")
        free.set()
        found = [text for _topic, text in await said(bob, 3)]
        assert found == ["0", "1", "the other room"]
        await bob.quiet()
