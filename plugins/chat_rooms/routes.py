"""The native routes, below /plugins/chat_rooms."""

from collections.abc import Mapping, Sequence
from typing import Any

from tornado_chat import PluginHandler, Server, describe

from .rooms import KEEP, Rooms
from .schemas import (
    SHOWN,
    SHOWN_IN_LIST,
    HereAnswer,
    ListMembers,
    ListRooms,
    MemberPage,
    NewMembers,
    NewRoom,
    Nothing,
    OneRoomAnswer,
    RoomChange,
    RoomPage,
    member_body,
    shown_room,
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

    async def show(self, room: RoomView, status: int = 200) -> None:
        self.answer({"room": (await self.bodies([room]))[0]}, status)

    async def bodies(self, rooms: Sequence[RoomView]) -> list[dict[str, Any]]:
        """One query for the last messages of all."""
        last = await self.rooms.last_messages(self.identity, rooms)
        return [shown_room(room, last.get(room.last_offset)) for room in rooms]


class AllRooms(RoomHandler):
    @describe("Lists one's rooms", query=ListRooms, answer=RoomPage)
    async def get(self) -> None:
        """One's own rooms, newest activity first, and whether there are more."""
        wanted = self.query()
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
        self.answer({"rooms": await self.bodies(found[:limit]), "more": len(found) > limit})

    @describe(
        "Makes a room",
        body=NewRoom,
        answer=OneRoomAnswer,
        status=(200, 201),
    )
    async def post(self) -> None:
        """201 for a new room, 200 for the one-to-one room that was there."""
        body = self.body()
        room, created = await self.rooms.create(self.identity, **body)
        await self.show(room, 201 if created else 200)


class OneRoom(RoomHandler):
    @describe("Shows a room", answer=OneRoomAnswer, errors=("not_found",))
    async def get(self, room_id: str) -> None:
        await self.show(await self.rooms.get(self.identity, room_id, shown=SHOWN))

    @describe(
        "Names, opens, leaves a room or comes back",
        body=RoomChange,
        answer=OneRoomAnswer,
        errors=("not_found",),
    )
    async def patch(self, room_id: str) -> None:
        body = self.body()
        active = {self.identity.user_id: body["active"]} if "active" in body else None
        await self.show(
            await self.rooms.change(
                self.identity,
                room_id,
                name=body.get("name", KEEP),
                private=body.get("private"),
                active=active,
            )
        )


class Leave(RoomHandler):
    @describe("Leaves a room until its next message", answer=OneRoomAnswer, errors=("not_found",))
    async def post(self, room_id: str) -> None:
        await self.show(await self.rooms.leave(self.identity, room_id))


class Read(RoomHandler):
    @describe("Has read a room", answer=OneRoomAnswer, errors=("not_found",))
    async def post(self, room_id: str) -> None:
        await self.rooms.read(self.identity, room_id)
        await self.show(await self.rooms.get(self.identity, room_id, shown=SHOWN))


class WhoIsHere(RoomHandler):
    @describe("Says which members have a socket open", answer=HereAnswer, errors=("not_found",))
    async def get(self, room_id: str) -> None:
        members = await self.rooms.member_ids(self.identity, room_id)
        here = self.server.service("chat_rooms.here")
        self.answer({"here": here.among(self.identity.tenant, members)})


class Members(RoomHandler):
    @describe("Lists members", query=ListMembers, answer=MemberPage, errors=("not_found",))
    async def get(self, room_id: str) -> None:
        """By user id, and whether there are more."""
        wanted = self.query()
        start, limit = wanted["start"], wanted["limit"]
        found = await self.rooms.members(self.identity, room_id, start=start, limit=limit + 1)
        shown = [member_body(member) for member in found[:limit]]
        self.answer({"members": shown, "more": len(found) > limit})

    @describe(
        "Adds members",
        body=NewMembers,
        answer=OneRoomAnswer,
        errors=("not_found",),
    )
    async def post(self, room_id: str) -> None:
        """Who is a member already stays one; who has left comes back."""
        body = self.body()
        await self.show(await self.rooms.change(self.identity, room_id, add=body["members"]))


class Member(RoomHandler):
    @describe("Removes a member for good", answer=Nothing, errors=("not_found", "bad_request"))
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
        (r"/rooms/([^/]+)/here", WhoIsHere, shared),
        (r"/rooms/([^/]+)/members", Members, shared),
        (r"/rooms/([^/]+)/members/([^/]+)", Member, shared),
    ]
