"""`/asyncapi.json`: the sockets of a server, as their dialects describe them (AsyncAPI 3.0)."""

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from tornado_chat.web.api import JSON, Frames, Shape
from tornado_chat.web.api.shapes import Shapes
from tornado_chat.web.dialect import Dialect

ABOUT = """\
The WebSockets of a running tornado_chat, with the plugins that it has. All frames are text frames. A credential is shown
when a socket is opened, as on REST: see `/openapi.json`. Keys may be added to what is sent in later versions, so pass
over what you do not know.
"""
SECURITY: dict[str, dict[str, Any]] = {
    "header": {"type": "httpApiKey", "in": "header", "name": "api_key"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "basic"},
    "query": {"type": "httpApiKey", "in": "query", "name": "api_key"},
}
TEXT = "text/plain"


def document(dialects: Iterable[Dialect]) -> dict[str, Any]:
    """The whole of it. A dialect that says nothing of its frames is a channel without messages."""
    writer = Writer()
    for dialect in dialects:
        writer.add(dialect.path, dialect.frames() or Frames(type(dialect).__doc__ or "", {}, {}))
    return writer.document()


class Writer:
    """`takes` is what the server receives, `sends` what it sends."""

    def __init__(self) -> None:
        self._shapes = Shapes(title="", version="")
        self._channels: dict[str, Any] = {}
        self._operations: dict[str, Any] = {}

    def add(self, path: str, frames: Frames) -> None:
        """The sockets of one path."""
        name = re.sub(r"\W+", "_", path.strip("/")) or "root"
        taken = {each: self._taken(each, shape, frames) for each, shape in frames.takes.items()}
        sent = {
            each if each not in taken else f"{each}Sent": message(each, self._shapes.sent(shape))
            for each, shape in frames.sends.items()
        }
        self._channels[name] = {
            "address": path,
            "description": frames.summary,
            "messages": taken | sent,
            "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
        }
        for each in taken:
            replies = frames.replies.get(each, ())
            self._operations[f"{name}.{each}"] = {
                **operation("receive", name, [each]),
                **({"reply": reply(name, replies)} if replies else {}),
            }
        answers = {each for replies in frames.replies.values() for each in replies}
        if unasked := [each for each in sent if each not in answers or each in {"hello", "error"}]:
            self._operations[f"{name}.sent"] = operation("send", name, unasked)

    def _taken(self, name: str, shape: Shape, frames: Frames) -> dict[str, Any]:
        payload = self._shapes.taken(shape)
        if frames.named_in:
            said = {"properties": {frames.named_in: {"const": name}}}
            payload = {"allOf": [payload, said]}
        return message(name, payload)

    def document(self) -> dict[str, Any]:
        """All that was added."""
        schemas = self._shapes.spec.to_dict()["components"].get("schemas", {})
        return {
            "asyncapi": "3.0.0",
            "info": {
                "title": "tornado_chat",
                "version": version("tornado_chat"),
                "description": ABOUT,
                "license": {"name": "Apache-2.0"},
            },
            "defaultContentType": JSON,
            "servers": {
                "here": {
                    "host": "{host}",
                    "protocol": "ws",
                    "variables": {"host": {"default": "127.0.0.1:8080"}},
                    "security": [ref("components", "securitySchemes", name) for name in SECURITY],
                }
            },
            "channels": self._channels,
            "operations": self._operations,
            "components": {"schemas": schemas, "securitySchemes": SECURITY},
        }


def message(name: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """A frame; one whose payload is a text is no JSON."""
    plain = {"contentType": TEXT} if payload.get("type") == "string" else {}
    return {"name": name, **plain, "payload": payload}


def operation(action: str, channel: str, names: Iterable[str]) -> dict[str, Any]:
    return {"action": action, **reply(channel, names)}


def reply(channel: str, names: Iterable[str]) -> dict[str, Any]:
    """The messages of a channel that may come."""
    messages = [ref("channels", channel, "messages", name) for name in names]
    return {"channel": ref("channels", channel), "messages": messages}


def ref(*steps: str) -> dict[str, str]:
    return {"$ref": "#/" + "/".join(steps)}
