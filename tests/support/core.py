"""The core without sockets, as `app` builds it: what the tests of interleavings drive.

`support.stepped` says how it is driven. Rings may wait too, be lost, or come twice.
"""

import asyncio
import time

import peewee
import pytest

from support.boards import owner
from support.stepped import Loop, SteppedReaders, SteppedWriter
from tornado_chat.background import Background
from tornado_chat.broker import Broker
from tornado_chat.catch_up import CatchUp
from tornado_chat.commands import Commands
from tornado_chat.config import DeliveryConfig, LimitsConfig
from tornado_chat.cursors import Cursors
from tornado_chat.engine import MemoryEngine
from tornado_chat.errors import GOING_AWAY
from tornado_chat.gate import Gate
from tornado_chat.heartbeat import Heartbeat
from tornado_chat.hub import Hub
from tornado_chat.outbox import Budget
from tornado_chat.plugins.providers import Registry
from tornado_chat.replay import Replay
from tornado_chat.revoking import Revoking
from tornado_chat.store import Rules, Store
from tornado_chat.subscribing import Subscribing
from tornado_chat.topics import TopicProvider
from tornado_chat.web.native import NativeDialect

LIMITS = LimitsConfig(65536, 0, 32, 0, 0, 0, 0, 0, 0)
DELIVERY = DeliveryConfig(1000, 72, 2, 20, 24, 10)
EPOCH = 1_700_000_000  # the loop's clock stands at 0 then


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

    `log`: gets every message at its commit. `now`: what the clock says."""

    def __init__(self, path, log, now):
        self.loop = Loop(now)
        self.background = Background()
        self.pipes = []  # every socket there ever was
        self.engine = Rings()
        self.store = Store(
            f"sqlite:///{path}", "relaxed", Rules(), lambda d: self.broker.committed(d)
        )
        registry = Registry()
        registry.add(Rooms(self.store), owner("rooms"))
        registry.add(Notices(), owner("notices"))
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
            said=self.catch_up.pages.forget,
        )
        self.revoking = Revoking(self.hub)
        self.cursors = Cursors(self.store, lambda: DELIVERY, self._clock)
        self.heartbeat = self.cursors.heartbeat = Heartbeat(
            ping_seconds=DELIVERY.ping_seconds,
            budget=self.budget,
            hub=self.hub,
            clock=self.loop.time,
            proved=self.cursors.proved,
        )
        self.replay = Replay(
            self.store, self.hub, self.catch_up, self.cursors, self.background.spawn
        )
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
        self.native = NativeDialect(commands, LIMITS, time.time)
        self._start(log)

    def _start(self, log):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tornado_chat.store.Writer", SteppedWriter)
            patch.setattr("tornado_chat.store.Readers", SteppedReaders)
            patch.setattr(SteppedWriter, "log", log)
            self.hub.start_at(self.loop.run_until_complete(self.store.start()))
        self.store.writer.log = log
        self.loop.run_until_complete(self.engine.start(self.broker.on_ring, self.revoking.on_tell))
        self.finish(self.cursors.begin())
        self.loop.free = False

    def _clock(self):
        return EPOCH + self.loop.now

    def finish(self, coroutine):
        """Everything it needs happens at once."""
        task = self.loop.create_task(coroutine)
        while not task.done():
            while self.loop.reads:
                self.answer(0)
            self.loop.turn()
            self.store.writer.commit(100)
        return task.result()

    def tick(self):
        """What is done once a second."""
        self.heartbeat.tick()
        self.cursors.flush()

    def look(self, place, *, fail=False):
        fault = peewee.OperationalError("disk I/O error") if fail else None
        self.loop.reads[place].look(fault)

    def answer(self, place):
        """On the loop, with its next turn, as an executor would."""
        self.loop.call_soon(self.loop.reads.pop(place).answer)

    @property
    def at_rest(self):
        """Nothing is under way, and whoever is there is live."""
        open_pipes = [pipe for pipe in self.pipes if not pipe.closed]
        return (
            not self.loop._ready
            and not self.loop.reads
            and not self.engine.kept
            and not self.store.writer.waiting
            and not asyncio.all_tasks(self.loop)
            and all(s.live for pipe in open_pipes for s in pipe.session.subscriptions.values())
        )

    def stop(self):
        """Says goodbye to everybody and commits what was accepted."""
        for session in self.hub.all_sessions():
            session.close(GOING_AWAY, "restart")
        self.loop.turn()
        self.finish(self.cursors.stop())
        self.loop.free = True
        self._end(self.store.writer.close)

    def kill(self):
        """As SIGKILL: what is committed is committed, and nothing else happens."""
        self.loop.free = True
        self._end(self.store.writer.kill)

    def _end(self, end_writer):
        if self.loop.is_closed():
            return
        for pipe in self.pipes:
            pipe.closed = True
        end_writer()
        self.loop.run_until_complete(self.store.stop())
        while asyncio.all_tasks(self.loop) or self.loop._ready:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.turn()
        self.loop.close()
