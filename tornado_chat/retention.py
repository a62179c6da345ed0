"""Old messages are thrown away in the background, as [retention] and the owners of topics say.

In steps so small that whoever publishes hardly waits for one, each a transaction of its own: a
server that stops in between goes on where it was. Never anything that the hub has not begun to
hand out, or that a consumer has not handled.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from tornado_chat.config import KeepConfig, RetentionConfig
from tornado_chat.errors import Unavailable
from tornado_chat.messages import Message, Topic
from tornado_chat.plugins.calls import PluginFailed
from tornado_chat.plugins.providers import Asked, Registry
from tornado_chat.store import ReadTx, Store, Tx, pruning
from tornado_chat.store.pruning import Excess, Gone, Oldest

log = logging.getLogger("tornado_chat.store")

FIRST_SECONDS = 10.0  # after the start
EVERY_SECONDS = 600.0
TOPICS = 500  # looked at together
STEP_FIRST, STEP_MAX = 8, 500  # messages deleted in one transaction
STEP_SECONDS = 0.05  # a step that takes longer is followed by a smaller one
PAUSE_SECONDS = 0.01  # at least, between two steps; else as long as the step took
DAY = 86_400_000  # milliseconds


@dataclass(frozen=True, slots=True)
class Keep:
    """How much of a topic is kept: the newest `messages`, and nothing older than `age`
    (milliseconds); None: all."""

    messages: int | None = None
    age: int | None = None

    def excess(self, topic: Oldest, now: int) -> Excess | None:
        """What of the topic is to go; None where its oldest message may stay."""
        number = 0 if self.messages is None else max(topic.count - self.messages, 0)
        at = 0 if self.age is None else now - self.age
        if topic.number > number and topic.at >= at:
            return None
        return Excess(topic.topic_id, number, at)


ALL = Keep()


def keep_of(topic: Topic, retention: RetentionConfig, history: int | timedelta | None) -> Keep:
    """What holds for a topic: the configuration's word on its name, else on its kind; else
    `history`, its provider's; else the configuration's word on all."""
    named = retention.named(topic.kind, topic.name)
    if named is None and history is not None:
        if isinstance(history, timedelta):
            return Keep(age=history // timedelta(milliseconds=1))
        return Keep(messages=history)
    keep = named or KeepConfig(retention.messages, retention.days)
    return Keep(keep.messages or None, int(keep.days * DAY) if keep.days else None)


def is_bounded(kind: str, retention: RetentionConfig, history: int | timedelta | None) -> bool:
    """Whether anything may ever be thrown away of the topics of a kind."""
    start = f"{kind}:" if kind else ""
    named = [name for name in retention.per if name.startswith(start) and (kind or ":" not in name)]
    topics = [Topic("", kind, name.removeprefix(start)) for name in ["", *named]]
    return any(keep_of(each, retention, history) != ALL for each in topics)


@dataclass(slots=True)
class Done:
    """What one run has thrown away."""

    messages: int = 0
    steps: int = 0
    topics: set[int] = field(default_factory=set)


class Retention:
    """`retention()`: what the configuration says now. `upto()`: the last offset that everybody
    who reads the log by himself has had; nothing above it is thrown away."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        retention: Callable[[], RetentionConfig],
        upto: Callable[[], int],
    ) -> None:
        self._store = store
        self._registry = registry
        self._retention = retention
        self._upto = upto
        self._asked = asyncio.Event()
        self._steps: dict[str, int] = {}

    def soon(self) -> None:
        """Runs now, where it waits for its time: the configuration has changed, say."""
        self._asked.set()

    async def forever(self, lease: int) -> None:
        """Soon after the start, and then every ten minutes."""
        del lease  # one process alone does this, which is all that is asked
        wait = FIRST_SECONDS
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), wait)
            self._asked.clear()
            try:
                await self.run()
            except Unavailable as problem:
                log.warning("retention: goes on in some minutes: %s", problem.message)
            except Exception:  # a timer that dies is worse than one that complains
                log.exception("retention: cannot be carried out")
            wait = EVERY_SECONDS

    async def run(self) -> Done:
        """Throws away what is too old now. Raises Unavailable where the store cannot be read or
        written; what was deleted until then is."""
        began, done = time.monotonic(), Done()
        self._steps = {}
        try:
            await self._run(done)
        finally:
            if done.steps:
                log.info(
                    "retention: deleted %d messages of %d topics in %d steps, %.1f s",
                    *(done.messages, len(done.topics), done.steps, time.monotonic() - began),
                )
        return done

    async def _run(self, done: Done) -> None:
        retention = self._retention()
        providers = {
            each.kind: each
            for each in self._registry
            if is_bounded(each.kind, retention, each.history)
        }
        after = 0
        while providers:
            page = await self._store.read_tx(partial(look, list(providers), after))
            for kind, excess in excess_of(page, retention, providers).items():
                if not await self._prune(providers[kind], excess, done):
                    del providers[kind]
            if len(page.topics) < TOPICS:
                return
            after = page.topics[-1].topic_id

    async def _prune(self, provider: Asked, excess: list[Excess], done: Done) -> bool:
        """Step by step; False where the provider fails: then its messages stay, for its rows."""
        kind = provider.kind
        told = provider.clears
        while True:
            step = self._steps.setdefault(kind, STEP_FIRST)
            find = partial(find_gone, excess, self._upto(), step, told)
            gone, messages = await self._store.read_tx(find)
            if not gone:
                return True
            try:
                took = await self._store.write(partial(throw_away, provider, gone, messages))
            except PluginFailed:  # one plugin's mistake is not the others'
                return False
            done.messages += len(gone)
            done.steps += 1
            done.topics.update(each.topic_id for each in gone)
            self._steps[kind] = min(step * 2, STEP_MAX) if took < STEP_SECONDS else step // 2 or 1
            await asyncio.sleep(max(took, PAUSE_SECONDS))


@dataclass(frozen=True, slots=True)
class Looked:
    """Some topics, and when they were looked at, milliseconds since 1970, UTC."""

    topics: list[Oldest]
    now: int


def look(kinds: Sequence[str], after: int, tx: ReadTx) -> Looked:
    """The next topics of these kinds, behind the row `after`."""
    return Looked(pruning.oldest(kinds, after, TOPICS), tx.now)


def excess_of(
    page: Looked, retention: RetentionConfig, providers: Mapping[str, Asked]
) -> dict[str, list[Excess]]:
    """What of these topics is to go, by kind."""
    found: dict[str, list[Excess]] = {}
    for each in page.topics:
        kind = each.topic.kind
        keep = keep_of(each.topic, retention, providers[kind].history)
        excess = keep.excess(each, page.now)
        if excess is not None:
            found.setdefault(kind, []).append(excess)
    return found


def find_gone(
    excess: Sequence[Excess], upto: int, limit: int, told: bool, tx: ReadTx
) -> tuple[list[Gone], list[Message]]:
    """What the next step takes away; the messages themselves only for a provider that is told."""
    gone = pruning.next_gone(excess, upto, limit)
    wanted = [each.offset for each in gone] if told else []
    return gone, tx.log.get_many(wanted) if wanted else []


def throw_away(provider: Asked, gone: Sequence[Gone], messages: Sequence[Message], tx: Tx) -> float:
    """One step, in the writer's thread; how many seconds it took."""
    began = time.monotonic()
    pruning.delete(tx, gone)
    if messages:
        provider.pruned_in(tx, messages)
    return time.monotonic() - began
