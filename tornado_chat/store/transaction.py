"""One transaction of the writer: where messages get their numbers.

Lives in the writer's thread only. What is appended is kept in memory and written in bulk by
`flush`, before the commit or before anybody else's statements; what the group has numbered is
handed over only after the commit.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from tornado_chat.errors import TooLarge
from tornado_chat.messages import MEMBERS, Audience, Draft, Message, Posted, Signal, Topic
from tornado_chat.store import prepared
from tornado_chat.store.log import Epochs, message_of
from tornado_chat.store.members import MembersTx
from tornado_chat.store.models import MessageRow, TopicRow
from tornado_chat.store.prepared import execute
from tornado_chat.store.retries import Earlier, Keys, Paths, Retry

CACHED = 20_000  # topics, and member sets, remembered by the writer


@dataclass(slots=True)
class TopicState:
    """What the writer knows of a topic's row."""

    id: int
    count: int
    last_offset: int


@dataclass(slots=True)
class WriterMemory:
    """What outlives a transaction: true as long as nobody else writes and nothing is undone."""

    head: int = 0
    topics: dict[Topic, TopicState] = field(default_factory=dict)
    members: dict[int, frozenset[str]] = field(default_factory=dict)
    paths: Paths = field(default_factory=Paths)

    def forget(self) -> None:
        """After a rollback, or a commit by another process."""
        self.topics.clear()
        self.members.clear()
        self.paths.forget()


@dataclass(frozen=True, slots=True)
class Rules:
    """What a transaction needs to know of the house. `filter_draft` runs in the writer's thread."""

    epochs: Epochs = field(default_factory=lambda: Epochs([]))
    data_bytes: int = 65536  # [limits] frame_bytes, 0 for no limit
    pair_seconds: float = 10.0
    is_signal: Callable[[Topic], bool] = lambda _topic: False
    filter_draft: Callable[[Draft], Draft] = lambda draft: draft
    members_changed: Callable[[Topic], object] = lambda _topic: None  # on the loop, once committed
    thrown_away: Callable[[], object] = lambda: None  # the same of pages of the log
    clock: Callable[[], float] = time.time


