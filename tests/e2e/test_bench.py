"""`tornado-chat bench` as a person runs it: on a server of its own, and on one that runs."""

import asyncio
import re
import sqlite3

import pytest

from support.process import COMMAND, run, serving, toml

BRIEF = ("--sockets", "4", "--seconds", "0.3", "--rate", "40")
NOBODY = "a-key-that-nobody-has"
ROWS = (
    r"connections +[\d,]+ +\S+ m?s +\S+ m?s +\S+ m?s",
    r"fan-out to 3 sockets +[\d,]+ +\S+ m?s +\S+ m?s +\S+ m?s +0 +0",
    r"durable messages of 2 people +[\d,]+ +\S+ m?s +\S+ m?s +\S+ m?s +0 +0",
    r"40 messages a second offered +\d+ +\S+ m?s +\S+ m?s +\S+ m?s +0 +0",
    r"memory of a connection +\S+ KiB   all \d+ MB",
)


def person(name, **more):
    return {"user_id": name, "tenant": "SHOP", "api_key": f"key-of-{name}-0123456789", **more}


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "tornado_chat.toml"
    tables = {"users": [person("u-ann"), person("u-bob")], "limits": {"frames_per_second": 0}}
    path.write_text(toml({**tables, "server": {"drain_seconds": 0}}))
    return path


def is_whole(out):
    for row in ROWS:
        assert re.search(f"^{row}$", out, re.MULTILINE), (row, out)
    assert "Good: every message came, and came once." in out
    assert re.search(r"At 40 messages a second it is \w+: 99 of 100 arrive within", out)


async def test_on_a_server_of_its_own_which_leaves_nothing(tmp_path):
    status, out, err = await run("bench", *BRIEF, "--set", "store.durability=relaxed", cwd=tmp_path)
    assert (status, "error" in err) == (0, False), err
    assert "a server of its own; durability relaxed" in out
    assert "may be lost in a power cut" in out
    is_whole(out)
    assert not list(tmp_path.iterdir())


async def test_on_a_server_that_runs_whose_lists_stay_as_they_were(config):
    async with serving("-c", config) as server:
        status, out, err = await run("bench", server.url, "-c", config, *BRIEF)
        assert status == 0, err
        assert f"{server.url}, that server; durability full" in out
        assert "Each was on the disk before it was acknowledged." in out
        is_whole(out)
        _, listed, _ = await run("room", "list", "-c", config, "--tenant", "SHOP")
        assert listed.count("Bench") == 3
        with sqlite3.connect(config.parent / "tornado_chat.db") as database:
            stayed = "SELECT COUNT(*) FROM member WHERE left_count IS NULL"
            assert database.execute(stayed).fetchone() == (0,)
            numbers = "SELECT COUNT(*), MAX(offset) FROM message"
            said, head = database.execute(numbers).fetchone()
            assert said == head > 12


async def test_keys_of_a_file_go_before_those_of_the_configuration(config, tmp_path):
    keys = tmp_path / "keys.txt"
    keys.write_text("key-of-u-bob-0123456789\n")
    async with serving("-c", config) as server:
        status, out, err = await run("bench", server.url, "-c", config, "--keys", keys, *BRIEF)
        assert status == 0, err
        is_whole(out)
        with sqlite3.connect(config.parent / "tornado_chat.db") as database:
            members = database.execute("SELECT DISTINCT user_id FROM member").fetchall()
            assert members == [("u-bob",)]


async def test_a_key_is_asked_for_and_a_bad_one_is_said(config, tmp_path):
    async with serving("-c", config) as server:
        status, out, err = await run(
            "bench", server.url, *BRIEF, stdin=f"{NOBODY}\n", cwd=tmp_path.parent
        )
        assert status == 1
        assert f"error: {server.url}: answered 401: " in err
        assert NOBODY not in out + err


async def test_a_limit_of_the_server_is_named(config):
    async with serving("-c", config, "--set", "limits.sockets_per_user=1") as server:
        status, _, err = await run("bench", server.url, "-c", config, *BRIEF)
    assert status == 1
    assert "limits.sockets_per_user = 1 sockets are open: give fewer --sockets" in err


async def test_it_keeps_to_the_pace_that_the_server_allows(config):
    async with serving("-c", config, "--set", "limits.frames_per_second=20") as server:
        status, out, err = await run("bench", server.url, "-c", config, *BRIEF)
    assert status == 0, err
    rate = re.search(r"^durable messages of 2 people +(\d+)", out, re.MULTILINE)[1]
    assert int(rate) <= 40


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:9", "http://127.0.0.1:9: "),
        ("127.0.0.1:8080", "127.0.0.1:8080: not http:// or https:// and a host"),
    ],
)
async def test_where_nobody_listens(config, url, said):
    status, _, err = await run("bench", url, "-c", config, *BRIEF)
    assert status == 1
    assert "Traceback" not in err
    assert err.strip().splitlines()[-1].startswith(f"error: {said}")


async def test_a_server_that_goes_away_is_said(config):
    async with serving("-c", config) as server:
        process = await asyncio.create_subprocess_exec(
            *(COMMAND, "bench", server.url, "-c", config, "--sockets", "4", "--seconds", "20"),
            stderr=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        first = await process.stdout.readline()
        assert b"that server" in first
        while "opened by" not in server.log:
            await asyncio.sleep(0.02)
        await server.stop()
        _, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert b"error: " in err
    assert b"Traceback" not in err
