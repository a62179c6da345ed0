"""Consumers: plugins' handlers with a stored position, which get every message at least once.

Here is what one is, how they are checked, opened, run and stopped; `consuming` is one at work.
"""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from tornado_chat.consuming import Runner
from tornado_chat.errors import SetupError
from tornado_chat.messages import Message
from tornado_chat.plugins import Plugin
from tornado_chat.plugins.checks import nearest
from tornado_chat.plugins.faults import boot_error
from tornado_chat.store import Store, Tx

log = logging.getLogger("tornado_chat.plugins")

HOOK = "register_consumers"
NAME_MAX = 64  # characters
STOP_SECONDS = 3.0  # for the messages that are in plugins' hands


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who must not miss a message: gets each at least once, in the order of the log, of all tenants.

    `name`: under which the position is kept; another name is a new consumer. `handle(message)`:
    async, on the loop, with 60 seconds; may call out; at least once. `write(tx, message)`: in the
    writer's thread, as the work of `server.write`; what it writes and the position commit together,
    so in the database it happens exactly once. Either or both; `handle` comes first. `kinds`: of
    topic, "" for plain ones; None for all. `start`: where a new consumer begins, "now" or at the
    "start" of what is kept.

    A failure is tried again, after one second and then more, up to sixty: a message is never
    skipped. Raises SetupError for what can be no consumer.
    """

    name: str
    handle: Callable[[Message], Awaitable[object]] | None = None
    write: Callable[[Tx, Message], object] | None = None
    kinds: Collection[str] | None = None
    start: Literal["now", "start"] = "now"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise SetupError(f"consumer {self.name!r}: no name: letters, digits and underscores")
        if len(self.name) > NAME_MAX:
            raise SetupError(f"consumer {self.name!r}: longer than {NAME_MAX} characters")
        if self.handle is None and self.write is None:
            raise SetupError(f"consumer {self.name!r}: give handle, write, or both")
        if self.handle is not None and not is_async(self.handle):
            raise SetupError(f"consumer {self.name!r}: handle must be an async function")
        if self.write is not None and (is_async(self.write) or not callable(self.write)):
            raise SetupError(f"consumer {self.name!r}: write must be a function that is not async")
        if self.kinds is not None and not is_kinds(self.kinds):
            raise SetupError(
                f"consumer {self.name!r}: kinds must be a list of kinds of topic, or None for all"
            )
        if self.start not in ("now", "start"):
            raise SetupError(f'consumer {self.name!r}: start must be "now" or "start"')


def is_async(function: object) -> bool:
    """Whether calling it gives a coroutine."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - an object with an async __call__
    )


def is_kinds(kinds: object) -> bool:
    """A text is none: its letters are not meant."""
    return (
        isinstance(kinds, list | tuple | set | frozenset)
        and len(kinds) > 0
        and all(isinstance(kind, str) for kind in kinds)
    )


class Consumers:
    """All consumers of one server. `registered`: what each plugin gave; `kinds`: of topic, that
    somebody owns. Raises SetupError that names plugin, file and line."""

    def __init__(
        self, registered: Iterable[tuple[Plugin, list[Any]]], store: Store, kinds: Collection[str]
    ) -> None:
        self.runners: list[Runner] = []
        self._tasks: list[asyncio.Task[None]] = []
        names: set[str] = set()
        for plugin, consumers in registered:
            for consumer in consumers:
                if not isinstance(consumer, Consumer):
                    raise refused(plugin, f"gave {consumer!r}, expected Consumers")
                runner = Runner(plugin, consumer, store)
                if runner.name in names:
                    raise refused(plugin, f"gave two consumers of the name {consumer.name!r}")
                names.add(runner.name)
                self.runners.append(runner)
                self._warn(plugin, consumer, kinds)

    @staticmethod
    def _warn(plugin: Plugin, consumer: Consumer, kinds: Collection[str]) -> None:
        for kind in consumer.kinds or ():
            if kind not in kinds:
                log.warning(
                    "plugin %r consumer %s: no plugin has topics of the kind %r%s",
                    *(plugin.name, consumer.name, kind, nearest(kind, kinds)),
                )

    async def open(self) -> None:
        """Takes the positions from the database; from here on new messages are theirs."""
        for runner in self.runners:
            await runner.load()

    def run(
        self, run_once: Callable[[str, Callable[[int], Awaitable[None]]], "asyncio.Task[None]"]
    ) -> None:
        """Begins to consume, each on one process alone."""
        self._tasks = [run_once(f"consumer {each.name}", each.run) for each in self.runners]

    def wake(self) -> None:
        """The log has grown, by this process or another."""
        for runner in self.runners:
            runner.wake()

    def behind(self, offset: int) -> list[str]:
        """Who has not stored yet that he is done up to there; each is asked to hurry."""
        late = [runner for runner in self.runners if runner.stored < offset]
        for runner in late:
            runner.hurry()
        return [runner.name for runner in late]

    def lowest(self) -> int | None:
        """The lowest position that is stored: nothing after it may be pruned. None where there are
        no consumers, 0 before `open`."""
        return min((runner.stored for runner in self.runners), default=None)

    async def stop(self) -> None:
        """Lets end what is in plugins' hands, for a while; the rest comes after the next start."""
        busy = []
        for runner, task in zip(self.runners, self._tasks, strict=False):
            runner.stopping = True
            if runner.busy:
                busy.append(task)
            else:
                task.cancel()
        if busy:
            await asyncio.wait(busy, timeout=STOP_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def refused(plugin: Plugin, text: str) -> SetupError:
    """With the line of the hook: what it gave has none of its own."""
    code = inspect.unwrap(plugin.hooks[HOOK].function).__code__
    at = f"{code.co_filename}:{code.co_firstlineno}"
    return boot_error(plugin.name, f"in {HOOK}", SetupError(text), at)
