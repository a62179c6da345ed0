"""Hands every message to those it is for, encoded once per dialect.

It delivers only the direct successor of the last offset it took (rule 2); anything else makes it
ask for the log. It never awaits, knows no Tornado, and looks at no socket that a message is not
for. A fan-out longer than a slice gives the loop a turn in between.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from tornado_chat.listeners import Listeners, Subscriptions
from tornado_chat.messages import Identity, Message, Signal, Topic
from tornado_chat.outbox import Outbox
from tornado_chat.protocol import text_frame
from tornado_chat.session import Session, Subscription, Wire

log = logging.getLogger("tornado_chat.session")

SLICE = 1000  # deliveries in one turn of the loop
WAITING = 10_000  # messages that wait for their turn; more are read from the log later
SIGNALS_WAITING = 500  # the first to be dropped
PENDING = 100  # messages that a subscription keeps while it reads its last page


class Hub(Listeners):
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
        super().__init__()
        self._call_soon = call_soon
        self.missed = missed
        self._fell_behind = fell_behind
        self.check_for = visible
        self.mark = 0  # the last offset whose delivery has begun
        self.accepted = 0  # the last offset that was taken for delivery, begun or not
        self._waiting: deque[Message | Signal] = deque()
        self.overflowed = False  # more was committed; it is read once what waits is handed out
        self._current: Message | Signal | None = None
        self._targets: Iterator[Subscription] = iter(())
        self._frames: dict[Wire, bytes | None] = {}
        self._check: Callable[[Identity, Message], bool] | None = None
        self._dirty: list[Outbox] = []
        self.unproven: set[Session] = set()  # with a cursor, and put something since the last look
        self.looked_at = 0  # subscriptions looked at, counted for tests and metrics
        self.encoded = 0  # encodings made

    def start_at(self, head: int) -> None:
        """Before anybody listens: everything up to `head` is history."""
        self.mark = self.accepted = head

    def advance(self, messages: Iterable[Message], *, from_log: bool = False) -> None:
        """Takes what was committed. What came before is passed over; a hole makes it read.

        `from_log`: read in one piece from the log after `accepted`, so that a hole in it is one
        that was pruned.
        """
        for message in messages:
            if message.offset <= self.accepted:
                continue
            if len(self._waiting) >= WAITING:
                self.overflowed = True  # the log keeps it
                break
            if message.offset > self.accepted + 1 and not from_log:
                self.missed()
                break
            self.accepted = message.offset
            self._waiting.append(message)
        self._pump_if_idle()

    def signal(self, signal: Signal) -> None:
        """Hands a signal to those who subscribed its topic or are named by it; one for a person to
        all his sessions that have a word for it."""
        if signal.person is not None:
            for session in self.sessions(signal.topic.tenant, signal.person):
                frame = encoded(session.dialect, signal)
                if frame is not None:
                    session.outbox.put(frame)
            return
        if len(self._waiting) < SIGNALS_WAITING:
            self._waiting.append(signal)
            self._pump_if_idle()

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
                self._hand(subscription)
            if left <= 0:
                self._call_soon(self._pump)
                return
            self._current = None
        if self.overflowed:
            self.overflowed = False
            self.missed()

    def _begin(self, what: Message | Signal) -> None:
        self._current = what
        self._frames = {}
        self._targets = iter(())
        if isinstance(what, Message):
            self.mark = what.offset
        try:
            self._check = self.check_for(what.topic)
            self._targets = iter(self._find(what))
        except Exception:  # one that cannot be read must not stop those behind it
            log.exception("topic %s: cannot be handed out", what.topic.kind)

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
        wanted = members or audience.users
        few, many = (people, wanted) if len(people) < len(wanted) else (wanted, people)
        for user in few:  # `keys() & wanted` would walk all of a frozenset
            if user in many:
                addressed.update(people[user])
        for group in audience.groups:
            addressed.update(self._by_group.get((what.topic.tenant, group), {}))
        return [*found, *addressed]

    def _hand(self, subscription: Subscription) -> None:
        self.looked_at += 1
        if subscription.ended:
            return
        what = self._current
        if isinstance(what, Message):
            if not subscription.live:
                subscription.keep(what, PENDING)
            elif what.offset > subscription.position:
                self.deliver(subscription, what, self._check)
        elif what is not None and subscription.live:
            self._hand_signal(subscription, what)

    def _hand_signal(self, subscription: Subscription, signal: Signal) -> None:
        session = subscription.session
        if subscription.topic is None:
            if signal.topic in session.subscriptions:
                return
        elif not signal.audience.includes(session.identity):
            return
        frame = self._frame(session.dialect, signal)
        if frame is not None:
            session.outbox.put(frame)  # no room: a signal is the first to be dropped

    def deliver(
        self,
        subscription: Subscription,
        message: Message,
        check: Callable[[Identity, Message], bool] | None,
    ) -> bool:
        """Puts a message that a live subscription has not considered yet. False where there was no
        room, and it is behind now."""
        session = subscription.session
        if self.is_for(subscription, message, check):
            frame = self._frame(session.dialect, message)
            if frame is not None and not session.outbox.put(frame):
                subscription.fall_behind(message.offset - 1)
                self._fell_behind(session)
                return False
            if frame is not None and session.cursor is not None:
                self.note_sent(session, message)
        subscription.position = message.offset
        return True

    def note_sent(self, session: Session, message: Message) -> None:
        """A frame was put for a session with a cursor: it is to be proved."""
        self.unproven.add(session)
        try:
            session.dialect.sent(session, message)
        except Exception:
            log.exception("session %d: a dialect could not be told", session.id)

    def considered(self, session: Session) -> int | None:
        """The offset up to which everything was considered for a session with a cursor, and put
        where it is for it; None without one, and while nothing may be put yet."""
        subscription = session.subscriptions.get(None)
        if session.cursor is None or subscription is None or subscription.held:
            return None
        if not subscription.live:
            return subscription.position
        # In the midst of a fan-out nobody knows whose turn is still to come
        under_way = isinstance(self._current, Message)
        return max(self.mark - under_way, subscription.position)

    @staticmethod
    def is_for(
        subscription: Subscription,
        message: Message,
        check: Callable[[Identity, Message], bool] | None,
    ) -> bool:
        """Whether a message that the index or the log led to is for this subscription. A provider
        or dialect that raises costs this one message, and nobody else anything."""
        session = subscription.session
        by_name = subscription.topic is not None
        try:
            if check is not None:
                visible = check(session.identity, message)
            else:
                visible = not by_name or message.audience.includes(session.identity)
            if not visible or by_name:
                return visible
            if session.by_name(message.topic, message.offset):
                return False
            return session.dialect.wants(session, message)
        except Exception:
            log.exception("session %d: cannot be handed a message", session.id)
            return False

    def _frame(self, dialect: Wire, what: Message | Signal) -> bytes | None:
        """Encoded once, and complained about once."""
        if what is not self._current:
            return encoded(dialect, what)
        if dialect not in self._frames:
            self.encoded += 1
            self._frames[dialect] = encoded(dialect, what)
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


def encoded(dialect: Wire, what: Message | Signal) -> bytes | None:
    """The frame of a dialect, None where its wire has none or its dialect cannot make one."""
    try:
        payload = dialect.encode(what) if isinstance(what, Message) else dialect.encode_signal(what)
        return None if payload is None else text_frame(payload)
    except Exception:  # a dialect that raises costs its own sessions this one message
        log.exception("dialect %s: cannot encode", type(dialect).__name__)
        return None
