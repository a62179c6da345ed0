"""A subscription's stream: once, in order, bounded, and honest about holes."""

import asyncio
import json
from collections import deque
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tornado_chat.client import subscriptions as room
from tornado_chat.client.errors import ChatError, Closed
from tornado_chat.client.outgoing import Outgoing
from tornado_chat.client.subscription import Standing
from tornado_chat.client.subscriptions import Subscriptions
from tornado_chat.client.values import Message, Position

TOPIC = "room:1"


class House:
    """The native protocol of one topic and `mine`, as documented, without sockets: commands wait
    until they are served, frames until they are received."""

    def __init__(self):
        self.log = []  # (offset, id)
        self.epochs = [("e0", 1)]
        self.pruned = 0
        self.live = set()
        self.frames = deque()
        self.ids = 0

    @property
    def mark(self):
        return self.log[-1][0] if self.log else 0

    def publish(self):
        self.ids += 1
        self.log.append((self.mark + 1, f"m{self.ids}"))
        if self.live:
            self.frames.append(self.push(*self.log[-1]))

    def push(self, offset, message_id):
        return {"push": {
            "topic": TOPIC, "epoch": self.epoch(offset), "offset": offset, "id": message_id,
            "sender": None, "sender_name": None, "at": "2026-11-23T10:00:00.123Z", "data": {},
        }}  # fmt: skip

    def epoch(self, offset):
        return [name for name, first in self.epochs if first <= max(1, offset)][-1]

    def restore(self, offset):
        """An older backup: what came after is gone, and a new epoch begins."""
        self.log = [each for each in self.log if each[0] <= offset]
        kept = [each for each in self.epochs if each[1] <= self.mark]
        self.epochs = [*kept, (f"e{self.ids}-{len(self.epochs)}-{offset}", self.mark + 1)]
        self.pruned = min(self.pruned, self.mark)

    def good(self, since):
        if since == "start":
            return self.pruned == 0
        ends = [*(first - 1 for _, first in self.epochs[1:]), self.mark]
        stretch = [
            (name, first - 1, end) for (name, first), end in zip(self.epochs, ends, strict=True)
        ]
        agrees = since["offset"] == 0 or any(
            name == since["epoch"] and first <= since["offset"] <= end
            for name, first, end in stretch
        )
        return agrees and self.pruned <= since["offset"]

    def serve(self, frame):
        if frame["do"] == "unsubscribe":
            self.live.discard(frame["topic"])
            self.frames.append({"id": frame["id"], "ok": {"topic": frame["topic"]}})
            return
        since = frame.get("since")
        complete = since is not None and self.good(since)
        self.live.add(frame["topic"])
        ok = {"topic": frame["topic"], "epoch": self.epochs[-1][0], "offset": self.mark,
              "complete": complete, "state": None if complete else {"mark": self.mark}}  # fmt: skip
        self.frames.append({"id": frame["id"], "ok": ok})
        after = 0 if since == "start" else since["offset"] if complete else self.mark
        for offset, message_id in self.log:
            if offset > max(after, self.pruned):
                self.frames.append(self.push(offset, message_id))


