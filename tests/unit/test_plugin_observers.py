"""Observers that raise, hang, block or are too slow."""

import asyncio

from tornado_chat import (
    Message,
    Topic,
)
from tornado_chat.plugins.observers import Observers

ROOM = Topic("SHOP", "room", "1")


def message(offset=1, **data):
    return Message(offset, "e", ROOM, offset, 0, data)


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


SESSIONS = """
    seen = []

    @hookimpl
    def session_opened(session):
        seen.append(session)

    @hookimpl
    async def session_closed(session, code):
        seen.append((session, code))
"""


async def test_an_observer_task_lives_only_while_something_waits(plugin_file, load_plugins):
    plugin_file("a", SESSIONS)
    plugins = load_plugins()
    (observer,) = plugins.observers._all
    assert observer._task is None
    plugins.observers.tell("session_opened", session="s1")
    assert observer._task is not None
    await until(lambda: observer._task is None)


async def test_an_observer_that_raises_is_counted_and_told_the_next(
    plugin_file, load_plugins, caplog
):
    plugin_file(
        "a",
        """
        seen = []

        @hookimpl
        def message_published(message):
            if message.offset == 1:
                raise ValueError(message.data["content"])
            seen.append(message.offset)
        """,
    )
    plugins = load_plugins()
    plugins.observers.tell("message_published", message=message(1, content="the text"))
    plugins.observers.tell("message_published", message=message(2))
    await until(lambda: plugins.get("a").module.seen == [2])
    assert plugins.get("a").failures == {"message_published": 1}
    assert "ValueError" in caplog.text and "the text" not in caplog.text


SLOW = """
    import asyncio
    seen = []

    @hookimpl
    async def message_published(message):
        if message.offset in {hang}:
            {body}
        seen.append(message.offset)
"""


async def test_a_hanging_observer_harms_only_itself(plugin_file, load_plugins, caplog):
    plugin_file("hangs", SLOW.format(hang="range(1, 99)", body="await asyncio.sleep(60)"))
    plugin_file("quick", SLOW.format(hang="()", body="pass"))
    plugins = load_plugins()
    observers = Observers(plugins, waiting=5, seconds=0.02)
    for offset in range(1, 4):
        observers.tell("message_published", message=message(offset))
    await until(lambda: plugins.get("quick").module.seen == [1, 2, 3])
    await until(lambda: plugins.get("hangs").failures == {"message_published": 3})
    assert plugins.get("hangs").module.seen == []
    assert plugins.get("quick").failures == {}


async def test_a_full_queue_loses_the_oldest(plugin_file, load_plugins, caplog):
    plugin_file("slow", SLOW.format(hang="()", body="pass"))
    plugins = load_plugins()
    observers = Observers(plugins, waiting=5, seconds=1)
    for offset in range(1, 13):
        observers.tell("message_published", message=message(offset))
    await until(lambda: plugins.get("slow").module.seen == [8, 9, 10, 11, 12])
    assert plugins.describe()[0]["lost_events"] == 7
    assert caplog.text.count("is too slow") == 1


async def test_an_observer_that_ignores_its_cancellation_is_ended(
    plugin_file, load_plugins, caplog, monkeypatch
):
    monkeypatch.setattr("tornado_chat.plugins.stepping.CANCEL_SECONDS", 0.02)
    plugin_file(
        "stuck",
        """
        import asyncio
        seen = []

        @hookimpl
        async def message_published(message):
            seen.append(message.offset)
            try:
                while message.offset == 1:
                    try:
                        await asyncio.sleep(30)
                    except asyncio.CancelledError:
                        pass
            finally:
                seen.append("ended")
        """,
    )
    plugins = load_plugins()
    observers = Observers(plugins, seconds=0.02)
    observers.tell("message_published", message=message(1))
    observers.tell("message_published", message=message(2))
    await until(lambda: plugins.get("stuck").module.seen == [1, "ended", 2, "ended"])
    assert plugins.get("stuck").failures == {"message_published": 1}
    assert "failed in message_published: Stuck" in caplog.text


FAILS = """
    seen = []

    @hookimpl
    def message_published(message):
        seen.append(message.offset)
        if message.offset < {good}:
            raise ValueError

    @hookimpl
    def session_opened(session):
        seen.append(session)
"""


async def test_an_observer_that_fails_again_and_again_is_set_aside_and_tried_again(
    plugin_file, load_plugins, caplog
):
    caplog.set_level("INFO")
    plugin_file("fails", FAILS.format(good=40))
    plugins, now = load_plugins(), 100.0
    observers = Observers(plugins, clock=lambda: now)
    fails = plugins.get("fails")
    calls, seen = fails.calls["message_published"], fails.module.seen

    async def told(*offsets):
        for offset in offsets:
            observers.tell("message_published", message=message(offset))
        observers.tell("session_opened", session="other")
        await until(lambda: seen and seen[-1] == "other")
        seen.pop()
        found = list(seen)
        seen.clear()
        return found

    assert await told(*range(1, 9)) == [1, 2, 3, 4, 5]
    assert (fails.lost, calls.set_aside) == (3, True)
    assert caplog.text.count("set aside, tried again after 1 s") == 1
    now += 0.9
    assert await told(9) == []
    now += 0.2
    assert await told(10, 11) == [10]  # tried once; twice as long now
    now += 1.9
    assert await told(12) == []
    now += 0.2
    assert await told(40, 41) == [40, 41]
    assert (fails.lost, calls.set_aside, calls.failures) == (6, False, 6)
    assert caplog.text.count("works again in message_published") == 1
    assert await told(13, 14, 15, 16, 42) == [13, 14, 15, 16, 42]  # not so many in a row


async def test_a_plain_observer_that_blocks_is_named(
    plugin_file, load_plugins, caplog, monkeypatch
):
    monkeypatch.setattr("tornado_chat.plugins.calls.HOLD_SECONDS", 0.01)
    plugin_file("a", "import time\n@hookimpl\ndef session_opened(session): time.sleep(0.02)\n")
    load_plugins().observers.tell("session_opened", session="s1")
    await until(lambda: "plugin 'a' held everybody up for 0.0 s in session_opened" in caplog.text)


async def test_observers_do_not_keep_the_loop(plugin_file, load_plugins):
    plugin_file(
        "a",
        "import time\nseen = []\n@hookimpl\ndef message_published(message):\n"
        "    time.sleep(0.001)\n    seen.append(message)\n",
    )
    plugins = load_plugins()
    seen = plugins.get("a").module.seen
    for offset in range(200):
        plugins.observers.tell("message_published", message=message(offset))
    most = 0
    while len(seen) < 200:
        before = len(seen)
        await asyncio.sleep(0)
        most = max(most, len(seen) - before)
    assert 0 < most < 100  # in one turn of the loop


async def test_stop_gives_what_waits_a_moment_and_then_ends(plugin_file, load_plugins):
    plugin_file("quick", SLOW.format(hang="()", body="pass"))
    plugin_file("slow", SLOW.format(hang="[2]", body="await asyncio.sleep(60)"))
    plugins = load_plugins()
    for offset in (1, 2, 3):
        plugins.observers.tell("message_published", message=message(offset))
    async with asyncio.timeout(20):
        await plugins.observers.stop(0.05)
    assert plugins.get("quick").module.seen == [1, 2, 3]
    assert plugins.get("slow").module.seen == [1]
    plugins.observers.tell("message_published", message=message(4))
    await asyncio.sleep(0.01)
    assert plugins.get("quick").module.seen == [1, 2, 3]
