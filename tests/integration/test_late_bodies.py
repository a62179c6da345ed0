"""A body that comes late: who may no longer do it by then is refused, whatever he was before it."""

import asyncio
import contextlib
import json

import pytest

from support.growerp import FrontEnd
from support.server import key_of, running_server
from tornado_chat.accounts.keys import hash_key
from tornado_chat.web.base import Handler
from tornado_chat.web.fast_path import PlainPost


@pytest.fixture
async def site():
    async with running_server() as running:
        yield running


@pytest.fixture
def begun(site, monkeypatch):
    """A request of which the head and the first byte of the body were read; gives what sends the
    rest, and answers with the status."""
    arrived = asyncio.Event()

    def watch(kind):
        take = kind.data_received

        def data_received(self, chunk):
            arrived.set()
            return take(self, chunk)

        monkeypatch.setattr(kind, "data_received", data_received)

    watch(Handler)
    watch(PlainPost)

    @contextlib.asynccontextmanager
    async def begin(key, method, path, body):
        sent = json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: x\r\napi_key: {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)

        async def finish():
            writer.write(sent[1:])
            return int((await asyncio.wait_for(reader.readline(), 10)).split()[1])

        arrived.clear()
        writer.write(head.encode() + sent[:1])
        await asyncio.wait_for(arrived.wait(), 10)
        try:
            yield finish
        finally:
            writer.close()

    return begin


def said(room):
    message = {"chatRoom": {"chatRoomId": room}, "content": "late"}
    return "POST", "/rest/s1/growerp/100/ChatMessage", {"chatMessage": message}


async def test_a_key_that_ends_before_the_body_is_there(site, begun):
    ann = FrontEnd(site, "ann")
    room = await ann.room_with(FrontEnd(site, "bob"))
    await ann.say(room, "hello")
    asked = [
        said(room),  # which is answered without a handler
        ("PATCH", "/rest/s1/growerp/100/ChatRoom", {"chatRoom": {"chatRoomId": room}}),
        ("POST", "/plugins/chat_rooms/rooms", {"members": ["u-bob"], "name": "late"}),
        ("POST", "/account/password", {"old": "x", "new": "apples-and-pears"}),
    ]
    for late, status in ((False, 200), (True, 401)):
        async with contextlib.AsyncExitStack() as stack:
            key = key_of("ann")
            finish = [await stack.enter_async_context(begun(key, *each)) for each in asked]
            if late:
                await site.server.accounts.revoke_key(hash_key(key))
            found = [await each() for each in finish]
            assert found == ([401] * 4 if late else [status, status, 201, 403])


async def test_an_admin_who_is_none_any_more_before_the_body_is_there(site, begun):
    made = await site.fetch(
        "POST", "/admin/users", {"login_name": "eve", "permissions": ["admin"]}, name="admin"
    )
    path = f"/admin/users/{made.json['user']['user_id']}"
    key = (await site.fetch("POST", f"{path}/keys", {}, name="admin")).json["key"]
    friend = {"login_name": "mallory", "permissions": ["admin"]}
    async with begun(key, "POST", "/admin/users", friend) as finish:
        await site.fetch("PATCH", path, {"permissions": []}, name="admin")
        assert await finish() == 403
    found = await site.fetch("GET", "/admin/users?search=mallory", name="admin")
    assert found.json["users"] == []
