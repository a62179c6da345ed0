"""A POST that takes the fast path is answered as one that does not: status, headers and body.

Each request is sent twice, as it is and with a query that no resource looks at, which makes it take the
ordinary way. See web/fast_path.py.
"""

import asyncio
import base64
import json
import re
from dataclasses import dataclass

import pytest
from tornado.httputil import HTTPHeaders

from support.growerp import FrontEnd
from support.server import key_of, merged, password_of, running_server
from tornado_chat import Denied
from tornado_chat.errors import Unavailable
from tornado_chat.web.fast_path import FastPath

PATH = "/rest/s1/growerp/100/ChatMessage"
TABLES = {
    "plugins": {"disabled": ["order_list"]},
    "server": {"allowed_origins": ["https://app.example"], "trusted_proxies": ["127.0.0.1"]},
    "limits": {"body_bytes": 2000, "frame_bytes": 500},
}


@dataclass
class Answer:
    """`head`: the status line and the headers in their order, what changes by itself left out."""

    head: list[str]
    body: bytes
    fast: bool
    closed: bool


class Door:
    """Raw connections to a server; `fast`: whether the last request took the fast path."""

    def __init__(self, site, monkeypatch):
        self.site = site
        self.room = self.fast = None
        plain = FastPath.plain

        def watched(path, request, *args):
            found = plain(path, request, *args)
            self.fast = found is not None
            return found

        monkeypatch.setattr(FastPath, "plain", watched)

    async def ask(self, head, *pieces, path=PATH):
        """The answer to a POST, its body sent in these pieces."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.site.port)
        try:
            writer.write(f"POST {path} ".encode() + head)
            for piece in pieces:
                await writer.drain()
                await asyncio.sleep(0.02 if len(pieces) > 1 else 0)
                writer.write(piece)
            start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = HTTPHeaders.parse("\r\n".join(lines))
            body = await reader.readexactly(int(headers["Content-Length"]))
            kept = [re.sub(r"^Date: .*GMT$", "Date: now", line) for line in lines]
            kept = [line for line in kept if not line.startswith("Content-Length")]
            closed = headers.get("Connection") == "close"
            return Answer([start, *kept], body, self.fast, closed)
        finally:
            writer.close()

    async def both(self, head, *pieces):
        """By the fast path, if it takes that, and by the ordinary way."""
        first = await self.ask(head, *pieces)
        second = await self.ask(head, *pieces, path=f"{PATH}?some=thing")
        assert not second.fast
        assert first.head == second.head
        assert without_ids(first.body) == without_ids(second.body)
        return first


def status_of(answer):
    return int(answer.head[0].split()[1])


def without_ids(body):
    """What differs between two messages that say the same."""
    for name, value in (("chatMessageId", rb"\d+"), ("creationDate", rb"[-\d: ]{19}")):
        body = re.sub(rb'"%s":"%s"' % (name.encode(), value), b'"%s":""' % name.encode(), body)
    return body


def request(body, *headers, key="ann", version="1.1"):
    """The rest of its first line, the headers, and the body."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/{version}", "Host: chat.example:8080", *headers]
    lines += [f"api_key: {key_of(key)}"] if key else []
    if not any(line.startswith(("Content-Length", "Transfer-Encoding")) for line in lines):
        lines.append(f"Content-Length: {len(raw)}")
    return "\r\n".join([*lines, "", ""]).encode(), raw


@pytest.fixture
async def site():
    async with running_server(TABLES) as running:
        yield running


@pytest.fixture
async def door(site, monkeypatch):
    """Ann is known, and her room with Bob is in use."""
    ann = FrontEnd(site, "ann")
    door = Door(site, monkeypatch)
    door.room = await ann.room_with(FrontEnd(site, "bob"))
    for name in ("ann", "bob", "zoe", "carl"):
        await FrontEnd(site, name).get("Authenticate", classificationId="token")
    await ann.say(door.room, "hello")
    return door


def said(room, content="hello", **more):
    return {"chatMessage": {"chatRoom": {"chatRoomId": room}, "content": content, **more}}


async def test_a_message(door):
    answer = await door.both(*request(said(door.room, "hé ✓")))
    assert answer.fast
    assert answer.head[0] == "HTTP/1.1 200 OK"
    assert json.loads(answer.body)["chatMessage"]["content"] == "hé ✓"


BODIES = [
    (400, b"{"),
    (400, b"[]"),
    (400, b"\xff"),
    (400, b'"text"'),
    (400, {}),
    (400, {"chatMessage": 7}),
    (400, said(None)),
    (400, said("")),
    (400, said(7)),
    (400, said("100000", "")),
    (400, said("100000", "  ")),
    (400, said("100000", None)),
    (400, said("999999")),
    (400, said("x" * 200)),
    (400, said("a\nb")),
    (413, b'{"a":' * 60 + b"1" + b"}" * 60),
    (413, said("ROOM", "x" * 600)),
    (200, {"chatRoom": {"chatRoomId": "ROOM"}, "content": "bare"}),
    (200, said("ROOM", "hello", fromUserId="u-zoe", more=[None])),
]


