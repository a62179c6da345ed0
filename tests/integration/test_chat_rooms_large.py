"""A room with many people: what is shown of it is bounded, and who subscribes does not pay for all."""

import pytest
from tornado_chat_plugins.chat_rooms import queries, schemas

from support.rooms import PATH, rooms_server
from tornado_chat import NotFound
from tornado_chat.accounts.models import AccountRow

CROWD = [f"x{number:03}" for number in range(120)]


@pytest.fixture
async def site():
    async with rooms_server() as running:
        rows = [
            {"user_id": user, "tenant": "SHOP", "full_name": f"Mx {user}", "source": "database"}
            for user in CROWD
        ]
        await running.server.write(
            lambda tx: AccountRow.insert_many([{**row, "created": 1} for row in rows]).execute()
        )
        yield running


@pytest.fixture
async def crowded(site):
    room, _ = await site.rooms.create(await site.who("ann"), members=CROWD)
    return room.room_id


async def test_others_get_all_members_unless_they_ask_for_fewer(site, crowded):
    ann = await site.who("ann")
    room = await site.rooms.get(ann, crowded)
    assert [each.user_id for each in room.members] == ["u-ann", *CROWD]
    assert room.member_count == 121
    few = await site.rooms.get(ann, crowded, shown=5)
    assert few.members == room.members[:5]
    assert few.member_count == 121
    assert [room.members for room in await site.rooms.list(ann, shown=0)] == [()]


@pytest.mark.parametrize("shown", [None, 0, 1, 50])
async def test_its_name_does_not_depend_on_how_many_are_shown(site, crowded, shown):
    room = await site.rooms.get(await site.who("ann"), crowded, shown=shown)
    assert room.name == "Mx x000, Mx x001, Mx x002 +117"


async def test_rooms_of_all_sizes_are_cut_to_the_same(site, crowded):
    small = await site.make("ann", "bob", name="Small")
    found = await site.rooms.list(await site.who("ann"), shown=3)
    assert [(room.room_id, len(room.members), room.member_count) for room in found] == [
        (small, 2, 2),
        (crowded, 3, 121),
    ]


async def test_a_search_looks_at_the_names_that_are_shown(site, crowded):
    assert await site.list("ann", search="x002") == [crowded]
    assert await site.list("ann", search="x050") == []


async def test_members_are_paged(site, crowded):
    ann = await site.who("ann")
    room = await site.rooms.get(ann, crowded)
    assert await site.rooms.members(ann, crowded) == list(room.members)
    assert await site.rooms.members(ann, crowded, start=119, limit=5) == list(room.members[119:])
    with pytest.raises(NotFound):
        await site.rooms.members(await site.who("bob"), crowded)


async def test_the_native_wire_shows_the_first(site, crowded):
    answer = await site.fetch("GET", f"{PATH}/{crowded}", name="ann")
    room = answer.json["room"]
    assert (len(room["members"]), room["member_count"]) == (schemas.SHOWN, 121)
    listed = (await site.fetch("GET", PATH, name="ann")).json["rooms"]
    assert [len(room["members"]) for room in listed] == [schemas.SHOWN_IN_LIST]
    async with site.connect("ann") as ann:
        state = (await ann.ok("subscribe", topic=f"room:{crowded}"))["state"]
    assert {**state["room"], "last_message": None} == room

    changed = (await site.fetch("PATCH", f"{PATH}/{crowded}", {}, name="ann")).json["room"]
    assert changed == room

    members = f"{PATH}/{crowded}/members"
    first = (await site.fetch("GET", members, name="ann")).json
    rest = (await site.fetch("GET", f"{members}?start=100&limit=21", name="ann")).json
    assert first["members"] == room["members"]
    assert (first["more"], rest["more"]) == (True, False)
    assert [each["user_id"] for each in rest["members"]] == CROWD[99:]
    assert (await site.fetch("GET", f"{members}?limit=501", name="ann")).code == 400
    assert (await site.fetch("GET", members, name="bob")).code == 404


async def test_who_subscribes_reads_the_rows_that_are_shown_and_no_others(site, crowded):
    def read(limit):
        """How many rows, and how many instructions of SQLite they took."""
        steps = []
        connection = AccountRow._meta.database.connection()
        connection.set_progress_handler(lambda: steps.append(None), 10)
        rows = queries.members_of([1], limit)
        connection.set_progress_handler(None, 10)
        return len(rows), len(steps)

    everybody, all_steps = await site.server.read(lambda _: read(None))
    few, few_steps = await site.server.read(lambda _: read(10))
    assert (everybody, few) == (121, 10)
    assert few_steps * 4 < all_steps


async def test_bodies_made_by_hand_are_those_of_the_schemas(site, crowded):
    await site.make("ann", "bob", private=True)
    await site.say("ann", await site.make("ann", "bob", name="Lunch"))
    for name in ("ann", "bob"):
        for room in await site.rooms.list(await site.who(name), shown=schemas.SHOWN):
            assert schemas.room_body(room) == schemas.RoomBody().dump(room)
            for member in room.members:
                assert schemas.member_body(member) == schemas.MemberBody().dump(member)
