"""The hub without a loop: who gets what, by counting what it looks at."""

from collections import deque

import pytest

from tornado_chat.hub import SLICE, Hub
from tornado_chat.messages import EVERYONE, Audience, Identity, Message, Signal, Topic
from tornado_chat.outbox import Budget, Outbox
from tornado_chat.protocol import text_frame
from tornado_chat.session import Session

ROOM = Topic("SHOP", "room", "1")
NEWS = Topic("SHOP", "", "news")


class Dialect:
    def __init__(self):
        self.unwanted = set()

    def encode(self, message):
        return b"%d" % message.offset

    def encode_signal(self, signal):
        return signal.name.encode()

    def wants(self, session, message):
        return message.offset not in self.unwanted

    def close_code(self, code):
        return code


class Peer:
    """A transport that keeps what it is given, and a session behind it."""

    def __init__(self, house, user="ann", tenant="SHOP", groups=(), limit=1000, dialect=None):
        self.got = []
        self.stuck = False
        outbox = Outbox(self, limit, house.budget, house.hub.dirty)
        identity = Identity(user, tenant, user.title(), groups=frozenset(groups))
        self.session = Session(identity, dialect or house.dialect, self, outbox)
        house.hub.enter(self.session)

    def write(self, data, drained):
        while data:  # several frames in one write: short ones have a head of two bytes
            size = data[1]
            self.got.append(data[2 : 2 + size].decode())
            data = data[2 + size :]
        return not self.stuck

    def close(self, code, reason):
        pass


class House:
    """A hub with a queue in place of the loop."""

    def __init__(self):
        self.turns = deque()
        self.missed = 0
        self.fell_behind = []
        self.budget = Budget()
        self.dialect = Dialect()
        self.check = None
        self.hub = Hub(
            call_soon=self.turns.append,
            missed=self._missed,
            fell_behind=self.fell_behind.append,
            visible=lambda topic: self.check,
        )

    def _missed(self):
        self.missed += 1

    def turn(self):
        while self.turns:
            self.turns.popleft()()

    def join(self, peer, topic):
        self.hub.subscribe(peer.session, topic, self.hub.mark).live = True


@pytest.fixture
def house():
    return House()


def message(offset, topic=ROOM, audience=None, members=None, sender=None):
    given = {} if audience is None else {"audience": audience}
    return Message(offset, "e", topic, offset, 0, {}, sender=sender, members=members, **given)


def test_subscribers_of_the_topic_get_it_encoded_once_and_nobody_else_is_looked_at(house):
    peers = [Peer(house, f"user{i}") for i in range(50)]
    for peer in peers[:3]:
        house.join(peer, ROOM)
    for peer in peers[3:]:
        house.join(peer, Topic("SHOP", "room", "2"))
    house.hub.advance([message(1)])
    house.turn()
    assert [peer.got for peer in peers[:4]] == [["1"], ["1"], ["1"], []]
    assert house.hub.looked_at == 3
    assert house.hub.encoded == 1


def test_members_are_reached_by_person_and_only_they_are_looked_at(house):
    people = {name: Peer(house, name) for name in ("ann", "bob", "carl")}
    others = [Peer(house, f"user{i}") for i in range(200)]
    for peer in [*people.values(), *others]:
        house.join(peer, None)
    house.hub.advance([message(1, members=frozenset({"ann", "bob", "away"}))])
    house.turn()
    assert [people[name].got for name in ("ann", "bob", "carl")] == [["1"], ["1"], []]
    assert house.hub.looked_at == 2


def test_groups_users_and_everyone_stay_inside_the_tenant(house):
    ann = Peer(house, "ann", groups=["staff"])
    bob = Peer(house, "bob")
    zoe = Peer(house, "ann", tenant="OTHER", groups=["staff"])
    for peer in (ann, bob, zoe):
        house.join(peer, None)
    house.hub.advance(
        [
            message(1, NEWS, Audience(groups=frozenset({"staff"}))),
            message(2, NEWS, Audience(users=frozenset({"bob"}))),
            message(3, NEWS, Audience(users=frozenset({"ann"}), groups=frozenset({"staff"}))),
            message(4, NEWS, EVERYONE),
        ]
    )
    house.turn()
    assert ann.got == ["1", "3", "4"]
    assert bob.got == ["2", "4"]
    assert zoe.got == []


