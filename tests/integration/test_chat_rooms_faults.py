"""The faults of the GrowERP back-end that concern rooms, by their number in the contract (section
6), each with what is done here instead (section 8)."""

import asyncio

import pytest
from tornado_chat_plugins.chat_rooms.models import Room

from support.queries import counted_queries
from support.rooms import PATH, ids, member, members, rooms_server
from tornado_chat import BadRequest, Denied, NotFound, TooLarge, Topic


@pytest.fixture
async def site():
    async with rooms_server() as running:
        yield running


async def test_b02_a_message_needs_membership(site):
    room_id = await site.make("ann", "bob", private=True)
    await site.leave("bob", room_id)
    for stranger in ("carl", "zoe"):
        with pytest.raises(Denied, match=f"publish room:{room_id}: not a member"):
            await site.say(stranger, room_id)
    room = await site.get("ann", room_id)
    assert (room.last_offset, room.unread) == (0, 0)
    assert not member(room, "bob").active


async def test_b02_a_room_that_is_not_there_takes_no_message(site):
    with pytest.raises(Denied, match="publish room:999999: not a member"):
        await site.say("ann", "999999")


async def test_b02_a_room_of_another_tenant_is_not_there(site):
    room_id = await site.make("ann", "bob")
    with pytest.raises(NotFound):
        await site.server.post(
            await site.who("zoe"), Topic("SHOP", "room", room_id), {"content": "x"}
        )


async def test_b03_history_is_for_members(site):
    room_id = await site.make("ann", "bob", private=True)
    await site.say("ann", room_id)
    for stranger in ("carl", "zoe"):
        async with site.connect(stranger) as socket:
            for do in ("history", "subscribe"):
                frame = await socket.do(do, topic=f"room:{room_id}")
                assert frame["error"] == {
                    "code": "denied",
                    "message": f"{do} room:{room_id}: not a member",
                }


