"""The core without sockets, one turn of the loop at a time: what the tests of interleavings drive.

Nothing happens by itself. The loop runs the turns it is told to, and its clock stands still. What a
store is asked waits twice: `look` runs the query, in the reader's thread, against the database of that
moment; `answer` gives what was seen to whoever waits, any number of turns and commits later. What is
to be written waits until `commit` lets the writer's thread have so many jobs as one group. Rings wait
too, while they are held. Threads are real but take turns with the test, so that a run is repeated by
its steps alone.
"""

import asyncio
import collections
import contextvars
import queue

import peewee
import pytest

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
from tornado_chat.store.writer import Writer
from tornado_chat.subscribing import Subscribing
from tornado_chat.topics import Registry, TopicProvider
from tornado_chat.web.native import NativeDialect

HANGS = 30  # seconds after which a thread will never answer
LIMITS = LimitsConfig(65536, 0, 32, 0, 0, 0, 0, 0, 0)


class Read:
    """Something asked of the store: `look` at the database, then `answer`."""

    def __init__(self, future, work):
        self.future, self._work = future, work
        self.seen = None

    def look(self, fault=None):
        if self.seen is None:
            try:
                self.seen = (None, fault or self._work())
            except Exception as error:  # noqa: BLE001 - it is its asker's
                self.seen = (error, None)
            if fault is not None:
                self.seen = (fault, None)

    def answer(self):
        self.look()
        error, found = self.seen
        if self.future.done():  # nobody waits any more
            return
        if error is None:
            self.future.set_result(found)
        else:
            self.future.set_exception(error)


class Loop(asyncio.SelectorEventLoop):
    """Runs one turn when told to. `free`: work for other threads is done at once."""

    def __init__(self):
        self.now = 1000.0
        self.free = True
        self.reads = []
        self.faults = []
        super().__init__()
        self.set_exception_handler(lambda _loop, context: self.faults.append(context))

    def time(self):
        return self.now

    def turn(self):
        """What is ready now; not what gets ready by it."""
        self.call_soon(self.stop)
        self.run_forever()

    def run_in_executor(self, executor, func, *args):
        def work():
            if executor is None:
                return contextvars.copy_context().run(func, *args)
            return executor.submit(func, *args).result(HANGS)

        read = Read(self.create_future(), work)
        if self.free:
            read.answer()
        else:
            self.reads.append(read)
        return read.future


class Jobs:
    """The writer's queue: it gets what the test lets it have, then waits for the next word."""

    def __init__(self):
        self.waiting = collections.deque()
        self._granted = collections.deque()
        self._word = queue.SimpleQueue()
        self._idle = queue.SimpleQueue()
        self._ending = False

    def put(self, job):
        if job is not None:
            self.waiting.append(job)
        elif self._ending:  # the writer's own: commit these first
            self._granted.append(None)
        else:
            self._ending = True
            self._word.put([*self.waiting, None])

    def get(self, timeout=None):
        if not self._granted:
            self._idle.put(None)
            self._granted.extend(self._word.get(timeout=HANGS))
        return self.get_nowait()

    def get_nowait(self):
        if not self._granted:
            raise queue.Empty
        return self._granted.popleft()

    def empty(self):
        return True

    def grant(self, count):
        """So many jobs are a group; returns when it is committed."""
        group = [self.waiting.popleft() for _ in range(min(count, len(self.waiting)))]
        if group:
            self._idle.get(timeout=HANGS)
            self._word.put(group)
            self._idle.get(timeout=HANGS)
            self._idle.put(None)


class SteppedWriter(Writer):
    """Notes what it has committed, before the loop hears of it."""

    log = None

    def __init__(self, *args):
        super().__init__(*args)
        self._jobs = Jobs()

    def _hand_over(self, done):
        self.log.extend(done.messages)
        super()._hand_over(done)

    def commit(self, count):
        self._jobs.grant(count)

    @property
    def waiting(self):
        return len(self._jobs.waiting)

    def kill(self):
        """What is not committed never is."""
        self._jobs.waiting.clear()
        self.close()


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


class House:
    """One life of a server over a file, as `app` builds it but for sockets, accounts and plugins.

    `log`: gets every message at its commit. `parts`: classes in place of the real ones, by the name
    of the real one."""

    def __init__(self, path, log, parts):
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
        self.catch_up = parts.get("CatchUp", CatchUp)(
            self.store,
            lambda identity, topic: self.gate.check(identity, "subscribe", topic),
            self.background.spawn,
        )
        self.hub = self.catch_up.hub = parts.get("Hub", Hub)(
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
        subscribing = Subscribing(
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
            self.loop.reads
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
