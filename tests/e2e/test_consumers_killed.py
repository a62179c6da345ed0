"""The installed command with a drop-in plugin that consumes, killed in the middle of it.

What `write` writes is there exactly once and in order, what `handle` did at least once, whenever
the process is killed; what another process publishes is consumed too.
"""

import asyncio
import itertools
import random
import signal
import sqlite3
from contextlib import closing

import pytest

from support.process import run, serving

SEED = random.randrange(10**6)
KILLS = 6

PLUGIN = """
import asyncio
import pathlib
import peewee
from tornado_chat import Consumer, StoreModel, Topic, hookimpl

api = 1
FILE = pathlib.Path(__file__).with_name("handled.txt")
HERE = Topic("SHOP", "", "Steady")


class Row(StoreModel):
    consumer = peewee.CharField()
    offset = peewee.BigIntegerField()

    class Meta:
        table_name = "eager_row"


def row(consumer):
    return lambda tx, message: Row.create(consumer=consumer, offset=message.offset)


async def note(message):
    with FILE.open("a") as file:
        file.write(f"{message.offset}\\n")
    await asyncio.sleep(0)


@hookimpl
def register_models():
    return [Row]


@hookimpl
def register_consumers():
    return [
        Consumer("rows", write=row("rows"), start="start"),
        Consumer("notes", handle=note, start="start"),
        Consumer("both", note_both, row("both"), start="start"),
    ]


async def note_both(message):
    await asyncio.sleep(0.0005)


async def steadily(server):
    while True:
        await asyncio.gather(*(server.publish(HERE, {}) for _ in range(7)))
        await asyncio.sleep(0.02)


@hookimpl
def startup(server):
    if FILE.with_name("publish").exists():
        server.spawn(steadily(server))
"""

CONFIG = """
[plugins]
disabled = ["chat_rooms", "order_list", "growerp"]
[topics.Steady]
[topics.Last]
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "tornado_chat.toml"
    path.write_text(f'[store]\nurl = "sqlite:///{tmp_path / "chat.db"}"\n{CONFIG}')
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "eager.py").write_text(PLUGIN)
    return path


def select(config, query):
    with closing(sqlite3.connect(config.with_name("chat.db"), timeout=10)) as database:
        return database.execute(query).fetchall()


async def until(condition, server, seconds=30.0):
    async with asyncio.timeout(seconds):
        while not condition():
            assert server.process.returncode is None, server.log
            await asyncio.sleep(0.02)


def positions(config):
    return dict(select(config, "SELECT name, position FROM consumer"))


def handled(config):
    lines = (config.parent / "plugins" / "handled.txt").read_text().split("\n")
    return [int(line) for line in lines[:-1]]


async def test_killed_while_it_consumes_nothing_is_lost_and_nothing_is_written_twice(config, tell):
    tell(f"consumers killed: seed {SEED}")
    chance = random.Random(SEED)
    publishing = config.parent / "plugins" / "publish"
    publishing.touch()
    before = 0
    for _kill in range(KILLS):
        async with serving("-c", config) as server:
            await until(lambda before=before: min(positions(config).values()) > before, server)
            await asyncio.sleep(chance.uniform(0.05, 0.5))
            await server.stop(signal.SIGKILL)
        found = positions(config)
        for name in ("rows", "both"):
            rows = select(
                config, f"SELECT offset FROM eager_row WHERE consumer = '{name}' ORDER BY id"
            )
            assert [offset for (offset,) in rows] == list(range(1, found[f"eager.{name}"] + 1))
        before = min(found.values())
    publishing.unlink()
    async with serving("-c", config) as server:
        status, out, err = await run(
            "notify", "Last", "--text", "it is over", "--tenant", "SHOP", "-c", config
        )
        assert status == 0, err
        last = int(out.split()[1]) - 100_000
        await until(lambda: set(positions(config).values()) == {last}, server)
        assert await server.stop() == 0
        assert "failed" not in server.log
    assert select(config, "SELECT count(*) FROM message") == [(last,)]
    for name in ("rows", "both"):
        rows = select(config, f"SELECT offset FROM eager_row WHERE consumer = '{name}' ORDER BY id")
        assert [offset for (offset,) in rows] == list(range(1, last + 1))
    notes = handled(config)
    assert [offset for offset, _ in itertools.groupby(notes)] == list(range(1, last + 1))
    assert len(notes) - last <= KILLS  # at most the one in hand came again, at each kill


async def test_what_another_process_publishes_is_consumed(config):
    async with serving("-c", config) as server:
        async with asyncio.timeout(10):
            for number in range(1, 4):
                status, _out, err = await run(
                    "notify", "Last", "--text", f"{number}", "--tenant", "SHOP", "-c", config
                )
                assert status == 0, err
                await until(lambda n=number: set(positions(config).values()) == {n}, server)
        assert handled(config) == [1, 2, 3]
