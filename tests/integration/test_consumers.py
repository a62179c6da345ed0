"""Plugins' consumers in a real server: every message at least once, in order, whatever happens."""

import asyncio
import contextlib
import itertools
import sqlite3
import time

import pytest

from support.consumers import (
    BOARD,
    Diary,
    Written,
    caught_up,
    publish,
    runner,
    until,
    written,
)
from support.server import running_server
from support.stores import no_space_left, space_again
from tornado_chat import Consumer, SetupError, Topic, consumers, consuming, hookimpl
from tornado_chat.plugins import breaker


def running(diary, folder=None):
    return running_server(modules=[diary.module], entry_points=False, folder=folder)


def failed(site, consumer):
    """How many calls of it have."""
    return site.server.plugins.get("given").calls[f"consumer.{consumer}"].failures


@pytest.fixture
def hurried(monkeypatch):
    """Pauses are short."""
    monkeypatch.setattr(breaker, "FIRST_SECONDS", 0.02)
    monkeypatch.setattr(consuming, "RETRY_SECONDS", 0.05)


async def test_under_load_each_gets_every_message_once_and_in_order(monkeypatch):
    monkeypatch.setattr(consuming, "PAGE", 20)
    diary = Diary().add("rows", "write").add("calls", "handle")
    async with running(diary) as site:

        async def talk(who):
            return [await publish(site, f"{who} {n}") for n in range(60)]

        await asyncio.gather(*(talk(who) for who in range(5)))
        offsets = list(range(1, 301))
        await caught_up(site, "rows", 300)
        await caught_up(site, "calls", 300)
        assert await written(site, "rows") == offsets
        assert diary.handled["calls"] == offsets


async def test_a_page_is_one_transaction(monkeypatch, tmp_path):
    monkeypatch.setattr(consuming, "JOB_SECONDS", 5.0)
    async with running(Diary(), tmp_path) as site:
        await asyncio.gather(*(publish(site, "hello") for _ in range(250)))
    diary, transactions = Diary(), []

    def write(tx, message):
        if tx not in transactions:
            transactions.append(tx)

    diary.consumers.append(Consumer("rows", write=write, start="start"))
    async with running(diary, tmp_path) as site:
        await caught_up(site, "rows", 250)
        assert len(transactions) == 3
        assert (runner(site, "rows").reads, runner(site, "rows").read) == (3, 250)


async def test_others_have_their_turn_while_one_writes_slowly(tmp_path):
    async with running(Diary(), tmp_path) as site:
        await asyncio.gather(*(publish(site, "hello") for _ in range(10)))
    diary, transactions = Diary(), []

    def write(tx, message):
        time.sleep(0.03)
        transactions.append(tx)

    diary.consumers.append(Consumer("slow", write=write, start="start"))
    async with running(diary, tmp_path) as site:
        await caught_up(site, "slow", 10)
        assert len(set(transactions)) == 10
        assert runner(site, "slow").read == 10


async def test_what_is_not_of_its_kinds_is_passed_over_and_not_read_again(tmp_path):
    def diary():
        return Diary().add("rows", "write", kinds=["board"]).add("plain", "handle", kinds=[""])

    modules = [diary().module]
    tables = {"plugins": {"disabled": ["chat_rooms", "order_list", "growerp"]}}
    async with running_server(tables, modules, folder=tmp_path) as site:
        others = await publish(site, *("hello" * 3), topic=Topic("SHOP", "", "Plain"))
        ours = await publish(site, "a", "b")
        others += await publish(site, "c", topic=Topic("SHOP", "", "Plain"))
        await caught_up(site, "rows", others[-1])
        await caught_up(site, "plain", others[-1])
        assert await written(site, "rows") == ours
        rows = runner(site, "rows")
        assert rows.read == len(ours)
    async with running_server(tables, [diary().module], folder=tmp_path) as site:
        rows, plain = runner(site, "rows"), runner(site, "plain")
        assert (rows.stored, plain.stored) == (others[-1], others[-1])
        await publish(site, "d")
        await caught_up(site, "plain", others[-1] + 1)
        await caught_up(site, "rows", others[-1] + 1)
        assert (rows.read, plain.read) == (1, 0)


