"""Retention on a real file: what goes, what stays, in steps between which writers write."""

import asyncio
import contextlib
import logging
import re
import time
from datetime import timedelta

import pytest

from support.boards import owner
from support.queries import counted_queries, explained
from support.stores import ROOM, Opened, draft, sql
from tornado_chat import config, retention
from tornado_chat.messages import EVERYONE, Audience, Topic
from tornado_chat.plugins.providers import Asked, Registry
from tornado_chat.retention import ALL, Keep, Retention, is_bounded, keep_of
from tornado_chat.store import pruning
from tornado_chat.store.models import (
    AddressPrunedRow,
    AddressRow,
    MemberRow,
    MessageRow,
    TopicRow,
    current_database,
)
from tornado_chat.store.transaction import qualified
from tornado_chat.topics import TopicProvider

NEWS = Topic("SHOP", "", "news")
DAY = 86_400


class Rooms(TopicProvider):
    kind = "room"


class Noted(TopicProvider):
    """Remembers what it was told, and the head of the log as it was told."""

    kind = ""

    def __init__(self):
        self.told = []
        self.heads = []
        self.wrong = None

    def pruned_in(self, tx, messages):
        if self.wrong:
            raise self.wrong
        self.told.append(messages)
        self.heads.append(tx.head)


class Clock:
    """Seconds since 1970, moved by hand."""

    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


class House:
    """A store, with providers and a policy that may be changed."""

    def __init__(self, path, *providers, **policy):
        self.clock = Clock()
        self.opened = Opened(path, clock=self.clock)
        registry = Registry()
        for provider in providers:
            registry.add(provider, owner(f"plugin-{provider.kind}"))
        self.policy = self.say(**policy)
        self.upto = 10**9
        self.retention = Retention(
            self.opened.store, registry, lambda: self.policy, lambda: self.upto
        )
        self.run = self.retention.run

    def say(self, **policy):
        self.policy = config.build({"retention": policy}).retention
        return self.policy

    @property
    def store(self):
        return self.opened.store

    async def post(self, count, topic=ROOM, **given):
        posted = await asyncio.gather(
            *(self.store.append(draft(topic, **given)) for _ in range(count))
        )
        return [each.message for each in posted]

    async def kept(self, topic=ROOM):
        found, _ = await self.store.page(topic, after=0, limit=100_000)
        return [each.number for each in found]

    async def pruned(self, topic=ROOM):
        return await self.store.read(
            lambda: TopicRow.get(TopicRow.kind == topic.kind, TopicRow.key == topic.key).pruned
        )

    async def rows(self, model):
        return await self.store.read(lambda: list(model.select().tuples()))

    async def __aenter__(self):
        await self.opened.__aenter__()
        return self

    async def __aexit__(self, *error):
        await self.opened.__aexit__(*error)


