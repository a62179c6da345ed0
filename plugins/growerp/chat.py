"""The socket `/chat`: messages of rooms, in the frames that GrowERP's front-ends know.

A front-end decodes every frame without a guard, so there is nothing on it but messages: no answer, no
error, no sign of life (growerp-contract sections 1 and 8).
"""

import json
import logging
from typing import Any

from tornado_chat import BadRequest, ChatError, Dialect, Message, Server, Session, TooLarge, Topic

from .wire import encoded, room_id_of, unwrapped

log = logging.getLogger("tornado_chat.growerp")

KIND = "room"
# Ours -> what a foreign wire knows (RFC 6455 7.4.1): 1008 policy violation, 1013 try again later.
CLOSE_CODES = {4001: 1008, 4002: 1008, 4008: 1013, 4009: 1008}


class ChatDialect(Dialect):
    """Older front-ends send each message here and by REST; the two are paired by api key, room and
    text. Whatever is wrong with a frame, its sender hears nothing."""

    path = "/chat"
    addressed = True
    close_codes = CLOSE_CODES

    def __init__(self, server: Server) -> None:
        self._server = server
        self.settle_seconds = server.config.delivery.settle_seconds

    async def receive(self, session: Session, text: str) -> None:
        check_size(text, self._server.config.limits.frame_bytes)
        room_id, content = read_message(text)
        identity = session.identity
        topic = Topic.parse(identity.tenant, f"{KIND}:{room_id}")
        pair = (identity.key, "frame") if identity.key else None
        await self._server.post(identity, topic, {"content": content}, pair=pair)

    def refuse(self, session: Session, problem: ChatError) -> None:
        said(session, self.path, problem)

    def encode(self, message: Message) -> bytes | None:
        content = message.data.get("content")
        if message.topic.kind != KIND or not isinstance(content, str):
            return None
        return encoded(frame_of(message, content))

    def wants(self, session: Session, message: Message) -> bool:
        """Not to its sender, on none of his devices: a front-end shows its own by itself."""
        return message.topic.kind == KIND and message.sender != session.identity.user_id


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


def check_size(text: str, limit: int) -> None:
    """Raises TooLarge."""
    if limit and (len(text) > limit or len(text.encode()) > limit):
        raise TooLarge("larger than limits.frame_bytes")


def said(session: Session, path: str, problem: ChatError) -> None:
    """A line for the administrator; the sender has no ear for it."""
    who = session.identity.user_id
    log.info("session %d: a frame of %s on %s was dropped: %s", session.id, who, path, problem.code)
