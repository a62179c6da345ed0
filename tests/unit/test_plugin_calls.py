"""The one way into a plugin: what it counts, what it contains, and what passes through it."""

import asyncio
import contextlib
import contextvars
import logging
import re
import time
from types import ModuleType

import pytest

from tornado_chat import Denied
from tornado_chat.plugins import Plugin
from tornado_chat.plugins.breaker import Breaker
from tornado_chat.plugins.calls import PluginFailed, TookTooLong


@pytest.fixture
def calls(monkeypatch):
    monkeypatch.setattr("tornado_chat.plugins.stepping.CANCEL_SECONDS", 0.02)
    return Plugin("odd", ModuleType("odd"), "code", __file__).calls_of("hook", 0.05)


async def wait(seconds=30.0):
    await asyncio.sleep(seconds)


async def test_what_answers_at_once_or_later_or_never_waits(calls):
    async def at_once(number):
        return number

    async def later(number):
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        return number

    future = asyncio.get_running_loop().create_future()
    future.set_result(4)
    assert await calls.run(at_once, 1) == 1
    assert await calls.run(later, number=2) == 2
    assert await calls.run(lambda: 3) == 3
    assert await calls.run(lambda: future) == 4
    assert await calls.run(lambda: asyncio.ensure_future(later(5))) == 5
    assert (calls.count, calls.failures, calls.held) == (5, 0, 0)
    assert calls.seconds >= calls.longest >= 0.001


async def test_what_it_raises_is_the_houses_word_or_a_failure(calls, caplog):
    async def fails(error):
        await asyncio.sleep(0)
        raise error

    with pytest.raises(Denied, match="be kind"):
        await calls.run(fails, Denied("be kind"))
    assert calls.failures == 0
    for error in (KeyError("secret"), SystemExit(3), StopIteration(), asyncio.CancelledError()):
        with pytest.raises(PluginFailed, match="plugin 'odd' failed in hook") as failed:
            await calls.run(fails, error)
        assert failed.value.code == "internal"
    with pytest.raises(TookTooLong) as late:
        await calls.run(fails, TimeoutError())
    assert late.value.code == "unavailable"
    assert (calls.count, calls.failures) == (6, 5)
    assert "secret" not in caplog.text


async def test_what_takes_too_long_is_cancelled_and_its_task_goes_on(calls):
    ended = []

    async def cleans_up():
        try:
            await wait()
        finally:
            await asyncio.sleep(0)
            ended.append("cleaned up")

    with pytest.raises(TookTooLong, match="plugin 'odd' took too long in hook"):
        await calls.run(cleans_up)
    assert ended == ["cleaned up"]
    assert asyncio.current_task().cancelling() == 0
    await asyncio.sleep(0.1)  # no timer is left


async def test_what_ignores_its_end_is_ended(calls):
    steps = []

    async def ignores(errors):
        try:
            while True:
                with contextlib.suppress(*errors):
                    await asyncio.sleep(0.03)
                    steps.append("ran on")
        finally:
            steps.append("ended")

    with pytest.raises(TookTooLong) as failed:
        await calls.run(ignores, [asyncio.CancelledError])
    assert type(failed.value.cause).__name__ == "Stuck"
    assert steps[-1] == "ended"
    seen = len(steps)
    await asyncio.sleep(0.08)
    assert len(steps) == seen
    assert asyncio.current_task().cancelling() == 0


async def test_an_answer_after_its_time_is_too_late(calls):
    async def swallows():
        with contextlib.suppress(asyncio.CancelledError):
            await wait()
        return "too late"

    with pytest.raises(TookTooLong):
        await calls.run(swallows)
    assert asyncio.current_task().cancelling() == 0


async def test_a_cancellation_from_outside_goes_through(calls):
    seen = []

    async def notes():
        try:
            await wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    calls.limit = 0.0
    task = asyncio.create_task(calls.run(notes))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cancelled"]
    assert (calls.count, calls.failures) == (1, 0)


async def test_what_ignores_a_cancellation_from_outside_is_ended_by_the_next(calls):
    seen = []

    async def ignores():
        try:
            while True:
                with contextlib.suppress(asyncio.CancelledError):
                    await wait()
                seen.append("ran on")
        finally:
            seen.append("ended")

    calls.limit = 0.0
    task = asyncio.create_task(calls.run(ignores))
    await asyncio.sleep(0)
    task.cancel()
    while not seen:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 20)
    assert seen == ["ran on", "ended"]


async def test_a_time_out_of_the_caller_is_the_callers(calls):
    calls.limit = 5.0
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await calls.run(wait)
    assert calls.failures == 0
    assert asyncio.current_task().cancelling() == 0