@pytest.fixture
async def house(tmp_path):
    """house(providers…, **policy): started; stopped at the end."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(*providers, name="chat.db", **policy):
            return await stack.enter_async_context(House(tmp_path / name, *providers, **policy))

        yield start


# Which policy holds


@pytest.mark.parametrize(
    ("topic", "history", "expected"),
    [
        ("room:1", None, Keep(5, 2 * DAY * 1000)),
        ("room:100205", None, Keep(None, 2 * DAY * 1000)),
        ("orders:A", None, Keep(None, 9 * DAY * 1000)),
        ("orders:A", 40, Keep(40, None)),
        ("orders:A", timedelta(hours=1), Keep(None, 3_600_000)),
        ("room:1", 40, Keep(5, 2 * DAY * 1000)),
        ("all:1", 40, ALL),
        ("OrderUpdate", 40, Keep(7, None)),
        ("Other", None, Keep(None, 9 * DAY * 1000)),
    ],
)
def test_the_closest_word_holds_then_the_provider_then_the_rest(topic, history, expected):
    said = config.build(
        {
            "retention": {
                "days": 9,
                "room": {"messages": 5, "days": 2},
                "room:100205": {"days": 2, "messages": 0},
                "OrderUpdate": {"messages": 7, "days": 0},
                "all": {"messages": 0, "days": 0},
            }
        }
    ).retention
    assert keep_of(Topic.parse("SHOP", topic), said, history) == expected


@pytest.mark.parametrize(
    ("kind", "said", "history", "expected"),
    [
        ("room", {}, None, False),
        ("room", {"days": 1}, None, True),
        ("room", {"days": 0.0000000001}, None, True),
        ("room", {"room": {"messages": 1}}, None, True),
        ("room", {"room:5": {"messages": 1}}, None, True),
        ("room", {"rooms": {"messages": 1}, "News": {"days": 1}}, None, False),
        ("", {"room:5": {"messages": 1}}, None, False),
        ("", {"News": {"messages": 1}}, None, True),
        ("room", {}, 5, True),
        ("room", {}, 0, True),
        ("room", {"room": {"days": 0}}, 5, False),
        ("room", {"days": 1, "room": {"days": 0}}, None, False),
    ],
)
def test_a_kind_of_which_all_is_kept_is_not_even_looked_at(kind, said, history, expected):
    assert is_bounded(kind, config.build({"retention": said}).retention, history) is expected


# What goes, and what stays


async def test_by_default_all_is_kept_and_nothing_is_asked(house):
    at = await house(Rooms())
    await at.post(5)
    at.clock.now += 10_000 * DAY
    reads = at.store.reads
    assert (await at.run()).messages == 0
    assert at.store.reads == reads
    assert await at.kept() == [1, 2, 3, 4, 5]


async def test_the_newest_are_kept_by_count(house):
    at = await house(Rooms(), messages=3)
    other = Topic("OTHER", "room", "1")
    messages = await at.post(1300)
    await at.post(3, other)
    done = await at.run()
    assert (done.messages, done.topics) == (1297, {1})
    assert await at.kept() == [1298, 1299, 1300]
    assert await at.kept(other) == [1, 2, 3]
    assert await at.store.read(lambda: TopicRow.get_by_id(1).pruned) == messages[1296].offset
    assert await at.store.read(lambda: TopicRow.get_by_id(2).pruned) == 0
    assert (await at.run()).steps == 0


async def test_what_is_too_old_goes_by_age(house):
    at = await house(Rooms(), days=2)
    await at.post(3)
    at.clock.now += 1.5 * DAY
    await at.post(2)
    assert (await at.run()).messages == 0
    at.clock.now += 0.5 * DAY
    reads = at.store.reads
    assert (await at.run()).messages == 0  # not older than two days, to the millisecond
    assert at.store.reads == reads + 1
    at.clock.now += 0.01
    assert (await at.run()).messages == 3
    assert await at.kept() == [4, 5]
    at.clock.now += 30 * DAY
    await at.run()
    assert await at.kept() == []
    assert await at.pruned() == 5


async def test_age_is_counted_to_the_millisecond(house):
    at = await house(Rooms(), days=1)
    for _ in range(3):
        await at.post(1)
        at.clock.now += 1
    at.clock.now += DAY - 2  # the second is now exactly a day old
    await at.run()
    assert await at.kept() == [2, 3]


async def test_count_and_age_both_hold(house):
    at = await house(Rooms(), days=1, messages=4)
    await at.post(3)
    at.clock.now += 2 * DAY
    await at.post(3)
    await at.run()
    assert await at.kept() == [4, 5, 6]
    await at.post(5)
    await at.run()
    assert await at.kept() == [8, 9, 10, 11]


async def test_a_message_of_a_clock_that_went_wrong_keeps_those_behind_it(house):
    """Nothing that is not too old by its own time is thrown away, so that what is kept has no
    holes."""
    at = await house(Rooms(), days=1)
    await at.post(2)
    at.clock.now += 100 * DAY
    await at.post(1)
    at.clock.now -= 100 * DAY
    await at.post(2)
    at.clock.now += 2 * DAY
    assert (await at.run()).messages == 2
    assert await at.kept() == [3, 4, 5]


async def test_kinds_and_topics_have_policies_of_their_own(house):
    policy = {"messages": 4, "room": {"messages": 2}, "room:7": {"messages": 0}}
    at = await house(Rooms(), Noted(), **policy, news={"messages": 1})
    seven, other = Topic("SHOP", "room", "7"), Topic("SHOP", "", "other")
    for topic in (ROOM, seven, NEWS, other):
        await at.post(5, topic)
    await at.run()
    assert await at.kept() == [4, 5]
    assert await at.kept(seven) == [1, 2, 3, 4, 5]
    assert await at.kept(NEWS) == [5]
    assert await at.kept(other) == [2, 3, 4, 5]


async def test_a_provider_says_how_much_is_kept_of_its_own(house):
    class Few(TopicProvider):
        kind = "few"
        history = 2

    class Short(TopicProvider):
        kind = "short"
        history = timedelta(minutes=5)

    class Nothing(TopicProvider):
        kind = "nothing"
        history = 0  # what is there is from before it said so

    at = await house(Few(), Short(), Nothing(), Rooms())
    topics = [Topic("SHOP", kind, "1") for kind in ("few", "short", "nothing", "room")]
    for topic in topics:
        await at.post(3, topic)
    await at.run()
    assert [await at.kept(topic) for topic in topics] == [[2, 3], [1, 2, 3], [], [1, 2, 3]]
    at.clock.now += 301
    await at.run()
    assert [await at.kept(topic) for topic in topics] == [[2, 3], [], [], [1, 2, 3]]


async def test_topics_whose_plugin_is_not_there_are_left_alone(house):
    """It may keep rows beside its messages, and nobody could tell it."""
    at = await house(Rooms(), messages=1)
    gone = Topic("SHOP", "gone", "1")
    await at.post(5, gone)
    await at.post(5)
    await at.run()
    assert (await at.kept(gone), await at.kept()) == ([1, 2, 3, 4, 5], [5])


async def test_nothing_that_somebody_still_has_to_read_is_thrown_away(house):
    """Above the hub's mark, or a consumer's position."""
    at = await house(Rooms(), messages=1)
    await at.post(600)
    at.upto = 550
    assert (await at.run()).messages == 550
    assert (await at.kept())[0] == 551
    at.upto = 10**9
    await at.run()
    assert await at.kept() == [600]


async def test_a_changed_policy_holds_at_the_next_run(house):
    at = await house(Rooms(), messages=4)
    await at.post(5)
    await at.run()
    at.say(messages=2)
    await at.run()
    assert await at.kept() == [4, 5]
    at.say()
    await at.post(5)
    await at.run()
    assert len(await at.kept()) == 7


# What hangs on a message


async def test_addresses_go_with_their_messages_and_say_up_to_where(house):
    at = await house(Noted(), messages=2)
    audiences = [
        EVERYONE,
        Audience(groups=frozenset({"g"}), users=frozenset({"ann", "bob"})),
        Audience(users=frozenset({"ann"})),
        Audience(),
        EVERYONE,
        Audience(users=frozenset({"bob"})),
    ]
    await at.post(1, Topic("SHOP", "room", "x"), audience=EVERYONE)
    for audience in audiences:
        await at.post(1, NEWS, audience=audience)
    await at.run()
    assert set(await at.rows(AddressRow)) == {
        (qualified("SHOP", "t"), 1),
        (qualified("SHOP", "t"), 6),
        (qualified("SHOP", "u:bob"), 7),
    }
    assert set(await at.rows(AddressPrunedRow)) == {
        (qualified("SHOP", "t"), 2),
        (qualified("SHOP", "g:g"), 3),
        (qualified("SHOP", "u:ann"), 4),
        (qualified("SHOP", "u:bob"), 3),
    }
    assert await at.pruned(NEWS) == 5
    await at.post(2, NEWS, audience=Audience(users=frozenset({"ann"})))
    await at.run()
    assert (qualified("SHOP", "t"), 6) in await at.rows(AddressPrunedRow)


async def test_what_people_have_read_and_the_counts_stay(house):
    at = await house(Rooms(), messages=2)
    await at.store.write(lambda tx: tx.members.add(ROOM, ["ann", "bob"]))
    await at.post(3, sender="ann")
    await at.store.write(lambda tx: tx.members.read(ROOM, "bob"))
    await at.post(4, sender="ann")
    before = await at.rows(MemberRow), await at.rows(TopicRow)
    await at.run()
    members, [topic] = await at.rows(MemberRow), await at.rows(TopicRow)
    assert members == before[0]
    assert topic[:-1] == before[1][0][:-1]
    assert (topic[-3:], await at.kept()) == ((7, 7, 5), [6, 7])
    assert (await at.post(1))[0].number == 8


async def test_pages_know_that_there_is_no_more(house):
    at = await house(Rooms(), messages=3)
    messages = await at.post(10)
    await at.run()
    found, more = await at.store.page(ROOM, limit=3)
    assert ([each.number for each in found], more) == ([8, 9, 10], False)
    assert await at.store.page(ROOM, before=messages[7].offset, limit=3) == ([], False)
    found, more = await at.store.page(ROOM, after=messages[1].offset, limit=2)
    assert ([each.number for each in found], more) == ([8, 9], True)
    assert await at.store.get(messages[0].offset) is None


async def test_a_retry_of_what_is_gone_is_answered_and_does_not_bring_it_back(house):
    at = await house(Rooms(), messages=1)
    [first] = await at.post(1, key="k")
    await at.post(2)
    await at.run()
    posted = await at.store.append(draft(key="k"))
    assert (posted.duplicate, posted.message.offset) == (True, first.offset)
    assert await at.kept() == [3]


async def test_a_provider_is_told_what_goes_in_the_transaction_that_deletes(house):
    noted = Noted()
    at = await house(noted, Rooms(), messages=1)
    await at.post(5, NEWS, data={"text": "hello"})
    await at.post(5)
    await at.run()
    [messages] = noted.told
    assert [each.number for each in messages] == [1, 2, 3, 4]
    assert (messages[0].topic, messages[0].data) == (NEWS, {"text": "hello"})


async def test_where_a_provider_fails_its_messages_stay_and_others_go(house, logs):
    logs.expect("plugin 'plugin-' failed in topic.pruned_in: ValueError")
    noted = Noted()
    at = await house(noted, Rooms(), messages=1)
    for topic in (NEWS, ROOM):
        await at.post(5, topic, data={"text": "secret"}, audience=EVERYONE)
    noted.wrong = ValueError("secret")
    await at.run()
    assert (await at.kept(NEWS), await at.pruned(NEWS)) == ([1, 2, 3, 4, 5], 0)
    assert (await at.kept(), await at.pruned()) == ([5], 9)
    assert len(await at.rows(AddressRow)) == 6
    assert "secret" not in logs.text
    await at.post(1, NEWS)  # what the writer remembers of the topic is still true
    noted.wrong = None
    await at.run()
    assert (await at.kept(NEWS), await at.pruned(NEWS)) == ([6], 5)


async def test_the_writers_memory_does_not_take_back_what_was_written_down(house):
    at = await house(Rooms(), messages=1)
    await at.post(5)
    await at.run()
    await at.post(5)
    assert await at.pruned() == 4

    def undone(tx):
        tx.publish(ROOM, {})
        tx.flush()
        raise ValueError

    with pytest.raises(ValueError):
        await at.store.write(undone)
    await at.post(1)
    assert await at.pruned() == 4
    await at.run()
    assert (await at.pruned(), await at.kept()) == (10, [11])


# Steps


async def test_writers_go_on_while_much_is_deleted(house):
    """50,000 messages: between the steps others are committed and answered, all the way through."""
    noted = Noted()
    at = await house(noted, messages=100)
    for _ in range(10):
        await at.post(5000, NEWS)
    done, answered = False, []

    async def publish():
        while not done:
            answered.append((await at.post(1, ROOM))[0].offset)

    writer = asyncio.create_task(publish())
    found = await at.run()
    done = True
    await writer
    assert found.messages == 49_900
    assert max(len(messages) for messages in noted.told) <= retention.STEP_MAX
    assert len(noted.told) == found.steps >= 100
    # the head as each step saw it: between two steps something was published
    rises = sum(after > before for before, after in zip(noted.heads, noted.heads[1:], strict=False))
    assert rises >= found.steps / 2
    assert len(answered) >= rises
    assert await at.kept() == list(range(1, len(answered) + 1))


async def test_steps_begin_small_and_shrink_where_they_take_long(house, monkeypatch):
    noted = Noted()
    at = await house(noted, messages=1)
    monkeypatch.setattr(retention, "STEP_SECONDS", 60)
    await at.post(1001, NEWS)
    await at.run()
    assert [len(messages) for messages in noted.told] == [8, 16, 32, 64, 128, 256, 496]
    noted.told.clear()
    monkeypatch.setattr(retention, "STEP_SECONDS", 0)
    await at.post(16, NEWS)
    await at.run()
    assert [len(messages) for messages in noted.told] == [8, 4, 2, 1, 1]


async def test_after_each_step_there_is_a_rest(house, monkeypatch):
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 0.05)
    at = await house(Rooms(), messages=1)
    await at.post(50)
    began = time.monotonic()
    done = await at.run()
    assert time.monotonic() - began >= done.steps * 0.05 >= 0.15


async def test_a_run_that_was_interrupted_is_continued_by_the_next_server(tmp_path):
    path = tmp_path / "chat.db"
    noted = Noted()
    reached = asyncio.Event()
    async with House(path, noted, messages=10) as at:
        await at.post(5000, NEWS, audience=EVERYONE)
        loop = asyncio.get_running_loop()
        told = noted.pruned_in

        class Told(Noted):
            def pruned_in(self, tx, messages):
                told(tx, messages)
                loop.call_soon_threadsafe(reached.set)

        at.retention._registry._asked[""] = Asked(Told(), owner("told"))
        running = asyncio.create_task(at.run())
        await reached.wait()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    async with House(path, noted, messages=10) as at:
        kept = await at.kept(NEWS)
        assert 10 < len(kept) < 5000
        assert kept == list(range(5001 - len(kept), 5001))
        assert await at.pruned(NEWS) == kept[0] - 1
        assert await at.rows(AddressPrunedRow) == [(qualified("SHOP", "t"), kept[0] - 1)]
        await at.run()
        assert await at.kept(NEWS) == list(range(4991, 5001))
        assert len(await at.rows(AddressRow)) == 10
    assert [each.number for messages in noted.told for each in messages] == list(range(1, 4991))


async def test_the_log_has_one_line_a_run_with_counts(house, monkeypatch, logs):
    monkeypatch.setattr(retention, "STEP_SECONDS", 60)
    at = await house(Rooms(), messages=1)
    await at.post(30)
    await at.run()
    await at.run()
    lines = [record for record in logs.records if record.getMessage().startswith("retention:")]
    assert [record.levelno for record in lines] == [logging.INFO]
    assert re.fullmatch(
        r"retention: deleted 29 messages of 1 topics in 3 steps, \d+\.\d s", lines[0].getMessage()
    )


async def test_it_runs_by_itself_soon_after_the_start_and_when_it_is_asked(house, monkeypatch):
    monkeypatch.setattr(retention, "FIRST_SECONDS", 0.01)
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Told(TopicProvider):
        kind = ""

        def pruned_in(self, tx, messages):
            tx.defer(told.set)

    at = await house(Told(), messages=1)
    await at.post(3, NEWS)
    running = loop.create_task(at.retention.forever(1))
    await asyncio.wait_for(told.wait(), 10)
    told.clear()
    await at.post(3, NEWS)
    at.retention.soon()
    await asyncio.wait_for(told.wait(), 10)
    reads = at.store.reads
    for _ in range(100):
        await asyncio.sleep(0.001)
    assert at.store.reads <= reads + 1  # once, not over and over
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_a_store_in_trouble_ends_the_run_and_not_the_task(house, monkeypatch, logs):
    logs.expect("retention: goes on in some minutes")
    monkeypatch.setattr(retention, "FIRST_SECONDS", 0)
    at = await house(Rooms(), messages=1)
    await at.post(3)
    await at.store.stop()
    running = asyncio.create_task(at.retention.forever(1))
    while "goes on" not in logs.text:
        await asyncio.sleep(0)
    assert not running.done()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


# What is asked of the database


async def test_a_step_asks_as_much_whatever_it_deletes(house):
    at = await house(Noted(), messages=1)
    counts = []
    for many in (3, 300):
        for number in range(many):
            await at.post(3, Topic("SHOP", "", f"n{number}"), audience=EVERYONE)
        excess = [pruning.Excess(number, 10**9, 0) for number in range(1, many + 1)]

        def step(tx, excess=excess):
            with counted_queries() as queries:
                gone = pruning.next_gone(excess, 10**9, 500)
                pruning.delete(tx, gone)
            return len(gone), [text.split(" ", 1)[0] for text in queries.all]

        counts.append(await at.store.write(step))
    assert [deleted for deleted, _ in counts] == [9, 500]
    assert counts[0][1] == counts[1][1]
    assert len(counts[0][1]) == 4


async def test_no_statement_walks_the_log_or_the_addresses(house):
    at = await house(Noted(), Rooms(), days=1, messages=50)
    for number in range(3):
        await at.post(100, Topic("SHOP", "", f"n{number}"), audience=EVERYONE)
    await at.post(100)
    with explained() as plans:
        await at.run()
    verbs = {text.split(" ", 1)[0] for text in plans.statements}
    assert verbs == {"SELECT", "WITH", "DELETE", "UPDATE", "INSERT"}
    assert not plans.walked({"message", "address", "topic", "address_pruned"})
    assert plans.searched('DELETE FROM "address"') == {"address=? AND offset=?"}
    assert plans.searched('DELETE FROM "message"') == {"rowid=?"}


async def test_a_topic_that_is_not_due_costs_one_look_at_its_oldest_message(house):
    """Whatever it holds: counted in steps of SQLite's machine."""
    at = await house(Rooms(), messages=100_000, days=30)

    def work():
        connection = current_database.get().connection()
        steps = 0

        def tick():
            nonlocal steps
            steps += 1

        connection.set_progress_handler(tick, 10)
        try:
            pruning.oldest(["room"], 0, 500)
            assert pruning.next_gone([pruning.Excess(1, 0, 5)], 10**9, 500) == []
        finally:
            connection.set_progress_handler(None, 0)
        return steps

    await at.post(10)
    few = await at.store.read(work)
    await at.post(5000)
    assert await at.store.read(work) <= few + 2


async def test_topics_are_looked_at_page_by_page(house, monkeypatch):
    monkeypatch.setattr(retention, "TOPICS", 3)
    at = await house(Rooms(), messages=1)
    topics = [Topic("SHOP", "room", f"r{number}") for number in range(10)]
    for topic in topics:
        await at.post(2, topic)
    done = await at.run()
    assert len(done.topics) == 10
    assert [await at.kept(topic) for topic in topics] == [[2]] * 10
    assert await at.store.read(lambda: MessageRow.select().count()) == 10
    assert await at.store.read(lambda: sql("PRAGMA integrity_check").fetchone()[0]) == "ok"


@pytest.mark.parametrize("history", [-1, timedelta(days=-1), "5 days", 1.5])
def test_a_history_that_means_nothing_stops_the_start(history):
    class Odd(TopicProvider):
        kind = "odd"

    Odd.history = history
    with pytest.raises(Exception, match="expected None, a number of messages, or a timedelta"):
        Registry().add(Odd(), owner("odd"))
