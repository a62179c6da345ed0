"""Who belongs to a topic, and what he has read of it: arithmetic on counters (rule 9).

Nothing here is written per message but the sender's own counter; nothing is read per member.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from peewee import fn

from tornado_chat.messages import Topic
from tornado_chat.store.models import MemberRow, MessageRow, TopicRow

if TYPE_CHECKING:
    from tornado_chat.store.transaction import TopicState, Tx

KNOWN = 500_000  # ids that are remembered on the loop


@dataclass(frozen=True, slots=True)
class Read:
    """What somebody has read of a topic: up to this offset; so many of others came after it."""

    offset: int
    unread: int


class MembersTx:
    """Members of topics, inside a transaction of the writer."""

    def __init__(self, tx: "Tx") -> None:
        self._tx = tx

    def ids(self, topic_id: int) -> frozenset[str]:
        """Everybody who belongs to the topic, those who left included: the next message brings
        them back. One query where the writer does not remember, none else."""
        known = self._tx.member_sets()
        if topic_id not in known:
            query = MemberRow.select(MemberRow.user_id).where(MemberRow.topic_id == topic_id)
            rows: Any = query.tuples()
            known[topic_id] = frozenset(user for (user,) in rows)
        return known[topic_id]

    def add(self, topic: Topic, users: Iterable[str], *, read: bool = False) -> None:
        """Makes them members; who is one stays as he is. `read`: he has seen the topic already."""
        state = self._state(topic)
        rows = [
            {
                "topic_id": state.id,
                "user_id": user,
                "joined_count": state.count,
                "read_count": state.count if read else None,
            }
            for user in users
        ]
        if rows:
            MemberRow.insert_many(rows).on_conflict_ignore().execute()
            self._forget(topic, state)

    def remove(self, topic: Topic, users: Iterable[str]) -> None:
        """Ends their membership: they no longer get, see or post. Ending the subscriptions of
        open sessions is the caller's (`server.revoke(user=…, topic=…)`)."""
        state = self._state(topic)
        MemberRow.delete().where(
            MemberRow.topic_id == state.id, MemberRow.user_id.in_(list(users))
        ).execute()
        self._forget(topic, state)

    def leave(self, topic: Topic, user: str) -> bool:
        """Leaves until the next message; False where he is no member or has left already."""
        state = self._state(topic)
        changed = (
            MemberRow.update(left_count=state.count)
            .where(*self._is(state.id, user), ~has_left(state.count))
            .execute()
        )
        return bool(changed)

    def restore(self, topic: Topic, users: Iterable[str]) -> None:
        """Undoes `leave`."""
        state = self._state(topic)
        MemberRow.update(left_count=None).where(
            MemberRow.topic_id == state.id, MemberRow.user_id.in_(list(users))
        ).execute()

    def read(self, topic: Topic, user: str, upto: int | None = None) -> Read | None:
        """He has read what there is, or what there is up to the offset `upto`; what he had read
        before stays read. His native sessions are told. None where he is no member.

        Costs what lies between; where some of that was thrown away, what lies after; never what
        lies before.
        """
        state = self._state(topic)
        row = MemberRow.get_or_none(*self._is(state.id, user))
        if row is None:
            return None
        number, offset = self._place(state, upto)
        before = row.joined_count if row.read_count is None else row.read_count
        own = row.own_after
        if number >= state.count:
            number, own = state.count, 0
        elif number > before:
            if self._pruned(state.id) > row.read_offset:  # they cannot all be counted any more
                own = self._own_between(state.id, user, offset, state.last_offset, number)
            else:
                own -= self._own_between(state.id, user, row.read_offset, offset, before)
        else:
            number, offset = before, row.read_offset
        read = Read(offset, max(0, state.count - number - own))
        if row.read_count is None or number > row.read_count:
            MemberRow.update(
                read_count=number, read_offset=offset, own_after=own, seen_at=self._tx.now
            ).where(*self._is(state.id, user)).execute()
            self._tx.tell(topic, "seen", {"offset": offset, "unread": read.unread}, user)
        return read

    def _forget(self, topic: Topic, state: "TopicState") -> None:
        self._tx.member_sets().pop(state.id, None)
        self._tx.members_change(topic)

    @staticmethod
    def _place(state: "TopicState", upto: int | None) -> tuple[int, int]:
        """Number and offset of the last message up to `upto`, also where it was thrown away."""
        if upto is None or upto >= state.last_offset:
            return state.count, state.last_offset
        query: Any = MessageRow.select(MessageRow.number).where(
            MessageRow.topic_id == state.id, MessageRow.offset > upto
        )
        following = query.order_by(MessageRow.offset).limit(1).scalar()
        return (state.count if following is None else following - 1), upto

    @staticmethod
    def _pruned(topic_id: int) -> int:
        return int(TopicRow.select(TopicRow.pruned).where(TopicRow.id == topic_id).scalar())

    @staticmethod
    def _own_between(topic_id: int, user: str, first: int, last: int, before: int) -> int:
        """How many of his own lie after number `before` and offset `first`, up to `last`."""
        return (
            MessageRow.select()
            .where(
                MessageRow.topic_id == topic_id,
                MessageRow.offset > first,
                MessageRow.offset <= last,
                MessageRow.number > before,
                MessageRow.sender == user,
                MessageRow.audience == "",
            )
            .count()
        )

    def _state(self, topic: Topic) -> "TopicState":
        self._tx.flush()  # the rows these statements look at
        return self._tx.state(topic)

    @staticmethod
    def _is(topic_id: int, user: str) -> tuple[Any, Any]:
        return MemberRow.topic_id == topic_id, MemberRow.user_id == user


