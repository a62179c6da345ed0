"""Sockets that are about to open: those that come together share one job of the writer.

A row and its statements for each of them would cost more than all the rest of a handshake. While one
group is written the next one gathers; an opening that has waited too long goes on without a row.
"""

import asyncio
from collections.abc import Callable, Sequence

from tornado_chat.store import Store, Tx
from tornado_chat.store.cursor_rows import Owner
from tornado_chat.store.cursors import Known, Opened, open_cursors
from tornado_chat.write_behind import Cursor

WRITE_SECONDS = 2.0  # for the store; then a socket is opened without a row, which follows later


class Opening:
    """`asked`, `half_open`, `beside`, `known`: what is known when its group begins, see `Cursors`.
    `written`: done with its row; `ready`: done with it, too, or when it has waited long enough.
    `tried`: what its row was to be, whether it is committed or not."""

    __slots__ = ("asked", "beside", "half_open", "known", "owner", "ready", "tried", "written")

    def __init__(self, owner: Owner, loop: asyncio.AbstractEventLoop) -> None:
        self.owner = owner
        self.asked: dict[Cursor, asyncio.Future[bool]] = {}
        self.half_open: list[Cursor] = []
        self.beside: list[Cursor] = []
        self.known = Known()
        self.tried: list[Opened] = []
        self.written: asyncio.Future[Opened] = loop.create_future()
        self.ready: asyncio.Future[None] = loop.create_future()

    @property
    def opened(self) -> Opened | None:
        """Once it is written; None where it is not, or cannot be."""
        if not self.written.done() or self.written.exception():
            return None
        return self.written.result()

    def answer(self, opened: Opened | BaseException) -> None:
        """Its row is written, or cannot be."""
        if isinstance(opened, BaseException):
            self.written.set_exception(opened)
            self.written.exception()  # it may interest nobody any more
        else:
            self.written.set_result(opened)
        self.go_on()

    def go_on(self) -> None:
        """Whoever waits for it goes on."""
        if not self.ready.done():
            self.ready.set_result(None)


class Openings:
    """`look(openings)`: sets what is known of each by now; `oldest()`: see `Cursors`."""

    def __init__(
        self,
        store: Store,
        look: Callable[[Sequence[Opening]], None],
        oldest: Callable[[], int],
    ) -> None:
        self._store = store
        self._look = look
        self._oldest = oldest
        self._waiting: list[Opening] = []
        self._first_at = 0.0  # when the first of them came, by the loop's clock
        self._writing: asyncio.Future[list[Opened]] | None = None  # the newest group

    def add(self, owner: Owner) -> Opening:
        """Its row will be written: at once, or with those of all who come while another is."""
        loop = asyncio.get_running_loop()
        opening = Opening(owner, loop)
        if not self._waiting:
            self._first_at = loop.time()
        self._waiting.append(opening)
        if self._writing is None:
            self._begin()
        return opening

    def _begin(self) -> None:
        group, self._waiting, self._writing = self._waiting, [], None
        if not group:
            return
        try:
            self._look(group)
            writing = self._store.write(self._work(group))
        except Exception as problem:  # noqa: BLE001 - whatever it is, they wait for an answer
            for each in group:
                each.answer(problem)
            return
        self._writing = writing
        late = asyncio.get_running_loop().call_at(
            self._first_at + WRITE_SECONDS, self._late, group, writing
        )
        writing.add_done_callback(lambda _done: self._written(group, writing, late))

    def _work(self, group: Sequence[Opening]) -> Callable[[Tx], list[Opened]]:
        sockets = [(each.owner, each.known) for each in group]
        oldest = self._oldest()

        def work(tx: Tx) -> list[Opened]:
            opened = open_cursors(tx, sockets, oldest)
            for each, its in zip(group, opened, strict=True):
                each.tried.append(its)
            return opened

        return work

    def _late(self, group: Sequence[Opening], writing: "asyncio.Future[list[Opened]]") -> None:
        """The store takes long: nobody waits for it any more."""
        for each in group:
            each.go_on()
        self._next(writing)

    def _written(
        self,
        group: Sequence[Opening],
        writing: "asyncio.Future[list[Opened]]",
        late: asyncio.TimerHandle,
    ) -> None:
        late.cancel()
        problem = writing.exception()
        for place, each in enumerate(group):
            each.answer(problem or writing.result()[place])
        self._next(writing)

    def _next(self, writing: "asyncio.Future[list[Opened]]") -> None:
        """Those who have gathered meanwhile, unless a later group has been begun already."""
        if self._writing is writing:
            self._begin()
