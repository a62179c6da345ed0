"""What each key of our own sections does, on a real server: a test for each, named by its path."""

import asyncio
import json
import ssl
import subprocess
import time

import pytest
import websockets
from tornado.httpclient import AsyncHTTPClient
from tornado.testing import bind_unused_port

from support.boards import boards
from support.growerp import FrontEnd, notify, until
from support.moqui import playing_moqui
from support.orders import eventually
from support.process import serving
from support.server import Site, merged, running_server
from support.wire import PING, PONG, TEXT, Wire
from tornado_chat import SetupError, Topic, config
from tornado_chat.testing import chat_server

BOARD = Topic("SHOP", "board", "1")
BIG = "x" * 60_000


def board_server(**tables):
    """A server with the plugin of `support.boards` alone."""
    return running_server(tables, [boards()], entry_points=False)


def room_server(**tables):
    """A server with rooms and the face of GrowERP."""
    return running_server(merged({"plugins": {"disabled": ["order_list"]}}, tables))


def refused(tables):
    """What is said of a configuration that does not let the server start."""
    with pytest.raises(SetupError) as caught:
        config.build(tables)
    return str(caught.value)


async def status_of_socket(site, path="/ws", **kwargs):
    """The status with which a socket is refused."""
    with pytest.raises(websockets.InvalidStatus) as caught:
        await site.open(path, **kwargs)
    return caught.value.response.status_code


# The section server


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """(certificate, key) for localhost, as files."""
    folder = tmp_path_factory.mktemp("tls")
    chain, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", key, "-out", chain],
        check=True, capture_output=True,
    )  # fmt: skip
    return chain, key


async def test_server_address():
    async with board_server(server={"address": "127.0.0.2"}) as site:
        assert site.server.url == f"http://127.0.0.2:{site.port}"
        await AsyncHTTPClient().fetch(f"{site.server.url}/health/live")
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection("127.0.0.1", site.port)


async def test_server_port():
    sock, port = bind_unused_port()
    sock.close()
    async with board_server(server={"port": port}) as site, site.connect("ann"):
        assert site.server.url == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(("proxies", "address"), [(["127.0.0.1"], "192.0.2.7"), ([], "127.0.0.1")])
async def test_server_trusted_proxies(proxies, address):
    async with board_server(server={"trusted_proxies": proxies}) as site:
        forwarded = {"X-Forwarded-For": "192.0.2.7"}
        async with site.connect("ann", additional_headers=forwarded):
            [session] = site.server.hub.all_sessions()
            assert session.address == address


async def test_server_allowed_origins():
    """A page of another one is refused, and so is what is no origin."""
    async with board_server(server={"allowed_origins": ["https://app.example"]}) as site:
        good = {"Origin": "https://app.example"}
        assert (await site.fetch("GET", "/health/live", headers=good)).code == 200
        async with site.connect("ann", additional_headers=good) as ann:
            assert await ann.ok("ping") == {}
        for origin in ("https://evil.example", "http://[::1"):
            bad = {"Origin": origin}
            assert await status_of_socket(site, name="ann", additional_headers=bad) == 403
            assert (await site.fetch("GET", "/health/live", headers=bad)).code == 401


async def test_server_tls_certificate(certificate):
    chain, key = certificate
    tls = {"tls_certificate": str(chain), "tls_key": str(key)}
    async with board_server(server=tls) as site:
        assert site.server.url.startswith("https://")
        trusting = ssl.create_default_context(cafile=str(chain))
        url = f"wss://localhost:{site.port}/ws?api_key=key-of-ann"
        async with websockets.connect(url, ssl=trusting, host="127.0.0.1") as socket:
            assert json.loads(await socket.recv())["hello"]["user"] == "u-ann"


async def test_server_tls_key(certificate, tmp_path):
    chain, key = certificate
    said = refused({"server": {"tls_certificate": str(chain)}})
    assert said == "in server.tls_key: missing, since tls_certificate is given"
    other = tmp_path / "other.pem"
    other.write_text(key.read_text()[:100])
    tls = {"tls_certificate": str(chain), "tls_key": str(other)}
    with pytest.raises(SetupError, match=r"in server\.tls_certificate"):
        async with board_server(server=tls):
            """A key that is none."""


