"""The native protocol: bytes to commands, and replies, pushes and signals to bytes; and the
framing of RFC 6455 for what a server sends. Knows no socket.

Frames are made once and shared by all sockets that get them, so they are neither masked (a
server never masks, RFC 6455 5.1) nor compressed (a compressor keeps state per connection).
"""

import functools
import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from tornado_chat.errors import BadRequest, ChatError, TooLarge
from tornado_chat.messages import Message, Topic

TEXT, CLOSE, PING = 0x81, 0x88, 0x89  # with FIN set


def frame(opcode: int, payload: bytes) -> bytes:
    """A whole frame as it goes onto the wire, RFC 6455 5.2."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", opcode, size) + payload
    if size < 65536:
        return struct.pack("!BBH", opcode, 126, size) + payload
    return struct.pack("!BBQ", opcode, 127, size) + payload


def text_frame(payload: bytes) -> bytes:
    """A text frame; `payload` is UTF-8."""
    return frame(TEXT, payload)


def ping_frame(serial: int) -> bytes:
    """A ping whose payload names it, so that the pong tells which one it answers."""
    return frame(PING, b"%d" % serial)


def decode(text: str, depth: int) -> dict[str, Any]:
    """One JSON object out of a text frame or a body.

    Raises BadRequest where it is none, TooLarge where it nests deeper than `depth` (0: no limit).
    """
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"not JSON: {error.msg} at character {error.pos}") from None
    if not isinstance(found, dict):
        raise BadRequest("not a JSON object")
    check_depth(text, found, depth)
    return found


def check_depth(text: str, value: Any, depth: int) -> None:
    """Raises TooLarge where `value`, read from `text`, nests deeper than `depth` (0: no limit)."""
    # An object that deep has at least so many openings: most texts need no walk.
    if not depth or text.count("{") + text.count("[") <= depth:
        return
    level = [value]
    for _ in range(depth):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise TooLarge(f"JSON nests deeper than limits.json_depth = {depth}")


@functools.lru_cache(1024)  # a message's time is in its push and in its reply, and others share it
def iso(at: int) -> str:
    """Milliseconds since 1970 as the wire writes a time: `2026-11-22T10:00:00.123Z`."""
    moment = datetime.fromtimestamp(at / 1000, UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + "Z"


def push_body(message: Message) -> dict[str, Any]:
    """A message as pushes and pages of history show it."""
    return {
        "topic": message.topic.name,
        "epoch": message.epoch,
        "offset": message.offset,
        "id": message.id,
        "sender": message.sender,
        "sender_name": message.sender_name,
        "at": iso(message.at),
        "data": message.data,
    }


def push(message: Message) -> bytes:
    """`{"push":{…}}`"""
    return orjson.dumps({"push": push_body(message)})


def signal(topic: Topic, name: str, sender: str | None, data: Mapping[str, Any]) -> bytes:
    """`{"signal":{"topic","name","sender","data"}}`"""
    body = {"topic": topic.name, "name": name, "sender": sender, "data": data}
    return orjson.dumps({"signal": body})


def ok(command_id: Any, body: Mapping[str, Any]) -> bytes:
    """`{"id":…,"ok":{…}}`"""
    return orjson.dumps({"id": command_id, "ok": body})


def error(command_id: Any, problem: ChatError, *, topic: str | None = None) -> bytes:
    """`{"id":…,"error":{"code","message"}}`; with `topic` where a subscription has ended."""
    about = {} if topic is None else {"topic": topic}
    return orjson.dumps({"id": command_id, **about, "error": problem.body()})


def hello(
    *, user: str, name: str, tenant: str | None, key_ttl: int | None, limits: Mapping[str, Any]
) -> bytes:
    """`{"hello":{…}}`, once, after authentication. `key_ttl`: seconds the key still lives."""
    body = {
        "protocol": 1,
        "user": user,
        "name": name,
        "tenant": tenant,
        "key_ttl": key_ttl,
        "limits": limits,
    }
    return orjson.dumps({"hello": body})


def bye(code: str, reconnect_after_ms: Sequence[int]) -> bytes:
    """`{"bye":{…}}`: the house is leaving; come back at a random moment in that window."""
    return orjson.dumps({"bye": {"code": code, "reconnect_after_ms": list(reconnect_after_ms)}})
