"""The command as a person runs it: what it prints, how it ends, what it says when asked wrongly."""

import asyncio
import contextlib
import json
import signal
import sqlite3

import pytest
import websockets

from support.process import run, serving, toml
from tornado_chat.config import build
from tornado_chat.config.schema import ConfigSchema  # noqa: F401 - a name that must stay importable

ANN = {
    "user_id": "u-ann",
    "login_name": "ann@shop.example",
    "full_name": "Ann Maas",
    "tenant": "SHOP",
    "api_key": "key-of-ann-0123456789",
}


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "tornado_chat.toml"
    path.write_text(toml({"users": [ANN]}))
    build({"users": [ANN]})
    return path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_with_status_0_and_a_goodbye(config, number):
    async with serving("-c", config) as server:
        url = f"ws://127.0.0.1:{server.port}/ws?api_key={ANN['api_key']}"
        async with websockets.connect(url) as socket:
            await socket.recv()
            assert await server.stop(number) == 0
            assert json.loads(await socket.recv())["bye"]["code"] == "restart"
            with pytest.raises(websockets.ConnectionClosed):
                await socket.recv()
            assert socket.close_code == 1012
    assert "Traceback" not in server.log


async def test_a_taken_port_is_said_in_one_line(config):
    async with serving("-c", config) as server:
        status, _, err = await run("serve", "-c", config, "--set", f"server.port={server.port}")
    assert status == 1
    assert f"in server.port: cannot listen on 127.0.0.1:{server.port}" in err
    assert "Traceback" not in err


async def test_a_database_that_is_locked_is_said_in_one_line(config, tmp_path):
    """By another program that writes for long: a backup, a shell that was left open."""
    url = f"store.url=sqlite:///{tmp_path / 'locked.db'}"
    assert (await run("user", "list", "-c", config, "--set", url))[0] == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "locked.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        asked = (("user", "list"), ("serve", "--set", "server.port=0"))
        for status, out, err in await asyncio.gather(
            *(run(*words, "-c", config, "--set", url) for words in asked)
        ):
            assert (status, out) == (1, "")
            assert (err.startswith("error: "), err.count("\n")) == (True, 1), err
            assert "locked" in err


@pytest.mark.parametrize("option", ["-c{}", "--config={}", "-c {}", "--config {}"])
async def test_commands_of_plugins_are_found_however_the_file_is_named(tmp_path, option):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "greet.py").write_text(
        "import click\n"
        "from tornado_chat import hookimpl\n"
        "api = 1\n"
        "@hookimpl\n"
        "def register_commands(cli):\n"
        "    @cli.command()\n"
        "    @click.option('-c', '--config')\n"
        "    def greet(config):\n"
        "        click.echo('hello')\n"
    )
    path = tmp_path / "other.toml"
    path.write_text(toml({"plugins": {"directory": str(folder)}}))
    status, out, err = await run("greet", *option.format(path).split(" "), cwd=tmp_path)
    assert (status, out) == (0, "hello\n"), err
