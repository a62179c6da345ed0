"""A client of the two GrowERP sockets, `/chat` and `/notws`, that behaves as the front-end's does.

One stream for the life of the client, whatever the network does; a fixed pause before it comes
back, for ever and in silence; `connect` again closes the old socket with 1000 and opens a new one.
It acknowledges nothing: what was missed is sent again by the server.
"""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tornado_chat.client.errors import ChatError, Lost
from tornado_chat.client.link import Manners, Pulse, socket_address


class Stream:
    """An asynchronous iterator of what comes, from when it was asked for until the client is
    closed. What it has no room for is not read from the socket: it waits at the server."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[dict[str, Any]] = deque()
        self._changed = asyncio.Event()
        self.ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> dict[str, Any]:
        while not self._items:
            if self.ended:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        self._changed.set()
        return self._items.popleft()

    async def put(self, frame: dict[str, Any]) -> None:
        """Waits for room."""
        while len(self._items) >= self._size and not self.ended:
            self._changed.clear()
            await self._changed.wait()
        if not self.ended:
            self._items.append(frame)
            self._changed.set()

    def close(self) -> None:
        """Ends it: the iterator gives what has come in, and stops."""
        self.ended = True
        self._changed.set()


class WsClient:
    """A socket at `url_base` (`ws://host:port`), at `path` (`chat` or `notws`). Times in seconds."""

    def __init__(
        self,
        url_base: str,
        path: str,
        *,
        reconnect_seconds: float = 5.0,
        buffer: int = 1000,
        open_timeout: float = 10.0,
        close_timeout: float = 5.0,
        ping_interval: float = 20.0,
        ping_timeout: float = 20.0,
        **options: Any,
    ) -> None:
        self._address = socket_address(url_base, path.strip("/"))
        self._reconnect_seconds = reconnect_seconds
        self._buffer = buffer
        self._manners = Manners(open_timeout, close_timeout, ping_interval, ping_timeout, options)
        self._streams: list[Stream] = []
        self._socket: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self.trouble: str | None = None  # why there is no connection, None while there is one

    @property
    def connected(self) -> bool:
        return self._socket is not None

    async def connect(self, api_key: str, user_id: str) -> None:
        """Opens it, or opens it anew; returns after the first attempt, however that went."""
        await self._stop()
        self._tried.clear()
        address = f"{self._address}?{urlencode({'userId': user_id})}"
        self._task = asyncio.create_task(self._live(address, api_key))
        await self._tried.wait()

    async def send(self, message: Mapping[str, Any] | str) -> bool:
        """An object, or a text as it is (`subscribe: ALL`). False where there is no connection:
        then it is not sent, now or later."""
        if self._socket is None:
            return False
        try:
            await self._socket.send(message if isinstance(message, str) else json.dumps(message))
        except ConnectionClosed:
            return False
        return True

    def stream(self) -> Stream:
        """What comes from now on, over all connections; each caller has one of his own."""
        stream = Stream(self._buffer)
        self._streams.append(stream)
        return stream

    async def close(self) -> None:
        """Ends it with 1000; the streams end."""
        await self._stop()
        for stream in self._streams:
            stream.close()
        self._streams.clear()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _live(self, address: str, api_key: str) -> None:
        while True:
            try:
                socket = await self._manners.open(address, additional_headers={"api_key": api_key})
            except (Lost, ChatError) as problem:
                self.trouble = str(problem)
            else:
                await self._listen(socket)
            self._tried.set()
            await asyncio.sleep(self._reconnect_seconds)

    async def _listen(self, socket: ClientConnection) -> None:
        pulse = Pulse(socket, self._manners)
        self._socket, self.trouble = socket, None
        self._tried.set()
        try:
            while True:
                text = await socket.recv()
                pulse.heard()
                await self._take(text)
        except ConnectionClosed as end:
            self.trouble = str(end)
        finally:
            self._socket = None
            pulse.stop()
            await self._manners.close(socket)

    async def _take(self, text: str | bytes) -> None:
        """Objects alone; anything else is not of this wire."""
        try:
            frame = json.loads(text)
        except ValueError:
            return
        if isinstance(frame, dict):
            self._streams = [stream for stream in self._streams if not stream.ended]
            for stream in [*self._streams]:
                await stream.put(frame)
