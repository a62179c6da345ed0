"""The rows of state topics: the items of lists that others watch, each with its version.

Used inside the work of a transaction only; publishes nothing (see `tornado_chat.state`).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import orjson
from peewee import AutoField, BigIntegerField, CharField, IntegerField, TextField

from tornado_chat.messages import Topic
from tornado_chat.store.log import is_topic
from tornado_chat.store.models import StoreModel, TopicRow
from tornado_chat.store.prepared import execute, first, insert, values


class StateItem(StoreModel):
    """One item of one state topic. `id` rises with the order in which items came.

    `version`: the one last published. `heard`: the highest that a source has named, never below
    `version`; it is above where a newer version brought the same content. `place`: what the list
    is ordered by before `id`, empty where it is ordered by arrival. `deleted`: 0, or when it was
    deleted, milliseconds since 1970, UTC: such a row is a tombstone, which keeps a late older
    version from bringing the item back.
    """

    id = AutoField()
    topic_id = IntegerField()
    item_id = CharField(128)
    version = BigIntegerField()
    heard = BigIntegerField()
    place = CharField(64, default="")
    deleted = BigIntegerField(default=0)
    data = TextField()

    class Meta:
        table_name = "state_item"
        indexes = (
            (("topic_id", "item_id"), True),
            (("topic_id", "deleted", "place", "id"), False),
        )


class Item(NamedTuple):
    """What is looked at of a row before it is changed."""

    id: int
    version: int
    heard: int
    deleted: int
    data: str


def find(topic_id: int, item_id: str) -> Item | None:
    """The row of an item, which may be a tombstone."""
    row = first(item_of, (topic_id, item_id))
    return None if row is None else Item(*row)


def put(row: Item | None, topic_id: int, item_id: str, version: int, place: str, data: str) -> None:
    """Stores an item as it is now. An item that comes back after its deletion is a new one."""
    if row is not None and not row.deleted:
        execute(changed_items, [(row.id, version, place, data)])
        return
    if row is not None:
        StateItem.delete().where(StateItem.id == row.id).execute()
    execute(new_items, [(topic_id, item_id, version, version, place, 0, data)])


def bury(row: Item | None, topic_id: int, item_id: str, version: int, now: int) -> None:
    """Leaves a tombstone, also for an item that was never there."""
    left = {"version": version, "heard": version, "place": "", "data": "", "deleted": now}
    if row is not None:
        StateItem.update(left).where(StateItem.id == row.id).execute()
    else:
        StateItem.insert(topic_id=topic_id, item_id=item_id, **left).execute()


def hear(row: Item, version: int) -> None:
    """Remembers that a newer version had the same content."""
    StateItem.update(heard=version).where(StateItem.id == row.id).execute()


def clear_tombstones(topic_id: int, before: int) -> int:
    """Throws away the tombstones of a topic that are older than `before`."""
    old = (StateItem.deleted > 0) & (StateItem.deleted < before)
    return int(StateItem.delete().where(StateItem.topic_id == topic_id, old).execute())


def items(topic: Topic, limit: int | None = None) -> list[dict[str, Any]]:
    """The items of a topic, newest first, each with its version."""
    row: Any = TopicRow.get_or_none(*is_topic(topic))
    if row is None:
        return []
    query = StateItem.select(StateItem.data, StateItem.version).where(
        StateItem.topic_id == row.id, StateItem.deleted == 0
    )
    query = query.order_by(StateItem.place.desc(), StateItem.id.desc()).limit(limit)
    return [decode(data, version) for data, version in cast("Any", query.tuples())]


def encode(item: Mapping[str, Any]) -> str:
    """An item as text that is equal for equal content."""
    return orjson.dumps(item, option=orjson.OPT_SORT_KEYS).decode()


def decode(data: str, version: int) -> dict[str, Any]:
    """The inverse of `encode`, with the item's version."""
    return {**orjson.loads(data), "version": version}


# Written once, see `prepared`.


def item_of(_count: int) -> Any:
    """By topic row and item: an `Item`."""
    found = StateItem.select(
        StateItem.id, StateItem.version, StateItem.heard, StateItem.deleted, StateItem.data
    )
    return found.where(StateItem.topic_id == 0, StateItem.item_id == "")


def changed_items(count: int) -> Any:
    """Row, version, place, data."""
    given = values(count, 4)
    version, place, data = given.c.column2, given.c.column3, given.c.column4
    return (
        StateItem.update(version=version, heard=version, place=place, data=data)
        .from_(given)
        .where(StateItem.id == given.c.column1)
    )


def new_items(count: int) -> Any:
    """Topic row, item, version, heard, place, deleted, data."""
    return insert(
        count,
        StateItem.topic_id,
        StateItem.item_id,
        StateItem.version,
        StateItem.heard,
        StateItem.place,
        StateItem.deleted,
        StateItem.data,
    )
