"""Many sockets at once: a crowd that joins turns live, readers that are stuck cost what is allowed."""

import asyncio
import contextlib

import orjson
import pytest

from support.boards import Board, boards, plugin_of
from support.server import running_server
from support.wire import Wire
from tornado_chat import EVERYONE, Dialect, Topic, hookimpl

BOARD = Topic("SHOP", "board", "1")


class Face(Dialect):
    """As a face of foreign clients: reached by person, held for a moment."""

    path = "/face"
    addressed = True
    settle_seconds = 0.2

    def encode(self, message):
        return orjson.dumps({"offset": message.offset})


@hookimpl
def register_dialects():
    return [Face()]


async def steadily(server):
    """Something is said a hundred times a second and more, until cancelled."""
    while True:
        await server.publish(BOARD, {}, audience=EVERYONE)
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("path", ["/face", "/ws"])
async def test_a_crowd_that_joins_while_somebody_publishes_turns_live(path):
    tables = {"limits": {"sockets_per_user": 0}, "delivery": {"replay_messages": 0}}
    module = plugin_of(Board(), register_dialects=register_dialects)
    async with (
        running_server(tables, modules=[module], entry_points=False) as site,
        contextlib.AsyncExitStack() as stack,
    ):
        publishing = asyncio.create_task(steadily(site.server))
        stack.callback(publishing.cancel)
        crowd = [await stack.enter_async_context(Wire.open(site, path, "ann")) for _ in range(150)]
        for each in crowd:
            stack.callback(asyncio.create_task(read(each)).cancel)
            if path == "/ws":
                each.send({"id": 1, "do": "subscribe", "topic": "board:1"})

        def live():
            return [
                subscription.live
                for session in site.server.hub.all_sessions()
                for subscription in session.subscriptions.values()
            ]

        async with asyncio.timeout(8):
            while sum(live()) < len(crowd):
                await asyncio.sleep(0.05)
        publishing.cancel()  # what it had asked for may still be committed, but before this:
        last = (await site.server.publish(BOARD, {}, audience=EVERYONE)).offset
        async with asyncio.timeout(8):
            while not all(each.offsets and each.offsets[-1] == last for each in crowd):
                await asyncio.sleep(0.05)
        for each in crowd:
            assert each.offsets == list(range(each.offsets[0], last + 1))


async def read(wire):
    wire.offsets = []
    while True:
        frame = await wire.next(60)
        body = frame.get("push", frame)
        if "offset" in body:
            wire.offsets.append(body["offset"])


async def test_catching_up_keeps_to_what_all_outboxes_may_hold():
    size, readers, allowed = 10_000, 15, 100_000
    tables = {
        "limits": {
            "sockets_per_user": 0,
            "outbox_bytes": 100_000,
            "outbox_total_bytes": allowed,
        }
    }
    async with (
        running_server(tables, modules=[boards()], entry_points=False) as site,
        contextlib.AsyncExitStack() as stack,
    ):
        for _ in range(readers):
            stuck = await stack.enter_async_context(Wire.open(site, "/ws", "ann", window=4096))
            await stuck.next()
            stuck.send({"id": 1, "do": "subscribe", "topic": "board:1"})
            await stuck.next()
        most = 0
        budget = site.server.sockets.budget
        for _ in range(40):
            await asyncio.gather(
                *(site.server.publish(BOARD, {"pad": "x" * size}) for _ in range(10))
            )
            most = max(most, budget.used)
        for _ in range(20):
            await asyncio.sleep(0.02)
            most = max(most, budget.used)
        assert most <= allowed + readers * (size + 500)  # an empty outbox takes any one frame
        behind = [
            subscription
            for session in site.server.hub.all_sessions()
            for subscription in session.subscriptions.values()
            if not subscription.live
        ]
        assert len(behind) == readers
