"""What plugins are told afterwards: a bounded queue per plugin, best effort.

Never delays an answer or a push. A slow plugin loses its own events and nobody else's.
"""

import asyncio
import inspect
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from tornado_chat.plugins.source import Plugin
from tornado_chat.plugins.traffic import CANCEL_SECONDS, Stuck, within

OBSERVERS = ("message_published", "session_opened", "session_closed")

WAITING = 10_000  # events per plugin, more than one commit brings; then the oldest is lost
EVENT_SECONDS = 5.0  # for one event, where the function is async
HOLD_SECONDS = 0.1  # a plain function that takes longer is named in the log
SLICE_SECONDS = 0.005  # of the loop, before others have their turn


class Observer:
    """One plugin's queue. Its task exists only while something waits."""

    def __init__(self, plugin: Plugin, *, waiting: int, seconds: float) -> None:
        self.plugin = plugin
        self._waiting: deque[tuple[str, dict[str, Any]]] = deque()
        self._bound = waiting
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None
        self._stuck = False
        self._stopped = False

    def put(self, hook: str, **given: Any) -> None:
        """Queues an event; returns at once."""
        if self._stopped:
            return
        if self._stuck:
            self._lose("does not end when it is cancelled and is told nothing more")
            return
        if len(self._waiting) >= self._bound:
            self._waiting.popleft()
            self._lose(f"is too slow: more than {self._bound} events wait")
        self._waiting.append((hook, given))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(
                self._drain(), name=f"observer {self.plugin.name}"
            )

    def _lose(self, why: str) -> None:
        self.plugin.lost += 1
        self.plugin.say("lost", f"{why}, {self.plugin.lost} lost so far", logging.WARNING)

    async def _drain(self) -> None:
        began = time.monotonic()
        try:
            while self._waiting and not self._stuck:
                hook, given = self._waiting.popleft()
                await self._tell(hook, given)
                if time.monotonic() - began > SLICE_SECONDS:
                    await asyncio.sleep(0)
                    began = time.monotonic()
        finally:
            self._task = None

    async def _tell(self, hook: str, given: dict[str, Any]) -> None:
        began = time.monotonic()
        try:
            answer = self.plugin.hooks[hook](**given)
            held = time.monotonic() - began
            if held > HOLD_SECONDS:
                self.plugin.say("held", f"held everybody up for {held:.1f} s in {hook}")
            if inspect.isawaitable(answer):
                await within(answer, self._seconds)
        except Stuck as error:
            self._stuck = True
            self._waiting.clear()
            self.plugin.failed(hook, error)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            self.plugin.failed(hook, error)

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
    ) -> None:
        self._all = [
            Observer(plugin, waiting=waiting, seconds=seconds)
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

    async def stop(self, seconds: float = 1.0) -> None:
        """Lets the queues run dry for so long; what then still waits is lost."""
        await asyncio.gather(*(observer.stop(seconds) for observer in self._all))
