"""A plugin's slip costs the message, the topic or the caller it happened to, and nobody else."""

import asyncio
import json

import pytest
import websockets

from support.boards import Board, boards, plugin_of
from support.server import running_server
from tornado_chat import EVERYONE, ChatError, Dialect, PluginHandler, Topic, hookimpl
from tornado_chat.web.inbox import BOUND

BOARD = Topic("SHOP", "board", "1")


class Touchy(Board):
    """Cannot be asked about one message. Its state waits until it is let go on."""

    def __init__(self):
        self.go_on = asyncio.Event()
        self.asked = asyncio.Event()

    def visible(self, identity, message):
        if message.data["n"] == 5:
            raise KeyError("a provider's slip")
        return True

    async def snapshot(self, identity, topic):
        self.asked.set()
        await self.go_on.wait()


async def publish(site, numbers, **more):
    await asyncio.gather(*(site.server.publish(BOARD, {"n": number}, **more) for number in numbers))


async def test_a_provider_that_raises_costs_one_message_live_and_while_catching_up(logs):
    logs.expect("failed in topic.visible: KeyError")
    board = Touchy()
    async with (
        running_server(modules=[plugin_of(board)], entry_points=False) as site,
        site.connect("ann") as ann,
    ):
        joining = asyncio.create_task(ann.ok("subscribe", topic="board:1"))
        await asyncio.wait_for(board.asked.wait(), 5)
        await publish(site, range(10))  # behind: from the log
        board.go_on.set()
        await joining
        good = [0, 1, 2, 3, 4, 6, 7, 8, 9]
        assert [(await ann.push())["data"]["n"] for _ in good] == good
        await publish(site, range(4, 7))  # live
        assert [(await ann.push())["data"]["n"] for _ in range(2)] == [4, 6]
        await ann.quiet()


class Face(Dialect):
    """A foreign wire: what is addressed to a person, from the first frame on."""

    path = "/face"
    addressed = True
    settle_seconds = 60.0

    async def receive(self, session, text):
        """Anything wakes it."""

    def encode(self, message):
        if message.data["n"] == 5:
            raise KeyError("a dialect's slip")
        return json.dumps(message.data).encode()


async def test_a_dialect_that_cannot_open_a_socket_ends_it_and_keeps_nothing(logs):
    logs.expect("could not be opened")

    class Shut(Face):
        def opened(self, session):
            raise KeyError("a dialect's slip")

    @hookimpl
    def register_dialects():
        return [Shut()]

    module = plugin_of(Board(), register_dialects=register_dialects)
    async with running_server(modules=[module], entry_points=False) as site:
        with pytest.raises(websockets.ConnectionClosedError):
            async with site.open("/face", "ann") as ann:
                await asyncio.wait_for(ann.recv(), 5)
        assert site.server.hub.session_count == 0
        assert not site.server.sockets.handlers


class Teapot(ChatError):
    """Of a plugin, with a status that has no name."""

    status = 499


async def test_a_status_that_has_no_name_is_answered_all_the_same():
    class Shut(Face):
        async def enter(self, identity):
            raise Teapot("no tea")

    class Tea(PluginHandler):
        @classmethod
        async def accept(cls, caller, body, key, **_):
            raise Teapot("no tea")

        async def post(self):
            await self.accept(self.identity, self.json(), None)

    module = plugin_of(
        Board(),
        register_dialects=hookimpl(lambda: [Shut()]),
        register_routes=hookimpl(lambda: [("/tea", Tea)]),
    )
    async with running_server(modules=[module], entry_points=False) as site:
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with site.open("/face", "ann"):
                pass
        assert refused.value.response.status_code == 499
        path = f"/plugins/{module.__name__}/tea"
        answers = [await site.fetch("POST", path, {"a": 1}, name="ann") for _ in range(2)]
        assert [each.code for each in answers] == [499, 499]


class Stuck(Board):
    """Never says what it makes of a message."""

    async def receive(self, identity, topic, data):
        await asyncio.Event().wait()


