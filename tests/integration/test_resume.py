"""Coming back with `since`: what was missed, once and in order, or the truth about what cannot be."""

import asyncio
import shutil
import sqlite3

import pytest

from support.boards import Board, boards, plugin_of
from support.server import running_server
from tornado_chat import Topic
from tornado_chat.store import pruning

BOARD = Topic("SHOP", "board", "1")


async def publish(site, *numbers, topic=BOARD):
    """Their positions, as a subscriber keeps them."""
    done = await asyncio.gather(*(site.server.publish(topic, {"n": n}) for n in numbers))
    return [{"epoch": each.epoch, "offset": each.offset} for each in done]


async def numbers(client, count):
    return [(await client.push())["data"]["n"] for _ in range(count)]


@pytest.fixture
async def site():
    async with running_server(modules=[boards()], entry_points=False) as running:
        yield running


async def test_what_was_missed_comes_after_the_reply_then_what_is_new(site):
    first, *_rest = await publish(site, 1, 2, 3)
    async with site.connect("ann") as ann:
        said = await ann.ok("subscribe", topic="board:1", since=first)
        assert said["complete"] is True
        assert said["state"] is None
        assert said["offset"] == 3
        await publish(site, 4)
        assert await numbers(ann, 3) == [2, 3, 4]
        await ann.quiet()


async def test_without_since_the_state_and_nothing_of_before(site):
    await publish(site, 1)
    async with site.connect("ann") as ann:
        said = await ann.ok("subscribe", topic="board:1")
        assert (said["complete"], said["state"]) == (False, {"topic": "1"})
        await ann.quiet()


async def test_start_is_all_that_is_kept(site):
    await publish(site, 1, 2)
    async with site.connect("ann") as ann:
        said = await ann.ok("subscribe", topic="board:1", since="start")
        assert (said["complete"], said["state"]) == (True, None)
        assert await numbers(ann, 2) == [1, 2]


@pytest.mark.parametrize("epoch", ["", "nobody"])
async def test_offset_0_is_the_beginning_in_any_epoch(site, epoch):
    await publish(site, 1)
    async with site.connect("ann") as ann:
        said = await ann.ok("subscribe", topic="board:1", since={"epoch": epoch, "offset": 0})
        assert said["complete"] is True
        assert await numbers(ann, 1) == [1]


async def test_the_head_itself_is_good_and_nothing_comes(site):
    *_, last = await publish(site, 1, 2)
    async with site.connect("ann") as ann:
        said = await ann.ok("subscribe", topic="board:1", since=last)
        assert said["complete"] is True
        await ann.quiet()


async def test_a_position_beyond_the_head_or_of_an_unknown_epoch_is_not_good(site):
    (last,) = await publish(site, 1)
    async with site.connect("ann") as ann:
        for since in ({**last, "offset": 2}, {"epoch": "nobody", "offset": 1}):
            said = await ann.ok("subscribe", topic="board:1", since=since)
            assert (said["complete"], said["state"]) == (False, {"topic": "1"})
        await ann.quiet()


async def test_a_list_has_one_since_for_all(site):
    other = Topic("SHOP", "board", "2")
    first, *_ = await publish(site, 1)
    await publish(site, 2, topic=other)
    await publish(site, 3)
    async with site.connect("ann") as ann:
        said = await ann.ok("subscribe", topics=["board:1", "closed:1", "board:2"], since=first)
        assert [each.get("complete") for each in said["topics"]] == [True, None, True]
        seen = [await ann.push(), await ann.push()]
        assert {(each["topic"], each["data"]["n"]) for each in seen} == {
            ("board:1", 3),
            ("board:2", 2),
        }
        await ann.quiet()


NO_SINCE = [
    "end",
    5,
    {},
    {"epoch": "a"},
    {"epoch": 1, "offset": 1},
    {"epoch": "a", "offset": -1},
    {"epoch": "a", "offset": True},
    {"epoch": "a", "offset": 1, "more": 1},
]


@pytest.mark.parametrize("since", NO_SINCE)
async def test_a_since_that_is_none_is_refused(site, since):
    async with site.connect("ann") as ann:
        assert await ann.refused("subscribe", topic="board:1", since=since) == "bad_request"


async def test_a_topic_without_history_has_nothing_to_resume(site):
    async with site.connect("ann") as ann:
        said = await ann.ok("subscribe", topic="typing:1", since="start")
        assert (said["complete"], said["state"]) == (False, {"topic": "1"})


async def test_what_was_pruned_after_it_makes_it_incomplete(site):
    places = await publish(site, 1, 2, 3)
    await site.server.write(lambda tx: pruned_upto(tx, 2))
    async with site.connect("ann") as ann:
        said = await ann.ok("subscribe", topic="board:1", since=places[0])
        assert (said["complete"], said["state"]) == (False, {"topic": "1"})
        await ann.quiet()
        said = await ann.ok("subscribe", topic="board:1", since=places[1])
        assert said["complete"] is True
        assert await numbers(ann, 1) == [3]
        said = await ann.ok("subscribe", topic="board:1", since="start")
        assert (said["complete"], said["state"]) == (False, {"topic": "1"})
        assert await numbers(ann, 1) == [3]


