"""Reading rooms: lists, one room, the room of two people."""

from collections.abc import Iterable
from typing import Any

from tornado_chat import Identity, NotFound, Server

from . import queries
from .models import pair_of
from .queries import Wanted
from .views import RoomView

LIMIT_MAX = 1000  # rooms in one list
SEARCH_MAX = 255  # characters of a search that are looked at

RoomViews = list[RoomView]  # `list` is a method below
Rows = list[Any]


class RoomReader:
    """What of `Rooms` changes nothing."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def list(
        self,
        identity: Identity,
        *,
        search: str = "",
        user: str | None = None,
        room_id: str | None = None,
        private: bool | None = None,
        start: int = 0,
        limit: int = LIMIT_MAX,
        unread_only: bool = False,
        include_left: bool = False,
    ) -> RoomViews:
        """The caller's rooms, newest activity first, at most 1,000, by a constant number of
        queries. `search`: part of the displayed name or of the id, in any case; `user`: who must be
        a member too, active or not; `include_left`: also rooms that the caller has left."""
        if identity.tenant is None:
            return []
        wanted = Wanted(
            tenant=identity.tenant,
            viewer=self._viewer(identity),
            room_id=room_id,
            user=user,
            private=private,
            unread_only=unread_only,
            left=include_left,
        )
        start, limit = min(max(0, start), 2**31), min(max(0, limit), LIMIT_MAX)
        return await self._load(identity, wanted, search.strip()[:SEARCH_MAX], start, limit)

    async def get(self, identity: Identity, room_id: str) -> RoomView:
        """One of his rooms, also one that he has left. Raises NotFound."""
        found = await self._load(identity, self._one(identity, room_id), "", 0, 1)
        if not found:
            raise not_found(room_id)
        return found[0]

    async def one_to_one(self, identity: Identity, partner: str) -> RoomView | None:
        """The private unnamed room of the caller and this person alone, also one that the caller
        has left; None where they have none."""
        viewer = self._viewer(identity)
        if identity.tenant is None or viewer is None:
            return None
        pair = pair_of(private=True, name=None, members=frozenset({viewer, partner}))
        if pair is None:
            return None
        wanted = Wanted(identity.tenant, viewer, pair=pair, left=True)
        found = await self._load(identity, wanted, "", 0, 1)
        return found[0] if found else None

    def _viewer(self, identity: Identity) -> str | None:
        """Whose rooms: None stands for the house and all of the tenant, see `House`."""
        return identity.user_id

    def _one(self, identity: Identity, room_id: str) -> Wanted:
        if identity.tenant is None:
            raise not_found(room_id)
        return Wanted(identity.tenant, self._viewer(identity), room_id=room_id, left=True)

    async def _load(
        self, identity: Identity, wanted: Wanted, search: str, start: int, limit: int
    ) -> RoomViews:
        """Two queries, three with a search, and one to the back-ends for all who are missing."""
        if search:
            rows = await self._search(identity, wanted, search)
            rows = rows[start : start + limit]
            members = await self._server.read(lambda: members_of(rows))
        else:
            rows, members = await self._server.read(lambda: page(wanted, start, limit))
        return await self._views(identity, wanted, rows, members)

    async def _search(self, identity: Identity, wanted: Wanted, search: str) -> Rows:
        rows, unnamed = await self._server.read(
            lambda: (queries.find_rooms(wanted), queries.members_of_unnamed(wanted))
        )
        views = await self._views(identity, wanted, rows, unnamed)
        text = search.casefold()
        return [
            row
            for row, view in zip(rows, views, strict=True)
            if text in view.name.casefold() or text in view.room_id
        ]

    async def _views(
        self, identity: Identity, wanted: Wanted, rows: Iterable[Any], members: Iterable[Any]
    ) -> RoomViews:
        by_room: dict[int, list[Any]] = {}
        missing: dict[str, None] = {}
        for member in members:
            by_room.setdefault(member.topic_id, []).append(member)
            if member.full_name is None:
                missing[member.user_id] = None
        people = await self._server.people.get(identity, missing) if missing else {}
        return [
            queries.view_of(row, wanted.viewer, by_room.get(row.topic_id, ()), people)
            for row in rows
        ]


def page(wanted: Wanted, start: int, limit: int) -> tuple[Rows, Rows]:
    """Rooms and their members, in one visit to a reader's thread."""
    rows = queries.find_rooms(wanted, start, limit)
    return rows, members_of(rows)


def members_of(rows: Iterable[Any]) -> Rows:
    return queries.members_of([row.topic_id for row in rows])


def not_found(room_id: str) -> NotFound:
    """The same text as of a room that is not his."""
    return NotFound(f"room {room_id[:32]}: not found")
