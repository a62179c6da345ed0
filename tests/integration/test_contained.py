"""A plugin that raises, hangs, holds the loop, gives the wrong type, or floods a topic: wherever it
does, others' traffic goes on, and it is named in the log and in what is counted.

Two people talk meanwhile in the topic of another plugin.
"""

import asyncio
import contextlib
import re
import time

import pytest

from support.boards import boards, plugin
from support.server import running_server
from tornado_chat import Consumer, PluginHandler, Read, Topic, TopicProvider, hookimpl

ODD = Topic("SHOP", "odd", "1")
LIMIT = 0.2  # seconds for one call
HOLDS = 0.3


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


class Slips:
    """What goes wrong, `await`ed or not: `place` is where, `how` what."""

    def __init__(self, place, how):
        self.place = place
        self.how = how

    def at(self, place):
        """For a function that may not wait."""
        if place != self.place:
            return None
        if self.how == "raises":
            raise KeyError("a secret text")
        if self.how == "exits":
            raise SystemExit(3)
        if self.how == "holds the loop":
            time.sleep(HOLDS)
        return object() if self.how == "gives the wrong type" else None

    async def wait_at(self, place):
        """For one that may."""
        if place == self.place and self.how == "hangs":
            await asyncio.sleep(60)
        while place == self.place and self.how == "hangs and ignores its end":
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
        await asyncio.sleep(0)
        return self.at(place)


def odd_plugin(slips):
    """A plugin with everything, which slips in one place."""

    class Odd(TopicProvider):
        kind = "odd"

        async def authorize(self, identity, action, topic):
            return (await slips.wait_at("topic.authorize")) or True

        async def receive(self, identity, topic, data):
            return (await slips.wait_at("topic.receive")) or dict(data)

        async def snapshot(self, identity, topic):
            return (await slips.wait_at("topic.snapshot")) or {}

        async def seen(self, identity, topic, offset):
            return (await slips.wait_at("topic.seen")) or Read(offset, 0)

        def audience(self, topic):
            return slips.at("topic.audience") or super().audience(topic)

        def visible(self, identity, message):
            slips.at("topic.visible")
            return True

        def append_in(self, tx, draft):
            return slips.at("topic.append_in") or super().append_in(tx, draft)

    class Route(PluginHandler):
        async def get(self):
            self.answer((await slips.wait_at("route")) or {})

    @hookimpl
    def register_topics():
        return [Odd()]

    @hookimpl
    def register_routes():
        return [("/it", Route)]

    @hookimpl
    def register_consumers():
        async def handle(message):
            if message.topic == ODD:
                await slips.wait_at("consumer.all")

        return [Consumer("all", handle)]

    @hookimpl
    async def authenticate(credentials):
        if credentials.key == "odd":
            return await slips.wait_at("authenticate")
        return None

    @hookimpl
    async def authorize(topic):
        if topic == ODD:
            return await slips.wait_at("authorize")
        return None

    @hookimpl
    def filter_message(message):
        return slips.at("filter_message") if message.topic == ODD else None

    @hookimpl
    async def message_published(message):
        await slips.wait_at("message_published")

    @hookimpl
    async def session_opened(session):
        await slips.wait_at("session_opened")

    @hookimpl
    async def startup(server):
        async def source(lease):
            await slips.wait_at("source.feed")

        async def task():
            await slips.wait_at("task")

        server.run_once("feed", source)
        server.spawn(task())

    hooks = {name: each for name, each in locals().items() if hasattr(each, "tornado_chat_impl")}
    return plugin("odd", **hooks)


@contextlib.asynccontextmanager
async def slipping(place, how):
    """A server with it, beside a plugin that is well; calls may take a moment only."""
    config = {"plugins": {"call_seconds": LIMIT}}
    modules = [boards(), odd_plugin(Slips(place, how))]
    async with running_server(config, modules, entry_points=False) as site:
        calls = site.server.plugins.get("odd").calls
        for hook in ("message_published", "session_opened", "consumer.all"):
            calls[hook].limit = LIMIT
        yield site