def test_a_subscriber_by_name_sees_only_what_is_addressed_to_him(house):
    ann, bob = Peer(house, "ann"), Peer(house, "bob")
    house.join(ann, NEWS)
    house.join(bob, NEWS)
    house.hub.advance([message(1, NEWS, Audience(users=frozenset({"bob"})))])
    house.turn()
    assert (ann.got, bob.got) == ([], ["1"])


def test_the_provider_and_the_dialect_have_a_word(house):
    ann, bob = Peer(house, "ann"), Peer(house, "bob")
    house.join(ann, None)
    house.join(bob, None)
    house.dialect.unwanted = {2}
    house.check = lambda identity, message: identity.user_id == "ann"
    house.hub.advance([message(1, NEWS, EVERYONE), message(2, NEWS, EVERYONE)])
    house.turn()
    assert (ann.got, bob.got) == (["1"], [])


def test_only_the_direct_successor_is_delivered(house):
    ann = Peer(house)
    house.join(ann, ROOM)
    house.hub.start_at(10)
    house.hub.advance([message(10), message(9)])  # before the mark: passed over
    house.hub.advance([message(12)])
    house.turn()
    assert ann.got == []
    assert house.missed == 1
    house.hub.advance([message(11), message(12)])
    house.turn()
    assert ann.got == ["11", "12"]


def test_a_hole_in_what_the_log_gave_was_pruned(house):
    ann = Peer(house)
    house.join(ann, ROOM)
    house.hub.advance([message(3), message(7)], from_log=True)
    house.turn()
    assert ann.got == ["3", "7"]
    assert house.hub.mark == 7
    assert house.missed == 0


def test_who_is_behind_is_left_alone(house):
    ann = Peer(house)
    house.hub.subscribe(ann.session, ROOM, 0)
    house.hub.advance([message(1)])
    house.turn()
    assert ann.got == []
    assert house.hub.mark == 1


def test_a_full_outbox_puts_its_session_behind_and_nobody_else(house):
    slow, quick = Peer(house, "slow", limit=5), Peer(house, "quick")
    slow.stuck = True
    house.join(slow, ROOM)
    house.join(quick, ROOM)
    for offset in (1, 2, 3):
        house.hub.advance([message(offset)])
        house.turn()
    assert quick.got == ["1", "2", "3"]
    assert house.fell_behind == [slow.session]
    assert slow.session.subscriptions[ROOM].position == 1
    assert not slow.session.subscriptions[ROOM].live
    assert slow.got == ["1"]


def test_a_long_fan_out_gives_the_loop_a_turn_and_keeps_order(house):
    peers = [Peer(house, f"user{i}") for i in range(SLICE + 10)]
    for peer in peers:
        house.join(peer, ROOM)
    house.hub.advance([message(1), message(2, members=frozenset())])  # not in one batch
    assert len(house.turns) >= 1
    late = Peer(house, "late")
    house.hub.subscribe(late.session, ROOM, house.hub.mark).live = True
    house.turn()
    assert all(peer.got == ["1", "2"] for peer in peers)
    assert late.got == ["2"]  # joined at the mark of 1


def test_who_is_handed_a_burst_message_by_message_has_no_longer_turns_by_that(house, monkeypatch):
    monkeypatch.setattr("tornado_chat.hub.SLICE", 10)
    people = [Peer(house, f"user{i}") for i in range(5)]
    for peer in people:
        house.join(peer, None)
    members = frozenset(peer.session.identity.user_id for peer in people)
    turns = [0]
    deliver = house.hub.deliver

    def counted(*given):
        turns[-1] += 1
        return deliver(*given)

    monkeypatch.setattr(house.hub, "deliver", counted)
    house.hub.advance([message(offset, members=members) for offset in range(1, 7)])
    while house.turns:
        turns.append(0)
        house.turns.popleft()()
    assert sum(turns) == 30
    assert max(turns) == 12  # the second who was looked at in it was handed all six
    assert [peer.got for peer in people] == [["1", "2", "3", "4", "5", "6"]] * 5


def test_leaving_forgets_everything(house):
    ann = Peer(house, groups=["staff"])
    house.join(ann, ROOM)
    house.join(ann, None)
    house.hub.leave(ann.session)
    house.hub.advance([message(1, members=frozenset({"ann"})), message(2, NEWS, EVERYONE)])
    house.turn()
    assert ann.got == []
    assert house.hub.looked_at == 0
    assert house.hub.sessions("SHOP", "ann") == []
    assert house.hub.subscribers(ROOM) == []


