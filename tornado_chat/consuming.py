"""One consumer at work: reads the log from its position, in order, and skips nothing.

What `write` writes and the position are one transaction; `handle` is called before it. A position
in the database that is not the expected one means that somebody else moved it: nothing is written
then, and it is read again.
"""

import asyncio
import contextlib
import logging
import math
import time
from typing import TYPE_CHECKING

from tornado_chat.errors import ChatError
from tornado_chat.messages import Message
from tornado_chat.plugins import Plugin
from tornado_chat.plugins.breaker import Breaker
from tornado_chat.plugins.calls import PluginFailed
from tornado_chat.store import Store, Tx
from tornado_chat.store.consumers import begin, move, position_of, pruned_of, stretch_after

if TYPE_CHECKING:
    from tornado_chat.consumers import Consumer

log = logging.getLogger("tornado_chat.plugins")

PAGE = 100  # messages read at a time, and written in one transaction
JOB_SECONDS = 0.02  # of the writer, before others have their turn
READ_SECONDS = 0.05  # between two reads of a consumer that has caught up
KEEP_SECONDS = 1.0  # between two positions stored where nothing was of its kinds
HANDLE_SECONDS = 60.0
RETRY_SECONDS = 1.0  # while the store cannot be used


class Failed(Exception):
    """The plugin failed after it was done with `before` messages."""

    def __init__(self, before: int = 0) -> None:
        super().__init__()
        self.before = before


class Moved(Exception):
    """The position in the database is not the one that was expected."""


class Runner:
    """`stored`: the position as the database has it, 0 before `load`. `busy`: a message is in the
    plugin's hands. `reads`, `read`: pages and messages read, counted for tests and metrics."""

    def __init__(self, plugin: Plugin, consumer: "Consumer", store: Store) -> None:
        self.plugin = plugin
        self.consumer = consumer
        self.name = f"{plugin.name}.{consumer.name}"
        self.stored = 0
        self.busy = False
        self.stopping = False
        self.reads = 0
        self.read = 0
        self._store = store
        self._calls = plugin.calls_of(f"consumer.{consumer.name}", HANDLE_SECONDS, words=())
        self._grown = asyncio.Event()
        self._position = 0  # considered, in memory
        self._handled = 0  # the last that `handle` is done with
        self._waiting: list[Message] = []  # read and not done
        self._reached = 0  # how far the last read looked
        self._more = True  # there is more in the log, as far as is known
        self._size = PAGE  # messages of the next transaction
        self._breaker = Breaker()  # of the message that is next
        self._moved = False
        self._read_at = 0.0
        self._kept_at = 0.0

    def wake(self) -> None:
        """The log has grown."""
        self._grown.set()

    def hurry(self) -> None:
        """Its position is to be stored now, even where nothing was of its kinds."""
        self._kept_at = -math.inf
        self._grown.set()

    async def load(self) -> None:
        """Takes the position from the database, where a new consumer gets its first."""
        found = await self._store.read(lambda: position_of(self.name))
        if found is None:
            now = self.consumer.start == "now"
            found = await self._store.write(
                lambda tx: begin(tx, self.name, tx.head if now else 0),
            )
        elif await self._store.read(lambda: pruned_of(self.consumer.kinds)) > found:
            self._say("has not seen all: messages were pruned while it was not there")
        self.stored = self._position = self._handled = found
        self._waiting, self._more, self._moved = [], True, False

    async def run(self, _lease: int) -> None:
        """Until it is stopped; whatever goes wrong is tried again."""
        while not self.stopping:
            try:
                if self._moved:
                    await self.load()
                if not self._waiting:
                    await self._fetch()
                if self._waiting:
                    await self._go_on()
            except Failed as failure:
                await self._after(failure)
            except Moved:
                self._moved = True
            except Exception as error:  # noqa: BLE001 - the store has its troubles, we have time
                text = error.message if isinstance(error, ChatError) else type(error).__name__
                self._say(f"waits: {text}")
                await asyncio.sleep(RETRY_SECONDS)

    def _say(self, text: str) -> None:
        name = f"consumer {self.consumer.name}"
        self.plugin.say(name, f"{name} {text}", logging.WARNING)

    # Reading

    async def _fetch(self) -> None:
        """The next messages, as soon as there is something new."""
        while True:
            if self._due() == 0:
                await self._keep([])
            if self._more or self._grown.is_set():
                break
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._due()):
                    await self._grown.wait()
        if not self._more:  # a busy log is read in pages, not message by message
            await asyncio.sleep(self._read_at + READ_SECONDS - time.monotonic())
        self._grown.clear()
        self._more = True  # as long as nothing else is known
        self._read_at = time.monotonic()
        kinds, position = self.consumer.kinds, self._position
        found = await self._store.read_tx(
            lambda tx: stretch_after(tx.log, position, kinds, PAGE),
        )
        self.reads += 1
        self.read += len(found.messages)
        self._waiting, self._reached = found.messages, found.reached
        self._more = found.reached < found.head
        if not self._waiting:
            self._position = found.reached

    def _due(self) -> float | None:
        """Seconds until a position that nothing was written for has to be stored."""
        if self._position <= self.stored:
            return None
        return max(0.0, self._kept_at + KEEP_SECONDS - time.monotonic())

    # Doing

    async def _go_on(self) -> None:
        self.busy = True
        try:
            if self.consumer.handle is None:
                await self._keep(self._waiting[: self._size])
                return
            message = self._waiting[0]
            if message.offset > self._handled:
                await self._handle(message)
                self._handled = message.offset
            await self._keep([message])
        finally:
            self.busy = False

    async def _handle(self, message: Message) -> None:
        assert self.consumer.handle is not None
        try:
            await self._calls.run(self.consumer.handle, message)
        except PluginFailed:
            raise Failed from None

    async def _keep(self, messages: list[Message]) -> None:
        """Writes for these messages, or for as many as time allows, and the position."""
        expected, position = self.stored, self._position
        self._position = self.stored = await self._store.write(
            lambda tx: self._work(tx, expected, position, messages)
        )
        self._kept_at = time.monotonic()
        if not messages:
            return
        self._waiting = [each for each in self._waiting if each.offset > self.stored]
        if not self._waiting:
            self._position = max(self.stored, self._reached)
        self._size = PAGE
        if self._breaker.went_well():
            log.info("plugin %r consumer %s goes on", self.plugin.name, self.consumer.name)

    def _work(self, tx: Tx, expected: int, position: int, messages: list[Message]) -> int:
        """In the writer's thread, under a savepoint; may run twice."""
        if position_of(self.name) != expected:
            raise Moved
        began = time.monotonic()
        for index, message in enumerate(messages):
            try:
                self._write(tx, message)
            except PluginFailed:
                raise Failed(index) from None
            position = message.offset
            if time.monotonic() - began > JOB_SECONDS:
                break
        move(tx, self.name, position)
        return position

    def _write(self, tx: Tx, message: Message) -> None:
        if self.consumer.write is not None:
            self._calls.run_now(self.consumer.write, tx, message)

    async def _after(self, failure: Failed) -> None:
        if failure.before:  # those first, then it alone: nobody else is written twice for its sake
            self._size = failure.before
            return
        pause = self._breaker.failed()
        self._calls.set_aside = True
        await asyncio.sleep(pause)
        self._calls.set_aside = False