async def test_a_rare_kind_looks_through_a_long_log_in_pieces(monkeypatch, tmp_path):
    monkeypatch.setattr("tornado_chat.store.consumers.SCAN", 10)
    tables = {"plugins": {"disabled": ["chat_rooms", "order_list", "growerp"]}}
    async with running_server(tables, [Diary().module], folder=tmp_path) as site:
        plain = Topic("SHOP", "", "Plain")
        await asyncio.gather(*(publish(site, "x", topic=plain) for _ in range(95)))
        [last] = await publish(site, "rare")
    diary = Diary().add("rows", "write", kinds=["board"], start="start")
    async with running_server(tables, [diary.module], folder=tmp_path) as site:
        await caught_up(site, "rows", last)
        assert await written(site, "rows") == [last]
        assert (runner(site, "rows").reads, runner(site, "rows").read) == (10, 1)


async def test_signals_are_no_messages():
    diary = Diary().add("calls", "handle")
    async with running(diary) as site:
        await site.server.publish(Topic("SHOP", "typing", "1"), {"content": "ann types"})
        [offset] = await publish(site, "hello")
        await caught_up(site, "calls", offset)
        assert diary.handled["calls"] == [offset]


async def test_a_new_consumer_begins_now_or_at_the_start(tmp_path):
    async with running(Diary(), tmp_path) as site:
        old = await publish(site, "a", "b", "c")
    diary = Diary().add("fresh", "handle").add("thorough", "handle", start="start")
    async with running(diary, tmp_path) as site:
        new = await publish(site, "d")
        await caught_up(site, "fresh", new[-1])
        await caught_up(site, "thorough", new[-1])
    assert diary.handled == {"fresh": new, "thorough": old + new}
    again = Diary().add("fresh", "handle", start="start").add("thorough", "handle")
    async with running(again, tmp_path) as site:
        last = await publish(site, "e")
        await caught_up(site, "fresh", last[-1])
        await caught_up(site, "thorough", last[-1])
    assert again.handled == {"fresh": last, "thorough": last}


async def test_what_was_published_while_it_was_not_there_comes_after_the_start(tmp_path):
    async with running(Diary().add("calls", "handle"), tmp_path) as site:
        first = await publish(site, "a")
        await caught_up(site, "calls", first[-1])
    async with running(Diary(), tmp_path) as site:
        missed = await publish(site, "b", "c")
    diary = Diary().add("calls", "handle")
    async with running(diary, tmp_path) as site:
        await caught_up(site, "calls", missed[-1])
    assert diary.handled["calls"] == missed


async def test_nothing_is_read_where_nothing_is_written():
    diary = Diary().add("rows", "write").add("calls", "handle")
    async with running(diary) as site:
        for _ in range(10):
            [last] = await publish(site, "hello")
            await caught_up(site, "rows", last)
            await caught_up(site, "calls", last)
        rows, calls = runner(site, "rows"), runner(site, "calls")
        assert (rows.read, calls.read) == (10, 10)
        # each its first look, one a message, and perhaps one for what came while it read
        assert rows.reads <= 12
        assert calls.reads <= 12
        before = site.server.store.reads
        await asyncio.sleep(0.3)
        assert site.server.store.reads == before


async def test_a_busy_log_is_read_in_pages(monkeypatch):
    monkeypatch.setattr(consuming, "READ_SECONDS", 0.3)
    diary = Diary().add("calls", "handle")
    async with running(diary) as site:
        began = time.monotonic()
        for _ in range(30):
            [last] = await publish(site, "hello")
            await asyncio.sleep(0.005)
        await caught_up(site, "calls", last)
        calls = runner(site, "calls")
        assert calls.reads <= 2 + (time.monotonic() - began) / 0.3
        assert calls.read == 30


# Failures


async def test_a_write_that_fails_is_tried_again_alone_and_nothing_is_skipped(
    monkeypatch, hurried, tmp_path, logs
):
    monkeypatch.setattr(consuming, "JOB_SECONDS", 5.0)
    logs.expect("plugin 'given' failed in consumer.rows: RuntimeError")
    async with running(Diary(), tmp_path) as site:
        await publish(site, *(f"secret {n}" for n in range(7)))
    diary = Diary().add("rows", "write", start="start").add("others", "write", start="start")
    diary.fail("rows.write", 4, times=3)
    async with running(diary, tmp_path) as site:
        await caught_up(site, "others", 7)
        await caught_up(site, "rows", 7)
        assert await written(site, "rows") == list(range(1, 8))
        assert diary.tried["rows.write"] == [1, 2, 3, 4, 1, 2, 3, 4, 4, 4, 5, 6, 7]
        assert diary.tried["others.write"] == list(range(1, 8))
        assert site.server.plugins.get("given").failures == {"consumer.rows": 3}
    assert "secret" not in logs.text
    assert logs.text.count("failed in consumer.rows") == 1
    assert "plugin 'given' consumer rows goes on" in logs.text


