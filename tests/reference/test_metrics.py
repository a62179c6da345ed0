"""docs/reference/metrics.md and a real scrape say the same, and each figure moves: a test for each
metric, named after it."""

import asyncio
import json
import mmap
import os
import platform
import re
import resource
import time
import tomllib
from contextlib import AsyncExitStack
from importlib.metadata import version
from pathlib import Path

import pytest
import websockets
from prometheus_client.parser import text_string_to_metric_families

from support.boards import boards, plugin
from support.server import running_server
from support.stores import one_group, sql
from support.wire import Wire
from tornado_chat import Consumer, PluginHandler, Topic, hookimpl, hub, turns
from tornado_chat.plugins.turnstile import MOST

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "metrics.md").read_text()
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
KIND = re.compile(r"\n(\w+)\b[^.]*\. (?:No labels|Labels: (.*))\.\n")
BOARD = Topic("SHOP", "board", "1")


class Slow:
    """A plugin that holds, fails and waits when a test says so."""

    def __init__(self):
        self.go_on = asyncio.Event()
        self.told = asyncio.Event()
        self.heard = asyncio.Event()
        slow = self

        async def handle(message):
            slow.told.set()
            await slow.go_on.wait()

        class Hold(PluginHandler):
            public = True

            def post(self):
                time.sleep(self.json()["seconds"])
                self.answer({})

        @hookimpl
        def startup(server):
            slow.server = server

        @hookimpl
        def register_consumers():
            return [Consumer("reader", handle=handle)]

        @hookimpl
        def register_routes():
            return [("/hold", Hold)]

        @hookimpl
        async def message_published(message):
            if message.data.get("fail"):
                raise KeyError("a plugin's slip")
            time.sleep(message.data.get("hold", 0))
            slow.heard.set()
            await slow.go_on.wait()

        self.plugin = plugin(
            "slow",
            startup=startup,
            register_consumers=register_consumers,
            register_routes=register_routes,
            message_published=message_published,
        )


def serve(*modules, **tables):
    return running_server(tables, [boards(), *modules], entry_points=False)


@pytest.fixture
async def site():
    async with serve() as running:
        yield running


@pytest.fixture
def slow():
    return Slow()


@pytest.fixture
async def slow_site(slow):
    async with serve(slow.plugin) as running:
        yield running
        slow.go_on.set()


async def families(site):
    """Of a scrape, by the name that the page and a query have for it."""
    answer = await site.fetch("GET", "/metrics", name="admin")
    assert answer.code == 200, answer.body
    return {
        f"{each.name}_total" if each.type == "counter" else each.name: each
        for each in text_string_to_metric_families(answer.body.decode())
    }


async def figure(site, name, **labels):
    """One of them; None where there is none with these labels."""
    found = [each for each in (await families(site))[name].samples if each.labels == labels]
    return found[0].value if found else None


async def reaches(site, expected, name, **labels):
    """Waits until the figure is that."""
    async with asyncio.timeout(10):
        while await figure(site, name, **labels) != expected:
            await asyncio.sleep(0.01)


async def publish(site, count=1, **data):
    await asyncio.gather(*(site.server.publish(BOARD, {**data, "n": n}) for n in range(count)))


# The page


async def test_the_page_names_what_a_scrape_has_with_types_and_labels(slow_site, logs):
    logs.expect("failed in message_published")
    async with slow_site.connect("ann") as ann:
        await ann.ok("ping")
    await publish(slow_site, fail=True)
    await reaches(slow_site, 1.0, "tornado_chat_sessions_ended_total", dialect="/ws", code="1000")
    found = await families(slow_site)
    assert sorted(found) == sorted(SECTIONS)
    for name, family in found.items():
        kind, labels = KIND.match(SECTIONS[name]).groups()
        assert kind.lower() == family.type, name
        shown = {label for each in family.samples for label in each.labels} - {"le"}
        assert set(re.findall(r"`(\w+)`", labels or "")) == shown, name
        assert family.documentation.endswith("."), name


def test_what_to_be_woken_for_asks_for_what_is_there():
    section = re.search(r"## What to be woken for\n(.*?)\n## ", PAGE, re.DOTALL)[1]
    named = set(
        re.findall(r"\b((?:tornado_chat|process)_\w+)\b", section.replace('"tornado_chat"', ""))
    )
    assert len(named) > 6
    assert {each.removesuffix("_bucket") for each in named} <= set(SECTIONS)