async def test_time_outs_inside_a_call_are_its_own(calls):
    async def patient():
        try:
            async with asyncio.timeout(0.01):
                await wait()
        except TimeoutError:
            return await asyncio.wait_for(asyncio.sleep(0.001, "went on"), 1)

    calls.limit = 5.0
    assert await calls.run(patient) == "went on"
    async with asyncio.timeout(5):
        async with asyncio.TaskGroup() as group:
            both = [group.create_task(calls.run(patient)) for _ in range(2)]
    assert [each.result() for each in both] == ["went on", "went on"]


async def test_one_call_inside_another_ends_the_one_that_is_late(calls):
    inner = Plugin("inner", ModuleType("inner"), "code", __file__).calls_of("hook", 0.02)
    calls.limit = 5.0

    async def outer():
        try:
            await inner.run(wait)
        except TookTooLong as late:
            return str(late)

    assert await calls.run(outer) == "plugin 'inner' took too long in hook"
    assert (calls.failures, inner.failures) == (0, 1)
    calls.limit, inner.limit = 0.02, 5.0
    with pytest.raises(TookTooLong, match="'odd'"):
        await calls.run(inner.run, wait)
    assert (calls.failures, inner.failures) == (1, 1)


async def test_context_is_that_of_the_caller(calls):
    who = contextvars.ContextVar("who")
    who.set("ann")

    async def asks():
        before = who.get()
        await asyncio.sleep(0)
        who.set("bob")
        return before, asyncio.current_task()

    assert await calls.run(asks) == ("ann", asyncio.current_task())
    assert who.get() == "bob"


async def test_a_step_that_holds_the_loop_is_counted_and_named(calls, caplog, monkeypatch):
    monkeypatch.setattr("tornado_chat.plugins.calls.HOLD_SECONDS", 0.02)

    async def holds(before):
        if before:
            time.sleep(0.03)
        await asyncio.sleep(0)
        if not before:
            time.sleep(0.03)

    calls.limit = 5.0
    await calls.run(holds, before=True)
    await calls.run(holds, before=False)
    await calls.run(asyncio.sleep, 0.04)
    await calls.run(time.sleep, 0.03)
    assert (calls.held, calls.count) == (3, 4)
    assert len(re.findall(r"held everybody up for \d+\.\d s in hook$", caplog.text, re.M)) == 1


def test_who_asked_for_each_call_gets_it_however_quiet_the_log_is(monkeypatch):
    monkeypatch.setenv("TORNADO_CHAT_TRACE_HOOKS", "1")
    ours, heard = logging.getLogger("tornado_chat"), []
    handler, level = logging.Handler(), ours.level
    handler.emit = heard.append
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    ours.setLevel(logging.ERROR)
    try:
        Plugin("odd", ModuleType("odd"), "code", __file__).calls_of("hook").run_now(len, "")
    finally:
        ours.setLevel(level)
    assert [each.getMessage()[:18] for each in heard] == ["plugin 'odd' hook "]


async def test_a_coroutine_that_is_dropped_is_closed(calls):
    ended = []

    async def noted():
        try:
            await wait()
        finally:
            ended.append(True)

    calling = calls.run(noted)
    assert asyncio.isfuture(calling.send(None))
    calling.close()
    assert ended == [True]


def test_a_breaker_waits_longer_and_longer_and_begins_anew():
    now = 100.0
    breaker = Breaker(after=3, clock=lambda: now)
    assert [breaker.failed() for _ in range(2)] == [0.0, 0.0]
    assert not breaker.went_well()  # it was not set aside
    assert [breaker.failed() for _ in range(5)] == [0.0, 0.0, 1.0, 2.0, 4.0]
    assert breaker.open
    now += 3.9
    assert breaker.open
    now += 0.2
    assert not breaker.open
    assert [breaker.failed() for _ in range(6)] == [8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert breaker.went_well()
    assert not breaker.open
    assert breaker.failed() == 0.0


async def test_another_mistake_of_the_same_hook_is_logged_and_the_same_one_is_not(calls, caplog):
    def odd(kind):
        raise kind("a secret text")

    def other():
        raise KeyError("a secret text")

    for function, *given in ((odd, KeyError), (odd, KeyError), (odd, TypeError), (other,)):
        with pytest.raises(PluginFailed):
            await calls.run(function, *given)
    lines = [record.getMessage() for record in caplog.records]
    assert [line.rpartition(", ")[2] for line in lines] == ["1 so far", "3 so far", "4 so far"]
    assert "secret" not in "".join(lines)