async def test_a_handler_that_fails_waits_longer_and_longer(monkeypatch, logs):
    monkeypatch.setattr(breaker, "FIRST_SECONDS", 0.05)
    monkeypatch.setattr(breaker, "LONGEST_SECONDS", 0.2)
    logs.expect("plugin 'given' failed in consumer.calls: RuntimeError")
    diary = Diary()
    times = []

    async def handle(message):
        times.append(time.monotonic())
        if len(times) < 6:
            raise RuntimeError(message.data["content"])

    diary.consumers.append(Consumer("calls", handle))
    async with running(diary) as site:
        [offset] = await publish(site, "secret")
        await caught_up(site, "calls", offset)
        assert site.server.plugins.get("given").failures == {"consumer.calls": 5}
    pauses = [after - before for before, after in itertools.pairwise(times)]
    for pause, due in zip(pauses, [0.05, 0.1, 0.2, 0.2, 0.2], strict=True):
        assert due <= pause < due + 0.15
    assert "secret" not in logs.text


async def test_who_fails_for_ever_holds_up_nobody_else(hurried, logs):
    logs.expect("failed in consumer.broken")
    diary = Diary().add("broken_call", "handle").add("broken_row", "write").add("good", "write")
    diary.fail("broken_call.handle", 1, times=10**9)
    diary.fail("broken_row.write", 1, times=10**9)
    async with running(diary) as site, site.connect("ann") as ann:
        await ann.ok("subscribe", topic="board:1")
        [*_, last] = await publish(site, "a", "b", "c")
        await caught_up(site, "good", last)
        assert [(await ann.push())["offset"] for _ in range(3)] == [1, 2, 3]
        assert runner(site, "broken_call").stored == runner(site, "broken_row").stored == 0
        assert site.server.consumers.lowest() == 0
        assert set(diary.tried["broken_call.handle"]) == {1}
        assert set(diary.tried["broken_row.write"]) == {1}


async def test_a_handler_that_hangs_has_failed(monkeypatch, hurried, logs):
    monkeypatch.setattr(consuming, "HANDLE_SECONDS", 0.05)
    logs.expect("failed in consumer.calls: TimeoutError")
    diary, calls = Diary(), []

    async def handle(message):
        calls.append(message.offset)
        if len(calls) == 1:
            await asyncio.sleep(30)

    diary.consumers.append(Consumer("calls", handle))
    async with running(diary) as site:
        [first, last] = await publish(site, "a", "b")
        await caught_up(site, "calls", last)
        assert calls == [first, first, last]
        assert site.server.plugins.get("given").failures == {"consumer.calls": 1}


async def test_one_that_ignores_its_cancellation_is_ended_before_it_is_called_again(
    monkeypatch, hurried, logs
):
    monkeypatch.setattr(consuming, "HANDLE_SECONDS", 0.05)
    monkeypatch.setattr("tornado_chat.plugins.stepping.CANCEL_SECONDS", 0.05)
    logs.expect("failed in consumer.calls: Stuck")
    diary, let_go, inside, most, calls = Diary(), asyncio.Event(), 0, 0, []

    async def handle(message):
        nonlocal inside, most
        calls.append(message.offset)
        inside += 1
        most = max(most, inside)
        try:
            while not let_go.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await let_go.wait()
        finally:
            inside -= 1

    diary.consumers.append(Consumer("calls", handle))
    async with running(diary) as site:
        [offset] = await publish(site, "a")
        await until(lambda: failed(site, "calls") >= 3)
        let_go.set()
        await caught_up(site, "calls", offset)
        assert (most, inside) == (1, 0)
        assert set(calls) == {offset}


async def test_an_answer_of_write_that_is_awaitable_is_a_failure(hurried, logs):
    logs.expect("failed in consumer.rows: WrongType: gave an awaitable")
    diary = Diary()

    async def later():
        """Nobody would wait for it."""

    diary.consumers.append(Consumer("rows", write=lambda _tx, _message: later()))
    async with running(diary) as site:
        await publish(site, "a")
        await until(lambda: failed(site, "rows") >= 2)
        assert runner(site, "rows").stored == 0


