"""What plugins are given of the server: each method one line into the room that does it.

`Server` derives from this and is what the hooks get; building, starting and stopping are in `app`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from tornado_chat.accounts import Accounts, People
from tornado_chat.background import Background
from tornado_chat.broker import Broker
from tornado_chat.config import Config
from tornado_chat.consumers import Consumers
from tornado_chat.engine import Engine
from tornado_chat.errors import SetupError
from tornado_chat.gate import Gate
from tornado_chat.hub import Hub
from tornado_chat.messages import (
    MEMBERS,
    Audience,
    Credentials,
    Identity,
    Message,
    Posted,
    Signal,
    Topic,
)
from tornado_chat.plugins import Plugin, Plugins
from tornado_chat.plugins.calls import Calls
from tornado_chat.plugins.providers import Registry
from tornado_chat.revoking import Revoking
from tornado_chat.store import ReadTx, Store, Tx

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

LEASE_SECONDS = 1.0  # between two tries to become the process that runs something


class PluginApi:
    """The attributes are rooms of the house; `config` is the whole configuration."""

    config: Config
    plugins: Plugins
    accounts: Accounts
    people: People
    gate: Gate
    hub: Hub
    broker: Broker
    engine: Engine
    store: Store
    revoking: Revoking
    background: Background
    consumers: Consumers
    ready: bool
    plugin: Plugin  # whose own server this is
    route: Calls  # into its handlers

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.topics = Registry()
        self._services: dict[str, Any] = {}

    def now(self) -> float:
        """The time of day, seconds since 1970. A test can move it."""
        return self.clock()

    def spawn(
        self, coroutine: "Coroutine[Any, Any, None]", *, name: str | None = None
    ) -> "asyncio.Task[None]":
        """Runs it beside everything else until it ends or the server stops; a failure is logged."""
        return self.background.spawn(coroutine, name=name)

    def write(self, work: Callable[[Tx], T]) -> "asyncio.Future[T]":
        """`work(tx)` on the writer under a savepoint: Peewee and `tx.publish(…)`, all or nothing,
        pushed after the commit. It may be run twice, so it must touch nothing else."""
        return self.store.write(work)

    async def read(self, work: Callable[[ReadTx], T]) -> T:
        """`work(tx)` in a reader's thread: Peewee queries that see one moment, no writing;
        `tx.log` is the log."""
        return await self.store.read_tx(work)

    async def post(
        self,
        identity: Identity,
        topic: Topic,
        data: Mapping[str, Any],
        *,
        key: str | None = None,
        pair: tuple[str, str] | None = None,
    ) -> Posted:
        """Posts for a person, checked; answers after the commit. See `Broker.post`."""
        return await (await self.admit(identity, topic, data, key=key, pair=pair))

    async def admit(
        self,
        identity: Identity,
        topic: Topic,
        data: Mapping[str, Any],
        *,
        key: str | None = None,
        pair: tuple[str, str] | None = None,
    ) -> "asyncio.Future[Posted]":
        """The same as `post`, but returns as soon as its place in the order is sure; the future is
        done after the commit. For who reads on meanwhile."""
        return await self.broker.post(identity, topic, data, key=key, pair=pair)

    async def publish(
        self,
        topic: Topic,
        data: Mapping[str, Any],
        *,
        audience: Audience | None = None,
        sender: str | None = None,
        sender_name: str | None = None,
    ) -> Message | None:
        """Publishes for the house; answers after the commit, None for a signal."""
        return await self.broker.publish(
            topic, data, audience=audience, sender=sender, sender_name=sender_name
        )

    def signal(
        self,
        topic: Topic,
        name: str,
        data: Mapping[str, Any],
        sender: str | None = None,
        *,
        audience: Audience = MEMBERS,
    ) -> None:
        """To those who listen now, best effort: whoever subscribed the topic by its name; or whom
        the audience names, if he subscribed the topic or `mine`."""
        self.broker.signal(Signal(topic, name, data, sender, audience))

    async def identify(self, credentials: Credentials) -> Identity:
        """Who shows these. Raises Unauthorized, RateLimited, Unavailable."""
        return await self.accounts.authenticate(credentials)

    def revoke(
        self,
        *,
        user: str | None = None,
        key: str | None = None,
        topic: Topic | None = None,
        tenant: str | None = None,
    ) -> None:
        """Ends sessions (of a user, a key by its hash, a tenant), or with `topic` subscriptions
        of it, at once, in every process."""
        self.engine.tell(user or "", self.revoking.order(user, key, topic, tenant))

    def run_once(self, name: str, source: Callable[[int], Awaitable[None]]) -> "asyncio.Task[None]":
        """Runs `source(lease)` in the background on one process alone."""

        async def run() -> None:
            while (lease := await self.engine.lease(name)) is None:  # noqa: ASYNC110 - held elsewhere
                await asyncio.sleep(LEASE_SECONDS)
            await source(lease)

        return self.spawn(run(), name=name)

    def provider(self, kind: str) -> Any:
        """The provider of the topics of this kind, as its plugin gave it, for its own methods."""
        return self.topics.provider(kind)

    def offer(self, name: str, thing: Any) -> None:
        """What a plugin gives to others, by name, while topics are registered."""
        if name in self._services:
            raise SetupError(f"service {name!r} is offered twice")
        self._services[name] = thing

    def service(self, name: str) -> Any:
        """What another plugin offers; the asking plugin names it in `requires`."""
        try:
            return self._services[name]
        except KeyError:
            known = ", ".join(sorted(self._services)) or "none"
            raise SetupError(
                f"service {name!r} is not offered by any plugin, there are: {known}; "
                "name its plugin in requires"
            ) from None

    def members(self, topic: Topic) -> "Coroutine[Any, Any, frozenset[str]]":
        """Everybody who belongs to the topic; without a query for a topic that is in use."""
        return self.store.members(topic)

    def hearers(self, topic: Topic) -> int:
        """How many sockets have subscribed the topic by its name here."""
        return self.hub.hearers(topic)

    def online(self, tenant: str | None, user_id: str) -> bool:
        """Whether a socket of that person is open here."""
        return bool(self.hub.sessions(tenant, user_id))
