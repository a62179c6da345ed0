"""What is asked of the database about rooms. Runs in the threads of the store.

However many rooms and members there are, each function is one query.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from peewee import JOIN, fn

from tornado_chat import NotFound
from tornado_chat.accounts.models import AccountRow
from tornado_chat.store.members import has_left, unread
from tornado_chat.store.models import MemberRow, TopicRow

from .models import FIRST_ID, Room, number_of
from .views import MemberView, RoomView, display_name


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rooms. `viewer` None: the house, which sees all of the tenant; else only those he is
    a member of, and without `left` only those he has not left. `user`: who must be a member too."""

    tenant: str
    viewer: str | None
    room_id: str | None = None
    user: str | None = None
    private: bool | None = None
    pair: str | None = None
    unread_only: bool = False
    left: bool = False


def find_rooms(wanted: Wanted, start: int = 0, limit: int | None = None) -> list[Any]:
    """Rooms with the viewer's own state, newest activity first."""
    query = (
        _select(wanted, *ROOM)
        .order_by(fn.MAX(TopicRow.last_offset, Room.born).desc(), Room.id.desc())
        .offset(start)
    )
    return list((query if limit is None else query.limit(limit)).namedtuples())


def find_room(wanted: Wanted) -> Any:
    """The one room. Raises NotFound, alike for one that is not there and one that is not his."""
    found = find_rooms(wanted, 0, 1)
    if not found:
        raise NotFound(f"room {(wanted.room_id or '')[:32]}: not found")
    return found[0]


def members_of(topic_ids: Sequence[int]) -> list[Any]:
    """Everybody in these rooms, by room and user id; the names are NULL for those who have no
    account here."""
    return _members(list(topic_ids)) if topic_ids else []


def members_of_unnamed(wanted: Wanted) -> list[Any]:
    """The same for those of the wanted rooms whose name is computed."""
    return _members(_select(wanted, Room.topic_id).where(Room.name.is_null()))


def who_left(topic_id: int) -> frozenset[str]:
    """Who has left once and was not brought back by hand; the next message may have."""
    query = MemberRow.select(MemberRow.user_id).where(
        MemberRow.topic_id == topic_id, MemberRow.left_count.is_null(False)
    )
    rows: Any = query.tuples()
    return frozenset(user for (user,) in rows)


def next_id() -> int:
    """The id of the next room; in the writer's thread, where it stays free until the commit."""
    highest = Room.select(fn.MAX(Room.id)).scalar()
    return FIRST_ID if highest is None else int(highest) + 1


ROOM = (
    Room.id,
    Room.topic_id,
    Room.tenant,
    Room.name,
    Room.private,
    Room.pair,
    Room.created_by,
    Room.created,
    Room.extra,
    TopicRow.last_offset,
    MemberRow.read_count,
    unread().alias("unread"),
    has_left(TopicRow.count).alias("gone"),
)


def _select(wanted: Wanted, *columns: Any) -> Any:
    mine = MemberRow.topic_id == TopicRow.id, MemberRow.user_id == wanted.viewer
    how = JOIN.INNER if wanted.viewer is not None else JOIN.LEFT_OUTER
    query = (
        Room.select(*columns)
        .join(TopicRow, on=(TopicRow.id == Room.topic_id))
        .join(MemberRow, how, on=(mine[0] & mine[1]))
        .where(Room.tenant == wanted.tenant)
    )
    if not wanted.left and wanted.viewer is not None:
        query = query.where(~has_left(TopicRow.count))
    if wanted.room_id is not None:
        query = query.where(Room.id == number_of(wanted.room_id))
    if wanted.pair is not None:
        query = query.where(Room.pair == wanted.pair)
    if wanted.private is not None:
        query = query.where(Room.private == wanted.private)
    if wanted.unread_only:
        query = query.where(MemberRow.read_count.is_null() | (unread() > 0))
    if wanted.user is not None:
        theirs = MemberRow.alias("theirs")
        query = query.where(
            fn.EXISTS(
                theirs.select(1).where(
                    theirs.topic_id == TopicRow.id, theirs.user_id == wanted.user
                )
            )
        )
    return query


def _members(topic_ids: Any) -> list[Any]:
    account = (AccountRow.user_id == MemberRow.user_id) & (AccountRow.tenant == TopicRow.tenant)
    query = (
        MemberRow.select(
            MemberRow.topic_id,
            MemberRow.user_id,
            MemberRow.read_count,
            unread().alias("unread"),
            has_left(TopicRow.count).alias("gone"),
            AccountRow.full_name,
            AccountRow.first_name,
            AccountRow.last_name,
            AccountRow.login_name,
            AccountRow.email,
            AccountRow.party_id,
        )
        .join(TopicRow, on=(TopicRow.id == MemberRow.topic_id))
        .join(AccountRow, JOIN.LEFT_OUTER, on=account)
        .where(MemberRow.topic_id.in_(topic_ids))
        .order_by(MemberRow.topic_id, MemberRow.user_id)
    )
    return list(query.namedtuples())


# Rows as values; `people`: those of whom there is no account here, by id.


def view_of(
    row: Any, viewer: str | None, members: Iterable[Any] = (), people: Any = None
) -> RoomView:
    """A row of `find_rooms`, with its rows of `members_of`."""
    room_id = str(row.id)
    seen = tuple(_member(member, (people or {}).get(member.user_id)) for member in members)
    return RoomView(
        room_id=room_id,
        tenant=row.tenant,
        name=display_name(row.name, room_id, viewer, seen),
        stored_name=row.name,
        private=bool(row.private),
        pair=row.pair is not None,
        has_read=row.read_count is not None and not row.unread,
        unread=row.unread or 0,
        active=not row.gone,
        last_offset=row.last_offset,
        created_by=row.created_by,
        created=row.created,
        members=seen,
        extra=orjson.loads(row.extra),
    )


def _member(row: Any, person: Any) -> MemberView:
    known = row if row.full_name is not None or person is None else person
    return MemberView(
        user_id=row.user_id,
        full_name=known.full_name or row.user_id,
        first_name=known.first_name or "",
        last_name=known.last_name or "",
        login_name=known.login_name or "",
        email=known.email or "",
        party_id=known.party_id or "",
        has_read=row.read_count is not None and not row.unread,
        active=not row.gone,
    )
