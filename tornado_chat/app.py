"""The server: builds what it is made of, starts it, stops it. The only place where objects meet.

`Server` is also what plugins are given; its methods for them are one line each.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, TypeVar

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from tornado_chat.accounts import Accounts, People
from tornado_chat.background import Background
from tornado_chat.broker import Broker
from tornado_chat.catch_up import CatchUp
from tornado_chat.commands import Commands
from tornado_chat.config import Config
from tornado_chat.engine import open_engine
from tornado_chat.errors import ChatError, NotFound, SetupError, Unavailable
from tornado_chat.gate import Gate
from tornado_chat.heartbeat import TICK_SECONDS, Heartbeat
from tornado_chat.hub import Hub
from tornado_chat.messages import Audience, Credentials, Identity, Message, Posted, Topic
from tornado_chat.outbox import Budget
from tornado_chat.plugins import Plugins
from tornado_chat.revoking import Revoking
from tornado_chat.store import Committed, Rules, Signal, Store, Tx
from tornado_chat.topics import TopicProvider
from tornado_chat.web import routes
from tornado_chat.web.native import NativeDialect
from tornado_chat.web.origins import Origins
from tornado_chat.web.socket import Sockets

T = TypeVar("T")

log = logging.getLogger("tornado_chat")

SWEEP_SECONDS = 600.0
GOING_AWAY = 1012  # RFC 6455 registry: service restart
CLOSE_SECONDS = 3.0  # for the goodbyes of all sockets


class Server:
    """One server; two in one process share nothing.

    `modules`: plugins given in code. `entry_points` False: no installed ones.
    """

    def __init__(
        self, config: Config, modules: Iterable[ModuleType] = (), *, entry_points: bool = True
    ) -> None:
        self.config = config
        self.plugins = Plugins.load(config.plugins, modules, entry_points=entry_points)
        self.background = Background()
        self.spawn = self.background.spawn
        self._services: dict[str, Any] = {}
        self.topics = self.plugins.provide_topics(self)
        self.origins = Origins(config.server.allowed_origins)
        self.gate = Gate(self.topics, self.plugins.veto)
        self.engine = open_engine(config.engine.url)
        rules = Rules(
            data_bytes=config.limits.frame_bytes,
            pair_seconds=config.delivery.pair_seconds,
            is_signal=lambda topic: self.broker.is_signal(topic),  # noqa: PLW0108 - built below
            filter_draft=self.plugins.filter,
        )
        self.store = Store(config.store.url, config.store.durability, rules, self._committed)
        self._build_hub()
        self.accounts = Accounts(
            self.store,
            config.auth,
            config.users,
            config.limits,
            ask_plugins=self.plugins.authenticate if self.plugins.authenticators else None,
        )
        self.accounts.on_revoked(lambda user, key: self.revoke(user=user, key=key))
        self.people: People = self.accounts.people
        self.sockets = Sockets(
            config=config,
            hub=self.hub,
            heartbeat=self.heartbeat,
            catch_up=self.catch_up,
            budget=self._budget,
            origins=self.origins,
            identify=self.identify,
            observers=self.plugins.observers,
        )
        native = NativeDialect(
            Commands(
                broker=self.broker,
                hub=self.hub,
                gate=self.gate,
                store=self.store,
                catch_up=self.catch_up,
                subscriptions=config.limits.subscriptions_per_socket,
            ),
            config.limits,
        )
        self._application = routes.build(self, self.plugins, self.sockets, native)
        self._http: HTTPServer | None = None
        self.ready = False
        self.port = 0

    def _build_hub(self) -> None:
        config = self.config
        self._budget = Budget(config.limits.outbox_total_bytes)
        self.catch_up = CatchUp(
            self.store,
            lambda identity, topic: self.gate.check(identity, "subscribe", topic),
            self.spawn,
        )
        self.hub = self.catch_up.hub = Hub(
            call_soon=lambda fn: asyncio.get_running_loop().call_soon(fn),
            missed=self.catch_up.heal,
            fell_behind=self.catch_up.start,
            visible=self._visible,
        )
        self.revoking = Revoking(self.hub)
        self.heartbeat = Heartbeat(
            ping_seconds=config.delivery.ping_seconds,
            budget=self._budget,
            clock=time.monotonic,
            now=time.time,
        )
        self.broker = Broker(
            store=self.store,
            hub=self.hub,
            engine=self.engine,
            gate=self.gate,
            registry=self.topics,
            filter_draft=self.plugins.filter,
            published=lambda message: self.plugins.observers.tell(
                "message_published", message=message
            ),
            data_bytes=config.limits.frame_bytes,
        )

    def _visible(self, topic: Topic) -> Callable[[Identity, Message], bool] | None:
        try:
            provider = self.topics.of(topic)
        except NotFound:  # its plugin was taken out, its messages are still in the log
            return lambda _identity, _message: False
        return None if type(provider).visible is TopicProvider.visible else provider.visible

    # Start and stop

    async def open(self, *, begin_epoch: bool = True) -> None:
        """Everything but plugins' startup and sockets: what a command of the shell needs."""
        head = await self.store.start(
            self.plugins.migrations(), self.plugins.models(), begin_epoch=begin_epoch
        )
        self.hub.start_at(head)
        await self.engine.start(self.broker.on_ring, self.revoking.on_tell)
        await self.accounts.start(synchronise=begin_epoch)
        for provider in self.topics:
            await provider.start()

    async def close(self) -> None:
        """The reverse of `open`."""
        await self.background.stop()
        for provider in reversed(list(self.topics)):
            await provider.stop()
        await self.accounts.stop()
        await self.engine.stop()
        await self.store.stop()
        self.plugins.close()

    async def start(self) -> None:
        """Opens, starts the plugins, then listens; `port` says where."""
        await self.open()
        await self.plugins.acall_each("startup", server=self)
        self.background.every(TICK_SECONDS, self.heartbeat.tick)
        self.background.every(SWEEP_SECONDS, self._sweep)
        server = self.config.server
        self._http = HTTPServer(
            self._application,
            max_body_size=self.config.limits.body_bytes or 2**62,
            ssl_options=self._tls(),
        )
        try:
            sockets = bind_sockets(server.port, server.address)
        except OSError as error:
            raise SetupError(
                f"in server.port: cannot listen on {server.address}:{server.port}: "
                f"{(error.strerror or 'error').lower()}"
            ) from None
        self.port = sockets[0].getsockname()[1]
        self._http.add_sockets(sockets)
        self.ready = True

    def _tls(self) -> ssl.SSLContext | None:
        server = self.config.server
        if server.tls_certificate is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(server.tls_certificate, server.tls_key)
        except (OSError, ssl.SSLError) as error:
            raise SetupError(f"in server.tls_certificate: {error}") from None
        return context

    @property
    def url(self) -> str:
        """Where it listens, for people."""
        scheme = "https" if self.config.server.tls_certificate else "http"
        address = self.config.server.address
        return f"{scheme}://{f'[{address}]' if ':' in address else address}:{self.port}"

    async def stop(self) -> None:
        """No new sockets, goodbyes, plugins, then everything else; commits what was accepted."""
        self.ready = False
        self.sockets.refusing = True
        if self._http is not None:
            self._http.stop()
        window = (200, 200 + int(self.config.server.drain_seconds * 1000))
        for session in self.hub.all_sessions():
            session.dialect.farewell(session, "restart", window)
            session.close(GOING_AWAY, "restart")
        await self.sockets.gone(CLOSE_SECONDS)
        if self._http is not None:
            await self._http.close_all_connections()
        await self.plugins.acall_each("shutdown", server=self)
        await self.plugins.observers.stop()
        await self.close()

    def _committed(self, done: Committed) -> None:
        self.broker.committed(done)
        if done.foreign:  # another process wrote: the command line, say
            self.catch_up.heal()
            open_sessions = [session.identity for session in self.hub.all_sessions()]
            self.spawn(self.accounts.refresh(open_sessions))

    async def _sweep(self) -> None:
        delivery = self.config.delivery
        await self.store.sweep(delivery.publish_key_hours, delivery.pair_seconds)

    # What plugins use

    def write(self, work: Callable[[Tx], T]) -> "asyncio.Future[T]":
        """`work(tx)` on the writer under a savepoint: Peewee and `tx.publish(…)`, all or nothing,
        pushed after the commit. It may be run twice, so it must touch nothing else."""
        return self.store.write(work)

    async def read(self, work: Callable[[], T]) -> T:
        """`work()` in a reader's thread: Peewee queries, no writing."""
        return await self.store.read(work)

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
        return await (await self.broker.post(identity, topic, data, key=key, pair=pair))

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
        self, topic: Topic, name: str, data: Mapping[str, Any], sender: str | None = None
    ) -> None:
        """To those who listen now, best effort."""
        self.broker.signal(Signal(topic, name, data, sender))

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
                await asyncio.sleep(TICK_SECONDS)
            await source(lease)

        return self.spawn(run(), name=name)

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

    async def members(self, topic: Topic) -> frozenset[str]:
        """Everybody who belongs to the topic; without a query for a topic that is in use."""
        return await self.store.members(topic)

    def online(self, tenant: str | None, user_id: str) -> bool:
        """Whether a socket of that person is open here."""
        return bool(self.hub.sessions(tenant, user_id))

    async def report(self) -> dict[str, Any]:
        """What `/health/ready` shows."""
        store = "ok"
        try:
            async with asyncio.timeout(2):
                await self.store.head()
        except (ChatError, Unavailable, TimeoutError):
            store = "cannot be read"
        return {
            "ready": self.ready and store == "ok",
            "store": store,
            "sessions": len(self.sockets.handlers),
            "plugins": [plugin.name for plugin in self.plugins],
        }