async def test_the_user_of_the_page_may_scrape_and_nothing_else():
    [example] = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    [user] = tomllib.loads(example)["users"]
    user["api_key"] = "key-of-prometheus"
    async with serve(users=[user]) as site:
        bearer = {"Authorization": "Bearer key-of-prometheus"}
        assert (await site.fetch("GET", "/metrics", headers=bearer)).code == 200
        async with site.open("/ws", query="api_key=key-of-prometheus") as socket:
            await socket.recv()
            await socket.send('{"id":1,"do":"subscribe","topic":"board:1"}')
            assert "error" in json.loads(await socket.recv())


# The server


async def test_tornado_chat_build_info():
    for durability in ("full", "relaxed"):
        async with serve(store={"durability": durability}) as site:
            about = {"version": version("tornado_chat"), "python": platform.python_version()}
            told = await figure(site, "tornado_chat_build_info", durability=durability, **about)
            assert told == 1


async def test_tornado_chat_ready(site):
    assert await figure(site, "tornado_chat_ready") == 1
    site.server.ready = False
    assert await figure(site, "tornado_chat_ready") == 0


async def test_tornado_chat_http_requests_total(site):
    for number in range(3):
        await site.fetch("GET", f"/nowhere/{number}")
    with pytest.raises(websockets.InvalidStatus):
        await site.open("/ws", query="api_key=nobody")
    for status, count in (("404", 3), ("401", 1), ("200", 2)):  # of two scrapes before this one
        assert await figure(site, "tornado_chat_http_requests_total", status=status) == count


def test_tornado_chat_loop_turn_seconds(slow, logs):
    logs.expect("held everybody up")

    async def held_once():
        slow.go_on = asyncio.Event()
        async with serve(slow.plugin) as site:
            before = samples((await families(site))["tornado_chat_loop_turn_seconds"])
            await site.fetch("POST", "/plugins/slow/hold", {"seconds": 0.3})
            after = samples((await families(site))["tornado_chat_loop_turn_seconds"])
        return before, after

    def samples(family):
        return {
            (each.name.removeprefix(family.name), each.labels.get("le")): each.value
            for each in family.samples
        }

    with asyncio.Runner(loop_factory=turns.new_loop) as runner:
        before, after = runner.run(held_once())
    long = [each["_count", None] - each["_bucket", "0.25"] for each in (before, after)]
    assert long[1] > long[0]
    assert after["_sum", None] - before["_sum", None] > 0.3
    assert after["_count", None] == after["_bucket", "+Inf"] > before["_count", None]


# Sessions


async def test_tornado_chat_sessions(site):
    name = "tornado_chat_sessions"
    assert await figure(site, name, dialect="/ws") == 0
    async with site.connect("ann"), site.connect("bob"):
        assert await figure(site, name, dialect="/ws") == 2
    await reaches(site, 0, name, dialect="/ws")


async def test_tornado_chat_sessions_ended_total(site):
    name = "tornado_chat_sessions_ended_total"
    for code in (1000, 4711):
        async with site.connect("ann") as ann:
            await ann.socket.close(code)
    async with Wire.open(site, "/ws", "ann") as wire:
        await wire.next()
    async with site.connect("ann") as ann:
        site.server.revoke(user="u-ann")
        await ann.socket.wait_closed()
    for code in ("1000", "other", "1006", "4009"):
        await reaches(site, 1, name, dialect="/ws", code=code)


async def test_tornado_chat_unauthenticated_sockets(site):
    async with site.open("/ws") as stranger:
        await reaches(site, 1, "tornado_chat_unauthenticated_sockets")
        await stranger.send('{"id":1,"do":"auth","key":"key-of-ann"}')
        await reaches(site, 0, "tornado_chat_unauthenticated_sockets")


async def test_tornado_chat_subscriptions(site):
    async with site.connect("ann") as ann:
        await ann.ok("subscribe", topics=["board:1", "board:2", "mine"])
        assert await figure(site, "tornado_chat_subscriptions") == 3
        await ann.ok("unsubscribe", topic="board:2")
        assert await figure(site, "tornado_chat_subscriptions") == 2
    await reaches(site, 0, "tornado_chat_subscriptions")


