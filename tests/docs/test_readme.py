"""README.md: its configuration serves, its plugin runs, its frames are those of the server."""

import asyncio
import re
import tomllib
from pathlib import Path
from textwrap import indent

import pytest

from support.server import running_server
from support.transcript import play, transcripts
from tornado_chat.client import connect
from tornado_chat.config import load

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text()
[CONFIG] = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
[PLUGIN, PROGRAM] = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
async def site(tmp_path, logs):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "machines.py").write_text(PLUGIN)
    async with running_server(tomllib.loads(CONFIG), folder=tmp_path) as running:
        yield running
    assert not logs.unexpected()


def test_the_configuration_passes_the_check(tmp_path):
    path = tmp_path / "tornado_chat.toml"
    path.write_text(CONFIG)
    assert [user.tenant for user in load(path, [], {}).users] == ["SHOP", "SHOP"]


async def test_the_plugin_writes_the_list_and_tells_it(site):
    headers = {"api_key": await site.server.accounts.issue_key("100021")}
    put = ("PUT", "/plugins/machines/press-1")
    async with site.open("/ws", query=f"api_key={headers['api_key']}") as socket:
        answer = await site.fetch(*put, {"state": "stopped"}, headers=headers)
        assert answer.json == {"changed": True}
        await play(socket, [
            ("<-", {"hello": "…"}),
            ("->", {"id": 1, "do": "subscribe", "topic": "machines:SHOP"}),
            ("<-", {"id": 1, "ok": "…"}),
        ])  # fmt: skip
        answer = await site.fetch(*put, {"state": "stopped"}, headers=headers)
        assert answer.json == {"changed": False}
        await site.fetch(*put, {"state": "running"}, headers=headers)
        data = {"machine": {"state": "running", "id": "press-1", "version": 2}}
        await play(socket, [("<-", {"push": {
            "topic": "machines:SHOP", "epoch": "…", "offset": 2, "id": "100002", "sender": None,
            "sender_name": None, "at": "…", "data": data,
        }})])  # fmt: skip
        answer = await site.fetch(*put, {"stat": "running"}, headers=headers)
        assert answer.code == 400


async def test_the_program_prints_what_was_said_and_what_is_said(site, capsys):
    assert len(PROGRAM.splitlines()) == 3
    names = {}
    exec(f"async def main(url, key, connect):\n{indent(PROGRAM, '    ')}", names)
    key = await site.server.accounts.issue_key("100021")
    body = {"members": ["100040"]}
    await site.fetch("POST", "/plugins/chat_rooms/rooms", body, headers={"api_key": key})
    async with connect(site.url(""), key) as chat:
        await chat.publish("room:100000", {"content": "Lunch?"})
        task = asyncio.create_task(names["main"](site.url(""), key, connect))
        try:
            out = ""
            async with asyncio.timeout(5):
                for said in ("Lunch?", "Dinner?"):
                    while f"Ann Maas {said}" not in out:
                        await asyncio.sleep(0.01)
                        out += capsys.readouterr().out
                    await chat.publish("room:100000", {"content": "Dinner?"}, key="dinner")
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_the_frames(site):
    key = await site.server.accounts.issue_key("100021")
    body = {"members": ["100040"]}
    await site.fetch("POST", "/plugins/chat_rooms/rooms", body, headers={"api_key": key})
    [transcript] = transcripts(TEXT)
    async with site.open("/ws") as socket:
        await play(socket, transcript, key)
