"""Bytes to commands and back; frames as RFC 6455 has them."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado_chat import protocol
from tornado_chat.errors import BadRequest, ChatError, Denied, TooLarge
from tornado_chat.messages import EVERYONE, MEMBERS, Audience, Identity, Message, Topic, offset_of


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70000])
def test_a_frame_is_what_a_strict_peer_reads(size):
    from websockets.frames import Frame, Opcode
    from websockets.streams import StreamReader

    reader = StreamReader()
    payload = b"x" * size
    reader.feed_data(protocol.text_frame(payload) + protocol.ping_frame(7))

    def read():
        return (yield from Frame.parse(reader.read_exact, mask=False))

    def run(parser):
        with pytest.raises(StopIteration) as done:
            next(parser)
        return done.value.value

    first, second = run(read()), run(read())
    assert (first.opcode, first.fin, bytes(first.data)) == (Opcode.TEXT, True, payload)
    assert (second.opcode, bytes(second.data)) == (Opcode.PING, b"7")


@given(st.text())
def test_decoding_never_raises_anything_but_errors_of_the_house(text):
    with contextlib.suppress(ChatError):
        assert isinstance(protocol.decode(text, 8), dict)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def depth(value):
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


@given(st.dictionaries(st.text(), json_values), st.integers(1, 5))
def test_depth_is_counted_as_one_would(data, allowed):
    text = json.dumps(data)
    if depth(data) <= allowed:
        assert protocol.decode(text, allowed) == data
    else:
        with pytest.raises(TooLarge):
            protocol.decode(text, allowed)


def test_a_message_as_it_is_pushed():
    message = Message(42, "b7", Topic("SHOP", "room", "100205"), 3, 1795341600123, {"content": "é"})
    assert json.loads(protocol.push(message)) == {
        "push": {
            "topic": "room:100205",
            "epoch": "b7",
            "offset": 42,
            "id": "100042",
            "sender": None,
            "sender_name": None,
            "at": "2026-11-22T10:00:00.123Z",
            "data": {"content": "é"},
        }
    }


def test_an_error_names_its_code():
    assert json.loads(protocol.error(6, Denied("publish room:1: not a member"))) == {
        "id": 6,
        "error": {"code": "denied", "message": "publish room:1: not a member"},
    }


@given(
    st.booleans(),
    st.frozensets(st.from_regex(r"[a-z:]{1,9}", fullmatch=True)),
    st.frozensets(st.from_regex(r"[a-z:]{1,9}", fullmatch=True)),
)
def test_an_audience_survives_the_log(everyone, groups, users):
    audience = Audience(everyone=everyone, groups=groups, users=users)
    assert Audience.from_text(audience.text()) == audience
    assert Audience.from_text(MEMBERS.text()) == MEMBERS


@pytest.mark.parametrize(
    "odd",
    [
        {"members": True, "users": frozenset({"ann"})},
        {"members": True, "groups": frozenset({"staff"})},
        {"members": True, "everyone": True},
        {"users": frozenset({"ann\nu:bob"})},
        {"groups": frozenset({"g\x1f"})},
        {"users": frozenset({"\ud800"})},
    ],
)
def test_an_audience_that_the_log_could_not_keep_is_refused(odd):
    with pytest.raises(ValueError, match="audience: "):
        Audience(**odd)


def test_nobody_is_nobody():
    nobody = Audience.from_text(Audience().text())
    assert nobody == Audience() != MEMBERS
    assert not nobody.includes(Identity("ann", "SHOP", "Ann", groups=frozenset({"staff"})))


def test_audiences_name_people():
    ann = Identity("ann", "SHOP", "Ann", groups=frozenset({"staff"}))
    assert EVERYONE.includes(ann)
    assert MEMBERS.includes(ann)
    assert Audience(users=frozenset({"ann"})).includes(ann)
    assert Audience(groups=frozenset({"staff", "x"})).includes(ann)
    assert not Audience(users=frozenset({"bob"}), groups=frozenset({"x"})).includes(ann)


@pytest.mark.parametrize(
    "name", ["", " ", "mine", None, 5, "a" * 129, "a\nb", ":", "room:", ":1", "a\x00b"]
)
def test_what_is_no_topic(name):
    with pytest.raises(BadRequest):
        Topic.parse("SHOP", name)


def test_an_absent_tenant_names_nothing():
    with pytest.raises(BadRequest):
        Topic.parse(None, "room:1")
    assert Topic.parse("SHOP", "room:1") != Topic.parse("OTHER", "room:1")
    assert Topic.parse("SHOP", "room:1").name == "room:1"
    assert Topic.parse("SHOP", "OrderUpdate").name == "OrderUpdate"


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("100042", 42),
        ("100000", None),
        ("5", None),
        ("abc", None),
        ("", None),
        ("1" * 30, None),
        ("²", None),
    ],
)
def test_public_ids(text, offset):
    assert offset_of(text) == offset
