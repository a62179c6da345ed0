"""What readers that never read cost a real process."""

import asyncio
import contextlib
import json
import sys
from pathlib import Path

import pytest
import websockets

from support.growerp import FrontEnd
from support.process import serving, toml
from support.server import Site, key_of, users
from support.wire import Wire

MESSAGES, AT_ONCE = 10_000, 500
PAD = "x" * 4000
READERS = 5  # of each kind
OUTBOX = 65_536
MEBIBYTE = 1 << 20


def resident(pid):
    """Bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError


async def say_all(server, room):
    """10,000 messages of 4 KB, so many under way at a time; all acknowledged."""
    url = f"ws://127.0.0.1:{server.port}/ws?api_key={key_of('ann')}"
    async with websockets.connect(url, compression=None, max_queue=None) as socket:
        await socket.recv()
        for start in range(0, MESSAGES, AT_ONCE):
            for number in range(start, start + AT_ONCE):
                data = {"content": f"{number} {PAD}"}
                frame = {"id": number, "do": "publish", "topic": f"room:{room}", "data": data}
                await socket.send(json.dumps(frame))
            for _ in range(AT_ONCE):
                assert "ok" in json.loads(await socket.recv())


async def read_all(site, room):
    """Four who page through the history, so that the caches of the database are full."""

    async def page():
        async with site.connect("bob") as bob:
            after, more = 0, True
            while more:
                found = await bob.ok("history", topic=f"room:{room}", after=after, limit=200)
                after, more = found["messages"][-1]["offset"], found["more"]

    await asyncio.gather(*(page() for _ in range(4)))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.timeout(180)
@pytest.mark.alone
async def test_readers_that_never_read_cost_what_their_outboxes_hold(tmp_path, tell):
    config = tmp_path / "tornado_chat.toml"
    limits = {"outbox_bytes": OUTBOX, "frames_per_second": 0}
    tables = {"users": users(), "limits": limits, "server": {"drain_seconds": 0.1}}
    config.write_text(toml({**tables, "store": {"durability": "relaxed"}}))
    async with (
        serving("-c", config, cwd=tmp_path) as server,
        contextlib.AsyncExitStack() as stack,
    ):
        site = Site(server)
        room = await FrontEnd(site, "ann").room_with(FrontEnd(site, "bob"), name="all")
        await say_all(server, room)
        await read_all(site, room)
        before = resident(server.process.pid)
        for path in ("/ws", "/chat"):
            for _ in range(READERS):
                wire = await stack.enter_async_context(Wire.open(site, path, "bob", window=4096))
                if path == "/ws":
                    await wire.next()
                    wire.send({"id": 1, "do": "subscribe", "topic": f"room:{room}"})
                    await wire.next()
        await say_all(server, room)
        await asyncio.sleep(1)
        cost = resident(server.process.pid) - before
        said = MESSAGES * len(PAD)
        tell(
            f"{2 * READERS} readers that never read, {said / MEBIBYTE:.0f} MiB said to each: "
            f"{cost / MEBIBYTE:.1f} MiB more resident, outboxes of {2 * READERS * OUTBOX / MEBIBYTE:.1f} MiB"
        )
        # Pages under way, and what an allocator keeps
        assert cost < 2 * READERS * OUTBOX + 16 * MEBIBYTE
