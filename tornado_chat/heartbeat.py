"""Signs of life: one timer for all sockets, pings as frames like any other, slow readers ended.

A socket is never closed for being quiet, only for not answering a ping, for not taking a byte for
a while although bytes wait.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from tornado_chat.outbox import Budget
from tornado_chat.protocol import ping_frame
from tornado_chat.session import Session

TICK_SECONDS = 1.0
STALL_SECONDS = 10.0  # without a byte taken while bytes wait
MISSED = 2  # ping intervals without an answer, after which the peer counts as gone


@dataclass(slots=True)
class Beat:
    """`due`: when the next ping is; `serial`: of the one not answered yet, 0 for none;
    `proved`: when the peer last showed that it lives."""

    due: float
    proved: float
    serial: int = 0


class Heartbeat:
    """`clock()`: monotonic seconds. `ping_seconds` 0: no pings."""

    def __init__(
        self,
        *,
        ping_seconds: float,
        budget: Budget,
        clock: Callable[[], float],
    ) -> None:
        self._every = ping_seconds
        self._budget = budget
        self._clock = clock
        self._beats: OrderedDict[Session, Beat] = OrderedDict()  # by due, soonest first
        self._serial = 0

    def add(self, session: Session) -> None:
        """A socket was opened."""
        now = self._clock()
        self._beats[session] = Beat(due=now + (self._every or 60.0), proved=now)

    def remove(self, session: Session) -> None:
        """A socket is gone."""
        self._beats.pop(session, None)

    def pong(self, session: Session, payload: bytes) -> None:
        """An answer; one that nobody waits for is ignored (RFC 6455 5.5.3)."""
        beat = self._beats.get(session)
        if beat is not None and beat.serial and payload == b"%d" % beat.serial:
            beat.serial = 0
            beat.proved = self._clock()

    def heard(self, session: Session) -> None:
        """Frames are read from it: it lives, though its pong may wait behind them."""
        beat = self._beats.get(session)
        if beat is not None:
            beat.proved = self._clock()

    def unproven_for(self, session: Session) -> float:
        """Seconds since the peer last showed that it lives."""
        beat = self._beats.get(session)
        return self._clock() - beat.proved if beat else 0.0

    def tick(self) -> None:
        """Once a second: looks at those whose turn it is, and at those who hold bytes back."""
        now = self._clock()
        while self._beats:
            session, beat = next(iter(self._beats.items()))
            if beat.due > now:
                break
            beat.due = now + (self._every or 60.0)
            self._beats.move_to_end(session)
            self._look_at(session, beat, now)
        for outbox in list(self._budget.waiting):
            accepted = outbox.transport.accepted()
            if outbox.progress is None or outbox.progress[1] != accepted:
                outbox.progress = (now, accepted)
            elif now - outbox.progress[0] >= STALL_SECONDS and outbox.too_slow:
                outbox.too_slow()

    def _look_at(self, session: Session, beat: Beat, now: float) -> None:
        if not self._every:
            return
        if beat.serial and now - beat.proved >= self._every * (MISSED + 1):
            session.transport.abort()
        elif not beat.serial:
            self._serial += 1
            beat.serial = self._serial
            session.outbox.put_always(ping_frame(beat.serial))
