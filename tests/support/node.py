"""Node, driven line by line: the JavaScript client as a program uses it.

    async with node() as js:
        await js("it.chat = open(url, key)", url=site.url(""), key=key_of("ann"))
        assert await js("return (await it.chat.opened).user") == "u-ann"

A snippet is the body of an async function; `given` are names in it, `it` lasts as long as Node does.
What else there is stands in tests/js/driver.mjs. Without Node, who imports this is skipped.
"""

import asyncio
import contextlib
import json
import shutil
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "js"
NODE = shutil.which("node")
if NODE is None:
    why = "the JavaScript client is not tried, node is missing: apt-get install nodejs"
    pytest.skip(why, allow_module_level=True)


class JavaScriptError(Exception):
    """A snippet has failed; `code` is that of a ChatError."""

    def __init__(self, error):
        super().__init__(error["stack"])
        self.code = error.get("code")


class Node:
    def __init__(self, process):
        self.uncaught = []  # what went wrong outside of snippets
        self._process = process
        self._last = 0
        self._waiting = {}
        self._reader = asyncio.create_task(self._read())

    async def __call__(self, code, *, seconds=10.0, **given):
        """What the snippet returns."""
        self._last += 1
        answer = self._waiting[self._last] = asyncio.get_running_loop().create_future()
        line = {"id": self._last, "code": code, "given": given}
        self._process.stdin.write(json.dumps(line).encode() + b"\n")
        said = await asyncio.wait_for(answer, seconds)
        if "error" in said:
            raise JavaScriptError(said["error"])
        return said["value"]

    def begin(self, code, **given):
        """The same as a task that is under way."""
        return asyncio.create_task(self(code, **given))

    async def _read(self):
        while line := await self._process.stdout.readline():
            said = json.loads(line)
            if "uncaught" in said:
                self.uncaught.append(said["uncaught"])
            elif not self._waiting[said["id"]].done():
                self._waiting.pop(said["id"]).set_result(said)
        for each in self._waiting.values():
            if not each.done():
                each.set_exception(AssertionError("node has ended"))

    async def close(self):
        self._process.stdin.close()
        await asyncio.wait_for(self._process.wait(), 10)
        await self._reader


@contextlib.asynccontextmanager
async def node():
    """A Node until the block ends. What it left uncaught fails the test, unless the test took it."""
    process = await asyncio.create_subprocess_exec(
        NODE,
        SCRIPTS / "driver.mjs",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    driven = Node(process)
    try:
        yield driven
    finally:
        await driven.close()
    assert driven.uncaught == []
