"""`tornado-chat demo` and `listen`, as somebody does who looks at the project for the first time."""

import asyncio
import os
import re

from support.process import COMMAND, run
from tornado_chat import Topic
from tornado_chat import config as configuration
from tornado_chat.app import Server
from tornado_chat.demo import Demo, write_config
from tornado_chat.store import state


async def test_command_demo(tmp_path):
    process = await asyncio.create_subprocess_exec(
        COMMAND, "demo", "--port", "0", stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, cwd=tmp_path, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        text = ""
        while "begin anew" not in text:
            line = await asyncio.wait_for(process.stdout.readline(), 20)
            assert line, (await process.stderr.read()).decode()
            text += line.decode()
        assert "ann@demo.example" in text
        command = re.search(r"^ +\S*tornado-chat (listen .*)$", text, re.MULTILINE)[1].split()
        status, out, err = await run(*command, "--count", "2")
        assert status == 0, err
        assert "listening to orders:DEMO" in out
        assert out.count("\n20") == 2
        status, _, err = await run("listen", command[1], "room:999", "--key", command[-1])
        assert (status, "room:999" in err, "Traceback" in err) == (1, True, False)
        status, _, err = await run("listen", command[1], "orders:DEMO", "--key", "wrong")
        assert (status, err.strip()) == (1, "error: Login key not valid")
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)
    assert process.returncode == 0
    assert await process.stderr.read() == b""
    assert (tmp_path / "tornado_chat_demo" / "tornado_chat.toml").stat().st_mode & 0o077 == 0


async def test_every_order_of_the_demo_is_one_of_its_own(tmp_path):
    """Eight are placed in a moment; what the shop does is real, by HTTP."""
    config = configuration.load(write_config(tmp_path / "demo"), ["server.port=0"])
    server = Server(config)
    await server.start()
    try:
        demo = Demo(server, tmp_path)
        demo._chance.random = lambda: 1.0  # nothing moves on
        await demo.begin()
        placed = [order["orderId"] for order in demo._orders]
        assert len(set(placed)) == len(placed) == 8
        listed = await server.read(lambda _tx: state.items(Topic("DEMO", "orders", "DEMO")))
        assert {item["orderId"] for item in listed} == set(placed)
    finally:
        await server.stop()
