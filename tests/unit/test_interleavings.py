"""Whatever comes between: each reader gets each message once, in order, or is told that it cannot.

Steps are drawn; `support.story` has the words, `support.core` says how their order is kept,
`support.devices.Reader` holds the property.
"""

import asyncio
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from support.story import Story
from tornado_chat.catch_up import CatchUp
from tornado_chat.hub import Hub
from tornado_chat.messages import Message
from tornado_chat.session import Subscription
from tornado_chat.store.database import SYNCHRONOUS

SMALL = {"hub.SLICE": 1, "hub.PENDING": 1, "hub.WAITING": 4, "catch_up.PAGE": 2,
         "catch_up.HEAL_PAGE": 2}  # fmt: skip
WORDS = {
    "nothing": 12, "turn": 12, "hurry": 8, "publish": 12, "notify": 4, "commit": 8, "read": 10, "look": 4,
    "fail": 1, "subscribe": 10, "drop": 1, "stall": 4, "accept": 6, "flow": 2, "hold": 2, "ring": 4,
    "lose": 1, "join": 2, "leave": 1, "revoke": 1, "prune": 2, "wait": 1, "restart": 1, "backup": 1,
    "restore": 1,
}  # fmt: skip
# What was found once and must not come again.
FOUND = {
    "who joins between a commit and its healing is not given it": [
        ("publish", 0, 0), ("turn", 1, 0), ("hurry", 0, 0), ("turn", 0, 0), ("commit", 0, 0),
        ("subscribe", 2, 3), ("hold", 0, 0), ("turn", 0, 0), ("join", 2, 0),
    ],
    "a retry of what was thrown away since does not bring it to life": [
        ("publish", 0, 0), ("turn", 1, 0), ("hurry", 1, 0), ("commit", 0, 0), ("restart", 1, 0),
        ("prune", 0, 0), ("commit", 0, 0), ("publish", 0, 0),
    ],
}  # fmt: skip
EXAMPLES = int(os.environ.get("INTERLEAVINGS", "100"))

word = st.sampled_from([each for each, weight in WORDS.items() for _ in range(weight)])
step = st.tuples(word, st.integers(0, 5), st.integers(0, 11))
steps = st.lists(step, min_size=60, max_size=90).map(
    lambda drawn: [each for each in drawn if each[0] != "nothing"]
)


def tell(drawn, **broken):
    """`broken`: methods in place of the real ones, by their name below `tornado_chat`."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        for name, value in {**SMALL, **broken}.items():
            patch.setattr(f"tornado_chat.{name}", value)
        patch.setitem(SYNCHRONOUS, "relaxed", 0)  # no power is cut here
        story = Story(Path(folder))
        try:
            story.play(drawn)
            story.settle()
            return story
        finally:
            story.close()


@pytest.mark.parametrize("found", FOUND.values(), ids=FOUND)
def test_found_once(found):
    tell(found)


@given(steps)
@settings(max_examples=EXAMPLES, derandomize=True)
def test_each_message_once_in_order_or_told(drawn):
    tell(drawn)


# Rule 2: only the direct successor is delivered.


def advance_over_holes(hub, messages, *, from_log=False):
    advance(hub, messages, from_log=True)


# Rule 3: live only in the turn in which its position is the mark.


def live_without_what_was_kept(catch_up, subscription):
    subscription.pending, subscription.live = None, True


def live_after_a_turn(catch_up, subscription):
    kept, subscription.pending, subscription.held = subscription.pending, None, True

    def later():
        subscription.pending, subscription.held = kept, False
        go_live(catch_up, subscription)
        catch_up.start(subscription.session)

    asyncio.get_running_loop().call_soon(later)


def live_one_too_early(catch_up, session):
    for subscription in session.subscriptions.values():
        if not subscription.held and subscription.position >= catch_up.hub.mark - 1:
            subscription.pending, subscription.live = None, True
    start(catch_up, session)


def keep_what_fits(subscription, message, bound):
    if subscription.pending is not None:
        subscription.pending = [*subscription.pending, message][:bound]


# Rule 3: a full outbox puts a session behind.


def drop_what_does_not_fit(hub, subscription, message, check):
    deliver(hub, subscription, message, check)
    subscription.position, subscription.live = message.offset, True
    return True


def fall_behind_after_it(subscription, position):
    fall_behind(subscription, position + 1)


def hand_without_a_look_at_the_position(hub, subscription):
    if subscription.live and not subscription.ended and isinstance(hub._current, Message):
        hub.deliver(subscription, hub._current, hub._check)
    else:
        hand(hub, subscription)


advance, deliver, hand = Hub.advance, Hub.deliver, Hub._hand
go_live, start = CatchUp._go_live, CatchUp.start
fall_behind = Subscription.fall_behind
BROKEN = {
    "hub.Hub.advance": [advance_over_holes],
    "catch_up.CatchUp._go_live": [live_without_what_was_kept, live_after_a_turn],
    "catch_up.CatchUp.start": [live_one_too_early],
    "session.Subscription.keep": [keep_what_fits],
    "session.Subscription.fall_behind": [fall_behind_after_it],
    "hub.Hub.deliver": [drop_what_does_not_fit],
    "hub.Hub._hand": [hand_without_a_look_at_the_position],
}


@pytest.mark.parametrize(
    ("name", "method"),
    [
        pytest.param(name, each, id=each.__name__)
        for name, methods in BROKEN.items()
        for each in methods
    ],
)
def test_breaking_a_rule_is_found(name, method):
    @given(steps)
    @settings(
        max_examples=400,
        derandomize=True,
        phases=[Phase.generate],
        database=None,
        report_multiple_bugs=False,
    )
    def search(drawn):
        tell(drawn, **{name: method})

    with pytest.raises(AssertionError):
        search()
