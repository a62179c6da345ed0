"""Topics `room:…`: for their members, and what may be said there."""

from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields

from tornado_chat import Denied, Identity, Message, Topic, TopicProvider

from .here import Here
from .models import KIND
from .rooms import Rooms
from .schemas import SHOWN, room_body


def not_blank(text: str) -> None:
    if not text or text.isspace():
        raise ValidationError("is empty")


class Said(Schema):
    """What a person posts in a room."""

    class Meta:
        unknown = RAISE

    content = fields.String(required=True, validate=not_blank)


class RoomProvider(TopicProvider):
    """Members may do everything in their room, nobody else anything."""

    kind = KIND
    data_schema = Said

    def __init__(self, rooms: Rooms, here: Here) -> None:
        self._rooms = rooms
        self._here = here

    async def authorize(self, identity: Identity, action: str, topic: Topic) -> bool:
        """Also those who have left: the next message brings them back."""
        if identity.user_id in await self.server.members(topic):
            if action == "subscribe":
                self._here.wanted = True
            return True
        raise Denied(f"{action} {topic.name}: not a member")

    def visible(self, identity: Identity, message: Message) -> bool:
        """For its members alone, also where a session's subscription outlived a membership that
        another process has ended."""
        if message.members is None:
            return message.audience.includes(identity)
        return identity.user_id in message.members

    async def receive(
        self, identity: Identity, topic: Topic, data: Mapping[str, Any]
    ) -> dict[str, Any]:
        """As `Said` has it; by hand where nothing is wrong, since every message comes by here."""
        content = data.get("content")
        if len(data) == 1 and isinstance(content, str) and content and not content.isspace():
            return {"content": content}
        return await super().receive(identity, topic, data)

    async def snapshot(self, identity: Identity, topic: Topic) -> dict[str, Any]:
        room = await self._rooms.get(identity, topic.key, shown=SHOWN)
        return {"room": room_body(room), "unread": room.unread}
