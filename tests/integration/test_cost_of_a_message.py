"""What a published message costs, counted where it must not grow: see docs/explanation/speed.md.

The time it takes is for `make bench`; here is what it is made of.
"""

import asyncio
import gc
import os
import re
import signal

import orjson
import pytest
from tornado.iostream import IOStream

from support.queries import counted_queries, explained
from support.rooms import rooms_server
from support.stores import one_group
from support.wire import Wire
from tornado_chat import config as configuration
from tornado_chat.app import Server
from tornado_chat.cli import COLLECT_AFTER, run_server

MANY = 64


@pytest.fixture
async def site():
    async with rooms_server({"limits": {"frames_per_second": 0}}) as running:
        yield running


async def publish(client, room, count, first=0, **also):
    """So many at once, and a ping: its answer tells that all before it wait for their commit."""
    for number in range(first, first + count):
        said = {"topic": f"room:{room}", "data": {"content": f"{number}"}}
        more = {name: f"{value}{number}" for name, value in also.items()}
        await client.send({"id": number, "do": "publish", **said, **more})
    await client.send({"id": "ping", "do": "ping"})
    await client.reply("ping")


async def answered(client, count):
    """The next replies, in the order in which they came."""
    found = []
    while len(found) < count:
        frame = await client.next()
        if "id" in frame:
            found.append(frame)
    return found


async def in_one_group(site, clients, rooms, count, **also):
    """Each says so many in his room, and one commit has them all; what the database was asked."""
    with counted_queries() as queries:
        async with one_group(site.server.store):
            for client, room in zip(clients, rooms, strict=True):
                await publish(client, room, count, **also)
            commits = site.server.store.writer.commits
        for client in clients:
            replies = await answered(client, count)
            assert [reply["id"] for reply in replies] == list(range(count)), replies
            assert all("ok" in reply for reply in replies)
        # the one that kept the writer busy, and the group
        assert site.server.store.writer.commits == commits + 2
    return [what(text) for text in queries.all]


def what(text):
    """`INSERT message` of a statement."""
    table = re.search(r'(?:INTO|UPDATE|FROM) "(\w+)"', text)[1]
    return f"{text.split(' ', 1)[0]} {table}"


async def test_many_messages_in_one_group_cost_as_many_statements_as_one(site):
    rooms = [await site.make("ann", "bob"), await site.make("bob", "ann")]
    async with site.connect("ann") as ann, site.connect("bob") as bob:
        await in_one_group(site, [ann, bob], rooms, 1)  # who belongs to them is known from now on
        one = await in_one_group(site, [ann, bob], rooms, 1)
        many = await in_one_group(site, [ann, bob], rooms, MANY)
    assert one == many == ["INSERT message", "UPDATE member", "UPDATE log_head", "UPDATE topic"]


async def test_a_number_that_is_no_power_of_two_costs_a_few_more(site):
    room = await site.make("ann", "bob")
    async with site.connect("ann") as ann:
        await in_one_group(site, [ann], [room], 1)
        statements = await in_one_group(site, [ann], [room], MANY - 1)
    assert statements.count("INSERT message") == 6  # 32 + 16 + 8 + 4 + 2 + 1
    assert len(statements) == 6 + 3


async def test_a_key_costs_a_look_for_each_message_and_is_written_with_its_group(site):
    room = await site.make("ann", "bob")
    async with site.connect("ann") as ann:
        await in_one_group(site, [ann], [room], 1)
        statements = await in_one_group(site, [ann], [room], 16, key="k")
    keys = [each for each in statements if each.endswith("publish_key")]
    assert keys == ["SELECT publish_key"] * 16 + ["INSERT publish_key"]
    assert len(statements) == len(keys) + 4


async def test_frames_that_come_in_one_piece_are_read_at_once(site, monkeypatch):
    reads = []
    read_bytes = IOStream.read_bytes

    def counted(self, size, **kwargs):
        reads.append(size)
        return read_bytes(self, size, **kwargs)

    async with Wire.open(site.site, "/ws", "ann") as wire:
        await wire.next()  # the hello
        monkeypatch.setattr(IOStream, "read_bytes", counted)
        for number in range(MANY):
            wire.send({"id": number, "do": "ping"})
        assert [(await wire.next())["id"] for _ in range(MANY)] == list(range(MANY))
    assert len(reads) < 5


