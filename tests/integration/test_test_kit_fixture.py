"""The fixture as pytest finds it in somebody else's project: no configuration but the entry point."""

import sys

import pytest

pytest_plugins = ["pytester"]

HEAD = """
import asyncio
import logging
import sys

import pytest
from tornado_chat import TopicProvider, hookimpl

api = 1


class Board(TopicProvider):
    kind = "board"

    async def authorize(self, identity, action, topic):
        return True

    async def receive(self, identity, topic, data):
        return dict(data)


@hookimpl
def register_topics():
    return [Board()]


ME = sys.modules[__name__]
"""

GOOD = """
@pytest.mark.parametrize("n", range(2))
async def test_a_note_arrives(chat_server, tmp_path, n):
    async with chat_server(plugins=[ME]) as chat:
        ann = await chat.connect("ann")
        bob = await chat.connect("bob")
        await ann.ok("subscribe", topic="board:1")
        await bob.ok("publish", topic="board:1", data={"text": "hi"})
        assert (await ann.push())["data"] == {"text": "hi"}
        assert (await chat.rest("ann").get("/health/live")).status == 200
    assert list(tmp_path.glob("chat-1/*.db"))  # to look at where it fails


def test_without_a_loop_and_without_pytest():
    from tornado_chat.testing import chat_server

    async def story():
        async with chat_server([ME]) as chat, chat.connect("ann") as ann:
            return ann.hello["user"]

    assert asyncio.run(story()) == "u-ann"

"""

BAD = """
async def test_task(chat_server):
    async with chat_server([ME]):
        asyncio.create_task(asyncio.sleep(60), name="forgotten task")


async def test_session(chat_server):
    import websockets

    async with chat_server([ME]) as chat:
        url = chat.url.replace("http", "ws") + "/ws?api_key=key-of-ann"
        keep = await websockets.connect(url)


async def test_log(chat_server):
    async with chat_server([ME]):
        logging.getLogger("board").warning("board is full")


async def test_log_after_the_block(chat_server):
    async with chat_server([ME]):
        pass
    logging.getLogger("board").warning("board is empty")


async def test_expected(chat_server):
    async with chat_server([ME]) as chat:
        chat.logs.expect("board is full")
        logging.getLogger("board").warning("board is full")
    async with chat_server([ME]) as chat:
        logging.getLogger("board").warning("board is full, still")
"""

LIGHT = """
import sys


def test_nothing_was_imported():
    assert "tornado_chat.testing.fixtures" in sys.modules
    ours = {name for name in sys.modules if name.startswith("tornado_chat")}
    assert ours == {"tornado_chat", "tornado_chat.testing", "tornado_chat.testing.fixtures"}
    assert not {"tornado", "peewee", "websockets", "marshmallow"} & set(sys.modules)
"""


@pytest.fixture
def run(pytester):
    """pytest in a process of its own, warnings being errors."""

    def ran(text, *arguments):
        pytester.makeini(
            "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
        )
        pytester.makepyfile(text)
        return pytester.run(
            *(sys.executable, "-W", "error", "-m", "pytest", "-p", "no:cacheprovider"), *arguments
        )

    return ran


def test_it_is_there_and_no_warning_comes(run):
    run(HEAD + GOOD, "-W", "error").assert_outcomes(passed=3)


def test_what_is_left_behind_fails_the_test(run):
    result = run(HEAD + BAD)
    result.assert_outcomes(passed=2, failed=3, errors=1)
    result.stdout.fnmatch_lines_random(
        [
            "*AssertionError: task still running: forgotten task, sleep*",
            "*AssertionError: session still open: /ws of u-ann*",
            "*board: board is full*",
            "*ERROR at teardown of test_log_after_the_block*",
            "*board: board is empty*",
        ]
    )


def test_starting_pytest_imports_nothing_of_it(run):
    run(LIGHT).assert_outcomes(passed=1)


def test_opting_out(run):
    result = run(HEAD + GOOD, "-p", "no:tornado_chat", "-k", "note")
    result.assert_outcomes(errors=2, deselected=1)
    result.stdout.fnmatch_lines(["*fixture 'chat_server' not found*"])
