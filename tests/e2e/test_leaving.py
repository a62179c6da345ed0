"""The command leaves well: real processes, real signals, and what their clients see of it."""

import asyncio
import contextlib
import json
import signal
import time

import pytest
import websockets
from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from support.process import serving, toml

CLIENTS = 20


def key_of(number):
    return f"key-of-u{number}-0123456789"


@pytest.fixture
def config(tmp_path):
    users = [
        {"user_id": f"u{number}", "tenant": "SHOP", "api_key": key_of(number)}
        for number in range(CLIENTS)
    ]
    path = tmp_path / "tornado_chat.toml"
    path.write_text(toml({"users": users}))
    return path


def connect(server, path, number=0, **kwargs):
    url = f"ws://127.0.0.1:{server.port}{path}?api_key={key_of(number)}"
    return websockets.connect(url, ping_interval=None, **kwargs)


async def fetch(server, path, method="GET", body=None, number=0):
    request = HTTPRequest(
        f"http://127.0.0.1:{server.port}{path}",
        method,
        {"api_key": key_of(number), "Content-Type": "application/json"},
        None if body is None else json.dumps(body),
    )
    return await AsyncHTTPClient().fetch(request, raise_error=False)


async def room(server, members=CLIENTS):
    """A room of everybody, by its topic."""
    body = {"name": "All", "members": [f"u{number}" for number in range(members)]}
    answer = await fetch(server, "/plugins/chat_rooms/rooms", "POST", body)
    return json.loads(answer.body)["room"]["topic"]


async def history(server, topic, number=0):
    """Every text of a topic, by a client that connects for it."""
    texts, after = [], 0
    async with connect(server, "/ws", number) as socket:
        await socket.recv()
        more = True
        while more:
            ask = {"id": 1, "do": "history", "topic": topic, "after": after, "limit": 200}
            await socket.send(json.dumps(ask))
            page = json.loads(await socket.recv())["ok"]
            texts += [each["data"]["content"] for each in page["messages"]]
            after = page["messages"][-1]["offset"] if page["messages"] else after
            more = page["more"]
    return texts


async def to_the_end(socket):
    """All frames until the close."""
    frames = []
    with contextlib.suppress(websockets.ConnectionClosed):
        while True:
            frames.append(json.loads(await asyncio.wait_for(socket.recv(), 20)))
    return frames


class Publisher:
    """Publishes without waiting for the answers, until the house closes."""

    def __init__(self, number, topic):
        self.number = number
        self.topic = topic
        self.sent, self.answered, self.refused = [], [], []
        self.bye = None
        self.bye_at = self.closed_at = 0.0
        self.code = None

    async def run(self, server, ready):
        async with connect(server, "/ws", self.number) as socket:
            await socket.recv()
            ready.release()
            sending = asyncio.create_task(self._send(socket))
            with contextlib.suppress(websockets.ConnectionClosed):
                while True:
                    self._take(json.loads(await socket.recv()))
            self.closed_at, self.code = time.monotonic(), socket.close_code
            sending.cancel()

    async def _send(self, socket):
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                text = f"{self.number}-{len(self.sent)}"
                frame = {"do": "publish", "topic": self.topic, "data": {"content": text}}
                await socket.send(json.dumps({"id": text, **frame, "key": text}))
                self.sent.append(text)
                await asyncio.sleep(0.1)

    def _take(self, frame):
        if "bye" in frame:
            self.bye, self.bye_at = frame["bye"], time.monotonic()
        elif "ok" in frame:
            assert self.bye is None, "an answer after the goodbye"
            self.answered.append(frame["id"])
        elif "error" in frame:
            self.refused.append(frame)


