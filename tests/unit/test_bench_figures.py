"""`tornado-chat bench`: what is counted, and what is said of it."""

import os
import socket
import tomllib

import pytest

from tornado_chat.bench.figures import Figures, Hearing, quantile
from tornado_chat.bench.place import checked, listener, tables
from tornado_chat.bench.verdict import Memory, duration, rows, words
from tornado_chat.config import build
from tornado_chat.errors import SetupError


def figures(**more):
    times = [0.001 * number for number in range(1, 1001)]
    return Figures(**{"name": "steady", "rate": 100.0, "times": times, **more})


@pytest.mark.parametrize(("share", "found"), [(0.5, 5), (0.99, 10), (0.1, 1), (1.0, 10)])
def test_a_quantile_is_one_of_the_times(share, found):
    assert quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], share) == found


def test_nothing_has_no_quantile():
    assert quantile([], 0.99) == 0


def test_lost_and_doubled_are_told_apart():
    hearing = Hearing()
    for number in (0, 1, 1, 3, 0):
        hearing.hear(number)
    assert (hearing.doubled, hearing.lost(5)) == (2, 2)


def test_the_table_has_rate_and_times():
    head, row, memory = rows([figures(lost=0, doubled=2)], Memory(50_000_000, 51_024_000, 100))
    assert head.split() == ["a", "second", "p50", "p99", "p99.9", "lost", "doubled"]
    assert row.split() == ["steady", "100", "500", "ms", "990", "ms", "999", "ms", "0", "2"]
    assert "10.0 KiB" in memory
    assert memory.endswith("all 51 MB")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0004, "0.4 ms"), (0.0523, "52.3 ms"), (0.4567, "457 ms"), (2, "2.00 s")],
)
def test_durations(seconds, shown):
    assert duration(seconds) == shown


def test_a_loss_is_said_first():
    said = list(words([figures(lost=1, doubled=3)], None, "full"))
    assert said[0] == "Not good: messages lost: 1, come twice: 3."
    assert not any(line.startswith("Good") for line in said)


@pytest.mark.parametrize(
    ("durability", "said"),
    [
        ("full", "was on the disk before"),
        ("relaxed", "lost in a power cut"),
        (None, "keys with the permission status, or by -c FILE"),
    ],
)
def test_durability_is_said_or_who_is_told_it(durability, said):
    good, line = words([figures(lost=0, doubled=0)], None, durability)
    assert good.startswith("Good")
    assert said in line


@pytest.mark.parametrize(
    ("slowest", "said"), [(0.01, "it is quick"), (0.1, "it is usable"), (0.5, "it is slow")]
)
def test_a_pace_that_is_kept(slowest, said):
    line = list(words([figures(times=[slowest], offered=100.0)], None, None))[1]
    assert said in line
    assert duration(slowest) in line


def test_a_pace_that_is_not_kept():
    line = list(words([figures(rate=80.0, offered=100.0)], None, None))[1]
    assert line == "It cannot keep up with 100 messages a second: 80 came."


def test_a_pace_that_the_server_forbids_is_not_its_fault():
    said = list(words([figures(rate=80.0, offered=100.0, held=0.9)], None, None))
    assert said[1].startswith("limits.frames_per_second let only 80 of 100 messages a second be")
    assert len(said) == 3


@pytest.mark.parametrize(
    ("what", "said"), [({"busy": 0.97}, "The bench itself"), ({"held": 0.8}, "limits.frames_per")]
)
def test_what_was_slower_than_the_server_is_said(what, said):
    found = [figures(), figures(name="fast", **what), figures(name="more", **what)]
    line = list(words(found, None, None))[-1]
    assert line.startswith(said)
    assert line.endswith(": fast, more. The server can do more than that.")
    assert len(list(words([figures(busy=0.5, held=0.3)], None, None))) == 2


def test_memory_that_was_there_before_is_not_taken_for_none():
    seen, not_seen = Memory(10_000_000, 11_000_000, 100), Memory(10_000_000, 10_000_000, 100)
    assert len(list(words([figures()], seen, None))) == 2
    assert "memory left from before" in list(words([figures()], not_seen, None))[-1]


def test_whoever_listens_on_a_port_of_this_machine_is_found():
    with socket.create_server(("127.0.0.1", 0)) as here:
        port = here.getsockname()[1]
        assert listener(port) == os.getpid()
    assert listener(port) is None


def test_a_server_of_our_own_is_as_durable_as_the_configured_one():
    key = "k" * 20
    config = build(tomllib.loads(tables("relaxed", [key])))
    assert config.store.durability == "relaxed"
    assert [user.api_key for user in config.users] == [key]
    assert (config.limits.frames_per_second, config.limits.sockets_per_user) == (0, 0)


@pytest.mark.parametrize("url", ["chat.example", "ws://chat.example", "http://", ""])
def test_what_is_no_url(url):
    with pytest.raises(SetupError, match="not http:// or https:// and a host"):
        checked(url)


def test_an_address_has_no_slash_at_its_end():
    assert checked("https://chat.example/") == "https://chat.example"
