"""The rules of the house that a reader could check: who imports whom, how long a room may be."""

import ast
from pathlib import Path

import pytest

import tornado_chat

PACKAGE = Path(tornado_chat.__file__).parent
PLUGINS = PACKAGE.parent / "plugins"

# From the doors down to the values: a module imports only from its own floor or below.
FLOORS = [
    ["errors", "messages", "client"],
    ["config", "logs", "turns", "schemas", "protocol", "hookspecs"],
    ["topics", "engine", "store", "outbox"],
    ["state", "session", "accounts", "plugins", "gate", "background", "retention"],
    ["listeners", "batch", "hub", "heartbeat", "write_behind", "doorway"],
    ["pages", "openings"],
    ["catch_up", "revoking", "broker", "consumers", "consuming", "cursors", "replay"],
    ["plugin_api", "plugin_server"],
    ["subscribing", "commands"],
    ["web", "metrics"],
    ["leaving", "reloading", "due"],
    ["app"],
    ["handbook", "html_pages"],
    [
        "demo",
        "bench",
        "cli",
        "cli_accounts",
        "cli_bench",
        "cli_docs",
        "cli_listen",
        "cli_plugins",
        "cli_running",
        "cli_scaffold",
        "scaffold",
    ],
    ["testing"],  # it may use everything; only tests use it
]
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
NO_TORNADO = [
    "errors",
    "messages",
    "protocol",
    "listeners",
    "batch",
    "hub",
    "session",
    "outbox",
    "heartbeat",
]


def modules():
    return sorted(
        path
        for folder in (PACKAGE, PLUGINS)
        for path in folder.rglob("*.py")
        if "migrations" not in path.parts
    )


def named(path):
    return str(path.relative_to(PACKAGE.parent))


def room(path):
    """The floor's name of a module: the first step below the package."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path):
    """What is imported when the module is used, TYPE_CHECKING blocks left out."""
    tree = ast.parse(path.read_text())
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=named)
def test_a_module_fits_a_few_screens(path):
    assert len(path.read_text().splitlines()) <= 300


@pytest.mark.parametrize(
    "path", [path for path in modules() if path.is_relative_to(PACKAGE)], ids=named
)
def test_imports_go_one_way(path):
    if path == PACKAGE / "__init__.py":
        return
    own = FLOOR[room(path)]
    for name in imports(path):
        if name.startswith("tornado_chat."):
            step = name.split(".")[1]
            if step in FLOOR:
                assert FLOOR[step] <= own, f"{named(path)} imports {name}"
        assert not name.startswith(("plugins", "tornado_chat_plugins")), f"{named(path)}: {name}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "client").glob("*.py")), ids=named)
def test_the_client_stands_alone(path):
    for name in imports(path):
        assert not name.startswith("tornado_chat") or name.startswith("tornado_chat.client"), name


@pytest.mark.parametrize("name", NO_TORNADO)
def test_the_core_knows_no_tornado(name):
    assert not [each for each in imports(PACKAGE / f"{name}.py") if each.split(".")[0] == "tornado"]


@pytest.mark.parametrize(
    "path", [path for path in modules() if path.is_relative_to(PLUGINS)], ids=named
)
def test_plugins_use_what_a_third_party_could(path):
    """The public names of the package, and nothing from inside."""
    for name in imports(path):
        inside = name.startswith("tornado_chat.") and name.removeprefix("tornado_chat.")
        assert not inside or inside in tornado_chat.__all__, f"{named(path)} imports {name}"


def test_public_names_are_there_and_listed():
    for name in tornado_chat.__all__:
        assert getattr(tornado_chat, name) is not None
    assert sorted(tornado_chat.__all__) == dir(tornado_chat)
