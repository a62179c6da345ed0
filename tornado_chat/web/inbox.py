"""Frames that one socket has sent and nobody has read yet: bounded, one after another, at a rate.

Nothing is dropped: when it is full, or the rate is exceeded, the socket is read more slowly.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

BOUND = 16  # frames that wait; then the socket is not read
BOUND_CHARACTERS = 256 * 1024  # the same for all of them together


class Inbox:
    """`receive(text)`: reads one frame. `rate`: frames a second, 0 for no limit."""

    __slots__ = ("_closed", "_counted", "_finished", "_frames", "_over", "_rate", "_receive", "_room",
                 "_size", "_tokens", "_worker", "frames_in")  # fmt: skip

    def __init__(self, receive: Callable[[str], Awaitable[None]], rate: float) -> None:
        self._receive = receive
        self._rate = rate
        self._tokens = rate
        self._counted = time.monotonic()
        self._frames: list[str] = []  # short; an empty deque would be 760 bytes of each idle socket
        self._size = 0  # characters that wait
        self._worker: asyncio.Task[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._closed = False
        self._finished = False
        self._over = False
        self.frames_in = 0

    def put(self, text: str) -> "asyncio.Future[None] | None":
        """Queues a frame; something to await before the next is read from the socket, if it is
        full. Idle sockets have no task."""
        if self._finished:
            return None
        self.frames_in += 1
        self._frames.append(text)
        self._size += len(text)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        if len(self._frames) < BOUND and self._size < BOUND_CHARACTERS:
            return None
        self._room = asyncio.get_running_loop().create_future()
        return self._room

    async def finish(self) -> None:
        """Takes no frame any more, and waits until those it has are read."""
        self._finished = True
        if self._worker is not None:
            await asyncio.wait([self._worker])

    def close(self, *, forget: bool) -> None:
        """The socket is gone. What it had sent before is still read, unless `forget`: then the
        house has ended it."""
        self._closed = forget
        self._over = True
        if forget:
            self._frames.clear()
            self._size = 0
        if self._worker is None:
            self._receive = _nobody
        self._make_room()

    async def _work(self) -> None:
        try:
            while self._frames:
                if self._rate:
                    await self._throttle()
                if self._closed or not self._frames:
                    return
                text = self._frames.pop(0)
                self._size -= len(text)
                if len(self._frames) <= BOUND // 2 and self._size <= BOUND_CHARACTERS // 2:
                    self._make_room()
                await self._receive(text)
        finally:
            self._worker = None
            if self._over:
                self._receive = _nobody  # it refers to the socket, and that to this
            self._make_room()

    def _make_room(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    async def _throttle(self) -> None:
        now = time.monotonic()
        self._tokens = min(self._rate, self._tokens + (now - self._counted) * self._rate)
        self._counted = now
        self._tokens -= 1
        if self._tokens < 0:
            await asyncio.sleep(-self._tokens / self._rate)


async def _nobody(_text: str) -> None:
    """Reads no frame any more."""