class Client:
    """The parts of the client that know topics, on a wire that a test moves."""

    def __init__(self, house, *, size=3):
        self.house = house
        self.outgoing = Outgoing(10)
        self.all = Subscriptions(self.outgoing, size=size, on_gap=None)
        self.begins = None  # the subscription whose first answer says after what it begins
        self.start = None  # (offset, id) of that
        self.given = []  # what the reader was given: messages, and ("gap", position, state)

    def gap(self, subscription):
        self.given.append(("gap", subscription.position, subscription.state))

    def open(self):
        self.outgoing.connected = True
        self.all.opened()

    def cut(self):
        self.house.live.clear()
        self.house.frames.clear()
        self.outgoing.lost("cut")
        self.all.lost()

    async def serve(self):
        """The house reads what has been asked."""
        while True:
            asking = asyncio.ensure_future(self.outgoing.next())
            await asyncio.sleep(0)
            if not asking.done():
                asking.cancel()
                return
            self.house.serve(json.loads(asking.result().text))

    async def receive(self, count):
        """The client reads what has come."""
        for _ in range(min(count, len(self.house.frames))):
            frame = self.house.frames.popleft()
            if "push" in frame:
                await self.all.push(Message.read(frame["push"]))
            elif frame.get("id") is None:
                self.all.ended_by_house(frame)
            else:
                self.outgoing.answer(frame)
                if self.begins is not None and self.begins.position is not None:
                    offset = self.begins.position.offset
                    self.start = (offset, dict(self.house.log).get(offset))
                    self.begins = None

    async def read(self, subscription, count=100):
        for _ in range(count):
            reading = asyncio.ensure_future(anext(subscription))
            await asyncio.sleep(0)
            if not reading.done():
                reading.cancel()
                return
            self.given.append(reading.result())

    async def settle(self, subscription):
        """Until nothing moves any more."""
        if not self.outgoing.connected:
            self.open()
        for _ in range(100):
            await self.serve()
            await self.receive(1000)
            await self.read(subscription)

    def offsets(self):
        return [each.offset for each in self.given if isinstance(each, Message)]


@pytest.fixture(autouse=True)
def _in_no_time():
    with patch.object(room, "ROOM_SECONDS", 0):
        yield


@pytest.fixture
async def client():
    return Client(House())


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 6)),
        st.tuples(st.just("serve"), st.just(0)),
        st.tuples(st.just("receive"), st.integers(1, 6)),
        st.tuples(st.just("read"), st.integers(1, 4)),
        st.tuples(st.just("cut"), st.just(0)),
        st.tuples(st.just("open"), st.just(0)),
        st.tuples(st.just("prune"), st.integers(0, 20)),
        st.tuples(st.just("restore"), st.integers(0, 20)),
        st.tuples(st.just("conflict"), st.just(0)),
    ),
    max_size=40,
)


async def play(operations, since):
    house = House()
    client = Client(house)
    for _ in range(3):
        house.publish()
    subscription = client.all.add(TOPIC, since, client.gap)
    if since is None:
        client.begins = subscription
    elif since != "start":
        client.start = house.log[since.offset - 1]
    for name, count in operations:
        if name == "publish":
            for _ in range(count):
                house.publish()
        elif name == "serve" and client.outgoing.connected:
            await client.serve()
        elif name == "receive" and client.outgoing.connected:
            await client.receive(count)
        elif name == "read":
            await client.read(subscription, count)
        elif name == "cut":
            client.cut()
        elif name == "open" and not client.outgoing.connected:
            client.open()
        elif name == "prune":
            house.pruned = max(house.pruned, min(count, house.mark))
        elif name == "restore":
            client.cut()
            house.restore(count)
        elif name == "conflict" and house.live:
            house.live.clear()
            house.frames.append({
                "id": None, "topic": TOPIC, "error": {"code": "conflict", "message": "behind"},
            })  # fmt: skip
    await client.settle(subscription)
    return house, client, subscription


ENDED = [
    ("open", 0), ("serve", 0), ("receive", 1), ("conflict", 0), ("publish", 1), ("receive", 1),
]  # fmt: skip
QUIET = [("open", 0), ("serve", 0), ("receive", 1), ("cut", 0), ("publish", 1)]


