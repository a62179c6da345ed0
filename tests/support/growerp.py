"""A front-end of GrowERP against a running server: everything it is sent passes its parse rules.

ann = FrontEnd(site, "ann")
rooms = await ann.get("ChatRoom", search="")
async with ann.chat() as chat:
    frame = await chat.next()
"""

import asyncio
import contextlib
import json
from urllib.parse import urlencode

from support.growerp_models import check_answer, check_chat_frame, check_notification_frame
from support.server import key_of

BASE = "/rest/s1/growerp/100/"


class FrontEnd:
    """`name`: of the user, None for nobody yet. `key`: another one than the configured."""

    def __init__(self, site, name=None, *, key=None):
        self.site = site
        self.name = name
        self.key = key or (key_of(name) if name else None)
        self.user_id = f"u-{name}"

    async def ask(self, method, resource, body=None, *, headers=None, form=None, raw=None, **query):
        """Any answer, checked."""
        headers = dict(headers or {})
        if self.key and not {"api_key", "Authorization"} & set(headers):
            headers["api_key"] = self.key
        path = BASE + resource + (f"?{urlencode(query)}" if query else "")
        answer = await self.site.fetch(method, path, body, headers=headers, form=form, raw=raw)
        check_answer(method, resource, answer)
        return answer

    async def good(self, method, resource, body=None, **more):
        answer = await self.ask(method, resource, body, **more)
        assert answer.code == 200, (answer.code, answer.body)
        return answer.json

    async def bad(self, status, method, resource, body=None, **more):
        """The text of the error that must come."""
        answer = await self.ask(method, resource, body, **more)
        assert answer.code == status, (answer.code, answer.body)
        return answer.json["errors"]

    async def get(self, resource, **query):
        return await self.good("GET", resource, **query)

    async def post(self, resource, body=None, **more):
        return await self.good("POST", resource, body or {}, **more)

    async def login(self, password, **fields):
        """A form, as the front-end sends it; this front-end then has the new key."""
        form = {"username": fields.pop("username", f"{self.name}@shop.example"), **fields}
        stranger = FrontEnd(self.site)
        answer = await stranger.good(
            "POST", "Login", form={"applicationId": "AppAdmin", "password": password, **form}
        )
        self.key = answer["authenticate"]["apiKey"]
        return answer["authenticate"]

    # Rooms

    async def room_with(self, *others, name=None, private=True):
        """The id of a room with these front-ends."""
        members = [{"user": {"userId": who.user_id}, "isActive": True} for who in (*others, self)]
        body = {"chatRoomId": "", "chatRoomName": name, "isPrivate": private, "members": members}
        answer = await self.post("ChatRoom", {"chatRoom": body})
        return answer["chatRoom"]["chatRoomId"]

    async def say(self, room_id, content, **more):
        body = {"chatRoom": {"chatRoomId": room_id}, "content": content}
        answer = await self.post("ChatMessage", {"chatMessage": body}, **more)
        return answer["chatMessage"]

    async def history(self, room_id, **query):
        answer = await self.get("ChatMessage", chatRoomId=room_id, **query)
        return [message["content"] for message in answer["chatMessages"]]

    async def rooms(self, **query):
        return (await self.get("ChatRoom", **query))["chatRooms"]

    async def room(self, room_id):
        """One of the list, None where it is not in it."""
        found = [room for room in await self.rooms() if room["chatRoomId"] == room_id]
        return found[0] if found else None

    # Sockets

    @contextlib.asynccontextmanager
    async def chat(self, **query):
        async with self._socket("/chat", check_chat_frame, query) as socket:
            yield socket

    @contextlib.asynccontextmanager
    async def notws(self, subscribe=None, **query):
        """`subscribe`: sent at once, "ALL" is what the front-end says."""
        async with self._socket("/notws", check_notification_frame, query) as socket:
            if subscribe is not None:
                await socket.send(f"subscribe: {subscribe}", described="subscribe")
            yield socket

    @contextlib.asynccontextmanager
    async def _socket(self, path, check, query):
        address = {"api_key": self.key, "userId": self.user_id, **query}
        async with self.site.open(path, query=urlencode(address)) as socket:
            yield FrontEndSocket(socket, check)


class FrontEndSocket:
    """What comes is decoded as the front-end does it."""

    def __init__(self, socket, check):
        self.socket = socket
        self._check = check

    async def send(self, frame, described=None):
        """`described`: as what, in `/asyncapi.json`; without it anything may be sent."""
        if described is not None:
            self.socket.channel.check_taken(frame, described)
        await self.socket.send(frame if isinstance(frame, str) else json.dumps(frame))

    async def say(self, room_id, content, **more):
        """As older front-ends send a message."""
        await self.send(chat_message(room_id, content, **more), described="post")

    async def next(self, seconds=5.0):
        return self._check(await asyncio.wait_for(self.socket.recv(), seconds))

    async def contents(self, count):
        """The texts of the next messages of a chat."""
        return [(await self.next())["content"] for _ in range(count)]

    async def quiet(self, seconds=0.25):
        """Nothing comes for a while."""
        with contextlib.suppress(TimeoutError):
            frame = await asyncio.wait_for(self.socket.recv(), seconds)
            raise AssertionError(frame)

    async def closed(self, seconds=5.0):
        """The code with which the server closes it."""
        await asyncio.wait_for(self.socket.wait_closed(), seconds)
        return self.socket.close_code


def chat_message(room_id, content, **more):
    """`ChatMessage.toJson()` of an older front-end, nulls included."""
    return {
        "chatRoom": {
            "chatRoomId": room_id,
            "chatRoomName": None,
            "lastMessage": None,
            "isPrivate": True,
            "hasRead": True,
            "visitorUserId": None,
            "members": [],
        },
        "fromUserId": None,
        "fromUserFullName": None,
        "chatMessageId": None,
        "content": content,
        "creationDate": None,
        **more,
    }


async def notify(site, topic, message, tenant="SHOP", **more):
    """A notification of the house."""
    notifications = site.server.service("notifications")
    return await notifications.send(tenant, topic, message, **more)


async def until(found, seconds=5.0):
    """Waits until `found()` is true."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not found():
        assert asyncio.get_running_loop().time() < deadline, "waited in vain"
        await asyncio.sleep(0.01)