def test_a_dialect_that_raises_harms_only_its_own(house, caplog):
    class Broken(Dialect):
        def encode(self, message):
            raise ValueError("odd")

    ann, bob = Peer(house, "ann", dialect=Broken()), Peer(house, "bob")
    house.join(ann, ROOM)
    house.join(bob, ROOM)
    house.hub.advance([message(1)])
    house.turn()
    assert bob.got == ["1"]
    assert "cannot encode" in caplog.text


def test_signals_go_to_subscribers_and_are_the_first_to_be_dropped(house):
    ann, full = Peer(house, "ann"), Peer(house, "full", limit=10)
    full.stuck = True
    house.join(ann, ROOM)
    house.join(full, ROOM)
    for _ in range(3):
        house.hub.signal(Signal(ROOM, "typing", {}))
        house.turn()
    assert ann.got == ["typing"] * 3
    assert full.got == ["typing"]
    assert full.session.subscriptions[ROOM].live
    assert house.hub.mark == 0


def behind_by_one(house, peer):
    """As `catch_up` leaves it when the last page is put: everything up to the mark considered."""
    subscription = peer.session.subscriptions[ROOM]
    peer.session.outbox.put_always(text_frame(b"%d" % house.hub.mark))
    subscription.position = house.hub.mark
    return subscription


def test_who_turns_live_in_the_middle_of_a_fan_out_gets_nothing_twice(house, monkeypatch):
    monkeypatch.setattr("tornado_chat.hub.SLICE", 2)
    peers = [Peer(house, f"user{i}") for i in range(4)]
    for peer in peers:
        house.join(peer, ROOM)
    late = Peer(house, "late")
    house.hub.subscribe(late.session, ROOM, 0)
    # the first two of five; the mark is 1, since the other has other people
    house.hub.advance([message(1), message(2, members=frozenset())])
    assert house.hub.mark == 1
    behind_by_one(house, late).live = True  # 1 was read from the log meanwhile
    house.turn()
    assert late.got == ["1", "2"]
    assert [peer.got for peer in peers] == [["1", "2"]] * 4


def test_signals_that_wait_are_bounded_and_messages_are_not_lost(house, monkeypatch):
    monkeypatch.setattr("tornado_chat.hub.SLICE", 1)
    peers = [Peer(house, f"user{i}", limit=10**6) for i in range(3)]
    for peer in peers:
        house.join(peer, ROOM)
    for _ in range(20_000):
        house.hub.signal(Signal(ROOM, "typing", {}))
    assert len(house.hub._waiting) < 2000
    house.hub.advance([message(1)])
    house.turn()
    assert [peer.got[-1] for peer in peers] == ["1"] * 3


class NoAudience:
    """What a plugin may have made of it."""

    @property
    def everyone(self):
        raise TypeError("a plugin's slip")

    members = groups = users = everyone

    def includes(self, identity):
        raise TypeError("a plugin's slip")


def test_a_broken_audience_costs_its_message_and_freezes_nobody(house, caplog):
    ann, bob = Peer(house), Peer(house, "bob")
    house.join(ann, ROOM)
    house.join(bob, None)
    house.hub.signal(Signal(ROOM, "typing", {}, None, NoAudience()))
    house.hub.advance([message(1, audience=NoAudience()), message(2), message(3, NEWS, EVERYONE)])
    house.turn()
    assert (ann.got, bob.got) == (["2"], ["3"])
    assert house.hub.mark == 3
    assert "a plugin's slip" in caplog.text


def test_a_dialect_that_raises_is_complained_about_once_a_message(house, caplog):
    class Broken(Dialect):
        def encode(self, message):
            raise ValueError("odd")

        encode_signal = encode

    broken = Broken()
    for number in range(50):
        house.join(Peer(house, f"user{number}", dialect=broken), ROOM)
    house.hub.advance([message(1), message(2)])
    house.hub.signal(Signal(ROOM, "typing", {}))
    house.turn()
    assert len(caplog.records) == 3


def test_a_provider_that_raises_costs_one_message(house, caplog):
    def check(identity, message):
        if message.offset == 2:
            raise KeyError("a provider's slip")
        return True

    house.check = check
    ann = Peer(house)
    house.join(ann, ROOM)
    house.hub.advance([message(1), message(2), message(3)])
    house.turn()
    assert ann.got == ["1", "3"]
    assert ann.session.subscriptions[ROOM].live
    assert "a provider's slip" in caplog.text


