"""Proofs without a loop: which ping proves what, and whom a tick looks at (design section 5 rule 5)."""

from collections import deque

import pytest

from tornado_chat.heartbeat import MISSED, Heartbeat
from tornado_chat.hub import SLICE, Hub
from tornado_chat.messages import EVERYONE, Identity, Message, Topic
from tornado_chat.outbox import Budget, Outbox
from tornado_chat.session import Session

NEWS = Topic("SHOP", "", "news")
EVERY = 20.0


class Dialect:
    def __init__(self):
        self.told = []

    def encode(self, message):
        return b"%d" % message.offset

    def wants(self, session, message):
        return message.data != "unwanted"

    def sent(self, session, message):
        self.told.append(message.offset)


class Peer:
    """A transport that keeps the frames it is given, and a session behind it."""

    def __init__(self, house, user="ann", *, cursor=True, limit=1000):
        self.frames, self.stuck, self.taken, self.aborted = [], False, 0, False
        outbox = Outbox(self, limit, house.budget, house.hub.dirty)
        self.session = Session(Identity(user, "SHOP", user), house.dialect, self, outbox)
        self.session.cursor = object() if cursor else None
        house.hub.enter(self.session)
        house.heartbeat.add(self.session)
        self.subscription = house.hub.subscribe(self.session, None, house.hub.mark)
        self.subscription.live = True

    def write(self, data, drained):
        if self.stuck:
            self.drained = drained
            return False
        while data:  # short frames have a head of two bytes
            size = data[1]
            self.frames.append((data[0] & 15, data[2 : 2 + size]))
            data = data[2 + size :]
        return True

    def accepted(self):
        return self.taken

    def abort(self):
        self.aborted = True

    @property
    def pings(self):
        return [payload for opcode, payload in self.frames if opcode == 9]

    @property
    def texts(self):
        return [int(payload) for opcode, payload in self.frames if opcode == 1]


class House:
    def __init__(self):
        self.turns, self.now, self.proofs = deque(), 1000.0, []
        self.budget, self.dialect = Budget(), Dialect()
        self.hub = Hub(
            call_soon=self.turns.append,
            missed=lambda: None,
            fell_behind=lambda _session: None,
            visible=lambda _topic: None,
        )
        self.heartbeat = Heartbeat(
            ping_seconds=EVERY,
            budget=self.budget,
            hub=self.hub,
            clock=lambda: self.now,
            proved=lambda session, position: self.proofs.append((session, position)),
        )

    def turn(self, count=None):
        while self.turns and count != 0:
            self.turns.popleft()()
            count = None if count is None else count - 1

    def say(self, offset, data=None):
        self.hub.advance([Message(offset, "e", NEWS, offset, 0, data or {}, EVERYONE)])
        self.turn()

    def tick(self, seconds=1.0):
        self.now += seconds
        self.heartbeat.tick()
        self.turn()


@pytest.fixture
def house():
    return House()


def test_a_ping_follows_within_a_second_and_its_pong_proves_what_went_before(house):
    ann = Peer(house)
    house.say(1)
    assert ann.frames == [(1, b"1")]
    house.tick()
    assert ann.frames == [(1, b"1"), (9, b"1")]
    house.say(2)  # after the ping: not proved by its pong
    house.heartbeat.pong(ann.session, b"1")
    assert house.proofs == [(ann.session, 1)]


def test_at_most_one_ping_is_outstanding_and_what_came_meanwhile_is_asked_for_next(house):
    ann = Peer(house)
    house.say(1)
    house.tick()
    for offset in range(2, 6):
        house.say(offset)
        house.tick()
    assert len(ann.pings) == 1
    house.heartbeat.pong(ann.session, ann.pings[0])
    house.tick()
    assert len(ann.pings) == 2
    house.heartbeat.pong(ann.session, ann.pings[1])
    assert house.proofs[-1] == (ann.session, 5)
    house.tick()
    assert len(ann.pings) == 2


