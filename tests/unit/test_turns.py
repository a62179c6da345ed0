"""The loop of a server: many sockets at once are many turns, and each has its own."""

import asyncio
import contextlib
import socket

import pytest

from tornado_chat import turns


@pytest.fixture
def pairs():
    with contextlib.ExitStack() as stack:
        made = [socket.socketpair() for _ in range(3 * turns.EVENTS)]
        for each in (end for pair in made for end in pair):
            stack.enter_context(each)
        yield made


def test_many_sockets_are_several_turns_and_none_waits_for_long(pairs):
    loop = turns.new_loop()
    woken = []
    try:
        for number, (end, other) in enumerate(pairs):
            loop.add_reader(end, woken.append, number)  # it stays readable: nobody reads
            other.send(b"x")
        for turn in range(1, 4):
            loop.call_soon(loop.stop)
            loop.run_forever()
            assert len(woken) <= turn * turns.EVENTS
        for _ in range(2):
            loop.call_soon(loop.stop)
            loop.run_forever()
        assert set(woken) == set(range(len(pairs)))
    finally:
        loop.close()


def test_what_is_served_runs_on_such_a_loop():
    found = []

    async def look():
        found.append(asyncio.get_running_loop()._selector._selector)

    turns.run(look())
    assert isinstance(found[0], turns.FewAtOnce)
