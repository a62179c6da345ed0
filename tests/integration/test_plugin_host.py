"""A drop-in plugin with most hooks, in a real server, through real sockets."""

import asyncio
import threading
from textwrap import dedent

import pytest

from support.server import running_server
from tornado_chat import SetupError, Topic

HEAD = "api = 1\nfrom tornado_chat import *\n"

MACHINES = """
    seen = []

    class Machines(StateProvider):
        kind = "machines"
        item_name = "machine"
        state_name = "machines"

        def topic(self, key):
            return Topic(key, self.kind, key)

        async def authorize(self, identity, action, topic):
            return topic.key == identity.tenant

        async def receive(self, identity, topic, data):
            return dict(data)

    class SetMachine(PluginHandler):
        async def post(self, machine_id):
            message = await machines.set(self.identity.tenant, machine_id, self.json())
            self.answer({"offset": message and message.offset})

        async def delete(self, machine_id):
            message = await machines.delete(self.identity.tenant, machine_id)
            self.answer({"offset": message and message.offset})

    machines = Machines()

    @hookimpl
    def register_topics():
        return [machines]

    @hookimpl
    def register_routes():
        return [("/(.*)", SetMachine)]

    @hookimpl
    def authorize(identity, action):
        if action == "history":
            return False

    @hookimpl
    def filter_message(message):
        if message.data.get("content") == "crash":
            raise RuntimeError(message.data["content"])
        if message.data.get("content") == "rude":
            raise Denied("be kind")

    @hookimpl
    def message_published(message):
        seen.append(("published", message.offset))

    @hookimpl
    async def session_opened(session):
        seen.append(("opened", session.identity.user_id))

    @hookimpl
    def session_closed(session, code):
        seen.append(("closed", session.identity.user_id, code))

    @hookimpl
    async def startup(server):
        seen.append("startup")

    @hookimpl
    def shutdown(server):
        seen.append("shutdown")
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "plugins").mkdir()
    return tmp_path


def write(folder, name, text):
    (folder / "plugins" / f"{name}.py").write_text(HEAD + dedent(text))


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_drop_in_plugin_serves_a_state(folder):
    write(folder, "machines", MACHINES)
    async with running_server(folder=folder, entry_points=False) as site:
        await site.fetch("POST", "/plugins/machines/m1", {"state": "idle"}, name="ann")
        async with site.connect("bob") as bob, site.connect("zoe") as zoe:
            entered = await bob.ok("subscribe", topic="machines:SHOP")
            assert entered["state"] == {"machines": [{"id": "m1", "state": "idle", "version": 1}]}
            assert await zoe.refused("subscribe", topic="machines:SHOP") == "denied"
            await site.fetch("POST", "/plugins/machines/m2", {"state": "busy"}, name="ann")
            await site.fetch("DELETE", "/plugins/machines/m1", name="ann")
            pushes = [(await bob.push())["data"]["machine"] for _ in range(2)]
            assert pushes == [
                {"id": "m2", "state": "busy", "version": 2},
                {"id": "m1", "version": 3, "deleted": True},
            ]
            answer = await site.fetch("DELETE", "/plugins/machines/m1", name="ann")
            assert answer.json == {"offset": None}
            await zoe.quiet()


async def test_hooks_see_traffic_and_their_failures_harm_nobody(folder, logs):
    write(folder, "machines", MACHINES)
    logs.expect("plugin 'machines' failed in filter_message: RuntimeError")
    async with running_server(folder=folder, entry_points=False) as site:
        seen = site.server.plugins.get("machines").module.seen
        async with site.connect("ann") as ann:
            topic = "machines:SHOP"

            async def publish(content):
                return await ann.do("publish", topic=topic, data={"content": content})

            assert (await publish("crash"))["error"]["code"] == "unavailable"
            assert (await publish("rude"))["error"] == {"code": "denied", "message": "be kind"}
            offset = (await publish("hello"))["ok"]["offset"]
            assert await ann.refused("history", topic=topic) == "denied"
        await until(lambda: len(seen) == 4)
        assert seen[:3] == ["startup", ("opened", "u-ann"), ("published", offset)]
        assert seen[3][:2] == ("closed", "u-ann")
        assert site.server.plugins.describe()[0]["failures"] == {"filter_message": 1}
    assert seen[4:] == ["shutdown"]
    ours = [record for record in logs.records if record.name.startswith("tornado_chat")]
    assert not [record for record in ours if "crash" in record.getMessage()]


async def test_observers_hear_the_last_sessions_before_the_plugin_is_shut_down(folder):
    write(folder, "machines", MACHINES)
    async with running_server(folder=folder, entry_points=False) as site:
        seen = site.server.plugins.get("machines").module.seen
        socket = await site.open("/ws", "ann")
        await until(lambda: ("opened", "u-ann") in seen)
    assert [entry[0] for entry in seen[-2:-1]] == ["closed"]
    assert seen[-1] == "shutdown"
    await socket.close()


async def test_a_plugin_that_fails_at_startup_stops_the_start_and_what_had_begun(folder):
    write(
        folder,
        "before",
        """
        from pathlib import Path

        @hookimpl
        async def startup(server):
            server.spawn(__import__("asyncio").sleep(60))

        @hookimpl
        async def shutdown(server):
            await server.write(lambda tx: None)  # the store is still open
            Path(__file__).with_name("shutdown.txt").write_text("done")
        """,
    )
    write(folder, "broken", "@hookimpl\nasync def startup(server): raise OSError('no disk')\n")
    with pytest.raises(SetupError) as caught:
        async with running_server(folder=folder, entry_points=False):
            pass
    path = folder / "plugins" / "broken.py"
    assert str(caught.value) == f"plugin 'broken' failed in startup: OSError: no disk ({path}:4)"
    assert path.with_name("shutdown.txt").read_text() == "done"
    assert not [thread for thread in threading.enumerate() if "tornado_chat" in thread.name]


async def test_a_table_of_a_plugin_is_made(folder):
    write(
        folder,
        "notes",
        """
        import peewee

        class Note(StoreModel):
            text = peewee.TextField()

            class Meta:
                table_name = "notes_note"

        @hookimpl
        def register_models():
            return [Note]
        """,
    )
    for expected in (1, 2):  # it is still there after a restart
        async with running_server(folder=folder, entry_points=False) as site:
            note = site.server.plugins.get("notes").module.Note
            await site.server.write(lambda tx, note=note: note.create(text="hello").id)
            count = await site.server.read(lambda _, note=note: note.select().count())
            assert count == expected


BOARDS = """
    class Board(TopicProvider):
        kind = "board"

    @hookimpl
    def register_topics():
        return [Board()]