async def provoke(site):
    """Everything that calls the plugin, once; what its callers are told."""
    async with site.connect("dora") as dora:
        told = [
            await dora.do("subscribe", topic="odd:1"),
            await dora.do("publish", topic="odd:1", data={"text": "a secret text"}),
            await dora.do("seen", topic="odd:1", offset=1),
        ]
    told.append(await site.fetch("GET", "/plugins/odd/it", name="dora"))
    told.append(await site.fetch("GET", "/plugins/odd/it", headers={"api_key": "odd"}))
    with contextlib.suppress(Exception):
        await site.server.plugins.get("odd").server.publish(ODD, {})
    return told


async def talk(site, ready, ended):
    """Two people, in a topic of another plugin, until the trouble has ended: all that is said comes."""
    async with site.connect("ann") as ann, site.connect("bob") as bob:
        for each in (ann, bob):
            await each.ok("subscribe", topic="board:1")
        ready.set()
        said = 0
        while said < 20 or not ended.is_set():
            for one, other in ((ann, bob), (bob, ann)):
                await one.ok("publish", topic="board:1", data={"n": said})
                for each in (one, other):
                    assert (await each.push())["data"] == {"n": said}
                said += 1
            await asyncio.sleep(0.005)
        for each in (ann, bob):
            await each.quiet(0.05)


async def among_others(site, trouble):
    """What the trouble answers, while two people talk."""
    ready, ended = asyncio.Event(), asyncio.Event()
    talking = asyncio.create_task(talk(site, ready, ended))
    await ready.wait()
    try:
        found = await trouble
    finally:
        ended.set()
        await asyncio.wait_for(talking, 20)
    return found


ASYNC_METHODS = ["topic.authorize", "topic.receive", "topic.snapshot", "topic.seen"]
PLAIN_METHODS = ["topic.audience", "topic.append_in"]
ASYNC_HOOKS = ["authenticate", "authorize", "message_published", "session_opened"]
OTHERS = ["route", "consumer.all", "source.feed", "task"]
WAITING = [*ASYNC_METHODS, *ASYNC_HOOKS, "route", "consumer.all"]  # those with a limit
ALL = [*ASYNC_METHODS, *PLAIN_METHODS, *ASYNC_HOOKS, *OTHERS, "filter_message"]


def counted(site, place):
    return site.server.plugins.describe()[1]["calls"][place]


async def scraped(site, figure, place):
    """What `/metrics` says of the plugin there."""
    answer = await site.fetch("GET", "/metrics", name="admin")
    (line,) = [
        line
        for line in answer.body.decode().splitlines()
        if line.startswith(f"tornado_chat_plugin_{figure}{{")
        and 'plugin="odd"' in line
        and f'hook="{place}"' in line
    ]
    return float(line.rpartition(" ")[2])


@pytest.mark.parametrize(
    ("place", "how"),
    [
        *((place, "raises") for place in [*ALL, "topic.visible"]),
        *(
            (place, "exits")
            for place in ["topic.visible", "topic.receive", "source.feed", "route", "task"]
        ),
    ],
)
async def test_one_that_raises_is_named_and_counted_and_harms_nobody_else(place, how, logs):
    logs.expect("plugin 'odd'")
    logs.expect("GET /plugins/odd/it")
    async with slipping(place, how) as site:
        await among_others(site, provoke(site))
        await until(lambda: counted(site, place)["failures"])
        assert await scraped(site, "failures_total", place) >= 1
    error = "KeyError" if how == "raises" else "SystemExit"
    assert f"plugin 'odd' failed in {place}: {error} ({__file__}:" in logs.text
    ours = [each.getMessage() for each in logs.records if each.name.startswith("tornado_chat")]
    assert "secret" not in "".join(ours)


@pytest.mark.parametrize(
    ("place", "how"),
    [
        *((place, "hangs") for place in WAITING),
        *(
            (place, "hangs and ignores its end")
            for place in ["topic.receive", "route", "consumer.all"]
        ),
    ],
)
async def test_one_that_hangs_is_given_up_and_named(place, how, logs, monkeypatch):
    monkeypatch.setattr("tornado_chat.plugins.stepping.CANCEL_SECONDS", 0.1)
    logs.expect("plugin 'odd'")
    logs.expect("GET /plugins/odd/it")
    async with slipping(place, how) as site:
        told = await among_others(site, provoke(site))
        await until(lambda: counted(site, place)["failures"])
        assert await scraped(site, "failures_total", place) >= 1
    error = "TimeoutError" if how == "hangs" else "Stuck"
    assert f"plugin 'odd' failed in {place}: {error} (" in logs.text
    codes = [each["error"]["code"] for each in told[:3] if "error" in each]
    if place in ASYNC_METHODS:
        assert "unavailable" in codes
    if place == "route":
        assert told[3].code == 503


