"""Throwing old messages away: which topics have too old ones, and one small step of the deletion.

Of each topic the oldest go first, so that what is kept has no holes; a message from a clock that
went wrong keeps those behind it. Nothing here walks the log: a topic costs one look at its oldest
message, a step costs as many as it takes away. Finding runs in a reader's thread, `delete` in the
writer's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from peewee import EXCLUDED, Select, Table, Tuple, ValuesList, chunked, fn

from tornado_chat.messages import Audience, Topic
from tornado_chat.store.models import AddressPrunedRow, AddressRow, MessageRow, TopicRow
from tornado_chat.store.transaction import Tx, qualified

ROWS = 500  # in one statement


@dataclass(frozen=True, slots=True)
class Oldest:
    """A topic that has messages: how many were ever numbered, and the oldest that is left."""

    topic_id: int
    topic: Topic
    count: int
    number: int
    at: int


@dataclass(frozen=True, slots=True)
class Excess:
    """What of a topic is to go: the messages up to `number`, and those from before `at`
    (milliseconds since 1970, UTC); 0 for none."""

    topic_id: int
    number: int
    at: int


@dataclass(frozen=True, slots=True)
class Gone:
    """A message to be thrown away; `audience` as the log keeps it."""

    offset: int
    topic_id: int
    tenant: str
    audience: str


def oldest(kinds: Sequence[str], after: int, limit: int) -> list[Oldest]:
    """The next `limit` topics of these kinds that have messages, in the order of their rows, behind
    the row `after`."""
    first = _nearest(TopicRow.id)
    query: Any = (
        TopicRow.select(
            TopicRow.id,
            TopicRow.tenant,
            TopicRow.kind,
            TopicRow.key,
            TopicRow.count,
            MessageRow.number,
            MessageRow.at,
        )
        .join(MessageRow, on=(MessageRow.offset == first))
        .where(TopicRow.id > after, TopicRow.kind.in_(list(kinds)))
        .order_by(TopicRow.id)
        .limit(limit)
    )
    return [
        Oldest(topic_id, Topic(tenant, kind, key), count, number, at)
        for topic_id, tenant, kind, key, count, number, at in query.tuples()
    ]


def next_gone(excess: Sequence[Excess], upto: int, limit: int) -> list[Gone]:
    """At most `limit` of the messages that are to go, in order, of each topic its oldest; none
    with an offset above `upto`. Looks at no message behind the first of its topic that stays."""
    bounds = ValuesList([(one.topic_id, one.number, one.at) for one in excess], alias="excess")
    names = ("topic_id", "number", "at", "offset", "audience")
    walk: Any = Table("walk", names)
    first = _step(bounds, bounds.c.column1, bounds.c.column2, bounds.c.column3, upto)
    then = _step(walk, walk.topic_id, walk.number, walk.at, upto, walk.offset)
    steps = first.union_all(then).limit(limit).cte("walk", recursive=True, columns=names)
    query: Any = (
        TopicRow.select(steps.c.offset, steps.c.topic_id, TopicRow.tenant, steps.c.audience)
        .join(steps, on=(TopicRow.id == steps.c.topic_id))
        .order_by(steps.c.offset)
        .with_cte(steps)
    )
    return [Gone(*row) for row in query.tuples()]


def _step(source: Any, topic_id: Any, number: Any, at: Any, upto: int, after: Any = None) -> Any:
    """SQL: of each topic in `source` the first message behind `after`, where it is to go."""
    message = MessageRow.alias()
    columns = [topic_id, number, at, message.offset, message.audience]
    too_old = (message.number <= number) | (message.at < at)
    return (
        Select([source], columns)
        .join(message, on=(message.offset == _nearest(topic_id, after)))
        .where(too_old, message.offset <= upto)
    )


def _nearest(topic_id: Any, after: Any = None) -> Any:
    """SQL: the lowest offset of a topic, or the lowest behind `after`."""
    each = MessageRow.alias("each")
    lowest = each.select(fn.MIN(each.offset)).where(each.topic_id == topic_id)
    return lowest if after is None else lowest.where(each.offset > after)


def delete(tx: Tx, gone: Sequence[Gone]) -> None:
    """Deletes these messages, at most 500, and what leads to them; writes down up to where, for
    each topic and each address."""
    tx.thrown_away()
    topics: dict[int, int] = {}
    pairs: list[tuple[str, int]] = []
    for one in sorted(gone, key=lambda one: one.offset):
        topics[one.topic_id] = one.offset
        addresses = Audience.from_text(one.audience).addresses()
        pairs += [(qualified(one.tenant, address), one.offset) for address in addresses]
    MessageRow.delete().where(MessageRow.offset.in_([one.offset for one in gone])).execute()
    _note_topics(list(topics.items()))
    for some in chunked(pairs, ROWS):
        _delete_addresses(some)
    for some in chunked(dict(pairs).items(), ROWS):  # of each the last, the highest
        _note_addresses(some)


def _delete_addresses(pairs: Sequence[tuple[str, int]]) -> None:
    values = ValuesList(pairs, alias="gone")
    # cast, or SQLite compares with what has no type, and walks the table for it
    columns = [values.c.column1.cast("TEXT"), values.c.column2.cast("BIGINT")]
    pair = Tuple(AddressRow.address, AddressRow.offset)
    AddressRow.delete().where(pair.in_(Select([values], columns))).execute()


def _note_topics(pairs: Sequence[tuple[int, int]]) -> None:
    values = ValuesList(pairs, alias="gone")
    higher = fn.MAX(TopicRow.pruned, values.c.column2)
    TopicRow.update(pruned=higher).from_(values).where(TopicRow.id == values.c.column1).execute()


def _note_addresses(pairs: Sequence[tuple[str, int]]) -> None:
    fields = [AddressPrunedRow.address, AddressPrunedRow.offset]
    higher = fn.MAX(AddressPrunedRow.offset, EXCLUDED.offset)
    AddressPrunedRow.insert_many(pairs, fields=fields).on_conflict(
        conflict_target=[AddressPrunedRow.address], update={AddressPrunedRow.offset: higher}
    ).execute()
