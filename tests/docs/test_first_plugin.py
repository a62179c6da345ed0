"""docs/tutorial/02-first-plugin.md: from an empty folder, every step answers as the page shows."""

import asyncio
import json
import re
import shlex
import sys
from pathlib import Path

from tornado.httpclient import AsyncHTTPClient

from support.process import COMMAND, run, serving

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial" / "02-first-plugin.md").read_text()
SAVED = re.findall(r"Save this as `([\w./]+)`.*?```\w+\n(.*?)```", PAGE, re.DOTALL)
[MISTAKE] = re.findall(r"^error: plugin .*\n", PAGE, re.MULTILINE)
STEPS = [
    (step.splitlines()[0], step.splitlines()[1:])
    for block in re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    if MISTAKE not in step
]
HOME = "/home/ann/shop"
SHOWN = "http://127.0.0.1:8080"


async def listened(arguments, folder, count):
    """What `listen` prints at first."""
    process = await asyncio.create_subprocess_exec(
        COMMAND, *arguments, stdout=asyncio.subprocess.PIPE, cwd=folder
    )
    try:
        async with asyncio.timeout(20):
            return [(await process.stdout.readline()).decode().rstrip("\n") for _ in range(count)]
    finally:
        process.kill()
        await process.wait()


async def curl(words, url):
    """The answer to what `curl` is asked for."""
    headers = dict([words[words.index("-H") + 1].split(": ")]) if "-H" in words else {}
    [path] = [word.removeprefix(SHOWN) for word in words if word.startswith(SHOWN)]
    body = words[words.index("-d") + 1]
    fetch = AsyncHTTPClient().fetch
    answer = await fetch(url + path, method="POST", headers=headers, body=body, raise_error=False)
    return answer.body.decode().splitlines()


def save(folder):
    for name in ("plugins", "tests"):
        (folder / name).mkdir()
    for name, text in SAVED:
        (folder / name).write_text(text)


async def test_every_step_answers_as_shown(tmp_path):
    save(tmp_path)
    walked = set()
    async with serving(cwd=tmp_path) as server:
        for typed, shown in STEPS:
            words = shlex.split(typed.replace(".venv/bin/", ""))
            walked.add(" ".join(words[:2]) if words[0] == "tornado-chat" else words[0])
            arguments = [server.url if word == SHOWN else word for word in words[1:]]
            if words[0] == "curl":
                found = await curl(words, server.url)
            elif words[:2] == ["tornado-chat", "listen"]:
                found = await listened(arguments, tmp_path, len(shown))
            elif words[:2] == ["tornado-chat", "serve"]:
                found = [f"tornado_chat listening on {SHOWN}"]
            elif words[0] == "tornado-chat":
                _status, out, err = await run(*arguments, cwd=tmp_path)
                found = (out + err).replace(str(tmp_path), HOME).splitlines()
            else:
                continue
            assert found == shown, typed
    assert {f"tornado-chat {name}" for name in ("serve", "check-config", "listen", "post")} < walked
    assert {"curl", "pytest", "mkdir", "python3"} < walked


async def test_what_ann_hears_is_as_shown(tmp_path):
    save(tmp_path)
    [line] = re.findall(r"^2026-\S+  (board:lobby  .*)$", PAGE, re.MULTILINE)
    async with serving(cwd=tmp_path) as server:
        process = await asyncio.create_subprocess_exec(
            COMMAND, "listen", server.url, "board:lobby", "--key", "key-of-ann", "--count", "1",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        await asyncio.wait_for(process.stdout.readline(), 20)
        await run("post", server.url, "board:lobby", '{"text": "Hello"}', "--key", "key-of-bob")
        heard, _ = await asyncio.wait_for(process.communicate(), 20)
    assert heard.decode().strip().partition("  ")[2] == line
    assert json.loads(line.split("  ")[2]) == {"text": "Hello"}


async def test_the_mistake_it_suggests_is_said_as_shown(tmp_path):
    save(tmp_path)
    plugin = tmp_path / "plugins" / "board.py"
    plugin.write_text(
        plugin.read_text().replace("@hookimpl\ndef register_topics", "def register_topics")
    )
    status, _out, err = await run("check-config", cwd=tmp_path)
    assert (status, err) == (1, MISTAKE.replace(HOME, str(tmp_path)))


async def test_its_tests_pass_in_an_empty_folder(tmp_path):
    """Without the configuration of this project."""
    save(tmp_path)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), 50)
    assert process.returncode == 0, out.decode()
    assert re.search(r"\b4 passed", out.decode())
