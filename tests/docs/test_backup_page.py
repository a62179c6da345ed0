"""docs/how-to/backup.md: its commands take a sound copy of a server that is busy, and bring it back."""

import asyncio
import re
import shutil
import signal
import sqlite3
from pathlib import Path

import pytest

from support.process import run, serving

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "backup.md").read_text()
COMMANDS = re.findall(r"^# (.+)$", "\n".join(re.findall(r"```console\n(.*?)```", PAGE, re.S)), re.M)
USERS = [
    '[[users]]\nuser_id = "ann"\nlogin_name = "ann"\nfull_name = "Ann"\ntenant = "SHOP"\n',
    'api_key = "key-of-ann"\npermissions = ["notify"]\n[store]\nurl = "sqlite:///lib/chat.db"\n',
]

pytestmark = pytest.mark.skipif(not shutil.which("sqlite3"), reason="sqlite3 is not installed")


async def carry_out(command, folder):
    """As who runs the test, in a folder that stands for the root of the machine."""
    command = command.replace("runuser -u tornado-chat -- ", "").replace("-o tornado-chat ", "")
    command = command.replace("-g tornado-chat ", "")
    for path, place in (("/var/lib/tornado-chat", "lib"), ("/var/backups/tornado-chat", "backup")):
        command = command.replace(path, str(folder / place))
    command = command.replace("/etc/tornado-chat", str(folder / "etc"))
    process = await asyncio.create_subprocess_shell(
        command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0, err.decode()
    return out.decode()


def those_of(first, last):
    """The commands from the one that begins so to the one that does."""
    starts = [number for number, each in enumerate(COMMANDS) if each.startswith(first)]
    ends = [number for number, each in enumerate(COMMANDS) if each.startswith(last)]
    return COMMANDS[starts[0] : ends[-1] + 1]


async def notify(folder, text):
    status, out, err = await run("notify", "News", "--tenant", "SHOP", "--text", text, cwd=folder)
    assert status == 0, err
    return out


def said(database):
    with sqlite3.connect(database) as connection:
        return [row[0] for row in connection.execute("SELECT data FROM message ORDER BY offset")]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "etc").mkdir()
    (tmp_path / "tornado_chat.toml").write_text("".join(USERS))
    return tmp_path


async def test_a_copy_of_a_running_server_is_sound_and_can_be_restored(folder):
    async with serving(cwd=folder):
        await notify(folder, "before")
        out = "".join([await carry_out(each, folder) for each in those_of("install -d", "cp -a")])
        assert out == "ok\n"
        await notify(folder, "after")
    assert [len(said(folder / place / "chat.db")) for place in ("backup", "lib")] == [1, 2]
    (folder / "lib" / "chat.db-wal").write_bytes(b"of the old one")
    for each in those_of("rm -f", "install -m"):
        await carry_out(each, folder)
    async with serving(cwd=folder) as server:
        assert len(said(folder / "lib" / "chat.db")) == 1
        await notify(folder, "once more")
        assert await server.stop(signal.SIGTERM) == 0
    assert len(said(folder / "lib" / "chat.db")) == 2


async def test_the_nightly_script_keeps_one_a_day_and_no_other(folder):
    [script] = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    (folder / "backup").mkdir()
    async with serving(cwd=folder):
        await notify(folder, "before")
        for _ in range(2):  # the second takes the place of the first
            await carry_out(script, folder)
    [copy] = (folder / "backup").iterdir()
    assert re.fullmatch(r"chat-[1-7]\.db", copy.name)
    assert len(said(copy)) == 1
    assert copy.stat().st_mode & 0o077 == 0
