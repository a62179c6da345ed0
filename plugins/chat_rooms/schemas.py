"""The shapes of the native routes, in and out."""

from typing import Any

from marshmallow import Schema, fields, validate

from tornado_chat import Message

from .models import NAME_MAX
from .views import MemberView, RoomView

PAGE, PAGE_MAX = 100, 200  # rooms in one answer
SHOWN = 100  # members of a room that is shown with them; the others are asked for page by page
SHOWN_IN_LIST = 10
MEMBERS_MAX = 500  # in one page
CONTENT_SHOWN = 500  # characters of a last message
USER_ID = validate.Length(1, 64)
NAME = validate.Length(max=NAME_MAX)


def ids(**options: Any) -> fields.List:
    return fields.List(fields.String(validate=USER_ID), **options)


class ListRooms(Schema):
    """The query of `GET /rooms`."""

    search = fields.String(load_default="", validate=validate.Length(max=255))
    start = fields.Integer(load_default=0, validate=validate.Range(0, 2**31))
    limit = fields.Integer(load_default=PAGE, validate=validate.Range(1, PAGE_MAX))
    unread = fields.Boolean(load_default=False)
    left = fields.Boolean(load_default=False)


class NewRoom(Schema):
    """The body of `POST /rooms`."""

    name = fields.String(allow_none=True, load_default=None, validate=NAME)
    private = fields.Boolean(load_default=False)
    members = ids(load_default=list)


class RoomChange(Schema):
    """The body of `PATCH /rooms/<id>`: what is not given stays."""

    name = fields.String(allow_none=True, validate=NAME)
    private = fields.Boolean()
    active = fields.Boolean()


class NewMembers(Schema):
    """The body of `POST /rooms/<id>/members`."""

    members = ids(required=True, validate=validate.Length(min=1))


class ListMembers(Schema):
    """The query of `GET /rooms/<id>/members`."""

    start = fields.Integer(load_default=0, validate=validate.Range(0, 2**31))
    limit = fields.Integer(load_default=SHOWN, validate=validate.Range(1, MEMBERS_MAX))


class MemberBody(Schema):
    """A member on the native wire."""

    user_id = fields.String(metadata={"example": "100040"})
    full_name = fields.String(metadata={"example": "Bob Prins"})
    first_name = fields.String()
    last_name = fields.String()
    has_read = fields.Boolean()
    active = fields.Boolean()


class RoomBody(Schema):
    """A room on the native wire."""

    room_id = fields.String(metadata={"example": "100205"})
    topic = fields.Function(
        lambda room: room.topic.name, metadata={"type": "string", "example": "room:100205"}
    )
    name = fields.String(metadata={"example": "Bob Prins"})
    private = fields.Boolean()
    one_to_one = fields.Boolean(attribute="pair")
    has_read = fields.Boolean()
    unread = fields.Integer()
    active = fields.Boolean()
    last_offset = fields.Integer()
    created_by = fields.String(allow_none=True)
    member_count = fields.Integer()
    members = fields.List(fields.Nested(MemberBody))


class LastMessage(Schema):
    """The newest message of a room, as a list shows it."""

    offset = fields.Integer()
    id = fields.String(metadata={"example": "100871"})
    at = fields.String(metadata={"example": "2026-11-22T10:00:00.123Z"})
    sender = fields.String(allow_none=True)
    sender_name = fields.String(allow_none=True)
    content = fields.String()


class ShownRoom(RoomBody):
    """A room as REST shows it."""

    last_message = fields.Nested(LastMessage, allow_none=True)


class OneRoomAnswer(Schema):
    room = fields.Nested(ShownRoom)


class RoomPage(Schema):
    """Newest activity first; `more`: whether there are more."""

    rooms = fields.List(fields.Nested(ShownRoom))
    more = fields.Boolean()


class MemberPage(Schema):
    """By user id; `more`: whether there are more."""

    members = fields.List(fields.Nested(MemberBody))
    more = fields.Boolean()


class HereAnswer(Schema):
    """Members of whom a socket is open, by user id."""

    here = fields.List(fields.String(metadata={"example": "100040"}))


class Nothing(Schema):
    """An empty object."""


def room_body(room: RoomView) -> dict[str, Any]:
    """As `RoomBody` dumps it, twenty times as fast: everybody who subscribes gets one."""
    return {
        "room_id": room.room_id,
        "topic": room.topic.name,
        "name": room.name,
        "private": room.private,
        "one_to_one": room.pair,
        "has_read": room.has_read,
        "unread": room.unread,
        "active": room.active,
        "last_offset": room.last_offset,
        "created_by": room.created_by,
        "member_count": room.member_count,
        "members": [member_body(member) for member in room.members[:SHOWN]],
    }


def shown_room(room: RoomView, last: Message | None) -> dict[str, Any]:
    """The same with its last message."""
    return {**room_body(room), "last_message": None if last is None else last_message(last)}


def last_message(message: Message) -> dict[str, Any]:
    """As much of it as a list has room for. The house may publish what has no text."""
    content = message.data.get("content")
    moment = message.time.replace(tzinfo=None)
    return {
        "offset": message.offset,
        "id": message.id,
        "at": moment.isoformat(timespec="milliseconds") + "Z",
        "sender": message.sender,
        "sender_name": message.sender_name,
        "content": content[:CONTENT_SHOWN] if isinstance(content, str) else "",
    }


def member_body(member: MemberView) -> dict[str, Any]:
    """As `MemberBody` dumps it."""
    return {
        "user_id": member.user_id,
        "full_name": member.full_name,
        "first_name": member.first_name,
        "last_name": member.last_name,
        "has_read": member.has_read,
        "active": member.active,
    }
