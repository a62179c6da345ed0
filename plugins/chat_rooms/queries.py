"""What is asked of the database about rooms. Runs in the threads of the store.

However many rooms and members there are, each function is one query.
"""

from collections import namedtuple
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from peewee import JOIN, chunked, fn

from tornado_chat import AccountRow, MemberRow, NotFound, TopicRow, has_left, unread

from .models import FIRST_ID, Room, number_of
from .views import NAMED, MemberView, RoomView, display_name

People = Mapping[str, Any]  # those of whom there is no account here, by id


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
    newest = fn.MAX(TopicRow.last_offset, Room.born)
    page = _select(wanted, *ROOM, newest.alias("newest"))
    page = page.order_by(newest.desc(), Room.id.desc()).offset(start)
    page = (page if limit is None else page.limit(limit)).alias("page")
    # Of those on the page alone: inside, the members of all his rooms would be counted
    total = Counted.select(fn.COUNT(Counted.user_id)).where(Counted.topic_id == page.c.topic_id)
    rooms = Room.select(*(page.c[name] for name in NAMES), total.alias("total")).from_(page)
    found: Any = rooms.order_by(page.c.newest.desc(), page.c.id.desc()).tuples()
    return [Found(*row) for row in found]


def find_room(wanted: Wanted) -> Any:
    """The one room. Raises NotFound, alike for one that is not there and one that is not his."""
    found = find_rooms(wanted, 0, 1)
    if not found:
        raise NotFound(f"room {(wanted.room_id or '')[:32]}: not found")
    return found[0]


def members_of(topic_ids: Sequence[int], limit: int | None = None) -> list[Any]:
    """Who is in these rooms, by room and user id, of each the first `limit`. The names are NULL for
    those who have no account here."""
    return _found(_members(list(topic_ids), limit)) if topic_ids else []


def page_of_members(topic_id: int, start: int, limit: int) -> list[Any]:
    """The same of one room."""
    return _found(_members([topic_id]).offset(start).limit(limit))


def names_of_unnamed(wanted: Wanted) -> list[Any]:
    """As many of those of the wanted rooms without a name as its computed name shows."""
    unnamed = _select(wanted, Room.topic_id).where(Room.name.is_null())
    return _found(_members(unnamed, NAMED + 1))


def who_left(topic_id: int) -> frozenset[str]:
    """Who has left once and was not brought back by hand; the next message may have."""
    query = MemberRow.select(MemberRow.user_id).where(
        MemberRow.topic_id == topic_id, MemberRow.left_count.is_null(False)
    )
    rows: Any = query.tuples()
    return frozenset(user for (user,) in rows)


def rooms_of(users: Collection[str]) -> list[tuple[int, str, str, str]]:
    """All rooms of these people: topic, tenant, room id and who of them is in it."""
    query: Any = (
        MemberRow.select(Room.topic_id, Room.tenant, Room.id, MemberRow.user_id)
        .join(Room, on=(Room.topic_id == MemberRow.topic_id))
        .where(MemberRow.user_id.in_(list(users)))
    )
    return [(topic, tenant, str(room), user) for topic, tenant, room, user in query.tuples()]


def no_larger(topic_ids: Collection[int], most: int) -> set[int]:
    """Those of the rooms that have at most so many members; a query for each thousand of them."""
    found: set[int] = set()
    for some in chunked(topic_ids, 1000):
        query: Any = (
            MemberRow.select(MemberRow.topic_id)
            .where(MemberRow.topic_id.in_(some))
            .group_by(MemberRow.topic_id)
            .having(fn.COUNT(MemberRow.user_id) <= most)
        )
        found.update(topic_id for (topic_id,) in query.tuples())
    return found


def next_id() -> int:
    """The id of the next room; in the writer's thread, where it stays free until the commit."""
    highest = Room.select(fn.MAX(Room.id)).scalar()
    return FIRST_ID if highest is None else int(highest) + 1


Counted = MemberRow.alias("counted")
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
NAMES = ("id", "topic_id", "tenant", "name", "private", "pair", "created_by", "created", "extra",
         "last_offset", "read_count", "unread", "gone")  # fmt: skip
# Peewee's own named tuples are a new class for each query, made in a third of a millisecond
Found = namedtuple(
    "Found",
    "id topic_id tenant name private pair created_by created extra last_offset read_count unread "
    "gone total",
)
OF_MEMBER = (
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
FoundMember = namedtuple(
    "FoundMember",
    "topic_id user_id read_count unread gone full_name first_name last_name login_name email "
    "party_id",
)


def _found(members: Any) -> list[Any]:
    return [FoundMember(*row) for row in members.tuples()]


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


def _members(topic_ids: Any, limit: int | None = None) -> Any:
    account = (AccountRow.user_id == MemberRow.user_id) & (AccountRow.tenant == TopicRow.tenant)
    query = (
        MemberRow.select(*OF_MEMBER)
        .join(TopicRow, on=(TopicRow.id == MemberRow.topic_id))
        .join(AccountRow, JOIN.LEFT_OUTER, on=account)
        .where(TopicRow.id.in_(topic_ids))
        .order_by(MemberRow.topic_id, MemberRow.user_id)
    )
    return query if limit is None else query.where(MemberRow.user_id <= _last_shown(limit))


def _last_shown(limit: int) -> Any:
    """The user id of the last of the first `limit` members of a room: a bound of the index, so
    that the others are not looked at."""
    each = MemberRow.alias("each")
    in_room = each.select(each.user_id).where(each.topic_id == TopicRow.id)
    last = in_room.order_by(each.user_id).limit(1).offset(limit - 1)
    everybody = each.select(fn.MAX(each.user_id)).where(each.topic_id == TopicRow.id)
    return fn.COALESCE(last, everybody)


# Rows as values.


def view_of(
    row: Any, viewer: str | None, members: Sequence[Any], people: People, shown: int | None = None
) -> RoomView:
    """A row of `find_rooms`, with its rows of `members_of`, of whom `shown` are in the view."""
    room_id = str(row.id)
    seen = tuple(member_of(member, people) for member in members)
    return RoomView(
        room_id=room_id,
        tenant=row.tenant,
        name=display_name(row.name, room_id, viewer, seen, row.total),
        stored_name=row.name,
        private=bool(row.private),
        pair=row.pair is not None,
        has_read=row.read_count is not None and not row.unread,
        unread=row.unread or 0,
        active=not row.gone,
        last_offset=row.last_offset,
        created_by=row.created_by,
        created=row.created,
        member_count=row.total,
        members=seen if shown is None else seen[:shown],
        extra=orjson.loads(row.extra),
    )


def member_of(row: Any, people: People) -> MemberView:
    """A row of `members_of`."""
    person = people.get(row.user_id)
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