"""


async def test_a_provider_is_found_by_its_kind(folder):
    """By the plugin's own routes, and by other plugins."""
    write(folder, "board", BOARDS)
    write(
        folder,
        "other",
        """
        requires = ["board"]
        found = []

        class Count(PluginHandler):
            def get(self):
                self.answer({"kind": self.server.provider("board").kind})

        @hookimpl
        def register_routes(server):
            found.append(server.provider("board"))
            return [("/count", Count)]
        """,
    )
    async with running_server(folder=folder, entry_points=False) as site:
        answer = await site.fetch("GET", "/plugins/other/count", name="ann")
        assert answer.json == {"kind": "board"}
        [board] = site.server.topics
        assert site.server.plugins.get("other").module.found == [board.provider]
        with pytest.raises(SetupError, match="the kind 'bord', there are: board; all of them are"):
            site.server.provider("bord")


async def test_a_provider_publishes_under_a_name(folder):
    write(folder, "board", BOARDS)
    async with running_server(folder=folder, entry_points=False) as site:
        board = site.server.provider("board")
        topic = Topic("SHOP", "board", "1")
        message = await board.publish(topic, {"text": "hi"}, sender_name="hook")
        assert (message.sender, message.sender_name) == (None, "hook")


async def test_sources_of_two_plugins_may_have_one_name(folder):
    """Of several processes each runs where nobody else runs it, not where nobody runs the other."""
    feed = """
        @hookimpl
        def startup(server):
            async def source(_lease):
                await asyncio.Event().wait()

            server.run_once("feed", source)
    """
    write(folder, "first", "import asyncio\n" + dedent(feed))
    write(folder, "second", "import asyncio\n" + dedent(feed))
    async with running_server(folder=folder, entry_points=False):
        names = {task.get_name() for task in asyncio.all_tasks()}
        assert {"first.feed", "second.feed"} <= names
