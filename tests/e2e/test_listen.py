"""`tornado-chat listen` and `post`: what they print; `listen` lives through a restart."""

import asyncio
import contextlib
import json
import re

import pytest

from support.boards import boards
from support.process import COMMAND, run
from support.proxy import proxied
from support.server import key_of, running_server
from tornado_chat import Topic

BOARD = Topic("SHOP", "board", "1")


@contextlib.asynccontextmanager
async def listening(port, *arguments):
    process = await asyncio.create_subprocess_exec(
        COMMAND, "listen", f"http://127.0.0.1:{port}", *arguments, "--key", key_of("ann"),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def line(stream):
    return (await asyncio.wait_for(stream.readline(), 20)).decode().strip()


async def test_command_listen(tmp_path):
    start = {"modules": [boards()], "entry_points": False, "folder": tmp_path}
    async with proxied(1) as proxy, contextlib.AsyncExitStack() as stack:
        async with running_server({"server": {"drain_seconds": 0}}, **start) as site:
            proxy.target = site.port
            listener = await stack.enter_async_context(
                listening(proxy.port, "board:1", "board:2", "board:1", "--count", "3")
            )
            for topic in ("board:1", "board:2"):
                assert await line(listener.stdout) == f"listening to {topic}, Ctrl-C ends it"
            await site.server.publish(BOARD, {"n": "é"})
            shown = await line(listener.stdout)
            at = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
            assert re.fullmatch(rf'{at}  board:1  -  {{"n": "é"}}', shown), shown
        assert await line(listener.stderr) == "the connection is gone, trying again"
        async with running_server(**start) as site:
            await site.server.publish(BOARD, {"n": 2})
            proxy.target = site.port
            assert await line(listener.stderr) == "connected again"
            await site.server.publish(Topic("SHOP", "board", "2"), {"n": 3})
            await site.server.publish(BOARD, {"n": 4})
            out, err = await asyncio.wait_for(listener.communicate(), 20)
            numbers = [json.loads(each.split("  ")[3])["n"] for each in out.decode().splitlines()]
            assert len(numbers) == 2  # three in all, whatever waits in other topics
            assert 2 in numbers
            assert (listener.returncode, err) == (0, b"")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1", "error: ws://127.0.0.1:1/ws: "),
        ("127.0.0.1:1", "error: "),
        ("http://x?api_key=1", "error: ws://x: the key is an argument, not of the URL"),
    ],
)
async def test_what_hinders_it_is_one_line(url, said):
    status, out, err = await run("listen", url, "board:1", "--key", "k")
    assert (status, out) == (1, "")
    assert err.startswith(said)
    assert len(err.splitlines()) == 1


async def test_command_post():
    async with running_server(modules=[boards()], entry_points=False) as site:
        url, key = f"http://127.0.0.1:{site.port}", ("--key", key_of("ann"))
        async with listening(site.port, "board:1", "--state", "--count", "1") as listener:
            assert await line(listener.stdout) == "listening to board:1, Ctrl-C ends it"
            json.loads(await line(listener.stdout))
            status, out, err = await run("post", url, "board:1", '{"text": "é"}', *key)
            assert (status, out, err) == (0, "posted 100001\n", "")
            assert (await line(listener.stdout)).endswith('{"text": "é"}')
            assert await asyncio.wait_for(listener.wait(), 20) == 0  # one was asked for


@pytest.mark.parametrize(
    ("data", "said"),
    [("hello", "error: the data is no JSON: "), ("[1]", "error: the data is no JSON object")],
)
async def test_what_cannot_be_posted_is_said_before_anybody_is_asked(data, said):
    status, out, err = await run("post", "http://127.0.0.1:1", "board:1", data, "--key", "k")
    assert (status, out) == (1, "")
    assert err.startswith(said)
