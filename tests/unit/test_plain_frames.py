"""The hand-made checks of hot frames beside their schemas: what they let pass, the schema loads as
it is. What they do not let pass is the schema's, result and error alike."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from tornado_chat import protocol
from tornado_chat.commands import TABLE, Commands
from tornado_chat.errors import BadRequest
from tornado_chat.topics import first_fault

HOT = ["publish", "signal", "seen", "ping"]
PLAIN = {
    "publish": {"id": 1, "do": "publish", "topic": "room:1", "data": {"content": "hello"}},
    "signal": {"id": "a", "do": "signal", "topic": "room:1", "name": "typing", "data": {}},
    "seen": {"id": 2, "do": "seen", "topic": "room:1", "offset": 7},
    "ping": {"id": 3, "do": "ping"},
}

EDGES = [
    *("x" * size for size in (0, 1, 64, 65, 128, 129)),
    *(-1, 0, 1, 2**63 - 1, 2**63, 1.5, True, None),
    *([], {}, {"content": None}),
]
MEMBERS = ["id", "topic", "data", "key", "name", "offset", "more", ""]
MISSING = object()


def changed(word, changes):
    """A frame that is right but for these members, as it is read from the wire."""
    frame = {**PLAIN[word], **dict(changes)}
    kept = {name: value for name, value in frame.items() if value is not MISSING}
    return protocol.decode(json.dumps(kept), 0)


def by_the_schema(command, frame):
    try:
        return command.schema.load(frame)
    except ValidationError as error:
        return first_fault(error.messages)


def by_the_house(command, frame):
    try:
        return Commands._load(command, frame)
    except BadRequest as error:
        return error.message


def check(word, frame):
    command = TABLE[word]
    loaded = by_the_schema(command, frame)
    assert by_the_house(command, frame) == loaded
    if command.is_plain(frame):
        types = {name: type(each) for name, each in frame.items()}
        assert {name: type(each) for name, each in loaded.items()} == types


@pytest.mark.parametrize("word", HOT)
def test_what_passes_by_hand_is_loaded_as_it_is(word):
    for member in MEMBERS:
        for edge in [*EDGES, MISSING]:
            check(word, changed(word, [(member, edge)]))


ONES = st.tuples(
    st.sampled_from(MEMBERS),
    st.sampled_from([*EDGES, MISSING]) | st.text() | st.integers() | st.lists(st.none()),
)


@given(st.sampled_from(HOT), st.lists(ONES, min_size=2, max_size=4))
@settings(max_examples=200)
def test_whatever_comes_together(word, changes):
    check(word, changed(word, changes))


@pytest.mark.parametrize("word", HOT)
def test_a_frame_as_clients_make_it_passes_by_hand(word):
    assert TABLE[word].is_plain(PLAIN[word])
    if word == "publish":
        assert TABLE[word].is_plain({**PLAIN[word], "key": "7f3a"})


@pytest.mark.parametrize("word", sorted(TABLE.keys() - set(HOT)))
def test_all_others_are_their_schemas(word):
    assert not TABLE[word].is_plain({"id": 1, "do": word})
