"""What the bytes of a client mean: the same whatever pieces they come in, and checked."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado_chat.web.frames import (
    BINARY,
    CLOSE,
    NOT_UTF8,
    PING,
    PONG,
    PROTOCOL_ERROR,
    TEXT,
    TOO_BIG,
    BadFrame,
    Frames,
    close_code,
    unmasked,
)

FIN = 0x80
MOST = 100_000


def framed(first, payload, mask=b"abcd", *, masked=True):
    """A frame as RFC 6455 5.2 draws it."""
    size, bit = len(payload), 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", first, bit | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    if not masked:
        return head + payload
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


def read(frames, *pieces):
    found = []
    for piece in pieces:
        frames.feed(piece)
        while (frame := frames.next()) is not None:
            found.append(frame)
    return found


def broken(*pieces):
    with pytest.raises(BadFrame) as caught:
        read(Frames(MOST), *pieces)
    return caught.value.code


payloads = st.binary(max_size=300) | st.binary(min_size=65_530, max_size=65_540)
messages = st.tuples(st.sampled_from([TEXT, BINARY]), payloads, st.integers(1, 4))
controls = st.tuples(st.sampled_from([PING, PONG, CLOSE]), st.binary(max_size=125), st.just(1))


@given(
    st.lists(messages | controls, max_size=6),
    st.lists(st.integers(1, 400), max_size=40),
    st.binary(min_size=4, max_size=4),
)
def test_the_same_whatever_pieces_it_comes_in(sent, cuts, mask):
    """Messages in fragments, with a ping between them, cut anywhere."""
    wire, expected = b"", []
    for opcode, payload, parts in sent:
        step = len(payload) // parts + 1
        pieces = [payload[at : at + step] for at in range(0, len(payload), step)] or [b""]
        for place, piece in enumerate(pieces):
            last = place == len(pieces) - 1
            wire += framed((FIN if last else 0) | (opcode if not place else 0), piece, mask)
            if not last:
                wire += framed(FIN | PING, b"between", mask)
                expected.append((PING, b"between"))
        expected.append((opcode, payload))
    pieces = []
    for cut in cuts:
        pieces.append(wire[:cut])
        wire = wire[cut:]
    assert read(Frames(MOST), *pieces, wire) == expected


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 125, 126, 127, 65535, 65536])
def test_every_length_has_its_head(size):
    payload = b"x" * size
    assert read(Frames(MOST), framed(FIN | TEXT, payload)) == [(TEXT, payload)]
    assert unmasked(b"\0\0\0\0", payload) == payload


@pytest.mark.parametrize(
    "wire",
    [
        framed(FIN | TEXT, b"hi", masked=False),
        framed(FIN | 0x40 | TEXT, b"hi"),
        framed(FIN | 0x3, b""),
        framed(FIN | 0xB, b""),
        framed(PING, b""),
        framed(FIN | PING, b"x" * 126),
        framed(FIN, b"goes on with nothing"),
        framed(TEXT, b"a") + framed(FIN | TEXT, b"b"),
    ],
)
def test_what_no_client_may_send(wire):
    assert broken(wire) == PROTOCOL_ERROR


def test_too_big_is_known_from_the_head_alone_also_of_fragments():
    assert broken(framed(FIN | TEXT, b"x" * (MOST + 1))[:10]) == TOO_BIG
    half = b"x" * (MOST // 2)
    assert read(Frames(MOST), framed(TEXT, half), framed(FIN, half)) == [(TEXT, half * 2)]
    assert broken(framed(TEXT, half), framed(0, half), framed(FIN, b"x")) == TOO_BIG
    assert NOT_UTF8 not in {PROTOCOL_ERROR, TOO_BIG}


def test_a_ping_amid_fragments_is_no_part_of_them():
    half = b"x" * (MOST // 2)
    sent = framed(TEXT, half), framed(0, half), framed(FIN | PING, b"p"), framed(FIN, b"")
    assert read(Frames(MOST), *sent) == [(PING, b"p"), (TEXT, half * 2)]


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1011, 1014, 3000, 4999])
def test_goodbyes_that_a_peer_may_say(code):
    assert close_code(struct.pack("!H", code) + "adé".encode()) == code
    assert close_code(b"") is None


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])
def test_goodbyes_that_no_peer_may_say(code):
    with pytest.raises(BadFrame) as caught:
        close_code(struct.pack("!H", code))
    assert caught.value.code == PROTOCOL_ERROR


def test_what_is_idle_keeps_nothing():
    frames = Frames(MOST)
    read(frames, framed(TEXT, b"x" * 1000), framed(FIN, b"x" * 1000), framed(FIN | TEXT, b"y"))
    assert not frames._data
    assert frames._parts is None
