"""Where consumers are in the log, and what comes next for one.

Positions are written in the writer's transactions; pages are read in a reader's thread.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from peewee import fn

from tornado_chat.messages import Message, Topic
from tornado_chat.store.log import LogReader, message_of
from tornado_chat.store.models import ConsumerRow, MessageRow, TopicRow
from tornado_chat.store.transaction import Tx

SCAN = 2000  # messages that one page looks through, so that a rare kind keeps no reader for long


@dataclass(frozen=True, slots=True)
class Stretch:
    """Messages in order; between the last of them and `reached` is none of the kinds. `head`: the
    end of the log at that moment."""

    messages: list[Message]
    reached: int
    head: int


def position_of(name: str) -> int | None:
    """Up to where a consumer has come; None for one that was never there."""
    position: int | None = (
        ConsumerRow.select(ConsumerRow.position).where(ConsumerRow.name == name).scalar()
    )
    return position


def begin(tx: Tx, name: str, position: int) -> int:
    """Where the consumer is: at `position` if it was never there."""
    found = position_of(name)
    if found is None:
        ConsumerRow.create(name=name, position=position, at=tx.now)
    return position if found is None else found


def move(tx: Tx, name: str, position: int) -> None:
    """Everything up to `position` is done, once this transaction is committed."""
    ConsumerRow.update(position=position, at=tx.now).where(ConsumerRow.name == name).execute()


def stretch_after(
    log: LogReader, position: int, kinds: Collection[str] | None, limit: int
) -> Stretch:
    """What comes after the position, at most `limit` messages of the kinds (None: of all)."""
    head = log.head()
    after = MessageRow.offset > position
    first = MessageRow.select(fn.MIN(MessageRow.offset)).where(after).scalar()
    if first is None:
        return Stretch([], max(head, position), head)
    upto = min(head, first + SCAN - 1)
    query = (
        MessageRow.select(MessageRow, TopicRow)
        .join(TopicRow, on=(TopicRow.id == MessageRow.topic_id), attr="topic")
        .where(after, MessageRow.offset <= upto)
        .order_by(MessageRow.offset)
        .limit(limit)
    )
    if kinds is not None:
        query = query.where(TopicRow.kind.in_(list(kinds)))
    messages = [_message(log, row) for row in query]
    return Stretch(messages, messages[-1].offset if len(messages) == limit else upto, head)


def _message(log: LogReader, row: Any) -> Message:
    topic = Topic(row.topic.tenant, row.topic.kind, row.topic.key)
    return message_of(row, topic, log.epochs.of(row.offset))


def pruned_of(kinds: Collection[str] | None) -> int:
    """The highest offset that was thrown away of messages of the kinds, 0 for none."""
    query = TopicRow.select(fn.MAX(TopicRow.pruned))
    if kinds is not None:
        query = query.where(TopicRow.kind.in_(list(kinds)))
    return int(query.scalar() or 0)
