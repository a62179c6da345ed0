"""Rooms as other plugins use them: names, pairs, members, leaving, lists."""

import asyncio

import pytest
from tornado_chat_plugins.chat_rooms.models import Room, pair_of

from support.queries import counted_queries
from support.rooms import ids, member, members, rooms_server
from tornado_chat import BadRequest, Denied, Identity, NotFound, Topic
from tornado_chat.accounts.models import AccountRow


@pytest.fixture
async def site():
    async with rooms_server() as running:
        yield running


NOWHERE = Identity("u-nowhere", None, "Nobody")


# Ids and names


async def test_ids_are_digits_that_rise_from_100000(site):
    made = [await site.make("ann", name=f"Room {number}") for number in range(3)]
    assert made == ["100000", "100001", "100002"]


async def test_ids_are_unique_over_the_tenants(site):
    assert await site.make("ann", name="Ours") != await site.make("zoe", name="Theirs")


async def test_the_maker_has_read_a_new_room_the_others_have_not(site):
    room = await site.get("bob", await site.make("ann", "bob", "carl", name="Lunch"))
    assert (room.name, room.private, room.created_by) == ("Lunch", False, "u-ann")
    assert (room.has_read, room.unread, room.last_offset) == (False, 0, 0)
    assert [each.has_read for each in room.members] == [True, False, False]
    assert all(each.active for each in room.members)


async def test_a_member_is_shown_with_all_his_names(site):
    room = await site.get("bob", await site.make("ann", "bob", name="Lunch"))
    ann = member(room, "ann")
    assert (ann.full_name, ann.first_name, ann.last_name) == ("Ann Maas", "Ann", "Maas")
    assert (ann.login_name, ann.email) == ("ann@shop.example", "ann@shop.example")


async def test_a_private_room_bears_the_name_of_the_other(site):
    room_id = await site.make("ann", "bob", private=True)
    assert (await site.get("ann", room_id)).name == "Bob Prins"
    assert (await site.get("bob", room_id)).name == "Ann Maas"
    assert (await site.get("bob", room_id)).stored_name is None


@pytest.mark.parametrize(
    ("others", "name"),
    [
        ((), "Room 100000"),
        (("bob",), "Bob Prins"),
        (("dora", "bob", "carl"), "Bob Prins, Carl Smit, Dora Vos"),
        (("dora", "bob", "carl", "admin"), "Admin Baas, Bob Prins, Carl Smit +1"),
    ],
)
async def test_a_room_without_a_name_bears_those_of_the_others(site, others, name):
    assert (await site.get("ann", await site.make("ann", *others))).name == name


async def test_a_name_is_trimmed_and_a_blank_one_is_none(site):
    assert (await site.get("ann", await site.make("ann", name="  Lunch "))).name == "Lunch"
    for blank in ("", "   ", "\u200b\u200d"):
        assert (await site.get("ann", await site.make("ann", name=blank))).stored_name is None


async def test_a_name_may_hold_joined_emoji(site):
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert (await site.get("ann", await site.make("ann", name=family))).name == family


@pytest.mark.parametrize("name", ["x" * 256, "two\nlines", "bell\x07", "half\ud800"])
async def test_a_name_that_cannot_be_kept_is_refused(site, name):
    with pytest.raises(BadRequest, match="name: at most 255 characters, on one line"):
        await site.make("ann", name=name)


async def test_somebody_without_an_account_here_bears_his_id(site):
    room_id = await site.make("ann", "bob", private=True)
    gone = AccountRow.user_id == "u-bob"
    await site.server.write(lambda tx: AccountRow.delete().where(gone).execute())
    site.server.people.clear()
    room = await site.get("ann", room_id)
    assert (room.name, member(room, "bob").full_name) == ("u-bob", "u-bob")


async def test_missing_names_are_asked_for_once_for_all(site, monkeypatch):
    await site.make("ann", "bob", private=True)
    await site.make("ann", "bob", "carl")
    gone = AccountRow.user_id.in_(ids("bob", "carl"))
    bob = (await site.server.people.get(await site.who("ann"), ids("bob")))["u-bob"]
    await site.server.write(lambda tx: AccountRow.delete().where(gone).execute())
    asked = []

    async def get(caller, user_ids):
        asked.append(sorted(user_ids))
        return {"u-bob": bob}

    monkeypatch.setattr(site.server.people, "get", get)
    found = await site.rooms.list(await site.who("ann"))
    assert [room.name for room in found] == ["Bob Prins, u-carl", "Bob Prins"]
    assert asked == [ids("bob", "carl")]


