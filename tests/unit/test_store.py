"""The store with a real file: numbers, groups, retries, members, epochs, and who is harmed."""

import asyncio
from collections import Counter

import peewee
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.stores import ROOM, Opened, draft, one_group
from tornado_chat.errors import Conflict, SetupError, TooLarge, Unavailable
from tornado_chat.messages import EVERYONE, Audience, Topic
from tornado_chat.store import Rules, Selection, Store
from tornado_chat.store.models import MemberRow, TopicRow
from tornado_chat.store.transaction import qualified

NEWS = Topic("SHOP", "", "news")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "chat.db"


@pytest.fixture
async def opened(path):
    async with Opened(path) as found:
        yield found


async def test_offsets_are_contiguous_and_in_commit_order(opened):
    posted = await asyncio.gather(*(opened.store.append(draft()) for _ in range(1000)))
    assert [each.message.offset for each in posted] == list(range(1, 1001))
    assert opened.offsets == list(range(1, 1001))
    assert opened.store.writer.commits < 100


async def test_numbers_go_on_after_a_restart_in_a_new_epoch(path):
    async with Opened(path) as first:
        one = (await first.store.append(draft())).message
    async with Opened(path) as second:
        assert second.head == 1
        two = (await second.store.append(draft())).message
        assert two.offset == 2
        assert two.epoch != one.epoch
        messages, _ = await second.store.page(ROOM, limit=10)
        assert [each.epoch for each in messages] == [one.epoch, two.epoch]
        assert [each.number for each in messages] == [1, 2]


async def test_work_that_raises_harms_only_its_caller(opened):
    def bad(tx):
        tx.publish(ROOM, {"content": "never"})
        TopicRow.create(tenant="X", kind="x", key="x")
        raise ValueError("no")

    results = await asyncio.gather(
        opened.store.append(draft()),
        opened.store.write(bad),
        opened.store.append(draft()),
        return_exceptions=True,
    )
    assert [results[0].message.offset, results[2].message.offset] == [1, 2]
    assert isinstance(results[1], ValueError)
    assert opened.offsets == [1, 2]
    assert not await opened.store.read(
        lambda: TopicRow.select().where(TopicRow.kind == "x").exists()
    )


@pytest.mark.parametrize("error", [SystemExit(3), StopIteration(), asyncio.CancelledError()])
async def test_work_that_raises_what_no_future_holds_harms_only_its_caller(opened, error):
    def work(tx):
        if tx is not None:
            tx.publish(ROOM, {"content": "undone"})
        raise error

    failed = opened.store.write(work)
    well = opened.store.append(draft())
    text = f"^{type(error).__name__} was raised in work on the database$"
    with pytest.raises(RuntimeError, match=text):
        await asyncio.wait_for(failed, 20)
    assert (await asyncio.wait_for(well, 20)).message.offset == 1
    assert opened.store.writable
    with pytest.raises(RuntimeError, match=text):
        await asyncio.wait_for(opened.store.read(lambda: work(None)), 20)


async def test_a_group_whose_commit_fails_is_redone_one_by_one(path):
    """A deferred constraint shows itself at COMMIT, when it is too late for a savepoint."""

    def tables(tx):
        sql("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        sql("CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")

    def sql(text):
        TopicRow._meta.database.execute_sql(text)

    opened = Opened(path)
    opened.store._database._pragmas.append(("foreign_keys", 1))
    async with opened:
        await opened.store.write(tables)
        results = await asyncio.gather(
            opened.store.append(draft()),
            opened.store.write(lambda tx: sql("INSERT INTO child VALUES (5)")),
            opened.store.append(draft()),
            return_exceptions=True,
        )
        assert [results[0].message.offset, results[2].message.offset] == [1, 2]
        assert isinstance(results[1], Unavailable)
        assert opened.offsets == [1, 2]


async def test_a_key_finds_its_message_also_after_a_restart(path):
    async with Opened(path) as first:
        one = await first.store.append(draft(key="k"))
        assert not one.duplicate
    async with Opened(path) as second:
        again = await second.store.append(draft(key="k"))
        assert again.duplicate
        assert again.message.offset == one.message.offset
        assert again.message.epoch == one.message.epoch
        with pytest.raises(Conflict):
            await second.store.append(draft(key="k", data={"content": "other"}))
        assert second.offsets == []


async def test_two_in_flight_with_one_key_share_one_result(opened):
    posted = await asyncio.gather(*(opened.store.append(draft(key="k")) for _ in range(5)))
    assert {each.message.offset for each in posted} == {1}
    assert [each.duplicate for each in posted] == [False] + [True] * 4


async def test_a_key_whose_work_was_undone_is_free(opened):
    def bad(tx):
        tx.publish(ROOM, {"content": "hello"}, sender="ann", key="k")
        raise ValueError("no")

    async with one_group(opened.store):
        undone, done = opened.store.write(bad), opened.store.append(draft(key="k"))
    with pytest.raises(ValueError, match="no"):
        await undone
    assert not (await done).duplicate
    assert (await opened.store.append(draft(key="k"))).duplicate
    assert opened.offsets == [1]


async def test_keys_are_of_one_person_and_one_topic(opened):
    await opened.store.append(draft(key="k"))
    assert not (await opened.store.append(draft(key="k", sender="bob"))).duplicate
    assert not (await opened.store.append(draft(Topic("SHOP", "room", "2"), key="k"))).duplicate


KEYS_AND_PATHS = st.tuples(st.sampled_from(["ann's", "bob's"]), st.sampled_from(["frame", "post"]))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    posts=st.lists(KEYS_AND_PATHS, max_size=12),
    together=st.booleans(),
    remembered=st.sampled_from([1, 20_000]),
)
async def test_one_frame_pairs_with_one_post_never_two_of_one_path(
    tmp_path_factory, posts, together, remembered
):
    """One after another or in one group, and whatever the writer remembers of the keys."""
    path = tmp_path_factory.mktemp("pairs") / "chat.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tornado_chat.store.retries.SCOPES", remembered)
        async with Opened(path) as found:
            if together:
                async with one_group(found.store):
                    asked = [found.store.append(draft(pair=pair)) for pair in posts]
                posted = [await each for each in asked]
            else:
                posted = [await found.store.append(draft(pair=pair)) for pair in posts]
            assert [each.duplicate for each in posted] == list(second_halves(posts))


