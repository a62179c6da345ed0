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
from support.devices import Device
from tornado_chat.errors import ChatError
from tornado_chat.messages import EVERYONE, MINE, Audience, Draft, Topic
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
        house = House(file, [])
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
        self.acknowledged, self.failures, self.pushes = {}, [], 0
        self._backup = None
        self.house = None
        self._file.write_bytes(first_file())
        self._begin()
        self.devices = [
            Device(self, "ann's phone", "ann"),
            Device(self, "bob's phone", "bob", ["staff"]),
            Device(self, "cas's phone", "cas", ["staff"]),
            Device(self, "ann's desk", "ann"),
        ]
        self._backup_now()

    def serial(self):
        return next(self._serials)

    def _begin(self):
        self.house = House(self._file, self.log)
        head = self.log[-1].offset if self.log else 0
        assert self.house.hub.mark == head, "what was committed is not there"
        self.epochs[self.house.store.log.epochs.today] = head

    # What is true

    @property
    def thrown_away(self):
        return [message for message in self.log if message.offset in self.gone]

    def agrees(self, since):
        """Whether that offset lies in the stretch of that epoch: both ends belong to it."""
        ends = [*list(self.epochs.values())[1:], self.log[-1].offset if self.log else 0]
        first, last = dict(
            zip(self.epochs, zip(self.epochs.values(), ends, strict=True), strict=True)
        ).get(since["epoch"], (1, 0))
        return not since["offset"] or first <= since["offset"] <= last

    def holds(self, last):
        """Whether the log has that message, (offset, number), at its place."""
        return not last or any((m.offset, m.data["n"]) == last for m in self.log)

    def acknowledge(self, number, offset):
        found = [message.offset for message in self.log if message.data["n"] == number]
        assert found == [offset], f"acknowledged at {offset}, in the log at {found}"
        self.acknowledged[number] = offset

    def check_refusal(self, reader, code):
        """Nobody is told that something ended where it did not."""
        user, topic = reader.device.identity.user_id, reader.topic
        if code == "denied":
            left = [each for each in self.departures if each[:2] == (topic, user)]
            assert left or user not in PEOPLE[:2], f"{reader}: denied, but never left"
        elif code == "conflict":
            assert reader.incomplete(), f"{reader}: nothing that it misses was thrown away"
        else:
            assert code == "unavailable", f"{reader}: {code}"

    # The words

    def play(self, steps):
        for word, a, b in steps:
            getattr(self, word)(a, b)
            self.check()

    def check(self):
        if self.failures:
            raise self.failures[0]
        assert not self.house.loop.faults, self.house.loop.faults

    def _device(self, a):
        return self.devices[a % len(self.devices)]

    def turn(self, a, b):
        for _ in range(1 + a % 3):
            self.house.loop.turn()

    def publish(self, a, b):
        self._device(a).publish(ROOMS[b % 2], b * 40)

    def notify(self, a, b):
        data = {"n": self.serial(), "pad": "y" * b * 40}
        draft = Draft(topic_of("news"), data, AUDIENCES[a % len(AUDIENCES)])
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

    def subscribe(self, a, b):
        """Comes back with what it has, or (two of six) begins anew or at the very beginning. What it
        has asked for is left first; only who does not ask for all that is his may ask twice."""
        device, name = self._device(a), NAMES[b % len(NAMES)]
        if name == MINE and device in self.devices[::3]:
            name = ROOMS[0]
        reader = device.reader(name)
        if reader.wanted and device not in self.devices[::3]:
            device.unsubscribe(name)
        elif b // len(NAMES) == 1:
            device.subscribe("start", name)
        elif b // len(NAMES) == 2:
            device.subscribe(None, name)
        elif reader.listens:
            device.unsubscribe(name)
        else:
            device.subscribe(reader.since(), name)

    def drop(self, a, b):
        self._on_wire(a, lambda wire: self.house.loop.call_soon(wire.cut))

    def stall(self, a, b):
        self._on_wire(a, lambda wire: setattr(wire, "flows", False))

    def accept(self, a, b):
        self._on_wire(a, lambda wire: wire.accept(b * 50))

    def flow(self, a, b):
        self._on_wire(a, lambda wire: wire.flow())

    def _on_wire(self, a, do):
        if self._device(a).wire is not None:
            do(self._device(a).wire)

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

    def revoke(self, a, b):
        self.house.loop.call_soon(self._revoke, PEOPLE[a % 3], None)

    def prune(self, a, b):
        """All but the newest of a topic, as far as their delivery has begun."""
        topic, keep, upto = topic_of(NAMES[a % 3]), b % 4, self.house.hub.mark

        def work(tx):
            state = tx.state(topic)
            some = next_gone([Excess(state.id, state.count - keep, 0)], upto, 500)
            if some:
                delete(some)
            self.gone.update(one.offset for one in some)

        self._write(work)

    def hurry(self, a, b):
        """All that waits for the store, and some turns."""
        while self.house.loop.reads:
            self.house.answer(0)
        self.house.store.writer.commit(6)
        for _ in range(1 + a):
            self.house.loop.turn()

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
        for device in self.devices:
            if device.wire is not None:
                wire, device.wire = device.wire, None
                wire.closed = True
                device.wire = wire
                device.lost(wire)
        self.house.kill() if kill else self.house.stop()

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
        self._begin()

    # The end

    def settle(self):
        """Lets everything happen that is under way, then brings everybody back, then looks."""
        self._come_to_rest()
        for device in self.devices:
            names = [name for name, reader in device.readers.items() if not reader.listens]
            for name in names:
                device.subscribe(device.readers[name].since(), name)
        self._come_to_rest()
        for device in self.devices:
            for reader in device.readers.values():
                reader.check_complete()
        numbers = [message.data["n"] for message in self.log]
        assert len(numbers) == len(set(numbers)), "one message is in the log twice"

    def _come_to_rest(self):
        house = self.house
        house.engine.holding = False
        head = self.log[-1].offset if self.log else 0
        house.loop.call_soon(house.broker.on_ring, head, head, ())
        for _ in range(500):
            for device in self.devices:
                if device.wire is not None:
                    device.wire.flow()
            house.engine.kept.clear()
            while house.loop.reads:
                house.answer(0)
            house.store.writer.commit(100)
            house.loop.now += 0.1
            for _ in range(3):
                house.loop.turn()
            self.check()
            if house.at_rest:
                return
        raise AssertionError("does not come to rest")

    def close(self):
        self._end(kill=True)


def refused(future):
    """A writer that was killed answers nobody; else only the house's own errors are allowed."""
    if not future.cancelled() and future.exception() is not None:
        assert isinstance(future.exception(), ChatError), repr(future.exception())
