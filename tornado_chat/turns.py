"""The event loop of a server: a turn has no more in it than can be done in one.

asyncio takes in all that sockets have for it at once. Five thousand that come or go together would
be one turn of the loop, and everybody else would wait for its end.
"""

import asyncio
import selectors
from bisect import bisect_left
from collections.abc import Coroutine
from time import monotonic
from typing import Any

EVENTS = 64  # of sockets in one turn; the kernel gives the others their turn first, the next time
BOUNDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds


class FewAtOnce:
    """An epoll object that never gives more events than that. `turns`: of the loop, how many took up
    to each of BOUNDS and more than the one before, then those that took longer; `busy`: seconds in
    all of them, so without the time in which the loop waited."""

    def __init__(self, epoll: Any) -> None:
        self._epoll = epoll
        self.turns = [0] * (len(BOUNDS) + 1)
        self.busy = 0.0
        self._began = monotonic()

    def poll(self, timeout: float, most: int) -> Any:
        took = monotonic() - self._began
        self.turns[bisect_left(BOUNDS, took)] += 1
        self.busy += took
        events = self._epoll.poll(timeout, min(most, EVENTS))
        self._began = monotonic()
        return events

    def __getattr__(self, name: str) -> Any:
        return getattr(self._epoll, name)


class Loop(asyncio.SelectorEventLoop):
    """Has turns that are bounded, and counted."""

    def __init__(self) -> None:
        selector: Any = selectors.EpollSelector()
        self.counted = FewAtOnce(selector._selector)  # noqa: SLF001 - nothing else bounds it
        selector._selector = self.counted  # noqa: SLF001 - the same
        super().__init__(selector)


def new_loop() -> asyncio.AbstractEventLoop:
    """Where there is no epoll, the loop that asyncio would take."""
    return Loop() if hasattr(selectors, "EpollSelector") else asyncio.new_event_loop()


def run(serving: Coroutine[Any, Any, None]) -> None:
    """As `asyncio.run`, on such a loop."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(serving)