async def test_handle_comes_first_and_not_again_where_write_fails(hurried, logs):
    logs.expect("failed in consumer.both: RuntimeError")
    diary = Diary().add("both", "handle", "write")
    diary.fail("both.write", 2, times=2)
    async with running(diary) as site:
        [*_, last] = await publish(site, "a", "b", "c")
        await caught_up(site, "both", last)
        assert diary.handled["both"] == [1, 2, 3]
        assert diary.tried["both.write"] == [1, 2, 2, 2, 3]
        assert await written(site, "both") == [1, 2, 3]


async def test_where_handle_fails_nothing_is_written(hurried, logs):
    logs.expect("failed in consumer.both: RuntimeError")
    diary = Diary().add("both", "handle", "write")
    diary.fail("both.handle", 2, times=10**9)
    async with running(diary) as site:
        await publish(site, "a", "b", "c")
        await until(lambda: diary.tried["both.handle"].count(2) >= 3)
        assert await written(site, "both") == [1]
        assert runner(site, "both").stored == 1


async def test_a_full_disk_is_no_fault_of_the_plugin(hurried, logs):
    logs.expect("database or disk is full")
    logs.expect("consumer rows waits: the store cannot write now")
    diary, go_on = Diary(), asyncio.Event()

    async def handle(message):
        await go_on.wait()

    def write(tx, message):
        Written.create(consumer="x" * 500_000, offset=message.offset)

    diary.consumers.append(Consumer("rows", handle, write))
    async with running(diary) as site:
        [offset] = await publish(site, "a")
        await until(lambda: runner(site, "rows").busy)
        await no_space_left(site.server.store, pages=10)
        go_on.set()
        await until(lambda: "waits: the store cannot write now" in logs.text)
        await space_again(site.server.store)
        await caught_up(site, "rows", offset)
        assert len(await written(site, "x" * 500_000)) == 1
        assert not site.server.plugins.get("given").failures


# Leaving and coming back


async def test_what_is_in_hand_when_the_server_leaves_is_ended(tmp_path):
    diary, inside = Diary(), asyncio.Event()

    async def handle(message):
        inside.set()
        await asyncio.sleep(0.3)
        diary.handled["slow"].append(message.offset)

    diary.consumers.append(Consumer("slow", handle))
    async with running(diary, tmp_path) as site:
        offsets = await publish(site, "a", "b")
        await inside.wait()
    assert diary.handled["slow"] == offsets[:1]
    async with running(diary, tmp_path) as site:
        await caught_up(site, "slow", offsets[-1])
    assert diary.handled["slow"] == offsets


async def test_what_does_not_end_when_the_server_leaves_is_handled_again(monkeypatch, tmp_path):
    monkeypatch.setattr(consumers, "STOP_SECONDS", 0.05)
    diary, calls, inside = Diary(), [], asyncio.Event()

    async def handle(message):
        calls.append(message.offset)
        if calls == [1, 2]:
            inside.set()
            await asyncio.sleep(30)

    diary.consumers.append(Consumer("slow", handle))
    async with running(diary, tmp_path) as site:
        await publish(site, "a", "b", "c")
        await inside.wait()
    async with running(diary, tmp_path) as site:
        await caught_up(site, "slow", 3)
    assert calls == [1, 2, 2, 3]


async def test_consumers_begin_after_startup_and_end_before_shutdown(tmp_path):
    said = []
    diary = Diary()

    async def handle(message):
        said.append(message.data["content"])

    diary.consumers.append(Consumer("calls", handle))
    diary.module.startup = _hook("startup", said)
    diary.module.shutdown = _hook("shutdown", said)
    async with running(diary, tmp_path) as site:
        await publish(site, "a")
        await until(lambda: "a" in said)
    assert said == ["startup", "startup says", "a", "shutdown", True]


def _hook(name, said):
    async def startup(server):
        said.append("startup")
        await server.publish(BOARD, {"content": "startup says"})
        await asyncio.sleep(0.1)

    async def shutdown(server):
        said.append("shutdown")
        said.append(all(task.done() for task in server.consumers._tasks))

    return hookimpl({"startup": startup, "shutdown": shutdown}[name])


# What it says itself, and others


async def test_its_own_messages_come_to_it_again():
    diary = Diary()

    def write(tx, message):
        number = int(message.data["content"])
        if number < 3:
            tx.publish(BOARD, {"content": str(number + 1)})

    async def handle(message):
        diary.handled["count"].append(message.data["content"])

    diary.consumers.append(Consumer("count", handle, write))
    async with running(diary) as site, site.connect("ann") as ann:
        await ann.ok("subscribe", topic="board:1")
        await publish(site, "0")
        await caught_up(site, "count", 4)
        assert diary.handled["count"] == ["0", "1", "2", "3"]
        assert [(await ann.push())["data"]["content"] for _ in range(4)] == ["0", "1", "2", "3"]