async def test_twenty_who_publish_are_answered_and_told_one_after_another(config):
    more = ("--set", "limits.frames_per_second=0")
    async with serving("-c", config, "--set", "server.drain_seconds=2", *more) as server:
        topic = await room(server)
        ready = asyncio.Semaphore(0)
        publishers = [Publisher(number, topic) for number in range(CLIENTS)]
        running = [asyncio.create_task(each.run(server, ready)) for each in publishers]
        for _ in publishers:
            await ready.acquire()
        async with asyncio.timeout(10):
            while not all(each.answered for each in publishers):
                await asyncio.sleep(0.05)
        began = time.monotonic()
        assert await server.stop() == 0
        await asyncio.gather(*running)
        assert "leaving: 20 sockets over 2 s; once more to leave at once" in server.log
        assert "Traceback" not in server.log
    byes = sorted(each.bye_at - began for each in publishers)
    # of 20 sockets the i-th goes at i/20 of the window, or later on a busy machine
    assert all(bye >= place * 0.1 - 0.05 for place, bye in enumerate(byes))
    for each in publishers:
        first, last = each.bye["reconnect_after_ms"]
        assert each.bye_at + first / 1000 >= began + 2
        assert last > first
        assert (each.code, each.refused) == (1012, [])
        # one after another: what was answered is a beginning of what was sent
        assert each.answered == each.sent[: len(each.answered)]
    async with serving("-c", config) as server:
        logged = await history(server, topic)
    assert len(logged) == len(set(logged))
    # what was not answered before the goodbye was not read, so it is not there
    assert set(logged) == {text for each in publishers for text in each.answered}


async def test_while_it_leaves_rest_goes_on_and_no_socket_is_opened(config):
    async with serving("-c", config, "--set", "server.drain_seconds=6") as server:
        topic = await room(server, 2)
        async with connect(server, "/ws", 0), connect(server, "/chat", 1) as bob:
            server.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(5):
                while (await fetch(server, "/health/ready")).code != 503:
                    await asyncio.sleep(0.02)
            assert (await fetch(server, "/health/live")).code == 200
            for path in ("/ws", "/chat", "/notws"):
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await connect(server, path)
                answer = refused.value.response
                assert answer.status_code == 503
                assert 1 <= int(answer.headers["Retry-After"]) <= 5
                assert json.loads(answer.body)["error"]["code"] == "unavailable"
            said = {"chatRoom": {"chatRoomId": topic.partition(":")[2]}, "content": "still here"}
            path = "/rest/s1/growerp/100/ChatMessage"
            answer = await fetch(server, path, "POST", {"chatMessage": said})
            assert answer.code == 200
            assert {each["content"] for each in await to_the_end(bob)} <= {"still here"}
            assert bob.close_code == 1012
        assert await server.process.wait() == 0
    async with serving("-c", config) as server:
        assert await history(server, topic) == ["still here"]


async def test_a_growerp_socket_gets_1012_and_nothing_else(config):
    async with (
        serving("-c", config, "--set", "server.drain_seconds=0.2") as server,
        connect(server, "/chat", 0) as chat,
        connect(server, "/notws", 1) as notws,
    ):
        assert await server.stop() == 0
        for socket in (chat, notws):
            assert await to_the_end(socket) == []
            assert socket.close_code == 1012


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_it_at_once(config, number):
    async with (
        serving("-c", config, "--set", "server.drain_seconds=60") as server,
        contextlib.AsyncExitStack() as stack,
    ):
        sockets = [
            await stack.enter_async_context(connect(server, "/ws", who)) for who in range(10)
        ]
        server.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            while "once more to leave at once" not in server.log:
                await asyncio.sleep(0.02)
        assert await asyncio.wait_for(server.stop(number), 20) == 0
        for socket in sockets:
            assert (await to_the_end(socket))[-1]["bye"]["code"] == "restart"
            assert socket.close_code == 1012
    assert "Traceback" not in server.log


async def test_a_house_with_nobody_in_it_leaves_at_once(config):
    async with serving("-c", config, "--set", "server.drain_seconds=60") as server:
        assert await asyncio.wait_for(server.stop(), 20) == 0
