"""`/asyncapi.json`: valid after the official schema, the file in docs is the same, and it tells what the
server takes and sends."""

import json
from pathlib import Path
from types import ModuleType

import pytest
from jsonschema import Draft7Validator
from marshmallow import Schema, ValidationError, fields

from support import asyncapi
from support.described import channels_of, usual
from support.server import running_server
from tornado_chat import BadRequest, Dialect, Frames, hookimpl
from tornado_chat.commands import TABLE

OFFICIAL = json.loads((Path(__file__).parents[1] / "data" / "asyncapi-3.0.0.json").read_text())


async def described(site):
    answer = await site.fetch("GET", "/asyncapi.json")
    assert answer.code == 200
    return answer.json


async def test_valid_and_the_page_of_the_reference():
    async with running_server() as site:
        document = await described(site)
    assert not list(Draft7Validator(OFFICIAL).iter_errors(document))
    assert json.loads(asyncapi.PAGE.read_text()) == document, "make docs"
    assert asyncapi.PAGE.read_text() == asyncapi.page(), "make docs"


def test_the_official_schema_finds_faults():
    document = json.loads(asyncapi.PAGE.read_text())
    document["channels"]["ws"]["adress"] = document["channels"]["ws"].pop("address")
    assert list(Draft7Validator(OFFICIAL).iter_errors(document))


def references(value):
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_every_reference_leads_somewhere():
    document = json.loads(asyncapi.PAGE.read_text())
    for reference in set(references(document)):
        found = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


def test_all_three_sockets_and_all_commands():
    document = json.loads(asyncapi.PAGE.read_text())
    assert {each["address"] for each in document["channels"].values()} == {"/ws", "/chat", "/notws"}
    received = {
        name.partition(".")[2]
        for name, each in document["operations"].items()
        if each["action"] == "receive" and name.startswith("ws.")
    }
    assert received == set(TABLE)


NATIVE = [
    {"id": 1, "do": "ping"},
    {"id": "a", "do": "auth", "key": "k"},
    {"id": 1, "do": "subscribe", "topic": "room:1"},
    {"id": 1, "do": "subscribe", "topics": ["room:1"], "since": "start"},
    {"id": 1, "do": "subscribe", "topic": "room:1", "since": {"epoch": "a", "offset": 0}},
    {"id": 1, "do": "subscribe", "topic": "room:1", "since": {"epoch": "a", "offset": -1}},
    {"id": 1, "do": "subscribe", "topic": "room:1", "since": "end"},
    {"id": 1, "do": "unsubscribe", "topic": ""},
    {"id": None, "do": "ping"},
    {"id": "x" * 65, "do": "ping"},
    {"id": 1, "do": "ping", "more": 1},
    {"id": 1, "do": "publish", "topic": "room:1", "data": {"a": 1}, "key": "k"},
    {"id": 1, "do": "publish", "topic": "room:1", "data": []},
    {"id": 1, "do": "publish", "topic": "room:1", "data": {}, "key": "k" * 129},
    {"id": 1, "do": "history", "topic": "room:1", "limit": 200, "before": 5},
    {"id": 1, "do": "history", "topic": "room:1", "limit": 201},
    {"id": 1, "do": "seen", "topic": "room:1", "offset": "1"},
    {"id": 1, "do": "seen", "topic": "room:1", "offset": 1},
    {"id": 1, "do": "signal", "topic": "room:1", "name": "typing"},
    {"id": 1, "do": "signal", "topic": "room:1"},
]


@pytest.mark.parametrize("frame", NATIVE, ids=json.dumps)
def test_a_command_is_described_as_it_is_taken(frame):
    channel = channels_of(usual().listener._house.dialects.values())["/ws"]
    command = frame["do"]
    try:
        TABLE[command].schema.load(frame)
    except ValidationError:
        with pytest.raises(AssertionError):
            channel.check_taken(frame, command)
    else:
        channel.check_taken(frame, command)


def test_a_message_on_chat_is_described_as_it_is_taken():
    dialects = usual().listener._house.dialects
    channel = channels_of(dialects.values())["/chat"]
    read_message = __import__(type(dialects["/chat"]).__module__, fromlist=["x"]).read_message
    bare = {"chatRoom": {"chatRoomId": "1"}, "content": "a", "creationDate": None}
    for frame in (bare, {"chatMessage": bare}, {"content": "a"}, {"chatRoom": {}, "content": "a"}):
        try:
            read_message(json.dumps(frame))
        except BadRequest:
            with pytest.raises(AssertionError):
                channel.check_taken(frame, "post")
        else:
            channel.check_taken(frame, "post")


async def test_what_a_plugin_says_of_its_sockets():
    class Line(Schema):
        line = fields.String()

    class Lines(Dialect):
        path = "/lines"

        async def receive(self, session, text):
            session.send(b'{"line": 1}')

        def frames(self):
            return Frames("Lines.", takes={"line": Line}, sends={"line": Line})

    module = ModuleType("lines")
    module.api = 1
    module.register_dialects = hookimpl(lambda: [Lines()])
    async with running_server(modules=[module]) as site:
        document = await described(site)
        assert not list(Draft7Validator(OFFICIAL).iter_errors(document))
        assert set(document["channels"]["lines"]["messages"]) == {"line", "lineSent"}
        async with site.open("/lines", "ann") as socket:  # the check of all others
            await socket.send("anything")
            with pytest.raises(AssertionError, match="is not of type 'string'"):
                await socket.recv()
