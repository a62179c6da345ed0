"""The four MUSTs of the outbox, with a transport that takes what the test lets it."""

import asyncio

import pytest

from tornado_chat.outbox import CHUNK, Budget, Outbox


class Pipe:
    """Takes everything at once, or (`stuck`) nothing until `drain`."""

    def __init__(self):
        self.written = []
        self.stuck = False
        self._drained = None

    def write(self, data, drained):
        self.written.append(data)
        self._drained = drained
        return not self.stuck

    def drain(self):
        drained, self._drained = self._drained, None
        drained()


@pytest.fixture
def pipe():
    return Pipe()


@pytest.fixture
def dirty():
    return []


@pytest.fixture
def budget():
    return Budget()


@pytest.fixture
def outbox(pipe, dirty, budget):
    return Outbox(pipe, 100, budget, dirty.append)


def test_frames_of_one_turn_are_written_once_and_in_order(outbox, pipe, dirty):
    for frame in (b"a", b"b", b"c"):
        assert outbox.put(frame)
    assert dirty == [outbox]
    outbox.flush()
    assert pipe.written == [b"abc"]
    assert outbox.size == 0
    assert outbox.frames_out == 3


def test_a_live_push_over_the_limit_is_refused_and_nothing_else_happens(outbox, pipe):
    assert outbox.put(b"x" * 60)
    assert not outbox.put(b"y" * 60)
    assert outbox.put(b"z" * 40)
    outbox.flush()
    assert pipe.written == [b"x" * 60 + b"z" * 40]


def test_an_empty_outbox_takes_any_one_frame(outbox):
    assert outbox.put(b"x" * 5000)
    assert not outbox.put(b"y")


def test_replies_are_never_refused(outbox):
    outbox.put(b"x" * 100)
    outbox.put_always(b"reply")
    assert outbox.size == 105


def test_while_the_peer_does_not_read_nothing_more_is_written(outbox, pipe, dirty, budget):
    pipe.stuck = True
    outbox.put(b"a")
    outbox.flush()
    outbox.put(b"b")
    outbox.put(b"c")
    outbox.flush()
    assert pipe.written == [b"a"]
    assert budget.waiting == {outbox}
    assert outbox.size == 3
    pipe.stuck = False
    pipe.drain()
    assert pipe.written == [b"a", b"bc"]
    assert budget.waiting == set()
    assert outbox.size == 0
    outbox.put(b"d")
    assert dirty == [outbox, outbox]


def test_chunks_are_bounded(pipe, budget, dirty):
    outbox = Outbox(pipe, 0, budget, dirty.append)
    for _ in range(5):
        outbox.put(b"x" * (CHUNK // 2))
    outbox.flush()
    assert [len(data) for data in pipe.written] == [CHUNK, CHUNK, CHUNK // 2]


def test_all_outboxes_share_a_budget(pipe, dirty):
    budget = Budget(limit=100)
    one, two = (Outbox(pipe, 1000, budget, dirty.append) for _ in range(2))
    assert one.put(b"x" * 90)
    assert two.put(b"y" * 5)  # an empty one takes any one frame
    assert not two.put(b"y" * 10)
    assert budget.used == 95
    one.flush()
    assert budget.used == 5
    assert two.put(b"y" * 10)
    two.close()
    assert budget.used == 0


async def test_room_waits_until_half_is_gone(outbox, pipe):
    await asyncio.wait_for(outbox.room(), 1)
    pipe.stuck = True
    outbox.put(b"x" * 80)
    outbox.flush()
    waiting = asyncio.create_task(outbox.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    pipe.stuck = False
    pipe.drain()
    await asyncio.wait_for(waiting, 1)


async def test_closing_frees_those_who_wait(outbox, pipe):
    pipe.stuck = True
    outbox.put(b"x" * 80)
    outbox.flush()
    waiting = asyncio.create_task(outbox.room())
    await asyncio.sleep(0)
    outbox.close()
    await asyncio.wait_for(waiting, 1)
    outbox.put_always(b"late")
    assert outbox.size == 0


def test_what_is_put_now_is_written_now(outbox, pipe, dirty, budget):
    assert outbox.put_now(b"x" * 500)  # an empty one takes any one frame
    assert pipe.written == [b"x" * 500]
    assert (outbox.size, budget.used, dirty, outbox.frames_out) == (0, 0, [], 1)


def test_what_is_put_now_comes_after_what_waits(outbox, pipe, dirty):
    outbox.put(b"a")
    assert outbox.put_now(b"b")
    assert pipe.written == []
    outbox.flush()
    assert pipe.written == [b"ab"]


def test_what_is_put_now_waits_in_its_place_where_the_peer_does_not_read(outbox, pipe, budget):
    pipe.stuck = True
    assert outbox.put_now(b"a" * 60)
    assert (outbox.size, budget.used, budget.waiting) == (60, 60, {outbox})
    assert not outbox.put_now(b"b" * 60)
    assert outbox.put_now(b"c" * 40)
    pipe.stuck = False
    pipe.drain()
    assert pipe.written == [b"a" * 60, b"c" * 40]
    assert (outbox.size, budget.used, budget.waiting) == (0, 0, set())


def test_several_that_do_not_fit_are_not_put_now(outbox, pipe):
    assert not outbox.put_now(b"x" * 101, 2)
    outbox.close()
    assert outbox.put_now(b"late")
    assert pipe.written == []
