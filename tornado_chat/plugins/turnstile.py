"""What one plugin writes goes through here, so that it cannot stand in everybody's way.

Only so much of it waits at the writer; the rest waits here, in order, and nothing is dropped. What
people post goes past it.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from tornado_chat.errors import ChatError
from tornado_chat.messages import Draft, Posted
from tornado_chat.plugins.source import Plugin
from tornado_chat.store import Commit, Store, Tx

T = TypeVar("T")

MOST = 64  # jobs at the writer
AHEAD_SECONDS = 0.05  # of the writer's time, which those jobs may take together
DRAFT_SECONDS = 0.00005  # for one that only appends
FIRST_SECONDS = 0.01  # for one of which nothing is known yet
BACKLOG = 256  # messages that wait to be handed out, its own among them: nothing more is written
LOOK_SECONDS = 0.01  # between two looks whether they are fewer
FLOOD = 1000  # jobs that wait here: somebody should know


class Turnstile:
    """`progress()`: up to which message they are handed out, and up to which committed. `delayed`:
    jobs that had to wait here, since the start."""

    def __init__(
        self, plugin: Plugin, store: Callable[[], Store], progress: Callable[[], tuple[int, int]]
    ) -> None:
        self._plugin = plugin
        self._store = store
        self._progress = progress
        self._calls = plugin.calls_of("write", 0.0, on_writer=True)
        self._queue: deque[tuple[Any, Commit[Any]]] = deque()
        self._inside = 0
        self._each = FIRST_SECONDS  # what a job takes, as of late
        self._timer: asyncio.TimerHandle | None = None
        self._newest = 0  # message that it has published
        self.delayed = 0

    @property
    def waiting(self) -> int:
        """Jobs that wait here."""
        return len(self._queue)

    def append(self, draft: Draft, work: Callable[[Tx], Posted] | None = None) -> Commit[Posted]:
        """As `Store.append`."""
        if work is None:
            self._learn(DRAFT_SECONDS)
        commit = self._enter(draft if work is None else partial(self._timed, work))
        if len(self._queue) >= FLOOD:
            text = f"floods {draft.topic.name}: {len(self._queue)} of its publishes wait"
            self._plugin.say("floods", text, logging.WARNING)
        return commit

    def write(self, work: Callable[[Tx], T]) -> Commit[T]:
        """As `Store.write`."""
        commit = self._enter(partial(self._timed, work))
        if len(self._queue) >= FLOOD:
            text = f"floods the writer: {len(self._queue)} of its writes wait"
            self._plugin.say("floods", text, logging.WARNING)
        return commit

    def _timed(self, work: Callable[[Tx], T], tx: Tx) -> T:
        """In the writer's thread."""
        began, head = time.perf_counter(), tx.head
        try:
            return work(tx)
        finally:
            took = time.perf_counter() - began
            self._learn(took)
            self._calls.note(took)
            if tx.head > head:
                self._newest = tx.head

    def _learn(self, took: float) -> None:
        self._each += 0.2 * (took - self._each)

    def _enter(self, what: Any) -> Commit[Any]:
        commit: Commit[Any] = Commit(loop=asyncio.get_running_loop())
        self._queue.append((what, commit))
        self._pump()
        if self._queue:
            self.delayed += 1
        return commit

    def _pump(self) -> None:
        """Hands over what there is room for."""
        room = min(MOST, int(AHEAD_SECONDS / self._each)) if self._each > 0 else MOST
        while self._queue and (not self._inside or self._inside < room):
            if self._is_ahead():
                if self._timer is None:
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_later(LOOK_SECONDS, self._look_again)
                return
            self._hand_over(*self._queue.popleft())

    def _is_ahead(self) -> bool:
        """Whether its messages come faster than they can be handed out."""
        handed_out, committed = self._progress()
        return committed - handed_out > BACKLOG and self._newest > handed_out

    def let_all_through(self) -> None:
        """At the end: what waits is written with the rest."""
        while self._queue:
            self._hand_over(*self._queue.popleft())

    def _hand_over(self, what: Any, commit: Commit[Any]) -> None:
        """Unless nobody waits for it any more."""
        if commit.done():
            return
        # A callback would not wait for one that is cancelled
        commit.at_once = self._appended if isinstance(what, Draft) else self._left
        try:
            self._store().submit(what, commit)
        except ChatError as problem:
            commit.set_exception(problem)
            return
        self._inside += 1

    def _appended(self, commit: object) -> None:
        self._newest = self._progress()[1]
        self._left(commit)

    def _left(self, _commit: object) -> None:
        self._inside -= 1
        if self._queue:
            self._pump()

    def _look_again(self) -> None:
        self._timer = None
        self._pump()
