"""Rooms over the native wire: the routes below /plugins/chat_rooms, and topics on /ws."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado_chat_plugins.chat_rooms.provider import Said

from support.rooms import PATH, ids, rooms_server
from tornado_chat import BadRequest, Topic


@pytest.fixture
async def site():
    async with rooms_server() as running:
        yield running


# Routes


async def test_a_room_is_made_shown_and_listed(site):
    body = {"name": "Lunch", "members": ids("bob")}
    answer = await site.fetch("POST", PATH, body, name="ann")
    assert answer.code == 201
    room = answer.json["room"]
    assert room == {
        "room_id": "100000",
        "topic": "room:100000",
        "name": "Lunch",
        "private": False,
        "one_to_one": False,
        "has_read": True,
        "unread": 0,
        "active": True,
        "last_offset": 0,
        "created_by": "u-ann",
        "member_count": 2,
        "members": [
            {
                "user_id": "u-ann",
                "full_name": "Ann Maas",
                "first_name": "Ann",
                "last_name": "Maas",
                "has_read": True,
                "active": True,
            },
            {
                "user_id": "u-bob",
                "full_name": "Bob Prins",
                "first_name": "Bob",
                "last_name": "Prins",
                "has_read": False,
                "active": True,
            },
        ],
        "last_message": None,
    }
    assert (await site.fetch("GET", f"{PATH}/100000", name="ann")).json == {"room": room}
    answer = await site.fetch("GET", PATH, name="ann")
    assert answer.json == {"rooms": [room], "more": False}


async def test_the_one_to_one_room_is_made_once(site):
    body = {"private": True, "members": ids("bob")}
    first = await site.fetch("POST", PATH, body, name="ann")
    again = await site.fetch("POST", PATH, body, name="ann")
    assert (first.code, again.code) == (201, 200)
    assert first.json["room"]["one_to_one"] is True
    assert again.json == first.json


async def test_a_list_is_searched_filtered_and_paged(site):
    for number in range(3):
        await site.make("ann", "bob", name=f"Room {number}")
    await site.make("ann", "carl", private=True)

    async def found(query):
        answer = await site.fetch("GET", f"{PATH}?{query}", name="ann")
        assert answer.code == 200, answer.body
        return [room["name"] for room in answer.json["rooms"]], answer.json["more"]

    assert await found("search=room&limit=2") == (["Room 2", "Room 1"], True)
    assert await found("search=room&limit=2&start=2") == (["Room 0"], False)
    assert await found("search=SMIT") == (["Carl Smit"], False)
    assert await found("unread=true") == ([], False)
    await site.leave("ann", "100000")
    assert await found("search=100000") == ([], False)
    assert await found("search=100000&left=true") == (["Room 0"], False)


async def test_a_patch_changes_what_is_given(site):
    room_id = await site.make("ann", "bob", name="Lunch")

    async def patched(body):
        answer = await site.fetch("PATCH", f"{PATH}/{room_id}", body, name="ann")
        assert answer.code == 200, answer.body
        room = answer.json["room"]
        return room["name"], room["private"], room["active"]

    assert await patched({}) == ("Lunch", False, True)
    assert await patched({"name": "Dinner"}) == ("Dinner", False, True)
    assert await patched({"private": True, "active": False}) == ("Dinner", True, False)
    assert await patched({"name": None, "active": True}) == ("Bob Prins", True, True)


async def test_leaving_reading_adding_and_removing(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    await site.say("ann", room_id)

    async def post(name, path, body=None):
        answer = await site.fetch("POST", f"{PATH}/{room_id}/{path}", body or {}, name=name)
        assert answer.code == 200, answer.body
        return answer.json["room"]

    assert (await post("bob", "read"))["has_read"] is True
    assert (await post("bob", "leave"))["active"] is False
    room = await post("ann", "members", {"members": ids("bob", "carl")})
    assert [member["active"] for member in room["members"]] == [True, True, True]
    answer = await site.fetch("DELETE", f"{PATH}/{room_id}/members/u-carl", name="ann")
    assert (answer.code, answer.json) == (200, {})
    answer = await site.fetch("GET", f"{PATH}/{room_id}", name="carl")
    assert answer.json["error"] == {"code": "not_found", "message": f"room {room_id}: not found"}
    assert answer.code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "fault"),
    [
        ("POST", "", {"members": "u-bob"}, "members: not a valid list"),
        ("POST", "", {"members": [1]}, "members.0: not a valid string"),
        ("POST", "", {"label": "Lunch"}, "label: unknown field"),
        ("POST", "", {"name": "x" * 256}, "name: longer than maximum length 255"),
        ("POST", "", {"members": ["u-zoe"]}, "members: u-zoe: nobody of this company has that id"),
        ("PATCH", "/100000", {"members": ["u-bob"]}, "members: unknown field"),
        ("PATCH", "/100000", {"has_read": True}, "has_read: unknown field"),
        ("PATCH", "/100000", {"active": None}, "active: field may not be null"),
        ("POST", "/100000/members", {}, "members: missing data for required field"),
        ("POST", "/100000/members", {"members": []}, "members: shorter than minimum length 1"),
        ("GET", "?limit=0", None, "limit: must be greater than or equal to 1"),
        ("GET", "?limit=201", None, "limit: must be greater than or equal to 1"),
        ("GET", "?start=x", None, "start: not a valid integer"),
        ("GET", "?unread=maybe", None, "unread: not a valid boolean"),
    ],
)
async def test_what_cannot_be_meant_is_400(site, method, path, body, fault):
    await site.make("ann", "bob", name="Lunch")
    answer = await site.fetch(method, PATH + path, body, name="ann")
    assert answer.code == 400, answer.body
    assert answer.json["error"]["code"] == "bad_request"
    assert answer.json["error"]["message"].startswith(fault)


async def test_nobody_gets_anything_without_a_key(site):
    await site.make("ann", "bob", name="Lunch")
    for method, path in (("GET", ""), ("POST", ""), ("GET", "/100000"), ("PATCH", "/100000")):
        assert (await site.fetch(method, PATH + path, {})).code == 401


# Topics


async def test_a_subscriber_gets_the_room_and_what_is_said(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    await site.say("ann", room_id)
    async with site.connect("bob") as bob:
        joined = await bob.ok("subscribe", topic=f"room:{room_id}")
        assert joined["state"]["unread"] == 1
        shown = (await site.fetch("GET", f"{PATH}/{room_id}", name="bob")).json["room"]
        assert shown.pop("last_message")["offset"] == shown["last_offset"]
        assert joined["state"]["room"] == shown
        await site.say("ann", room_id, "at twelve?")
        push = await bob.push()
        assert (push["data"], push["sender_name"]) == ({"content": "at twelve?"}, "Ann Maas")
        found = await bob.ok("history", topic=f"room:{room_id}", limit=1)
        assert [each["data"] for each in found["messages"]] == [{"content": "at twelve?"}]


async def test_a_signal_reaches_the_others_in_the_room(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    async with site.connect("ann") as ann, site.connect("bob") as bob:
        await bob.ok("subscribe", topic=f"room:{room_id}")
        await ann.ok("signal", topic=f"room:{room_id}", name="typing", data={})
        assert (await bob.next())["signal"]["sender"] == "u-ann"


async def test_removing_ends_subscriptions_at_once(site):
    room_id = await site.make("ann", "bob", "carl", name="Lunch")
    topic = f"room:{room_id}"
    async with site.connect("bob") as bob, site.connect("carl") as carl:
        await bob.ok("subscribe", topic=topic)
        await carl.ok("subscribe", topic=topic)
        answer = await site.fetch("DELETE", f"{PATH}/{room_id}/members/u-bob", name="ann")
        assert answer.code == 200
        await site.say("ann", room_id, "without Bob")
        told = await carl.signal()
        assert told == await bob.signal()
        assert (told["name"], told["data"]) == ("changed", {"removed": "u-bob"})
        assert (await carl.push())["data"] == {"content": "without Bob"}
        assert (await bob.next())["error"]["code"] == "denied"
        await bob.quiet()
        for do in ("subscribe", "history"):
            assert await bob.refused(do, topic=topic) == "denied"
        assert await bob.refused("publish", topic=topic, data={"content": "x"}) == "denied"


async def test_a_removal_by_another_process_ends_what_is_pushed(site, tmp_path):
    """It cannot end the subscription here, so what is pushed goes by the members of the message."""
    async with rooms_server(folder=tmp_path) as here, rooms_server(folder=tmp_path) as there:
        room_id = await here.make("ann", "bob", name="Lunch")
        async with here.connect("bob") as bob:
            await bob.ok("subscribe", topic=f"room:{room_id}")
            await there.remove("ann", room_id, "u-bob")
            await here.say("ann", room_id, "without Bob")
            await there.say("ann", room_id, "nor with this")
            await asyncio.sleep(1.5)  # a writer that idles looks once a second
            await bob.quiet()


async def test_somebody_added_may_subscribe_at_once(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    await site.say("ann", room_id)  # the writer now knows the members
    async with site.connect("carl") as carl:
        assert await carl.refused("subscribe", topic=f"room:{room_id}") == "denied"
        await site.change("ann", room_id, add=ids("carl"))
        await carl.ok("subscribe", topic=f"room:{room_id}")
        await site.say("ann", room_id, "welcome")
        assert (await carl.push())["data"] == {"content": "welcome"}


async def test_two_tenants_may_say_the_same_topic_and_mean_two(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    async with site.connect("zoe") as zoe:
        assert await zoe.refused("subscribe", topic=f"room:{room_id}") == "denied"


async def test_no_query_is_made_for_a_room_in_use(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    await site.who("bob")
    await site.say("ann", room_id)
    reads = site.server.store.reads
    await site.say("bob", room_id)
    assert site.server.store.reads == reads


ANYTHING = st.one_of(st.text(), st.integers(), st.none(), st.lists(st.text()), st.booleans())


def test_posts_checked_by_hand_are_those_of_the_schema():
    async def compare():
        async with rooms_server() as site:
            room_id = await site.make("ann")
            topic = Topic("SHOP", "room", room_id)
            provider, ann = site.server.topics.of(topic), await site.who("ann")

            async def by_hand(data):
                try:
                    return await provider.receive(ann, topic, data)
                except BadRequest:
                    return None

            @given(st.dictionaries(st.sampled_from(["content", "key", ""]), ANYTHING, max_size=2))
            def check(data):
                faults = Said().validate(data)
                received = loop.run(by_hand(data))
                assert received == (None if faults else Said().load(data))

            return check

    with asyncio.Runner() as loop:
        loop.run(compare())()
