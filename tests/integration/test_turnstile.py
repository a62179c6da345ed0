"""What one plugin writes waits its turn, and each of it is written: whatever the others do, whoever
stops waiting for it, and also at the end."""

import asyncio
import contextlib
import threading

import pytest

from support.boards import plugin
from support.server import running_server
from tornado_chat import Topic, TopicProvider, hookimpl, hub
from tornado_chat.plugins import turnstile
from tornado_chat.plugins.turnstile import MOST

TOPIC = Topic("SHOP", "open", "1")


class Open(TopicProvider):
    kind = "open"

    async def authorize(self, identity, action, topic):
        return True


def opens(**hooks):
    @hookimpl
    def register_topics():
        return [Open()]

    return plugin("opens", register_topics=register_topics, **hooks)


@contextlib.asynccontextmanager
async def writer_held_up(server):
    """Whatever is written meanwhile waits."""
    held, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold(_tx):
        loop.call_soon_threadsafe(held.set)
        go_on.wait(30)

    holding = server.store.write(hold)
    await held.wait()
    try:
        yield
    finally:
        go_on.set()
        await holding


@pytest.fixture
async def site():
    async with running_server({}, [opens()], entry_points=False) as site:
        yield site


async def test_messages_of_others_that_wait_to_be_handed_out_do_not_hold_it_up(site, monkeypatch):
    turns, server = [], site.server.plugins.get("opens").server
    await server.publish(TOPIC, {})
    async with site.connect("ann") as ann:
        await ann.ok("subscribe", topics=["open:1", "open:2"])
        monkeypatch.setattr(turnstile, "BACKLOG", 4)
        monkeypatch.setattr(hub, "SLICE", 1)
        monkeypatch.setattr(site.server.hub, "_call_soon", turns.append)  # nothing is handed out
        topics = [Topic("SHOP", "open", str(1 + n % 2)) for n in range(7)]
        said = [site.server.publish(topic, {}) for topic in topics]
        last = (await asyncio.gather(*said))[-1].offset
        assert site.server.hub.accepted - site.server.hub.mark > 4
        async with asyncio.timeout(20):
            assert (await server.write(lambda tx: tx.head)) == last
            published = await server.write(lambda tx: tx.publish(TOPIC, {}))
            assert published.offset == last + 1
        own = [server.write(lambda tx: tx.head), server.publish(TOPIC, {})]
        waiting = asyncio.gather(*own)
        await asyncio.sleep(0.05)
        assert not waiting.done()  # its own waits, and so does it
        monkeypatch.undo()
        while turns:
            turns.pop(0)()
        await asyncio.wait_for(waiting, 20)


async def test_a_plugin_that_stops_waiting_does_not_fill_the_writer(site):
    server = site.server.plugins.get("opens").server
    async with writer_held_up(site.server):
        commits = []
        for n in range(5 * MOST):
            commits.append(server.write(lambda tx, n=n: tx.publish(TOPIC, {"n": n})))
            await asyncio.sleep(0)
            commits[-1].cancel()
            await asyncio.sleep(0)
        assert site.server.store.writer.waiting <= MOST
    last = await server.publish(TOPIC, {})
    assert last.offset <= MOST + 1  # nobody waited for the rest
    assert server.turnstile.waiting == 0


async def test_what_waits_at_the_end_is_written():
    commits = []

    @hookimpl
    def shutdown(server):
        commits.extend(server.write(lambda tx: tx.publish(TOPIC, {})) for _ in range(5 * MOST))

    async with running_server({}, [opens(shutdown=shutdown)], entry_points=False) as site:
        server = site.server
    async with asyncio.timeout(20):
        await asyncio.gather(*commits)
    assert server.plugins.get("opens").turnstile.delayed


async def test_one_that_ignores_its_end_does_not_keep_the_server_from_stopping(logs, monkeypatch):
    monkeypatch.setattr("tornado_chat.background.STOP_SECONDS", 0.1)
    ended = []

    @hookimpl
    def startup(server):
        async def endless(_lease=0):
            try:
                while True:
                    with contextlib.suppress(asyncio.CancelledError):
                        await asyncio.sleep(60)
            finally:
                ended.append("ended")

        server.run_once("feed", endless)
        server.spawn(endless())

    async with asyncio.timeout(20):
        async with running_server({}, [opens(startup=startup)], entry_points=False) as site:
            await asyncio.sleep(0)
        assert ended == ["ended"] * 2
    assert not site.server.background.tasks