async def test_tornado_chat_topics(site):
    async with site.connect("ann") as ann, site.connect("bob") as bob:
        await ann.ok("subscribe", topics=["board:1", "board:2", "mine"])
        await bob.ok("subscribe", topic="board:1")
        assert await figure(site, "tornado_chat_topics") == 2
    await reaches(site, 0, "tornado_chat_topics")


async def test_tornado_chat_sessions_behind(site, monkeypatch):
    since = {"epoch": site.server.store.log.epochs.today, "offset": 0}
    await publish(site, 60)  # more than a page
    go_on, after = asyncio.Event(), site.server.store.after

    async def waiting(position, *rest):
        if position:  # the first page is looked at before the answer
            await go_on.wait()
        return await after(position, *rest)

    monkeypatch.setattr(site.server.store, "after", waiting)
    async with site.connect("ann") as ann:
        await ann.ok("subscribe", topic="board:1", since=since)
        await reaches(site, 1, "tornado_chat_sessions_behind")
        go_on.set()
        await reaches(site, 0, "tornado_chat_sessions_behind")
        for _ in range(60):
            await ann.push()


# Delivery


async def test_tornado_chat_messages_total(site):
    await publish(site, 7)
    assert await figure(site, "tornado_chat_messages_total") == 7


async def test_tornado_chat_log_head(site):
    before = await figure(site, "tornado_chat_log_head")
    await publish(site, 3)
    assert await figure(site, "tornado_chat_log_head") == before + 3


async def test_tornado_chat_messages_waiting(site, monkeypatch):
    held = []
    async with site.connect("ann") as ann:
        await ann.ok("subscribe", topics=["board:1", "board:2"])
        monkeypatch.setattr(hub, "SLICE", 1)
        monkeypatch.setattr(site.server.hub, "_call_soon", held.append)  # turns to come
        said = [Topic("SHOP", "board", str(n % 2 + 1)) for n in range(5)]
        await asyncio.gather(*(site.server.publish(each, {}) for each in said))
        assert await figure(site, "tornado_chat_messages_waiting") == 4
        monkeypatch.undo()
        while held:
            held.pop(0)()
        assert await figure(site, "tornado_chat_messages_waiting") == 0


async def test_tornado_chat_deliveries_total(site):
    async with site.connect("ann") as ann, site.connect("bob") as bob, site.connect("carl"):
        await ann.ok("subscribe", topic="board:1")
        await bob.ok("subscribe", topic="board:1")
        before = await figure(site, "tornado_chat_deliveries_total")
        await publish(site)
        assert await figure(site, "tornado_chat_deliveries_total") == before + 2


async def test_tornado_chat_encodings_total(site):
    async with site.connect("ann") as ann, site.connect("bob") as bob:
        await ann.ok("subscribe", topic="board:1")
        await bob.ok("subscribe", topic="board:1")
        before = await figure(site, "tornado_chat_encodings_total")
        await publish(site)
        assert await figure(site, "tornado_chat_encodings_total") == before + 1


async def not_read(site, stack, count=1):
    """So many that listen and read nothing; they are sent more than kernels hold."""
    for _ in range(count):
        wire = await stack.enter_async_context(Wire.open(site, "/ws", "ann", window=4096))
        await wire.next()
        wire.send({"id": 1, "do": "subscribe", "topic": "board:1"})
        assert "ok" in await wire.next()
    for _ in range(100):
        await publish(site, pad="x" * 60_000)


async def test_tornado_chat_outbox_bytes(site):
    async with AsyncExitStack() as stack:
        assert await figure(site, "tornado_chat_outbox_bytes") == 0
        await not_read(site, stack)
        assert await figure(site, "tornado_chat_outbox_bytes") > 60_000
    await reaches(site, 0, "tornado_chat_outbox_bytes")


async def test_tornado_chat_outboxes_waiting(site):
    async with AsyncExitStack() as stack:
        assert await figure(site, "tornado_chat_outboxes_waiting") == 0
        await not_read(site, stack, 2)
        assert await figure(site, "tornado_chat_outboxes_waiting") == 2
    await reaches(site, 0, "tornado_chat_outboxes_waiting")


