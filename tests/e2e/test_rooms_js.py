"""What the page knows of rooms, in Node against a real server: the list, and a room that is open."""

import asyncio

import pytest

from support.node import SCRIPTS, node
from support.rooms import rooms_server
from support.server import key_of

PAGE = SCRIPTS.parents[1] / "tornado_chat/web/static/page/rooms"
# As page/session.js does: a chat, what comes of it, and its rooms.
BEGIN = """
const { Rooms } = await import(page + "/rooms.js");
const { Conversation } = await import(page + "/conversation.js");
it.Conversation = Conversation;
const chat = open(url, key);
it.chat = chat;
it.rooms = new Rooms(chat, { user_id: user, name: user });
chat.subscribe("mine", {
  onMessage: (message) => it.rooms.take(message),
  onJoined: () => it.rooms.load(),
});
chat.addEventListener("signal", ({ detail }) => it.rooms.hear(detail));
await until(() => it.rooms.loaded);
"""
LIST = "return it.rooms.list.map(({ name, unread }) => [name, unread])"
TEXTS = "it.room.log.items.map(({ content }) => content)"


@pytest.fixture
async def site():
    async with rooms_server() as running:
        yield running


@pytest.fixture
async def js():
    async with node() as running:
        yield running


async def begin(js, site, name="ann"):
    given = {"page": str(PAGE), "url": site.site.url(""), "key": key_of(name), "user": f"u-{name}"}
    await js(BEGIN, **given)


async def opened(js, room_id):
    """`it.room` is open, and `it.told` how often it told of what."""
    await js(
        """
        it.room = new it.Conversation(it.rooms, id);
        it.told = {};
        for (const type of ["reset", "older", "item", "gone", "change", "ended"])
          it.room.addEventListener(type, () => (it.told[type] = (it.told[type] ?? 0) + 1));
        await until(() => !it.room.loading);
        """,
        id=room_id,
    )


async def until_list(js, *expected):
    listed = f"JSON.stringify((() => {{ {LIST} }})())"
    await js(f"await until(() => {listed} === expected)", expected=compact(expected))


def compact(rooms):
    return "[" + ",".join(f'["{name}",{unread}]' for name, unread in rooms) + "]"


async def test_the_list_is_by_activity_with_what_is_unread(site, js):
    lunch = await site.make("bob", "ann", name="Lunch")
    stock = await site.make("bob", "ann", name="Stock")
    await site.say("bob", lunch, "at twelve?")
    await begin(js, site)
    await until_list(js, ("Lunch", 1), ("Stock", 0))
    await site.say("bob", stock, "no paper")
    await site.say("ann", stock, "I order some")
    await until_list(js, ("Stock", 1), ("Lunch", 1))
    assert await js("return [it.rooms.unread, it.rooms.list[0].last_message.content]") == [
        2,
        "I order some",
    ]
    async with site.connect("ann") as other:  # another device
        head = (await site.get("ann", stock)).last_offset
        await other.ok("seen", topic=f"room:{stock}", offset=head)
    await until_list(js, ("Stock", 0), ("Lunch", 1))


async def test_rooms_come_change_and_go(site, js):
    lunch = await site.make("bob", "ann", name="Lunch")
    await begin(js, site)
    party = await site.make("bob", "ann", "carl", name="Party")
    await until_list(js, ("Party", 0), ("Lunch", 0))
    await site.change("bob", party, name="Late party")
    await until_list(js, ("Late party", 0), ("Lunch", 0))
    await site.leave("ann", lunch)
    await until_list(js, ("Late party", 0))
    await site.say("bob", lunch, "come back")
    await until_list(js, ("Lunch", 1), ("Late party", 0))
    forged = {"name": "changed", "data": {"removed": "u-ann"}}
    async with site.connect("carl") as carl:
        await carl.ok("signal", topic=f"room:{party}", **forged)
    await site.remove("bob", lunch, "u-ann")
    await until_list(js, ("Late party", 0))