def second_halves(posts):
    """Of each post whether it is one."""
    waiting = Counter()
    for key, path in posts:
        other = key, "post" if path == "frame" else "frame"
        yield waiting[other] > 0
        if waiting[other]:
            waiting[other] -= 1
        else:
            waiting[key, path] += 1


async def test_a_pair_must_be_of_one_key_room_and_text_and_soon(path):
    now = [1000.0]
    async with Opened(path, clock=lambda: now[0]) as found:
        await found.store.append(draft(pair=("key", "frame")))
        assert not (await found.store.append(draft(pair=("other", "post")))).duplicate
        assert not (
            await found.store.append(draft(pair=("key", "post"), data={"content": "x"}))
        ).duplicate
        now[0] += 11
        assert not (await found.store.append(draft(pair=("key", "post")))).duplicate


async def test_the_key_of_a_paired_half_makes_its_retry_safe_too(opened):
    first = await opened.store.append(draft(pair=("key", "frame")))
    for _ in range(2):
        again = await opened.store.append(draft(pair=("key", "post"), key="k"))
        assert (again.duplicate, again.message.offset) == (True, first.message.offset)
    with pytest.raises(Conflict):
        await opened.store.append(draft(pair=("key", "post"), key="k", data={"content": "other"}))
    assert opened.offsets == [1]


async def test_too_much_data_is_refused_and_costs_no_number(path):
    async with Opened(path, data_bytes=50) as found:
        with pytest.raises(TooLarge):
            await found.store.append(draft(data={"content": "x" * 50}))
        assert (await found.store.append(draft())).message.offset == 1


async def test_members_unread_and_own_messages_are_arithmetic(opened):
    store = opened.store
    await store.write(lambda tx: tx.members.add(ROOM, ["ann"], read=True))
    await store.write(lambda tx: tx.members.add(ROOM, ["bob"]))
    for sender in ("ann", "ann", "bob"):
        await store.append(draft(sender=sender))

    async def row(user):
        return await store.read(lambda: MemberRow.get(MemberRow.user_id == user))

    ann, bob = await row("ann"), await row("bob")
    assert (ann.read_count, ann.own_after) == (0, 2)
    assert (bob.read_count, bob.own_after) == (None, 1)
    assert await store.write(lambda tx: tx.members.read(ROOM, "ann"))
    ann = await row("ann")
    assert (ann.read_count, ann.own_after) == (3, 0)
    assert not await store.write(lambda tx: tx.members.read(ROOM, "zoe"))


async def test_messages_carry_the_members_of_their_moment(opened):
    store = opened.store
    await store.write(lambda tx: tx.members.add(ROOM, ["ann", "bob"]))
    one = (await store.append(draft())).message
    await store.write(lambda tx: tx.members.remove(ROOM, ["bob"]))
    two = (await store.append(draft())).message
    assert one.members == {"ann", "bob"}
    assert two.members == {"ann"}
    assert await store.members(ROOM) == {"ann"}


async def test_members_that_were_rolled_back_are_not_remembered(opened):
    store = opened.store

    def bad(tx):
        tx.members.add(ROOM, ["eve"])
        tx.publish(ROOM, {})
        raise ValueError("no")

    await store.write(lambda tx: tx.members.add(ROOM, ["ann"]))
    with pytest.raises(ValueError, match="no"):
        await store.write(bad)
    assert (await store.append(draft())).message.members == {"ann"}