async def test_tornado_chat_outbox_limit_bytes():
    async with serve(limits={"outbox_total_bytes": 12_345_678}) as site:
        assert await figure(site, "tornado_chat_outbox_limit_bytes") == 12_345_678


# The store


async def test_tornado_chat_store_writable(site):
    assert await figure(site, "tornado_chat_store_writable") == 1
    await asyncio.to_thread(site.server.store.writer.close)
    assert await figure(site, "tornado_chat_store_writable") == 0


async def test_tornado_chat_store_commits_total(site):
    before = await figure(site, "tornado_chat_store_commits_total")
    async with one_group(site.server.store):
        said = [asyncio.ensure_future(site.server.publish(BOARD, {})) for _ in range(5)]
        await asyncio.sleep(0)
    await asyncio.gather(*said)
    # of what kept the writer busy, and of all five
    assert await figure(site, "tornado_chat_store_commits_total") == before + 2


async def test_tornado_chat_store_writes_waiting(site):
    async with one_group(site.server.store):
        said = [asyncio.ensure_future(site.server.publish(BOARD, {})) for _ in range(5)]
        await reaches(site, 5, "tornado_chat_store_writes_waiting")
    await asyncio.gather(*said)
    assert await figure(site, "tornado_chat_store_writes_waiting") == 0


async def test_tornado_chat_store_writes_refused_total(site, logs):
    logs.expect("database: ")

    def rolled_back(_tx):
        sql("INSERT OR ROLLBACK INTO log_head (id, offset) VALUES (1, 0)")

    assert await figure(site, "tornado_chat_store_writes_refused_total") == 0
    await asyncio.gather(site.server.write(rolled_back), return_exceptions=True)
    assert await figure(site, "tornado_chat_store_writes_refused_total") == 1


async def test_tornado_chat_store_reads_total(site):
    before = await figure(site, "tornado_chat_store_reads_total")
    for _ in range(4):
        await site.server.read(lambda tx: tx.log.head())
    assert await figure(site, "tornado_chat_store_reads_total") == before + 4


async def test_tornado_chat_store_bytes(site):
    async def size():
        found = [await figure(site, "tornado_chat_store_bytes", file=f) for f in files]
        assert min(found) > 0
        return sum(found)

    files = ("database", "journal")
    before = await size()
    await publish(site, 20, pad="x" * 50_000)
    assert await size() > before + 1_000_000


# Plugins

TOLD = {"plugin": "slow", "hook": "message_published"}


async def test_tornado_chat_plugin_calls_total(slow_site, slow):
    await publish(slow_site, 3)
    await asyncio.wait_for(slow.heard.wait(), 5)
    assert await figure(slow_site, "tornado_chat_plugin_calls_total", **TOLD) == 0
    slow.go_on.set()
    await reaches(slow_site, 3, "tornado_chat_plugin_calls_total", **TOLD)


async def held(site, slow, seconds):
    """The plugin has held everybody up for so long."""
    slow.go_on.set()
    await publish(site, hold=seconds)
    await reaches(site, 1, "tornado_chat_plugin_calls_total", **TOLD)


async def test_tornado_chat_plugin_call_seconds_total(slow_site, slow, logs):
    logs.expect("held everybody up")
    await held(slow_site, slow, 0.2)
    assert 0.2 <= await figure(slow_site, "tornado_chat_plugin_call_seconds_total", **TOLD) < 5


async def test_tornado_chat_plugin_longest_call_seconds(slow_site, slow, logs):
    logs.expect("held everybody up")
    await held(slow_site, slow, 0.2)
    longest = await figure(slow_site, "tornado_chat_plugin_longest_call_seconds", **TOLD)
    assert 0.2 <= longest < 5
    await publish(slow_site)
    await reaches(slow_site, 2, "tornado_chat_plugin_calls_total", **TOLD)
    assert await figure(slow_site, "tornado_chat_plugin_longest_call_seconds", **TOLD) == longest


async def test_tornado_chat_plugin_held_total(slow_site, slow, logs):
    logs.expect("held everybody up")
    assert await figure(slow_site, "tornado_chat_plugin_held_total", **TOLD) == 0
    await held(slow_site, slow, 0.2)
    assert await figure(slow_site, "tornado_chat_plugin_held_total", **TOLD) == 1