@settings(max_examples=400)
@example(operations=ENDED, since=Position("e0", 2))  # fell behind what is kept
@example(operations=QUIET, since=None)  # nothing had come yet when the connection went
@given(operations=OPERATIONS, since=st.sampled_from([None, "start", Position("e0", 2)]))
def test_every_message_comes_once_and_in_order_or_a_hole_is_told(operations, since):
    house, client, subscription = asyncio.run(play(operations, since))
    place = {message_id: number for number, (_, message_id) in enumerate(house.log)}
    last = client.start  # (offset, id) of what was before; None: anything may follow
    for each in client.given:
        if not isinstance(each, Message):
            last = (each[1].offset, None)
            continue
        if last is not None:
            offset, message_id = last
            assert each.offset == offset + 1
            told = message_id is None or message_id in place or each.id not in place
            assert told, "what was before is not in the log any more, and no hole was told"
        last = (each.offset, each.id)
    read = [each.id for each in client.given if isinstance(each, Message)]
    assert len(read) == len(set(read))
    assert subscription.gaps == sum(not isinstance(each, Message) for each in client.given)
    if last is not None:
        assert last[0] == house.mark, "nothing is missing at the end"
    if client.given:
        assert subscription.position == Position(subscription.position.epoch, last[0])


async def test_the_first_answer_is_waited_for(client):
    client.house.publish()
    client.open()
    subscription = client.all.add(TOPIC, None, None)
    waiting = asyncio.create_task(subscription.ready())
    await asyncio.sleep(0)
    assert (waiting.done(), subscription.complete, subscription.position) == (False, None, None)
    await client.serve()
    await client.receive(9)
    assert await waiting is subscription
    assert (subscription.complete, subscription.state) == (False, {"mark": 1})
    assert subscription.position == Position("e0", 1)


async def test_what_the_server_has_against_it_is_raised(client):
    client.open()
    subscription = client.all.add(TOPIC, None, None)
    await client.outgoing.next()
    client.outgoing.answer({"id": 1, "error": {"code": "denied", "message": "not a member"}})
    for attempt in (subscription.ready(), anext(subscription)):
        with pytest.raises(ChatError, match="not a member"):
            await attempt
    assert client.all.add(TOPIC, None, None) is not subscription  # its place is free


async def test_a_reader_who_does_not_read_keeps_no_more_than_his_queue(client):
    subscription = client.all.add(TOPIC, "start", client.gap)
    await client.settle(subscription)
    for _ in range(50):
        client.house.publish()
    await client.receive(50)
    assert subscription.standing is Standing.BEHIND
    assert len(subscription._items) == 3
    await client.serve()
    assert not client.house.live  # the server was asked to stop
    await client.settle(subscription)
    assert client.offsets() == list(range(1, 51))


async def test_the_position_is_that_of_what_was_taken_out(client):
    subscription = client.all.add(TOPIC, "start", None)
    client.house.publish()
    client.house.publish()
    client.open()
    await client.serve()
    await client.receive(3)
    assert subscription.position is None
    await client.read(subscription, 1)
    assert subscription.position == Position("e0", 1)


async def test_a_hole_is_told_in_its_place_with_the_state_of_then(client):
    order = []

    async def gap(subscription):
        await asyncio.sleep(0)
        order.append(("gap", subscription.position.offset, subscription.state))

    async def reading():
        async for message in subscription:
            order.append(message.offset)

    for _ in range(2):
        client.house.publish()
    subscription = client.all.add(TOPIC, Position("e0", 2), gap)
    client.open()
    client.house.publish()
    await client.serve()
    await client.receive(9)
    client.cut()
    for _ in range(3):
        client.house.publish()
    client.house.pruned = 5
    client.open()
    await client.serve()
    client.house.publish()
    await client.receive(9)
    assert subscription.complete is True
    task = asyncio.create_task(reading())
    for _ in range(5):
        await asyncio.sleep(0)
    assert order == [3, ("gap", 6, {"mark": 6}), 7]
    assert (subscription.complete, subscription.gaps) == (False, 1)
    subscription.close()
    await task


async def test_what_came_twice_is_given_once(client):
    subscription = client.all.add(TOPIC, "start", None)
    await client.settle(subscription)
    client.house.publish()
    client.house.publish()
    client.house.frames.extend([*client.house.frames])
    await client.settle(subscription)
    assert [message.offset for message in client.given] == [1, 2]


