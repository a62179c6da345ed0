"""What the log holds for one person after a position: addressed to him, or said in his topics.

A few queries whatever the number of his topics, none that walks the log, and no page that sorts
all he has missed. Runs in the threads of the readers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from peewee import chunked, fn

from tornado_chat.messages import Topic
from tornado_chat.store.models import (
    AddressPrunedRow,
    AddressRow,
    MemberRow,
    MessageRow,
    TopicRow,
)
from tornado_chat.store.prepared import every

WINDOW = 4096  # offsets that are looked through at first
WIDER = 4  # each window is so many times as wide as the one before
TOPICS = 5000  # in one query


@dataclass(frozen=True, slots=True)
class Selection:
    """Which messages a subscription is about: one topic, or all that is addressed to a person.

    `addresses`: tenant-qualified (`transaction.qualified`); `member`: (tenant, user id) whose
    topics count too, from when he joined. `unread_only`: of those topics nothing that he has read,
    wrote himself, or left behind.
    """

    topic: Topic | None = None
    addresses: tuple[str, ...] = ()
    member: tuple[str, str] | None = None
    unread_only: bool = False


def offsets_after(offset: int, selection: Selection, limit: int, upto: int) -> list[int]:
    """The lowest `limit` offsets in (offset, upto] that are for the person."""
    found: set[int] = set()
    for address in selection.addresses:  # the person, his groups, his tenant: a handful
        rows = every(_lowest, [(address, offset, upto, limit)])
        found.update(number for (number,) in rows)
    if selection.member:
        found.update(_after_as_member(offset, selection, limit, upto))
    return sorted(found)[:limit]


def offsets_before(offset: int, selection: Selection, limit: int, position: int) -> list[int]:
    """The highest `limit` offsets in (position, offset) that are for the person, highest first."""
    found: set[int] = set()
    for address in selection.addresses:
        rows = every(_highest, [(address, position, offset - 1, limit)])
        found.update(number for (number,) in rows)
    if selection.member:
        found.update(_before_as_member(offset, selection, limit, position))
    return sorted(found, reverse=True)[:limit]


def pruned(selection: Selection) -> int:
    """The highest offset for the person that was thrown away, 0 for none."""
    found = list(every(_pruned_of, [(address,) for address in selection.addresses]))
    if selection.member:
        tenant, user = selection.member
        found += every(_pruned_topics, [(user, tenant)])
    return max((highest or 0 for (highest,) in found), default=0)


def _after_as_member(offset: int, selection: Selection, limit: int, upto: int) -> list[int]:
    """By windows of offsets, each wider than the one before: a quiet stretch of the log is crossed
    in a few steps, a busy one is read no further than the page needs."""
    topics = _topics(selection, offset)
    found: list[int] = []
    width = WINDOW
    while topics and offset < upto and len(found) < limit:
        last = min(upto, offset + width)
        rows = _said_in(topics, offset, last, limit)
        found += [number for number, topic_id, nth in rows if nth > topics[topic_id]]
        if len(rows) == limit:
            offset = rows[-1][0]
        else:
            offset, width = last, width * WIDER
    return found[:limit]


def _before_as_member(offset: int, selection: Selection, limit: int, position: int) -> list[int]:
    """The same, the other way."""
    topics = _topics(selection, position)
    found: list[int] = []
    width = WINDOW
    while topics and offset - 1 > position and len(found) < limit:
        first = max(position, offset - 1 - width)
        rows = _said_in(topics, first, offset - 1, limit, newest=True)
        found += [number for number, topic_id, nth in rows if nth > topics[topic_id]]
        if len(rows) == limit:
            offset = rows[-1][0]
        else:
            offset, width = first + 1, width * WIDER
    return found[:limit]


def _topics(selection: Selection, offset: int) -> dict[int, int]:
    """His topics in which something was said after `offset`, each with the number of the last
    message there that is not for him any more."""
    tenant, user = selection.member or ("", "")
    rows = every(_topics_of, [(user, tenant, offset)])
    if not selection.unread_only:
        return {topic_id: joined for topic_id, joined, _read, _left in rows}
    return {topic_id: max(joined, read or 0, left or 0) for topic_id, joined, read, left in rows}


def _said_in(
    topics: Iterable[int], offset: int, last: int, limit: int, *, newest: bool = False
) -> list[tuple[int, int, int]]:
    """(offset, topic, number) of the lowest `limit` messages for the members of these topics, or
    of the highest, highest first.

    The topics are named, not joined: with a join SQLite walks the log once for each of them.
    """
    found: list[tuple[int, int, int]] = []
    for some in chunked(topics, TOPICS):
        query = MessageRow.select(MessageRow.offset, MessageRow.topic_id, MessageRow.number).where(
            MessageRow.topic_id.in_(some),
            MessageRow.offset > offset,
            MessageRow.offset <= last,
            MessageRow.audience == "",
        )
        # Sorted by an expression: by the key itself SQLite would rather walk the window
        place = MessageRow.offset + 0
        ordered: Any = query.order_by(place.desc() if newest else place).limit(limit).tuples()
        found += list(ordered)
    return sorted(found, reverse=newest)[:limit]


# Statements whose text is made once: everybody who comes back asks all of them


def _addressed(*order: Any) -> Any:
    query = AddressRow.select(AddressRow.offset).where(
        AddressRow.address == "", AddressRow.offset > 0, AddressRow.offset <= 0
    )
    return query.order_by(*order).limit(1)


def _lowest(_count: int) -> Any:
    """By address, the offset after which, up to which, and how many."""
    return _addressed(AddressRow.offset)


def _highest(_count: int) -> Any:
    """The same, highest first."""
    return _addressed(AddressRow.offset.desc())


def _pruned_of(count: int) -> Any:
    """Of so many addresses: the highest offset, NULL for none."""
    highest = AddressPrunedRow.select(fn.MAX(AddressPrunedRow.offset))
    return highest.where(AddressPrunedRow.address.in_([""] * count))


def _pruned_topics(_count: int) -> Any:
    """By user and tenant."""
    return (
        TopicRow.select(fn.MAX(TopicRow.pruned))
        .join(MemberRow, on=(MemberRow.topic_id == TopicRow.id))
        .where(MemberRow.user_id == "", TopicRow.tenant == "")
    )


def _topics_of(_count: int) -> Any:
    """By user, tenant and offset: those in which something was said after it."""
    return (
        MemberRow.select(
            MemberRow.topic_id, MemberRow.joined_count, MemberRow.read_count, MemberRow.left_count
        )
        .join(TopicRow, on=(TopicRow.id == MemberRow.topic_id))
        .where(MemberRow.user_id == "", TopicRow.tenant == "", TopicRow.last_offset > 0)
    )
