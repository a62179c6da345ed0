"""docs/tutorial/01-first-look.md: its commands are carried out, and answer as the page shows.

Values differ from day to day, so what is compared is the shape: words, keys, kinds of values.
"""

import asyncio
import contextlib
import json
import os
import re
import shlex
import signal
from pathlib import Path

import pytest
from tornado.httpclient import AsyncHTTPClient

from support.process import COMMAND, run

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "01-first-look.md"
BLOCKS = re.findall(r"^```console\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
STEPS = [
    (step.splitlines()[0], step.splitlines()[1:])
    for block in BLOCKS
    for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
]
MASKS = [
    (r"http://127\.0\.0\.1:\d+", "URL"),
    (r"(?<![\w-])[\w-]{40}(?![\w-])", "KEY"),  # it may begin with a dash
    (r"\S*bin/tornado-chat", "tornado-chat"),
    (r"\bu[0-9a-f]{12}\b|\b\d{6}\b", "ID"),
]


def masked(lines):
    text = "\n".join(lines).strip()
    for pattern, word in MASKS:
        text = re.sub(pattern, word, text)
    return text


def shape(value):
    """The keys of objects, the shape of the first of a list, the kind of anything else."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def heard(line):
    """A line of `listen`: topic, and the shape of its data."""
    at, topic, _who, data = line.split("  ", 3)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", at)
    return topic, json.dumps(shape(json.loads(data)))


class Walk:
    """Somebody at the terminal."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None
        self.url = self.key = ""

    async def demo(self, shown):
        """make demo"""
        await self.stop()
        self.process = await asyncio.create_subprocess_exec(
            COMMAND, "demo", "--port", "0", stdout=asyncio.subprocess.PIPE, cwd=self.folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        lines = []
        while not lines or "begin anew" not in lines[-1]:
            lines.append((await asyncio.wait_for(self.process.stdout.readline(), 30)).decode())
            assert lines[-1], lines
        said = [line.rstrip("\n") for line in lines]
        self.url = said[0].rpartition(" ")[2]
        key = re.search(r"^ +ann@.* (\S+)$", "\n".join(said), re.MULTILINE)[1]
        assert key == (self.key or key)
        self.key = key
        if shown:
            assert masked(said) == masked(shown[2:])  # the first two are of make

    async def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            assert await asyncio.wait_for(self.process.wait(), 20) == 0

    async def command(self, typed, shown):
        *before, line = typed.replace(".venv/bin/tornado-chat", "tornado-chat").split(" | ")
        line = re.sub(r"http://127\.0\.0\.1:8080", self.url, line)
        line = re.sub(r"--key \S+", f"--key={self.key}", line)
        stdin = before[0].removeprefix("echo ") + "\n" if before else ""
        status, out, err = await run(*shlex.split(line)[1:], stdin=stdin, cwd=self.folder)
        assert status == 0, err
        assert masked(out.splitlines()) == masked(shown)

    async def listen(self, typed, shown):
        topics = [word for word in typed.split() if ":" in word and "//" not in word]
        _, out, _ = await run("listen", self.url, *topics, "--key", self.key, "--count", 2)
        said, found = out.splitlines(), len(topics)
        assert said[:found] == shown[:found]
        assert {heard(line) for line in said[found:]} <= {heard(line) for line in shown[found:]}

    async def curl(self, typed, shown):
        words = shlex.split(typed.replace("$KEY", self.key))
        headers, body, url = {}, None, None
        for option, value in zip(words, [*words[1:], ""], strict=True):
            if option == "-H":
                name, _, said = value.partition(": ")
                headers[name] = said
            elif option == "-d":
                body = value
                headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
            elif option.startswith("http://"):
                url = self.url + re.sub(r"^http://[^/]+", "", option)
        answer = await AsyncHTTPClient().fetch(
            url, method="GET" if body is None else "POST", headers=headers, body=body,
            raise_error=False,
        )  # fmt: skip
        expected, found = json.loads("".join(shown).replace(", …]", "]")), json.loads(answer.body)
        for room in (expected.get("room", {}), found.get("room", {})):
            room.pop("last_message", None)  # there may be none yet: a test is quicker than a reader
        assert shape(found) == shape(expected)


@pytest.fixture
async def walk(tmp_path):
    walk = Walk(tmp_path)
    yield walk
    with contextlib.suppress(ProcessLookupError):
        await walk.stop()


async def test_every_step_answers_as_shown(walk):
    for typed, shown in STEPS:
        if typed == "make demo":
            await walk.demo(shown)
        elif typed.startswith("curl "):
            await walk.curl(typed, shown)
        elif " listen " in typed:
            await walk.listen(typed, shown)
        elif "tornado-chat" in typed:
            await walk.command(typed, shown)
        else:
            assert typed == "make test" or typed.startswith("KEY=")
