"""Who listens: topic -> subscriptions, and person, group, tenant -> sessions; hands every message
to those it is for, encoded once per dialect.

It delivers only the direct successor of the last offset it took (rule 2); anything else makes it
ask for the log. It never awaits, knows no Tornado, and looks at no socket that a message is not
for. A fan-out longer than a slice gives the loop a turn in between.
"""

import logging
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from tornado_chat.messages import Identity, Message, Topic
from tornado_chat.outbox import Outbox
from tornado_chat.protocol import text_frame
from tornado_chat.session import Session, Subscription, Wire
from tornado_chat.store import Signal

log = logging.getLogger("tornado_chat.session")

SLICE = 1000  # deliveries in one turn of the loop

Subscriptions = dict[Subscription, None]  # a set that keeps its order


class Hub:
    """`call_soon(fn)`: runs fn in a later turn of the loop. `missed()`: the log must be read, for
    something was not the successor. `fell_behind(session)`: it has to catch up from the log.
    `visible(topic)`: how the topic's provider tells whether a person may see one of its messages;
    None where the audience alone says it."""

    def __init__(
        self,
        *,
        call_soon: Callable[[Callable[[], None]], object],
        missed: Callable[[], None],
        fell_behind: Callable[[Session], None],
        visible: Callable[[Topic], Callable[[Identity, Message], bool] | None],
    ) -> None:
        self._call_soon = call_soon
        self.missed = missed
        self._fell_behind = fell_behind
        self._visible = visible
        self.mark = 0  # the last offset whose delivery has begun
        self.accepted = 0  # the last offset that was taken for delivery
        self._by_topic: dict[Topic, Subscriptions] = defaultdict(dict)
        self._by_tenant: dict[str, dict[str, Subscriptions]] = defaultdict(dict)
        self._by_group: dict[tuple[str, str], Subscriptions] = defaultdict(dict)
        self._by_user: dict[tuple[str | None, str], dict[Session, None]] = defaultdict(dict)
        self._waiting: deque[Message | Signal] = deque()
        self._current: Message | Signal | None = None
        self._targets: Iterator[Subscription] = iter(())
        self._frames: dict[Wire, bytes | None] = {}
        self._check: Callable[[Identity, Message], bool] | None = None
        self._dirty: list[Outbox] = []
        self.session_count = 0
        self.looked_at = 0  # subscriptions looked at, counted for tests and metrics
        self.encoded = 0  # encodings made

    # Sessions and subscriptions

    def enter(self, session: Session) -> None:
        """A session that was let in."""
        self.session_count += 1
        self._by_user[session.identity.tenant, session.identity.user_id][session] = None

    def leave(self, session: Session) -> None:
        """Its socket is gone: it and its subscriptions are forgotten."""
        for topic in list(session.subscriptions):
            self.unsubscribe(session, topic)
        session.outbox.close()
        person = (session.identity.tenant, session.identity.user_id)
        sessions = self._by_user.get(person, {})
        if sessions.pop(session, session) is None:
            self.session_count -= 1
        if not sessions:
            self._by_user.pop(person, None)

    def subscribe(self, session: Session, topic: Topic | None, position: int) -> Subscription:
        """Registers it behind at `position`; it gets live by `catch_up`. Replaces an older one."""
        self.unsubscribe(session, topic)
        subscription = Subscription(session, topic, position)
        session.subscriptions[topic] = subscription
        for index, key in self._places(subscription):
            index.setdefault(key, {})[subscription] = None
        return subscription

    def unsubscribe(self, session: Session, topic: Topic | None) -> bool:
        """False where there was none."""
        subscription = session.subscriptions.pop(topic, None)
        if subscription is None:
            return False
        subscription.ended = True
        for index, key in self._places(subscription):
            place = index.get(key, {})
            place.pop(subscription, None)
            if not place:
                index.pop(key, None)
        return True

    def _places(self, subscription: Subscription) -> list[tuple[dict, object]]:  # type: ignore[type-arg]
        if subscription.topic is not None:
            return [(self._by_topic, subscription.topic)]
        identity = subscription.session.identity
        if identity.tenant is None:
            return []
        places: list[tuple[dict, object]] = [  # type: ignore[type-arg]
            (self._by_tenant[identity.tenant], identity.user_id)
        ]
        places += [(self._by_group, (identity.tenant, group)) for group in identity.groups]
        return places

    def sessions(self, tenant: str | None, user_id: str) -> list[Session]:
        """The open sessions of a person."""
        return list(self._by_user.get((tenant, user_id), ()))

    def all_sessions(self) -> list[Session]:
        """Everybody: for shutting down and for revoking, never per message."""
        return [session for sessions in self._by_user.values() for session in sessions]

    def subscribers(self, topic: Topic) -> list[Session]:
        """The sessions that subscribed the topic by its name."""
        return [subscription.session for subscription in self._by_topic.get(topic, ())]

    # Messages

    def advance(self, messages: Iterable[Message], *, from_log: bool = False) -> None:
        """Takes what was committed. What came before is passed over; a hole makes it read.

        `from_log`: read in one piece from the log after `accepted`, so that a hole in it is one
        that was pruned.
        """
        for message in messages:
            successor = message.offset == self.accepted + 1
            if successor or (from_log and message.offset > self.accepted):
                self.accepted = message.offset
                self._waiting.append(message)
            elif message.offset > self.accepted:
                self.missed()
                break
        self._pump_if_idle()

    def signal(self, signal: Signal) -> None:
        """Hands a signal to those who subscribed its topic or are named by it."""
        self._waiting.append(signal)
        self._pump_if_idle()

    def check_for(self, topic: Topic) -> Callable[[Identity, Message], bool] | None:
        """How the provider of this topic tells who may see its messages; see `visible`."""
        return self._visible(topic)

    def start_at(self, head: int) -> None:
        """Before anybody listens: everything up to `head` is history."""
        self.mark = self.accepted = head

    def _pump_if_idle(self) -> None:
        if self._current is None:
            self._pump()

    def _pump(self) -> None:
        left = SLICE
        while self._current is not None or self._waiting:
            if self._current is None:
                self._begin(self._waiting.popleft())
            for subscription in islice(self._targets, left):
                left -= 1
                try:
                    self._hand(subscription)
                except Exception:  # a dialect or provider that raises harms only its own
                    log.exception("session %d: cannot be handed a message", subscription.session.id)
            if left <= 0:
                self._call_soon(self._pump)
                return
            self._current = None

    def _begin(self, what: Message | Signal) -> None:
        self._current = what
        self._frames = {}
        if isinstance(what, Message):
            self.mark = what.offset
            self._check = self._visible(what.topic)
        self._targets = iter(self._find(what))

    def _find(self, what: Message | Signal) -> list[Subscription]:
        found = list(self._by_topic.get(what.topic, ()))
        people = self._by_tenant.get(what.topic.tenant)
        if not people:
            return found
        audience = what.audience
        if audience.everyone:
            return found + [each for person in people.values() for each in person]
        addressed: Subscriptions = {}
        members = what.members if isinstance(what, Message) else None
        for user in people.keys() & (members or audience.users):  # walks the smaller of the two
            addressed.update(people[user])
        for group in audience.groups:
            addressed.update(self._by_group.get((what.topic.tenant, group), {}))
        return [*found, *addressed]

    def _hand(self, subscription: Subscription) -> None:
        self.looked_at += 1
        if subscription.position is not None or subscription.ended:
            return
        what = self._current
        session = subscription.session
        if isinstance(what, Message):
            if not self.is_for(subscription, what, self._check):
                return
            frame = self._frame(session.dialect, what)
            if frame is not None and not session.outbox.put(frame):
                subscription.position = what.offset - 1
                self._fell_behind(session)
        elif what is not None:
            frame = self._frame(session.dialect, what)
            if frame is not None:
                session.outbox.put(frame)  # no room: a signal is the first to be dropped

    @staticmethod
    def is_for(
        subscription: Subscription,
        message: Message,
        check: Callable[[Identity, Message], bool] | None,
    ) -> bool:
        """Whether a message that the index or the log led to is for this subscription."""
        session = subscription.session
        if check is None:
            if subscription.topic is not None and not message.audience.includes(session.identity):
                return False
        elif not check(session.identity, message):
            return False
        return subscription.topic is not None or session.dialect.wants(session, message)

    def _frame(self, dialect: Wire, what: Message | Signal) -> bytes | None:
        if dialect not in self._frames:
            self.encoded += 1
            if isinstance(what, Message):
                payload = dialect.encode(what)
            else:
                payload = dialect.encode_signal(what)
            self._frames[dialect] = None if payload is None else text_frame(payload)
        return self._frames[dialect]

    # Outboxes

    def dirty(self, outbox: Outbox) -> None:
        """There is something to flush: all are written once, at the end of this turn."""
        if not self._dirty:
            self._call_soon(self._flush)
        self._dirty.append(outbox)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for outbox in dirty:
            outbox.flush()
