"""Somebody at the native protocol."""

import asyncio
import json
from typing import Any

import websockets

from tornado_chat.testing.socket import SECONDS, Socket
from tornado_chat.testing.watched import Watched

Frame = dict[str, Any]


class Native(Socket):
    """A session on `/ws`: commands with their replies, and what is pushed meanwhile.

    `hello`: what the server said first. `pushed`: frames that came while a reply was waited for;
    `next` and what is built on it give them first.
    """

    hello: Frame

    def __init__(self, connection: websockets.ClientConnection) -> None:
        super().__init__(connection)
        self.pushed: list[Frame] = []
        self._last = 0

    async def next(self, seconds: float = SECONDS) -> Frame:
        """The next frame, whatever it is."""
        if self.pushed:
            return self.pushed.pop(0)
        frame: Frame = await super().next(seconds)
        return frame

    async def do(self, do: str, seconds: float = SECONDS, **arguments: Any) -> Frame:
        """A command; its reply, whatever it is."""
        self._last += 1
        await self.send({"id": self._last, "do": do, **arguments})
        return await self.reply(self._last, seconds)

    async def reply(self, command_id: object, seconds: float = SECONDS) -> Frame:
        """The reply to the command of that id. What comes before it is kept for `next`; `seconds` is
        for each frame."""
        while True:
            frame: Frame = json.loads(await self.receive(seconds))
            if frame.get("id") == command_id and ("ok" in frame or "error" in frame):
                return frame
            self.pushed.append(frame)

    async def ok(self, do: str, **arguments: Any) -> Any:
        """A command that must go well; what it answers."""
        return of(await self.do(do, **arguments), "ok")

    async def refused(self, do: str, **arguments: Any) -> str:
        """A command that must not; the code of its error."""
        code: str = of(await self.do(do, **arguments), "error")["code"]
        return code

    async def watch(self, topic: str, id_key: str = "id") -> Watched:
        """Subscribes a list, the topic of a `StateProvider`, and keeps it as a front-end does."""
        return Watched(self, topic, (await self.ok("subscribe", topic=topic))["state"], id_key)

    async def push(self, seconds: float = SECONDS) -> Frame:
        """The next frame, which must be a push."""
        found: Frame = of(await self._awaited(seconds), "push")
        return found

    async def signal(self, seconds: float = SECONDS) -> Frame:
        """The next frame, which must be a signal."""
        found: Frame = of(await self._awaited(seconds), "signal")
        return found

    async def quiet(self, seconds: float = 0.2) -> None:
        """Nothing has come, and nothing comes for so long."""
        came = [frame for frame in self.pushed if not is_presence(frame)]
        if not came:
            try:
                async with asyncio.timeout(seconds):
                    came = [await self._awaited(2 * seconds)]
            except TimeoutError:
                return
        raise AssertionError(f"expected nothing, came {came}")

    async def _awaited(self, seconds: float) -> Frame:
        """The next frame but for who is here in a room, which is told some time after people come."""
        while is_presence(frame := await self.next(seconds)):
            pass
        return frame


def is_presence(frame: Frame) -> bool:
    signal = frame.get("signal", {})
    return signal.get("name") == "here" and signal.get("sender") is None


def of(frame: Frame, name: str) -> Any:
    """What a frame of this kind holds. AssertionError that shows any other."""
    if name not in frame:
        raise AssertionError(f"expected {name!r}, came {frame}")
    return frame[name]
