"""The event loop of a server: a turn has no more in it than can be done in one.

asyncio takes in all that sockets have for it at once. Five thousand that come or go together would
be one turn of the loop, and everybody else would wait for its end.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

EVENTS = 64  # of sockets in one turn; the kernel gives the others their turn first, the next time


class FewAtOnce:
    """An epoll object that never gives more events than that."""

    def __init__(self, epoll: Any) -> None:
        self._epoll = epoll

    def poll(self, timeout: float, most: int) -> Any:
        return self._epoll.poll(timeout, min(most, EVENTS))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._epoll, name)


def new_loop() -> asyncio.AbstractEventLoop:
    """Where there is no epoll, the loop that asyncio would take."""
    if not hasattr(selectors, "EpollSelector"):
        return asyncio.new_event_loop()
    selector: Any = selectors.EpollSelector()
    selector._selector = FewAtOnce(selector._selector)  # noqa: SLF001 - nothing else bounds it
    return asyncio.SelectorEventLoop(selector)


def run(serving: Coroutine[Any, Any, None]) -> None:
    """As `asyncio.run`, on such a loop."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(serving)
