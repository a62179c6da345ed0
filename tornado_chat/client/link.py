"""One connection: opened, the key shown, frames in and out, and how it ended.

It knows frames and close codes, and nothing of topics.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as websocket_connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from tornado_chat.client.errors import ChatError, Lost, Unauthorized

# At DEBUG that library writes every frame down, keys and texts among them.
wire_log = logging.getLogger("tornado_chat.client.wire")
wire_log.setLevel(logging.INFO)

UNAUTHORIZED, REVOKED, TOO_BIG = 4001, 4009, 1009
FRAME_BYTES = 64 * 1024 * 1024  # of one frame of the server: a state may be long
RETRY_AFTER_MAX = 300.0  # seconds; a proxy that says tomorrow is not believed


@dataclass(frozen=True, slots=True)
class Manners:
    """How a connection is treated, in seconds; `options` are for `websockets.connect`."""

    open_timeout: float = 10.0
    close_timeout: float = 5.0
    ping_interval: float = 20.0
    ping_timeout: float = 20.0
    options: Mapping[str, Any] = field(default_factory=dict)

    async def open(self, address: str, **options: Any) -> ClientConnection:
        """A WebSocket, or `Lost`, or `Unauthorized` where the upgrade was refused with 401 or 403."""
        options = {"max_size": FRAME_BYTES, "compression": None, **self.options, **options}
        try:
            return await websocket_connect(
                address,
                open_timeout=self.open_timeout,
                close_timeout=self.close_timeout,
                ping_interval=None,
                logger=wire_log,
                **options,
            )
        except InvalidStatus as refusal:
            status = refusal.response.status_code
            if status in {401, 403}:
                raise Unauthorized(f"{address}: answered {status}") from None
            after = _seconds(refusal.response.headers.get("Retry-After"))
            window = None if after is None else (after, 1.5 * after)
            raise Lost(f"{address}: answered {status}", window) from None
        except (OSError, WebSocketException) as problem:  # a TimeoutError is an OSError
            raise Lost(f"{address}: {problem}") from None

    async def close(self, socket: ClientConnection) -> None:
        """With 1000; a peer that does not answer in time is left without his goodbye."""
        try:
            async with asyncio.timeout(self.close_timeout):
                await socket.close()
        except TimeoutError:
            socket.transport.abort()


class Pulse:
    """Notices that the network has stalled: pings, and aborts a socket of which nothing is heard.

    The library's own keepalive waits for room in the write buffer, and so for ever where the way
    up has stalled with bytes in it.
    """

    def __init__(self, socket: ClientConnection, manners: Manners) -> None:
        self._socket = socket
        self._manners = manners
        self._limit: asyncio.Timeout | None = None
        self._task = asyncio.create_task(self._beat())

    def heard(self) -> None:
        """A frame came: it lives, however long the pong takes behind all that is on its way."""
        limit = self._limit
        if limit is not None and not limit.expired():
            limit.reschedule(asyncio.get_running_loop().time() + self._manners.ping_timeout)

    def stop(self) -> None:
        self._task.cancel()

    async def _beat(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await asyncio.sleep(self._manners.ping_interval)
                try:
                    async with asyncio.timeout(self._manners.ping_timeout) as self._limit:
                        await (await self._socket.ping())
                except TimeoutError:
                    self._socket.transport.abort()
                    return
                finally:
                    self._limit = None


class Link:
    """A connection whose key was taken. `hello` is what the server said then."""

    def __init__(self, socket: ClientConnection, manners: Manners) -> None:
        self.hello: dict[str, Any] = {}
        self._socket = socket
        self._manners = manners
        self._pulse = Pulse(socket, manners)
        self._window: tuple[float, float] | None = None

    @classmethod
    async def open(cls, address: str, key: str, manners: Manners) -> "Link":
        """Raises `Lost`, or `Unauthorized` where the server has said that the key is not good."""
        link = cls(await manners.open(address), manners)
        try:
            async with asyncio.timeout(manners.open_timeout):
                await link._enter(key)
        except TimeoutError:
            await link.close()
            raise Lost(f"{address}: no hello in {manners.open_timeout:g} s") from None
        except BaseException:
            await link.close()
            raise
        return link

    async def _enter(self, key: str) -> None:
        await self.send(json.dumps({"id": 0, "do": "auth", "key": key}))
        frame = await self.next(known=False)
        error = frame.get("error")
        if error is not None and error["code"] in {"unauthorized", "denied"}:
            raise Unauthorized(error["message"])
        if "hello" not in frame:
            raise Lost(error["message"] if error is not None else "said no hello")
        self.hello = frame["hello"]

    async def send(self, text: str) -> None:
        """One text frame; waits for room. Raises `Lost`."""
        try:
            await self._socket.send(text)
        except ConnectionClosed:
            raise Lost("the connection ended") from None

    async def next(self, *, known: bool = True) -> dict[str, Any]:
        """The next frame. When there is none any more: `Lost`, `Unauthorized` or `ChatError`.
        `known`: whether the key was taken. Before that, 4001 alone says only that it came too late,
        as through a slow network; a bad key is said in a frame."""
        while True:
            try:
                text = await self._socket.recv()
                self._pulse.heard()
                frame = json.loads(text)
            except ConnectionClosed as end:
                raise self._problem(end, known=known) from None
            except ValueError:
                raise Lost("a frame that is not JSON") from None
            if not isinstance(frame, dict):
                raise Lost("a frame that is not an object")
            if "bye" not in frame:
                return frame
            first, last = frame["bye"]["reconnect_after_ms"]
            self._window = (first / 1000, last / 1000)

    def _problem(self, end: ConnectionClosed, *, known: bool) -> Exception:
        if end.sent is not None and end.sent.code == TOO_BIG:
            return ChatError("too_large", f"the server sent a frame of over {FRAME_BYTES} bytes")
        if known and end.rcvd is not None and end.rcvd.code in {UNAUTHORIZED, REVOKED}:
            return Unauthorized(end.rcvd.reason or f"closed with {end.rcvd.code}")
        return Lost("the connection ended", self._window)

    async def close(self) -> None:
        self._pulse.stop()
        await self._manners.close(self._socket)


def socket_address(url: str, socket: str) -> str:
    """The address of a socket at a server: http and https become ws and wss, the name of the socket
    is the end of the path. A ValueError where the URL is none, or holds a key."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    if scheme not in {"ws", "wss"} or not parts.hostname or parts.port == 0:
        said = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
        raise ValueError(f"{said!r}: not of the form http://HOST:PORT (or https, ws, wss)")
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError(f"{scheme}://{parts.hostname}: the key is an argument, not of the URL")
    path = parts.path.rstrip("/").removesuffix(f"/{socket}")
    return urlunsplit((scheme, parts.netloc, f"{path}/{socket}", "", ""))


def _seconds(retry_after: str | None) -> float | None:
    """Of the header; a date is passed over."""
    if retry_after is None or not retry_after.strip().isdecimal():
        return None
    return min(float(retry_after), RETRY_AFTER_MAX)