async def test_server_drain_seconds():
    """Of two sockets the second is told goodbye after half of the time."""
    async with board_server(server={"drain_seconds": 0.4}) as site:
        sockets = [await site.open("/ws", name) for name in ("ann", "bob")]
        began = time.monotonic()
        stopping = asyncio.create_task(site.server.stop())
        windows = []
        for socket in sockets:
            assert "hello" in await socket.recv()
            windows.append(json.loads(await socket.recv())["bye"]["reconnect_after_ms"])
            await socket.wait_closed()
        assert time.monotonic() - began >= 0.18
        assert 200 <= max(windows)[0] <= 600  # after the last goodbye
        await stopping


async def test_server_page():
    """Without it there is nothing at /; the client stays for others."""
    for page, found in ((True, 200), (False, 404)):
        async with board_server(server={"page": page}) as site:
            answers = [await site.fetch("GET", path) for path in ("/", "/page/main.js")]
            assert [answer.code for answer in answers] == [found, found]
            assert (await site.fetch("GET", "/client.js")).code == 200


# The section store and engine


async def test_store_url(tmp_path):
    file = tmp_path / "elsewhere.db"
    async with board_server(store={"url": f"sqlite:///{file}"}) as site:
        await site.server.publish(BOARD, {"n": 1})
    assert file.exists()
    async with board_server(store={"url": f"sqlite:///{file}"}) as site, site.connect("ann") as ann:
        assert len((await ann.ok("history", topic="board:1"))["messages"]) == 1
    with pytest.raises(SetupError, match=r"in store\.url: postgresql"):
        async with board_server(store={"url": "postgresql://h/d"}):
            """A store that this version does not have."""


@pytest.mark.parametrize(("durability", "synchronous"), [("full", 2), ("relaxed", 1)])
async def test_store_durability(durability, synchronous):
    """2 is FULL, 1 is NORMAL: https://sqlite.org/pragma.html#pragma_synchronous"""
    async with board_server(store={"durability": durability}) as site:
        answer = await site.fetch("GET", "/health/ready", name="admin")
        assert answer.json["durability"] == durability
        database = site.server.store.writer._database
        found = await site.server.write(lambda _tx: database.pragma("synchronous"))
        assert found == synchronous


async def test_engine_url():
    async with board_server(engine={"url": "memory:"}) as site:
        assert (await site.fetch("GET", "/health/ready")).code == 200
    with pytest.raises(SetupError, match=r"in engine\.url: redis: this version has memory: only"):
        async with board_server(engine={"url": "redis://127.0.0.1/1"}):
            """An engine that this version does not have."""


# The section auth


async def test_auth_backends():
    async with board_server(auth={"backends": []}) as site:
        assert await status_of_socket(site, name="ann") == 401


async def test_auth_key_days():
    async with chat_server(config={"auth": {"key_days": 2}}) as chat:
        key = await chat.server.accounts.issue_key("u-ann")
        site = Site(chat.server)
        async with site.open("/ws", query=f"api_key={key}") as socket:
            seconds = json.loads(await socket.recv())["hello"]["key_ttl"]
            assert 2 * 86400 - 60 < seconds <= 2 * 86400
            await chat.clock.move(hours=49)
            await socket.wait_closed()
            assert socket.close_code == 4001


@pytest.fixture
async def moqui():
    async with playing_moqui() as played:
        for number in range(1, 5):
            played.person(f"10000{number}", "100010", f"p{number}@shop.example")
            played.key(f"10000{number}", key_of_moqui(number))
        yield played


def key_of_moqui(number):
    return f"{number}3J0-Zk_8uTn5wYbM2rLxA7vPdHsEo1fKc9GiN4t"


def beside(moqui, **more):
    auth = {"backends": ["growerp"], "growerp": {"url": moqui.url, **more}}
    return board_server(auth=auth)


def asked(site, number=1):
    return site.fetch("GET", "/health/ready", headers={"api_key": key_of_moqui(number)})