@pytest.mark.parametrize(
    "place", ["topic.receive", "topic.audience", "message_published", "filter_message", *OTHERS]
)
async def test_one_that_holds_the_loop_is_named(place, logs):
    logs.expect("plugin 'odd'")
    async with slipping(place, "holds the loop") as site:
        await among_others(site, provoke(site))
        await until(lambda: counted(site, place)["held"])
        assert await scraped(site, "held_total", place) >= 1
    assert re.search(rf"plugin 'odd' held everybody up for \d+\.\d s in {place}$", logs.text, re.M)


async def test_one_that_holds_the_writer_is_named(logs, monkeypatch):
    monkeypatch.setattr("tornado_chat.plugins.calls.WRITER_SECONDS", 0.1)
    logs.expect("plugin 'odd' held the writer up")
    async with slipping("topic.append_in", "holds the loop") as site:
        await among_others(site, provoke(site))
        odd = site.server.plugins.get("odd")
        await odd.server.write(lambda _tx: time.sleep(0.15))
        assert counted(site, "topic.append_in")["held"] >= 2
        assert counted(site, "write")["held"] >= 1
    assert re.search(r"held the writer up for \d+\.\d s in topic\.append_in$", logs.text, re.M)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("topic.authorize", "WrongType: gave object, expected bool"),
        ("topic.receive", "WrongType: gave object, expected a dict"),
        (
            "topic.snapshot",
            "WrongType: gave what is no JSON: Type is not JSON serializable: object",
        ),
        ("topic.audience", "WrongType: gave object, expected Audience"),
        ("topic.append_in", "WrongType: gave object, expected Posted"),
        ("topic.seen", "WrongType: gave object, expected Read"),
        ("authenticate", "WrongType: gave object, expected Identity or None"),
        ("filter_message", "WrongType: gave object, expected Draft or None"),
        ("route", "TypeError"),
    ],
)
async def test_one_that_gives_the_wrong_type_is_named(place, text, logs):
    logs.expect("plugin 'odd'")
    logs.expect("GET /plugins/odd/it")
    async with slipping(place, "gives the wrong type") as site:
        await among_others(site, provoke(site))
        await until(lambda: counted(site, place)["failures"])
        assert await scraped(site, "failures_total", place) >= 1
    assert f"plugin 'odd' failed in {place}: {text} ({__file__}:" in logs.text


class Flooded(TopicProvider):
    """With or without rows of its own, or signals."""

    def __init__(self, kind, history=None):
        self.kind = kind
        self.history = history

    async def authorize(self, identity, action, topic):
        return True


class Rows(Flooded):
    def append_in(self, tx, draft):
        return super().append_in(tx, draft)


def flooding():
    @hookimpl
    def register_topics():
        return [Flooded("flood"), Rows("rows"), Flooded("signals", 0)]

    return plugin("floods", register_topics=register_topics)


MANY = 3000
BIG = 100  # of them in one write


async def by_gather(server, kind):
    topic = Topic("SHOP", kind, "1")
    await asyncio.gather(*(server.publish(topic, {"n": number}) for number in range(MANY)))


async def without_end(server, kind):
    """Nobody has to wait for a signal."""
    while True:
        await server.publish(Topic("SHOP", kind, "1"), {"n": 0})