async def test_a_burst_makes_few_tasks_and_calls_nothing_back_for_each_message(site, monkeypatch):
    room = await site.make("ann", "bob")
    loop = asyncio.get_running_loop()
    tasks, calls = [], []
    call_soon = loop.call_soon

    def counted_task(loop, coroutine, **kwargs):
        tasks.append(coroutine)
        return asyncio.Task(coroutine, loop=loop, **kwargs)

    def counted_call(*args, **kwargs):
        calls.append(args)
        return call_soon(*args, **kwargs)

    async with Wire.open(site.site, "/ws", "ann") as wire:
        await wire.next()
        said = {"topic": f"room:{room}", "data": {"content": "hello"}}
        wire.send({"id": 0, "do": "publish", **said})
        await wire.next()  # who belongs to the room is known from now on
        loop.set_task_factory(counted_task)
        monkeypatch.setattr(loop, "call_soon", counted_call)
        async with one_group(site.server.store):
            for number in range(MANY):
                wire.send({"id": number, "do": "publish", **said})
            wire.send({"id": "ping", "do": "ping"})
            assert (await wire.next())["id"] == "ping"
        assert [(await wire.next())["id"] for _ in range(MANY)] == list(range(MANY))
    loop.set_task_factory(None)
    assert len(tasks) <= MANY // 8, tasks
    assert len(calls) < MANY, calls


@pytest.mark.parametrize(("also", "times"), [({}, 3), ({"key": "k"}, 4)])
async def test_a_message_is_put_into_json_once_for_each_use(site, monkeypatch, also, times):
    """As it is stored, as it is pushed to all who hear it, and its reply; with a key for its digest."""
    room = await site.make("ann", "bob", "carl")
    dumped = []
    dumps = orjson.dumps

    def counted(value, *args, **kwargs):
        dumped.append(value)
        return dumps(value, *args, **kwargs)

    async with (
        site.connect("ann") as ann,
        site.connect("bob") as bob,
        site.connect("carl") as carl,
        site.connect("carl") as tablet,
    ):
        for client in (bob, carl, tablet):
            await client.ok("subscribe", topic=f"room:{room}")
        monkeypatch.setattr(orjson, "dumps", counted)
        await publish(ann, room, MANY, **also)
        await answered(ann, MANY)
        for client in (bob, carl, tablet):
            pushed = [await client.push() for _ in range(MANY)]
            assert [each["data"]["content"] for each in pushed] == list(map(str, range(MANY)))
    assert len(dumped) == times * MANY + 1  # the answer to the ping


async def test_nobody_is_told_of_messages_where_nobody_listens(site):
    assert site.server.broker._published is None
    assert site.server.gate._vetoes is None


async def test_rows_are_found_by_their_keys_however_many_are_changed_at_once(site):
    rooms = [await site.make("ann", other) for other in ("bob", "carl", "dora")]
    async with site.connect("ann") as ann:
        with explained() as plans:
            async with one_group(site.server.store):
                for room in rooms:
                    await publish(ann, room, MANY // 4)
            await answered(ann, 3 * (MANY // 4))
    assert any("given" in text for text in plans.statements)
    assert not plans.walked({"member", "topic", "message", "publish_key"})
    assert plans.searched('UPDATE "topic" SET "count"') == {"rowid=?"}
    assert plans.searched('UPDATE "member" SET "own_after"') == {"topic_id=? AND user_id=?"}


async def test_what_stands_at_the_start_is_not_collected(monkeypatch, tmp_path):
    frozen = []
    tables = {
        "server": {"port": 0, "drain_seconds": 0},
        "store": {"url": f"sqlite:///{tmp_path / 'chat.db'}"},
        "plugins": {"directory": str(tmp_path)},
    }
    server = Server(configuration.build(tables))
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(server.ready))
    monkeypatch.setattr(gc, "set_threshold", frozen.append)

    async def started():
        os.kill(os.getpid(), signal.SIGTERM)

    await run_server(server, started)
    assert frozen == [True, COLLECT_AFTER]