async def test_auth_growerp_url(moqui):
    async with (
        beside(moqui) as site,
        site.open("/ws", query=f"api_key={key_of_moqui(1)}") as socket,
    ):
        hello = json.loads(await socket.recv())["hello"]
        assert (hello["user"], hello["tenant"]) == ("100001", "100010")


async def test_auth_growerp_recheck_minutes(moqui):
    """The key has ended at the Moqui, and its socket ends here within that time."""
    async with (
        beside(moqui, recheck_minutes=0.002) as site,
        site.open("/ws", query=f"api_key={key_of_moqui(1)}") as socket,
    ):
        await socket.recv()
        moqui.keys.clear()
        await asyncio.wait_for(socket.wait_closed(), 10)
        assert socket.close_code == 4009


async def test_auth_growerp_timeout_seconds(moqui, logs):
    logs.expect("growerp: no answer")
    logs.expect("GET /ws 503")
    moqui.fault = "slow"
    async with beside(moqui, timeout_seconds=0.1) as site:
        assert await status_of_socket(site, query=f"api_key={key_of_moqui(1)}") == 503


async def test_auth_growerp_calls_at_once(moqui):
    async with beside(moqui, calls_at_once=1) as site:
        opened = await asyncio.gather(
            *(site.open("/ws", query=f"api_key={key_of_moqui(number)}") for number in range(1, 5))
        )
        await asyncio.gather(*(socket.close() for socket in opened))
    assert moqui.most_at_once == 1


# The section delivery


async def missed(**delivery):
    """What a GrowERP socket is sent of three messages that came while it was away."""
    async with room_server(delivery=delivery) as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        room = await ann.room_with(bob)
        async with bob.chat() as chat:
            await ann.say(room, "here")
            assert await chat.contents(1) == ["here"]
        await until(lambda: not site.server.sockets.handlers)
        for text in ("one", "two", "three"):
            await ann.say(room, text)
        async with bob.chat() as chat:
            await chat.send("anything")
            await ann.say(room, "last")
            heard = []
            while "last" not in heard:
                heard += await chat.contents(1)
            return [text for text in heard if text not in {"here", "last"}]


async def test_delivery_replay_messages():
    assert await missed() == ["one", "two", "three"]
    assert await missed(replay_messages=2) == ["two", "three"]


async def test_delivery_replay_hours():
    assert await missed(replay_hours=0) == []


async def test_delivery_settle_seconds():
    """Nothing before the first frame, as long as this is not over."""
    patient = room_server(delivery={"settle_seconds": 600})
    async with patient as site, FrontEnd(site, "ann").notws() as socket:
        await notify(site, "OrderUpdate", {"n": 1})
        await socket.quiet()
        await socket.send("subscribe: ALL")
        assert (await socket.next())["message"] == {"n": 1}
    async with room_server(delivery={"settle_seconds": 0.1}) as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        room = await ann.room_with(bob)
        async with bob.chat() as chat:
            await ann.say(room, "Lunch?")
            assert (await chat.next(1.5))["content"] == "Lunch?"


async def test_delivery_ping_seconds(monkeypatch):
    monkeypatch.setattr("tornado_chat.app.TICK_SECONDS", 0.05)
    async with (
        board_server(delivery={"ping_seconds": 0.1}) as site,
        Wire.open(site, "/ws", "ann") as wire,
    ):
        heard = [await wire.frame()]
        while len(heard) < 4:  # each after the answer to the one before, though nothing was said
            opcode, payload = await wire.frame()
            assert opcode == PING
            wire.write(PONG, payload)
            heard.append(payload)
        assert heard[0][0] == TEXT


async def test_delivery_publish_key_hours():
    retry = {"topic": "board:1", "key": "7f3a", "data": {"n": 1}}
    async with chat_server([boards()], {"delivery": {"publish_key_hours": 5}}) as chat:
        ann = await chat.connect("ann")
        first = await ann.ok("publish", **retry)
        for hours, known in ((4, True), (2, False)):
            await chat.clock.move(hours=hours)
            again = await ann.ok("publish", **retry)
            assert again["duplicate"] is known is (again["offset"] == first["offset"])


