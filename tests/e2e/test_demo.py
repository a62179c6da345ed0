"""`tornado-chat demo` and `listen`, as somebody does who looks at the project for the first time."""

import asyncio
import os
import re

from support.process import COMMAND, run


async def test_the_demo_shows_messages_arriving(tmp_path):
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