async def test_bodies(door):
    for status, body in BODIES:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = await door.both(*request(raw.replace(b"ROOM", door.room.encode())))
        assert (answer.fast, status_of(answer)) == (True, status), body


async def test_who_is_not_in_the_room(door):
    for name in ("zoe", "carl"):
        answer = await door.both(*request(said(door.room), key=name))
        assert answer.fast
        assert answer.head[0] == "HTTP/1.1 400 Bad Request"
        assert b"not found" in answer.body


HEADERS = [
    (True, 200, ["Authorization: Bearer key-of-ann"]),
    (True, 200, ["apiKey: key-of-ann"]),
    (True, 200, ["login_key:  key-of-ann "]),
    (True, 200, ["API_KEY: undefined", "login_key: key-of-ann"]),
    (True, 200, ["api_key: key-of-ann", "Authorization: Bearer other"]),
    (True, 200, ["api_key: key-of-ann", "X-Forwarded-For: 203.0.113.9"]),
    (
        True,
        200,
        ["api_key: key-of-ann", "Connection: keep-alive", "Accept: */*", "Cookie: a=b"],
    ),
    (True, 200, ["api_key: key-of-ann", "Origin: https://app.example"]),
    (True, 200, ["api_key: key-of-ann", "Origin: http://chat.example:8080"]),
    (True, 400, ["api_key: key-of-ann", f"Idempotency-Key: {'k' * 129}"]),
    (False, 200, ["api_key: key-of-ann", "Connection: close"]),
    (False, 401, ["api_key: key-of-ann", "Origin: https://evil.example"]),
    (False, 401, ["api_key: key-of-nobody"]),
    (False, 401, ["api_key: key-of-ann", "api_key: key-of-ann"]),
    (False, 401, ["api_key: not a key"]),
    (False, 401, []),
]


async def test_headers(door):
    for fast, status, headers in HEADERS:
        answer = await door.both(*request(said(door.room), *headers, key=None))
        assert (answer.fast, status_of(answer)) == (fast, status), headers
        allowed = [line for line in answer.head if line.startswith("Access-Control")]
        assert bool(allowed) == (status == 200 and any("Origin" in line for line in headers))
        assert answer.closed == (status == 401 or "Connection: close" in headers)


async def test_a_refusal_on_a_page_of_an_allowed_origin_can_be_read(door):
    answer = await door.both(*request(said("999999"), "Origin: https://app.example"))
    assert answer.fast
    assert "Access-Control-Allow-Origin: https://app.example" in answer.head
    assert "Vary: Origin" in answer.head


async def test_basic_takes_the_ordinary_way(door):
    shown = base64.b64encode(f"ann@shop.example:{password_of('ann')}".encode()).decode()
    head, raw = request(said(door.room), f"Authorization: Basic {shown}", key=None)
    assert not (await door.both(head, raw)).fast


async def test_old_clients_take_the_ordinary_way(door):
    assert not (await door.both(*request(said(door.room), version="1.0"))).fast


async def test_a_body_in_pieces(door):
    head, raw = request(said(door.room))
    answer = await door.both(head, raw[:1], raw[1:20], raw[20:])
    assert answer.fast
    assert answer.head[0] == "HTTP/1.1 200 OK"


async def test_a_body_in_chunks_takes_the_ordinary_way(door):
    _, raw = request(said(door.room))
    head, _ = request(b"", "Transfer-Encoding: chunked")
    answer = await door.both(head, b"%x\r\n%b\r\n0\r\n\r\n" % (len(raw), raw))
    assert not answer.fast
    assert answer.head[0] == "HTTP/1.1 200 OK"


async def test_sizes(door):
    for size, fast, status in ((0, False, 400), (2000, True, 400), (2001, False, 413)):
        body = json.dumps(said("1")).encode().ljust(size) if size else b""
        answer = await door.both(*request(body))
        assert (answer.fast, status_of(answer)) == (fast, status)


async def test_a_retry_gives_the_same_message_whichever_way_it_comes(door):
    head, raw = request(said(door.room), "Idempotency-Key: once")
    answer = await door.both(head, raw)
    assert answer.fast
    again = await door.ask(head, raw)
    assert json.loads(again.body) == json.loads(answer.body)
    answer = await door.both(*request(said(door.room, "other"), "Idempotency-Key: once"))
    assert answer.head[0] == "HTTP/1.1 409 Conflict"