async def test_what_a_face_keeps_comes_back(site):
    ann = await site.who("ann")
    room, _ = await site.rooms.create(ann, name="Site", extra={"visitorUserId": "100052"})
    assert room.extra == {"visitorUserId": "100052"}
    changed = await site.rooms.change(ann, room.room_id, extra={"visitorUserId": "1"})
    assert changed.extra == {"visitorUserId": "1"}
    with pytest.raises(BadRequest, match="extra: at most 4096 bytes"):
        await site.rooms.create(ann, extra={"x": "x" * 4096})


# One-to-one


async def test_a_named_private_room_of_two_is_a_room_of_its_own(site):
    pair = await site.make("ann", "bob", private=True)
    named = await site.make("ann", "bob", private=True, name="Surprise")
    assert pair != named
    assert not (await site.get("ann", named)).pair
    assert (await site.rooms.one_to_one(await site.who("ann"), "u-bob")).room_id == pair


async def test_the_name_of_the_partner_is_no_name(site):
    pair = await site.make("ann", "bob", private=True)
    assert await site.make("ann", "bob", private=True, name="Bob Prins") == pair


async def test_naming_opening_or_joining_ends_a_one_to_one(site):
    changes = ({"name": "Plan"}, {"private": False}, {"add": ids("carl")})
    for change in changes:
        room_id = await site.make("ann", "bob", private=True)
        assert not (await site.change("ann", room_id, **change)).pair
        assert await site.rooms.one_to_one(await site.who("ann"), "u-bob") is None


async def test_a_room_becomes_the_one_to_one_only_where_there_is_none(site):
    first = await site.make("ann", "bob", private=True, name="First")
    second = await site.make("ann", "bob", private=True, name="Second")
    assert (await site.change("ann", first, name=None)).pair
    assert not (await site.change("ann", second, name=None)).pair
    assert await site.make("bob", "ann", private=True) == first


async def test_nobody_has_a_one_to_one_with_himself(site):
    assert await site.make("ann", private=True) != await site.make("ann", "ann", private=True)
    assert await site.rooms.one_to_one(await site.who("ann"), "u-ann") is None


def test_a_pair_does_not_depend_on_who_asks():
    for one, other in (("a", "b"), ("100021", "100040"), ("u-ann", "u-bob"), ("x", "y")):
        pair = pair_of(private=True, name=None, members=frozenset({other, one}))
        assert pair == f"{one}\x1f{other}"


async def test_pairs_of_two_tenants_do_not_meet(site):
    await site.make("ann", "bob", private=True)
    stranger = Identity("u-ann", "OTHER", "Ann")
    assert await site.rooms.one_to_one(stranger, "u-bob") is None


# Members


@pytest.mark.parametrize("user", ["u-nobody", "u-zoe", "u-off", "", "x" * 300])
async def test_only_people_of_the_tenant_can_be_members(site, user):
    await site.server.accounts.create("SHOP", "u-off", full_name="Off")
    await site.server.accounts.disable("u-off")
    room_id = await site.make("ann", name="Lunch")
    ann = await site.who("ann")
    wrong = f"members: {user[:64]}: nobody of this company has that id"
    with pytest.raises(BadRequest, match=wrong):
        await site.rooms.create(ann, members=["u-bob", user])
    with pytest.raises(BadRequest, match=wrong):
        await site.change("ann", room_id, add=[user])
    assert members(await site.get("ann", room_id)) == {"u-ann"}


