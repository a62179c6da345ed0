"""What happens to a house and its clients, in words that a test can draw: one method a word.

A word takes two numbers, and makes of them what there is to choose from. What a step brings about
happens when its turn comes; only a turn lets the loop go on.
"""

import functools
import itertools
import shutil
import sqlite3
import tempfile
from pathlib import Path

from support.core import House
from tornado_chat.errors import ChatError
from tornado_chat.messages import EVERYONE, MEMBERS, MINE, Audience, Draft, Topic
from tornado_chat.store.pruning import Excess, delete, next_gone

ROOMS = ("room:1", "room:2")
NAMES = (*ROOMS, "news", MINE)
PEOPLE = ("ann", "bob", "cas")
AUDIENCES = (
    EVERYONE,
    Audience(users=frozenset({"ann"})),
    Audience(groups=frozenset({"staff"}), users=frozenset({"bob"})),
)


def topic_of(name):
    return Topic.parse("SHOP", name)


@functools.cache
def first_file():
    """A database whose rooms have members already: the same for all stories."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "first.db")
        house = House(file, [], 0.0)
        house.store.write(lambda tx: [tx.members.add(topic_of(name), PEOPLE[:2]) for name in ROOMS])
        house.stop()
        return file.read_bytes()


class Story:
    """`log`: every message that was committed. `gone`: the offsets of those thrown away. `departures`:
    (topic, user, head) of who left a room."""

    def __init__(self, folder):
        self._file, self._copy = folder / "log.db", folder / "copy.db"
        self._serials = itertools.count(1)
        self.log, self.gone, self.departures, self.epochs = [], set(), [], {}
        self.failures, self.pushes, self.peers = [], 0, []
        self._backup = self._lock = self.house = None
        self.now = 0.0
        self._file.write_bytes(first_file())
        self._begin()
        self._backup_now()

    def serial(self):
        return next(self._serials)

    def _begin(self):
        self.house = House(self._file, self.log, self.now)
        assert self.house.hub.mark == self.head, "what was committed is not there"
        self.epochs[self.house.store.log.epochs.today] = self.head

    # What is true

    @property
    def head(self):
        return self.log[-1].offset if self.log else 0

    def check_log(self):
        numbers = [message.data["n"] for message in self.log]
        assert len(numbers) == len(set(numbers)), "one message is in the log twice"

    @property
    def thrown_away(self):
        return [message for message in self.log if message.offset in self.gone]

    # The words

    def play(self, steps):
        for word, a, b in steps:
            getattr(self, word)(a, b)
            self.check()

    def check(self):
        if self.failures:
            raise self.failures[0]
        assert not self.house.loop.faults, self.house.loop.faults

    def _peer(self, a):
        return self.peers[a % len(self.peers)]

    def turn(self, a, b):
        for _ in range(1 + a % 3):
            self.house.loop.turn()

    def say(self, a, b):
        """In a room, by the house in somebody's name."""
        self._append(ROOMS[b % 2], MEMBERS, b, sender=PEOPLE[a % 3])

    def notify(self, a, b):
        self._append("news", AUDIENCES[a % len(AUDIENCES)], b)

    def _append(self, name, audience, size, **more):
        data = {"n": self.serial(), "pad": "y" * size * 40}
        draft = Draft(topic_of(name), data, audience, **more)
        self.house.store.append(draft).add_done_callback(refused)

    def commit(self, a, b):
        self.house.store.writer.commit(1 + a)

    def read(self, a, b):
        if self.house.loop.reads:
            self.house.answer(a % len(self.house.loop.reads))

    def look(self, a, b):
        if self.house.loop.reads:
            self.house.look(a % len(self.house.loop.reads))

    def fail(self, a, b):
        if self.house.loop.reads:
            self.house.look(a % len(self.house.loop.reads), fail=True)

    def drop(self, a, b):
        self._on_wire(a, lambda wire: self.house.loop.call_soon(wire.cut))

    def stall(self, a, b):
        self._on_wire(a, lambda wire: setattr(wire, "flows", False))

    def accept(self, a, b):
        self._on_wire(a, lambda wire: wire.accept(b * 50))

    def flow(self, a, b):
        self._on_wire(a, lambda wire: wire.flow())

    def _on_wire(self, a, do):
        if self._peer(a).wire is not None:
            do(self._peer(a).wire)

    def lock(self, a, b):
        """Another process has the database: nothing can be written."""
        if self._lock is None:
            self._lock = sqlite3.connect(self._file, isolation_level=None)
            self._lock.execute("BEGIN IMMEDIATE")

    def unlock(self, a, b):
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def hold(self, a, b):
        self.house.engine.holding = not self.house.engine.holding

    def ring(self, a, b):
        engine = self.house.engine
        if engine.kept:
            place = a % len(engine.kept)
            self.house.loop.call_soon(
                lambda: (
                    engine.let_through(place, again=b % 3 == 1, bodies=b % 3 != 2)
                    if place < len(engine.kept)
                    else None
                )
            )

    def lose(self, a, b):
        if self.house.engine.kept:
            self.house.engine.kept.pop(a % len(self.house.engine.kept))

    def join(self, a, b):
        user, topic = PEOPLE[a % 3], topic_of(ROOMS[b % 2])
        self._write(lambda tx: tx.members.add(topic, [user]))

    def leave(self, a, b):
        """As the plugin of the rooms does it: out of the room, then out of its subscriptions."""
        user, topic = PEOPLE[a % 3], topic_of(ROOMS[b % 2])

        def work(tx):
            tx.members.remove(topic, [user])
            self.departures.append((topic, user, tx.head))
            tx.defer(lambda: self._revoke(user, topic))

        self._write(work)

    def _revoke(self, user, topic):
        self.house.revoking.on_tell(user, self.house.revoking.order(user, None, topic, None))

    def prune(self, a, b):
        """All but the newest of a topic, as far as their delivery has begun."""
        topic, keep, upto = topic_of(NAMES[a % 3]), b % 4, self.house.hub.mark

        def work(tx):
            state = tx.state(topic)
            some = next_gone([Excess(state.id, state.count - keep, 0)], upto, 500)
            if some:
                delete(tx, some)
            self.gone.update(one.offset for one in some)

        self._write(work)

    def hurry(self, a, b):
        """All that waits for the store, and some turns."""
        while self.house.loop.reads:
            self.house.answer(0)
        self.house.store.writer.commit(100)
        for _ in range(1 + a):
            self.house.loop.turn()

    def calm(self, a, b):
        """A while without trouble."""
        for _ in range(2 + a):
            self._go_on()

    def _write(self, work):
        self.house.store.write(work).add_done_callback(refused)

    def wait(self, a, b):
        self.house.loop.now += 0.5 + a

    def restart(self, a, b):
        """Killed, or (one of four) stopped in order, and started again over the same file."""
        self._end(kill=a % 4 != 0)
        self.check()
        self._begin()

    def _end(self, *, kill):
        self.unlock(0, 0)
        if kill:
            self.house.kill()
        else:
            self.house.stop()
        self.now = self.house.loop.now
        for peer in self.peers:
            peer.house_ended(kill=kill)

    def backup(self, a, b):
        self._backup_now()

    def _backup_now(self):
        self._copy.unlink(missing_ok=True)
        source, target = sqlite3.connect(self._file), sqlite3.connect(self._copy)
        source.backup(target)
        source.close()
        target.close()
        self._backup = len(self.log), set(self.gone), len(self.departures), dict(self.epochs)

    def restore(self, a, b):
        """The house dies, and the file of the last backup takes its place."""
        self._end(kill=True)
        self._file = self._copy.with_name(f"log{self.serial()}.db")
        shutil.copy(self._copy, self._file)
        messages, self.gone, departures, self.epochs = self._backup
        self.gone, self.epochs = set(self.gone), dict(self.epochs)
        del self.log[messages:], self.departures[departures:]
        for peer in self.peers:
            peer.house_restored(self.head)
        self._begin()

    # The end

    def _come_to_rest(self):
        house = self.house
        self.unlock(0, 0)
        house.engine.holding = False
        house.loop.call_soon(house.broker.on_ring, self.head, self.head, ())
        for _ in range(500):
            house.engine.kept.clear()
            self._go_on()
            self.check()
            if house.at_rest:
                return
        raise AssertionError("does not come to rest")

    def _go_on(self):
        """A moment in which everybody reads and answers, and nothing waits for the store."""
        for peer in self.peers:
            peer.hurry()
        self.house.loop.now += 0.25
        self.house.loop.call_soon(self.house.tick)
        self.hurry(2, 0)

    def close(self):
        self._end(kill=True)


def refused(future):
    """A writer that was killed answers nobody; else only the house's own errors are allowed."""
    if not future.cancelled() and future.exception() is not None:
        assert isinstance(future.exception(), ChatError), repr(future.exception())
