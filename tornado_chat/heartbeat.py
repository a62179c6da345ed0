"""Signs of life and proofs: one timer for all sockets, pings as frames like any other.

A ping waits in the outbox behind everything that was put before it, so its pong proves that the
peer's WebSocket stack has all that (design section 5 rule 5). A socket is never closed for being
quiet, only for not answering a ping, or for not taking a byte for a while although bytes wait.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from tornado_chat.hub import Hub
from tornado_chat.outbox import Budget
from tornado_chat.protocol import ping_frame
from tornado_chat.session import Session

TICK_SECONDS = 1.0
STALL_SECONDS = 10.0  # without a byte taken while bytes wait
MISSED = 2  # ping intervals without an answer, after which the peer counts as gone


@dataclass(slots=True)
class Beat:
    """`due`: when the next ping is, whatever happens; `seen`: when the peer last showed that it
    lives. `serial`: of the ping that is not answered yet, 0 for none; `put`: when it was put;
    `position`: what had been considered by then, None where nothing is proved. `again`: more was
    put meanwhile. `accepted`: the bytes its kernel had taken at the last look."""

    due: float
    seen: float
    serial: int = 0
    put: float = 0.0
    position: int | None = None
    again: bool = False
    accepted: int = 0


class Heartbeat:
    """`clock()`: monotonic seconds. `proved(session, position)`: the peer has answered, and has
    everything that was considered for it up to there; None where nothing is proved by it."""

    def __init__(
        self,
        *,
        ping_seconds: float,
        budget: Budget,
        hub: Hub,
        clock: Callable[[], float],
        proved: Callable[[Session, int | None], None],
    ) -> None:
        self._every = ping_seconds
        self._budget = budget
        self._hub = hub
        self._clock = clock
        self._proved = proved
        self._beats: OrderedDict[Session, Beat] = OrderedDict()  # by due, soonest first
        self._serial = 0
        self.looked_at = 0  # sessions that ticks have looked at, counted for tests

    def add(self, session: Session) -> None:
        """A socket was opened."""
        now = self._clock()
        self._beats[session] = Beat(due=now + self._every, seen=now)

    def remove(self, session: Session) -> None:
        """A socket is gone."""
        self._beats.pop(session, None)
        self._hub.unproven.discard(session)

    def pong(self, session: Session, payload: bytes) -> None:
        """An answer; one that nobody waits for is ignored (RFC 6455 5.5.3)."""
        beat = self._beats.get(session)
        if beat is None or not beat.serial or payload != b"%d" % beat.serial:
            return
        beat.serial = 0
        beat.seen = self._clock()
        if beat.again:
            beat.again = False
            self._hub.unproven.add(session)
        self._proved(session, beat.position)

    def heard(self, session: Session) -> None:
        """Frames are read from it: it lives, though its pong may wait behind them."""
        beat = self._beats.get(session)
        if beat is not None:
            beat.seen = self._clock()

    def unproven_for(self, session: Session) -> float:
        """Seconds since the peer last showed that it lives."""
        beat = self._beats.get(session)
        return self._clock() - beat.seen if beat else 0.0

    def overdue(self, session: Session) -> float:
        """Seconds since the ping was put that it has not answered yet; 0 where there is none."""
        beat = self._beats.get(session)
        return self._clock() - beat.put if beat and beat.serial else 0.0

    def ask(self, session: Session) -> None:
        """Pings it now, unless an answer is waited for already."""
        beat = self._beats.get(session)
        if beat is not None and not beat.serial:
            self._ping(session, beat)

    def tick(self) -> None:
        """Once a second: looks at those whose turn it is, at those who were sent something, and at
        those who hold bytes back."""
        now = self._clock()
        while self._beats:
            session, beat = next(iter(self._beats.items()))
            if beat.due > now:
                break
            beat.due = now + self._every
            self._beats.move_to_end(session)
            self._look_at(session, beat, now)
        unproven, self._hub.unproven = self._hub.unproven, set()
        for session in unproven:
            self._prove(session)
        for outbox in list(self._budget.waiting):
            accepted = outbox.transport.accepted()
            if outbox.progress is None or outbox.progress[1] != accepted:
                outbox.progress = (now, accepted)
            elif now - outbox.progress[0] >= STALL_SECONDS and outbox.too_slow:
                outbox.too_slow()

    def _prove(self, session: Session) -> None:
        self.looked_at += 1
        beat = self._beats.get(session)
        if beat is None:
            return
        if beat.serial:
            beat.again = True  # with the answer to that one
        else:
            self._ping(session, beat)

    def _look_at(self, session: Session, beat: Beat, now: float) -> None:
        self.looked_at += 1
        if not beat.serial:
            self._ping(session, beat)
            return
        accepted = session.transport.accepted()
        if session.outbox.size and accepted != beat.accepted:
            beat.seen = now  # it reads, and the ping waits behind much
        beat.accepted = accepted
        if now - beat.seen >= self._every * (MISSED + 1):
            session.transport.abort()

    def _ping(self, session: Session, beat: Beat) -> None:
        self._serial += 1
        beat.serial = self._serial
        beat.put = self._clock()
        beat.position = self._hub.considered(session)
        session.outbox.put_always(ping_frame(beat.serial))
