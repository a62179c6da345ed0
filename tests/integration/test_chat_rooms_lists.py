"""Lists of rooms: filters, pages, search, and what they cost (fault B19 and rule 9)."""

import asyncio

import pytest

from support.queries import counted_queries
from support.rooms import PATH, rooms_server
from tornado_chat import Audience, Topic
from tornado_chat.store.models import MessageRow


@pytest.fixture
async def site():
    async with rooms_server() as running:
        yield running


@pytest.fixture
async def several(site):
    """Of Ann, the oldest first."""
    made = {
        "bob": await site.make("ann", "bob", private=True),
        "lunch": await site.make("bob", "ann", "carl", name="Lunch"),
        "carl": await site.make("carl", "ann", private=True),
        "house": await site.make("ann", "dora", name="Große STRASSE"),
        "group": await site.make("ann", "bob", "carl"),
    }
    await site.make("bob", "carl", name="Without Ann")
    return made


async def names(site, made, **wanted):
    by_id = {room_id: name for name, room_id in made.items()}
    return [by_id[room_id] for room_id in await site.list("ann", **wanted)]


async def test_b19_start_and_limit_page_from_the_newest(site, several):
    newest_first = ["group", "house", "carl", "lunch", "bob"]
    assert await names(site, several) == newest_first
    assert await names(site, several, limit=2) == newest_first[:2]
    assert await names(site, several, start=2, limit=2) == newest_first[2:4]
    assert await names(site, several, start=5) == []
    assert await names(site, several, start=-1, limit=-1) == []
    assert await names(site, several, start=10**30) == []
    assert await names(site, several, limit=10**30) == newest_first


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", ["group", "house", "carl", "lunch", "bob"]),
        ("  ", ["group", "house", "carl", "lunch", "bob"]),
        ("lunch", ["lunch"]),
        ("UNC", ["lunch"]),
        ("prins", ["group", "bob"]),
        ("straße", ["house"]),
        ("GROSSE", ["house"]),
        ("maas", []),
        ("Bob Prins, Carl", ["group"]),
        ("10000", ["group", "house", "carl", "lunch", "bob"]),
        ("100001", ["lunch"]),
        ("%", []),
        ("_", []),
    ],
)
async def test_b19_search_finds_displayed_names_and_ids_in_any_case(site, several, search, found):
    assert await names(site, several, search=search) == found


async def test_b19_search_is_paged(site, several):
    assert await names(site, several, search="prins", start=1, limit=1) == ["bob"]


async def test_b19_private_means_private(site, several):
    assert await names(site, several, private=True) == ["carl", "bob"]
    assert await names(site, several, private=False) == ["group", "house", "lunch"]


async def test_b19_unread_gives_rooms_unread_or_never_opened(site, several):
    assert await names(site, several, unread_only=True) == ["carl", "lunch"]
    await site.read("ann", several["lunch"])
    assert await names(site, several, unread_only=True) == ["carl"]
    await site.say("dora", several["house"])
    await site.say("ann", several["group"])
    assert await names(site, several, unread_only=True) == ["house", "carl"]


async def test_b19_a_name_does_not_leak_into_the_next_room(site, several):
    found = await site.rooms.list(await site.who("ann"))
    assert [room.name for room in found] == [
        "Bob Prins, Carl Smit",
        "Große STRASSE",
        "Carl Smit",
        "Lunch",
        "Bob Prins",
    ]


async def test_rooms_with_somebody_active_or_not(site, several):
    await site.leave("bob", several["lunch"])
    assert await names(site, several, user="u-bob") == ["group", "lunch", "bob"]
    assert await names(site, several, user="u-bob", private=True) == ["bob"]
    assert await names(site, several, user="u-zoe") == []


async def test_one_room_by_its_id(site, several):
    assert await names(site, several, room_id=several["lunch"]) == ["lunch"]
    await site.leave("ann", several["lunch"])
    assert await names(site, several, room_id=several["lunch"]) == []
    assert await names(site, several, room_id=several["lunch"], include_left=True) == ["lunch"]


async def cost(site, **wanted):
    """The rooms, and the statements that the list took."""
    ann = await site.who("ann")
    await site.rooms.list(ann, limit=1)  # connections are open, plans are made
    with counted_queries() as queries:
        found = await site.rooms.list(ann, **wanted)
    assert queries.of("INSERT", "UPDATE", "DELETE") == []
    return found, len(queries.all)


async def make_many(site, count):
    await asyncio.gather(
        *(
            site.make("ann", "bob", "carl", "dora", "admin", name=None if number % 2 else "Named")
            for number in range(count)
        )
    )


async def test_a_list_of_1000_rooms_takes_as_many_queries_as_one_of_3(site):
    await make_many(site, 3)
    few, for_few = await cost(site)
    _, for_few_found = await cost(site, search="named")
    await make_many(site, 997)
    many, for_many = await cost(site)
    found, for_many_found = await cost(site, search="named")
    assert (len(few), len(many), len(found)) == (3, 1000, 501)
    assert all(len(room.members) == 5 for room in many)
    assert for_few == for_many == 2
    assert for_few_found == for_many_found == 3


# The last message of each, on the native wire


async def last_messages(site, name="ann"):
    rooms = (await site.fetch("GET", PATH, name=name)).json["rooms"]
    return {room["room_id"]: room["last_message"] for room in rooms}


async def test_each_room_of_a_list_has_its_last_message(site, several):
    await site.say("ann", several["lunch"], "at twelve?")
    said = await site.say("carl", several["lunch"], "yes\n" + "x" * 600)
    await site.say("bob", several["bob"], "hello")
    found = await last_messages(site)
    assert found[several["lunch"]] == {
        "offset": said.offset,
        "id": said.id,
        "at": found[several["lunch"]]["at"],
        "sender": "u-carl",
        "sender_name": "Carl Smit",
        "content": "yes\n" + "x" * 496,
    }
    assert found[several["bob"]]["content"] == "hello"
    assert [room_id for room_id, last in found.items() if last is None] == [
        several["group"],
        several["house"],
        several["carl"],
    ]
    room = (await site.fetch("GET", f"{PATH}/{several['lunch']}", name="bob")).json["room"]
    assert room["last_message"] == found[several["lunch"]]
    assert found[several["lunch"]]["at"] == said.time.isoformat(timespec="milliseconds")[:-6] + "Z"


async def test_a_last_message_that_was_thrown_away_or_is_for_others_is_none(site, several):
    await site.say("bob", several["bob"], "hello")
    await site.server.store.write(lambda tx: MessageRow.delete().execute())
    topic = Topic("SHOP", "room", several["lunch"])
    for_carl = Audience(users=frozenset({"u-carl"}))
    await site.server.publish(topic, {"content": "for carl"}, audience=for_carl)
    await site.server.publish(Topic("SHOP", "room", several["house"]), {"lamp": "on"})
    found = await last_messages(site)
    assert found[several["bob"]] is found[several["lunch"]] is None
    assert (found[several["house"]]["content"], found[several["house"]]["sender"]) == ("", None)
    assert (await last_messages(site, "carl"))[several["lunch"]]["content"] == "for carl"


async def test_the_last_messages_of_a_list_are_one_query_more(site):
    await make_many(site, 50)
    for room_id in await site.list("ann"):
        await site.say("bob", room_id)
    await site.fetch("GET", PATH, name="ann")
    with counted_queries() as queries:
        rooms = (await site.fetch("GET", PATH, name="ann")).json["rooms"]
    assert len(rooms) == 50 and all(room["last_message"] for room in rooms)
    assert len(queries.all) == 3, queries.all
