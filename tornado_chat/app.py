"""The server: builds what it is made of, starts it, stops it. The only place where objects meet.

`Server` is also what plugins are given: what is there for them is in `plugin_api`.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from types import ModuleType
from typing import Any, TypeVar

from tornado_chat.accounts import Accounts, People
from tornado_chat.background import Background
from tornado_chat.broker import Broker
from tornado_chat.catch_up import CatchUp
from tornado_chat.commands import Commands
from tornado_chat.config import Config
from tornado_chat.consumers import Consumers
from tornado_chat.cursors import Cursors
from tornado_chat.due import SWEEP_SECONDS, Due
from tornado_chat.engine import open_engine
from tornado_chat.errors import ChatError, Unavailable
from tornado_chat.gate import Gate
from tornado_chat.heartbeat import TICK_SECONDS, Heartbeat
from tornado_chat.hub import Hub
from tornado_chat.leaving import Leaving
from tornado_chat.outbox import Budget
from tornado_chat.plugin_api import PluginApi
from tornado_chat.plugin_server import PluginServer
from tornado_chat.plugins import Plugins
from tornado_chat.replay import Replay
from tornado_chat.retention import Retention
from tornado_chat.revoking import Revoking
from tornado_chat.store import Committed, Rules, Store
from tornado_chat.subscribing import Subscribing
from tornado_chat.web import routes
from tornado_chat.web.listener import IDLE_LOOK_SECONDS, Listener
from tornado_chat.web.native import NativeDialect
from tornado_chat.web.origins import Origins
from tornado_chat.web.sockets import Sockets

T = TypeVar("T")

log = logging.getLogger("tornado_chat")

STOP_SECONDS = 10.0  # for what has something to end


class Server(PluginApi):
    """One server; two in one process share nothing.

    `modules`: plugins given in code. `entry_points`: the installed ones, all of them, none, or those
    of these names. `clock()`: seconds since 1970; whatever has to do with the time of day asks it.
    """

    def __init__(
        self,
        config: Config,
        modules: Iterable[ModuleType] = (),
        *,
        entry_points: bool | Collection[str] = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(clock)
        self.config = config
        self.plugins = Plugins.load(config.plugins, modules, entry_points=entry_points)
        for plugin in self.plugins:
            plugin.server = PluginServer(self, plugin)
        self.background = Background()
        self.plugins.provide_topics(self, self.topics)
        self.origins = Origins(config.server.allowed_origins)
        self.gate = Gate(self.topics, self.plugins.veto if self.plugins.vetoes else None)
        self.engine = open_engine(config.engine.url)
        rules = Rules(
            data_bytes=config.limits.frame_bytes,
            pair_seconds=config.delivery.pair_seconds,
            is_signal=lambda topic: self.broker.is_signal(topic),  # noqa: PLW0108 - built below
            filter_draft=self.plugins.filter,
            clock=clock,
        )
        self.store = Store(config.store.url, config.store.durability, rules, self._committed)
        self._build_hub()
        self.retention = Retention(
            self.store, self.topics, lambda: self.config.retention, self._settled
        )
        self.accounts = Accounts(
            self.store,
            config.auth,
            config.users,
            config.limits,
            clock=clock,
            ask_plugins=self.plugins.authenticate if self.plugins.authenticators else None,
            in_use=lambda: {session.identity.key for session in self.hub.all_sessions()},
        )
        self.consumers = Consumers(
            self.plugins.call_each("register_consumers", server=self),
            self.store,
            self.topics.kinds(),
        )
        self.accounts.on_revoked(lambda user, key: self.revoke(user=user, key=key))
        self.people: People = self.accounts.people
        self.sockets = Sockets(
            config=config,
            hub=self.hub,
            heartbeat=self.heartbeat,
            cursors=self.cursors,
            replay=self.replay,
            budget=self._budget,
            origins=self.origins,
            identify=self.identify,
            observers=self.plugins.observers,
            has_ended=self.accounts.ended,
            clock=clock,
        )
        self.due = Due(self.store, self.accounts, self.cursors, self.sockets, self.retention)
        native = NativeDialect(
            Commands(
                broker=self.broker,
                gate=self.gate,
                store=self.store,
                subscribing=Subscribing(
                    hub=self.hub,
                    gate=self.gate,
                    store=self.store,
                    catch_up=self.catch_up,
                    most=config.limits.subscriptions_per_socket,
                ),
            ),
            config.limits,
            clock,
        )
        self.listener = Listener(routes.build(self, self.plugins, self.sockets, native), config)
        self.leaving = Leaving(self.sockets, self.listener)
        self.ready = False

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
            visible=self.topics.visibility,
            said=self.catch_up.pages.forget,
        )
        self.revoking = Revoking(self.hub)
        self._build_replay()
        self.broker = Broker(
            store=self.store,
            hub=self.hub,
            engine=self.engine,
            gate=self.gate,
            registry=self.topics,
            filter_draft=self.plugins.filter,
            published=self.plugins.observers.listener("message_published", "message"),
            data_bytes=config.limits.frame_bytes,
            grown=lambda: self.consumers.wake(),  # noqa: PLW0108 - built later
        )

    def _settled(self) -> int:
        """The last offset that is handed out and that every consumer is done with."""
        lowest = self.consumers.lowest()
        return self.hub.mark if lowest is None else min(self.hub.mark, lowest)

    def _build_replay(self) -> None:
        self.cursors = Cursors(self.store, lambda: self.config.delivery, self.clock)
        self.heartbeat = self.cursors.heartbeat = Heartbeat(
            ping_seconds=self.config.delivery.ping_seconds,
            budget=self._budget,
            hub=self.hub,
            clock=time.monotonic,
            proved=self.cursors.proved,
        )
        self.replay = Replay(self.store, self.hub, self.catch_up, self.cursors, self.spawn)

    # Start and stop

    async def open(self, *, begin_epoch: bool = True) -> None:
        """Everything but plugins' startup and sockets: what a command of the shell needs."""
        head = await self.store.start(
            self.plugins.migrations(), self.plugins.models(), begin_epoch=begin_epoch
        )
        self.hub.start_at(head)
        await self.engine.start(self.broker.on_ring, self._on_tell)
        await self.accounts.start(synchronise=begin_epoch)
        if begin_epoch:
            await self.cursors.begin()
        for provider in self.topics:
            await provider.start()

    async def close(self) -> None:
        """The reverse of `open`; what fails on the way does not keep the rest from being closed."""
        try:
            await self.background.stop()
            for provider in reversed(list(self.topics)):
                await provider.stop()
            await self._end("accounts", self.accounts.stop())
            await self._end("engine", self.engine.stop())
            await self._end("cursors", self.cursors.stop())
        finally:
            for plugin in self.plugins:
                plugin.turnstile.let_all_through()
            await self.store.stop()
            self.plugins.close()

    @staticmethod
    async def _end(what: str, ending: Coroutine[Any, Any, None]) -> None:
        try:
            await asyncio.wait_for(ending, STOP_SECONDS)
        except Exception:
            log.exception("%s: cannot be stopped", what)

    async def start(self) -> None:
        """Opens, starts the plugins, then listens; `port` says where. What has begun is ended again
        where something does not let the server start."""
        try:
            await self.open()
            await self.consumers.open()
            await self.plugins.acall_each("startup", server=self)
            self.consumers.run(self.run_once)
            self._listen()
        except BaseException:
            await self.stop()
            raise
        self.ready = True

    def _listen(self) -> None:
        self.background.every(TICK_SECONDS, self.heartbeat.tick)
        self.background.every(TICK_SECONDS, self.cursors.flush)
        self.background.every(SWEEP_SECONDS, lambda: self.due.sweep(self.config.delivery))
        self.background.every(IDLE_LOOK_SECONDS, self.listener.close_idle)
        self.run_once("retention", self.retention.forever)
        self.listener.open()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.listener.port

    @property
    def url(self) -> str:
        """The same, for people."""
        return self.listener.url

    async def stop(self) -> None:
        """Leaves: see `leaving`. Then plugins, then everything else; what was accepted is
        committed."""
        self.ready = False
        await self.leaving.leave(self.config.server.drain_seconds)
        await self.plugins.observers.stop()  # they have heard of the last sessions
        await self.consumers.stop()
        await self.plugins.acall_each("shutdown", server=self)
        await self.close()

    def _on_tell(self, user: str, what: Mapping[str, Any]) -> None:
        self.revoking.on_tell(user, what)
        self.broker.on_tell(user, what)

    def _committed(self, done: Committed) -> None:
        self.broker.committed(done)
        if done.foreign:  # another process wrote: the command line, say
            self.catch_up.heal()
            self.consumers.wake()
            self.spawn(self._refresh())

    async def _refresh(self) -> None:
        """Whoever is no longer good is ended, as soon as the store can be asked."""
        while True:
            try:
                await self.accounts.refresh(
                    [session.identity for session in self.hub.all_sessions()]
                )
            except Unavailable:
                await asyncio.sleep(TICK_SECONDS)
            else:
                return

    async def report(self) -> dict[str, Any]:
        """What `/health/ready` shows."""
        store = "ok"
        try:
            async with asyncio.timeout(2):
                await self.store.head()
            if not self.store.writable:
                store = "cannot be written"
        except (ChatError, TimeoutError):
            store = "cannot be read"
        return {
            "ready": self.ready and store == "ok",
            "store": store,
            "sessions": len(self.sockets.handlers),
            "plugins": [plugin.name for plugin in self.plugins],
        }