async def test_a_member_whose_account_was_closed_stays_and_may_be_sent_back(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    await site.server.accounts.disable("u-bob")
    room = await site.change("ann", room_id, name="Dinner", add=ids("ann", "bob"))
    assert members(room) == {"u-ann", "u-bob"}


async def test_members_are_counted(site):
    async with rooms_server({"plugins": {"chat_rooms": {"max_members": 3}}}) as small:
        room_id = await small.make("ann", "bob", "carl")
        for attempt in (
            small.change("ann", room_id, add=ids("dora")),
            small.make("ann", "bob", "carl", "dora"),
        ):
            with pytest.raises(BadRequest, match="members: at most 3 in one room"):
                await attempt
        await small.change("ann", room_id, add=ids("bob", "carl"))


async def test_removing_ends_a_membership_for_good(site):
    room_id = await site.make("ann", "bob", "carl", name="Lunch")
    await site.remove("ann", room_id, "u-bob")
    await site.say("ann", room_id)
    assert members(await site.get("ann", room_id)) == {"u-ann", "u-carl"}
    with pytest.raises(NotFound):
        await site.get("bob", room_id)
    with pytest.raises(Denied):
        await site.say("bob", room_id)


async def test_who_may_remove(site):
    room_id = await site.make("ann", "bob", "carl", "dora", "admin", name="Lunch")
    with pytest.raises(Denied, match=f"remove from room:{room_id}: only who made the room"):
        await site.remove("bob", room_id, "u-carl")
    await site.remove("bob", room_id, "u-bob")  # oneself
    await site.remove("admin", room_id, "u-carl")  # the permission rooms
    await site.remove("ann", room_id, "u-dora")  # her room
    assert members(await site.get("ann", room_id)) == {"u-ann", "u-admin"}
    with pytest.raises(NotFound, match=f"member u-bob: not in room {room_id}"):
        await site.remove("ann", room_id, "u-bob")


async def test_nobody_is_removed_from_a_one_to_one(site):
    room_id = await site.make("ann", "bob", private=True)
    with pytest.raises(BadRequest, match="is between two people, leave it instead"):
        await site.remove("ann", room_id, "u-bob")


async def test_somebody_added_again_begins_anew(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    await site.say("ann", room_id)
    await site.remove("ann", room_id, "u-bob")
    await site.say("ann", room_id)
    await site.change("ann", room_id, add=ids("bob"))
    assert (await site.get("bob", room_id)).unread == 0
    await site.say("ann", room_id)
    assert (await site.get("bob", room_id)).unread == 1


# Reading


async def test_reading_writes_only_where_something_is_unread(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    assert await site.read("bob", room_id) is True  # he never opened it
    await site.say("ann", room_id)
    assert await site.read("bob", room_id) is True
    with counted_queries() as queries:
        assert await site.read("bob", room_id) is False
    assert queries.of("INSERT", "UPDATE", "DELETE") == []
    assert (await site.get("bob", room_id)).has_read


async def test_ones_own_messages_are_not_unread(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    await site.say("ann", room_id)
    await site.say("bob", room_id)
    await site.say("bob", room_id)
    assert (await site.get("ann", room_id)).unread == 2
    assert (await site.get("bob", room_id)).unread == 1


async def test_the_last_message_is_known_by_its_offset(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    message = await site.say("ann", room_id)
    assert (await site.get("bob", room_id)).last_offset == message.offset


async def test_somebody_of_no_tenant_has_nothing(site):
    room_id = await site.make("ann", "bob", private=True)
    assert await site.rooms.list(NOWHERE) == []
    assert await site.rooms.one_to_one(NOWHERE, "u-bob") is None
    for attempt in (site.rooms.get, site.rooms.leave, site.rooms.read, site.rooms.change):
        with pytest.raises(NotFound, match=f"room {room_id}: not found"):
            await attempt(NOWHERE, room_id)
    with pytest.raises(BadRequest, match="room: you belong to no tenant"):
        await site.rooms.create(NOWHERE, name="Nowhere")


@pytest.mark.parametrize(
    "room_id",
    [
        "999999",
        "0100000",
        "100000 ",
        "-1",
        "",
        "\u0661\u0660\u0660\u0660\u0660\u0660",
        "9" * 40,
        "1e6",
        "100001",
    ],
)
async def test_a_room_not_there_not_ours_and_no_room_at_all_answer_alike(site, room_id):
    await site.make("ann", "bob", name="Ours")
    assert await site.make("zoe", name="Theirs") == "100001"
    carl, ann = await site.who("carl"), await site.who("ann")
    rooms = site.rooms
    for identity in (carl, ann):
        for attempt in (
            rooms.get(identity, room_id),
            rooms.leave(identity, room_id),
            rooms.read(identity, room_id),
            rooms.change(identity, room_id, name="Mine"),
            rooms.remove(identity, room_id, "u-bob"),
        ):
            with pytest.raises(NotFound) as caught:
                await attempt
            assert caught.value.message == f"room {room_id[:32]}: not found"
        assert await rooms.list(identity, room_id=room_id) == []


async def test_a_tenant_that_somebody_left_shows_him_nothing(site):
    room_id = await site.make("ann", "bob", name="Lunch")
    moved = Identity("u-bob", "OTHER", "Bob")
    with pytest.raises(NotFound):
        await site.rooms.get(moved, room_id)
    assert await site.rooms.list(moved) == []
    with pytest.raises(NotFound):
        await site.server.post(moved, Topic("SHOP", "room", room_id), {"content": "x"})


async def test_two_removals_and_a_change_at_once_agree(site):
    room_id = await site.make("ann", "bob", "carl", name="Lunch")
    done = await asyncio.gather(
        site.remove("ann", room_id, "u-bob"),
        site.remove("ann", room_id, "u-bob"),
        site.change("bob", room_id, name="Mine"),
        return_exceptions=True,
    )
    assert [type(each) for each in done] == [type(None), NotFound, NotFound]
    rows = await site.server.read(lambda _: [row.name for row in Room.select()])
    assert rows == ["Lunch"]
