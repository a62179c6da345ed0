"""What all sockets of a server share, and which of them are open."""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tornado_chat.config import Config
from tornado_chat.cursors import Cursors
from tornado_chat.errors import CLOSE_CODES, NO_KEY, TRY_LATER, ChatError, RateLimited, Unavailable
from tornado_chat.heartbeat import Heartbeat
from tornado_chat.hub import Hub
from tornado_chat.messages import Credentials, Identity
from tornado_chat.outbox import Budget, Outbox
from tornado_chat.plugins.observers import Observers
from tornado_chat.replay import Replay
from tornado_chat.web.dialect import Dialect
from tornado_chat.web.origins import Origins
from tornado_chat.write_behind import Cursor

if TYPE_CHECKING:
    from tornado_chat.web.socket import Socket

log = logging.getLogger("tornado_chat.session")

EXPIRED = "key expired"

# Close codes that are counted one by one: RFC 6455 7.4, and ours
CODES = {*range(1000, 1016), *CLOSE_CODES}


@dataclass(frozen=True, slots=True)
class Entrance:
    """What was made ready before the upgrade: the dialect's own state, and where to start."""

    state: Any = None
    cursor: Cursor | None = None


@dataclass
class Sockets:
    """What all sockets share. `has_ended(identity)`: whether it ended within the last minute."""

    config: Config
    hub: Hub
    heartbeat: Heartbeat
    cursors: Cursors
    replay: Replay
    budget: Budget
    origins: Origins
    identify: Callable[[Credentials], Awaitable[Identity]]
    observers: Observers
    has_ended: Callable[[Identity], bool]
    clock: Callable[[], float]  # seconds since 1970
    dirty: Callable[[Outbox], None] = field(init=False)  # one object for all outboxes
    _back_at: float | None = None  # monotonic; the house is leaving: no new sockets
    handlers: set["Socket"] = field(default_factory=set)
    # Sessions that ended, by the path of their sockets and our code for it; 0: a code of the peer's own
    ended: Counter[tuple[str, int]] = field(default_factory=Counter)
    _gone: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.dirty = self.hub.dirty

    def add(self, handler: "Socket") -> None:
        self.handlers.add(handler)
        self._gone.clear()

    def remove(self, handler: "Socket") -> None:
        self.handlers.discard(handler)
        if not self.handlers:
            self._gone.set()

    def count_end(self, path: str, code: int) -> None:
        """A session has ended."""
        self.ended[path, code if code in CODES else 0] += 1

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

    def end_expired(self) -> None:
        """Whose key has expired by now: the timer of a socket does not see a clock that is set, nor
        a machine that sleeps."""
        now = self.clock()
        for session in list(self.hub.all_sessions()):
            if session.identity.expires is not None and session.identity.expires <= now:
                session.close(NO_KEY, EXPIRED)

    def make_room(self, identity: Identity) -> None:
        """Over the limit the longest unproven socket goes if it may be dead, else the new one."""
        limit = self.config.limits.sockets_per_user
        sessions = self.hub.sessions(identity.tenant, identity.user_id)
        if not limit or len(sessions) < limit:
            return
        oldest = max(sessions, key=self.heartbeat.unproven_for)
        if self.heartbeat.unproven_for(oldest) <= self.config.delivery.ping_seconds:
            raise RateLimited(f"limits.sockets_per_user = {limit} sockets are open", 5.0)
        oldest.close(TRY_LATER, "too many sockets, this one was silent")

    async def prepare(self, dialect: Dialect, identity: Identity) -> Entrance:
        """What a socket begins with. Its start is written before the peer knows that it is open, so
        that a server which is killed right then has lost nothing."""
        try:
            state = await dialect.enter(identity)
        except ChatError:
            raise
        except Exception as error:
            log.exception("%s: a socket cannot be opened", dialect.path)
            raise ChatError("something failed here") from error
        if not dialect.addressed:
            return Entrance(state)
        return Entrance(state, await self.cursors.open(dialect.path, identity))

    def abandon(self, entrance: Entrance) -> None:
        """Of a socket that was not opened after all."""
        if entrance.cursor is not None:
            self.cursors.abandon(entrance.cursor)

    async def gone(self, seconds: float | None = None) -> None:
        """Waits until every socket is closed, at most so long."""
        with contextlib.suppress(TimeoutError):
            if self.handlers:
                await asyncio.wait_for(self._gone.wait(), seconds)
