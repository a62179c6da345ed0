"""Every error code at the three doors, of a real server: a native frame, the house's REST, GrowERP's."""

import json

import pytest

from support.boards import Board, plugin, plugin_of
from support.growerp import FrontEnd
from support.server import running_server
from tornado_chat import Unavailable, hookimpl

ROOMS = "/plugins/chat_rooms/rooms"
NOTIFICATIONS = "/plugins/notifications/notifications"
TABLES = {
    "plugins": {"disabled": ["order_list"]},
    "limits": {"frame_bytes": 2000, "subscriptions_per_socket": 1},
}


class Doors:
    """A room of ann and bob, and ann in front of each door."""

    def __init__(self, site, native, room):
        self.site = site
        self.native = native
        self.room = room
        self.topic = f"room:{room}"

    async def said_native(self, code, do, **arguments):
        """The command is refused with this code, and the socket stays."""
        assert await self.native.refused(do, **arguments) == code
        assert await self.native.ok("ping") == {}

    async def said_by_rest(self, status, code, method, path, body=None, *, name="ann", **more):
        answer = await self.site.fetch(method, path, body, name=name, **more)
        assert (answer.code, answer.json["error"]["code"]) == (status, code)
        assert set(answer.json["error"]) == {"code", "message"}
        return answer

    async def said_by_growerp(self, status, method, resource, body=None, *, name="ann", **more):
        answer = await FrontEnd(self.site, name).ask(method, resource, body, **more)
        assert (answer.code, answer.json["errorCode"]) == (status, status)
        assert set(answer.json) == {"errorCode", "errors"}
        return answer

    def message(self, content="Lunch?"):
        """The body of POST ChatMessage."""
        return {"chatMessage": {"chatRoom": {"chatRoomId": self.room}, "content": content}}


@pytest.fixture
async def doors():
    async with running_server(TABLES) as site, site.connect("ann") as native:
        room = await FrontEnd(site, "ann").room_with(FrontEnd(site, "bob"))
        yield Doors(site, native, room)


async def test_code_bad_request(doors):
    await doors.said_native("bad_request", "publish", topic=doors.topic, data={"contents": "x"})
    await doors.said_by_rest(400, "bad_request", "POST", ROOMS, {"nam": "Lunch"})
    await doors.said_by_rest(405, "bad_request", "PUT", ROOMS, {})
    await doors.said_by_growerp(400, "POST", "ChatMessage", doors.message(content=""))


async def test_code_unauthorized(doors):
    async with doors.site.open("/ws") as socket:
        await socket.send(json.dumps({"id": 1, "do": "auth", "key": "wrong"}))
        assert json.loads(await socket.recv())["error"]["code"] == "unauthorized"
    wrong = {"headers": {"api_key": "wrong"}}
    answer = await doors.said_by_rest(401, "unauthorized", "GET", ROOMS, **wrong)
    assert "WWW-Authenticate" not in answer.headers
    answer = await doors.said_by_growerp(401, "GET", "ChatRoom", **wrong)
    assert answer.json["errors"] == "Login key not valid"


async def test_code_denied(doors):
    await doors.said_native("denied", "subscribe", topic="room:999")
    body = {"topic": "OrderUpdate", "message": {}}
    await doors.said_by_rest(403, "denied", "POST", NOTIFICATIONS, body)
    await doors.said_by_growerp(403, "POST", "Notification", {"notification": body})
    await doors.said_by_rest(403, "denied", "GET", f"{ROOMS}?userId=u-bob")
    assert (await doors.site.fetch("GET", "/ws?userId=u-bob", name="ann")).code != 101


async def test_code_not_found(doors):
    await doors.said_native("not_found", "subscribe", topic="cellar:1")
    await doors.said_by_rest(404, "not_found", "GET", f"{ROOMS}/999")
    await doors.said_by_rest(404, "not_found", "GET", f"{ROOMS}/{doors.room}", name="carl")
    await doors.said_by_growerp(404, "GET", "Nope")
    await doors.said_by_growerp(400, "GET", "ChatMessage", name="carl", chatRoomId=doors.room)