async def test_two_processes_that_both_consume_write_everything_once(tmp_path):
    first, second = Diary().add("rows", "write"), Diary().add("rows", "write")
    async with running(first, tmp_path) as one, running(second, tmp_path) as two:
        for _ in range(20):
            await publish(one, "a")
            await publish(two, "b")
        await caught_up(one, "rows", 40)
        await caught_up(two, "rows", 40)
        assert await written(one, "rows") == list(range(1, 41))
        assert not one.server.plugins.get("given").failures
        assert not two.server.plugins.get("given").failures


async def test_a_position_that_somebody_moves_is_taken(tmp_path):
    diary = Diary().add("calls", "handle")
    async with running(diary, tmp_path) as site:
        [_, _, last] = await publish(site, "a", "b", "c")
        await caught_up(site, "calls", last)
        database = sqlite3.connect(tmp_path / "chat.db", timeout=10)
        database.execute("UPDATE consumer SET position = 1 WHERE name = 'given.calls'")
        database.commit()
        database.close()
        [new] = await publish(site, "d")
        await caught_up(site, "calls", new)
        assert diary.handled["calls"] in ([1, 2, 3, 2, 3, 4], [1, 2, 3, 4, 2, 3, 4])


async def test_the_lowest_position_is_that_of_the_slowest(hurried, logs):
    logs.expect("failed in consumer.slow")
    async with running(Diary()) as site:
        assert site.server.consumers.lowest() is None
    diary = Diary().add("quick", "write").add("slow", "handle")
    diary.fail("slow.handle", 2, times=10**9)
    async with running(diary) as site:
        await publish(site, "a", "b", "c")
        await caught_up(site, "quick", 3)
        await caught_up(site, "slow", 1)
        assert site.server.consumers.lowest() == 1


async def test_what_a_consumer_has_not_had_is_not_pruned(hurried, logs):
    logs.expect("failed in consumer.slow")
    diary = Diary().add("quick", "write").add("slow", "handle")
    diary.fail("slow.handle", 3, times=10**9)
    tables = {"retention": {"messages": 1}}
    async with running_server(tables, [diary.module], entry_points=False) as site:

        async def kept():
            await site.server.retention.run()
            return [each.offset for each in await site.server.store.everything_after(0, 100)]

        await publish(site, *"abcdef")
        await caught_up(site, "quick", 6)
        await caught_up(site, "slow", 2)
        assert await kept() == [3, 4, 5, 6]
        diary.fail("slow.handle", 3, times=0)
        await caught_up(site, "slow", 6)
        assert await kept() == [6]
        assert diary.handled["slow"] == [1, 2, 3, 4, 5, 6]


async def test_who_comes_back_to_a_pruned_log_is_told(tmp_path, logs):
    logs.expect("plugin 'given' consumer calls has not seen all: messages were pruned")
    async with running(Diary().add("calls", "handle"), tmp_path) as site:
        await publish(site, "a")
        await caught_up(site, "calls", 1)
    async with running(Diary(), tmp_path) as site:
        await publish(site, "b", "c")
    database = sqlite3.connect(tmp_path / "chat.db")
    database.execute("DELETE FROM message WHERE offset <= 2")
    database.execute("UPDATE topic SET pruned = 2")
    database.commit()
    database.close()
    diary = Diary().add("calls", "handle").add("fresh", "handle", start="start")
    async with running(diary, tmp_path) as site:
        await caught_up(site, "calls", 3)
        await caught_up(site, "fresh", 3)
    assert diary.handled == {"calls": [3], "fresh": [3]}
    assert logs.text.count("has not seen all") == 1


async def test_a_faulty_consumer_stops_the_start(tmp_path):
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "mail.py").write_text(
        "api = 1\nfrom tornado_chat import Consumer, hookimpl\n"
        "@hookimpl\ndef register_consumers():\n    return [Consumer('mail')]\n"
    )
    with pytest.raises(SetupError) as caught:
        async with running_server(folder=tmp_path, entry_points=False):
            pass
    assert str(caught.value) == (
        "plugin 'mail' failed in register_consumers: consumer 'mail': give handle, write, or both "
        f"({folder / 'mail.py'}:5)"
    )
