"""The native routes, below /plugins/chat_rooms."""

from collections.abc import Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError

from tornado_chat import BadRequest, PluginHandler, Server

from .rooms import KEEP, Rooms
from .schemas import (
    SHOWN,
    SHOWN_IN_LIST,
    ListMembers,
    ListRooms,
    NewMembers,
    NewRoom,
    RoomChange,
    member_body,
    room_body,
)
from .views import RoomView


class RoomHandler(PluginHandler):
    """`rooms`: what the plugin offers to others too."""

    rooms: Rooms

    def initialize(  # type: ignore[override]
        self, server: Server, config: Mapping[str, Any], rooms: Rooms
    ) -> None:
        super().initialize(server, config)
        self.rooms = rooms

    def query(self, schema: type[Schema]) -> dict[str, Any]:
        """The query, checked. Names it does not know are passed over: a key may be among them."""
        given = {name: self.get_query_argument(name) for name in self.request.query_arguments}
        try:
            return dict(schema().load(given, unknown=EXCLUDE))
        except ValidationError as error:
            name, texts = next(iter(error.messages_dict.items()))
            raise BadRequest(f"{name}: {texts[0].rstrip('.').lower()}") from None

    def show(self, room: RoomView, status: int = 200) -> None:
        self.answer({"room": room_body(room)}, status)


class AllRooms(RoomHandler):
    async def get(self) -> None:
        """One's own rooms, newest activity first, and whether there are more."""
        wanted = self.query(ListRooms)
        limit = wanted["limit"]
        found = await self.rooms.list(
            self.identity,
            search=wanted["search"],
            start=wanted["start"],
            limit=limit + 1,
            unread_only=wanted["unread"],
            include_left=wanted["left"],
            shown=SHOWN_IN_LIST,
        )
        shown = [room_body(room) for room in found[:limit]]
        self.answer({"rooms": shown, "more": len(found) > limit})

    async def post(self) -> None:
        """201 for a new room, 200 for the one-to-one room that was there."""
        body = self.body(NewRoom)
        room, created = await self.rooms.create(self.identity, **body)
        self.show(room, 201 if created else 200)


class OneRoom(RoomHandler):
    async def get(self, room_id: str) -> None:
        self.show(await self.rooms.get(self.identity, room_id, shown=SHOWN))

    async def patch(self, room_id: str) -> None:
        body = self.body(RoomChange)
        active = {self.identity.user_id: body["active"]} if "active" in body else None
        self.show(
            await self.rooms.change(
                self.identity,
                room_id,
                name=body.get("name", KEEP),
                private=body.get("private"),
                active=active,
            )
        )


class Leave(RoomHandler):
    async def post(self, room_id: str) -> None:
        self.show(await self.rooms.leave(self.identity, room_id))


class Read(RoomHandler):
    async def post(self, room_id: str) -> None:
        await self.rooms.read(self.identity, room_id)
        self.show(await self.rooms.get(self.identity, room_id, shown=SHOWN))


class Members(RoomHandler):
    async def get(self, room_id: str) -> None:
        """By user id, and whether there are more."""
        wanted = self.query(ListMembers)
        start, limit = wanted["start"], wanted["limit"]
        found = await self.rooms.members(self.identity, room_id, start=start, limit=limit + 1)
        shown = [member_body(member) for member in found[:limit]]
        self.answer({"members": shown, "more": len(found) > limit})

    async def post(self, room_id: str) -> None:
        """Who is a member already stays one; who has left comes back."""
        body = self.body(NewMembers)
        self.show(await self.rooms.change(self.identity, room_id, add=body["members"]))


class Member(RoomHandler):
    async def delete(self, room_id: str, user: str) -> None:
        await self.rooms.remove(self.identity, room_id, user)
        self.answer({})


def routes(rooms: Rooms) -> list[tuple[Any, ...]]:
    shared = {"rooms": rooms}
    return [
        (r"/rooms", AllRooms, shared),
        (r"/rooms/([^/]+)", OneRoom, shared),
        (r"/rooms/([^/]+)/leave", Leave, shared),
        (r"/rooms/([^/]+)/read", Read, shared),
        (r"/rooms/([^/]+)/members", Members, shared),
        (r"/rooms/([^/]+)/members/([^/]+)", Member, shared),
    ]
