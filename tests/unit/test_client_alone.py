"""The client stands alone: it needs `websockets`, and nothing of the server's."""

import dataclasses
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado_chat import client
from tornado_chat.client import ChatError, Closed, Message, Position, QueueFull, Unauthorized

IMPORT = """
import sys
import tornado_chat.client
print(*sorted(sys.modules))
"""


def test_importing_it_imports_nothing_of_the_servers():
    out = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
    loaded = set(out.stdout.split())
    ours = {name for name in loaded if name.startswith("tornado_chat.")}
    assert "tornado_chat.client.chat" in ours
    assert all(name.startswith("tornado_chat.client") for name in ours), ours
    servers = {"tornado", "peewee", "marshmallow", "pluggy", "click", "orjson", "argon2"}
    assert not loaded & servers


def test_what_is_public_is_there_and_what_is_given_out_is_frozen():
    assert sorted(client.__all__) == client.__all__
    for name in client.__all__:
        assert getattr(client, name).__module__.startswith("tornado_chat.client")
    for value in (client.Message, client.Position, client.Sent, client.Page, client.Signal):
        assert value.__dataclass_params__.frozen
    with pytest.raises(dataclasses.FrozenInstanceError):
        Position("a", 1).offset = 2


def test_every_error_is_a_chat_error_with_code_and_message():
    for error, code in [
        (ChatError("denied", "no"), "denied"),
        (Closed("no"), "closed"),
        (QueueFull("no"), "queue_full"),
        (Unauthorized("no"), "unauthorized"),
    ]:
        assert isinstance(error, ChatError)
        assert (error.code, error.message, str(error)) == (code, "no", "no")


@given(epoch=st.text(min_size=1), offset=st.integers(0, 2**63))
def test_a_position_comes_back_from_its_text(epoch, offset):
    assert Position.parse(str(Position(epoch, offset))) == Position(epoch, offset)


@pytest.mark.parametrize("text", ["", "b7", ":1", "b7:", "b7:-1", "b7:x"])
def test_what_is_no_position(text):
    with pytest.raises(ValueError, match="not a position"):
        Position.parse(text)


def test_what_a_later_version_adds_is_passed_over():
    body = {
        "topic": "room:1", "epoch": "b7", "offset": 4, "id": "100004", "sender": None,
        "sender_name": None, "at": "2026-11-22T10:00:00.123Z", "data": {}, "new": 1,
    }  # fmt: skip
    message = Message.read(body)
    assert message.position == Position("b7", 4)
    assert message.at.isoformat() == "2026-11-22T10:00:00.123000+00:00"
