"""The socket `/chat`: messages of rooms, in the frames that GrowERP's front-ends know.

A front-end decodes every frame without a guard, so there is nothing on it but messages: no answer, no
error, no sign of life (growerp-contract sections 1 and 8).
"""

import json
import logging
from asyncio import Future
from typing import Any

from tornado_chat import (
    BadRequest,
    ChatError,
    Frames,
    Message,
    Posted,
    Session,
    TooLarge,
    Topic,
)

from .dialect import FaceDialect
from .schemas import MESSAGE, ChatFrame
from .wire import encoded, room_id_of, unwrapped

log = logging.getLogger("tornado_chat.growerp")

KIND = "room"


class ChatDialect(FaceDialect):
    """Older front-ends send each message here and by REST; the two are paired by api key, room and
    text."""

    path = "/chat"

    async def receive(self, session: Session, text: str) -> None:
        self.check_size(text)
        room_id, content = read_message(text)
        identity = session.identity
        topic = Topic.parse(identity.tenant, f"{KIND}:{room_id}")
        pair = (identity.key, "frame") if identity.key else None
        post = await self.server.admit(identity, topic, {"content": content}, pair=pair)
        session.await_commit(post, lambda done: self._committed(session, done))

    def _committed(self, session: Session, done: "Future[Posted]") -> None:
        problem = done.exception()
        if isinstance(problem, ChatError):
            self.refuse(session, problem)
        elif problem is not None:
            log.error("session %d: a frame failed", session.id, exc_info=problem)

    def encode(self, message: Message) -> bytes | None:
        content = message.data.get("content")
        if message.topic.kind != KIND or not isinstance(content, str):
            return None
        return encoded(frame_of(message, content))

    def wants(self, session: Session, message: Message) -> bool:
        """Not to its sender, on none of his devices: a front-end shows its own by itself."""
        return message.topic.kind == KIND and message.sender != session.identity.user_id

    def frames(self) -> Frames:
        return Frames(
            "Messages of rooms. Nothing is ever answered.",
            takes={"post": MESSAGE},
            sends={"message": ChatFrame},
        )


def frame_of(message: Message, content: str) -> dict[str, Any]:
    """A message as it is pushed: never a null `chatRoom`. Of the house the sender is null, which
    is nobody's own message, and the name a text."""
    return {
        "chatRoom": {"chatRoomId": message.topic.key},
        "fromUserId": message.sender,
        "fromUserFullName": message.sender_name or "",
        "content": content,
        "chatMessageId": message.id,
    }


def read_message(text: str) -> tuple[str, str]:
    """Room and text of a frame, bare or wrapped in `chatMessage`. Who sent it and when, and under
    what id, is ours to say. Raises BadRequest without a word of the text."""
    try:
        frame = json.loads(text)
        if not isinstance(frame, dict):
            raise BadRequest("not a JSON object")
        message = unwrapped(frame, "chatMessage")
        room_id, content = room_id_of(message), message.get("content")
        if room_id is None or not isinstance(content, str):
            raise BadRequest("no chatRoom.chatRoomId or no content")
        content.encode()
    except RecursionError:
        raise TooLarge("nests too deep") from None
    except UnicodeEncodeError:
        raise BadRequest("half a character") from None
    except ValueError:
        raise BadRequest("not JSON") from None
    return room_id, content