async def test_who_falls_behind_what_is_kept_is_told(site):
    """A reader who stands still while what he has not read is thrown away."""
    (place, *_) = await publish(site, *range(2000))
    budget = site.server._budget
    async with site.connect("ann") as ann:
        before, budget.limit = budget.limit, 1
        budget.used += 10  # all outboxes together are full
        assert (await ann.ok("subscribe", topic="board:1", since=place))["complete"] is True
        await site.server.write(lambda tx: pruned_upto(tx, 1500))
        budget.limit = before
        budget.used -= 10
        budget.look_for_room()
        ended = await ann.next()
        seen = 1
        while "push" in ended:  # the pages that it had read before
            assert ended["push"]["offset"] == seen + 1
            seen, ended = seen + 1, await ann.next()
        assert seen < 1500
        assert ended["id"] is None
        assert ended["topic"] == "board:1"
        assert ended["error"]["code"] == "conflict"
        said = await ann.ok("subscribe", topic="board:1", since=place)
        assert said["complete"] is False
        await ann.quiet()


def pruned_upto(tx, offset):
    """Of the one topic there is."""
    gone = [pruning.Gone(each, 1, BOARD.tenant, "") for each in range(1, offset + 1)]
    for first in range(0, offset, 500):
        pruning.delete(tx, gone[first : first + 500])


# Over restarts


async def test_a_position_survives_restarts(tmp_path):
    async with running_server(modules=[boards()], entry_points=False, folder=tmp_path) as site:
        first, *_ = await publish(site, 1, 2)
    async with running_server(modules=[boards()], entry_points=False, folder=tmp_path) as site:
        await publish(site, 3)
    async with running_server(modules=[boards()], entry_points=False, folder=tmp_path) as site:
        await publish(site, 4)
        async with site.connect("ann") as ann:
            said = await ann.ok("subscribe", topic="board:1", since=first)
            assert said["complete"] is True
            seen = [await ann.push() for _ in range(3)]
            assert [each["data"]["n"] for each in seen] == [2, 3, 4]
            assert len({each["epoch"] for each in seen}) == 3


async def test_after_a_restore_from_an_old_backup(tmp_path):
    async with running_server(modules=[boards()], entry_points=False, folder=tmp_path) as site:
        in_both, *_ = await publish(site, 1, 2)
    shutil.copy(tmp_path / "chat.db", tmp_path / "backup.db")
    async with running_server(modules=[boards()], entry_points=False, folder=tmp_path) as site:
        lost, *_ = await publish(site, 3, 4)
    shutil.copy(tmp_path / "backup.db", tmp_path / "chat.db")
    async with running_server(modules=[boards()], entry_points=False, folder=tmp_path) as site:
        (again,) = await publish(site, 5)
        assert again["offset"] == lost["offset"]  # another message under the same number
        async with site.connect("ann") as ann:
            said = await ann.ok("subscribe", topic="board:1", since=lost)
            assert (said["complete"], said["state"]) == (False, {"topic": "1"})
            await ann.quiet()
            said = await ann.ok("subscribe", topic="board:1", since=in_both)
            assert said["complete"] is True
            assert await numbers(ann, 2) == [2, 5]


async def test_after_a_restore_while_the_old_epoch_ran_on(tmp_path):
    """The backup was taken in the epoch that went on after it."""
    async with running_server(modules=[boards()], entry_points=False, folder=tmp_path) as site:
        in_both, *_ = await publish(site, 1, 2)
        with (
            sqlite3.connect(tmp_path / "chat.db") as source,
            sqlite3.connect(tmp_path / "backup.db") as copy,
        ):
            source.backup(copy)
        lost, *_ = await publish(site, 3)
    (tmp_path / "chat.db").unlink()
    for beside in tmp_path.glob("chat.db-*"):
        beside.unlink()
    shutil.copy(tmp_path / "backup.db", tmp_path / "chat.db")
    async with running_server(modules=[boards()], entry_points=False, folder=tmp_path) as site:
        await publish(site, 4)
        async with site.connect("ann") as ann:
            assert lost["epoch"] == in_both["epoch"]
            said = await ann.ok("subscribe", topic="board:1", since=lost)
            assert said["complete"] is False
            said = await ann.ok("subscribe", topic="board:1", since=in_both)
            assert said["complete"] is True
            assert await numbers(ann, 2) == [2, 4]


async def test_on_a_new_database(tmp_path):
    async with running_server(modules=[boards()], entry_points=False, folder=tmp_path) as site:
        first, *_ = await publish(site, 1, 2)
    (tmp_path / "chat.db").unlink()
    async with running_server(modules=[boards()], entry_points=False, folder=tmp_path) as site:
        await publish(site, 3, 4)
        async with site.connect("ann") as ann:
            said = await ann.ok("subscribe", topic="board:1", since=first)
            assert (said["complete"], said["state"]) == (False, {"topic": "1"})


async def test_the_state_of_a_resumed_list_is_not_read():
    """A provider whose state is dear is asked only where it is needed."""
    asked = []

    class Dear(Board):
        async def snapshot(self, identity, topic):
            asked.append(topic.key)
            return {}

    async with running_server(modules=[plugin_of(Dear())], entry_points=False) as site:
        first, *_ = await publish(site, 1)
        async with site.connect("ann") as ann:
            await ann.ok("subscribe", topic="board:1", since=first)
            assert asked == []
            await ann.ok("subscribe", topic="board:1")
            assert asked == ["1"]


async def test_an_offset_before_its_epoch_is_not_good(tmp_path):
    async with running_server(modules=[boards()], entry_points=False, folder=tmp_path) as site:
        await publish(site, 1, 2)
    async with running_server(modules=[boards()], entry_points=False, folder=tmp_path) as site:
        (last,) = await publish(site, 3)
        async with site.connect("ann") as ann:
            for offset, good in [(1, False), (2, True), (3, True)]:
                since = {"epoch": last["epoch"], "offset": offset}
                said = await ann.ok("subscribe", topic="board:1", since=since)
                assert said["complete"] is good, offset
