"""What a connection costs, counted: statements and commits of a handshake, what an idle one keeps."""

import asyncio
import contextlib
import gc
import subprocess
import sys
import weakref

import pytest
from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders, HTTPServerRequest

from support.growerp import FrontEnd, until
from support.queries import counted_queries
from support.server import key_of, running_server
from support.stores import one_group
from support.wire import TEXT, Wire
from tornado_chat import Identity
from tornado_chat.web.handshake import Handshake

MANY = 64  # a power of two: they are one statement each, see `store.prepared`


@pytest.fixture
async def site():
    limits = {"sockets_per_user": 0, "frames_per_second": 0}
    async with running_server({"limits": limits}) as running:
        yield running


async def keys(site, count):
    return [await site.server.accounts.issue_key("u-ann") for _ in range(count)]


async def opened(stack, site, path, key):
    return await stack.enter_async_context(Wire.open(site, path, None, key=key))


def about(queries, table):
    return [text.split(" ", 1)[0] for text in queries.all if f'"{table}"' in text]


async def test_sockets_that_open_together_share_one_job_of_the_writer(site):
    server, given = site.server, await keys(site, MANY + 1)
    openings = server.cursors._openings
    async with contextlib.AsyncExitStack() as stack:
        with counted_queries() as queries:
            async with one_group(server.store):
                begun = server.store.writer.commits
                opening = [asyncio.create_task(opened(stack, site, "/notws", key)) for key in given]
                await until(lambda: len(openings._waiting) == MANY)
            await asyncio.gather(*opening)
        # the job that kept the writer busy; the first, which came alone; all the others
        assert server.store.writer.commits - begun == 3
        assert about(queries, "cursor") == ["SELECT", "INSERT"] * 2
        assert len({session.cursor.row for session in server.hub.all_sessions()}) == MANY + 1


async def test_what_all_of_them_listened_to_last_is_one_query(site):
    remembered = site.server.service("growerp.remembered")
    people = [Identity(f"u{number}", "SHOP", "x", key=f"k{number}") for number in range(MANY)]
    with counted_queries() as queries:
        for person in people:
            remembered.keep(person, frozenset({person.user_id}))
        await until(lambda: not remembered._waiting)
        assert about(queries, "growerp_listening") == ["INSERT", "SELECT"]
        again = [Identity(each.user_id, each.tenant, "x", key="new") for each in people]
        names = await asyncio.gather(*map(remembered.of, again))
        assert about(queries, "growerp_listening") == ["INSERT", "SELECT", "SELECT"]
    assert names == [{person.user_id} for person in people]


async def test_who_comes_back_and_says_the_same_writes_nothing_of_it(site):
    remembered = site.server.service("growerp.remembered")
    with counted_queries() as queries:
        for _ in range(3):
            async with Wire.open(site, "/notws", "ann") as wire:
                wire.write(TEXT, b"subscribe: OrderUpdate")
                await until(lambda: said(site) == [{"OrderUpdate"}])
                await remembered.flush()
            await until(lambda: not site.server.sockets.handlers)
    assert about(queries, "growerp_listening").count("INSERT") == 1


def said(site):
    return [session.state.names for session in site.server.hub.all_sessions()]


async def idle(stack, site, count):
    """Native sessions with three subscriptions, and sockets of the face; nothing is under way."""
    room = await FrontEnd(site, "ann").room_with(FrontEnd(site, "bob"), name="idle")
    for _ in range(count):  # with keys that do not expire, or there is a timer for that
        wire = await opened(stack, site, "/ws", key_of("ann"))
        await wire.next()
        wire.send({"id": 1, "do": "subscribe", "topics": ["mine", f"room:{room}", "OrderUpdate"]})
        while (frame := await wire.next()).get("id") != 1:
            pass
        assert not [each for each in frame["ok"]["topics"] if "error" in each], frame
        await opened(stack, site, "/notws", key_of("ann"))
    await until(lambda: all(is_live(session) for session in site.server.hub.all_sessions()))
    await until(lambda: not site.server.hub.unproven)


def is_live(session):
    return all(each.live for each in session.subscriptions.values())


def timers():
    return [each for each in asyncio.get_running_loop()._scheduled if not each.cancelled()]


async def test_an_idle_connection_has_no_task_and_no_timer_of_its_own(site):
    async with contextlib.AsyncExitStack() as stack:
        await idle(stack, site, 1)
        few = len(asyncio.all_tasks()), len(timers())
        await idle(stack, site, 10)
        await until(lambda: len(asyncio.all_tasks()) <= few[0])
        await until(lambda: len(timers()) <= few[1])


async def test_nothing_is_kept_of_the_request_that_opened_it_nor_left_for_the_collector(site):
    """Not even until the garbage collector comes: what is in no cycle is gone at once."""
    async with contextlib.AsyncExitStack() as stack:
        await idle(stack, site, 1)  # what is made once
        gc.collect()
        gc.disable()
        try:
            await idle(stack, site, 5)
            kinds = HTTPServerRequest, HTTP1Connection, HTTPHeaders, Handshake
            assert not [each for each in gc.get_objects() if isinstance(each, kinds)]
        finally:
            gc.enable()


async def test_a_connection_that_is_over_is_gone_altogether(site):
    async with Wire.open(site, "/ws", "ann") as wire:
        await wire.next()
        [handler] = site.server.sockets.handlers
        gone = weakref.ref(handler), weakref.ref(handler.session)
    del handler
    await until(lambda: not site.server.sockets.handlers)
    gc.collect()
    assert [each() for each in gone] == [None, None]


async def test_listeners_of_a_topic_share_its_name_and_people_their_groups(site):
    async with contextlib.AsyncExitStack() as stack:
        await idle(stack, site, 3)
        sessions = [each for each in site.server.hub.all_sessions() if len(each.subscriptions) == 3]
        topics = {id(topic) for session in sessions for topic in session.subscriptions if topic}
        assert len(topics) == 2
        assert len({id(session.identity.groups) for session in sessions}) == 1


NOT_SERVED = (
    "websockets",
    "tornado.websocket",
    "tornado_chat.client",
    "tornado_chat.bench",
    "tornado_chat.demo",
    "tornado_chat.cli_accounts",
    "tornado_chat.cli_bench",
    "tornado_chat.cli_listen",
)

SERVE = """
import asyncio, sys, tornado_chat.app
from tornado_chat.cli import cli

def built(server):
    print(*sys.modules, sep="\\n")
    sys.exit()

tornado_chat.app.Server.start = built
cli(["serve"])
"""


def test_a_server_imports_nothing_that_it_does_not_need(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SERVE], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    modules = done.stdout.split()
    assert "tornado_chat_plugins.growerp" in modules
    assert not [each for each in modules if each.startswith(NOT_SERVED)]


async def test_a_key_in_use_is_not_asked_about_again(site):
    async with Wire.open(site, "/ws", "ann", key=key_of("ann")):
        with counted_queries() as queries:
            async with Wire.open(site, "/ws", "ann") as wire:
                await wire.next()
    assert not queries.all
