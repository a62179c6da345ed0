"""Every hook on a real server, by the example that docs/reference/hooks.md shows of it.

The page and `tornado_chat/hookspecs.py` say the same: names, arguments, who may be async.
"""

import inspect
import re
from pathlib import Path
from textwrap import dedent

import pytest
from websockets import InvalidStatus

from support.growerp import until
from support.process import run, toml
from support.server import running_server
from tornado_chat import SetupError, Topic, hookspecs
from tornado_chat.config import PluginsConfig
from tornado_chat.plugins import Plugins
from tornado_chat.plugins.checks import MAY_BE_ASYNC, SPECS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "hooks.md").read_text()
SECTIONS = dict(re.findall(r"^### (\w+)\([^)]*\)\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S))
EXAMPLE = re.compile(r"```python\n(.*?)```", re.S)
BOARD = """
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
"""


@pytest.fixture
def serving_example(request, tmp_path):
    """serving_example(**tables): a server with the example of the hook that the test is named
    after, as plugin `example`, beside one with topics `board:…`; `site.example` is its module."""
    hook = request.function.__name__.removeprefix("test_hook_")
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "example.py").write_text(EXAMPLE.search(SECTIONS[hook])[1])
    (folder / "board.py").write_text(dedent(BOARD))
    return lambda entry_points=False, **tables: running_server(
        tables, folder=tmp_path, entry_points=entry_points
    )


def example(site):
    return site.server.plugins.get("example").module


@pytest.fixture
def serving(tmp_path):
    """serving(text): a server with that plugin, and the list `calls` that it may fill."""
    (tmp_path / "plugins").mkdir()

    def serve(text):
        head = "from tornado_chat import *\nimport asyncio\napi = 1\ncalls = []\n"
        (tmp_path / "plugins" / "example.py").write_text(head + dedent(text))
        return running_server(folder=tmp_path, entry_points=False)

    return serve


# At boot


async def test_hook_register_config(serving_example):
    async with serving_example(plugins={"example": {"snapshot": 7}}) as site:
        assert site.server.plugins.get("example").config == {"snapshot": 7}
    async with serving_example() as site:
        assert site.server.plugins.get("example").config == {"snapshot": 1000}
    with pytest.raises(SetupError, match=r"did you mean plugins\.example\.snapshot\?"):
        async with serving_example(plugins={"example": {"snapshots": 7}}):
            """A key that is none."""


async def test_hook_register_models(serving_example):
    """The table is made at the first start, and there at the second."""
    for expected in (1, 2):
        async with serving_example() as site:
            note = example(site).Note
            await site.server.write(lambda _tx, note=note: note.create(text="hello"))
            count = await site.server.read(lambda _tx, note=note: note.select().count())
            assert count == expected


async def test_hook_register_migrations(serving_example, tmp_path, logs):
    folder = tmp_path / "plugins" / "migrations"
    folder.mkdir()
    (folder / "0001_notes.py").write_text(
        "def up(migrator, db):\n    db.execute_sql('CREATE TABLE example_note (text TEXT)')\n"
    )
    for _ in range(2):
        async with serving_example() as site:
            database = site.server.store.writer._database
            tables = await site.server.write(lambda _tx: database.get_tables())  # noqa: B023
            assert "example_note" in tables
    assert logs.text.count("example/0001_notes") == 1


async def test_hook_register_topics(serving_example):
    async with serving_example() as site, site.connect("ann") as ann, site.connect("zoe") as zoe:
        reply = await ann.ok("subscribe", topic="machines:SHOP")
        assert reply["state"] == {"machines": []}
        provider = site.server.topics.of(Topic("SHOP", "machines", "SHOP")).provider
        await provider.set("SHOP", "press-1", {"state": "stopped"})
        assert (await ann.push())["data"] == {
            "machine": {"state": "stopped", "id": "press-1", "version": 1}
        }
        assert await ann.refused("publish", topic="machines:SHOP", data={}) == "denied"
        assert await zoe.refused("subscribe", topic="machines:SHOP") == "denied"


async def test_hook_register_routes(serving_example):
    async with serving_example() as site:
        answer = await site.fetch("GET", "/plugins/example/greeting", name="ann")
        assert answer.json == {"hello": "Ann Maas"}
        assert (await site.fetch("GET", "/plugins/example/greeting")).code == 401


async def test_hook_register_dialects(serving_example):
    async with serving_example() as site, site.open("/lines", "ann") as socket:
        topic = Topic("SHOP", "board", "1")
        [session] = site.server.hub.all_sessions()
        assert session.dialect.path == "/lines"
        await socket.send("whatever")
        message = await site.server.publish(topic, {"content": "Lunch?"})
        assert session.dialect.encode(message) == b"Lunch?"


async def test_hook_register_consumers(serving_example):
    async with serving_example(entry_points=True) as site, site.connect("ann") as ann:
        await ann.ok("subscribe", topic="RoomActivity")
        path = "/plugins/chat_rooms/rooms"
        room = (await site.fetch("POST", path, {"members": ["u-bob"]}, name="ann")).json["room"]
        await ann.ok("publish", topic=room["topic"], data={"content": "Lunch?"})
        assert (await ann.push())["data"] == {
            "message": {"room": room["room_id"]},
            "type": "info",
        }


async def test_hook_register_commands(serving_example, tmp_path):
    assert serving_example
    (tmp_path / "tornado_chat.toml").write_text(toml({"plugins": {"directory": "plugins"}}))
    assert await run("greet", cwd=tmp_path) == (0, "hello\n", "")


async def test_hook_startup(serving):
    """Before anybody is let in; what it spawns goes on."""
    text = """
        @hookimpl
        async def startup(server, config):
            await asyncio.sleep(0)
            calls.append((server.ready, config))
            server.spawn(later(), name="later")

        async def later():
            await asyncio.sleep(0.01)
            calls.append("later")
    """
    async with serving(text) as site:
        calls = example(site).calls
        assert calls[0] == (False, {})
        await until(lambda: calls[1:] == ["later"])


async def test_hook_shutdown(serving):
    """Sockets are closed, the database is still open."""
    text = """
        @hookimpl
        async def shutdown(server):
            calls.append(len(server.hub.all_sessions()))
            calls.append(await server.read(lambda tx: "still open"))
    """
    async with serving(text) as site:
        calls = example(site).calls
        socket = await site.open("/ws", "ann")
    assert calls == [0, "still open"]
    await socket.close()


# Under traffic


async def test_hook_authenticate(serving_example):
    """The kiosk of the example has no account; it is known by its name and its address."""
    headers = {"Authorization": "Basic a2lvc2s6YW55"}  # kiosk:any
    async with serving_example() as site:  # its own machine is a proxy that is trusted
        async with site.open(
            "/ws", additional_headers={**headers, "X-Forwarded-For": "10.0.0.7"}
        ) as socket:
            assert '"user":"kiosk"' in await socket.recv()
        with pytest.raises(InvalidStatus):
            await site.open("/ws", additional_headers={**headers, "X-Forwarded-For": "10.0.0.8"})


async def test_hook_authorize(serving_example):
    async with serving_example() as site, site.connect("ann") as ann:
        assert await ann.refused("publish", topic="board:archive", data={}) == "denied"
        await ann.ok("subscribe", topic="board:archive")
        await ann.ok("publish", topic="board:1", data={})


async def test_hook_filter_message(serving_example):
    async with serving_example() as site, site.connect("ann") as ann:
        await ann.ok("subscribe", topic="board:1")
        for said, heard in (("/shout hello", "HELLO"), ("hello", "hello")):
            await ann.ok("publish", topic="board:1", data={"content": said})
            assert (await ann.push())["data"] == {"content": heard}


async def test_every_hook_under_traffic_is_given_its_server_and_settings(serving):
    text = """
        from marshmallow import Schema, fields

        class Settings(Schema):
            word = fields.String(load_default="please")

        @hookimpl
        def register_config():
            return Settings

        @hookimpl
        def authenticate(credentials, server, config):
            calls.append(("authenticate", server, config["word"]))

        @hookimpl
        async def authorize(server, config, topic):
            calls.append(("authorize", server, config["word"]))

        @hookimpl
        def filter_message(message, config, server):
            calls.append(("filter_message", server, config["word"]))

        @hookimpl
        def message_published(server, config):
            calls.append(("message_published", server, config["word"]))

        @hookimpl
        def session_opened(session, **given):
            calls.append(("session_opened", given["server"], given["config"]["word"]))

        @hookimpl
        async def session_closed(code, config, server):
            calls.append(("session_closed", server, config["word"]))
    """
    under_traffic = {"authenticate", "authorize", "filter_message", "message_published"}
    under_traffic |= {"session_opened", "session_closed"}
    async with serving(dedent(text) + dedent(BOARD)) as site:
        async with site.connect("ann") as ann:
            await ann.ok("publish", topic="board:1", data={})
        plugin = site.server.plugins.get("example")
        calls = plugin.module.calls
        await until(lambda: {hook for hook, *_ in calls} == under_traffic)
        assert {(server, word) for _hook, server, word in calls} == {(plugin.server, "please")}


async def test_hook_message_published(serving_example):
    async with serving_example() as site, site.connect("ann") as ann:
        for _ in range(3):
            await ann.ok("publish", topic="board:1", data={})
        await until(lambda: example(site).counts == {"board": 3})


async def test_hook_session_opened(serving_example):
    async with serving_example() as site, site.connect("ann"), site.connect("bob"):
        await until(lambda: example(site).here == {"u-ann", "u-bob"})


async def test_hook_session_closed(serving):
    text = """
        @hookimpl
        async def session_closed(session, code):
            calls.append((session.identity.user_id, code))
    """
    async with serving(text) as site:
        async with site.connect("ann"):
            """Closed by her with 1000."""
        async with site.connect("bob") as bob:
            site.server.revoke(user="u-bob")
            await bob.socket.wait_closed()
        await until(lambda: sorted(example(site).calls) == [("u-ann", 1000), ("u-bob", 4009)])


# The page


@pytest.mark.parametrize("name", SPECS)
def test_each_hook_says_what_it_is(name):
    assert inspect.getdoc(getattr(hookspecs, name))


@pytest.mark.parametrize("name", SPECS)
def test_the_page_says_who_may_be_async(name):
    says = re.search(r"\bMay be\s+async|An observer, as", SECTIONS[name]) is not None
    assert says == (name in MAY_BE_ASYNC)


@pytest.mark.parametrize("name", SPECS)
def test_the_example_of_a_hook_is_a_plugin_that_has_it(name, tmp_path):
    [text] = EXAMPLE.findall(SECTIONS[name])
    (tmp_path / "example.py").write_text(text)
    plugins = Plugins.load(PluginsConfig(tmp_path, (), {}), entry_points=False)
    [plugin] = plugins
    assert set(plugin.hooks) == {name}
    plugins.close()


def test_the_first_example_loads_where_its_requirement_is_there(tmp_path):
    (tmp_path / "board.py").write_text(EXAMPLE.search(PAGE)[1])
    (tmp_path / "notifications.py").write_text("api = 1\n")
    plugins = Plugins.load(PluginsConfig(tmp_path, (), {}), entry_points=False)
    assert [plugin.name for plugin in plugins] == ["notifications", "board"]
    plugins.close()
