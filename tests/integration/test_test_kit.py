"""The test kit, as somebody uses it who writes a plugin."""

import pytest

from support.boards import boards
from tornado_chat.testing import chat_server as plain_chat_server


async def test_a_note_arrives(chat_server):
    async with chat_server(plugins=[boards()]) as chat:
        ann = await chat.connect("ann")
        bob = await chat.connect("bob")
        reply = await ann.ok("subscribe", topic="board:1")
        assert reply["state"] == {"topic": "1"}
        await bob.ok("publish", topic="board:1", data={"text": "hi"})
        assert (await ann.push())["data"] == {"text": "hi"}
        assert await bob.refused("publish", topic="board:closed", data={}) == "denied"
        await ann.quiet()


async def test_a_session_is_closed_with_its_block(chat_server):
    async with chat_server(plugins=[boards()]) as chat:
        async with chat.connect("ann") as ann:
            assert ann.hello["user"] == "u-ann"
        assert ann.close_code == 1000


async def test_rest_of_somebody_and_of_nobody(chat_server):
    async with chat_server() as chat:
        assert (await chat.rest().get("/health/live")).status == 200
        answer = await chat.rest("ann").get("/rest/nothing")
        assert answer.status == 404 and answer.json["error"]["code"] == "not_found"


async def test_it_needs_no_pytest():
    async with plain_chat_server(plugins=[boards()]) as chat, chat.connect("zoe") as zoe:
        assert zoe.hello["tenant"] == "OTHER"


async def test_a_warning_that_nobody_expects_fails_the_block(logs):
    logs.expect("no plugin 'nobody'")  # of this suite's own check
    with pytest.raises(AssertionError, match="no plugin 'nobody' is there"):
        async with plain_chat_server(config={"plugins": {"disabled": ["nobody"]}}):
            pass
