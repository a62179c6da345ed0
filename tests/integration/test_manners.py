"""Manners at the door: limits, origins, errors without traces, and nothing secret in the log."""

import asyncio
import json
import logging
import socket

import pytest
import websockets

from support.boards import boards
from support.server import key_of, running_server
from tornado_chat import Denied, PluginHandler, hookimpl


class Echo(PluginHandler):
    def post(self):
        self.answer({"got": self.json(), "who": self.identity.user_id})

    def get(self):
        raise RuntimeError("a secret in an exception")


@hookimpl
def register_routes():
    return [("/echo", Echo)]


def modules():
    module = boards()
    module.register_routes = register_routes
    return [module]


@pytest.fixture
async def site():
    limits = {"limits": {"body_bytes": 1000, "sockets_per_user": 3}}
    async with running_server(limits, modules(), entry_points=False) as running:
        yield running


PATH = "/plugins/boards/echo"


async def test_health(site):
    assert (await site.fetch("GET", "/health/live")).json == {"live": True}
    ready = await site.fetch("GET", "/health/ready")
    assert ready.code == 200
    assert ready.json["ready"] is True
    assert ready.json["store"] == "ok"
    assert ready.json["plugins"] == ["boards"]


async def test_how_it_is_set_up_is_told_to_who_may_know_and_a_bad_key_makes_nobody_unready(site):
    anybody = (await site.fetch("GET", "/health/ready")).json.keys()
    assert "durability" not in anybody
    for headers in (
        {},
        {"api_key": key_of("ann")},
        {"api_key": "nobody's"},
        {"Authorization": "Basic x"},
    ):
        ready = await site.fetch("GET", "/health/ready", headers=headers)
        assert (ready.code, ready.json.keys()) == (200, anybody)
    ready = await site.fetch("GET", "/health/ready", name="admin")
    assert ready.json["durability"] == "full"


async def test_who_goes_before_he_is_let_in_is_forgotten(site, monkeypatch):
    sockets = site.server.sockets
    prepare, reached, go_on = sockets.prepare, asyncio.Event(), asyncio.Event()

    async def held(*given):
        reached.set()
        await go_on.wait()
        return await prepare(*given)

    monkeypatch.setattr(sockets, "prepare", held)
    _reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(
        f"GET /ws HTTP/1.1\r\nHost: x\r\napi_key: {key_of('ann')}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    await asyncio.wait_for(reached.wait(), 5)
    [connection] = site.server.listener._http._connections
    writer.transport.abort()
    try:
        async with asyncio.timeout(5):
            while not connection.stream.closed():
                await asyncio.sleep(0.01)
    finally:
        go_on.set()
    async with site.connect("ann"):
        assert len(sockets.handlers) == 1


async def test_json_in_and_out(site):
    answer = await site.fetch("POST", PATH, {"a": [1]}, name="ann")
    assert answer.json == {"got": {"a": [1]}, "who": "u-ann"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Etag" not in answer.headers
    assert "Server" not in answer.headers


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        ("{", 400, "bad_request"),
        ("[1]", 400, "bad_request"),
        (b"\xff\xfe", 400, "bad_request"),
        ("{" + '"a":{' * 60 + '"b":1' + "}" * 61, 413, "too_large"),
        ('{"a":"' + "x" * 2000 + '"}', 413, "too_large"),
    ],
)
async def test_a_bad_body_has_its_code(site, raw, status, code):
    answer = await site.fetch("POST", PATH, raw=raw, name="ann")
    assert answer.code == status
    assert answer.json["error"]["code"] == code


async def test_a_chunked_body_without_length_is_bounded_too(site):
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\napi_key: {key_of('ann')}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n".encode()
    )
    for _ in range(10):
        writer.write(b"100\r\n" + b"x" * 256 + b"\r\n")
    writer.write(b"0\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 413 " in head
    writer.close()


async def test_a_body_without_end_is_cut(site):
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\napi_key: {key_of('ann')}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n".encode()
    )
    for _ in range(300):
        writer.write(b"100\r\n" + b"x" * 256 + b"\r\n")
    assert b" 413 " in await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def test_the_413_is_heard_by_who_sends_all_before_it_reads():
    async with running_server({}, modules(), entry_points=False) as site:
        for _ in range(5):
            answer = await site.fetch("POST", PATH, raw=b"x" * 5_000_000, name="ann")
            assert (answer.code, answer.json["error"]["code"]) == (413, "too_large")


