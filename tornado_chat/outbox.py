"""Frames that wait for one socket: bounded, coalesced, written once a turn of the loop.

Knows no socket either: a transport is anything that takes bytes and says when they are gone.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

CHUNK = 65536  # bytes in one write: small enough to see a slow reader move


class Transport(Protocol):
    """One peer's end, as the outbox needs it."""

    def write(self, data: bytes, drained: Callable[[], None]) -> bool:
        """Takes `data`. True: it is gone already; else `drained()` is called once it is."""

    def accepted(self) -> int:
        """How many bytes the peer's side of the kernel has taken so far."""

    def close(self, code: int, reason: str) -> None:
        """Says goodbye after what was written, and closes."""

    def abort(self) -> None:
        """Drops the connection without a word."""


@dataclass(slots=True)
class Budget:
    """Bytes that all outboxes together may hold. `limit` 0: no limit. `waiting`: the outboxes
    whose peer has not taken the last write yet; `for_room`: those in which somebody waits for room,
    in them or in all together."""

    limit: int = 0
    used: int = 0
    waiting: set["Outbox"] = field(default_factory=set)
    for_room: set["Outbox"] = field(default_factory=set)

    @property
    def full(self) -> bool:
        """Nothing more should be put that can wait."""
        return bool(self.limit) and self.used >= self.limit

    def look_for_room(self) -> None:
        """Bytes are gone: looks whether those who wait for room have it."""
        if not self.full:
            waiting, self.for_room = self.for_room, set()
            for outbox in waiting:
                outbox.look_for_room()


class Outbox:
    """MUSTs: 1. frames leave in the order in which they were put; 2. an empty outbox takes any
    one frame; 3. a live push over the limit is refused, never queued and never dropped in
    silence; 4. what is put in a turn is written once, at its end, but for `put_now`.
    """

    __slots__ = ("_budget", "_busy", "_closed", "_dirty", "_first", "_limit", "_more", "_room",
                 "_sending", "frames_out", "progress", "size", "too_slow", "transport")  # fmt: skip

    def __init__(
        self, transport: Transport, limit: int, budget: Budget, dirty: Callable[["Outbox"], None]
    ) -> None:
        self.transport = transport
        self._limit = limit
        self._budget = budget
        self._dirty = dirty  # told once when there is something to flush
        self._first: bytes | None = None  # most have one frame at a time, and no queue of their own
        self._more: deque[bytes] | None = None
        self._busy = False  # a flush is due, or the transport has not taken the last write yet
        self._sending = 0  # bytes handed to the transport and not gone yet
        self._closed = False
        self._room: asyncio.Future[None] | None = None
        self.size = 0  # bytes that wait, those in the transport included
        self.frames_out = 0
        self.too_slow: Callable[[], None] | None = None  # ends a session that takes no byte
        self.progress: tuple[float, int] | None = None  # kept by the heartbeat

    def _fits(self, size: int, count: int) -> bool:
        """Whether so many frames of so many bytes may still be put as a live push."""
        if not self.size and count == 1:
            return True
        if self._limit and self.size + size > self._limit:
            return False
        return not self._budget.limit or self._budget.used + size <= self._budget.limit

    def put(self, frames: bytes, count: int = 1) -> bool:
        """A live push, or `count` of them in one piece; False when there is no room for it, and
        nothing was done."""
        if (self.size or count > 1) and not self._fits(len(frames), count):
            return False
        self.put_always(frames, count)
        return True

    def put_now(self, frames: bytes, count: int = 1) -> bool:
        """As `put`, and written at once where nothing waits: for wide fan-outs, which would touch each
        socket's memory once more at the end of the turn. Not where more may come in this turn."""
        if self._busy or self._closed or (count > 1 and not self._fits(len(frames), count)):
            return self.put(frames, count)
        self.frames_out += count
        if not self.transport.write(frames, self._drained):
            self._busy = True
            self.size = self._sending = len(frames)
            self._budget.used += self.size
            self._budget.waiting.add(self)
        return True

    def put_always(self, frames: bytes, count: int = 1) -> None:
        """A reply, or a page for which `room` was waited. Ignored once closed."""
        if self._closed:
            return
        size = len(frames)
        self.size += size
        self._budget.used += size
        self.frames_out += count
        if self._first is None:
            self._first = frames
        elif self._more is None:
            self._more = deque((frames,))
        else:
            self._more.append(frames)
        if not self._busy:
            self._busy = True
            self._dirty(self)

    def flush(self) -> None:
        """Writes what waits, a chunk at a time, as long as the transport takes it at once."""
        if self._sending:
            return
        while (data := self._first) is not None:
            if self._more is None:
                self._first = None
            else:
                data = self._take()
            self._sending = len(data)
            if not self.transport.write(data, self._drained):
                self._budget.waiting.add(self)
                return
            self._gone()
        self._busy = False

    def _take(self) -> bytes:
        """What one write takes of many; what is left stays in order."""
        assert self._first is not None
        assert self._more is not None
        taken = [self._first]
        size = len(self._first)
        while self._more and size + len(self._more[0]) <= CHUNK:
            size += len(self._more[0])
            taken.append(self._more.popleft())
        self._first = self._more.popleft() if self._more else None
        self._more = self._more or None
        return b"".join(taken)

    def _gone(self) -> None:
        gone, self._sending = self._sending, 0
        self.size -= gone
        budget = self._budget
        budget.used -= gone
        if budget.for_room:
            budget.look_for_room()
        if self._room is not None:
            self.look_for_room()

    def _has_room(self) -> bool:
        if self._closed or not self.size:
            return True
        return not (self._limit and self.size > self._limit // 2) and not self._budget.full

    def look_for_room(self) -> None:
        """Wakes whoever waits for it, if there is."""
        if self._room is not None and self._has_room():
            room, self._room = self._room, None
            if not room.done():
                room.set_result(None)

    def _drained(self) -> None:
        self._budget.waiting.discard(self)
        self.progress = None
        if not self._closed:
            self._gone()
            self.flush()

    async def room(self) -> None:
        """Waits until the outbox is at most half full and all together have room, or it is closed
        or empty: who reads quickly is not held up by others for long."""
        while not self._has_room():
            if self._room is None:
                self._room = asyncio.get_running_loop().create_future()
            self._budget.for_room.add(self)
            await asyncio.shield(self._room)

    async def emptied(self) -> None:
        """Waits until nothing waits here any more."""
        while self.size and not self._closed:
            if self._room is None:
                self._room = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._room)

    def close(self) -> None:
        """Throws away what waits and gives its bytes back."""
        self._closed = True
        self._first = self._more = None
        self._budget.waiting.discard(self)
        self._sending = self.size
        self._gone()
