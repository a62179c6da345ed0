"""A WebSocket of a test, whatever it speaks."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Generator
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

import websockets

T = TypeVar("T", bound="Closable")

SECONDS = 5.0  # for what has to come


class Socket:
    """Text frames, as they come; `close_code` is None while it is open."""

    def __init__(self, connection: websockets.ClientConnection) -> None:
        self.connection = connection

    @property
    def close_code(self) -> int | None:
        """With which it was closed."""
        return self.connection.close_code

    async def send(self, frame: object) -> None:
        """A text as it is, anything else as JSON."""
        await self.connection.send(frame if isinstance(frame, str) else json.dumps(frame))

    async def receive(self, seconds: float = SECONDS) -> str:
        """The text of the next frame."""
        try:
            text = await asyncio.wait_for(self.connection.recv(), seconds)
        except TimeoutError:
            raise AssertionError(f"no frame within {seconds:g} s") from None
        assert isinstance(text, str), "a binary frame"
        return text

    async def next(self, seconds: float = SECONDS) -> Any:
        """The next frame, which is JSON."""
        return json.loads(await self.receive(seconds))

    async def quiet(self, seconds: float = 0.2) -> None:
        """Nothing comes for so long."""
        with contextlib.suppress(TimeoutError):
            frame = await asyncio.wait_for(self.connection.recv(), seconds)
            raise AssertionError(f"expected nothing, came {frame!r}")

    async def closed(self, seconds: float = SECONDS) -> int | None:
        """Waits until the server closes it; with which code."""
        await asyncio.wait_for(self.connection.wait_closed(), seconds)
        return self.close_code

    async def close(self) -> None:
        """Ends it as a peer does that has done; what is still on its way is passed over, since the
        server's goodbye comes after it."""
        closing = asyncio.ensure_future(self.connection.close())
        with contextlib.suppress(websockets.ConnectionClosed, websockets.ConcurrencyError):
            while True:
                await self.connection.recv()
        await closing


class Closable(Protocol):
    """What can be ended."""

    async def close(self) -> None:
        """Ends it."""


class Opening(Generic[T]):
    """Something that opens: await it, or enter it to have it closed with the block."""

    def __init__(self, opening: Callable[[], Awaitable[T]]) -> None:
        self._opening = opening
        self._opened: T | None = None

    def __await__(self) -> Generator[Any, None, T]:
        return self._opening().__await__()

    async def __aenter__(self) -> T:
        self._opened = await self
        return self._opened

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._opened is not None
        await self._opened.close()