async def test_b07_a_new_room_is_listed_for_all_its_members(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    assert await site.list("ann") == await site.list("bob") == [room_id]
    assert await site.list("carl") == await site.list("zoe") == []


async def test_b13_a_message_costs_no_query_per_member_and_no_look_at_others(site):
    small = await site.make("ann", "bob")
    large = await site.make("ann", "bob", "carl", "dora", "admin")

    async def statements(room_id):
        await site.say("ann", room_id)  # whoever posts first makes the writer look
        with counted_queries() as queries:
            await site.say("ann", room_id)
        return len(queries.all)

    async with site.connect("carl"), site.connect("zoe"), site.connect("bob") as bob:
        await bob.ok("subscribe", topic=f"room:{large}")
        hub = site.server.hub
        assert await statements(small) == await statements(large)
        before = hub.looked_at
        await site.say("ann", large)
        assert hub.looked_at - before == 1
        before = hub.looked_at
        await site.say("ann", small)
        assert hub.looked_at == before


async def test_b14_members_reach_one_another_from_two_processes(site, tmp_path):
    """Two servers on one database: a room made and written to at the one lives at the other."""
    async with rooms_server(folder=tmp_path) as here, rooms_server(folder=tmp_path) as there:
        room_id = await here.make("ann", "bob", private=True)
        async with there.connect("bob") as bob:
            await bob.ok("subscribe", topic=f"room:{room_id}")
            await here.say("ann", room_id, "hello from there")
            assert (await bob.push())["data"] == {"content": "hello from there"}
            await there.say("bob", room_id, "hello from here")
        assert (await here.get("ann", room_id)).unread == 1


@pytest.mark.parametrize("unread", [False, True])
async def test_b16_a_left_room_comes_back_with_the_next_message(site, unread):
    room_id = await site.make("ann", "bob", name="Lunch")
    if unread:
        await site.say("ann", room_id)
    else:
        await site.read("bob", room_id)
    left = await site.leave("bob", room_id)
    assert (left.active, left.has_read) == (False, not unread)
    assert await site.list("bob") == []
    assert await site.list("bob", include_left=True) == [room_id]
    assert not member(await site.get("ann", room_id), "bob").active

    await site.say("ann", room_id)
    assert await site.list("bob") == [room_id]
    back = await site.get("bob", room_id)
    assert (back.active, back.unread) == (True, 2 if unread else 1)


async def test_b16_the_message_that_brings_a_room_back_arrives(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    await site.leave("bob", room_id)
    async with site.connect("bob") as bob:
        await bob.ok("subscribe", topic=f"room:{room_id}")
        await site.say("ann", room_id, "come back")
        assert (await bob.push())["data"] == {"content": "come back"}


async def test_b16_leaving_twice_is_leaving(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    assert (await site.leave("bob", room_id)).active is False
    assert (await site.leave("bob", room_id)).active is False


async def test_b17_patch_keeps_members_left_out(site):
    room_id = await site.make("ann", "bob", "carl", name="Lunch")
    await site.say("ann", room_id)
    await site.leave("carl", room_id)
    before = await site.get("ann", room_id)
    room = await site.change("ann", room_id, name="Dinner", add=ids("dora"))
    assert room.name == "Dinner"
    assert members(room) == {"u-ann", "u-bob", "u-carl", "u-dora"}
    for name in ("ann", "bob", "carl"):
        assert member(room, name) == member(before, name)


async def test_b17_nobody_drops_others_or_marks_them_read(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    await site.say("ann", room_id)
    room = await site.change("ann", room_id, active={"u-bob": False, "u-nobody": True})
    assert member(room, "bob").active and not member(room, "bob").has_read
    assert (await site.get("bob", room_id)).unread == 1
    assert members(room) == {"u-ann", "u-bob"}


async def test_b17_a_patch_brings_back_who_left_and_leaves_for_oneself(site):
    room_id = await site.make("ann", "bob", "carl", name="Lunch")
    await site.leave("bob", room_id)
    await site.leave("carl", room_id)
    room = await site.change("ann", room_id, active={"u-bob": True, "u-ann": False})
    assert [each.active for each in room.members] == [False, True, False]
    room = await site.change("carl", room_id, add=ids("carl"))
    assert member(room, "carl").active


async def test_b17_who_has_left_is_not_brought_back_by_a_list_that_says_so(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    await site.leave("bob", room_id)
    sent_back = {"u-ann": True, "u-bob": False}
    room = await site.change("ann", room_id, add=list(sent_back), active=sent_back)
    assert [each.active for each in room.members] == [True, False]


async def test_b17_a_patch_does_not_race_with_unread_updates(site):
    room_id = await site.make("ann", "bob", "carl", name="Lunch")
    await asyncio.gather(
        *(site.say("ann", room_id) for _ in range(20)),
        *(site.change("carl", room_id, name=f"Lunch {n}", add=ids("bob")) for n in range(5)),
    )
    assert (await site.get("bob", room_id)).unread == 20


async def test_b17_only_people_of_the_tenant_are_added(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    with pytest.raises(BadRequest, match="members: u-zoe: nobody of this company has that id"):
        await site.change("ann", room_id, name="Dinner", add=ids("carl", "zoe"))
    room = await site.get("ann", room_id)
    assert (room.name, members(room)) == ("Lunch", {"u-ann", "u-bob"})


async def test_b18_a_shared_group_room_is_no_one_to_one(site):
    await site.make("ann", "bob", name="Lunch")
    await site.make("ann", "bob", "carl", private=True)
    assert await site.rooms.one_to_one(await site.who("ann"), "u-bob") is None
    pair = await site.make("ann", "bob", private=True)
    assert (await site.rooms.one_to_one(await site.who("bob"), "u-ann")).room_id == pair


async def test_b18_a_one_to_one_that_was_left_is_found_and_comes_back(site):
    room_id = await site.make("ann", "bob", private=True)
    await site.leave("ann", room_id)
    found = await site.rooms.one_to_one(await site.who("ann"), "u-bob")
    assert (found.room_id, found.active) == (room_id, False)
    assert await site.list("ann") == []
    room, created = await site.rooms.create(await site.who("ann"), private=True, members=ids("bob"))
    assert (room.room_id, room.active, created) == (room_id, True, False)
    assert await site.list("ann") == [room_id]


async def test_b18_two_parallel_creates_make_one_room(site):
    made = await asyncio.gather(
        *(site.make(*pair, private=True) for pair in [("ann", "bob"), ("bob", "ann")] * 10)
    )
    assert len(set(made)) == 1


async def test_b18_two_processes_make_one_room(tmp_path):
    async with rooms_server(folder=tmp_path) as here, rooms_server(folder=tmp_path) as there:
        for name in ("bob", "carl", "dora"):
            made = await asyncio.gather(
                here.make("ann", name, private=True), there.make(name, "ann", private=True)
            )
            assert len(set(made)) == 1
        ids_made = await asyncio.gather(
            *(site.make("ann", name="Room") for site in [here, there] * 10)
        )
        assert len(set(ids_made)) == 20


async def test_b18_the_computed_name_sent_back_is_not_stored(site):
    room_id = await site.make("ann", "bob", private=True)
    for name in ("Bob Prins", "Ann Maas", " Bob Prins "):
        room = await site.change("ann", room_id, name=name, active={"u-ann": True, "u-bob": True})
        assert (room.stored_name, room.pair) == (None, True)
    group = await site.make("ann", "bob", "carl")
    shown = (await site.get("ann", group)).name
    assert (await site.change("ann", group, name=shown)).stored_name is None


async def test_b20_newest_activity_comes_first(site):
    one = await site.make("ann", "bob", name="One")
    two = await site.make("ann", "bob", name="Two")
    assert await site.list("ann") == [two, one]
    await site.say("ann", one)
    assert await site.list("bob") == [one, two]
    three = await site.make("ann", "bob", name="Three")
    assert await site.list("bob") == [three, one, two]
    await site.change("bob", two, name="Renamed")
    assert await site.list("bob") == [three, one, two]


async def test_b21_who_is_no_member_gets_a_clean_not_found(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    for attempt in (
        site.change("carl", room_id, name="Mine"),
        site.change("carl", room_id, add=ids("carl")),
        site.leave("carl", room_id),
        site.read("carl", room_id),
    ):
        with pytest.raises(NotFound, match=f"room {room_id}: not found"):
            await attempt
    assert members(await site.get("ann", room_id)) == {"u-ann", "u-bob"}


async def test_b21_who_has_left_changes_nothing_unless_he_comes_back(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    await site.leave("bob", room_id)
    with pytest.raises(NotFound):
        await site.change("bob", room_id, name="Hijacked")
    assert (await site.get("ann", room_id)).name == "Lunch"
    room = await site.change("bob", room_id, name="Dinner", active={"u-bob": True})
    assert (room.name, room.active) == ("Dinner", True)


async def test_b21_leaving_answers_with_the_room(site):
    room_id = await site.make("ann", "bob", private=True)
    answer = await site.fetch("POST", f"{PATH}/{room_id}/leave", {}, name="ann")
    assert answer.code == 200
    assert answer.json["room"]["name"] == "Bob Prins"
    assert answer.json["room"]["active"] is False


async def test_b22_ids_rise_as_numbers_not_as_texts(site):
    """100000 texts would sort "1000000" before "999999"."""
    await site.make("ann", name="First")
    await site.server.write(lambda tx: Room.update(id=999_999).execute())
    made = [await site.make("ann", name="Next") for _ in range(2)]
    assert made == ["1000000", "1000001"]
    assert await site.list("ann") == ["1000001", "1000000", "999999"]


async def test_b22_when_a_room_was_made_does_not_change(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    made = (await site.get("ann", room_id)).created
    await site.say("ann", room_id)
    await site.change("ann", room_id, name="Dinner")
    assert (await site.get("ann", room_id)).created == made


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ({}, "content: missing data for required field"),
        ({"content": ""}, "content: is empty"),
        ({"content": " \t\n\u3000"}, "content: is empty"),
        ({"content": None}, "content: field may not be null"),
        ({"content": 1}, "content: not a valid string"),
        ({"content": "x", "fromUserId": "u-bob"}, "fromUserId: unknown field"),
    ],
)
async def test_b38_empty_or_odd_content_is_refused(site, data, fault):
    room_id = await site.make("ann", "bob")
    topic = Topic("SHOP", "room", room_id)
    with pytest.raises(BadRequest) as caught:
        await site.server.post(await site.who("ann"), topic, data)
    assert caught.value.message == f"publish room:{room_id}: {fault}"


async def test_b38_content_is_bounded_and_kept_as_typed(site):
    room_id = await site.make("ann", "bob")
    assert (await site.say("ann", room_id, "  as typed\n")).data == {"content": "  as typed\n"}
    with pytest.raises(TooLarge):
        await site.say("ann", room_id, "x" * 70_000)
