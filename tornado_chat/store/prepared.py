"""Statements whose text Peewee writes once, for what is said with every message.

Peewee spends ten times as long on the text of an INSERT as SQLite on its rows. Many rows are one
statement and not `executemany`, which would take and release the interpreter once for each row and
wait for the loop's thread every time.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import peewee

from tornado_chat.store.models import (
    AddressRow,
    LogHead,
    MemberRow,
    MessageRow,
    PairingRow,
    PublishKeyRow,
    TopicRow,
    current_database,
)

ROWS = 256  # in one statement, a power of 2

Query = Callable[[int], Any]  # the Peewee query for so many rows; its parameters are theirs alone


def execute(query: Query, rows: Sequence[tuple[Any, ...]]) -> None:
    """Runs it with these rows, in the thread of a store; nothing where there are none. At most one
    statement for each power of 2 in their number."""
    database: Any = current_database.get()
    for some in _pieces(rows):
        text = _text(type(database).__name__, query, len(some))
        database.execute_sql(text, list(chain.from_iterable(some)))


def every(query: Query, rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """What it finds for these rows, or says of those it has made; in pieces as `execute`."""
    database: Any = current_database.get()
    for some in _pieces(rows):
        text = _text(type(database).__name__, query, len(some))
        yield from database.execute_sql(text, list(chain.from_iterable(some))).fetchall()


def first(query: Query, values: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The first row that it finds, None for none."""
    database: Any = current_database.get()
    cursor = database.execute_sql(_text(type(database).__name__, query, 1), values)
    found: tuple[Any, ...] | None = cursor.fetchone()
    return found


@functools.cache
def _text(_database: str, query: Query, count: int) -> str:
    text: str = query(count).sql()[0]
    return text


def _pieces(rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    """In sizes that are powers of 2, so that there are few texts to keep and to prepare."""
    first = 0
    while first < len(rows):
        size = min(ROWS, 1 << (len(rows) - first).bit_length() - 1)
        yield rows[first : first + size]
        first += size


def values(count: int, width: int) -> Any:
    """Rows to join with; SQLite and PostgreSQL both call their columns column1, column2 …"""
    return peewee.ValuesList([(0,) * width] * count).alias("given")


def insert(count: int, *fields: Any) -> Any:
    """So many rows of the table whose fields these are."""
    return fields[0].model.insert_many([(None,) * len(fields)] * count, fields=fields)


def new_messages(count: int) -> Any:
    """In the order of the table's columns."""
    return insert(
        count,
        MessageRow.offset,
        MessageRow.topic_id,
        MessageRow.number,
        MessageRow.at,
        MessageRow.sender,
        MessageRow.sender_name,
        MessageRow.audience,
        MessageRow.data,
    )


def new_addresses(count: int) -> Any:
    """Address, offset."""
    return insert(count, AddressRow.address, AddressRow.offset)


def own_messages(count: int) -> Any:
    """Topic row, user, how many more are his own."""
    given = values(count, 3)
    return (
        MemberRow.update(own_after=MemberRow.own_after + given.c.column3)
        .from_(given)
        .where(MemberRow.topic_id == given.c.column1, MemberRow.user_id == given.c.column2)
    )


def topic_ends(count: int) -> Any:
    """Topic row, count, last offset."""
    given = values(count, 3)
    return (
        TopicRow.update(count=given.c.column2, last_offset=given.c.column3)
        .from_(given)
        .where(TopicRow.id == given.c.column1)
    )


def log_head(_count: int) -> Any:
    """One row: the last offset given."""
    return LogHead.update(offset=0)


def key_of(_count: int) -> Any:
    """By user, topic row and key: digest, offset and time of what came with it."""
    found = PublishKeyRow.select(PublishKeyRow.digest, PublishKeyRow.offset, PublishKeyRow.at)
    return found.where(
        PublishKeyRow.user_id == "", PublishKeyRow.topic_id == 0, PublishKeyRow.key == ""
    )


def new_key(count: int) -> Any:
    """User, topic row, key, digest, offset, time; one that outlived its message is replaced."""
    return insert(
        count,
        PublishKeyRow.user_id,
        PublishKeyRow.topic_id,
        PublishKeyRow.key,
        PublishKeyRow.digest,
        PublishKeyRow.offset,
        PublishKeyRow.at,
    ).on_conflict_replace()


def half_of(_count: int) -> Any:
    """By scope, topic row, digest, path and time: id, offset and time of the oldest message since
    then that came by another path and has not been paired."""
    return (
        PairingRow.select(PairingRow.id, PairingRow.offset, PairingRow.at)
        .where(
            PairingRow.scope == "",
            PairingRow.topic_id == 0,
            PairingRow.digest == "",
            PairingRow.path != "",
            PairingRow.at >= 0,
            PairingRow.paired == peewee.SQL("0"),
        )
        .order_by(PairingRow.id)
    )


def new_half(count: int) -> Any:
    """Scope, topic row, digest, path, offset, time, and 0: nothing has been paired with it yet."""
    return insert(
        count,
        PairingRow.scope,
        PairingRow.topic_id,
        PairingRow.digest,
        PairingRow.path,
        PairingRow.offset,
        PairingRow.at,
        PairingRow.paired,
    )
