"""The shapes of rooms, messages and notifications on this wire, for its description:
growerp-contract sections 1 to 3; those of people are in `people_schemas`.

Nothing is checked by them: this wire passes over what it does not know, and takes an object bare or
under its name.
"""
# ruff: noqa: N815 - the names of the wire

from typing import Any

from marshmallow import INCLUDE, Schema, fields, validate

OPTIONAL = {"optional": True}


class Loose(Schema):
    """Other keys are passed over."""

    class Meta:
        unknown = INCLUDE


def text(example: str = "", **options: Any) -> fields.String:
    """A text that may be null."""
    metadata = {"example": example} if example else {}
    return fields.String(allow_none=True, metadata=metadata, **options)


def perhaps(example: str = "") -> fields.String:
    """A text of an answer that may be missing."""
    return fields.String(
        allow_none=True, metadata=OPTIONAL | ({"example": example} if example else {})
    )


def ident(example: str = "100205") -> fields.String:
    return fields.String(metadata={"example": example})


class FaceError(Schema):
    """How this face words an error. `errors` is for people; `Login key not valid` makes a front-end
    forget its key."""

    errorCode = fields.Integer(metadata={"example": 400})
    errors = fields.String(metadata={"example": "Room 100205 not found"})


class Retry(Schema):
    """By which a retry is safe: the same key again gives what came of it first."""

    key = fields.String(data_key="Idempotency-Key")


class Empty(Schema):
    """An empty object."""


# Rooms


class RoomsAsked(Schema):
    """`userId` with a blank `chatRoomName` asks for the one-to-one room with that person."""

    search = fields.String(metadata={"description": "a part of the displayed name, or of the id"})
    filter = fields.String(metadata={"description": "the same as search"})
    userId = fields.String(metadata={"description": "who is in the room too"})
    chatRoomName = fields.String()
    chatRoomId = fields.String()
    isPrivate = fields.Boolean()
    hasRead = fields.Boolean()
    namePrefix = fields.String()
    start = fields.Integer()
    limit = fields.Integer()


class SomeUser(Loose):
    userId = text("100040")


class SomeMember(Loose):
    """Somebody in a room, as `user.userId` or `userId`."""

    user = fields.Nested(SomeUser, allow_none=True)
    userId = text()
    hasRead = fields.Boolean(allow_none=True)
    isActive = fields.Boolean(allow_none=True)


class SomeRoom(Loose):
    """What a client says of a room."""

    chatRoomId = text("100205")
    chatRoomName = text()
    isPrivate = fields.Boolean(allow_none=True)
    members = fields.List(fields.Nested(SomeMember), allow_none=True)


class SomeRoomWrapped(Loose):
    chatRoom = fields.Nested(SomeRoom, required=True)


ROOM = (SomeRoomWrapped, SomeRoom)


class RoomAsked(Schema):
    chatRoomId = fields.String(metadata={"description": "here, or in the body"})


class MemberUser(Schema):
    """Somebody in a room."""

    userId = ident("100040")
    partyId = ident("100031")
    loginName = ident("bob@shop.example")
    firstName = ident("Bob")
    lastName = ident("Prins")
    email = text("bob@shop.example")


class Member(Schema):
    user = fields.Nested(MemberUser)
    hasRead = fields.Boolean()
    isActive = fields.Boolean()


class Room(Schema):
    """A room as the person sees it who asks."""

    chatRoomId = ident()
    chatRoomName = ident("Bob Prins")
    hasRead = fields.Boolean()
    isPrivate = fields.Boolean()
    visitorUserId = perhaps()
    members = fields.List(fields.Nested(Member))


class RoomAnswer(Schema):
    chatRoom = fields.Nested(Room)


class RoomsAnswer(Schema):
    """Newest activity first."""

    chatRooms = fields.List(fields.Nested(Room))


# Messages


class MessagesAsked(Schema):
    """One of both ids is needed. With `start` or `limit` the page counts from the oldest message."""

    chatRoomId = fields.String()
    chatMessageId = fields.String()
    start = fields.Integer()
    limit = fields.Integer()
    search = fields.String()


class RoomId(Schema):
    chatRoomId = ident()


class SomeRoomId(Loose):
    chatRoomId = fields.String(required=True, metadata={"example": "100205"})


class SomeMessage(Loose):
    """A message as a client says it; who sends it and when, and under what id, is ours to say."""

    chatRoom = fields.Nested(SomeRoomId, required=True)
    content = fields.String(required=True, metadata={"example": "Lunch at 12?"})


class SomeMessageWrapped(Loose):
    chatMessage = fields.Nested(SomeMessage, required=True)


MESSAGE = (SomeMessageWrapped, SomeMessage)


class Message(Schema):
    """A message as it is stored. `fromUserId` is left out where the house itself speaks."""

    chatRoom = fields.Nested(RoomId)
    chatMessageId = ident("100871")
    fromUserId = perhaps("100021")
    fromUserFullName = fields.String(metadata={"example": "Ann Maas"})
    content = fields.String(metadata={"example": "Lunch at 12?"})
    creationDate = ident("2026-08-22 09:41:05")


class MessageAnswer(Schema):
    chatMessage = fields.Nested(Message)


class MessagesAnswer(Schema):
    """Oldest first."""

    chatMessages = fields.List(fields.Nested(Message))


class ChatFrame(Schema):
    """A message of a room, on `/chat`. `fromUserId` is null where the house itself speaks."""

    chatRoom = fields.Nested(RoomId)
    fromUserId = text("100021")
    fromUserFullName = fields.String(metadata={"example": "Ann Maas"})
    content = fields.String(metadata={"example": "Lunch at 12?"})
    chatMessageId = ident("100871")


# Notifications


class NotificationsAsked(Schema):
    limit = fields.Integer(metadata={"description": "20 where it is not given, at most 200"})
    start = fields.Integer()


class ListedText(Schema):
    message = fields.String(metadata={"example": "Order 100455 approved"})


class Listed(Schema):
    """Of a notification what is listed later."""

    topic = ident("OrderUpdate")
    message = fields.Nested(ListedText)
    sentDate = ident("2026-08-22")
    title = perhaps("Order 100455 approved")
    link = perhaps("/orders/100455")
    type = ident("success")
    showAlert = fields.Boolean()


class ListedAnswer(Schema):
    """Newest first."""

    notifications = fields.List(fields.Nested(Listed))


class NotificationFrame(Schema):
    """A notification, on `/notws`. Date and id only of one that is persisted."""

    topic = ident("OrderUpdate")
    subTopic = text()
    sentDate = text("2026-08-22T07:41:05+0000")
    notificationMessageId = text("100310")
    topicDescription = text()
    message = fields.Dict(
        keys=fields.String(), metadata={"example": {"message": "Order 100455 approved"}}
    )
    title = text("Order 100455 approved")
    link = text("/orders/100455")
    type = fields.String(validate=validate.OneOf(("info", "success", "warning", "danger")))
    persistOnSend = fields.Boolean()
    showAlert = fields.Boolean()
    alertNoAutoHide = fields.Boolean()


class NotificationAnswer(Schema):
    notification = fields.Nested(NotificationFrame)
