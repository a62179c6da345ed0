"""docs/how-to/write-a-plugin.md: its code runs, and what it says of a command in a room is so."""

import asyncio
import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "write-a-plugin.md").read_text()
PLUGIN, TEST = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

ROLL = """
from dataclasses import replace
from tornado_chat import Consumer, Denied, hookimpl

api = 1


@hookimpl
def filter_message(message):
    if message.topic.kind != "room":
        return None
    said = message.data["content"]
    if "darn" in said:
        raise Denied("mind your words")
    if said.startswith("/shout "):
        return replace(message, data={"content": said[7:].upper()})


def roll(tx, message):
    if message.sender and message.data["content"] == "/roll":
        tx.publish(message.topic, {"content": f"{message.sender_name} rolls a 4"})
        tx.tell(message.topic, "roll", {"rolled": 4}, message.sender)


@hookimpl
def register_consumers():
    return [Consumer("roll", write=roll, kinds=["room"])]
"""


async def test_the_test_it_shows_passes(chat_server):
    names = {}
    exec(TEST, names)
    await names["test_what_is_said_in_a_room_arrives"](chat_server)


async def test_what_goes_on_ticks_until_the_server_stops(chat_server, tmp_path):
    (tmp_path / "clock.py").write_text(PLUGIN)
    board = Path(__file__).parents[2] / "docs" / "examples" / "board" / "plugins" / "board.py"
    async with chat_server(plugins=[tmp_path / "clock.py", board]) as chat:
        ann = await chat.connect("ann")
        await ann.ok("subscribe", topic="board:lobby")
        assert (await ann.signal())["name"] == "tick"


async def test_a_command_in_a_room(chat_server, tmp_path):
    (tmp_path / "roll.py").write_text(ROLL)
    async with chat_server(plugins=[tmp_path / "roll.py", "chat_rooms"]) as chat:
        made = await chat.rest("ann").post("/plugins/chat_rooms/rooms", {"members": ["u-bob"]})
        room = made.json["room"]["topic"]
        ann, bob = await asyncio.gather(chat.connect("ann"), chat.connect("bob"))
        await bob.ok("subscribe", topic=room)
        await ann.ok("publish", topic=room, data={"content": "/shout hello"})
        assert (await bob.push())["data"] == {"content": "HELLO"}
        refused = await ann.do("publish", topic=room, data={"content": "darn"})
        assert refused["error"] == {"code": "denied", "message": "mind your words"}
        await ann.ok("publish", topic=room, data={"content": "/roll"})
        said = [
            (push["sender"], push["data"]["content"])
            for push in [await bob.push(), await bob.push()]
        ]
        assert said == [("u-ann", "/roll"), (None, "Ann Maas rolls a 4")]
        assert (await ann.signal())["data"] == {"rolled": 4}  # his own, and subscribed nothing
        await bob.quiet()