@pytest.mark.parametrize(("seconds", "said"), [(10, ["Lunch?"]), (0, ["Lunch?", "Lunch?"])])
async def test_delivery_pair_seconds(seconds, said):
    async with room_server(delivery={"pair_seconds": seconds}) as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        room = await ann.room_with(bob)
        async with ann.chat() as chat:
            await chat.say(room, "Lunch?")
            await eventually(lambda: bob.history(room))
            await ann.say(room, "Lunch?")
        assert await bob.history(room) == said


# The section retention


async def kept(**retention):
    """Which of three messages are kept: the third comes thirty hours after the others."""
    async with chat_server([boards()], {"retention": retention}) as chat:
        for number in (1, 2):
            await chat.server.publish(BOARD, {"n": number})
        await chat.clock.move(hours=30)
        await chat.server.publish(BOARD, {"n": 3})
        await chat.clock.move(hours=1)
        ann = await chat.connect("ann")
        messages = (await ann.ok("history", topic="board:1"))["messages"]
        return [each["data"]["n"] for each in messages]


async def test_retention_messages():
    assert await kept(messages=0) == [1, 2, 3]
    assert await kept(messages=2) == [2, 3]


async def test_retention_days():
    assert await kept(days=1) == [3]


async def test_retention_room_messages():
    """For a kind, and for a topic, which goes before its kind."""
    assert await kept(board={"messages": 2}) == [2, 3]
    assert await kept(board={"messages": 2}, **{"board:1": {"messages": 1}}) == [3]
    assert await kept(room={"messages": 2}) == [1, 2, 3]


async def test_retention_room_days():
    assert await kept(board={"days": 1}) == [3]
    assert await kept(days=1, board={"days": 0}) == [1, 2, 3]


# The section limits


async def test_limits_frame_bytes():
    async with room_server(limits={"frame_bytes": 200}) as site:
        ann = FrontEnd(site, "ann")
        room = await ann.room_with(FrontEnd(site, "bob"))
        data = {"content": "x" * 190}
        async with site.connect("ann") as native:
            assert native.hello["limits"]["frame_bytes"] == 200
            assert await native.refused("publish", topic=f"room:{room}", data=data) == "too_large"
        body = {"chatMessage": {"chatRoom": {"chatRoomId": room}, **data}}
        assert "frame_bytes" in await ann.bad(413, "POST", "ChatMessage", body)


async def test_limits_body_bytes():
    async with room_server(limits={"body_bytes": 1000}) as site:
        path = "/plugins/chat_rooms/rooms"
        answer = await site.fetch("POST", path, {"name": "x" * 1000}, name="ann")
        assert (answer.code, answer.json["error"]["code"]) == (413, "too_large")
        assert (await site.fetch("POST", path, {"name": "Lunch"}, name="ann")).code == 201


async def test_limits_json_depth():
    async with board_server(limits={"json_depth": 4}) as site, site.connect("ann") as ann:
        await ann.ok("publish", topic="board:1", data={"a": {"b": 1}})
        deep = {"a": {"b": {"c": {"d": 1}}}}
        assert await ann.refused("publish", topic="board:1", data=deep) == "too_large"


async def test_limits_frames_per_second():
    """As many at once, the others at the rate; nothing is dropped."""
    async with board_server(limits={"frames_per_second": 40}) as site, site.connect("ann") as ann:
        assert ann.hello["limits"]["frames_per_second"] == 40
        began = time.monotonic()
        for number in range(60):
            await ann.send({"id": number, "do": "ping"})
        for number in range(60):
            assert (await ann.reply(number))["ok"] == {}
        assert time.monotonic() - began >= 0.45


async def test_limits_sockets_per_user():
    async with board_server(limits={"sockets_per_user": 1}) as site, site.connect("ann"):
        with pytest.raises(websockets.InvalidStatus) as refused:
            await site.open("/ws", "ann")
        assert refused.value.response.status_code == 429
        assert int(refused.value.response.headers["Retry-After"]) > 0
        async with site.connect("bob") as bob:
            assert await bob.ok("ping") == {}


async def test_limits_subscriptions_per_socket():
    limits = {"subscriptions_per_socket": 1}
    async with board_server(limits=limits) as site, site.connect("ann") as ann:
        await ann.ok("subscribe", topic="board:1")
        assert await ann.refused("subscribe", topic="board:2") == "rate_limited"
        await ann.ok("unsubscribe", topic="board:1")
        await ann.ok("subscribe", topic="board:2")


