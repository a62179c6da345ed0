"""How long the client stays away: jitter over all of the pause, growing, bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado_chat.client.backoff import Backoff

SECONDS = st.floats(0.01, 100)


@given(base=SECONDS, cap=SECONDS, seed=st.integers(), row=st.integers(1, 60))
def test_a_pause_is_within_its_bound(base, cap, seed, row):
    backoff = Backoff(base, cap, seed=seed)
    for number in range(row):
        assert 0 <= backoff.pause() <= min(cap, base * 2**number)


def test_the_jitter_is_full_and_the_pauses_grow():
    rows = [Backoff(0.5, 30, seed=seed) for seed in range(2000)]
    for most in (0.5, 1, 2, 4, 8, 16, 30, 30):
        pauses = sorted(backoff.pause() for backoff in rows)
        assert pauses[0] < 0.01 * most
        assert pauses[-1] > 0.99 * most
        assert pauses[1000] == pytest.approx(most / 2, rel=0.1)


def test_thousands_in_a_row_are_no_overflow():
    backoff = Backoff(0.5, 30, seed=1)
    assert all(backoff.pause() <= 30 for _ in range(5000))


@given(seconds=st.floats(0, 9.99), seed=st.integers())
def test_only_a_connection_that_lasted_begins_the_row_anew(seconds, seed):
    backoff, twin = Backoff(1, 1000, stable=10, seed=seed), Backoff(1, 1000, seed=seed)
    for _ in range(9):
        backoff.pause()
        twin.pause()
    backoff.lasted(seconds)
    assert backoff.pause() == twin.pause()
    backoff.lasted(10)
    assert backoff.pause() <= 1


@given(first=SECONDS, more=SECONDS, seed=st.integers())
def test_what_the_server_asks_for_goes_before_our_own_idea(first, more, seed):
    window = (first, first + more)
    assert first <= Backoff(0.001, 0.001, seed=seed).pause(window) <= first + more + 1e-9


def test_who_is_told_when_and_finds_nobody_does_not_hurry():
    backoff = Backoff(1, 1000, seed=3)
    for _ in range(10):
        backoff.pause((0.1, 0.2))
    assert max(backoff.pause() for _ in range(5)) > 100
