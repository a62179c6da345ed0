"""`tornado-chat bench` as a person runs it: on a server of its own, and on one that runs."""

import asyncio
import re
import sqlite3

import pytest

from support.process import COMMAND, run, serving, toml

BRIEF = ("--sockets", "4", "--seconds", "0.2", "--rate", "40")
NOBODY = "a-key-that-nobody-has"
ROWS = (
    r"connections +[\d,]+ +\S+ m?s +\S+ m?s +\S+ m?s",
    r"signals to 3 sockets +[\d,]+ +\S+ m?s +\S+ m?s +\S+ m?s +0 +0",
    r"messages to 3 sockets +[\d,]+ +\S+ m?s +\S+ m?s +\S+ m?s +0 +0",
    r"bursts of 20 to 3 sockets +[\d,]+ +\S+ m?s +\S+ m?s +\S+ m?s +0 +0",
    r"durable messages of 2 people +[\d,]+ +\S+ m?s +\S+ m?s +\S+ m?s +0 +0",
    r"REST, messages of 2 people +[\d,]+ +\S+ m?s +\S+ m?s +\S+ m?s +0 +0",
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
    assert re.search(r"^(At|It cannot keep up with) 40 messages a second", out, re.MULTILINE)


async def test_command_bench(tmp_path):
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
        assert f"{server.url}, that server; durability full, says {config}\n" in out
        assert "What was acknowledged was on the disk before." in out
        is_whole(out)
        _, listed, _ = await run("room", "list", "-c", config, "--tenant", "SHOP")
        assert listed.count("Bench") == 3
        with sqlite3.connect(config.parent / "tornado_chat.db") as database:
            stayed = "SELECT COUNT(*) FROM member WHERE left_count IS NULL"
            assert database.execute(stayed).fetchone() == (0,)
            numbers = "SELECT COUNT(*), MAX(offset) FROM message"
            said, head = database.execute(numbers).fetchone()
            assert said == head > 12


async def test_keys_of_a_file_go_first_and_who_may_know_is_told_the_durability(config, tmp_path):
    ann = person("u-ann", permissions=["status"])
    tables = {"users": [ann, person("u-bob"), person("u-carl")]}
    config.write_text(toml({**tables, "store": {"durability": "relaxed"}}))
    keys = tmp_path / "keys.txt"
    keys.write_text("key-of-u-bob-0123456789\nkey-of-u-ann-0123456789\n")
    async with serving("-c", config) as server:
        arguments = ("bench", server.url, "--keys", keys, *BRIEF)
        status, out, err = await run(*arguments, cwd=tmp_path.parent)
        assert status == 0, err
        assert f"{server.url}, that server; durability relaxed\n" in out
        is_whole(out)
        with sqlite3.connect(config.parent / "tornado_chat.db") as database:
            members = database.execute("SELECT DISTINCT user_id FROM member ORDER BY 1").fetchall()
            assert members == [("u-ann",), ("u-bob",)]


@pytest.mark.parametrize("given", [{"stdin": f"{NOBODY}\n"}, {"env": {"TORNADO_CHAT_KEY": NOBODY}}])
async def test_a_key_is_asked_for_and_a_bad_one_is_said_and_told_nothing(config, given):
    async with serving("-c", config) as server:
        status, out, err = await run("bench", server.url, *BRIEF, **given, cwd=config.parents[1])
        assert status == 1
        assert "that server; durability not told\n" in out
        assert f"error: {server.url}: answered 401: " in err
        assert NOBODY not in out + err


@pytest.mark.parametrize("written", ["", "\n", "\xff\xfe", "key-of-Müller"])
async def test_what_is_no_file_of_keys(tmp_path, written):
    keys = tmp_path / "keys.txt"
    keys.write_text(written, "latin-1")
    status, _, err = await run("bench", "http://127.0.0.1:9", "--keys", keys, cwd=tmp_path)
    assert (status, err) == (1, f"error: {keys}: not keys, one a line\n")


async def test_a_limit_of_the_server_is_named(config):
    async with serving("-c", config, "--set", "limits.sockets_per_user=1") as server:
        status, _, err = await run("bench", server.url, "-c", config, *BRIEF)
    assert status == 1
    assert "limits.sockets_per_user = 1 sockets are open: give fewer --sockets" in err


async def test_it_keeps_to_the_pace_that_the_server_allows_and_needs_no_growerp_face(config):
    sets = ("--set", "limits.frames_per_second=20", "--set", "plugins.disabled=['growerp']")
    async with serving("-c", config, *sets) as server:
        status, out, err = await run("bench", server.url, "-c", config, *BRIEF)
    assert status == 0, err
    rate = re.search(r"^durable messages of 2 people +(\d+)", out, re.MULTILINE)[1]
    assert int(rate) <= 40
    assert "REST" not in out
    assert re.search(r"^limits.frames_per_second held back: .*durable messages", out, re.MULTILINE)
    assert re.search(
        r"^limits.frames_per_second held back: .*durable messages of 2 people", out, re.M
    )


async def test_without_rooms_there_is_no_bench(config):
    without = ("--set", "plugins.disabled=['growerp', 'chat_rooms']")
    async with serving("-c", config, *without) as server:
        status, _, err = await run("bench", server.url, "-c", config, *BRIEF)
    assert status == 1
    assert f"error: {server.url}: without the plugin chat_rooms" in err


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