async def test_however_often_a_room_is_said_to_have_changed_it_is_read_once(site, js):
    lunch = await site.make("bob", "ann", name="Lunch")
    await begin(js, site)
    reads = await js(
        """
        const { rest } = it.rooms;
        const { get } = rest;
        let reads = 0;
        rest.get = (id) => {
          reads += 1;
          return get.call(rest, id);
        };
        const said = { topic: `room:${lunch}`, name: "changed", sender: "u-bob", data: {} };
        for (let n = 0; n < 30; n += 1) it.rooms.hear(said);
        await new Promise((done) => it.rooms.addEventListener("change", done, { once: true }));
        return reads;
        """,
        lunch=lunch,
    )
    assert reads == 1


async def test_what_comes_while_the_list_is_read_is_counted_once(site, js):
    lunch = await site.make("bob", "ann", name="Lunch")
    await begin(js, site)
    await js(
        """
        const { rest } = it.rooms;
        const { list } = rest;
        const free = new Promise((resolve) => (it.free = resolve));
        rest.list = async (query) => {
          const answer = await list.call(rest, query);
          it.answered = true;
          await free;
          return answer;
        };
        it.loaded = it.rooms.load();
        await until(() => it.answered);
        """
    )
    await site.say("bob", lunch, "meanwhile")
    await until_list(js, ("Lunch", 1))
    await js("it.free(); await it.loaded")
    await until_list(js, ("Lunch", 1))
    assert await js("return it.rooms.list[0].last_message.content") == "meanwhile"
    reading = js.begin("for (let n = 0; n < 20; n += 1) await it.rooms.load()")
    await asyncio.gather(*[site.say("bob", lunch, f"text {n}") for n in range(100)])
    await reading
    await until_list(js, ("Lunch", 101))


async def test_older_rooms_come_by_pages_and_search_finds_them(site, js):
    made = [await site.make("bob", "ann", name=f"Room {n}") for n in range(120)]
    await begin(js, site)
    assert await js("return [it.rooms.list.length, it.rooms.more]") == [100, True]
    await site.say("bob", made[0], "from the depth")
    await js("await until(() => it.rooms.list[0].name === 'Room 0')")
    await js("await it.rooms.next()")
    assert await js("return [it.rooms.list.length, it.rooms.more]") == [120, False]
    names = await js("return it.rooms.list.map(({ name }) => name)")
    assert names == ["Room 0", *[f"Room {n}" for n in range(119, 0, -1)]]
    await js("await it.rooms.search('oom 11')")
    assert await js("return it.rooms.list.map(({ name }) => name).sort()") == [
        f"Room {n}" for n in (11, *range(110, 120))
    ]
    await js("await it.rooms.search('')")
    assert await js("return it.rooms.list.length") == 120


async def test_a_room_is_read_backwards_and_the_line_stays(site, js):
    room = await site.make("bob", "ann", name="Long")
    for n in range(130):
        await site.say("bob", room, f"text {n}")
        if n == 49:
            await site.read("ann", room)
    await begin(js, site)
    await opened(js, room)
    assert await js(f"return [{TEXTS}.length, it.room.more]") == [90, True]
    line = "it.room.log.items.find(({ offset }) => offset === it.room.line)?.content"
    assert await js(f"return {line}") == "text 50"
    await js("await it.room.older()")
    assert await js(f"return [{TEXTS}, it.room.more]") == [[f"text {n}" for n in range(130)], False]
    await site.say("bob", room, "one more")
    await js(f"await until(() => {TEXTS}.at(-1) === 'one more')")
    assert await js(f"return {line}") == "text 50"
    assert (await site.get("ann", room)).unread == 81, "nobody has looked"


async def test_what_comes_while_it_is_opened_was_not_unread_before(site, js):
    room = await site.make("bob", "ann", name="Lunch")
    for n in range(3):
        await site.say("bob", room, f"text {n}")
        if n == 0:
            await site.read("ann", room)
    await begin(js, site)
    await js(
        """
        const history = it.chat.history.bind(it.chat);
        const free = new Promise((resolve) => (it.free = resolve));
        it.chat.history = (...asked) => free.then(() => history(...asked));
        const listed = it.rooms.get(id);
        it.room = new it.Conversation(it.rooms, id);
        await until(() => it.rooms.get(id) !== listed);
        """,
        id=room,
    )
    await site.say("bob", room, "late")
    await js("it.free(); await until(() => !it.room.loading)")
    assert await js(f"return {TEXTS}") == ["text 0", "text 1", "text 2", "late"]
    line = "it.room.log.items.find(({ offset }) => offset === it.room.line)?.content"
    assert await js(f"return {line}") == "text 1"