class KnownMembers:
    """Who belongs to the topics that are in use: read once, then known until a commit changes it.
    On the loop, where commits are heard of: what it says is true as of the last one heard.

    `read(topic)`: asks the database.
    """

    def __init__(self, read: Callable[[Topic], Coroutine[Any, Any, frozenset[str]]]) -> None:
        self._read = read
        self._known: dict[Topic, frozenset[str]] = {}
        self._size = 0
        self._asked: dict[Topic, asyncio.Task[frozenset[str]]] = {}

    def get(self, topic: Topic) -> frozenset[str] | None:
        """None where it is not known."""
        return self._known.get(topic)

    async def find(self, topic: Topic) -> frozenset[str]:
        """By one query for all who ask at once."""
        asked = self._asked.get(topic)
        if asked is None:
            asked = self._asked[topic] = asyncio.ensure_future(self._read(topic))
            asked.add_done_callback(lambda done: self._learn(topic, done))
        return await asyncio.shield(asked)  # who gives up takes nobody with him

    def _learn(self, topic: Topic, done: "asyncio.Task[frozenset[str]]") -> None:
        if self._asked.get(topic) is not done:  # changed meanwhile
            return
        del self._asked[topic]
        if done.cancelled() or done.exception() is not None:
            return
        members = done.result()
        if self._size + len(members) > KNOWN:
            self.forget_all()
        if members:  # anybody may ask for topics that are not there
            self._known[topic] = members
            self._size += len(members)

    def forget(self, topic: Topic) -> None:
        """Somebody came or went."""
        self._asked.pop(topic, None)
        self._size -= len(self._known.pop(topic, ()))

    def forget_all(self) -> None:
        """Another process has written."""
        self._asked.clear()
        self._known.clear()
        self._size = 0


def has_left(count: Any) -> Any:
    """SQL: the member left, and no message has come since. `count`: the topic's, or its field."""
    return MemberRow.left_count.is_null(False) & (MemberRow.left_count >= count)


def unread() -> Any:
    """SQL: how many messages of others came after what he has read; at least 0."""
    base = fn.COALESCE(MemberRow.read_count, MemberRow.joined_count)
    return fn.MAX(TopicRow.count - base - MemberRow.own_after, 0)


def members_of(topic: Topic) -> frozenset[str]:
    """Everybody who belongs to the topic, by one query, in a reader's thread."""
    query: Any = (
        MemberRow.select(MemberRow.user_id)
        .join(TopicRow, on=(TopicRow.id == MemberRow.topic_id))
        .where(
            TopicRow.tenant == topic.tenant,
            TopicRow.kind == topic.kind,
            TopicRow.key == topic.key,
        )
    )
    return frozenset(user for (user,) in query.tuples())
