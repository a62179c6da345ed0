"""The core without sockets, as `app` builds it: what the tests of interleavings drive.

`support.stepped` says how it is driven. Rings may wait too, be lost, or come twice.
"""

import asyncio

import peewee
import pytest

from support.stepped import Loop, SteppedWriter
from tornado_chat.background import Background
from tornado_chat.broker import Broker
from tornado_chat.catch_up import CatchUp
from tornado_chat.commands import Commands
from tornado_chat.config import LimitsConfig
from tornado_chat.engine import MemoryEngine
from tornado_chat.gate import Gate
from tornado_chat.hub import Hub
from tornado_chat.outbox import Budget
from tornado_chat.revoking import Revoking
from tornado_chat.store import Rules, Store
from tornado_chat.subscribing import Subscribing
from tornado_chat.topics import Registry, TopicProvider
from tornado_chat.web.native import NativeDialect

LIMITS = LimitsConfig(65536, 0, 32, 0, 0, 0, 0, 0, 0)


class Rings(MemoryEngine):
    """While `holding`, a ring waits until the test lets it through, loses or doubles it."""

    def __init__(self):
        super().__init__()
        self.holding = False
        self.kept = []

    def ring(self, first, last, bodies):
        if self.holding:
            self.kept.append((first, last, bodies))
        else:
            super().ring(first, last, bodies)

    def let_through(self, place, *, again=False, bodies=True):
        first, last, kept = self.kept[place] if again else self.kept.pop(place)
        super().ring(first, last, kept if bodies else ())


class Rooms(TopicProvider):
    """For their members. The state is the numbers of all that was said."""

    kind = "room"

    def __init__(self, store):
        self._store = store

    async def authorize(self, identity, action, topic):
        return identity.user_id in await self._store.members(topic)

    async def snapshot(self, identity, topic):
        page, _more = await self._store.page(topic, limit=1000)
        return [message.offset for message in page]

    async def receive(self, identity, topic, data):
        return dict(data)


class Notices(TopicProvider):
    """Plain names, for whom they are addressed to."""

    async def authorize(self, identity, action, topic):
        return True


class Noting(Subscribing):
    """Says in the reply to an unsubscribe how far the hub was: what came before is dropped."""

    def unsubscribe(self, session, frame):
        return {**super().unsubscribe(session, frame), "mark": self._hub.mark}


class House:
    """One life of a server over a file, as `app` builds it but for sockets, accounts and plugins.

    `log`: gets every message at its commit."""

    def __init__(self, path, log):
        self.loop = Loop()
        self.background = Background()
        self.engine = Rings()
        self.store = Store(
            f"sqlite:///{path}", "relaxed", Rules(), lambda d: self.broker.committed(d)
        )
        registry = Registry()
        registry.add(Rooms(self.store), "rooms")
        registry.add(Notices(), "notices")
        self.gate = Gate(registry)
        self.budget = Budget()
        self.catch_up = CatchUp(
            self.store,
            lambda identity, topic: self.gate.check(identity, "subscribe", topic),
            self.background.spawn,
        )
        self.hub = self.catch_up.hub = Hub(
            call_soon=self.loop.call_soon,
            missed=self.catch_up.heal,
            fell_behind=self.catch_up.start,
            visible=lambda _topic: None,
        )
        self.revoking = Revoking(self.hub)
        self.broker = Broker(
            store=self.store,
            hub=self.hub,
            engine=self.engine,
            gate=self.gate,
            registry=registry,
            filter_draft=lambda draft: draft,
            published=lambda _message: None,
            data_bytes=0,
        )
        subscribing = Noting(
            hub=self.hub, gate=self.gate, store=self.store, catch_up=self.catch_up, most=0
        )
        commands = Commands(
            broker=self.broker, gate=self.gate, store=self.store, subscribing=subscribing
        )
        self.native = NativeDialect(commands, LIMITS)
        self._start(log)

    def _start(self, log):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tornado_chat.store.Writer", SteppedWriter)
            patch.setattr(SteppedWriter, "log", log)
            self.hub.start_at(self.loop.run_until_complete(self.store.start()))
        self.store.writer.log = log
        self.loop.run_until_complete(self.engine.start(self.broker.on_ring, self.revoking.on_tell))
        self.loop.free = False

    def look(self, place, *, fail=False):
        fault = peewee.OperationalError("disk I/O error") if fail else None
        self.loop.reads[place].look(fault)

    def answer(self, place):
        """On the loop, with its next turn, as an executor would."""
        self.loop.call_soon(self.loop.reads.pop(place).answer)

    @property
    def at_rest(self):
        return not (
            self.loop._ready
            or self.loop.reads
            or self.engine.kept
            or self.store.writer.waiting
            or asyncio.all_tasks(self.loop)
        )

    def stop(self):
        """Commits what was accepted."""
        self.loop.free = True
        self._end(self.store.writer.close)

    def kill(self):
        """As SIGKILL: what is committed is committed, and nothing else happens."""
        self.loop.free = True
        self._end(self.store.writer.kill)

    def _end(self, end_writer):
        if self.loop.is_closed():
            return
        end_writer()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.turn()
        self.loop.run_until_complete(self.background.stop())
        self.loop.run_until_complete(self.store.stop())
        self.loop.close()
