"""The one door into a topic: `post` by a person, checked; `publish` by the house, trusted.

Both end in the same log and the same hub. What the store has committed comes back through
`committed`, whoever wrote it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import orjson

from tornado_chat.engine import Engine
from tornado_chat.errors import BadRequest, TooLarge
from tornado_chat.gate import Gate
from tornado_chat.hub import Hub
from tornado_chat.messages import MEMBERS, Audience, Draft, Identity, Message, Posted, Signal, Topic
from tornado_chat.plugins.providers import Asked, Registry
from tornado_chat.store import Commit, Committed, Store, Tx
from tornado_chat.store.retries import digest_of

PUBLISH_KEY_MAX = 128  # characters


class Appending(Protocol):
    """The store, or what stands before it."""

    def append(self, draft: Draft, work: Callable[[Tx], Posted] | None = None) -> Commit[Posted]:
        """Numbers and stores."""


class Broker:
    """`filter_draft`: the plugins' filters. `published(message)`: tells the observers,
    None where there are none.
    `data_bytes`: [limits] frame_bytes, 0 for none. `grown()`: the log has, by any process."""

    def __init__(
        self,
        *,
        store: Store,
        hub: Hub,
        engine: Engine,
        gate: Gate,
        registry: Registry,
        filter_draft: Callable[[Draft], Draft],
        published: Callable[[Message], None] | None,
        data_bytes: int,
        grown: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._hub = hub
        self._engine = engine
        self._gate = gate
        self._registry = registry
        self._filter = filter_draft
        self._published = published
        self._data_bytes = data_bytes
        self._grown = grown
        self.messages = 0  # committed by this process

    async def post(
        self,
        identity: Identity,
        topic: Topic,
        data: Mapping[str, Any],
        *,
        key: str | None = None,
        pair: tuple[str, str] | None = None,
    ) -> "asyncio.Future[Posted]":
        """Admits what a person says. Returns as soon as its place in the queue of the writer is
        sure; the future is done after the commit. Raises whatever refuses it before that.

        `key` makes a retry safe; `pair` names the path where the same may come by two.
        """
        if key is not None and not 0 < len(key) <= PUBLISH_KEY_MAX:
            raise BadRequest(f"key: not a text of 1 to {PUBLISH_KEY_MAX} characters")
        digest = digest_of(orjson.dumps(data)) if key or pair else ""
        provider = await self._gate.check(identity, "publish", topic)
        received = await provider.receive(identity, topic, data)
        draft = Draft(
            topic=topic,
            data=received,
            audience=provider.audience(topic),
            sender=identity.user_id,
            sender_name=identity.name,
            key=key,
            pair=pair,
            digest=digest,
        )
        return self._append(self._filter(draft), provider)

    async def publish(
        self,
        topic: Topic,
        data: Mapping[str, Any],
        *,
        audience: Audience | None = None,
        sender: str | None = None,
        sender_name: str | None = None,
        store: Appending | None = None,
    ) -> Message | None:
        """Publishes for the house; answers after the commit, None for a signal. `store`: in place of
        the store itself."""
        draft = Draft(topic, data, audience or MEMBERS, sender=sender, sender_name=sender_name)
        posted = await self._append(self._filter(draft), self._registry.of(topic), store)
        return posted.message if posted.message.offset else None

    def _append(
        self, draft: Draft, provider: Asked, store: Appending | None = None
    ) -> "asyncio.Future[Posted]":
        if provider.history != 0:
            store = store or self._store
            if not provider.writes:
                return store.append(draft)
            return store.append(draft, lambda tx: provider.append_in(tx, draft))
        self.check_size(draft.topic, draft.data)
        self.signal(Signal(draft.topic, "message", draft.data, draft.sender, draft.audience))
        done: asyncio.Future[Posted] = asyncio.get_running_loop().create_future()
        unnumbered = Message(0, "", draft.topic, 0, 0, draft.data, draft.audience, draft.sender)
        done.set_result(Posted(unnumbered))
        return done

    def is_signal(self, topic: Topic) -> bool:
        """Whether what is published there is neither numbered nor stored."""
        return self._registry.of(topic).history == 0

    def check_size(self, topic: Topic, data: Mapping[str, Any]) -> None:
        """What the store checks for what it numbers, for what it never sees."""
        size = len(orjson.dumps(data))
        if self._data_bytes and size > self._data_bytes:
            raise TooLarge(
                f"signal {topic.name}: {size} bytes of data, "
                f"limits.frame_bytes allows {self._data_bytes}"
            )

    def signal(self, signal: Signal) -> None:
        """Best effort, to those who listen now; to a person by the engine, wherever he is."""
        if signal.person is None:
            self._hub.signal(signal)
        else:
            order = {"topic": signal.topic, "name": signal.name, "data": signal.data}
            self._engine.tell(signal.person, {"signal": order})

    def on_tell(self, user: str, what: Mapping[str, Any]) -> None:
        """From the engine."""
        order = what.get("signal")
        if order is not None:
            topic, name, data = Topic(*order["topic"]), order["name"], order["data"]
            self._hub.signal(Signal(topic, name, data, user, person=user))

    def committed(self, done: Committed) -> None:
        """On the loop, after each commit: rings, then tells the observers."""
        self.messages += len(done.messages)
        if done.messages:
            self._engine.ring(done.messages[0].offset, done.messages[-1].offset, done.messages)
        for signal in done.signals:
            self.signal(signal)
        if self._published is not None:
            for message in done.messages:
                self._published(message)

    def on_ring(self, first: int, last: int, bodies: Sequence[Message]) -> None:
        """From the engine. Without bodies the hub sees the hole, and reads the log."""
        del first
        self._hub.advance(bodies)
        if self._hub.accepted < last:
            self._hub.missed()
        self._grown()
