"""docs/reference/plugins/chat_rooms.md names every route, key, field and command of the plugin."""

import inspect
import json
import re
from pathlib import Path

import pytest
from tornado_chat_plugins.chat_rooms import Rooms, Settings, commands, routes, schemas

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "plugins" / "chat_rooms.md"
TEXT = PAGE.read_text()
METHODS = [
    name for name, _ in inspect.getmembers(Rooms, inspect.iscoroutinefunction) if name[0] != "_"
]
SHAPES = (
    schemas.ListRooms,
    schemas.ListMembers,
    schemas.NewRoom,
    schemas.RoomChange,
    schemas.NewMembers,
)


def documented_routes():
    for pattern, handler, _ in routes.routes(None):
        path = re.sub(r"\(.*?\)", "<id>", pattern, count=1).replace("([^/]+)", "<user>")
        for method in ("get", "post", "patch", "put", "delete"):
            if method in vars(handler):
                yield method.upper(), path


@pytest.mark.parametrize(("method", "path"), list(documented_routes()))
def test_route(method, path):
    assert f"| {method} | `{path}` |" in TEXT


@pytest.mark.parametrize("key", Settings().fields)
def test_setting(key):
    default = Settings().fields[key].load_default
    assert f"{key} = {default} " in TEXT


@pytest.mark.parametrize("field", [name for shape in SHAPES for name in shape().fields])
def test_field_of_a_body(field):
    assert f"`{field}`" in TEXT


@pytest.mark.parametrize("command", list(commands.room.commands))
def test_command(command):
    assert f"`tornado-chat room {command} " in TEXT


@pytest.mark.parametrize("method", METHODS)
def test_method_with_its_defaults(method):
    line = re.search(rf"`await {method}\((.*?)\)` \|", TEXT)
    assert line is not None
    given = re.findall(r"(\w+)(?:=|,|$)", line[1].replace("*, ", ""))
    names = [
        name for name in inspect.signature(getattr(Rooms, method)).parameters if name != "self"
    ]
    assert [name for name in given if name in names] == names


def test_example_has_the_fields_of_a_room():
    room = json.loads(re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)[1])
    assert list(room) == list(schemas.ShownRoom().fields)
    assert list(room["members"][0]) == list(schemas.MemberBody().fields)
    assert list(room["last_message"]) == list(schemas.LastMessage().fields)
    assert f"first {schemas.CONTENT_SHOWN} characters" in TEXT