async def test_an_endless_body_is_refused_before_it_is_sent(site):
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\napi_key: {key_of('ann')}\r\n"
        "Content-Length: 99999999999\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 413 " in head
    body = await reader.read()
    assert json.loads(body)["error"]["code"] == "too_large"
    writer.close()


@pytest.mark.parametrize("length", [b"\xb2", b"1" + b"0" * 5000, b"-1", b"1e3"])
async def test_a_length_that_is_no_number_is_refused_without_a_trace(site, length):
    """`\\xb2` is a digit to Python, 5,000 of them are more than `int` takes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\napi_key: {key_of('ann')}\r\n".encode()
        + b"Content-Length: "
        + length
        + b"\r\n\r\n"
    )
    head = await asyncio.wait_for(reader.readline(), 5)
    assert head.split()[1] in {b"400", b"413"}
    writer.close()


async def test_unknown_paths_methods_and_keys(site):
    assert (await site.fetch("GET", "/nothing")).json["error"]["code"] == "not_found"
    assert (await site.fetch("PUT", PATH, {}, name="ann")).code == 405
    answer = await site.fetch("POST", PATH, {})
    assert (answer.code, answer.json["error"]["code"]) == (401, "unauthorized")
    assert "WWW-Authenticate" not in answer.headers
    answer = await site.fetch("POST", PATH, {}, headers={"api_key": "wrong"})
    assert (answer.code, answer.json["error"]["message"]) == (401, "Login key not valid")


async def test_who_is_refused_at_the_door_is_told_that_his_connection_ends(site):
    for key, status in (("wrong", b" 401 "), (key_of("ann"), b" 400 ")):
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        lines = f"POST {PATH} HTTP/1.1", "Host: x", f"api_key: {key}", "Content-Length: 2", "", "[]"
        writer.write("\r\n".join(lines).encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert status in head
        assert (b"Connection: close\r\n" in head) is (key == "wrong")
        if key == "wrong":
            await asyncio.wait_for(reader.read(), 5)
        writer.close()


async def test_an_exception_is_a_500_without_its_text(site, logs):
    logs.expect("GET /plugins/boards/echo")
    logs.expect("plugin 'boards' failed in route: RuntimeError")
    answer = await site.fetch("GET", PATH, name="ann")
    assert answer.code == 500
    assert b"secret" not in answer.body
    assert b"Traceback" not in answer.body


async def test_cors(site):
    answer = await site.fetch(
        "OPTIONS",
        PATH,
        headers={"Origin": "https://app.example", "Access-Control-Request-Method": "POST"},
    )
    assert answer.code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "api_key" in answer.headers["Access-Control-Allow-Headers"]
    assert "moquiSessionToken" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Max-Age"] == "3600"


async def test_over_the_limit_of_sockets_a_silent_one_goes():
    limits = {"limits": {"sockets_per_user": 1}, "delivery": {"ping_seconds": 0.2}}
    async with running_server(limits, modules(), entry_points=False) as site:
        silent = socket.create_connection(("127.0.0.1", site.port))
        silent.sendall(
            f"GET /ws?api_key={key_of('ann')} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        await asyncio.sleep(0.5)
        async with site.connect("ann") as ann:
            assert await ann.ok("ping") == {}
        silent.close()


async def test_no_key_password_or_text_in_any_log(site, logs):
    """At DEBUG, with everything that can go wrong going wrong."""
    logs.expect("GET /plugins/boards/echo")
    logs.expect("plugin 'boards' failed in route: RuntimeError")
    basic = "YW5uQHNob3AuZXhhbXBsZTp3cm9uZy1wYXNzd29yZA=="  # ann@shop.example:wrong-password
    text = "a very private text"
    async with site.connect("ann") as ann:
        await ann.ok("subscribe", topic="board:1")
        await ann.ok("publish", topic="board:1", key="retry-key", data={"content": text})
        await ann.do("publish", topic="board:closed", data={"content": text})
        await ann.do("publish", topic="board:1", key="retry-key", data={"content": text + "2"})
        await ann.send('{"content": "a very private text"')
        await ann.next()
    await site.fetch("POST", PATH + f"?api_key={key_of('bob')}", {"content": text})
    await site.fetch("POST", PATH, raw='{"a": "a very private text', name="ann")
    await site.fetch("GET", PATH, name="ann")
    await site.fetch("POST", PATH, {}, headers={"Authorization": f"Basic {basic}"})
    await site.fetch("POST", PATH, {}, headers={"api_key": "a-guessed-key"})
    with pytest.raises(websockets.InvalidStatus):
        await site.open("/ws", query="api_key=another-guess")
    async with site.open("/ws") as client:
        await client.send(json.dumps({"id": 1, "do": "auth", "key": key_of("carl")}))
        await client.recv()
    ours = "\n".join(
        record.getMessage()
        for record in logs.records  # as `logs.setup("debug")` lets them through
        if record.name.startswith("tornado_chat") or record.levelno >= logging.WARNING
    )
    assert "session" in ours
    for secret in ("key-of-", "guess", "wrong-password", basic, "private", "retry-key"):
        assert secret not in ours


async def test_sockets_that_do_not_say_who_they_are_are_bounded(site, monkeypatch, logs):
    logs.expect("GET /ws 503")
    monkeypatch.setattr("tornado_chat.web.handshake.STRANGERS", 3)
    opened = [await site.open("/ws") for _ in range(3)]
    with pytest.raises(websockets.InvalidStatus) as refused:
        await site.open("/ws")
    assert refused.value.response.status_code == 503
    async with site.connect("ann"):  # whoever shows a key at once is let in
        await opened[0].send(json.dumps({"id": 1, "do": "auth", "key": key_of("bob")}))
        await opened[0].recv()
        assert site.server.sockets.strangers() == 2
    for each in opened:
        await each.close()


async def test_who_sends_faster_than_he_may_for_long_is_not_taken_for_dead(monkeypatch):
    """His pongs come behind his frames, which are read slowly."""
    monkeypatch.setattr("tornado_chat.app.TICK_SECONDS", 0.05)
    tables = {"limits": {"frames_per_second": 100}, "delivery": {"ping_seconds": 0.2}}
    async with (
        running_server(tables, modules(), entry_points=False) as site,
        site.connect("ann") as ann,
    ):
        for number in range(300):
            await ann.send({"id": number, "do": "ping"})
        for number in range(300):
            assert "ok" in await ann.reply(number, 5)


async def test_frames_that_wait_are_bounded_by_their_size_too():
    tables = {"limits": {"frames_per_second": 0.2}}
    async with (
        running_server(tables, modules(), entry_points=False) as site,
        site.open("/ws", "ann") as client,
    ):

        async def flood():
            for _ in range(16):
                await client.send("x" * 1_000_000)

        flooding = asyncio.create_task(flood())
        await asyncio.sleep(0.5)
        [handler] = site.server.sockets.handlers
        assert sum(map(len, handler.inbox._frames)) <= 2_000_000
        assert not flooding.done()
        flooding.cancel()
        client.transport.abort()


async def test_a_long_text_for_a_close_is_cut_where_a_character_ends():
    """RFC 6455 5.5: a control frame holds 125 bytes, two of them the code."""
    text = "наша дверь сегодня закрыта, приходите завтра утром, "

    @hookimpl
    def authenticate(credentials):
        if credentials.key:
            raise Denied(text * 3)

    module = boards()
    module.authenticate = authenticate
    async with (
        running_server(modules=[module], entry_points=False) as site,
        site.open("/ws") as client,
    ):
        await client.send(json.dumps({"id": 1, "do": "auth", "key": "a-key"}))
        assert json.loads(await client.recv())["error"]["message"] == text * 3
        await asyncio.wait_for(client.wait_closed(), 2)
        assert client.close_code == 4001
        assert (text * 3).startswith(client.close_reason)
        assert len(client.close_reason) > 40
