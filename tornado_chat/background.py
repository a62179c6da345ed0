"""What runs beside the requests: tasks that are kept, named when they fail, and ended at stop."""

import asyncio
import inspect
import logging
from collections.abc import Callable, Coroutine
from typing import Any

log = logging.getLogger("tornado_chat")

STOP_SECONDS = 10.0  # for a task that has something to end
CANCEL_SECONDS = 1.0  # for one that was cancelled again


class Background:
    """The tasks of one server."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[None]] = set()

    def spawn(
        self,
        coroutine: Coroutine[Any, Any, None],
        *,
        name: str | None = None,
        said: bool = False,
    ) -> "asyncio.Task[None]":
        """Runs it until it ends or the server stops; a failure is logged, nobody else is hurt. `said`:
        it says itself when it fails."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self.tasks.add(task)
        task.add_done_callback(self._ended_quietly if said else self._ended)
        return task

    def every(self, seconds: float, work: Callable[[], Any]) -> None:
        """Calls `work`, async or not, again and again; one that fails is called again too."""

        async def run() -> None:
            while True:
                await asyncio.sleep(seconds)
                try:
                    answer = work()
                    if inspect.isawaitable(answer):
                        await answer
                except Exception:  # a timer that dies is worse than one that complains
                    log.exception("%s failed", getattr(work, "__qualname__", "timer"))

        self.spawn(run(), name=getattr(work, "__qualname__", None))

    def _ended_quietly(self, task: "asyncio.Task[None]") -> None:
        self.tasks.discard(task)
        _ = task.cancelled() or task.exception()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self.tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("background task %s failed", task.get_name(), exc_info=task.exception())

    async def stop(self) -> None:
        """Cancels all and waits for them, and does so once more; one that goes on all the same does not
        keep the server from stopping."""
        for seconds in (STOP_SECONDS, CANCEL_SECONDS):
            tasks = list(self.tasks)
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks, timeout=seconds)
        for task in self.tasks:
            log.error("background task %s does not end, although it was cancelled", task.get_name())
