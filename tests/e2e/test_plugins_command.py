"""`tornado-chat plugins` beside a running server: how the plugins are, or in one line why not."""

import json

import pytest

from support.process import run, serving, toml

BOARD = """
from tornado_chat import TopicProvider, hookimpl

api = 1


class Board(TopicProvider):
    kind = "board"

    async def authorize(self, identity, action, topic):
        return True

    async def receive(self, identity, topic, data):
        return {"n": 1 / data["n"]}


@hookimpl
def register_topics():
    return [Board()]
"""
MONITOR = {
    "user_id": "monitor",
    "tenant": "SHOP",
    "permissions": ["status"],
    "api_key": "key-of-monitor",
}
ANN = {"user_id": "ann", "tenant": "SHOP", "api_key": "key-of-ann"}
PLUGINS = {"disabled": ["chat_rooms", "notifications", "order_list", "growerp"]}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "board.py").write_text(BOARD)
    tables = {"plugins": PLUGINS, "users": [ANN, MONITOR]}
    (tmp_path / "tornado_chat.toml").write_text(toml(tables))
    return tmp_path


async def listed(folder, port, *arguments, **kwargs):
    """What it prints, and the last line of that."""
    command = ["plugins", "--set", f"server.port={port}", *arguments]
    status, out, err = await run(*command, cwd=folder, **kwargs)
    assert (status, err) == (0, "")
    assert "\nboard\n" in f"\n{out}" or "--json" in arguments
    return out, out.splitlines()[-1]


async def post(folder, server, number):
    data = json.dumps({"n": number})
    await run("post", server.url, "board:1", data, "--key", ANN["api_key"], cwd=folder)


async def test_command_plugins(folder):
    async with serving(cwd=folder) as server:
        out, _ = await listed(folder, server.port)
        assert f"the server at {server.url} has called none of them yet" in out
        for number in (1, 0):
            await post(folder, server, number)
        out, _ = await listed(folder, server.port)
        table = out.partition(f"since the start of the server at {server.url}:\n\n")[2]
        head, good, bad = table.splitlines()
        assert head.split() == ["plugin", "hook", "calls", "failures", "time", "slowest", "held"]
        assert good.startswith("  board   topic.authorize      2         0 ")
        assert bad.startswith("! board   topic.receive        2         1 ")
        assert len({len(line) for line in (head, good, bad)}) == 1
        out, _ = await listed(folder, server.port, "--json")
        told = json.loads(out)
        assert (told["server"], told["problem"]) == (server.url, None)
        [plugin] = told["plugins"]
        assert (plugin["name"], plugin["kinds"]) == ("board", ["board"])
        assert plugin["health"]["calls"]["topic.receive"]["failures"] == 1


async def test_a_plugin_that_came_or_went_since_the_start_is_named(folder):
    async with serving(cwd=folder) as server:
        (folder / "plugins" / "board.py").rename(folder / "plugins" / "notes.py")
        command = ["plugins", "--set", f"server.port={server.port}"]
        _, out, _ = await run(*command, cwd=folder)
    assert out.splitlines()[-2:] == [
        "! notes: not loaded by the running server, restart it",
        "! board: loaded by the running server, and not found any more",
    ]


async def test_where_nobody_answers_it_says_so_and_lists_the_rest(folder, unused_tcp_port):
    _, last = await listed(folder, unused_tcp_port)
    url = f"http://127.0.0.1:{unused_tcp_port}"
    assert last == f"the running server was not asked: nothing answers at {url}"
    out, _ = await listed(folder, unused_tcp_port, "--json")
    told = json.loads(out)
    assert (told["server"], told["problem"]) == (None, f"nothing answers at {url}")
    assert told["plugins"][0]["health"] is None


async def test_without_a_key_it_says_which_it_takes(folder):
    tables = {"plugins": PLUGINS, "users": [ANN]}
    (folder / "tornado_chat.toml").write_text(toml(tables))
    _, last = await listed(folder, 1)
    for word in ("--key", "TORNADO_CHAT_KEY", "api_key", 'permissions = ["status"]'):
        assert word in last


async def test_a_key_is_taken_from_the_environment_and_must_be_good_for_it(folder):
    async with serving(cwd=folder) as server:
        env = {"TORNADO_CHAT_KEY": ANN["api_key"]}
        _, last = await listed(folder, server.port, env=env)
        assert last.endswith("tells this key nothing: it needs the permission status")
        _, last = await listed(folder, server.port, "--key", MONITOR["api_key"], env=env)
        assert last.endswith("has called none of them yet")
