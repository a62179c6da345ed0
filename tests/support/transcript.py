"""The frames of a page of the documentation, played against a real server.

A transcript is a block of lines `-> FRAME` and `<- FRAME`; `…` stands for anything, as a value,
or for what follows inside {} and []. What no page can know is not compared: see `VOLATILE`.
"""

import asyncio
import json
import re

TRANSCRIPT = re.compile(r"```text\n((?:(?:->|<-) [^\n]*\n)+)```")
VOLATILE = ("at", "epoch", "key_ttl")
ANY = "…"


def transcripts(text):
    """The blocks of a page, each a list of (arrow, frame)."""
    return [
        [(line[:2], parsed(line[3:])) for line in block.splitlines()]
        for block in TRANSCRIPT.findall(text)
    ]


def parsed(frame):
    return json.loads(frame.replace("{…}", '"…"').replace("[…]", '"…"'))


def assert_alike(expected, found, path="frame"):
    if expected == ANY:
        return
    if isinstance(expected, dict):
        assert isinstance(found, dict), f"{path}: {found!r}"
        assert list(expected) == list(found), f"{path}: {list(found)}"
        for key, value in expected.items():
            if key not in VOLATILE:
                assert_alike(value, found[key], f"{path}.{key}")
    elif isinstance(expected, list):
        assert isinstance(found, list), f"{path}: {found!r}"
        assert len(expected) == len(found), f"{path}: {found!r}"
        for index, (each, other) in enumerate(zip(expected, found, strict=True)):
            assert_alike(each, other, f"{path}[{index}]")
    else:
        assert expected == found, path


async def play(socket, transcript, key=None):
    """`key`: takes the place of the `…` of an auth frame."""
    for arrow, frame in transcript:
        if arrow == "->":
            if frame.get("do") == "auth" and key is not None:
                frame = {**frame, "key": key}
            await socket.send(json.dumps(frame))
        else:
            found = json.loads(await asyncio.wait_for(socket.recv(), 5))
            assert_alike(frame, found, json.dumps(frame)[:60])