async def test_nor_are_they_where_more_topics_are_touched_than_are_remembered(opened, monkeypatch):
    monkeypatch.setattr("tornado_chat.store.transaction.CACHED", 2)

    def bad(tx):
        tx.members.add(ROOM, ["eve"])
        tx.publish(ROOM, {})
        for key in "234":
            tx.publish(Topic("SHOP", "room", key), {}, audience=EVERYONE)
        raise ValueError("no")

    await opened.store.write(lambda tx: tx.members.add(ROOM, ["ann"]))
    with pytest.raises(ValueError, match="no"):
        await opened.store.write(bad)
    assert (await opened.store.append(draft())).message.members == {"ann"}


async def test_what_is_meant_for_a_person_comes_in_pages(opened):
    store = opened.store
    other = Topic("SHOP", "room", "2")
    await store.write(lambda tx: tx.members.add(ROOM, ["ann"]))
    await store.write(lambda tx: tx.members.add(other, ["bob"]))
    for topic, audience in (
        (ROOM, None), (other, None), (NEWS, EVERYONE), (NEWS, Audience(users=frozenset({"bob"}))),
        (NEWS, Audience(users=frozenset({"ann"}), groups=frozenset({"g"}))), (ROOM, None),
    ):  # fmt: skip
        given = {} if audience is None else {"audience": audience}
        await store.append(draft(topic, **given))
    selection = Selection(
        addresses=tuple(qualified("SHOP", each) for each in ("t", "u:ann", "g:g")),
        member=("SHOP", "ann"),
    )
    page = await store.after(0, selection, 2, 6)
    assert [each.offset for each in page.messages] == [1, 3]
    assert page.reached == 3
    page = await store.after(page.reached, selection, 10, 6)
    assert [each.offset for each in page.messages] == [5, 6]
    assert page.reached == 6
    page = await store.after(0, selection, 10, 4)
    assert [each.offset for each in page.messages] == [1, 3]
    assert page.reached == 4


async def test_what_another_process_writes_is_noticed(path):
    async with Opened(path) as server:
        await server.store.append(draft())
        async with Opened(path) as command:
            assert (await command.store.append(draft())).message.offset == 2
        for _ in range(50):
            if any(done.foreign for done in server.committed):
                break
            await asyncio.sleep(0.1)
        assert any(done.foreign for done in server.committed)
        assert (await server.store.append(draft())).message.offset == 3


async def test_no_query_per_message_that_grows(opened, monkeypatch):
    """Statements in the writer for a hundred messages into rooms of 5 and of 500 members."""
    store = opened.store
    big = Topic("SHOP", "room", "big")
    await store.write(lambda tx: tx.members.add(ROOM, [f"u{i}" for i in range(5)]))
    await store.write(lambda tx: tx.members.add(big, [f"u{i}" for i in range(500)]))
    await asyncio.gather(store.append(draft()), store.append(draft(big)))
    database = store._database
    statements = []
    execute = peewee.SqliteDatabase.execute_sql

    def counting(self, sql, params=None):
        statements.append(sql)
        return execute(self, sql, params)

    monkeypatch.setattr(type(database), "execute_sql", counting)

    async def cost(topic):
        statements.clear()
        await store.append(draft(topic, sender="u1"))
        return len(statements)

    assert await cost(ROOM) == await cost(big) <= 8


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("sqlite:///:memory:", "name a file"),
        ("sqlite:////nowhere/at/all/chat.db", "is not there"),
        ("sqlite:////tmp/chat.db?odd=1", "odd"),
        ("mysql://x/y", "sqlite:/// files only"),
        ("sqlite://chat.db", "sqlite"),
    ],
)
async def test_a_url_that_cannot_be_is_said(url, text):
    with pytest.raises(SetupError, match=text):
        await Store(url, "full", Rules(), lambda done: None).start()


async def test_the_file_is_for_its_owner_alone(path):
    async with Opened(path) as found:
        await found.store.append(draft())
        modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.glob("chat.db*")}
    assert modes == {"chat.db": 0o600, "chat.db-wal": 0o600, "chat.db-shm": 0o600}


async def test_a_file_that_is_no_database_is_said(path):
    path.write_text("this is a letter, not a database, and long enough to be looked at twice")
    with pytest.raises(SetupError, match="file is not a database"):
        await Store(f"sqlite:///{path}", "full", Rules(), lambda done: None).start()


async def test_a_closed_store_refuses(path):
    async with Opened(path) as found:
        store = found.store
    with pytest.raises(Unavailable):
        await store.append(draft())
    with pytest.raises(Unavailable):
        await store.read(lambda: None)


@pytest.mark.parametrize("odd", [{1, 2}, object(), 2**80])
async def test_data_that_is_no_json_harms_only_its_sender(opened, odd):
    """A plugin's mistake: the writer must outlive it."""
    failing = opened.store.append(draft(data={"content": odd}))
    good = opened.store.append(draft())
    with pytest.raises(TypeError):
        await asyncio.wait_for(failing, 2)
    assert (await asyncio.wait_for(good, 2)).message.offset == 1
    assert opened.offsets == [1]
