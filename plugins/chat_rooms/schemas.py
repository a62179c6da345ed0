"""The shapes of the native routes, in and out."""

from typing import Any

from marshmallow import Schema, fields, validate

from .models import NAME_MAX
from .views import RoomView

PAGE, PAGE_MAX = 100, 500  # rooms in one answer
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


class MemberBody(Schema):
    user_id = fields.String()
    full_name = fields.String()
    first_name = fields.String()
    last_name = fields.String()
    has_read = fields.Boolean()
    active = fields.Boolean()


class RoomBody(Schema):
    """A room on the native wire."""

    room_id = fields.String()
    topic = fields.Function(lambda room: room.topic.name)
    name = fields.String()
    private = fields.Boolean()
    one_to_one = fields.Boolean(attribute="pair")
    has_read = fields.Boolean()
    unread = fields.Integer()
    active = fields.Boolean()
    last_offset = fields.Integer()
    created_by = fields.String(allow_none=True)
    members = fields.List(fields.Nested(MemberBody))


_BODY = RoomBody()


def room_body(room: RoomView) -> dict[str, Any]:
    body: dict[str, Any] = _BODY.dump(room)
    return body