def test_a_signal_reaches_only_whom_it_names(house):
    ann, bob, carl = (Peer(house, name) for name in ("ann", "bob", "carl"))
    house.join(ann, ROOM)
    house.join(bob, ROOM)
    house.join(carl, None)
    house.hub.signal(Signal(ROOM, "typing", {}, None, Audience(users=frozenset({"bob", "carl"}))))
    house.hub.signal(Signal(ROOM, "nobody", {}, None, Audience()))
    house.turn()
    assert (ann.got, bob.got, carl.got) == ([], ["typing"], ["typing"])


def test_a_socket_that_is_gone_leaves_nothing_behind(house):
    ann = Peer(house)
    ann.session.closed = 1000
    house.hub.leave(ann.session)
    house.hub.subscribe(ann.session, ROOM, 0)
    house.hub.subscribe(ann.session, None, 0)
    house.hub.advance([message(1, members=frozenset({"ann"}))])
    house.turn()
    assert house.hub.subscribers(ROOM) == []
    assert house.hub.looked_at == 0


class Careless(Dialect):
    def encode(self, message):
        return "a text, not its bytes"


def test_a_dialect_that_makes_no_bytes_costs_its_own_sessions_the_message(house, caplog):
    bad, ann = Peer(house, "bob", dialect=Careless()), Peer(house)
    house.join(bad, ROOM)
    house.join(ann, ROOM)
    house.hub.advance([message(1), message(2)])
    house.turn()
    assert (bad.got, ann.got) == ([], ["1", "2"])
    assert "cannot encode" in caplog.text


def test_a_burst_goes_out_together(house):
    ann, bob, mine = Peer(house), Peer(house, "bob"), Peer(house, "carl")
    house.join(ann, ROOM)
    house.join(bob, ROOM)
    house.join(mine, None)
    people = frozenset({"ann", "bob", "carl"})
    burst = [message(number, members=people) for number in range(1, 21)]
    house.hub.advance([*burst, message(21, members=people - {"bob"}), message(22, NEWS, EVERYONE)])
    assert (house.hub.looked_at, house.hub.encoded) == (3 + 3 + 1, 22)
    house.turn()
    everything = [str(number) for number in range(1, 22)]
    assert (ann.got, bob.got, mine.got) == (everything, everything, [*everything, "22"])
    assert ann.session.outbox.frames_out == 21


def test_a_burst_that_has_no_room_is_handed_as_far_as_it_fits(house):
    slow, quick = Peer(house, "slow", limit=8), Peer(house, "quick")
    house.join(slow, ROOM)
    house.join(quick, ROOM)
    house.hub.advance([message(number) for number in (1, 2, 3, 4)])  # of three bytes each
    house.turn()
    assert (slow.got, quick.got) == (["1", "2"], ["1", "2", "3", "4"])
    assert house.fell_behind == [slow.session]
    assert slow.session.subscriptions[ROOM].position == 2


def test_a_burst_of_which_some_is_hidden_is_handed_one_by_one(house):
    house.check = lambda identity, message: identity.user_id == "bob" or message.offset != 2
    ann, bob = Peer(house), Peer(house, "bob")
    house.join(ann, ROOM)
    house.join(bob, ROOM)
    house.hub.advance([message(number) for number in (1, 2, 3)])
    house.turn()
    assert (ann.got, bob.got) == (["1", "3"], ["1", "2", "3"])


def test_what_a_plugin_says_of_an_audience_costs_only_its_signal(house, caplog):
    ann = Peer(house)
    house.join(ann, ROOM)
    house.hub.signal(Signal(ROOM, "odd", {}, None, NoAudience()))
    house.hub.signal(Signal(ROOM, "typing", {}))
    house.turn()
    assert ann.got == ["typing"]
    assert "a plugin's slip" in caplog.text


class Counted(frozenset):
    walked = 0

    def __iter__(self):
        for each in super().__iter__():
            Counted.walked += 1
            yield each


def test_members_who_are_not_here_are_not_walked(house):
    ann = Peer(house)
    house.join(ann, None)
    members = Counted([*(f"user{i}" for i in range(1000)), "ann"])
    house.hub.advance([message(1, members=members)])
    house.turn()
    assert ann.got == ["1"]
    assert Counted.walked <= 1
