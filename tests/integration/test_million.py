"""A log of a million messages: who joins it is fed page by page, at his own pace, and nobody waits for
him."""

import asyncio
import contextlib
import logging
import sqlite3
import statistics
import time

import pytest

from support.growerp import FrontEnd
from support.server import running_server
from support.wire import Wire
from tornado_chat.catch_up import PAGE

MILLION = 1_000_000
READ = 20_000  # of them, where reading all would take CI too long
OUTBOX = 65_536
TABLES = {
    "limits": {"outbox_bytes": OUTBOX, "frames_per_second": 0},
    "plugins": {"disabled": ["order_list"]},
}
# Three of four in the large room, the rest in one that ann is not in.
FILL = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :million)
INSERT INTO message (offset, topic_id, number, at, sender, sender_name, audience, data)
SELECT n, iif(n % 4, :large, :other), iif(n % 4, n - n / 4, n / 4), 1790000000000 + n, 'u-bob',
       'Bob Prins', '', '{"content":"message ' || n || '"}' FROM numbers
"""


def theirs(offset, count):
    """The next offsets after that one in the large room."""
    found = []
    while len(found) < count:
        offset += 1
        if offset % 4:
            found.append(offset)
    return found


def fill(path, large, other):
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA cache_size = -200000")
        ids = dict(database.execute("SELECT key, id FROM topic WHERE kind = 'room'").fetchall())
        values = {"million": MILLION, "large": ids[large], "other": ids[other]}
        database.execute(FILL, values)
        database.execute("UPDATE log_head SET offset = ?", (MILLION,))
        for room, count, last in (
            (ids[large], MILLION - MILLION // 4, MILLION - 1),
            (ids[other], MILLION // 4, MILLION),
        ):
            database.execute(
                "UPDATE topic SET count = ?, last_offset = ? WHERE id = ?", (count, last, room)
            )
        database.commit()
        return database.execute("SELECT name FROM epoch").fetchone()[0]


class Log:
    """Where it lies, the two rooms, and the epoch of the million."""

    def __init__(self, folder, large, other, epoch):
        self.folder, self.large, self.other, self.epoch = folder, large, other, epoch


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    folder = tmp_path_factory.mktemp("million")

    async def rooms():
        async with running_server(TABLES, folder=folder) as site:
            people = {name: FrontEnd(site, name) for name in ("ann", "bob", "carl")}
            large = await people["ann"].room_with(people["bob"], people["carl"], name="large")
            other = await people["bob"].room_with(people["carl"], name="other")
            return large, other

    large, other = asyncio.run(rooms())
    began = time.perf_counter()
    epoch = fill(folder / "chat.db", large, other)
    print(f"\na million rows in {time.perf_counter() - began:.1f} s")
    return Log(folder, large, other, epoch)


@pytest.fixture
async def site(log):
    logging.getLogger("websockets").setLevel(logging.INFO)  # a line a frame takes longer than it
    began = time.perf_counter()
    async with running_server(TABLES, folder=log.folder) as running:
        print(f"started on a million messages in {time.perf_counter() - began:.2f} s")
        yield running


class Latency:
    """How long others wait: bob says something in the other room every few milliseconds, and carl,
    who is live, hears it."""

    def __init__(self, site, log):
        self.site, self.log = site, log
        self.seconds = []
        self._enough = False

    @contextlib.asynccontextmanager
    async def measured(self):
        async with self.site.connect("bob") as bob, self.site.connect("carl") as carl:
            await carl.ok("subscribe", topic=f"room:{self.log.other}")
            task = asyncio.create_task(self._speak(bob, carl))
            yield
            self._enough = True  # to cancel it may be lost in wait_for, until Python 3.12
            await task

    async def _speak(self, bob, carl):
        while not self._enough:
            began = time.perf_counter()
            await bob.ok("publish", topic=f"room:{self.log.other}", data={"content": "quick"})
            await carl.push()
            self.seconds.append(time.perf_counter() - began)
            await asyncio.sleep(0.02)


@pytest.mark.timeout(120)
@pytest.mark.alone
@pytest.mark.parametrize("wanted", ["start", "mine"])
async def test_who_joins_a_million_messages_is_fed_page_by_page(site, log, wanted, tell):
    topic, since, begin = f"room:{log.large}", "start", 0
    if wanted == "mine":
        begin = MILLION // 2
        topic, since = "mine", {"epoch": log.epoch, "offset": begin}
    latency = Latency(site, log)
    async with (
        latency.measured(),
        site.connect("ann", max_queue=64) as ann,
        site.connect("carl") as live,
    ):
        await live.ok("subscribe", topic=f"room:{log.large}")
        [session] = site.server.hub.sessions("SHOP", "u-ann")
        reads, largest, began = site.server.store.reads, 0, time.perf_counter()
        reply = await ann.ok("subscribe", topic=topic, since=since)
        assert reply["complete"], reply
        offsets = []
        for number in range(READ):
            offsets.append((await ann.push())["offset"])
            largest = max(largest, session.outbox.size)
            if number == READ // 2:  # what is said meanwhile is live for others, not for ann yet
                data = {"content": "now"}
                said = await live.ok("publish", topic=f"room:{log.large}", data=data)
                assert (await live.push())["offset"] == said["offset"]
        seconds = time.perf_counter() - began
        [subscription] = session.subscriptions.values()
        assert not subscription.live
        # Kernels hold a part of what she has not read yet
        handed, pages = subscription.position - begin, site.server.store.reads - reads
        ann.socket.transport.abort()  # a goodbye would wait for the rest to be read
    assert offsets == theirs(begin, READ)
    assert largest <= OUTBOX + 1000
    most = handed * 3 / 4 / PAGE * 2 + 50  # a page, and whether she is a member still
    assert READ / PAGE <= pages <= most, (handed, pages)
    slowest = statistics.quantiles(latency.seconds, n=20)[-1]
    tell(
        f"{wanted}: {READ / seconds:.0f} messages/s of a million, {pages} reads; others: "
        f"{statistics.median(latency.seconds) * 1000:.1f} ms, 19 of 20 within {slowest * 1000:.1f} ms"
    )
    assert slowest < 0.5


async def test_who_joins_and_never_reads_costs_a_page_and_his_outbox(site, log):
    async with Wire.open(site, "/ws", "ann", window=4096) as ann:
        await ann.next()
        ann.send({"id": 1, "do": "subscribe", "topic": f"room:{log.large}", "since": "start"})
        assert (await ann.next())["ok"]["complete"]
        [session] = site.server.hub.sessions("SHOP", "u-ann")
        before = -1
        while site.server.store.reads > before:  # until it asks for no more
            before = site.server.store.reads
            assert session.outbox.size <= OUTBOX + 1000
            await asyncio.sleep(0.3)
        assert session.outbox.size > 0
        [subscription] = session.subscriptions.values()
        assert subscription.position < MILLION // 10
