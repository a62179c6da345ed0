"""The resource ChatRoom: one's own rooms, making and changing them, leaving."""

from collections.abc import Mapping
from typing import Any

from tornado_chat import BadRequest, Identity, NotFound, describe

from . import schemas
from .handler import FaceHandler
from .persons import member_of, oneself
from .wire import text_of, unwrapped

ROOMS_MAX = 1000  # in one answer
MEMBERS_SHOWN = 200  # of each room in a list; changing a room keeps those who are not shown


class ChatRoom(FaceHandler):
    """`userId` is whom one looks for, and says nothing of who asks."""

    claims_user = False

    @describe("Lists one's rooms", query=schemas.RoomsAsked, answer=schemas.RoomsAnswer)
    async def get(self) -> None:
        partner, name = self.text("userId"), self.text("chatRoomName")
        if partner and name is not None and not name.strip():
            room = await self.face.rooms.one_to_one(self.identity, partner)
            found = [room] if room else []
        else:
            found = await self._mine(partner or None, name)
        start, limit = self.number("start") or 0, self.number("limit")
        end = start + (ROOMS_MAX if limit is None else limit)
        self.answer({"chatRooms": [room_of(room, self.identity) for room in found[start:end]]})

    async def _mine(self, partner: str | None, name: str | None) -> list[Any]:
        rooms = await self.face.rooms.list(
            self.identity,
            search=self.text("search") or self.text("filter") or "",
            user=partner,
            room_id=self.text("chatRoomId") or None,
            private=self.flag("isPrivate"),
            unread_only=self.flag("hasRead") is False,
            limit=ROOMS_MAX,
            shown=MEMBERS_SHOWN,
        )
        if self.flag("hasRead"):
            rooms = [room for room in rooms if room.has_read]
        if name and name.strip():
            rooms = [room for room in rooms if room.name == name.strip()]
        prefix = (self.text("namePrefix") or "").casefold()
        return [room for room in rooms if room.name.casefold().startswith(prefix)]

    @describe(
        "Makes a room, or finds the one-to-one room of two people",
        body=schemas.ROOM,
        answer=schemas.RoomAnswer,
    )
    async def post(self) -> None:
        body = unwrapped(self.json(), "chatRoom")
        name, members = text_of(body, "chatRoomName"), members_of(body)
        if name is None and not members:
            raise BadRequest("chatRoom: needs a name or members")
        away = [user_id for user_id, active in active_of(body).items() if not active]
        room, _ = await self.face.rooms.create(
            self.identity,
            name=name,
            private=body.get("isPrivate") is True,
            members=members,
            left=away,
        )
        self.answer({"chatRoom": room_of(room, self.identity)})

    @describe("Changes a room", body=schemas.ROOM, answer=schemas.RoomAnswer)
    async def patch(self) -> None:
        """Members who are not named stay, what others have read stays; a name that only was
        displayed is not stored. What one has read oneself may be said."""
        body = unwrapped(self.json(), "chatRoom")
        changes: dict[str, Any] = {"add": members_of(body), "active": active_of(body)}
        if name := text_of(body, "chatRoomName"):
            changes["name"] = name
        if isinstance(body.get("isPrivate"), bool):
            changes["private"] = body["isPrivate"]
        room_id = needed_room(body)
        try:
            room = await self.face.rooms.change(self.identity, room_id, **changes)
            if read_by(body, self.identity.user_id) and await self.face.rooms.read(
                self.identity, room_id
            ):
                room = await self.face.rooms.get(self.identity, room_id)
        except NotFound:
            raise no_room(room_id) from None
        self.answer({"chatRoom": room_of(room, self.identity)})

    @describe(
        "Leaves a room until its next message",
        query=schemas.RoomAsked,
        body=schemas.ROOM,
        answer=schemas.RoomAnswer,
    )
    async def delete(self) -> None:
        """Leaves; the next message brings the room back."""
        asked = self.text("chatRoomId")  # some clients drop the body of a DELETE
        body = {"chatRoomId": asked} if asked else self.json()
        room_id = text_of(body, "chatRoomId") or needed_room(unwrapped(body, "chatRoom"))
        try:
            room = await self.face.rooms.leave(self.identity, room_id)
        except NotFound:
            raise no_room(room_id) from None
        self.answer({"chatRoom": room_of(room, self.identity)})


def room_of(room: Any, viewer: Identity) -> dict[str, Any]:
    """A room, from a RoomView. The viewer is among its members, however few are shown: a front-end
    looks for itself there without a guard."""
    members = [member_of(member) for member in room.members]
    if all(member.user_id != viewer.user_id for member in room.members):
        members.insert(0, oneself(viewer, room))
    return {
        "chatRoomId": room.room_id,
        "chatRoomName": room.name,
        "hasRead": room.has_read,
        "isPrivate": room.private,
        "visitorUserId": room.extra.get("visitorUserId"),
        "members": members,
    }


def members_of(body: Mapping[str, Any]) -> list[str]:
    """The user ids of a room's members, as `user.userId` or `userId`. One without an id cannot be
    meant by anybody."""
    return [user_id for user_id, _, _ in _members(body)]


def read_by(body: Mapping[str, Any], user_id: str) -> bool:
    """Whether the body says that this person has read the room."""
    return any(found == user_id and read is True for found, _, read in _members(body))


def active_of(body: Mapping[str, Any]) -> dict[str, bool]:
    """Whom the sender wants in the room or, of himself, out of it."""
    said = {user_id: active for user_id, active, _ in _members(body)}
    return {user_id: active for user_id, active in said.items() if isinstance(active, bool)}


def _members(body: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """User id, `isActive` and `hasRead` of each."""
    members = body.get("members") or []
    if not isinstance(members, list):
        raise BadRequest("members: not a list")
    found = []
    for member in members:
        inner = unwrapped(member, "chatRoomMember") if isinstance(member, Mapping) else {}
        user_id = text_of(unwrapped(inner, "user"), "userId") or text_of(inner, "userId")
        if user_id is None:
            raise BadRequest("members: one has no userId")
        found.append((user_id, inner.get("isActive"), inner.get("hasRead")))
    return found


def needed_room(body: Mapping[str, Any]) -> str:
    room_id = text_of(body, "chatRoomId")
    if room_id is None:
        raise BadRequest("chatRoomId is required")
    return room_id


def no_room(room_id: str) -> BadRequest:
    """Moqui's words and status; alike for one that is not there and one that is not the caller's."""
    return BadRequest(f"Room {room_id[:64]} not found")
