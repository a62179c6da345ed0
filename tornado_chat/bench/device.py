"""One socket of somebody: opened with his key, subscribed, saying things, hearing them."""

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Callable
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as websocket_connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from tornado_chat.client.link import socket_address
from tornado_chat.errors import SetupError

ANSWER_SECONDS = 20.0
FRAMES_SHARE = 0.9  # of the frames that the server lets a socket say a second

wire_log = logging.getLogger("tornado_chat.bench.wire")
wire_log.setLevel(logging.INFO)  # at DEBUG that library writes every frame down


class Device:
    """`user`: who it is; `frames_per_second`: how much it may say, 0 for no limit; `held`: seconds
    that it waited for that. `on_data` is told what comes, a push or a signal, and when."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key
        self._ids = itertools.count(1)
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._next = 0.0  # when it may say something again
        self.user = ""
        self.frames_per_second = 0.0
        self.held = 0.0
        self.on_data: Callable[[dict[str, Any], float], None] = lambda _data, _at: None
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None

    async def open(self) -> float:
        """How many seconds it took until the server said who it is. Raises SetupError."""
        start = time.perf_counter()
        try:
            self._socket = await websocket_connect(
                socket_address(self._url, "ws"),
                additional_headers={"api_key": self._key},
                compression=None,
                max_size=None,
                max_queue=None,
                ping_interval=None,
                open_timeout=ANSWER_SECONDS,
                logger=wire_log,
            )
            async with asyncio.timeout(ANSWER_SECONDS):
                hello = orjson.loads(await self._socket.recv())["hello"]
        except InvalidStatus as refusal:
            raise SetupError(self._refused(refusal)) from None
        except (OSError, WebSocketException, ValueError, KeyError) as problem:
            raise SetupError(f"{self._url}: {str(problem) or 'no answer'}") from None
        self.user = hello["user"]
        self.frames_per_second = FRAMES_SHARE * hello["limits"]["frames_per_second"]
        self._reader = asyncio.create_task(self._read(self._socket))
        return time.perf_counter() - start

    def _refused(self, refusal: InvalidStatus) -> str:
        status = refusal.response.status_code
        try:
            said = orjson.loads(refusal.response.body or b"{}")["error"]["message"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            said = "no tornado_chat answers there"
        if status == 429:
            return f"{self._url}: {said}: give fewer --sockets, or more keys by --keys"
        return f"{self._url}: answered {status}: {said}"

    async def _read(self, socket: ClientConnection) -> None:
        problem = SetupError(f"{self._url}: the server has closed a connection")
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                frame = orjson.loads(text)
                if "push" in frame:
                    self.on_data(frame["push"]["data"], time.perf_counter())
                elif "signal" in frame:
                    self.on_data(frame["signal"]["data"], time.perf_counter())
                elif frame.get("id") in self._asked:
                    self._asked.pop(frame["id"]).set_result(frame)
                elif "error" in frame:
                    problem = SetupError(f"{self._url}: {frame['error']['message']}")
                    break
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(problem)

    async def say(self, do: str, **arguments: Any) -> "asyncio.Future[dict[str, Any]]":
        """Sends a command, as soon as the server's pace allows it; the answer comes later."""
        await self._pace()
        assert self._socket is not None
        command_id = next(self._ids)
        asked = asyncio.get_running_loop().create_future()
        self._asked[command_id] = asked
        try:
            await self._socket.send(
                orjson.dumps({"id": command_id, "do": do, **arguments}).decode()
            )
        except ConnectionClosed:
            raise SetupError(f"{self._url}: the server has closed a connection") from None
        return asked

    async def _pace(self) -> None:
        if not self.frames_per_second:
            return
        now = time.perf_counter()
        self._next = max(self._next, now) + 1 / self.frames_per_second
        if self._next > now + 1 / self.frames_per_second:
            await asyncio.sleep(self._next - now)
            self.held += time.perf_counter() - now

    async def do(self, do: str, **arguments: Any) -> dict[str, Any]:
        """A command and what it answers. Raises SetupError where it is refused or not answered."""
        asked = await self.say(do, **arguments)
        try:
            frame = await asyncio.wait_for(asked, ANSWER_SECONDS)
        except TimeoutError:
            raise SetupError(f"{self._url}: {do}: no answer in {ANSWER_SECONDS:g} s") from None
        if "error" in frame:
            raise SetupError(f"{self._url}: {do}: {frame['error']['message']}")
        ok: dict[str, Any] = frame["ok"]
        return ok

    async def close(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
        if self._socket is not None:
            await self._socket.close()
