"""Up to where each person has what was meant for him, for sockets that never acknowledge.

A cursor goes with each such socket: its peer proves a position by answering pings, and what is not
proved is sent again to the next socket (design section 5 rules 5 and 6).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence

from tornado_chat.config import DeliveryConfig
from tornado_chat.doorway import Doorway
from tornado_chat.errors import NO_KEY, REVOKED
from tornado_chat.heartbeat import Heartbeat
from tornado_chat.messages import Identity
from tornado_chat.openings import WRITE_SECONDS, Opening, Openings
from tornado_chat.session import Session
from tornado_chat.store import Store, Tx
from tornado_chat.store.cursor_rows import (
    KEY,
    OPEN,
    ORPHAN,
    Owner,
    Person,
    leave_behind,
    rows_of,
    sweep_cursors,
)
from tornado_chat.store.cursors import Known, Opened, Start, find_start
from tornado_chat.write_behind import Cursor, WriteBehind

log = logging.getLogger("tornado_chat.session")

PROBE_SECONDS = 2.0  # for the other sockets of a key to show that they live

# A peer that meant it (RFC 6455 7.4.1), and the house where nobody comes back with that key
CLEAN = {1000, 1001, REVOKED, NO_KEY}


class Cursors:
    """Where nothing is ever sent again, nothing is kept. `clock()`: seconds since 1970."""

    def __init__(
        self,
        store: Store,
        delivery: Callable[[], DeliveryConfig],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._delivery = delivery
        self._clock = clock
        self._sockets: dict[Person, dict[Cursor, None]] = {}
        self._doorway = Doorway()
        self._behind = WriteBehind(store, clock)
        self._openings = Openings(store, self._look, self.oldest)
        self.flush = self._behind.flush
        self.stop = self._behind.stop
        self.heartbeat: Heartbeat  # set once it is built: each needs the other

    async def begin(self) -> None:
        """At the start, before the first socket."""

        def work(tx: Tx) -> None:
            leave_behind(tx)
            sweep_cursors(tx, self.oldest())

        await self._store.write(work)

    async def sweep(self) -> None:
        """Throws away what is too old to be started from."""
        await self._store.write(lambda tx: sweep_cursors(tx, self.oldest()))

    def oldest(self) -> int:
        """What is from before is not sent again; milliseconds since 1970, UTC."""
        return int((self._clock() - self._delivery().replay_hours * 3600) * 1000)

    @property
    def replayed(self) -> int:
        """At most so many messages are sent again to one socket."""
        return self._delivery().replay_messages

    # Opening

    async def open(self, path: str, identity: Identity) -> Cursor | None:
        """A cursor for a socket that is about to open; None where it starts at now. Its row is
        written before the peer can be sent anything. Raises Unavailable where the store can be
        neither written nor read."""
        if not (self.replayed and self._delivery().replay_hours) or not identity.tenant:
            return None
        owner = Owner(path, identity.tenant, identity.user_id, identity.key or "")
        through = await self._doorway.turn(owner, WRITE_SECONDS)
        try:
            cursor = await self._open(owner)
        except BaseException:
            self._doorway.passed(owner, through)
            raise
        cursor.through = through
        return cursor

    async def _open(self, owner: Owner) -> Cursor:
        opening = self._openings.add(owner)
        try:
            await opening.ready
            opened = opening.opened
            if opened is not None:
                start = opened.start
                cursor = Cursor(owner, start.position, opened.head, opened.row)
            else:
                start, head = await self._without_row(opening)
                cursor = Cursor(owner, start.position, head, None)
                self._row_follows(cursor, opening.written)
        except BaseException:
            opening.written.add_done_callback(lambda done: self._leave(owner, done))
            raise
        if start.takes is not None:
            self._take(cursor, opening.half_open[start.takes], start.struck)
        elif start.struck is not None:
            cursor.struck = Cursor(owner, start.struck, cursor.head, None, ORPHAN)
            cursor.struck.until = start.until
        if opening.asked:
            cursor.asked, cursor.beside, cursor.unsettled = opening.asked, opening.beside, True
        else:
            cursor.struck = None  # that is settled
        return cursor

    def _look(self, group: Sequence[Opening]) -> None:
        """What is known of each of a group that is about to be written."""
        self._behind.flush_ended({opening.owner.person for opening in group})
        for opening in group:
            opening.asked, opening.half_open = self._ask_siblings(opening.owner)
            opening.beside = [cursor for cursor in opening.asked if cursor.unsettled]
            opening.known = self._known(opening)

    def _known(self, opening: Opening) -> Known:
        owner, asked = opening.owner, opening.asked
        of_key = [*self._of_key(owner), *self._behind.closed(owner)]
        return Known(
            [(cursor.position, cursor.row) for cursor in opening.half_open],
            [each.row for each in asked if each.row is not None],
            max((cursor.position for cursor in of_key), default=None),
            max((cursor.position for cursor in self._of_user(owner)), default=None),
            min((cursor.start for cursor in asked if cursor.unsettled), default=None),
        )

    async def _without_row(self, opening: Opening) -> tuple[Start, int]:
        """Where it starts, and the head, while the store cannot write."""
        half_open, owner = opening.half_open, opening.owner
        half_open += self._behind.orphans(owner, but=half_open)
        known, now, oldest = self._known(opening), int(self._clock() * 1000), self.oldest()

        def look_up() -> tuple[Start, int]:
            rows, head = rows_of([owner.person], now, oldest), self._store.log.head()
            return find_start(owner, known, rows[owner.person], head), head

        start, head = await self._store.read(look_up)
        # It may be written by then, and the reader does not see what was struck off
        starts = [*(each.start for each in opening.tried), start]
        return min(starts, key=lambda each: each.position), head

    def _leave(self, owner: Owner, writing: "asyncio.Future[Opened]") -> None:
        """The socket was refused; what was asked of the store may be written all the same."""
        if not writing.cancelled() and not writing.exception():
            opened = writing.result()
            self._end(Cursor(owner, opened.start.position, opened.head, opened.row), ORPHAN)

    def _row_follows(self, cursor: Cursor, writing: "asyncio.Future[Opened]") -> None:
        """It may still be made by what was asked of the store; else with what is written next."""

        def written(_done: object) -> None:
            cursor.making = False
            if not writing.cancelled() and not writing.exception():
                cursor.row = writing.result().row
            self._behind.touch(cursor)

        cursor.making = True
        writing.add_done_callback(written)

    def _ask_siblings(
        self, owner: Owner
    ) -> tuple[dict[Cursor, "asyncio.Future[bool]"], list[Cursor]]:
        """Asks the other open sockets of the key whether they live. One whose ping is overdue has
        had its time: it counts as half open, and so does one whose end cannot be written yet."""
        asked: dict[Cursor, asyncio.Future[bool]] = {}
        half_open = self._behind.unwritten(owner)
        for cursor in self._of_key(owner):
            if cursor.taken or cursor.session is None:
                continue
            if self.heartbeat.overdue(cursor.session) >= PROBE_SECONDS:
                half_open.append(cursor)
                continue
            self.heartbeat.ask(cursor.session)
            if cursor.answered is None:
                cursor.answered = asyncio.get_running_loop().create_future()
            asked[cursor] = cursor.answered
        return asked, half_open

    async def hear_siblings(self, cursor: Cursor) -> None:
        """Waits a moment for those that were asked when it opened, then concludes."""
        if waiting := cursor.unanswered():
            await asyncio.wait(waiting, timeout=PROBE_SECONDS)
        self.conclude(cursor)

    def conclude(self, cursor: Cursor) -> None:
        """Those that have not answered count as half open, too, and some may have ended meanwhile:
        it starts before all of them, in the place of the one that has most."""
        asked, struck, beside = cursor.asked, cursor.struck, cursor.beside
        cursor.asked, cursor.struck, cursor.beside = {}, None, []
        cursor.unsettled = False
        silent = [
            each
            for each, answered in asked.items()
            if not (answered.done() and answered.result()) and each.state != KEY
        ]
        # What others that come back at the same time start from, or have taken, may be this one's
        starts = [each.position for each in silent] + [each.start for each in beside]
        if cursor.state != OPEN or not starts:
            return
        cursor.start = cursor.position = min(cursor.start, *starts)
        self._behind.touch(cursor)
        silent = [each for each in silent if not each.taken]
        if not silent:
            return
        highest = max(silent, key=lambda each: each.position)
        if struck is None or highest.position > struck.position:
            highest.taken = True
            self._behind.touch(highest)
            if struck is not None:  # it is not the highest after all
                struck.taken = False
                self._behind.touch(struck)

    def _take(self, cursor: Cursor, other: Cursor, position: int | None) -> None:
        if other.position == position and other.state != KEY:
            other.taken = True
            cursor.struck = other
        self._behind.touch(other)  # where it lives after all, it has its row again

    def _of_user(self, owner: Owner) -> Iterable[Cursor]:
        return self._sockets.get(owner.person, ())

    def _of_key(self, owner: Owner) -> list[Cursor]:
        return [cursor for cursor in self._of_user(owner) if cursor.owner == owner]

    # While it is open

    def entered(self, cursor: Cursor, session: Session) -> None:
        """Its socket is open."""
        owner = cursor.owner
        cursor.session = session
        session.cursor = cursor
        self._doorway.passed(owner, cursor.through)
        self._sockets.setdefault(owner.person, {})[cursor] = None

    def proved(self, session: Session, position: int | None) -> None:
        """The peer has everything up to there; None: it lives. Also while its socket closes."""
        cursor = session.cursor
        if cursor is None:
            return
        self._answer(cursor, lives=True)
        if position is None:
            return
        if position > cursor.position or cursor.taken:
            cursor.position = max(cursor.position, position)
            cursor.taken = False
            self._behind.touch(cursor)
        try:
            session.dialect.proved(session, position)
        except Exception:  # a dialect's fault must not keep the rest from being proved
            log.exception("session %d: a proof could not be told", session.id)

    def closed(self, session: Session, code: int) -> None:
        """The socket is gone, or ended by the house. `code`: ours, or the peer's; 1006 for none."""
        if session.cursor is not None:
            self._end(session.cursor, KEY if code in CLEAN else ORPHAN)

    def abandon(self, cursor: Cursor) -> None:
        """Its socket was not opened after all."""
        self._end(cursor, ORPHAN)

    def _end(self, cursor: Cursor, state: str) -> None:
        if cursor.state != OPEN:
            return
        owner = cursor.owner
        cursor.state = state
        of_user = self._sockets.get(owner.person, {})
        of_user.pop(cursor, None)
        if not of_user:
            self._sockets.pop(owner.person, None)
        self._doorway.passed(owner, cursor.through)
        self._answer(cursor, lives=False)
        self._behind.touch(cursor)

    def _answer(self, cursor: Cursor, *, lives: bool) -> None:
        """Whoever waits for a sign of life goes on."""
        answered, cursor.answered = cursor.answered, None
        if answered is not None:
            answered.set_result(lives)
            self._behind.touch(cursor)  # its row says that it was asked
