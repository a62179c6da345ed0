"""What plugins are told afterwards: a bounded queue per plugin, best effort.

Never delays an answer or a push. A slow plugin loses its own events and nobody else's; one that
fails again and again is told nothing for a while.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from tornado_chat.plugins.breaker import Breaker
from tornado_chat.plugins.calls import PluginFailed
from tornado_chat.plugins.source import Plugin
from tornado_chat.plugins.stepping import CANCEL_SECONDS

OBSERVERS = ("message_published", "session_opened", "session_closed")

WAITING = 10_000  # events per plugin, more than one commit brings; then the oldest is lost
EVENT_SECONDS = 5.0  # for one event, where the function is async
SLICE_SECONDS = 0.005  # of the loop, before others have their turn
FAILURES = 5  # in a row, and the hook is set aside

log = logging.getLogger("tornado_chat.plugins")


class Observer:
    """One plugin's queue. Its task exists only while something waits."""

    def __init__(
        self,
        plugin: Plugin,
        *,
        waiting: int,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.plugin = plugin
        self._waiting: deque[tuple[str, dict[str, Any]]] = deque()
        self._bound = waiting
        self._calls = {
            hook: plugin.calls_of(hook, seconds, words=())
            for hook in OBSERVERS
            if hook in plugin.hooks
        }
        self._breakers = {hook: Breaker(FAILURES, clock) for hook in self._calls}
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    def put(self, hook: str, **given: Any) -> None:
        """Queues an event; returns at once."""
        if self._stopped:
            return
        if len(self._waiting) >= self._bound:
            self._waiting.popleft()
            self.plugin.lost += 1
            text = (
                f"is too slow: more than {self._bound} events wait, {self.plugin.lost} lost so far"
            )
            self.plugin.say("lost", text, logging.WARNING)
        self._waiting.append((hook, given))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(
                self._drain(), name=f"observer {self.plugin.name}"
            )

    @property
    def waiting(self) -> int:
        """How many events wait to be told."""
        return len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether something waits to be told, or is being told."""
        return self._task is not None

    async def _drain(self) -> None:
        began = time.monotonic()
        try:
            while self._waiting:
                hook, given = self._waiting.popleft()
                if self._breakers[hook].open:
                    self.plugin.lost += 1
                else:
                    await self._tell(hook, given)
                if time.monotonic() - began > SLICE_SECONDS:
                    await asyncio.sleep(0)
                    began = time.monotonic()
        finally:
            self._task = None

    async def _tell(self, hook: str, given: dict[str, Any]) -> None:
        """One that raises, takes too long or holds the loop has failed."""
        calls, breaker = self._calls[hook], self._breakers[hook]
        calls.set_aside = False
        held, failed = calls.held, False
        try:
            await calls.run(self.plugin.hooks[hook], **given)
        except PluginFailed:
            failed = True
        if failed or calls.held > held:
            pause = breaker.failed()
            if pause:
                calls.set_aside = True
                text = f"fails again and again in {hook}: set aside, tried again after {pause:g} s"
                self.plugin.say(f"aside {hook}", text)
        elif breaker.failures and breaker.went_well():
            log.info("plugin %r works again in %s", self.plugin.name, hook)

    async def stop(self, seconds: float) -> None:
        """Gives what waits that long, then ends."""
        task = self._task
        if task is not None:
            await asyncio.wait({task}, timeout=seconds)
        self._stopped = True
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=CANCEL_SECONDS)


class Observers:
    """Who wants to be told of what."""

    def __init__(
        self,
        plugins: Iterable[Plugin] = (),
        *,
        waiting: int = WAITING,
        seconds: float = EVENT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._all = [
            Observer(plugin, waiting=waiting, seconds=seconds, clock=clock)
            for plugin in plugins
            if not plugin.hooks.keys().isdisjoint(OBSERVERS)
        ]
        self._by_hook = {
            hook: tuple(observer for observer in self._all if hook in observer.plugin.hooks)
            for hook in OBSERVERS
        }

    def tell(self, hook: str, **given: Any) -> None:
        """Queues an event for those who implement the hook; on the loop's thread, and after
        what it tells of: the answer was given, the frames are in the outboxes."""
        for observer in self._by_hook[hook]:
            observer.put(hook, **given)

    def listener(self, hook: str, name: str) -> Callable[[Any], None] | None:
        """`tell` for what comes with every message, called with the argument of that name; None
        where nobody implements the hook, so that nothing needs to be called."""
        if not self._by_hook[hook]:
            return None
        return lambda what: self.tell(hook, **{name: what})

    def waiting(self) -> dict[str, int]:
        """How many events wait to be told, by plugin."""
        return {observer.plugin.name: observer.waiting for observer in self._all}

    def busy(self) -> list[str]:
        """Which plugins have not been told everything yet."""
        return [observer.plugin.name for observer in self._all if observer.busy]

    async def stop(self, seconds: float = 1.0) -> None:
        """Lets the queues run dry for so long; what then still waits is lost."""
        await asyncio.gather(*(observer.stop(seconds) for observer in self._all))