async def said_to_nobody_who_reads(site, wire):
    """Publishes until the socket is behind; how many, and the most that had waited for it."""
    wire.send({"id": 1, "do": "subscribe", "topic": "board:1"})
    await wire.next()
    while (await wire.frame())[0] != TEXT:
        """Its reply comes among pings."""
    [session] = site.server.hub.all_sessions()
    [subscription] = session.subscriptions.values()
    most, count = 0, 0
    while subscription.live:
        await site.server.publish(BOARD, {"n": count, "pad": BIG})
        most = max(most, session.outbox.size)
        count += 1
        assert count < 1000
    return count, most


async def heard_in_order(wire, count):
    numbers = []
    while len(numbers) < count:
        opcode, payload = await wire.frame()
        if opcode == TEXT:
            numbers.append(json.loads(payload)["push"]["data"]["n"])
    assert numbers == list(range(count))


@pytest.mark.parametrize(
    "limits",
    [{"outbox_bytes": 200_000}, {"outbox_bytes": 100_000, "outbox_total_bytes": 0}],
)
async def test_limits_outbox_bytes(limits):
    async with (
        board_server(limits=limits) as site,
        Wire.open(site, "/ws", "ann", window=4096) as wire,
    ):
        count, most = await said_to_nobody_who_reads(site, wire)
        assert 0 < most <= limits["outbox_bytes"]
        await heard_in_order(wire, count)


async def test_limits_outbox_total_bytes():
    """However much one socket may have."""
    limits = {"outbox_bytes": 0, "outbox_total_bytes": 200_000}
    async with (
        board_server(limits=limits) as site,
        Wire.open(site, "/ws", "ann", window=4096) as wire,
    ):
        count, _most = await said_to_nobody_who_reads(site, wire)
        assert site.server.sockets.budget.used <= limits["outbox_total_bytes"] + len(BIG)
        await heard_in_order(wire, count)


async def test_limits_auth_attempts_per_minute():
    async with board_server(limits={"auth_attempts_per_minute": 2}) as site:
        told = [await status_of_socket(site, query=f"api_key=guess-{n}") for n in range(3)]
        assert told == [401, 401, 429]
        async with site.connect("ann"):
            """A key that is known costs nothing."""


# The section log


async def test_log_level(tmp_path):
    async with serving("--set", "log.level=warning", cwd=tmp_path) as server:
        assert await server.stop() == 0
    assert server.log == ""


async def test_log_format(tmp_path):
    async with serving("--set", "log.format=json", cwd=tmp_path) as server:
        assert await server.stop() == 0
    lines = [json.loads(line) for line in server.log.splitlines()]
    assert {"info"} == {line["level"] for line in lines}


# The section plugins


PLUGIN = """
from tornado_chat import PluginHandler, hookimpl

api = 1


class Greeting(PluginHandler):
    public = True

    async def get(self):
        self.answer({"hello": "world"})


@hookimpl
def register_routes():
    return [("/greeting", Greeting)]
"""


async def test_plugins_directory(tmp_path):
    (tmp_path / "greet.py").write_text(PLUGIN)
    async with board_server(plugins={"directory": str(tmp_path)}) as site:
        answer = await site.fetch("GET", "/plugins/greet/greeting")
        assert answer.json == {"hello": "world"}


async def test_plugins_disabled(tmp_path):
    (tmp_path / "greet.py").write_text(PLUGIN)
    plugins = {"directory": str(tmp_path), "disabled": ["greet"]}
    async with board_server(plugins=plugins) as site:
        assert (await site.fetch("GET", "/plugins/greet/greeting")).code == 404


async def test_plugins_call_seconds(logs):
    """The state of this board takes half a minute; whoever asks for it is told sooner."""
    logs.expect("plugin 'boards' failed in topic.snapshot")
    async with board_server(plugins={"call_seconds": 0.1}) as site, site.connect("ann") as ann:
        assert await ann.refused("subscribe", topic="board:slow") == "unavailable"