async def by_big_writes(server, kind):
    def work(tx):
        for number in range(BIG):
            tx.publish(Topic("SHOP", kind, "1"), {"n": number})

    await asyncio.gather(*(server.write(work) for _ in range(MANY // BIG)))


@pytest.mark.parametrize(
    ("flood", "kind"),
    [
        (by_gather, "flood"),
        (by_gather, "rows"),
        (without_end, "signals"),
        (by_big_writes, "flood"),
    ],
)
async def test_one_that_floods_a_topic_waits_and_others_go_past_it(flood, kind, logs, monkeypatch):
    monkeypatch.setattr("tornado_chat.plugins.turnstile.FLOOD", 200)
    monkeypatch.setattr("tornado_chat.plugins.turnstile.AHEAD_SECONDS", 0.005)
    logs.expect(f"plugin 'floods' floods {kind}:1: ")
    got, most = [], 0

    async def take(dora):
        while True:
            frame = await dora.next(60)
            got.append(frame.get("push", frame.get("signal"))["data"]["n"])

    async with (
        running_server({}, [boards(), flooding()], entry_points=False) as site,
        site.connect("dora") as dora,
    ):
        broker, floods = site.server.broker, site.server.plugins.get("floods")
        await dora.ok("subscribe", topic=f"{kind}:1")
        taking = asyncio.create_task(take(dora))
        flooded = asyncio.create_task(flood(floods.server, kind))
        async with site.connect("ann") as ann, site.connect("bob") as bob:
            await bob.ok("subscribe", topic="board:1")
            for number in range(20):
                before = broker.messages
                await ann.ok("publish", topic="board:1", data={"n": number})
                assert (await bob.push())["data"] == {"n": number}
                most = max(most, broker.messages - before)
        if kind == "signals":  # those may be dropped
            flooded.cancel()
        else:
            await asyncio.wait_for(flooded, 60)
            await until(lambda: len(got) == MANY)
        while not taking.done():  # a wait that is answered in that moment forgets it
            taking.cancel()
            await asyncio.sleep(0.01)
        described = site.server.plugins.describe()[1]
    assert most < MANY / 2  # of the flood, between a post and its push
    whole = range(BIG) if flood is by_big_writes else range(MANY)
    assert kind == "signals" or got == [*whole] * (MANY // len(whole))
    assert described["waiting_writes"] == 0
    if flood is by_gather:
        assert described["delayed_writes"] > MANY / 2
        assert f"plugin 'floods' floods {kind}:1: 200 of its publishes wait" in logs.text


async def test_a_source_that_fails_is_set_aside_and_started_again(logs, monkeypatch):
    monkeypatch.setattr("tornado_chat.plugins.breaker.FIRST_SECONDS", 0.2)
    monkeypatch.setattr("tornado_chat.plugin_server.WELL_SECONDS", 0.05)
    logs.expect("plugin 'feeding'")
    runs, go_on, aside = [], asyncio.Event(), []

    async def source(lease):
        runs.append(lease)
        if len(runs) < 3:
            raise KeyError("a secret text")
        await go_on.wait()

    @hookimpl
    def startup(server):
        server.run_once("feed", source)

    async with running_server({}, [boards(), plugin("feeding", startup=startup)]) as site:
        calls = site.server.plugins.get("feeding").calls["source.feed"]

        async def look():
            await until(lambda: calls.set_aside)
            aside.append(len(runs))
            await until(lambda: len(runs) == 3 and not calls.set_aside)

        await among_others(site, look())
        assert aside == [1]
        await until(lambda: "source feed works again" in logs.text)
        go_on.set()
        await until(lambda: calls.count == 3)
        assert (calls.failures, len(runs)) == (2, 3)  # one that returns is done
    assert logs.text.count("source feed is set aside, and started again after 0.2 s") == 1
    assert f"failed in source.feed: KeyError ({__file__}:" in logs.text


async def test_each_call_is_a_line_where_that_was_asked_for(logs, monkeypatch):
    monkeypatch.setenv("TORNADO_CHAT_TRACE_HOOKS", "1")
    logs.expect("plugin 'odd' failed in route")
    logs.expect("GET /plugins/odd/it")
    async with slipping("route", "raises") as site:
        await provoke(site)
        await until(lambda: counted(site, "consumer.all")["count"])
    lines = [each.getMessage() for each in logs.records if each.name == "tornado_chat.trace"]
    for hook, how in [
        ("topic.receive", "ok"),
        ("topic.append_in", "ok"),
        ("authorize", "ok"),
        ("consumer.all", "ok"),
        ("route", "KeyError"),
    ]:
        assert any(
            line.startswith(f"plugin 'odd' {hook} ") and line.endswith(f" ms {how}")
            for line in lines
        ), (hook, lines)
    assert "secret" not in "".join(lines)
