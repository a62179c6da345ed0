"""The shapes of what a native client says: one marshmallow schema for each command."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, pre_load, validate, validates_schema

from tornado_chat.messages import TOPIC_NAME_MAX

TOPIC = validate.Length(1, TOPIC_NAME_MAX)
OFFSET = validate.Range(min=0, max=2**63 - 1)
START = "start"  # of all that is kept
HISTORY_LIMIT = 200  # messages in one page


class Command(Schema):
    """What every command carries: `id` comes back in its reply, `do` names it."""

    id = fields.Raw(required=True, metadata={"type": ["integer", "string"], "maxLength": 64})
    do = fields.String(required=True)

    @pre_load
    def check_id(self, data: Any, **_: Any) -> Any:
        """An id is a number or a short text, and comes back as it came."""
        if isinstance(data, dict) and "id" in data and not is_id(data["id"]):
            raise ValidationError("not a whole number or a text of at most 64 characters", "id")
        return data


def is_id(value: Any) -> bool:
    """Whether a reply may carry it."""
    if isinstance(value, str):
        return len(value) <= 64
    return isinstance(value, int) and not isinstance(value, bool)


def id_of(frame: dict[str, Any]) -> Any:
    """The id under which a frame is answered, None where it has none that a reply may carry."""
    return frame.get("id") if is_id(frame.get("id")) else None


class Auth(Command):
    key = fields.String(required=True, validate=validate.Length(1, 1024))


class Since(fields.Field[Any]):
    """Where a subscriber was: an epoch and an offset, or "start"."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Any:
        del attr, data
        if value == START:
            return START
        if isinstance(value, dict) and value.keys() == {"epoch", "offset"}:
            epoch, offset = value["epoch"], value["offset"]
            whole = isinstance(offset, int) and not isinstance(offset, bool)
            if isinstance(epoch, str) and whole and 0 <= offset < 2**63:
                return epoch, offset
        raise ValidationError('not {"epoch": text, "offset": whole number} and not "start"')


SINCE = {  # as a JSON schema
    "anyOf": [
        {"const": START},
        {
            "type": "object",
            "properties": {
                "epoch": {"type": "string"},
                "offset": {"type": "integer", "minimum": 0},
            },
            "required": ["epoch", "offset"],
            "additionalProperties": False,
        },
        {"type": "null"},
    ]
}


class Subscribe(Command):
    topic = fields.String(validate=TOPIC)
    topics = fields.List(fields.String(validate=TOPIC), validate=validate.Length(1, 100))
    since = Since(load_default=None, metadata=SINCE)

    @validates_schema
    def one_of_both(self, data: Any, **_: Any) -> None:
        """One name, or a list of names."""
        if ("topic" in data) == ("topics" in data):
            raise ValidationError("give either a topic or topics", "topic")


class Unsubscribe(Command):
    topic = fields.String(required=True, validate=TOPIC)


class Publish(Command):
    topic = fields.String(required=True, validate=TOPIC)
    data = fields.Dict(keys=fields.String(), required=True)
    key = fields.String(validate=validate.Length(1, 128))


class History(Command):
    topic = fields.String(required=True, validate=TOPIC)
    before = fields.Integer(strict=True, validate=OFFSET)
    after = fields.Integer(strict=True, validate=OFFSET)
    limit = fields.Integer(
        strict=True, load_default=50, validate=validate.Range(min=1, max=HISTORY_LIMIT)
    )

    @validates_schema
    def one_direction(self, data: Any, **_: Any) -> None:
        """Backwards or forwards, not both."""
        if "before" in data and "after" in data:
            raise ValidationError("give either before or after", "before")


class Seen(Command):
    topic = fields.String(required=True, validate=TOPIC)
    offset = fields.Integer(strict=True, required=True, validate=OFFSET)


class SendSignal(Command):
    topic = fields.String(required=True, validate=TOPIC)
    name = fields.String(required=True, validate=validate.Length(1, 64))
    data = fields.Dict(keys=fields.String(), load_default=dict)


class Ping(Command):
    """Asks for a sign of life."""


# Fast ways: marshmallow spends 25 µs on a frame, which is more than all the rest of its way in. Each
# of these says yes to nothing that its schema refuses or changes (a test holds them against one
# another); about what it does not know it says no, and the schema has the word.


def is_plain_publish(frame: dict[str, Any]) -> bool:
    """Whether `Publish` would load this frame, read from JSON, as it is."""
    key = frame.get("key")
    return (
        len(frame) == (4 if key is None else 5)
        and (key is None or (isinstance(key, str) and 0 < len(key) <= 128))
        and type(frame.get("data")) is dict
        and _names_topic(frame)
    )


def is_plain_signal(frame: dict[str, Any]) -> bool:
    """The same for `SendSignal`."""
    name = frame.get("name")
    return (
        len(frame) == 5
        and isinstance(name, str)
        and 0 < len(name) <= 64
        and type(frame.get("data")) is dict
        and _names_topic(frame)
    )


def is_plain_seen(frame: dict[str, Any]) -> bool:
    """The same for `Seen`."""
    offset = frame.get("offset")
    return len(frame) == 4 and type(offset) is int and 0 <= offset < 2**63 and _names_topic(frame)


def is_plain_ping(frame: dict[str, Any]) -> bool:
    """The same for `Ping`."""
    return len(frame) == 2 and is_id(frame.get("id"))


def _names_topic(frame: dict[str, Any]) -> bool:
    """An id and a topic; that there is a `do` is how its schema was found."""
    topic = frame.get("topic")
    return isinstance(topic, str) and 0 < len(topic) <= TOPIC_NAME_MAX and is_id(frame.get("id"))
