"""Positions that are proved and not yet written: gathered, and written together.

Thousands of sockets may prove something within a second; they share one transaction, which nobody
waits for. What cannot be written is kept for the next time.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection

from tornado_chat.errors import Unavailable
from tornado_chat.session import Session
from tornado_chat.store import Store
from tornado_chat.store.cursor_rows import KEY, OPEN, ORPHAN, Owner, Person
from tornado_chat.store.cursors import Change, write_changes

log = logging.getLogger("tornado_chat.session")

RETRY_SECONDS = 5.0  # while the store cannot write
KEPT = 20_000  # cursors that wait to be written; then the oldest are let go


class Cursor:
    """`position`: everything up to there is proved. `start`: where its socket began; `head`: the
    last offset given by then. `state`: what its row says, or will. `row`: None while it has none;
    `making`: one is being made.

    `until`: when its row ends earlier than others; milliseconds since 1970, UTC.
    `taken`: a newer socket has started in its place, for it did not answer; `struck`: the one that
    this took the place of. `answered`: whether it lives, once it shows it or ends; `asked`: others
    of the key that were open when this opened, and when that is. `unsettled`: it waits for that;
    `beside`: those who did when it opened. `through`: done once its socket is open, or never will be.
    """

    __slots__ = (
        "answered",
        "asked",
        "at",
        "beside",
        "head",
        "making",
        "owner",
        "position",
        "row",
        "session",
        "start",
        "state",
        "struck",
        "taken",
        "through",
        "unsettled",
        "until",
    )

    def __init__(
        self, owner: Owner, start: int, head: int, row: int | None, state: str = OPEN
    ) -> None:
        self.owner = owner
        self.start = self.position = start
        self.head = head
        self.row = row
        self.making = False
        self.state = state
        self.at = 0
        self.until: int | None = None
        self.taken = False
        self.struck: Cursor | None = None
        self.asked: dict[Cursor, asyncio.Future[bool]] = {}
        self.unsettled = False
        self.beside: list[Cursor] = []
        self.session: Session | None = None
        self.through: asyncio.Future[None] | None = None
        self.answered: asyncio.Future[bool] | None = None

    def unanswered(self) -> list["asyncio.Future[bool]"]:
        """Of those that were asked when it opened."""
        return [answered for answered in self.asked.values() if not answered.done()]

    def change(self) -> Change:
        """What is to be written of it."""
        return Change(
            self.row, self.owner, self.position, self.state, self.taken, self.at, self.until
        )


class WriteBehind:
    """`clock()`: seconds since 1970."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._dirty: dict[Cursor, None] = {}
        self._writing: set[asyncio.Future[list[int | None]]] = set()
        self._over: dict[Owner, dict[Cursor, None]] = {}  # not open, and no row says so yet
        self._ended: set[Person] = set()  # who has a dirty cursor that is not open any more
        self._retry_at = 0.0

    def touch(self, cursor: Cursor) -> None:
        """It is not as its row says."""
        cursor.at = int(self._clock() * 1000)
        self._dirty[cursor] = None
        if cursor.state != OPEN:
            self._ended.add(cursor.owner.person)
            self._over.setdefault(cursor.owner, {})[cursor] = None
        if len(self._dirty) > KEPT:
            oldest = next(iter(self._dirty))
            del self._dirty[oldest]
            self._forget(oldest)

    def unwritten(self, owner: Owner) -> list[Cursor]:
        """Those that ended without a word, which the store was not asked to write yet."""
        return [each for each in self.orphans(owner) if each in self._dirty]

    def orphans(self, owner: Owner, but: Collection[Cursor] = ()) -> list[Cursor]:
        """Those that ended without a word and no row is known to say so, but for some."""
        orphans = [each for each in self._over.get(owner, ()) if each.state == ORPHAN]
        return [each for each in orphans if not each.taken and each not in but]

    def closed(self, owner: Owner) -> list[Cursor]:
        """Those whose peer closed them, and no row is known to say so."""
        return [each for each in self._over.get(owner, ()) if each.state == KEY]

    def _forget(self, cursor: Cursor) -> None:
        of_owner = self._over.get(cursor.owner, {})
        of_owner.pop(cursor, None)
        if not of_owner:
            self._over.pop(cursor.owner, None)

    def flush(self) -> None:
        """Once a second. Does not wait for it."""
        if not self._writing and self._clock() >= self._retry_at:
            self.flush_now()

    def flush_ended(self, people: set[Person]) -> None:
        """So that what is asked of the store next sees which of their cursors have ended. How far
        those are that are open is known without it."""
        if not self._ended.isdisjoint(people):
            self.flush_now()

    def flush_now(self) -> None:
        """All that can be."""
        cursors = [cursor for cursor in self._dirty if not cursor.making]
        if not cursors:
            return
        changes = [cursor.change() for cursor in cursors]
        writing = self._store.write(lambda _tx: write_changes(changes))
        for cursor in cursors:
            del self._dirty[cursor]
            cursor.making = cursor.row is None
        self._ended = {each.owner.person for each in self._dirty if each.state != OPEN}
        self._writing.add(writing)
        writing.add_done_callback(lambda done: self._written(cursors, done))

    def _written(self, cursors: list[Cursor], writing: "asyncio.Future[list[int | None]]") -> None:
        self._writing.discard(writing)
        if writing.cancelled() or writing.exception() is not None:
            if not writing.cancelled() and not isinstance(writing.exception(), Unavailable):
                log.error("cursors: cannot be written", exc_info=writing.exception())
            self._retry_at = self._clock() + RETRY_SECONDS
            for cursor in cursors:
                cursor.making = False
                self._dirty.setdefault(cursor)
                if cursor.state != OPEN:
                    self._ended.add(cursor.owner.person)
            return
        for cursor, row in zip(cursors, writing.result(), strict=True):
            cursor.row, cursor.making = row, False
            if cursor not in self._dirty:
                self._forget(cursor)

    async def stop(self) -> None:
        """Writes what waits."""
        self.flush_now()
        if self._writing:
            await asyncio.wait(list(self._writing))