class Tx:
    """What `work(tx)` is given: Peewee models may be used beside it, all or nothing.

    Work may be run twice (a group that failed is redone one by one), so it must touch nothing
    but the database and this object.
    """

    def __init__(self, memory: WriterMemory, rules: Rules) -> None:
        self._memory = memory
        self._rules = rules
        self.members = MembersTx(self)
        self.messages: list[Message] = []  # numbered, to be pushed after the commit
        self.signals: list[Signal] = []
        self.deferred: list[Callable[[], object]] = []
        self._rows: list[tuple[Any, ...]] = []
        self._addresses: list[tuple[str, int]] = []
        self._halves: list[tuple[Any, ...]] = []
        self._keys: Keys = {}
        self._own: dict[tuple[int, str], int] = {}
        self._dirty: dict[Topic, TopicState] = {}  # whose rows are behind
        self._touched: set[Topic] = set()  # whose states this transaction has looked at

    @property
    def now(self) -> int:
        """Milliseconds since 1970, UTC."""
        return int(self._rules.clock() * 1000)

    @property
    def head(self) -> int:
        """The last offset given, this transaction's own included; 0 for none."""
        return self._memory.head

    def members_change(self, topic: Topic) -> None:
        """Who remembers the members of that topic forgets them at the commit."""
        self.defer(lambda: self._rules.members_changed(topic))

    def thrown_away(self) -> None:
        """Who remembers pages of the log forgets them at the commit."""
        self.defer(self._rules.thrown_away)

    def defer(self, fn: Callable[[], object]) -> None:
        """`fn()` is called on the loop after the commit, before the work's caller goes on."""
        self.deferred.append(fn)

    def tell(self, topic: Topic, name: str, data: Mapping[str, Any], user: str) -> None:
        """A signal about the topic to the native sessions of this person, after the commit."""
        self.signals.append(Signal(topic, name, data, user, person=user))

    def publish(
        self,
        topic: Topic,
        data: Mapping[str, Any],
        *,
        audience: Audience = MEMBERS,
        sender: str | None = None,
        sender_name: str | None = None,
        key: str | None = None,
        digest: str = "",
    ) -> Message | None:
        """Numbers a message of the house in this transaction; it is pushed after the commit.

        None for a topic with `history = 0`, whose messages are signals. `key`: of the sender, gives
        the message that came before with it instead of a second one; `digest` tells whether it is
        the same, by default that of data and audience.
        """
        draft = self._rules.filter_draft(
            Draft(topic, data, audience, sender, sender_name, key, digest=digest)
        )
        if self._rules.is_signal(topic):
            self.signals.append(Signal(topic, "message", draft.data, sender, draft.audience))
            return None
        return self.append(draft).message

    def append(self, draft: Draft) -> Posted:
        """Numbers a draft, or finds the message that it repeats (design section 5 rule 8).

        Changes nothing where it raises: TooLarge for the data, Conflict for a key that came
        before with another body.
        """
        body = orjson.dumps(draft.data)
        if self._rules.data_bytes and len(body) > self._rules.data_bytes:
            raise TooLarge(
                f"publish {draft.topic.name}: {len(body)} bytes of data, "
                f"limits.frame_bytes allows {self._rules.data_bytes}"
            )
        state = self.state(draft.topic)
        retry = Retry(draft, state.id, body, self._keys) if draft.key or draft.pair else None
        earlier = retry and (retry.by_key() or self._other_half(retry, draft))
        if retry and earlier:
            found = self._message_at(earlier.offset, draft.topic) or self._gone(earlier, draft)
            retry.remember_key(found)
            return Posted(found, duplicate=True)
        message = self._number(draft, state, body)
        if retry:
            retry.remember_key(message)
        if retry and draft.pair:
            self._halves.append(retry.half(message))
            self._memory.paths.note(draft.pair, message.at)
        return Posted(message)

    def _other_half(self, retry: Retry, draft: Draft) -> Earlier | None:
        """The same by another path, while that makes a pair."""
        since = self.now - int(self._rules.pair_seconds * 1000)
        if draft.pair is None or not self._memory.paths.other(draft.pair, since):
            return None
        self._flush_halves()
        return retry.by_pair(since)

    def _number(self, draft: Draft, state: TopicState, body: bytes) -> Message:
        to_members = draft.audience.members
        members = self.members.ids(state.id) if to_members else None
        addresses = [] if to_members else draft.audience.addresses()
        self._memory.head += 1  # nothing raises from here on
        state.count += 1
        state.last_offset = self._memory.head
        self._dirty[draft.topic] = state
        message = Message(
            offset=self._memory.head,
            epoch=self._rules.epochs.today,
            topic=draft.topic,
            number=state.count,
            at=self.now,
            data=draft.data,
            audience=draft.audience,
            sender=draft.sender,
            sender_name=draft.sender_name,
            members=members,
        )
        self._rows.append(
            (
                message.offset,
                state.id,
                message.number,
                message.at,
                message.sender,
                message.sender_name,
                draft.audience.text(),
                body.decode(),
            )
        )
        self._addresses += [
            (qualified(draft.topic.tenant, address), message.offset) for address in addresses
        ]
        if message.members and draft.sender in message.members:
            own = (state.id, draft.sender)
            self._own[own] = self._own.get(own, 0) + 1
        self.messages.append(message)
        return message

    def _message_at(self, offset: int, topic: Topic) -> Message | None:
        for message in reversed(self.messages):
            if message.offset == offset:
                return message
        row = MessageRow.get_or_none(MessageRow.offset == offset)
        return None if row is None else message_of(row, topic, self._rules.epochs.of(offset))

    def _gone(self, earlier: Earlier, draft: Draft) -> Message:
        """One that was thrown away since: its publisher is answered all the same, and it does not
        come to life again. Its `number` is not known any more: 0."""
        return Message(
            offset=earlier.offset,
            epoch=self._rules.epochs.of(earlier.offset),
            topic=draft.topic,
            number=0,
            at=earlier.at,
            data=draft.data,
            audience=draft.audience,
            sender=draft.sender,
            sender_name=draft.sender_name,
        )

    def state(self, topic: Topic) -> TopicState:
        """The topic's row, created when it is new."""
        self._touched.add(topic)
        state = self._memory.topics.get(topic)
        if state is None:
            where = {"tenant": topic.tenant, "kind": topic.kind, "key": topic.key}
            row, _created = TopicRow.get_or_create(**where)  # type: ignore[no-untyped-call]
            state = TopicState(row.id, row.count, row.last_offset)
            if len(self._memory.topics) >= CACHED:
                self.flush()
                self._memory.topics.clear()
                self._memory.members.clear()  # `back_to` finds them by their topics
            self._memory.topics[topic] = state
        return state

    def member_sets(self) -> dict[int, frozenset[str]]:
        """The writer's memory of who belongs to which topic row; kept by `members`."""
        if len(self._memory.members) >= CACHED:
            self._memory.members.clear()
        return self._memory.members

    def flush(self) -> None:
        """Writes what was appended, so that queries of this transaction see it."""
        execute(prepared.new_messages, self._rows)
        execute(prepared.new_addresses, self._addresses)
        execute(prepared.own_messages, [(*own, count) for own, count in self._own.items()])
        if self._rows:
            execute(prepared.log_head, [(self._memory.head,)])
            ends = [(each.id, each.count, each.last_offset) for each in self._dirty.values()]
            execute(prepared.topic_ends, ends)
        self._flush_halves()
        execute(prepared.new_key, [asked + found for asked, found in self._keys.items()])
        self._rows, self._addresses, self._own, self._dirty = [], [], {}, {}
        self._keys = {}

    def _flush_halves(self) -> None:
        execute(prepared.new_half, self._halves)
        self._halves = []

    def mark(self) -> tuple[int, int, int, int]:
        """Where this transaction stands; only after a flush. See `back_to`."""
        self._touched = set()
        return len(self.messages), len(self.signals), len(self.deferred), self._memory.head

    def back_to(self, mark: tuple[int, int, int, int]) -> None:
        """Undoes in memory what a rolled-back savepoint undid in the database."""
        messages, signals, deferred, head = mark
        del self.messages[messages:], self.signals[signals:], self.deferred[deferred:]
        self._rows, self._addresses, self._own, self._dirty = [], [], {}, {}
        self._halves, self._keys = [], {}
        self._memory.head = head
        for topic in self._touched:  # only what this work has had in its hands may be wrong
            state = self._memory.topics.pop(topic, None)
            if state is not None:
                self._memory.members.pop(state.id, None)


def qualified(tenant: str, address: str) -> str:
    """An address as the log keeps it: tenants apart, by a character that no id holds."""
    return f"{tenant}\x1f{address}"
