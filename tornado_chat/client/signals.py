"""Signals as their reader sees them: best effort, the newest of them."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Self

from tornado_chat.client.errors import ChatError, Closed
from tornado_chat.client.values import Signal

KEPT = 100  # for one reader; the oldest go first


class Signals:
    """An asynchronous iterator of signals, of one topic or of all; who reads slowly misses the
    oldest."""

    def __init__(self, topic: str | None, leave: Callable[["Signals"], None]) -> None:
        self.topic = topic
        self._leave = leave
        self._items: deque[Signal] = deque(maxlen=KEPT)
        self._more = asyncio.Event()
        self._problem: ChatError | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Signal:
        while not self._items:
            if isinstance(self._problem, Closed):
                raise StopAsyncIteration
            if self._problem is not None:
                raise self._problem
            self._more.clear()
            await self._more.wait()
        return self._items.popleft()

    def close(self) -> None:
        """Ends it: the iterator gives what has come in, and stops."""
        self._leave(self)
        self.end(Closed())

    def take(self, signal: Signal) -> None:
        if self.topic in {None, signal.topic}:
            self._items.append(signal)
            self._more.set()

    def end(self, problem: ChatError) -> None:
        self._problem = self._problem or problem
        self._more.set()