async def test_tornado_chat_plugin_set_aside(slow_site, logs):
    logs.expect("failed in message_published")
    logs.expect("set aside")
    assert await figure(slow_site, "tornado_chat_plugin_set_aside", **TOLD) == 0
    await publish(slow_site, 5, fail=True)
    await reaches(slow_site, 1, "tornado_chat_plugin_set_aside", **TOLD)


async def test_tornado_chat_plugin_waiting_events(slow_site, slow):
    await publish(slow_site, 5)
    await reaches(slow_site, 4, "tornado_chat_plugin_waiting_events", plugin="slow")
    slow.go_on.set()
    await reaches(slow_site, 0, "tornado_chat_plugin_waiting_events", plugin="slow")


async def test_tornado_chat_plugin_failures_total(slow_site, logs):
    logs.expect("failed in message_published")
    await publish(slow_site, 3, fail=True)
    await reaches(slow_site, 3, "tornado_chat_plugin_failures_total", **TOLD)


async def test_tornado_chat_plugin_lost_events_total(slow_site, slow, monkeypatch, logs):
    logs.expect("is too slow")
    [observer] = slow_site.server.plugins.observers._all
    monkeypatch.setattr(observer, "_bound", 10)
    await publish(slow_site)
    await asyncio.wait_for(slow.heard.wait(), 5)
    await publish(slow_site, 12)
    assert await figure(slow_site, "tornado_chat_plugin_lost_events_total", plugin="slow") == 2


FLOOD = 200  # more than a plugin may have at the writer


def flood(server):
    """A plugin that says much at once."""
    return [asyncio.ensure_future(server.publish(BOARD, {})) for _ in range(FLOOD)]


async def test_tornado_chat_plugin_waiting_writes(slow_site, slow):
    async with one_group(slow_site.server.store):
        said = flood(slow.server)
        await reaches(slow_site, FLOOD - MOST, "tornado_chat_plugin_waiting_writes", plugin="slow")
    await asyncio.gather(*said)
    assert await figure(slow_site, "tornado_chat_plugin_waiting_writes", plugin="slow") == 0


async def test_tornado_chat_plugin_delayed_writes_total(slow_site, slow):
    async with one_group(slow_site.server.store):
        said = flood(slow.server)
        await asyncio.sleep(0)
    await asyncio.gather(*said)
    delayed = await figure(slow_site, "tornado_chat_plugin_delayed_writes_total", plugin="slow")
    assert delayed == FLOOD - MOST


async def test_tornado_chat_consumer_lag(slow_site, slow):
    where = {"plugin": "slow", "consumer": "reader"}
    await publish(slow_site, 4)
    await asyncio.wait_for(slow.told.wait(), 5)
    assert await figure(slow_site, "tornado_chat_consumer_lag", **where) == 4
    slow.go_on.set()
    await reaches(slow_site, 0, "tornado_chat_consumer_lag", **where)


# The process


async def test_process_start_time_seconds(site):
    began = await figure(site, "process_start_time_seconds")
    ticks = float(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    up = float(Path("/proc/uptime").read_text().split()[0])
    expected = time.time() - up + ticks / os.sysconf("SC_CLK_TCK")
    assert abs(began - expected) < 5


async def test_process_cpu_seconds_total(site):
    before = await figure(site, "process_cpu_seconds_total")
    began = time.process_time()
    while time.process_time() < began + 0.1:
        pass
    assert await figure(site, "process_cpu_seconds_total") >= before + 0.05


async def test_process_resident_memory_bytes(site):
    before = await figure(site, "process_resident_memory_bytes")
    held = bytes(range(256)) * (1 << 18)
    assert await figure(site, "process_resident_memory_bytes") > before + len(held) / 2


async def test_process_virtual_memory_bytes(site):
    before = await figure(site, "process_virtual_memory_bytes")
    with mmap.mmap(-1, 1 << 30):
        assert await figure(site, "process_virtual_memory_bytes") > before + (1 << 29)


async def test_process_open_fds(site):
    before = await figure(site, "process_open_fds")
    pipes = [os.pipe() for _ in range(50)]
    try:
        assert await figure(site, "process_open_fds") > before + 50
    finally:
        for each in (end for pair in pipes for end in pair):
            os.close(each)


async def test_process_max_fds(site):
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert await figure(site, "process_max_fds") == soft
