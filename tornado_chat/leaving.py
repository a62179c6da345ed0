"""How the house leaves: not ready, no new sockets, goodbyes spread over a window, then the end.

What a socket has sent is answered after its commit before it is told goodbye; what it sends after
that is not read, so nothing is left half done. REST goes on until the last socket is gone.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine, Sequence
from typing import Any

from tornado_chat.errors import GOING_AWAY
from tornado_chat.web.listener import Listener
from tornado_chat.web.socket import Socket
from tornado_chat.web.sockets import Sockets

log = logging.getLogger("tornado_chat")

ANSWER_SECONDS = 3.0  # for what one socket has sent before its goodbye
CLOSE_SECONDS = 3.0  # for peers to answer the goodbye
REQUEST_SECONDS = 5.0  # for requests under way
HURRY_SECONDS = 0.3  # for all of that where somebody asks twice
BACK_MS = 200, 4000  # when to come back, after the last goodbye


class Leaving:
    """The way out of one server."""

    def __init__(self, sockets: Sockets, listener: Listener) -> None:
        self._sockets = sockets
        self._listener = listener
        self._quiet: asyncio.Task[None] | None = None
        self._hurrying = False

    def hurry(self) -> None:
        """From now on nobody is waited for, whether it leaves already or not."""
        self._hurrying = True
        if self._quiet is not None:
            self._quiet.cancel()

    async def leave(self, seconds: float) -> None:
        """Ends every socket and connection, the goodbyes evenly over so many seconds."""
        sockets = list(self._sockets.handlers)
        if self._hurrying or not sockets:
            seconds = 0.0
        last = seconds * (len(sockets) - 1) / max(1, len(sockets))
        self._sockets.refuse(last)
        self._listener.last_requests()
        if sockets:
            over = f" over {seconds:g} s; once more to leave at once" if last else ""
            log.info("leaving: %d sockets%s", len(sockets), over)
        self._quiet = asyncio.create_task(self._quietly(sockets, last), name="leaving")
        if self._hurrying:
            self._quiet.cancel()
        await asyncio.wait([self._quiet])
        await self._abruptly()

    async def _quietly(self, sockets: Sequence[Socket], seconds: float) -> None:
        await self._until_gone(self._goodbyes(sockets, seconds))
        await self._listener.answered(REQUEST_SECONDS)

    async def _abruptly(self) -> None:
        """Whoever is still there: somebody was in a hurry, or a peer does not answer."""
        if self._sockets.handlers:
            for socket in list(self._sockets.handlers):
                say_goodbye(socket, self._window())
            await self._sockets.gone(HURRY_SECONDS)
            for socket in list(self._sockets.handlers):
                socket.abort()
            await self._sockets.gone(HURRY_SECONDS)
        await self._listener.close()

    async def _until_gone(self, goodbyes: Coroutine[Any, Any, None]) -> None:
        """Says the goodbyes, as long as anybody is there to hear them."""
        saying = asyncio.create_task(goodbyes, name="goodbyes")
        gone = asyncio.create_task(self._sockets.gone(), name="all gone")
        try:
            await asyncio.wait([saying, gone], return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait([gone], timeout=CLOSE_SECONDS)
        finally:
            saying.cancel()
            gone.cancel()

    async def _goodbyes(self, sockets: Sequence[Socket], seconds: float) -> None:
        began, step = time.monotonic(), seconds / max(1, len(sockets) - 1)
        async with asyncio.TaskGroup() as each:
            for place, socket in enumerate(sockets):
                await asyncio.sleep(max(0.0, began + place * step - time.monotonic()))
                each.create_task(self._goodbye(socket))

    async def _goodbye(self, socket: Socket) -> None:
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_SECONDS):
                    await answered(socket)
            say_goodbye(socket, self._window())
        except Exception:  # the others are told all the same
            log.exception("leaving: a socket could not be told")

    def _window(self) -> tuple[int, int]:
        """When to come back, in milliseconds from now: after the last goodbye, and spread."""
        left = 0 if self._hurrying else int(self._sockets.refused_for() * 1000)
        return left + BACK_MS[0], left + BACK_MS[1]


async def answered(socket: Socket) -> None:
    """Reads no more than has come, and waits until that is answered, after its commits, and the
    answers are gone."""
    await socket.inbox.finish()
    session = socket.session
    if session is not None:
        while session.posts and session.last_post is not None:
            await asyncio.wait([session.last_post])
        await session.outbox.emptied()


def say_goodbye(socket: Socket, window_ms: tuple[int, int]) -> None:
    """Goodbye, and when to come back, where the wire has a word for it."""
    session = socket.session
    if session is None:
        socket.close(GOING_AWAY, "restart")
    elif session.closed is None:
        session.dialect.farewell(session, "restart", window_ms)
        session.close(GOING_AWAY, "restart")
