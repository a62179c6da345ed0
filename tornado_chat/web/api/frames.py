"""The frames of `/ws`: what a client says is in `tornado_chat.schemas`, what it hears is here."""

from marshmallow import Schema, fields

from tornado_chat.commands import TABLE
from tornado_chat.errors import ALL
from tornado_chat.web.api import Frames

ID = {"type": ["integer", "string"], "maxLength": 64}
EXAMPLE = {"topic": "room:100205", "epoch": "5d0c8e1f", "at": "2026-11-23T10:00:00.123Z"}


def text(name: str, *, none: bool = False, optional: bool = False) -> fields.String:
    example = {"example": EXAMPLE[name]} if name in EXAMPLE else {}
    return fields.String(allow_none=none, metadata={"optional": optional, **example})


class Limits(Schema):
    """Of this socket; 0 is none."""

    frame_bytes = fields.Integer()
    frames_per_second = fields.Integer()
    subscriptions_per_socket = fields.Integer()


class HelloBody(Schema):
    """`key_ttl`: seconds the key still lives, null for always. `tenant`: null for no company."""

    protocol = fields.Integer(metadata={"enum": [1]})
    user = fields.String(metadata={"example": "100021"})
    name = fields.String(metadata={"example": "Ann Maas"})
    tenant = fields.String(allow_none=True, metadata={"example": "SHOP"})
    key_ttl = fields.Integer(allow_none=True)
    limits = fields.Nested(Limits)


class Hello(Schema):
    """Once, when it is known who is there."""

    hello = fields.Nested(HelloBody)


class PushBody(Schema):
    """A message. `sender` is null for the house; `data` is the topic's."""

    topic = text("topic")
    epoch = text("epoch")
    offset = fields.Integer(metadata={"example": 42})
    id = fields.String(metadata={"example": "100042"})
    sender = fields.String(allow_none=True, metadata={"example": "100021"})
    sender_name = fields.String(allow_none=True, metadata={"example": "Ann Maas"})
    at = text("at")
    data = fields.Dict(keys=fields.String(), metadata={"example": {"content": "Lunch?"}})


class Push(Schema):
    """A message of a topic that was subscribed."""

    push = fields.Nested(PushBody)


class SignalBody(Schema):
    """Typing and the like; neither numbered nor kept."""

    topic = text("topic")
    name = fields.String(metadata={"example": "typing"})
    sender = fields.String(allow_none=True, metadata={"example": "100021"})
    data = fields.Dict(keys=fields.String())


class SignalFrame(Schema):
    """A signal on a topic that was subscribed."""

    signal = fields.Nested(SignalBody)


class Fault(Schema):
    """What is wrong. `message` is for people."""

    code = fields.String(metadata={"enum": [problem.code for problem in ALL]})
    message = fields.String(metadata={"example": "topic cellar:1: not there"})


class Failed(Schema):
    """In place of a reply; without an `id` for a frame that could not be read, and with a `topic` where
    the house has ended a subscription."""

    id = fields.Raw(metadata={"type": ["integer", "string", "null"]})
    topic = text("topic", optional=True)
    error = fields.Nested(Fault)


class ByeBody(Schema):
    code = fields.String(metadata={"enum": ["restart"]})
    reconnect_after_ms = fields.List(
        fields.Integer(), metadata={"minItems": 2, "maxItems": 2, "example": [200, 4000]}
    )


class Bye(Schema):
    """The server leaves: come back after a random time in that window."""

    bye = fields.Nested(ByeBody)


class Reply(Schema):
    """What every reply has: the `id` of its command."""

    id = fields.Raw(metadata=ID)


class Joined(Schema):
    """Where the subscriber is in the log, and the state of the topic, whatever that is."""

    topic = text("topic")
    epoch = text("epoch")
    offset = fields.Integer(metadata={"example": 44})
    complete = fields.Boolean()
    state = fields.Raw(allow_none=True)


class JoinedOrNot(Schema):
    """One of a list: as if it were alone, or the error that kept it from being joined."""

    topic = text("topic")
    epoch = text("epoch", optional=True)
    offset = fields.Integer(metadata={"optional": True})
    complete = fields.Boolean(metadata={"optional": True})
    state = fields.Raw(allow_none=True, metadata={"optional": True})
    error = fields.Nested(Fault, metadata={"optional": True})


class JoinedList(Schema):
    topics = fields.List(fields.Nested(JoinedOrNot))


class Named(Schema):
    topic = text("topic")


class Position(Schema):
    """Where the message is; nulls on a topic that keeps no history."""

    topic = text("topic")
    epoch = text("epoch", none=True)
    offset = fields.Integer(allow_none=True, metadata={"example": 45})
    id = fields.String(allow_none=True, metadata={"example": "100045"})
    at = text("at", none=True)
    duplicate = fields.Boolean()


class Page(Schema):
    messages = fields.List(fields.Nested(PushBody))
    more = fields.Boolean()


class ReadUpTo(Schema):
    topic = text("topic")
    offset = fields.Integer()
    unread = fields.Integer()


class Nothing(Schema):
    """An empty object."""


class Subscribed(Reply):
    """Comes before what was missed."""

    ok = fields.Nested(Joined)


class SubscribedList(Reply):
    """Of a list of topics each says how it went."""

    ok = fields.Nested(JoinedList)


class Unsubscribed(Reply):
    """It is left; what was on its way is dropped."""

    ok = fields.Nested(Named)


class Published(Reply):
    """Comes after the commit."""

    ok = fields.Nested(Position)


class HistoryPage(Reply):
    """Oldest first; `more`: whether there is more in that direction."""

    ok = fields.Nested(Page)


class SeenReply(Reply):
    """Up to where it is read now, and how many of others came after that."""

    ok = fields.Nested(ReadUpTo)


class Signalled(Reply):
    """It is on its way."""

    ok = fields.Nested(Named)


class Pong(Reply):
    """A sign of life."""

    ok = fields.Nested(Nothing)


REPLIES: dict[str, dict[str, type[Schema]]] = {
    "auth": {"hello": Hello},
    "subscribe": {"subscribed": Subscribed, "subscribedList": SubscribedList},
    "unsubscribe": {"unsubscribed": Unsubscribed},
    "publish": {"published": Published},
    "history": {"historyPage": HistoryPage},
    "seen": {"seenUpTo": SeenReply},
    "signal": {"signalled": Signalled},
    "ping": {"pong": Pong},
}


def frames() -> Frames:
    """All of them."""
    answers = {name: shape for shapes in REPLIES.values() for name, shape in shapes.items()}
    return Frames(
        "For our clients and new front-ends. Each frame is one JSON object.",
        takes={word: command.schema for word, command in TABLE.items()},
        sends={
            "hello": Hello,
            "push": Push,
            "signalFrame": SignalFrame,
            "bye": Bye,
            "error": Failed,
            **answers,
        },
        replies={word: (*shapes, "error") for word, shapes in REPLIES.items()},
        named_in="do",
    )
