"""A reader that never reads costs what its outbox may hold, whatever is said to it; when it reads again
it gets all of it, and when it is ended for that, it has it on its next connection."""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field

import pytest

from support.growerp import FrontEnd, notify
from support.server import running_server
from support.wire import CLOSE, PING, PONG, TEXT, Wire
from tornado_chat import Topic
from tornado_chat.outbox import Outbox

MESSAGES, BATCH = 10_000, 250
FEWER = 4000  # still more than kernels hold for a loopback socket
PAD = "x" * 1000
OUTBOX = 50_000
FRAME = 1500  # no frame of these is longer
TABLES = {
    "store": {"durability": "relaxed"},
    "limits": {"outbox_bytes": OUTBOX},
    "delivery": {"replay_messages": 2 * MESSAGES},
    "plugins": {"disabled": ["order_list"]},
}


@dataclass
class Reader:
    """bob, who is heard of on one of the three sockets."""

    site: object
    path: str
    room: str
    count: int
    position: object = None
    heard: list = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def connected(self):
        async with Wire.open(self.site, self.path, "bob", window=4096) as wire:
            if self.path == "/ws":
                await wire.next()
                since = {"since": self.position} if self.position else {}
                wire.send({"id": 1, "do": "subscribe", "topic": f"room:{self.room}", **since})
                reply = (await wire.next())["ok"]
                self.position = self.position or _position(reply)
                assert reply["complete"] or not since
            else:
                wire.send("subscribe: ALL")  # on /chat it is passed over, and ends the settling
            [session] = self.site.server.hub.sessions("SHOP", "u-bob")
            while not all(each.live for each in session.subscriptions.values()) and not self.heard:
                await asyncio.sleep(0.01)
            yield wire, session

    async def read(self, wire):
        """All that is left, or until the connection ends."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while len(set(self.heard)) < self.count:
                opcode, payload = await wire.frame(20)
                if opcode == PING:
                    wire.write(PONG, payload)
                elif opcode == TEXT:
                    self._take(json.loads(payload))
                elif opcode == CLOSE:
                    return int.from_bytes(payload[:2], "big")
        return None

    def _take(self, frame):
        if self.path == "/ws":
            self.position = _position(frame["push"])
            text = frame["push"]["data"]["content"]
        elif self.path == "/chat":
            text = frame["content"]
        else:
            text = frame["message"]["message"]
        self.heard.append(int(text.split()[0]))


def _position(reply):
    return {"epoch": reply["epoch"], "offset": reply["offset"]}


async def say_all(site, reader):
    topic = Topic("SHOP", "room", reader.room)
    for start in range(0, reader.count, BATCH):
        texts = [f"{number} {PAD}" for number in range(start, start + BATCH)]
        if reader.path == "/notws":
            await asyncio.gather(*(notify(site, "News", {"message": text}) for text in texts))
        else:
            await asyncio.gather(
                *(site.server.publish(topic, {"content": each}, sender="u-ann") for each in texts)
            )


@pytest.fixture
def sizes(monkeypatch):
    """How many bytes an outbox has held, each time that one more frame was put."""
    seen = []
    put = Outbox.put_always

    def measured(outbox, *given):
        put(outbox, *given)
        seen.append(outbox.size)

    monkeypatch.setattr(Outbox, "put_always", measured)
    return seen


@contextlib.asynccontextmanager
async def said_to_bob(path, count):
    async with running_server(TABLES) as site:
        room = await FrontEnd(site, "ann").room_with(FrontEnd(site, "bob"), name="all")
        yield site, Reader(site, path, room, count)


@pytest.mark.parametrize("path", ["/ws", "/chat", "/notws"])
async def test_who_never_reads_costs_his_outbox_and_has_everything_when_he_does(
    path, sizes, monkeypatch
):
    monkeypatch.setattr("tornado_chat.heartbeat.STALL_SECONDS", 600.0)  # however long it takes here
    async with said_to_bob(path, MESSAGES) as (site, reader), reader.connected() as (wire, session):
        await say_all(site, reader)
        budget = site.server.sockets.budget
        async with asyncio.timeout(30):  # kernels take some megabytes first, page by page
            while session.outbox not in budget.waiting:
                await asyncio.sleep(0.01)
        assert 0 < session.outbox.size <= OUTBOX
        assert budget.used <= OUTBOX + FRAME
        assert max(sizes) <= OUTBOX + FRAME
        [subscription] = session.subscriptions.values()
        assert not subscription.live
        await reader.read(wire)
        assert max(sizes) <= OUTBOX + FRAME
        assert reader.heard == list(range(MESSAGES))


@pytest.mark.parametrize(("path", "code"), [("/ws", 4008), ("/chat", 1013), ("/notws", 1013)])
async def test_who_takes_no_byte_is_ended_and_loses_nothing(path, code, sizes, monkeypatch):
    monkeypatch.setattr("tornado_chat.heartbeat.STALL_SECONDS", 1.0)
    async with said_to_bob(path, FEWER) as (site, reader):
        async with reader.connected() as (wire, session):
            await say_all(site, reader)
            async with asyncio.timeout(15):
                while site.server.hub.sessions("SHOP", "u-bob"):
                    await asyncio.sleep(0.05)
            assert session.closed == code
            assert site.server.sockets.budget.used == 0
            await reader.read(wire)  # what the kernel held
        assert len(reader.heard) < FEWER
        async with reader.connected() as (wire, _):
            await reader.read(wire)
        assert max(sizes) <= OUTBOX + FRAME
        assert sorted(set(reader.heard)) == list(range(FEWER))
        if path == "/ws":
            assert reader.heard == list(range(FEWER))