def test_unknown_serials_are_ignored(house):
    ann, bob = Peer(house), Peer(house, "bob")
    house.heartbeat.pong(ann.session, b"")
    house.heartbeat.pong(ann.session, b"0")
    house.say(1)
    house.tick()
    for payload in (b"", b"0", b"7", b"01", b" 1", bob.pings[0], b"x" * 125):
        if payload != ann.pings[0]:
            house.heartbeat.pong(ann.session, payload)
    assert house.proofs == []
    house.heartbeat.pong(ann.session, ann.pings[0])
    house.heartbeat.pong(ann.session, ann.pings[0])  # once more
    assert house.proofs == [(ann.session, 1)]


def test_an_idle_socket_is_pinged_and_proves_what_it_was_not_sent(house):
    ann = Peer(house)
    for offset in range(1, 4):
        house.say(offset, "unwanted")
    house.tick()
    assert ann.frames == []  # nothing was put, nothing is asked
    house.tick(EVERY)
    house.heartbeat.pong(ann.session, ann.pings[0])
    assert house.proofs == [(ann.session, 3)]


def test_a_ping_in_the_midst_of_a_fan_out_does_not_prove_its_message(house):
    peers = [Peer(house, f"user {n}") for n in range(SLICE + 10)]
    house.hub.advance([Message(1, "e", NEWS, 1, 0, {}, EVERYONE)])
    first, last = peers[0], peers[-1]
    house.turn(1)  # outboxes; the rest of the fan-out waits
    assert (first.texts, last.texts) == ([1], [])
    for peer in (first, last):
        house.heartbeat.ask(peer.session)
    house.turn()
    for peer in (first, last):
        house.heartbeat.pong(peer.session, peer.pings[0])
    assert house.proofs == [(first.session, 1), (last.session, 0)]


def test_a_reader_that_is_behind_proves_its_own_position(house):
    ann = Peer(house, limit=10)
    ann.stuck = True
    for offset in range(1, 9):
        house.say(offset)
    assert not ann.subscription.live
    position = ann.subscription.position
    assert 0 < position < 8
    house.tick()
    ann.stuck = False
    ann.drained()
    house.turn()
    assert ann.frames[-1][0] == 9  # behind all that waited
    house.heartbeat.pong(ann.session, ann.pings[0])
    assert house.proofs == [(ann.session, position)]


def test_who_is_held_proves_nothing_yet(house):
    ann = Peer(house)
    ann.subscription.live, ann.subscription.held = False, True
    house.heartbeat.ask(ann.session)
    house.turn()
    house.heartbeat.pong(ann.session, ann.pings[0])
    assert house.proofs == [(ann.session, None)]


def test_a_native_session_is_neither_asked_at_once_nor_proves_anything(house):
    ann = Peer(house, cursor=False)
    house.say(1)
    house.tick()
    assert ann.frames == [(1, b"1")]
    house.tick(EVERY)
    house.heartbeat.pong(ann.session, ann.pings[0])
    assert house.proofs == [(ann.session, None)]


def test_a_tick_looks_at_nobody_who_was_sent_nothing(house):
    peers = [Peer(house, f"user {n}") for n in range(100)]
    house.tick()
    for offset in range(1, 4):
        house.hub.advance(
            [
                Message(
                    offset, "e", Topic("SHOP", "room", "1"), 1, 0, {}, members=frozenset({"user 7"})
                )
            ]
        )
    house.tick()
    assert house.heartbeat.looked_at == 1
    assert [len(peer.pings) for peer in peers] == [n == 7 for n in range(100)]
    house.heartbeat.remove(peers[7].session)
    house.tick()
    assert house.heartbeat.looked_at == 1


def test_the_dialect_hears_what_was_put_and_its_faults_stay_its_own(house, logs):
    ann = Peer(house)
    house.say(1)
    house.say(2, "unwanted")
    assert house.dialect.told == [1]

    def sent(_session, _message):
        raise RuntimeError("mine alone")

    house.dialect.sent = sent
    house.say(3)
    assert ann.texts == [1, 3]
    assert "a dialect could not be told" in logs.text


def test_who_does_not_answer_is_dropped_and_who_reads_slowly_is_not(house):
    silent, slow = Peer(house), Peer(house, "bob")
    slow.stuck = True
    house.say(1)
    for _ in range(2 * MISSED + 3):
        slow.taken += 1000
        house.tick(EVERY)
    assert silent.aborted
    assert not slow.aborted
    for _ in range(MISSED + 2):
        house.tick(EVERY)  # not a byte more
    assert slow.aborted
