"""Whatever comes between: each reader gets each message once, in order, or is told that it cannot.

Steps are drawn; `support.story` has the words, `support.core` says how their order is kept,
`support.devices.Reader` holds the property.
"""

import contextlib
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.story import Story
from tornado_chat.store.database import SYNCHRONOUS

SMALL = {"hub.SLICE": 2, "hub.PENDING": 2, "hub.WAITING": 4, "catch_up.PAGE": 2,
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


@contextlib.contextmanager
def small():
    """Pages, slices and what is kept are short, so that few steps reach every end of them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SMALL.items():
            patch.setattr(f"tornado_chat.{name}", value)
        patch.setitem(SYNCHRONOUS, "relaxed", 0)
        yield


def tell(drawn, **parts):
    with small(), tempfile.TemporaryDirectory() as folder:
        story = Story(Path(folder), parts)
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