async def test_a_socket_that_is_not_read_because_of_a_plugin_ends_all_the_same():
    async with (
        running_server(modules=[plugin_of(Stuck())], entry_points=False) as site,
        site.open("/ws", "ann") as ann,
    ):
        await ann.recv()
        for number in range(2 * BOUND):
            frame = {"id": number, "do": "publish", "topic": "board:1", "data": {"n": number}}
            await ann.send(json.dumps(frame))
        (socket,) = site.server.sockets.handlers
        async with asyncio.timeout(5):
            while len(socket.inbox._frames) < BOUND:
                await asyncio.sleep(0.01)
            socket.abort()  # as the heartbeat does with a peer that does not answer
            while site.server.hub.session_count:
                await asyncio.sleep(0.01)
        assert not site.server.sockets.handlers


async def test_a_dialect_that_raises_costs_one_message_live_and_while_catching_up(logs):
    logs.expect("cannot encode")

    @hookimpl
    def register_dialects():
        return [Face()]

    module = plugin_of(Board(), register_dialects=register_dialects)
    async with (
        running_server(modules=[module], entry_points=False) as site,
        site.open("/face", "ann") as ann,
    ):

        async def numbers(count):
            texts = [await asyncio.wait_for(ann.recv(), 5) for _ in range(count)]
            return [json.loads(text)["n"] for text in texts]

        await publish(site, range(10), audience=EVERYONE)
        await ann.send("wake up")
        assert await numbers(9) == [0, 1, 2, 3, 4, 6, 7, 8, 9]
        await publish(site, range(4, 8), audience=EVERYONE)
        assert await numbers(3) == [4, 6, 7]


class Odd(Board):
    async def snapshot(self, identity, topic):
        if topic.key == "raises":
            raise ValueError("a provider's slip")
        if topic.key == "no-json":
            return {"odd": object()}
        return {"topic": topic.key}


@pytest.fixture
async def odd():
    async with running_server(modules=[plugin_of(Odd())], entry_points=False) as running:
        yield running


async def test_of_a_list_of_topics_one_that_fails_leaves_the_others_working(odd, logs):
    logs.expect("failed in topic.snapshot: ValueError")
    async with odd.connect("ann") as ann, odd.connect("bob") as bob:
        reply = await ann.ok("subscribe", topics=["board:1", "board:raises", "board:2"])
        first, failed, second = reply["topics"]
        assert (first["state"], second["state"]) == ({"topic": "1"}, {"topic": "2"})
        assert failed["topic"] == "board:raises"
        assert failed["error"]["code"] == "internal"
        assert "slip" not in json.dumps(failed)
        for topic in ("board:raises", "board:1", "board:2"):
            await bob.ok("publish", topic=topic, data={})
        assert [(await ann.push())["topic"] for _ in range(2)] == ["board:1", "board:2"]
        await ann.quiet()


@pytest.mark.parametrize(
    "frame",
    [
        {"topic": "board:raises"},
        {"topic": "board:no-json"},
        {"topics": ["board:no-json", "board:raises"]},
    ],
)
async def test_a_subscribe_that_fails_leaves_no_subscription_behind(odd, logs, frame):
    logs.expect("failed")
    async with odd.connect("ann") as ann, odd.connect("bob") as bob:
        assert "internal" in json.dumps(await ann.do("subscribe", **frame))
        for topic in frame.get("topics", [frame.get("topic")]):
            assert odd.server.hub.subscribers(Topic.parse("SHOP", topic)) == []
            await bob.ok("publish", topic=topic, data={})
        await ann.quiet()
        assert (await ann.ok("subscribe", topic="board:1"))["state"] == {"topic": "1"}
        await bob.ok("publish", topic="board:1", data={})
        assert (await ann.push())["topic"] == "board:1"


async def test_a_deferred_function_that_raises_hangs_nobody(logs):
    logs.expect("after a commit")
    async with (
        running_server(modules=[boards()], entry_points=False) as site,
        site.connect("ann") as ann,
    ):
        await ann.ok("subscribe", topic="board:1")

        def work(tx):
            tx.publish(BOARD, {"n": 1})
            tx.defer(lambda: 1 / 0)
            return "done"

        assert await asyncio.wait_for(site.server.write(work), 3) == "done"
        assert (await ann.push())["data"] == {"n": 1}
        await ann.ok("publish", topic="board:1", data={"n": 2})
        assert (await ann.push())["data"] == {"n": 2}
