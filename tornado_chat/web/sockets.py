"""What all sockets of a server share, and which of them are open."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tornado_chat.catch_up import CatchUp
from tornado_chat.config import Config
from tornado_chat.errors import Unavailable
from tornado_chat.heartbeat import Heartbeat
from tornado_chat.hub import Hub
from tornado_chat.messages import Credentials, Identity
from tornado_chat.outbox import Budget
from tornado_chat.plugins.observers import Observers
from tornado_chat.web.origins import Origins

if TYPE_CHECKING:
    from tornado_chat.web.socket import SocketHandler


@dataclass
class Sockets:
    """What all sockets share. `has_ended(identity)`: whether it ended within the last minute."""

    config: Config
    hub: Hub
    heartbeat: Heartbeat
    catch_up: CatchUp
    budget: Budget
    origins: Origins
    identify: Callable[[Credentials], Awaitable[Identity]]
    observers: Observers
    has_ended: Callable[[Identity], bool]
    _back_at: float | None = None  # monotonic; the house is leaving: no new sockets
    handlers: set["SocketHandler"] = field(default_factory=set)
    _gone: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, handler: "SocketHandler") -> None:
        self.handlers.add(handler)
        self._gone.clear()

    def remove(self, handler: "SocketHandler") -> None:
        self.handlers.discard(handler)
        if not self.handlers:
            self._gone.set()

    def strangers(self) -> int:
        """How many have not said who they are."""
        return len(self.handlers) - self.hub.session_count

    def refuse(self, seconds: float) -> None:
        """From now on no new sockets: the house leaves, and is gone in so many seconds."""
        self._back_at = time.monotonic() + seconds

    @property
    def refusing(self) -> bool:
        """Whether the house is leaving."""
        return self._back_at is not None

    def refused_for(self) -> float:
        """For how many seconds more."""
        return max(0.0, (self._back_at or 0.0) - time.monotonic())

    def check_open(self) -> None:
        """Raises Unavailable while the house leaves, with the time after which to try again."""
        if self.refusing:
            problem = Unavailable("the server is leaving, try again in a moment")
            problem.retry_after = 1 + self.refused_for()
            raise problem

    async def gone(self, seconds: float | None = None) -> None:
        """Waits until every socket is closed, at most so long."""
        with contextlib.suppress(TimeoutError):
            if self.handlers:
                await asyncio.wait_for(self._gone.wait(), seconds)