async def test_what_fails_further_on(door, monkeypatch, logs):
    for status, error in (
        (403, Denied("publish: not today")),
        (503, Unavailable("the store cannot write now")),
        (500, RuntimeError("a fault of ours, hush")),
    ):
        monkeypatch.setattr(door.site.server.broker, "post", failing(error))
        answer = await door.both(*request(said(door.room)))
        assert (answer.fast, status_of(answer)) == (True, status)
        assert ("Retry-After: 2" in answer.head) == (status == 503)
        assert b"hush" not in answer.body
    for text in ("ChatMessage 503", "ChatMessage 500", "failed in route"):
        logs.expect(text)


def failing(error):
    async def broken(*_args, **_kwargs):
        raise error

    return broken


async def test_the_connection_stays_and_what_follows_at_once_is_answered_too(door):
    reader, writer = await asyncio.open_connection("127.0.0.1", door.site.port)
    for number in range(3):
        head, raw = request(said(door.room, str(number)))
        writer.write(f"POST {PATH} ".encode() + head + raw)
    for number in range(3):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        body = await reader.readexactly(int(re.search(r"Content-Length: (\d+)", head)[1]))
        assert json.loads(body)["chatMessage"]["content"] == str(number)
    writer.close()


async def test_who_goes_before_his_body_has_come_leaves_nothing(door):
    reader, writer = await asyncio.open_connection("127.0.0.1", door.site.port)
    head, raw = request(said(door.room, "never"))
    writer.write(f"POST {PATH} ".encode() + head + raw[:10])
    await writer.drain()
    house = door.site.server.listener._house
    async with asyncio.timeout(5):
        while not house.owes_answers():
            await asyncio.sleep(0.01)
        writer.close()
        while house._asked:
            await asyncio.sleep(0.01)
    assert await reader.read() == b""
    assert "never" not in str(await FrontEnd(door.site, "bob").history(door.room))


async def test_who_waits_for_his_answer_does_not_keep_the_house_from_leaving(door, monkeypatch):
    asked, answer = asyncio.Semaphore(0), asyncio.Event()

    async def slow(*_args, **_kwargs):
        asked.release()
        await answer.wait()
        raise Denied("too late")

    monkeypatch.setattr(door.site.server.broker, "post", slow)
    waiting = [await asyncio.open_connection("127.0.0.1", door.site.port) for _ in range(2)]
    for _, writer in waiting:
        writer.write(b"POST %b " % PATH.encode() + b"".join(request(said(door.room))))
        await asked.acquire()
    async with asyncio.timeout(2):
        await door.site.server.listener.close()
        for reader, writer in waiting:
            assert await reader.read() == b""
            writer.close()
    answer.set()


async def test_connections_that_wait_too_long_for_a_request_are_closed(door):
    house = door.site.server.listener._house
    before = len(house._idle)
    silent, halfway, after_one = [
        await asyncio.open_connection("127.0.0.1", door.site.port) for _ in range(3)
    ]
    halfway[1].write(b"POST / HTTP/1.1\r\nHost")
    lives = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    after_one[1].write(lives)
    assert (await after_one[0].readuntil(b"}")).startswith(b"HTTP/1.1 200")
    async with asyncio.timeout(5), door.site.open("/ws", "ann") as socket:
        while len(house._idle) < before + 3:
            await asyncio.sleep(0.01)
        house.close_idle(60)
        after_one[1].write(lives)
        assert (await after_one[0].readuntil(b"}")).startswith(b"HTTP/1.1 200")
        while len(house._idle) < before + 3:
            await asyncio.sleep(0.01)
        house.close_idle(0)
        assert [await reader.read() for reader, _ in (silent, halfway, after_one)] == [b""] * 3
        while house._idle:
            await asyncio.sleep(0.01)
        assert "hello" in await socket.recv()  # a socket is none of them
    for _, writer in (silent, halfway, after_one):
        writer.close()


async def test_it_is_logged_as_any_other(monkeypatch, caplog):
    caplog.set_level("INFO", "tornado_chat.access")
    async with running_server(merged(TABLES, {"log": {"level": "info"}})) as site:
        ann = FrontEnd(site, "ann")
        room = await ann.room_with(FrontEnd(site, "bob"))
        await ann.say(room, "one")
        door = Door(site, monkeypatch)
        assert (await door.both(*request(said(room), "X-Forwarded-For: 203.0.113.9"))).fast
    lines = [record.getMessage() for record in caplog.records if "ChatMessage" in record.message]
    fast, ordinary = (re.sub(r"[\d.]+ ms", "ms", line) for line in lines[-2:])
    assert fast == ordinary == f"POST {PATH} 200 ms 203.0.113.9 user=u-ann"
