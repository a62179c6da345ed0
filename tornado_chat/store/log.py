"""Reading the one log: pages of a topic, and all that is meant for somebody after a position.

Runs in the threads of the readers. The epoch of a message is found by its offset, since each
stretch of the log begins where the one before ends.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from tornado_chat.messages import Audience, Message, Topic
from tornado_chat.store import addressed
from tornado_chat.store.addressed import Selection
from tornado_chat.store.models import (
    EpochRow,
    LogHead,
    MemberRow,
    MessageRow,
    TopicRow,
)
from tornado_chat.store.prepared import every, first

LAST = 2**63 - 1  # no offset is above it


@dataclass(frozen=True, slots=True)
class Page:
    """Messages in order, and how far was looked: nothing selected lies between the last of them
    and `reached`. `pruned`: the highest offset of the selection that was thrown away, 0 for none:
    who stands before it has missed something. `size`: of their data, in characters."""

    messages: list[Message]
    reached: int
    pruned: int = 0
    size: int = 0


class Epochs:
    """The stretches of the log, oldest first."""

    def __init__(self, rows: Sequence[tuple[int, str]]) -> None:
        self._firsts = [first for first, _name in rows]
        self._names = [name for _first, name in rows]

    @classmethod
    def load(cls) -> "Epochs":
        query = EpochRow.select(EpochRow.first_offset, EpochRow.name)
        rows: Any = query.order_by(EpochRow.first_offset, EpochRow.begun).tuples()
        return cls(list(rows))

    @property
    def today(self) -> str:
        """The epoch that is being written."""
        return self._names[-1] if self._names else ""

    def of(self, offset: int) -> str:
        """The epoch in which the offset was given: the last that began before it."""
        place = bisect_left(self._firsts, offset) - 1
        return self._names[place] if place >= 0 else ""

    def agree(self, epoch: str, offset: int, head: int) -> bool:
        """Whether this log is the one in which somebody got to `offset` in that epoch: it lies in
        the epoch's stretch, both ends included. 0 is the beginning, in any. `head`: the last offset
        given."""
        if offset == 0:
            return True
        if epoch not in self._names:
            return False
        place = self._names.index(epoch)
        last = self._firsts[place + 1] if place + 1 < len(self._firsts) else head
        return self._firsts[place] <= offset <= last


class LogReader:
    """The log as one process reads it."""

    def __init__(self, epochs: Epochs) -> None:
        self.epochs = epochs

    def after(self, offset: int, selection: Selection, limit: int, upto: int) -> Page:
        """At most `limit` messages of the selection with an offset in (offset, upto]. Ask for it in
        a transaction, so that messages and `pruned` are of one moment."""
        if selection.topic is not None:
            return self._after_in_topic(offset, selection.topic, limit, upto)
        offsets = addressed.offsets_after(offset, selection, limit, upto)
        reached = offsets[-1] if len(offsets) == limit else upto
        return Page(self.get_many(offsets), reached, addressed.pruned(selection))

    def before(self, offset: int, selection: Selection, limit: int, position: int) -> list[Message]:
        """The newest `limit` messages for a person with an offset in (position, offset), in
        order."""
        return self.get_many(addressed.offsets_before(offset, selection, limit, position))

    def pruned(self, selection: Selection) -> int:
        """The highest offset of the selection that was thrown away, 0 for none."""
        if selection.topic is None:
            return addressed.pruned(selection)
        row = first(_topic_row, selection.topic)
        return int(row[1]) if row else 0

    def everything_after(self, offset: int, limit: int) -> list[Message]:
        """The log itself: what the hub reads when a ring was missed."""
        query = self._joined().where(MessageRow.offset > offset)
        rows = list(query.order_by(MessageRow.offset).limit(limit))
        for_members = {row.topic_id for row in rows if not row.audience}
        members: dict[int, list[tuple[str, int]]] = {topic_id: [] for topic_id in for_members}
        belong = MemberRow.select(MemberRow.topic_id, MemberRow.user_id, MemberRow.joined_count)
        found: Any = belong.where(MemberRow.topic_id.in_(list(for_members))).tuples()
        for topic_id, user, joined in found:
            members[topic_id].append((user, joined))
        return [
            replace(message, members=_before(row.number, members[row.topic_id]))
            if row.topic_id in members
            else message
            for row, message in zip(rows, self._messages(rows), strict=True)
        ]

    def page(
        self,
        topic: Topic,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
        skip: int = 0,
    ) -> tuple[list[Message], bool]:
        """A page of history, oldest first, and whether there is more in that direction.

        `after` None: the newest before `before` (None: before the end); else the oldest after it,
        passing over `skip`.
        """
        row = first(_topic_row, topic)
        if row is None:
            return [], False
        query, skip = (_newest, 0) if after is None else (_oldest, skip)
        bounds = (row[0], after or 0, LAST if before is None else before)
        rows = list(every(query, [(*bounds, limit + 1, skip)]))
        more = len(rows) > limit
        rows = rows[:limit][::-1] if after is None else rows[:limit]
        return self._said(topic, rows), more

    def get(self, offset: int) -> Message | None:
        """The message with that number, of whichever tenant: the caller asks the gate."""
        found = self._messages(self._joined().where(MessageRow.offset == offset))
        return found[0] if found else None

    def get_many(self, offsets: Sequence[int]) -> list[Message]:
        """The messages with those numbers that are still there, in order."""
        if not offsets:
            return []
        query = self._joined().where(MessageRow.offset.in_(list(offsets)))
        return self._messages(query.order_by(MessageRow.offset))

    def head(self) -> int:
        """The last offset given that this connection can see, 0 for none."""
        return int(LogHead.select(LogHead.offset).scalar() or 0)

    def _after_in_topic(self, offset: int, topic: Topic, limit: int, upto: int) -> Page:
        row = first(_topic_row, topic)
        if row is None:
            return Page([], upto)
        topic_id, pruned = row
        rows = list(every(_oldest, [(topic_id, offset, upto + 1, limit, 0)]))
        messages = self._said(topic, rows)
        reached = messages[-1].offset if len(messages) == limit else upto
        return Page(messages, reached, pruned, sum(len(row[-1]) for row in rows))

    def _said(self, topic: Topic, rows: Sequence[tuple[Any, ...]]) -> list[Message]:
        epoch = self.epochs.of
        return [
            Message(offset, epoch(offset), topic, number, at, orjson.loads(data),
                    Audience.from_text(audience), sender, sender_name)
            for offset, number, at, sender, sender_name, audience, data in rows
        ]  # fmt: skip

    @staticmethod
    def _joined() -> Any:
        return MessageRow.select(MessageRow, TopicRow).join(
            TopicRow, on=(TopicRow.id == MessageRow.topic_id), attr="topic"
        )

    def _messages(self, query: Any) -> list[Message]:
        return [
            message_of(
                row,
                Topic(row.topic.tenant, row.topic.kind, row.topic.key),
                self.epochs.of(row.offset),
            )
            for row in query
        ]


def _before(number: int, members: list[tuple[str, int]]) -> frozenset[str]:
    """Who had joined when that message was numbered: those who came later are not given it."""
    return frozenset(user for user, joined in members if joined < number)


def is_topic(topic: Topic) -> tuple[Any, Any, Any]:
    """SQL: the row of this topic."""
    return (
        TopicRow.tenant == topic.tenant,
        TopicRow.kind == topic.kind,
        TopicRow.key == topic.key,
    )


# Statements whose text is made once


def _topic_row(_count: int) -> Any:
    """By tenant, kind and key: id and `pruned`."""
    return TopicRow.select(TopicRow.id, TopicRow.pruned).where(*is_topic(Topic("", "", "")))


def _page(*order: Any) -> Any:
    columns = (
        MessageRow.offset,
        MessageRow.number,
        MessageRow.at,
        MessageRow.sender,
        MessageRow.sender_name,
        MessageRow.audience,
        MessageRow.data,
    )
    query = MessageRow.select(*columns).where(
        MessageRow.topic_id == 0, MessageRow.offset > 0, MessageRow.offset < 0
    )
    return query.order_by(*order).limit(1).offset(1)


def _oldest(_count: int) -> Any:
    """By topic row, the offset after which, before which, how many, how many of them not."""
    return _page(MessageRow.offset)


def _newest(_count: int) -> Any:
    """The same, newest first."""
    return _page(MessageRow.offset.desc())


def message_of(row: Any, topic: Topic, epoch: str) -> Message:
    """A row of the log as the value that travels."""
    return Message(
        offset=row.offset,
        epoch=epoch,
        topic=topic,
        number=row.number,
        at=row.at,
        data=orjson.loads(row.data),
        audience=Audience.from_text(row.audience),
        sender=row.sender,
        sender_name=row.sender_name,
    )