async def test_all_that_is_kept_is_no_hole_and_says_whether_it_is_all(client):
    subscription = client.all.add(TOPIC, "start", client.gap)
    await client.settle(subscription)
    assert (subscription.complete, subscription.state) == (True, None)
    client.cut()
    for _ in range(3):
        client.house.publish()
    client.house.pruned = 2
    await client.settle(subscription)
    assert client.offsets() == [3]
    assert (subscription.complete, subscription.state) == (False, {"mark": 3})
    assert subscription.gaps == 0


async def test_two_holes_that_nobody_has_seen_yet_are_one(client):
    subscription = client.all.add(TOPIC, Position("e0", 0), client.gap)
    for pruned in (2, 4):
        for _ in range(2):
            client.house.publish()
        client.house.pruned = pruned
        client.open()
        await client.serve()
        await client.receive(9)
        client.cut()
    await client.read(subscription)
    assert client.given == [("gap", Position("e0", 4), {"mark": 4})]


async def test_a_topic_by_name_comes_by_its_name_and_all_else_is_mine(client):
    named = client.all.add(TOPIC, None, None)
    mine = client.all.add("mine", None, None)
    client.open()
    client.house.publish()
    # before the answer to the subscription by name, the server sends it as mine
    client.house.live = {"mine"}
    mine.standing = Standing.ON
    client.house.publish()
    await client.receive(1)
    await client.read(mine)
    assert client.offsets() == [2]
    await client.serve()
    await client.receive(9)
    client.house.publish()
    await client.receive(9)
    await client.read(mine)
    assert client.offsets() == [2]
    await client.read(named)
    assert client.offsets() == [2, 3]
    # while it is behind, what comes is still its own: it will be sent again
    for _ in range(8):
        client.house.publish()
    await client.receive(4)
    assert named.standing is Standing.BEHIND
    await client.receive(9)
    await client.read(mine)
    assert client.offsets() == [2, 3]
    await client.settle(named)
    assert client.offsets() == list(range(2, 12))


async def test_a_refusal_that_passes_is_asked_again_later(client):
    subscription = client.all.add(TOPIC, "start", None)
    await client.settle(subscription)
    client.cut()
    client.open()
    command = await client.outgoing.next()
    with patch.object(room, "AGAIN_SECONDS", (0, 0)):
        client.outgoing.answer({
            "id": command.id, "error": {"code": "unavailable", "message": "busy"},
        })  # fmt: skip
    assert not subscription.ended
    await asyncio.sleep(0.01)
    client.house.publish()
    await client.settle(subscription)
    assert client.offsets() == [1]


async def test_the_house_ends_one_subscription(client):
    subscription = client.all.add(TOPIC, None, None)
    await client.settle(subscription)
    client.house.publish()
    await client.receive(1)
    client.all.ended_by_house({
        "id": None, "topic": TOPIC, "error": {"code": "denied", "message": "has ended"},
    })  # fmt: skip
    assert (await anext(subscription)).offset == 1  # what has come in is given first
    with pytest.raises(ChatError, match="has ended"):
        await anext(subscription)


async def test_closing_gives_what_has_come_in_and_stops(client):
    subscription = client.all.add(TOPIC, "start", None)
    client.house.publish()
    client.open()
    await client.serve()
    await client.receive(9)
    subscription.close()
    subscription.close()
    assert [message.offset async for message in subscription] == [1]
    await client.serve()
    assert not client.house.live
    again = client.all.add(TOPIC, None, None)
    await client.settle(again)
    assert client.house.live == {TOPIC}


async def test_a_topic_is_subscribed_once(client):
    client.all.add(TOPIC, None, None)
    with pytest.raises(ValueError, match="room:1: subscribed already"):
        client.all.add(TOPIC, "start", None)


async def test_after_the_end_nothing_is_subscribed(client):
    client.all.end(Closed())
    with pytest.raises(StopAsyncIteration):
        await anext(client.all.add(TOPIC, None, None))
