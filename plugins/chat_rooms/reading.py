"""Reading rooms: lists, one room, the room of two people."""

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from tornado_chat import Identity, Message, NotFound, ReadTx, Server

from . import queries
from .models import number_of, pair_of, topic_of
from .queries import Wanted
from .views import NAMED, MemberView, RoomView

LIMIT_MAX = 1000  # rooms in one list
SEARCH_MAX = 255  # characters of a search that are looked at

RoomViews = list[RoomView]  # `list` is a method below
MemberViews = list[MemberView]
Rows = list[Any]


class Found(NamedTuple):
    """What was read, before the names of those who are missing. `shown`: members in a view."""

    viewer: str | None
    rows: Rows
    members: Rows
    shown: int | None


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
        shown: int | None = None,
    ) -> RoomViews:
        """The caller's rooms, newest activity first, at most 1,000, by a constant number of
        queries. `search`: part of the displayed name or of the id, in any case; `user`: who must be
        a member too, active or not; `include_left`: also rooms that the caller has left; `shown`:
        members in each view, None for all."""
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
        start, limit = clamp(start, limit)
        text = search.strip()[:SEARCH_MAX]
        return await self._load(identity, wanted, text, start, limit, shown)

    async def get(self, identity: Identity, room_id: str, *, shown: int | None = None) -> RoomView:
        """One of his rooms, also one that he has left. `shown` as in `list`. Raises NotFound."""
        found = await self._load(identity, self._one(identity, room_id), shown=shown)
        if not found:
            raise not_found(room_id)
        return found[0]

    async def members(
        self, identity: Identity, room_id: str, *, start: int = 0, limit: int = LIMIT_MAX
    ) -> MemberViews:
        """A page of the members of one of his rooms, by user id. Raises NotFound."""
        one = self._one(identity, room_id)
        start, limit = clamp(start, limit)

        def work(_tx: ReadTx) -> Rows:
            return queries.page_of_members(queries.find_room(one).topic_id, start, limit)

        rows = await self._server.read(work)
        missing = [row.user_id for row in rows if row.full_name is None]
        people = await self._server.people.get(identity, missing) if missing else {}
        return [queries.member_of(row, people) for row in rows]

    async def member_ids(self, identity: Identity, room_id: str) -> frozenset[str]:
        """Everybody in one of his rooms; without a query for a room in use. Raises NotFound."""
        if identity.tenant is None or number_of(room_id) is None:
            raise not_found(room_id)
        ids = await self._server.members(topic_of(identity.tenant, room_id))
        viewer = self._viewer(identity)
        if not ids or (viewer is not None and viewer not in ids):
            raise not_found(room_id)
        return ids

    async def last_messages(
        self, identity: Identity, rooms: Sequence[RoomView]
    ) -> dict[int, Message]:
        """The last messages of these rooms by their offset, by one query; without those that were
        thrown away, or that he may not see."""
        offsets = [room.last_offset for room in rooms if room.last_offset]
        if not offsets:
            return {}
        found = await self._server.read(lambda tx: tx.log.get_many(offsets))
        return {each.offset: each for each in found if each.audience.includes(identity)}

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
        found = await self._load(identity, wanted)
        return found[0] if found else None

    def _viewer(self, identity: Identity) -> str | None:
        """Whose rooms: None stands for the house and all of the tenant, see `House`."""
        return identity.user_id

    def _one(self, identity: Identity, room_id: str) -> Wanted:
        if identity.tenant is None:
            raise not_found(room_id)
        return Wanted(identity.tenant, self._viewer(identity), room_id=room_id, left=True)

    async def _load(
        self,
        identity: Identity,
        wanted: Wanted,
        search: str = "",
        start: int = 0,
        limit: int = 1,
        shown: int | None = None,
    ) -> RoomViews:
        """Two queries, three with a search, and one to the back-ends for all who are missing."""
        if not search:
            return await self._views(
                identity, lambda: read(wanted, queries.find_rooms(wanted, start, limit), shown)
            )
        rows = await self._search(identity, wanted, search)
        page = rows[start : start + limit]
        return await self._views(identity, lambda: read(wanted, page, shown))

    async def _search(self, identity: Identity, wanted: Wanted, search: str) -> Rows:
        rows: Rows = []

        def work() -> Found:
            rows[:] = queries.find_rooms(wanted)
            return Found(wanted.viewer, rows, queries.names_of_unnamed(wanted), 0)

        views = await self._views(identity, work)
        text = search.casefold()
        return [
            row
            for row, view in zip(rows, views, strict=True)
            if text in view.name.casefold() or text in view.room_id
        ]

    async def _views(self, identity: Identity, work: Callable[[], Found]) -> RoomViews:
        """Built in the reader's thread, so that a long list does not hold the loop; built again
        where somebody is in it who has no account here."""
        found, views = await self._server.read(lambda _tx: build(work()))
        missing = [row.user_id for row in found.members if row.full_name is None]
        if missing:
            people = await self._server.people.get(identity, dict.fromkeys(missing))
            views = build(found, people)[1]
        return views


def read(wanted: Wanted, rows: Rows, shown: int | None) -> Found:
    """The members of these rooms; at least those who give a room its name."""
    limit = None if shown is None else max(shown, NAMED + 1)
    topic_ids = [row.topic_id for row in rows]
    return Found(wanted.viewer, rows, queries.members_of(topic_ids, limit), shown)


def build(found: Found, people: queries.People = MappingProxyType({})) -> tuple[Found, RoomViews]:
    by_room: dict[int, Rows] = {}
    for member in found.members:
        by_room.setdefault(member.topic_id, []).append(member)
    views = [
        queries.view_of(row, found.viewer, by_room.get(row.topic_id, ()), people, found.shown)
        for row in found.rows
    ]
    return found, views


def clamp(start: int, limit: int) -> tuple[int, int]:
    """Into what a query can mean."""
    return min(max(0, start), 2**31), min(max(0, limit), LIMIT_MAX)


def not_found(room_id: str) -> NotFound:
    """The same text as of a room that is not his."""
    return NotFound(f"room {room_id[:32]}: not found")
