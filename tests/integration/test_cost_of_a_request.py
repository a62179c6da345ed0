"""What a POST ChatMessage costs once its caller and its room are known, counted; and that what is
remembered lets nobody do what he may no longer do. See docs/explanation/speed.md.
"""

import asyncio
import json
import re

import orjson
import pytest
from tornado.web import RequestHandler

from support.growerp import FrontEnd
from support.queries import counted_queries
from support.server import key_of, running_server, users
from support.stores import one_group
from tornado_chat import config as configuration
from tornado_chat.web.fast_path import PlainPost

MANY = 16


@pytest.fixture
async def site():
    async with running_server() as running:
        yield running


@pytest.fixture
async def ann(site):
    """Known, as her room with Bob is."""
    ann = FrontEnd(site, "ann")
    ann.room = await ann.room_with(FrontEnd(site, "bob"))
    await ann.say(ann.room, "hello")
    return ann


class Counts:
    """What is done on the loop's thread while it is entered."""

    def __init__(self, site, monkeypatch):
        self.store = site.server.store
        self.tasks, self.dumped, self.handlers, self.plain = [], [], [], []
        loop, patch = asyncio.get_running_loop(), monkeypatch.setattr
        patch(orjson, "dumps", noted(orjson.dumps, self.dumped))
        patch(RequestHandler, "__init__", noted(RequestHandler.__init__, self.handlers))
        patch(PlainPost, "__init__", noted(PlainPost.__init__, self.plain))
        self.reads = self.store.reads

        def make(loop, coroutine, **kwargs):
            self.tasks.append(coroutine.__qualname__)
            return asyncio.Task(coroutine, loop=loop, **kwargs)

        loop.set_task_factory(make)


def noted(function, calls):
    def counted(*args, **kwargs):
        calls.append(args)
        return function(*args, **kwargs)

    return counted


class Connection:
    """Raw, so that a client's own tasks and encodings do not count."""

    @classmethod
    async def open(cls, site):
        self = cls()
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", site.port)
        return self

    async def post(self, room, content, name="ann"):
        body = json.dumps(said(room, content))
        self.writer.write(
            b"POST /rest/s1/growerp/100/ChatMessage HTTP/1.1\r\nHost: x\r\napi_key: %b\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (key_of(name).encode(), len(body), body.encode())
        )

    async def answered(self):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        await self.reader.readexactly(int(re.search(r"Content-Length: (\d+)", head)[1]))
        return int(head.split()[1])


def what(text):
    """`INSERT message` of a statement."""
    table = re.search(r'(?:INTO|UPDATE|FROM) "(\w+)"', text)[1]
    return f"{text.split(' ', 1)[0]} {table}"


async def test_neither_a_handler_nor_a_task_nor_a_reader_nor_a_second_encoding(
    site, ann, monkeypatch
):
    connection = await Connection.open(site)
    await connection.post(ann.room, "first")
    await connection.answered()
    counts = Counts(site, monkeypatch)
    for number in range(MANY):
        await connection.post(ann.room, f"text {number}")
        assert await connection.answered() == 200
    asyncio.get_running_loop().set_task_factory(None)
    assert len(counts.plain) == MANY
    assert counts.handlers == []
    assert counts.tasks == []
    assert counts.store.reads == counts.reads
    assert len(counts.dumped) == 3 * MANY  # for its digest, as it is stored, and its answer
    connection.writer.close()


async def test_the_statements_of_a_group(site, ann):
    """As many as for one: none for each that its other half may be looked for, or is."""
    connections = [await Connection.open(site) for _ in range(MANY)]
    with counted_queries() as queries:
        async with one_group(site.server.store):
            for number, connection in enumerate(connections):
                await connection.post(ann.room, f"text {number}")
            async with asyncio.timeout(5):
                while len(site.server.listener._house._asked) < MANY:
                    await asyncio.sleep(0.001)
        for connection in connections:
            assert await connection.answered() == 200
            connection.writer.close()
    assert [what(text) for text in queries.all] == [
        "INSERT message",
        "UPDATE member",
        "UPDATE log_head",
        "UPDATE topic",
        "INSERT pairing",
    ]


# What is remembered lets nobody in


async def test_a_revoked_key_is_refused_at_once(site, ann):
    await site.server.accounts.revoke_key(key_hash_of(site, "ann"))
    await ann.bad(401, "POST", "ChatMessage", said(ann.room))


async def test_who_was_disabled_is_refused_at_once(site, ann):
    await site.server.accounts.disable("u-ann")
    await ann.bad(401, "POST", "ChatMessage", said(ann.room))


async def test_who_was_removed_from_the_room_is_refused_at_once(site, ann):
    bob = await site.server.accounts.identify(key_of("bob"), "")
    rooms = site.server.service("chat_rooms").as_house()
    group = await ann.room_with(FrontEnd(site, "bob"), FrontEnd(site, "carl"), name="Three")
    await ann.say(group, "hello")
    await rooms.remove(bob, group, "u-ann")
    assert "not found" in await ann.bad(400, "POST", "ChatMessage", said(group))


async def test_who_has_another_name_by_now_has_it_at_once(site, ann):
    people = users()
    people[0]["full_name"] = "Ann Prins"
    await site.server.accounts.bring_in(configuration.build({"users": people}).users)
    assert (await ann.say(ann.room, "who?"))["fromUserFullName"] == "Ann Prins"


def key_hash_of(site, name):
    return site.server.accounts.remembered(key_of(name)).key


def said(room, content="still here?"):
    return {"chatMessage": {"chatRoom": {"chatRoomId": room}, "content": content}}
