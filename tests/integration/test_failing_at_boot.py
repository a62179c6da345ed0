"""A plugin that does not let the server start is named with file and line, wherever it fails."""

import re

import pytest

from support.server import running_server
from tornado_chat import SetupError

HEAD = """
api = 1
import asyncio, peewee
from marshmallow import Schema, fields
from tornado_chat import *
"""
TOPICS = """
class Board(TopicProvider):
    kind = "board"
{member}
@hookimpl
def register_topics():
    return [Board()]
"""
SECTION = """
class Settings(Schema):
{member}
@hookimpl
def register_config():
    return Settings
"""


def answers(hook, answer, before=""):
    return f"{before}\n@hookimpl\ndef {hook}():\n    return {answer}\n"


def raises(hook, what="raise SystemExit(3)", kind="def"):
    return f"@hookimpl\n{kind} {hook}():\n    {what}\n"


CASES = {
    "import": ("1 / 0", "failed to load: ZeroDivisionError"),
    "import_exit": ("raise SystemExit(3)", "failed to load: SystemExit: 3"),
    "import_base": ("raise BaseException", "failed to load: BaseException"),
    "import_cancelled": ("raise asyncio.CancelledError", "failed to load: CancelledError"),
    "config": (raises("register_config"), "failed in register_config: SystemExit: 3"),
    "schema": (
        SECTION.format(member="    def __init__(self): raise KeyError"),
        "failed in register_config: KeyError",
    ),
    "default": (
        SECTION.format(member="    a = fields.Integer(load_default=lambda: 1 / 0)"),
        "failed in register_config: ZeroDivisionError",
    ),
    "topics": (raises("register_topics"), "failed in register_topics: SystemExit: 3"),
    "no_provider": (answers("register_topics", "[3]"), ": register_topics gave 3, expected"),
    "kind": (TOPICS.format(member="    kind = 5"), "failed in register_topics: TypeError"),
    "property": (
        TOPICS.format(member="    @property\n    def history(self): return 1 / 0"),
        "failed in register_topics: ZeroDivisionError",
    ),
    "start": (
        TOPICS.format(member="    async def start(self): raise SystemExit(3)"),
        "failed in start of the topics of kind 'board': SystemExit: 3",
    ),
    "start_plain": (
        TOPICS.format(member="    def start(self): pass"),
        "failed in start of the topics of kind 'board': TypeError",
    ),
    "pattern": (
        answers("register_routes", '[("/(", PluginHandler)]'),
        "failed in register_routes: error: missing )",
    ),
    "arguments": (
        answers("register_routes", '[("/x", PluginHandler, 5)]'),
        "failed in register_routes: TypeError",
    ),
    "route": (answers("register_routes", '[("/x",)]'), ": register_routes gave"),
    "dialect": (
        answers("register_dialects", "[Odd()]", "class Odd(Dialect): path = 5"),
        "failed in register_dialects: AttributeError",
    ),
    "model": (
        answers(
            "register_models",
            "[Odd]",
            "class Odd(StoreModel):\n    a = peewee.TextField(constraints=[peewee.SQL('ODD (')])",
        ),
        'database: table odd of .*model: near "ODD": syntax error',
    ),
    "folder": (answers("register_migrations", "5"), "failed in register_migrations: TypeError"),
    "migration": (
        answers("register_migrations", "'scripts'"),
        "database: migration of migration: KeyError",
    ),
    "consumer": (answers("register_consumers", "[Consumer('a')]"), "in register_consumers"),
    "startup": (raises("startup", "raise KeyError", "async def"), "failed in startup: KeyError"),
    "startup_exit": (raises("startup"), "failed in startup: SystemExit: 3"),
    "startup_cancelled": (
        raises("startup", "raise asyncio.CancelledError", "async def"),
        "failed in startup: CancelledError",
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_plugin_that_fails_at_boot_is_named_with_file_and_line(name, tmp_path):
    text, said = CASES[name]
    folder = tmp_path / "plugins" / name
    (folder / "scripts").mkdir(parents=True)
    (folder / "__init__.py").write_text(HEAD + text)
    (folder / "scripts" / "0001_odd.py").write_text("def up(*_, **__):\n    raise KeyError\n")
    with pytest.raises(SetupError) as failed:
        async with running_server(folder=tmp_path, entry_points=False):
            """It does not come so far."""
    error = str(failed.value)
    if not said.startswith("database"):
        assert error.startswith(f"plugin '{name}'")
    assert re.search(said if name == "model" else re.escape(said), error), error
    assert re.search(rf"\({re.escape(str(folder))}/[\w/]+\.py:\d+\)$", error), error


async def test_one_that_does_not_come_to_an_end_is_named(tmp_path, logs):
    logs.expect("plugin 'late' is still in startup, and the start waits for it")
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "late.py").write_text(
        HEAD + raises("startup", "await asyncio.sleep(0.2)", "async def")
    )
    tables = {"plugins": {"call_seconds": 0.05}}
    async with running_server(tables, folder=tmp_path, entry_points=False):
        assert "plugin 'late' is still in startup" in logs.text
