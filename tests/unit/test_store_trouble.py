"""The store in trouble, with a real file: full disks, odd data, faults of others. Whoever made the
mistake is harmed, and nobody else; what is not in the log was never said."""

import asyncio
import sqlite3

import peewee
import pytest

from support.stores import ROOM, Opened, draft, no_space_left, one_group, space_again, sql
from tornado_chat.errors import Unavailable
from tornado_chat.messages import Topic
from tornado_chat.store.models import MemberRow


@pytest.fixture
def path(tmp_path):
    return tmp_path / "chat.db"


@pytest.fixture
async def opened(path):
    async with Opened(path, data_bytes=0) as found:
        yield found


async def in_the_log(opened):
    messages, more = await opened.store.page(ROOM, limit=200)
    assert not more
    return [message.offset for message in messages]


def too_much(tx):
    tx.publish(ROOM, {"content": "x" * 1_000_000})


def rolled_back(_tx):
    """What SQLITE_FULL, SQLITE_IOERR and a conflict may do: the transaction is gone."""
    sql("INSERT OR ROLLBACK INTO log_head (id, offset) VALUES (1, 0)")


@pytest.mark.parametrize("trouble", [too_much, rolled_back])
async def test_what_the_database_undid_is_neither_answered_nor_handed_over(path, caplog, trouble):
    async with Opened(path, data_bytes=0) as first:
        await first.store.append(draft())
        if trouble is too_much:
            await no_space_left(first.store)
        async with one_group(first.store):
            asked = [
                first.store.append(draft()),
                first.store.write(trouble),
                first.store.append(draft()),
            ]
        posted = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(posted[1], Exception)
        said = [each.message.offset for each in posted if not isinstance(each, Exception)]
        assert first.offsets == [1, *said] == await in_the_log(first)
        assert await first.store.head() == first.offsets[-1]
        if trouble is too_much:
            await space_again(first.store)
        before = len(first.offsets)
        assert (await first.store.append(draft())).message.offset == before + 1
        assert (await first.store.append(draft())).message.number == before + 2
    async with Opened(path) as second:
        assert (await second.store.append(draft())).message.offset == before + 3
        assert await in_the_log(second) == list(range(1, before + 4))
    assert "database" in caplog.text


async def test_a_deferred_function_that_raises_harms_nobody(opened, caplog):
    told = []

    def work(tx):
        tx.publish(ROOM, {})
        tx.defer(lambda: told.append("before"))
        tx.defer(lambda: 1 / 0)
        tx.defer(lambda: told.append("after"))
        return "done"

    async with one_group(opened.store):
        asked = [opened.store.write(work), opened.store.append(draft())]
    async with asyncio.timeout(3):
        answer, posted = await asyncio.gather(*asked)
    assert answer == "done"
    assert posted.message.offset == 2
    assert opened.offsets == [1, 2]
    assert told == ["before", "after"]
    assert "ZeroDivisionError" in caplog.text


async def test_whoever_is_told_at_once_is_told_whatever_becomes_of_it(opened):
    told = []

    def append():
        commit = opened.store.append(draft())
        commit.at_once = told.append
        return commit

    given_up = append()
    given_up.cancel()
    written = append()
    await written
    opened.store.writer.close()
    late = append()
    with pytest.raises(Unavailable):
        await late
    assert told == [given_up, written, late]


@pytest.mark.parametrize(
    "odd",
    [
        {"sender_name": "\ud800"},
        {"sender": "\ud800"},
        {"key": "\ud800"},
        {"topic": Topic("SHOP", "room", "\ud800")},
        {"pair": ("\ud800", "post")},
    ],
)
async def test_text_that_no_database_takes_harms_only_its_sender(opened, odd, caplog):
    """Half a surrogate pair: legal in JSON and in Python, not in UTF-8."""
    async with one_group(opened.store):
        asked = [
            opened.store.append(draft()),
            opened.store.append(draft(**odd)),
            opened.store.append(draft()),
        ]
    async with asyncio.timeout(3):
        first, bad, last = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(bad, Exception)
        assert [first.message.offset, last.message.offset] == [1, 2]
        assert opened.offsets == [1, 2] == await in_the_log(opened)
        assert (await opened.store.append(draft())).message.offset == 3


async def test_what_another_process_wrote_is_told_even_if_the_transaction_fails(path, caplog):
    """A deferred constraint shows itself at COMMIT, when the change has been noticed already."""

    def tables(_tx):
        sql("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        sql("CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")

    opened = Opened(path)
    opened.store._database._pragmas.append(("foreign_keys", 1))
    async with opened:
        await opened.store.write(tables)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO parent VALUES (1)")
        failing = opened.store.write(lambda _tx: sql("INSERT INTO child VALUES (5)"))
        await asyncio.sleep(0.1)  # the writer waits for the other's commit by now
        other.execute("COMMIT")
        other.close()
        with pytest.raises(Unavailable):
            await failing
        await opened.store.append(draft())
        assert any(done.foreign for done in opened.committed)


async def test_work_that_raises_costs_the_others_no_query(opened, monkeypatch):
    store = opened.store
    rooms = [Topic("SHOP", "room", str(number)) for number in range(20)]
    await store.write(lambda tx: [tx.members.add(room, ["ann"]) for room in rooms])
    await asyncio.gather(*(store.append(draft(room)) for room in rooms))
    statements = []
    execute = peewee.SqliteDatabase.execute_sql

    def counting(self, sql, params=None):
        statements.append(sql)
        return execute(self, sql, params)

    monkeypatch.setattr(type(store._database), "execute_sql", counting)

    async def cost():
        statements.clear()
        async with one_group(store):
            asked = [store.append(draft(room)) for room in rooms]
        await asyncio.gather(*asked)
        return len(statements)

    def refused(_tx):
        raise ValueError("no")

    usual = await cost()
    with pytest.raises(ValueError, match="no"):
        await store.write(refused)
    assert await cost() == usual


async def test_work_that_raises_leaves_no_number_of_its_own_behind(opened):
    """What is remembered of the topics it had in its hands is looked up again."""
    other = Topic("SHOP", "room", "2")

    def refused(tx):
        tx.members.add(ROOM, ["eve"])
        tx.publish(ROOM, {})
        tx.publish(other, {})
        raise ValueError("no")

    await opened.store.write(lambda tx: tx.members.add(ROOM, ["ann"]))
    await asyncio.gather(opened.store.append(draft()), opened.store.append(draft(other)))
    with pytest.raises(ValueError, match="no"):
        await opened.store.write(refused)
    posted = await asyncio.gather(opened.store.append(draft()), opened.store.append(draft(other)))
    assert [each.message.number for each in posted] == [2, 2]
    assert posted[0].message.members == {"ann"}
    rows = await opened.store.read(lambda: [row.user_id for row in MemberRow.select()])
    assert rows == ["ann"]
