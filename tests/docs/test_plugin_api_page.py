"""docs/reference/plugin-api.md has every public name, and each method as the code has it."""

import dataclasses
import inspect
import re
from pathlib import Path

import pytest

import tornado_chat
from support.signatures import signature
from tornado_chat import Dialect, PluginHandler, ReadTx, Server, Session, Tx, WebhookHandler
from tornado_chat.gate import Gate
from tornado_chat.plugin_api import PluginApi
from tornado_chat.store.log import LogReader
from tornado_chat.store.members import MembersTx

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "plugin-api.md").read_text()
SECTIONS = dict(re.findall(r"^### ([^\n]+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
OWNERS = {
    "server": PluginApi,
    "server.gate": Gate,
    "tx": Tx,
    "tx.members": MembersTx,
    "tx.log": LogReader,
    "handler": PluginHandler,
    "webhook": WebhookHandler,
    "dialect": Dialect,
    "session": Session,
}
METHODS = [heading for heading in SECTIONS if "." in heading.partition("(")[0]]
NAMES = [heading for heading in SECTIONS if heading not in METHODS]
# Of the house's own use, or on another page; what plugins may call of these is on the page.
OTHERS = {
    PluginApi: set(),
    Tx: {"members_change", "thrown_away", "state", "member_sets", "mark", "back_to"},
    MembersTx: {"ids"},
    Dialect: set(),
}


def of(heading):
    """The class, the name in it, and what stands in front."""
    path = heading.removeprefix("async ").partition("(")[0]
    owner, _, name = path.rpartition(".")
    return owner, name


def written(owner, name):
    """The heading that the code asks for."""
    if owner == "server.people":
        from tornado_chat.accounts import People

        function = getattr(People, name)
    else:
        function = getattr(OWNERS[owner], name)
    return signature(function, f"{owner}.{name}")


@pytest.mark.parametrize("heading", METHODS)
def test_a_method_has_its_exact_signature(heading):
    assert written(*of(heading)) == heading


@pytest.mark.parametrize("kind", OTHERS, ids=lambda kind: kind.__name__)
def test_every_public_method_has_a_heading(kind):
    [owner] = [name for name, each in OWNERS.items() if each is kind]
    public = {
        name
        for name, value in vars(kind).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }
    there = {name for each, name in map(of, METHODS) if each == owner}
    assert public - OTHERS[kind] == there


def test_every_public_name_has_a_heading():
    there = [heading.removeprefix("async ").partition("(")[0] for heading in NAMES]
    assert sorted(there) == sorted(tornado_chat.__all__)


@pytest.mark.parametrize("heading", [heading for heading in NAMES if "(" in heading])
def test_what_is_called_has_its_exact_signature(heading):
    name = heading.partition("(")[0]
    assert signature(getattr(tornado_chat, name), name) == heading


def called(section):
    """The names of the first column of its table."""
    rows = re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(?:self\.|tx\.|session\.)?(\w+)", row)}


@pytest.mark.parametrize(
    "name", ["Audience", "Message", "Draft", "Posted", "Identity", "Credentials", "Read"]
)
def test_every_field_of_a_value_is_in_its_table(name):
    fields = {field.name for field in dataclasses.fields(getattr(tornado_chat, name))}
    assert called(SECTIONS[name]) == fields


@pytest.mark.parametrize("name", ["MemberRow", "MessageRow", "TopicRow", "AccountRow"])
def test_columns_that_are_named_are_there(name):
    columns = getattr(tornado_chat, name)._meta.fields
    named = set(re.findall(r"`(\w+)`", SECTIONS[name])) - {name}
    assert named <= set(columns)
    assert name == "AccountRow" or set(columns) == named


def test_attributes_that_are_named_are_there():
    dialect = called(SECTIONS["Dialect"])
    assert dialect <= set(dir(Dialect))
    assert set(Dialect.__annotations__) - dialect == {"first_frame_auth"}  # the native one's
    assert called(SECTIONS["Session"]) <= set(Session.__slots__)
    handler = {name for each in PluginHandler.__mro__ for name in vars(each)}
    hinted = {
        name for each in PluginHandler.__mro__ for name in getattr(each, "__annotations__", {})
    }
    assert called(SECTIONS["PluginHandler"]) <= handler | hinted
    assert {field.name for field in dataclasses.fields(ReadTx)} == {"log", "now"}
    assert isinstance(inspect.getattr_static(Tx, "now"), property)
    assert Server.__mro__[1] is PluginApi


@pytest.mark.parametrize("example", re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
def test_each_example_runs(example):
    exec(example, {})


def test_every_error_has_its_code_and_status():
    errors = [each for each in vars(tornado_chat.errors).values() if isinstance(each, type)]
    for error in errors:
        if issubclass(error, tornado_chat.ChatError):
            [section] = [
                SECTIONS[each] for each in NAMES if each.partition("(")[0] == error.__name__
            ]
            assert section.strip().startswith(f"`{error.code}`, {error.status}."), error
