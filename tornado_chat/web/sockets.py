"""What all sockets of a server share, and which of them are open."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tornado_chat.catch_up import CatchUp
from tornado_chat.config import Config
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
    refusing: bool = False  # the house is leaving: no new sockets
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

    def close_strangers(self, code: int, reason: str) -> None:
        """Those who have not said who they are; the others are closed as sessions."""
        for handler in list(self.handlers):
            if handler.session is None:
                handler.close(code, reason)

    async def gone(self, seconds: float) -> None:
        """Waits until every socket is closed, at most so long."""
        with contextlib.suppress(TimeoutError):
            if self.handlers:
                await asyncio.wait_for(self._gone.wait(), seconds)
