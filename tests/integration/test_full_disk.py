"""A disk that is full in the middle of a transaction: what is not in the log was never said."""

import asyncio

import pytest

from support.boards import boards
from support.server import running_server
from support.stores import no_space_left, one_group, space_again, sql
from tornado_chat import Topic

BOARD = Topic("SHOP", "board", "1")


def too_much(tx):
    tx.publish(BOARD, {"n": "x" * 1_000_000})


def rolled_back(_tx):
    """SQLite may end a transaction by itself for other reasons too."""
    sql("INSERT OR ROLLBACK INTO log_head (id, offset) VALUES (1, 0)")


def site_in(folder):
    """Whose frames may be of any size."""
    tables = {"limits": {"frame_bytes": 0}}
    return running_server(tables, modules=[boards()], entry_points=False, folder=folder)


@pytest.mark.parametrize("trouble", [too_much, rolled_back])
async def test_nobody_is_told_what_is_not_in_the_log_and_posting_goes_on(tmp_path, logs, trouble):
    logs.expect("database: ")
    async with site_in(tmp_path) as site, site.connect("ann") as ann, site.connect("bob") as bob:
        store = site.server.store
        await bob.ok("subscribe", topic="board:1")
        await no_space_left(store)
        async with one_group(store):
            await say(ann, 1)
            failing = store.write(trouble)
            await say(ann, 2)
        [failed] = await asyncio.gather(failing, return_exceptions=True)
        assert isinstance(failed, Exception)
        replies = {}
        while len(replies) < 2:
            frame = await ann.next()
            replies[frame["id"]] = frame
        said = [-number for number, frame in sorted(replies.items(), reverse=True) if "ok" in frame]
        refused = [frame["error"]["code"] for frame in replies.values() if "error" in frame]
        assert set(refused) <= {"unavailable"}
        kept = await in_the_log(ann)
        assert said == kept
        assert [(await bob.push())["data"]["n"] for _ in said] == said
        await bob.quiet()

        await space_again(store)
        await ann.ok("publish", topic="board:1", data={"n": 3})
        assert (await bob.push())["data"] == {"n": 3}
        kept.append(3)
        assert await in_the_log(ann) == kept
    async with site_in(tmp_path) as site, site.connect("ann") as ann:
        assert await in_the_log(ann) == kept
        posted = await ann.ok("publish", topic="board:1", data={"n": 4})
        assert posted["offset"] == len(kept) + 1
        assert await in_the_log(ann) == [*kept, 4]


async def say(client, number):
    """Returns once it waits for the writer."""
    frame = {"id": -number, "do": "publish", "topic": "board:1", "data": {"n": number}}
    await client.send(frame)
    await client.ok("ping")


async def in_the_log(client):
    history = await client.ok("history", topic="board:1")
    return [each["data"]["n"] for each in history["messages"]]