async def test_code_too_large(doors):
    data = {"content": "x" * 2000}
    await doors.said_native("too_large", "publish", topic=doors.topic, data=data)
    deep = {"name": 1}
    for _ in range(40):
        deep = {"name": deep}
    await doors.said_by_rest(413, "too_large", "POST", ROOMS, deep)
    await doors.said_by_growerp(413, "POST", "ChatMessage", doors.message(**data))


async def test_code_rate_limited():
    limits = {"subscriptions_per_socket": 1, "auth_attempts_per_minute": 1}
    async with running_server({**TABLES, "limits": limits}) as site, site.connect("ann") as native:
        doors = Doors(site, native, "")
        await native.ok("subscribe", topic="OrderUpdate")
        await doors.said_native("rate_limited", "subscribe", topic="Another")
        assert (await site.fetch("GET", ROOMS, headers={"api_key": "guess"})).code == 401
        wrong = {"headers": {"api_key": "another"}}
        for answer in (
            await doors.said_by_rest(429, "rate_limited", "GET", ROOMS, **wrong),
            await doors.said_by_growerp(429, "GET", "ChatRoom", **wrong),
        ):
            assert int(answer.headers["Retry-After"]) > 0


async def test_code_conflict(doors):
    retry = {"topic": doors.topic, "key": "7f3a"}
    await doors.native.ok("publish", **retry, data={"content": "Lunch?"})
    await doors.said_native("conflict", "publish", **retry, data={"content": "Dinner?"})
    key = {"headers": {"Idempotency-Key": "9c"}, "name": "admin"}
    body = {"topic": "OrderUpdate", "message": {"n": 1}}
    assert (await doors.site.fetch("POST", NOTIFICATIONS, body, **key)).code == 200
    other = {**body, "message": {"n": 2}}
    await doors.said_by_rest(409, "conflict", "POST", NOTIFICATIONS, other, **key)
    key = {"headers": {"Idempotency-Key": "9d"}}
    await FrontEnd(doors.site, "ann").post("ChatMessage", doors.message(), **key)
    await doors.said_by_growerp(409, "POST", "ChatMessage", doors.message("Dinner?"), **key)


@hookimpl
def filter_message(message):
    raise Unavailable("the checks are at lunch")


async def test_code_unavailable(logs):
    logs.expect(" 503 ")
    away = plugin("away", filter_message=filter_message)
    async with running_server(TABLES, [away]) as site, site.connect("ann") as native:
        room = await FrontEnd(site, "ann").room_with(FrontEnd(site, "bob"))
        doors = Doors(site, native, room)
        data = {"content": "Lunch?"}
        await doors.said_native("unavailable", "publish", topic=doors.topic, data=data)
        body = {"topic": "OrderUpdate", "message": {"n": 1}}
        for answer in (
            await doors.said_by_rest(503, "unavailable", "POST", NOTIFICATIONS, body, name="admin"),
            await doors.said_by_growerp(503, "POST", "ChatMessage", doors.message()),
        ):
            assert int(answer.headers["Retry-After"]) > 0


class Broken(Board):
    async def receive(self, identity, topic, data):
        raise RuntimeError("a secret")


async def test_code_internal(monkeypatch, logs):
    """A fault of ours or of a plugin stands in the log, and its text in no answer."""
    logs.expect("failed")
    logs.expect(" 500 ")

    def broken(*_args, **_more):
        raise RuntimeError("a secret")

    async with (
        running_server(TABLES, [plugin_of(Broken())]) as site,
        site.connect("ann") as native,
    ):
        doors = Doors(site, native, "")
        reply = await native.do("publish", topic="board:1", data={})
        assert reply["error"]["code"] == "internal"
        assert "secret" not in json.dumps(reply)
        monkeypatch.setattr(site.server.service("chat_rooms"), "list", broken)
        for answer in (
            await doors.said_by_rest(500, "internal", "GET", ROOMS),
            await doors.said_by_growerp(500, "GET", "ChatRoom"),
        ):
            assert b"secret" not in answer.body
            assert b"Traceback" not in answer.body
