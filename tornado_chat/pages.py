"""Pages of the log for those who are behind.

Whoever was in a room when the server went comes back to the same place in it. So a page of a topic
is read once and encoded once for all who ask for it, and remembered for a moment, as long as
nothing new is said there. What is for a person is read for him alone.
"""

import asyncio
from collections import deque
from dataclasses import dataclass

from tornado_chat.batch import Batch, take_batch
from tornado_chat.hub import Hub
from tornado_chat.messages import Message, Signal, Topic
from tornado_chat.store import Selection, Store

READS = 4  # asked for at a time: with thousands behind, others do not wait long for a reader
KEPT_SECONDS = 5.0
KEPT_BYTES = 4 * 1024 * 1024  # of the data of all that is remembered


@dataclass(slots=True)
class Found:
    """A `store.Page` as it is handed out. `full`: it has as many messages as were asked for, so
    there may be more."""

    batches: list[Batch]
    reached: int
    pruned: int
    full: bool
    size: int


class Pages:
    """`hub` is set once it is built."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.thrown_away = self.forget_all
        self.hub: Hub
        self._turns = asyncio.Semaphore(READS)
        self._kept: dict[Topic, dict[int, asyncio.Task[Found]]] = {}
        self._size = 0  # of what was remembered since it was last forgotten
        self._timer: asyncio.TimerHandle | None = None

    async def after(self, position: int, selection: Selection, limit: int, upto: int) -> Found:
        """At most `limit` messages after `position`. It ends elsewhere than at `upto` where others
        have asked for it before."""
        topic = selection.topic
        if topic is None:
            return await self._read(position, selection, limit, upto)
        asked = self._kept.setdefault(topic, {}).get(position)
        if asked is None:
            asked = asyncio.ensure_future(self._read(position, selection, limit, upto))
            self._kept[topic][position] = asked
            asked.add_done_callback(lambda done: self._keep(topic, position, done))
        # who gives up takes nobody with him
        found = asked.result() if asked.done() else await asyncio.shield(asked)
        if not found.full and self._kept.get(topic, {}).get(position) is asked:
            found.reached = max(found.reached, self.hub.mark)  # nothing was said there since
        return found

    async def _read(self, position: int, selection: Selection, limit: int, upto: int) -> Found:
        async with self._turns:
            page = await self._store.after(position, selection, limit, upto)
        waiting: deque[Message | Signal] = deque(page.messages)
        batches = []
        while waiting:
            visible = self.hub.check_for(waiting[0].topic)
            batches.append(Batch(take_batch(waiting), visible))
        full = len(page.messages) == limit
        return Found(batches, page.reached, page.pruned, full, page.size)

    def _keep(self, topic: Topic, position: int, asked: "asyncio.Task[Found]") -> None:
        if asked.cancelled() or asked.exception() is not None:
            if self._kept.get(topic, {}).get(position) is asked:
                del self._kept[topic][position]
            return
        self._size += asked.result().size
        if self._size > KEPT_BYTES:
            self.forget_all()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(KEPT_SECONDS, self.forget_all)

    def forget(self, topic: Topic) -> None:
        """Something is said there: its pages end too early from now on."""
        self._kept.pop(topic, None)

    def forget_all(self) -> None:
        """Something was thrown away, or it is time."""
        self._kept.clear()
        self._size = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
