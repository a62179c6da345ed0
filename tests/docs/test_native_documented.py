"""docs/reference/native.md: its frames are those of the server, and every command has its heading."""

import re
from pathlib import Path

from support.server import key_of, running_server, users
from support.transcript import play, transcripts
from tornado_chat import commands

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "native.md").read_text()
PEOPLE = [
    {**user, "user_id": number} if user["user_id"] == old else user
    for user in users()
    for old, number in [("u-ann", "100021")]
]


async def test_the_frames(tmp_path, logs):
    async with running_server({"users": PEOPLE}, folder=tmp_path) as site:
        await site.fetch("POST", "/plugins/chat_rooms/rooms", {"members": ["u-bob"]}, name="ann")
        async with site.open("/ws") as socket:
            for transcript in transcripts(TEXT):
                await play(socket, transcript, key_of("ann"))
    assert not logs.unexpected()


def test_every_command_has_a_heading():
    assert sorted(re.findall(r"^### (\w+)$", TEXT, re.MULTILINE)) == sorted(commands.TABLE)
