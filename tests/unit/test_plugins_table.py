"""The table of `tornado-chat plugins`: what stands out, and how times are written."""

import click
import pytest
from click.testing import CliRunner

from tornado_chat.cli_plugins import duration, show_calls
from tornado_chat.cli_running import Running

GOOD = {
    "count": 3,
    "failures": 0,
    "seconds": 0.012,
    "longest": 0.009,
    "held": 0,
    "set_aside": False,
}
PLUGIN = {"lost_events": 0, "waiting_events": 0, "delayed_writes": 0, "waiting_writes": 0}


def table(*, color=False, **health):
    @click.command()
    def shown():
        show_calls(Running("http://127.0.0.1:8080", tuple(health), health))

    return CliRunner().invoke(shown, color=color).output.splitlines()[2:]


def test_what_fails_is_set_aside_or_loses_stands_out():
    calls = {
        "topic.receive": {**GOOD, "failures": 1},
        "topic.authorize": GOOD,
        "message_published": {**GOOD, "set_aside": True},
        "filter_message": {**GOOD, "count": 0},
    }
    lines = table(
        board={**PLUGIN, "calls": calls, "lost_events": 7},
        notes={**PLUGIN, "calls": {"route": {**GOOD, "held": 2}}, "waiting_writes": 5},
    )
    assert lines == [
        "  plugin  hook               calls  failures     time  slowest  held",
        "! board   message_published      3         0  12.0 ms   9.0 ms     0  set aside",
        "  board   topic.authorize        3         0  12.0 ms   9.0 ms     0",
        "! board   topic.receive          3         1  12.0 ms   9.0 ms     0",
        "! board   events                                                      7 lost",
        "  notes   route                  3         0  12.0 ms   9.0 ms     2",
        "  notes   writes                                                      5 wait",
    ]


def test_on_a_terminal_that_is_red():
    failing = {**PLUGIN, "calls": {"route": {**GOOD, "failures": 1}}}
    head, line = table(color=True, board=failing)
    assert "\x1b" not in head
    assert line.startswith("\x1b[31m\x1b[1m! board")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0, "0 µs"), (0.000042, "42 µs"), (0.0042, "4.2 ms"), (0.25, "250.0 ms"), (61, "61.0 s")],
)
def test_times_are_in_the_unit_that_suits_them(seconds, shown):
    assert duration(seconds) == shown
