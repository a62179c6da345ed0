"""A topic as its reader sees it: one stream, whatever the network does below.

1. Messages come once and in order, by their offset; what is kept for the reader is bounded.
2. A reader too slow for his queue falls behind: what comes is dropped, the server is asked to stop,
   and when half the queue is free it is asked to go on from the last message that was kept.
3. Where the server cannot tell all that was missed, the reader is told between the last message
   before the hole and the first one after it, with the state as it was then.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import TracebackType
from typing import Any, Literal, Protocol, Self

from tornado_chat.client.errors import ChatError, Closed
from tornado_chat.client.values import Message, Position

Since = Position | Literal["start"] | None
OnGap = Callable[["Subscription"], Awaitable[None] | None]


class Wire(Protocol):
    """What a subscription asks of its connection."""

    def ask(self, subscription: "Subscription") -> None:
        """Subscribe it, if there is a connection."""

    def leave(self, subscription: "Subscription", *, forget: bool) -> None:
        """Unsubscribe it; `forget`: for good."""


class Standing(Enum):
    """How the server sees it."""

    OFF = auto()
    ASKED = auto()
    ON = auto()
    BEHIND = auto()


@dataclass(frozen=True, slots=True)
class Gap:
    """In the queue: here something is missing; from `position` on nothing is."""

    state: Any
    position: Position


class Subscription:
    """An asynchronous iterator of messages; `async with` waits until the server has answered, and
    closes it. `state` is the topic's, as of the last snapshot (None before, or where the topic has
    none); `complete` is what the server said with it; `position` is where to resume another time:
    after the last message that was taken out. `gaps` counts the holes so far."""

    def __init__(
        self, topic: str, since: Since, *, wire: Wire, size: int, on_gap: OnGap | None
    ) -> None:
        self.topic = topic
        self.state: Any = None
        self.complete: bool | None = None
        self.position: Position | None = since if isinstance(since, Position) else None
        self.gaps = 0
        self.standing = Standing.OFF
        self._since: Since = since  # of what has come in, not of what was taken out
        self._wire = wire
        self._size = size
        self._on_gap = on_gap
        self._items: deque[Message | Gap] = deque()
        self._more = asyncio.Event()
        self._room = asyncio.Event()
        self._ready = asyncio.Event()
        self._problem: ChatError | None = None

    # For the reader

    async def ready(self) -> Self:
        """Waits for the first answer; raises what the server has against it."""
        await self._ready.wait()
        if self.complete is None and self._problem is not None:
            raise self._problem
        return self

    def close(self) -> None:
        """Ends it: the iterator gives what has come in, and stops."""
        if self._problem is None:
            self.end(Closed(f"subscription {self.topic}: closed"))
            self._wire.leave(self, forget=True)

    async def __aenter__(self) -> Self:
        try:
            return await self.ready()
        except BaseException:
            self.close()
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        while True:
            if self._items:
                item = self._items.popleft()
                self._note_room()
                if isinstance(item, Message):
                    self.position = item.position
                    return item
                await self._tell(item)
            elif self._problem is None:
                self._more.clear()
                await self._more.wait()
            elif isinstance(self._problem, Closed):
                raise StopAsyncIteration
            else:
                raise self._problem

    async def _tell(self, gap: Gap) -> None:
        self.state, self.complete, self.position = gap.state, False, gap.position
        self.gaps += 1
        if self._on_gap is not None:
            waiting = self._on_gap(self)
            if waiting is not None:
                await waiting

    def _note_room(self) -> None:
        if len(self._items) * 2 > self._size:
            return
        self._room.set()
        if self.standing is Standing.BEHIND:
            self.standing = Standing.OFF
            self._wire.ask(self)

    # For the connection

    @property
    def ended(self) -> bool:
        return self._problem is not None

    @property
    def resumes(self) -> bool:
        """It goes on from somewhere, so that a message of its topic is its own, now or later."""
        return isinstance(self._since, Position)

    @property
    def full(self) -> bool:
        return len(self._items) >= self._size

    def body(self) -> dict[str, Any]:
        """What a subscribe says of it."""
        since = self._since
        if since is None:
            return {"topic": self.topic}
        if isinstance(since, Position):
            return {"topic": self.topic, "since": {"epoch": since.epoch, "offset": since.offset}}
        return {"topic": self.topic, "since": since}

    def joined(self, ok: Mapping[str, Any]) -> None:
        """The server has answered; what it was asked to send follows."""
        self.standing = Standing.ON
        mark = Position(ok["epoch"], ok["offset"])
        begins = self.complete is None or self._since == "start"
        hole = isinstance(self._since, Position) and not ok["complete"]
        if begins:
            self.state, self.complete = ok["state"], ok["complete"]
            if self._since is None:
                self.position = mark
        if hole:
            if self._items and isinstance(self._items[-1], Gap):
                self._items.pop()  # it was not seen yet, and the new one says more
            self._items.append(Gap(ok["state"], mark))
            self._more.set()
        if self._since != "start" and not ok["complete"]:
            self._since = mark
        self._ready.set()

    def push(self, message: Message) -> bool:
        """Takes what came, unless it is there already; False where there is no room: then it is
        not taken."""
        last = self._since
        if isinstance(last, Position) and message.offset <= last.offset:
            return True
        if self.full:
            return False
        self._since = message.position
        self._items.append(message)
        self._more.set()
        return True

    async def room(self, seconds: float) -> bool:
        """Waits a moment until half the queue is free."""
        self._room.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._room.wait()
        except TimeoutError:
            return False
        return True

    def fall_behind(self) -> None:
        """What comes is not for it any more, until there is room."""
        if self.standing is Standing.ON:
            self.standing = Standing.BEHIND
            self._wire.leave(self, forget=False)

    def end(self, problem: ChatError) -> None:
        """The iterator gives what has come in, and ends with this."""
        if self._problem is None:
            self._problem = problem
            self.standing = Standing.OFF
            self._more.set()
            self._room.set()
            self._ready.set()
