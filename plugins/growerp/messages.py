"""The resource ChatMessage: the history of a room, one message, and posting."""

import logging
from collections.abc import Mapping
from typing import Any

from tornado_chat import (
    BadRequest,
    Denied,
    Identity,
    Message,
    NotFound,
    Topic,
    Unavailable,
    describe,
    offset_of,
)

from . import schemas
from .chat import KIND
from .handler import Face, FaceHandler
from .rooms import no_room
from .wire import date_time, room_id_of, text_of, unwrapped

log = logging.getLogger("tornado_chat.growerp")

LIMIT, LIMIT_MAX = 20, 1000
SEARCHED = 1000  # newest messages that a search looks at


class ChatMessage(FaceHandler):
    @describe(
        "Reads a room, or one message",
        query=schemas.MessagesAsked,
        answer=schemas.MessagesAnswer,
    )
    async def get(self) -> None:
        room_id, message_id = self.text("chatRoomId"), self.text("chatMessageId")
        if message_id:
            found = [await self._one(message_id, room_id)]
        elif room_id:
            topic = await self._room(self.face, self.identity, room_id, "history")
            head = await self.server.store.head()
            found = await self._page(topic)
            await self._has_read(room_id, head)
        else:
            raise BadRequest(
                "Either chatRoomId or ChatMessageId is required to get chat message(s)"
            )
        self.answer({"chatMessages": [message_of(message) for message in found]})

    async def _has_read(self, room_id: str, head: int) -> None:
        """Up to what was there before the page was looked up: what came since was not shown, and
        would be left out of a replay. Who cannot be marked as a reader reads all the same."""
        try:
            await self.face.rooms.read(self.identity, room_id, head)
        except Unavailable:
            log.info("room %s: read, but that cannot be written now", room_id)

    async def _page(self, topic: Topic) -> list[Message]:
        """Oldest first: the newest page, unless `start` or `limit` says to count from the oldest."""
        start, limit = self.number("start"), self.number("limit")
        count = min(LIMIT if limit is None else limit, LIMIT_MAX)
        search = (self.text("search") or "").strip().casefold()
        store = self.server.store
        if search:
            newest, _ = await store.page(topic, limit=SEARCHED)
            hits = [each for each in newest if search in content_of(each).casefold()]
            return hits[start or 0 :][:count] if start is not None else hits[-count or len(hits) :]
        if count == 0:
            return []
        if start is None and limit is None:
            messages, _ = await store.page(topic, limit=count)
        else:
            messages, _ = await store.page(topic, after=0, skip=start or 0, limit=count)
        return messages

    async def _one(self, message_id: str, room_id: str | None) -> Message:
        """A message by its id, which one may see; else the answer is as for one that is not there."""
        offset = offset_of(message_id)
        message = await self.server.store.get(offset) if offset is not None else None
        missing = BadRequest(f"Message {message_id[:64]} not found")
        if message is None or message.topic.kind != KIND:
            raise missing
        if message.topic.tenant != self.identity.tenant or room_id not in {
            None,
            "",
            message.topic.key,
        }:
            raise missing
        try:
            await self.server.gate.check(self.identity, "history", message.topic)
        except (Denied, NotFound):
            raise missing from None
        return message

    @describe(
        "Posts a message",
        headers=schemas.Retry,
        body=schemas.MESSAGE,
        answer=schemas.MessageAnswer,
        errors=("conflict",),
    )
    async def post(self) -> None:
        key = self.idempotency_key
        self.answer(await self.accept(self.identity, self.json(), key, face=self.face))

    @classmethod
    async def accept(
        cls, caller: Identity, body: Mapping[str, Any], key: str | None, *, face: Face, **_: Any
    ) -> dict[str, Any]:
        """The same door as a frame on /chat: who sends is the caller, whatever the body says."""
        said = unwrapped(body, "chatMessage")
        room_id, content = room_id_of(said), text_of(said, "content")
        if room_id is None:
            raise BadRequest("chatRoom.chatRoomId is required")
        if content is None:
            raise BadRequest("content is required, and may not be empty")
        topic = await cls._room(face, caller, room_id, "publish")
        pair = (caller.key, "post") if caller.key else None
        posted = await face.server.post(caller, topic, {"content": content}, key=key, pair=pair)
        return {"chatMessage": message_of(posted.message)}

    @staticmethod
    async def _room(face: Face, caller: Identity, room_id: str, action: str) -> Topic:
        """The topic of one of the caller's rooms. A room that is not there, one of another company
        and one that he is not in answer alike."""
        try:
            topic = Topic.parse(caller.tenant, f"{KIND}:{room_id}")
            if action == "publish":
                if caller.user_id not in await face.server.members(topic):
                    raise NotFound
            else:
                await face.server.gate.check(caller, "history", topic)
        except (BadRequest, Denied, NotFound):
            raise no_room(room_id) from None
        return topic


def content_of(message: Message) -> str:
    content = message.data.get("content")
    return content if isinstance(content, str) else ""


def message_of(message: Message) -> dict[str, Any]:
    """A message as it is stored, whatever its sender said of himself."""
    return {
        "chatRoom": {"chatRoomId": message.topic.key},
        "chatMessageId": message.id,
        "fromUserId": message.sender,
        "fromUserFullName": message.sender_name or "",
        "content": content_of(message),
        "creationDate": date_time(message.at),
    }
