"""Hands every message to those it is for, encoded once per dialect.

This is the hot loop of the house (docs/explanation/speed.md): `_hand_batch` runs once for each
delivery, everything else once for each message. It delivers only the direct successor of the last offset it took (rule 2); anything else makes it
ask for the log. It never awaits, knows no Tornado, and looks at no socket that a message is not
for. A fan-out longer than a slice gives the loop a turn in between.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable

from tornado_chat.batch import Batch, encoded, take_batch
from tornado_chat.listeners import Listeners
from tornado_chat.messages import MEMBERS, Audience, Identity, Message, Signal, Topic
from tornado_chat.outbox import Outbox
from tornado_chat.session import Session, Subscription, Wire

log = logging.getLogger("tornado_chat.session")

SLICE = 1000  # deliveries in one turn of the loop
WAITING = 10_000  # messages that wait for their turn; more are read from the log later
SIGNALS_WAITING = 500  # the first to be dropped
WIDE = 16  # hearers, from which on each is written at once
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
        said: Callable[[Topic], object] = lambda _topic: None,
    ) -> None:
        super().__init__()
        self._call_soon = call_soon
        self.missed = missed
        self._fell_behind = fell_behind
        self.check_for = visible
        self._said = said
        self.mark = 0  # the last offset whose delivery has begun
        self.accepted = 0  # the last offset that was taken for delivery, begun or not
        self._waiting: deque[Message | Signal] = deque()
        self.overflowed = False  # more was committed; it is read once what waits is handed out
        self._current: Batch | Signal | None = None
        self._targets: list[Subscription] = []
        self._done = 0  # of them
        self._dirty: list[Outbox] = []
        self.unproven: set[Session] = set()  # with a cursor, and put something since the last look
        self.looked_at = 0  # subscriptions looked at, counted for tests and metrics
        self.encoded = 0  # encodings made

    def start_at(self, head: int) -> None:
        """Before anybody listens: everything up to `head` is history."""
        self.mark = self.accepted = head

    @property
    def waiting(self) -> int:
        """How many messages and signals wait for their turn."""
        return len(self._waiting)

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
                self._begin()
            if isinstance(self._current, Batch):
                left -= self._hand_batch(self._current, left)
            elif self._current is not None:
                left -= self._hand_signal(self._current, left)
            if left <= 0:
                self._call_soon(self._pump)
                return
            if isinstance(self._current, Batch):
                self.encoded += self._current.encodings
            self._current = None
            self._targets = []
        if self.overflowed:
            self.overflowed = False
            self.missed()

    def _begin(self) -> None:
        """What waits first, with those that can be handed out together with it."""
        self._targets, self._done = [], 0
        what = self._waiting[0]
        check = None
        try:
            check = self.check_for(what.topic)
            self._targets = self.whom(what)
        except Exception:  # one that cannot be read must not stop those behind it
            log.exception("topic %s: cannot be handed out", what.topic.kind)
        if isinstance(what, Signal):
            self._current = self._waiting.popleft()  # type: ignore[assignment]
        else:
            self._current = Batch(take_batch(self._waiting), check)
            self.mark = self._current.last
            self._said(what.topic)

    def _hand_batch(self, batch: Batch, left: int) -> int:
        """Once for each delivery, so all that most of them need stands in this one loop; whatever is
        out of the ordinary is handed message by message. How many deliveries that was."""
        first, last, count = batch.first, batch.last, len(batch.messages)
        subscriptions = self._targets[self._done : self._done + left]
        put = self._how_to_put(subscriptions)
        looked_at = singly = 0
        for looked_at, subscription in enumerate(subscriptions, 1):
            if (
                subscription.live
                and subscription.position < first
                and (frames := batch.whole_for(subscription)) is not None
                and put(subscription.session.outbox, frames, count)
            ):
                subscription.position = last
                continue
            self._hand_singly(batch, subscription)
            singly += count - 1
            if looked_at + singly >= left:
                break
        self._done += looked_at
        self.looked_at += looked_at
        return looked_at + singly

    def _hand_singly(self, batch: Batch, subscription: Subscription) -> None:
        for message in batch.messages:
            if subscription.ended:
                return
            if not subscription.live:
                subscription.keep(message, PENDING)
            elif message.offset > subscription.position:
                self.deliver(subscription, message, batch.visible)

    def _hand_signal(self, signal: Signal, left: int) -> int:
        subscriptions = self._targets[self._done : self._done + left]
        self._done += len(subscriptions)
        self.looked_at += len(subscriptions)
        frames: dict[Wire, bytes | None] = {}
        audience, topic = signal.audience, signal.topic
        for_all = audience is MEMBERS  # most are, and nobody has to be asked for
        put = self._how_to_put(subscriptions)
        for subscription in subscriptions:
            if not subscription.live:
                continue
            session = subscription.session
            if subscription.topic is None:
                if topic in session.subscriptions:
                    continue
            elif not (for_all or self._names(audience, session.identity)):
                continue
            if session.dialect not in frames:
                self.encoded += 1
                frames[session.dialect] = encoded(session.dialect, signal)
            if (frame := frames[session.dialect]) is not None:
                put(session.outbox, frame)  # no room: a signal is the first to be dropped
        return len(subscriptions)

    def _how_to_put(self, subscriptions: list[Subscription]) -> Callable[..., bool]:
        """A wide fan-out, after which nothing waits, is written while each socket's memory is at hand;
        what is for a few may share its write with an answer."""
        wide = len(subscriptions) >= WIDE and not self._waiting
        return Outbox.put_now if wide else Outbox.put

    @staticmethod
    def _names(audience: Audience, identity: Identity) -> bool:
        try:
            return audience.includes(identity)
        except Exception:  # a plugin's slip costs its signal
            log.exception("a signal cannot be handed out")
            return False

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
        batch = self._current
        reached = batch.first - 1 if isinstance(batch, Batch) else self.mark
        return max(reached, subscription.position)

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

    def _frame(self, dialect: Wire, message: Message) -> bytes | None:
        """Encoded once, and complained about once."""
        batch = self._current
        if isinstance(batch, Batch) and batch.first <= message.offset <= batch.last:
            return batch.frame(dialect, message)
        return encoded(dialect, message)

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