async def test_it_is_told_now_and_then_that_one_has_read(site, js):
    room = await site.make("bob", "ann", name="Lunch")
    await site.say("bob", room, "text")
    await begin(js, site)
    await opened(js, room)
    await js("it.signals.length = 0; it.room.watch(true)")
    for n in range(50):
        await site.say("bob", room, f"text {n}")
    await js(f"await until(() => {TEXTS}.length === 51 && it.rooms.unread === 0)")
    head = (await site.get("ann", room)).last_offset
    seen = "it.signals.filter(({ name }) => name === 'seen')"
    await js(f"await until(() => {seen}.at(-1)?.data.offset === head)", head=head)
    assert await js(f"return {seen}.length") < 10
    assert (await site.get("ann", room)).unread == 0
    await js("it.room.watch(false)")
    await site.say("bob", room, "she is away")
    await until_list(js, ("Lunch", 1))


async def test_one_says_something_and_it_is_there_once(site, js):
    room = await site.make("bob", "ann", name="Lunch")
    await begin(js, site)
    await opened(js, room)
    await js("for (let n = 0; n < 20; n += 1) it.room.post(`mine ${n}`)")
    await asyncio.gather(*[site.say("bob", room, f"his {n}") for n in range(20)])
    await js(
        """await until(() => it.room.log.placed === 40 && it.room.log.items.length === 40
          && it.room.log.items.every(({ state }) => state === "stored"))"""
    )
    texts = await js(f"return {TEXTS}")
    assert sorted(texts) == sorted(f"{who} {n}" for who in ("mine", "his") for n in range(20))
    await js("it.room.close()")
    await opened(js, room)
    assert await js(f"return {TEXTS}") == texts


async def test_what_is_not_sent_yet_is_there_when_the_room_is_opened_again(site, js):
    room = await site.make("bob", "ann", name="Lunch")
    await begin(js, site)
    await opened(js, room)
    await js("it.room.post(' ')")  # which the server refuses
    await js("await until(() => it.room.log.items[0].state === 'failed'); it.room.close()")
    await opened(js, room)
    assert await js("return it.room.log.items.map(({ state }) => state)") == ["failed"]
    await js("it.room.discard(it.room.log.items[0]); it.room.close()")
    await opened(js, room)
    assert await js("return it.room.log.items.length") == 0


async def test_who_is_not_in_a_room_is_told(site, js):
    room = await site.make("bob", "ann", name="Lunch")
    await begin(js, site)
    await opened(js, room)
    await site.remove("bob", room, "u-ann")
    await js("await until(() => it.told.ended === 1)")
    await until_list(js)
    await opened(js, "999")
    assert await js("return [it.told.ended, it.room.problem.code]") == [1, "denied"]


async def test_who_is_here_and_who_writes(site, js):
    room = await site.make("bob", "ann", name="Lunch")
    await begin(js, site)
    await opened(js, room)
    here = "[...it.room.presence.here].sort()"
    await js(f"await until(() => {here}.join() === 'u-ann')")
    async with site.connect("bob") as bob:
        await js(f"await until(() => {here}.join() === 'u-ann,u-bob')")
        await bob.ok("signal", topic=f"room:{room}", name="typing", data={})
        await js("await until(() => it.room.presence.writing.join() === 'u-bob')")
        await bob.ok("publish", topic=f"room:{room}", data={"content": "so"})
        nobody = "await until(() => it.room.presence.writing.length === 0)"
        await js(nobody, seconds=4)  # at once, and not when it is over
        await bob.ok("signal", topic=f"room:{room}", name="typing", data={})
        await js("await until(() => it.room.presence.writing.length === 1)")
    await js(f"await until(() => {here}.join() === 'u-ann')")
    await js(nobody)
    await js("it.signals.length = 0; for (let n = 0; n < 9; n += 1) it.room.presence.write()")
    await js("await until(() => it.signals.length)")
    await js("await it.chat.seen(it.room.topic, 0)")  # an answer that comes after all of them
    assert await js("return it.signals.filter(({ name }) => name === 'typing').length") == 1
