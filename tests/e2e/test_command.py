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


async def test_an_empty_file_serves(tmp_path):
    (tmp_path / "tornado_chat.toml").write_text("")
    async with serving(cwd=tmp_path) as server:
        assert server.url.startswith("http://127.0.0.1:")
    assert (tmp_path / "tornado_chat.db").exists()


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


async def test_check_config_says_good_or_what_is_wrong(config, tmp_path):
    status, out, _ = await run("check-config", "-c", config)
    assert status == 0
    assert "good" in out
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[server]\nprot = 1\n")
    status, _, err = await run("check-config", "-c", wrong)
    assert status == 1
    assert err.strip() == "error: in server.prot: unknown key, did you mean server.port?"


async def test_a_taken_port_is_said_in_one_line(config):
    async with serving("-c", config) as server:
        status, _, err = await run("serve", "-c", config, "--set", f"server.port={server.port}")
    assert status == 1
    assert f"in server.port: cannot listen on 127.0.0.1:{server.port}" in err
    assert "Traceback" not in err


async def test_plugins_are_listed(config):
    status, out, _ = await run("plugins", "-c", config)
    assert status == 0
    for name in ("chat_rooms", "notifications", "order_list", "growerp"):
        assert name in out


async def test_users_and_keys_beside_a_running_server(config):
    async with serving("-c", config) as server:
        status, out, err = await run(
            "user", "add", "bob@shop.example", "--tenant", "SHOP", "--user-id", "u-bob",
            "--full-name", "Bob Prins", "-c", config, stdin="a-long-password\n",
        )  # fmt: skip
        assert (status, out.strip()) == (0, "user u-bob added to SHOP"), err
        status, out, _ = await run("user", "list", "-c", config)
        assert "u-bob\tSHOP\tbob@shop.example\tBob Prins" in out
        status, key, err = await run("key", "issue", "bob@shop.example", "-c", config)
        assert status == 0, err
        url = f"ws://127.0.0.1:{server.port}/ws?api_key={key.strip()}"
        async with websockets.connect(url) as socket:
            assert json.loads(await socket.recv())["hello"]["user"] == "u-bob"
            status, _, err = await run("key", "revoke", "-c", config, stdin=key)
            assert status == 0, err
            with pytest.raises(websockets.ConnectionClosed):
                await socket.recv()
            assert socket.close_code == 4009
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(url)
        status, _, err = await run("user", "disable", "nobody", "-c", config)
        assert status == 1
        assert "user nobody: not there" in err
    assert key.strip() not in server.log


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
