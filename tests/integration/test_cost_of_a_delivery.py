"""What one delivery costs, counted: it must not depend on how many others there are."""

import asyncio
import contextlib

import pytest

from support.boards import boards
from support.queries import counted_queries
from support.server import running_server
from tornado_chat import Topic
from tornado_chat.web.connection import Connection

BOARD = Topic("SHOP", "board", "1")
FEW, MANY = 3, 30


@pytest.fixture
async def site():
    quiet = {"delivery": {"ping_seconds": 600}, "limits": {"sockets_per_user": 0}}
    async with running_server(quiet, modules=[boards()], entry_points=False) as running:
        yield running


class Cost:
    """`writes`: (transport, piece), as the sockets were given them; `tasks`: made meanwhile."""

    def __init__(self):
        self.writes = []
        self.tasks = 0

    def take(self, transport, data):
        self.writes.append((transport, data))

    def make_task(self, loop, coroutine, **given):
        self.tasks += 1
        return asyncio.Task(coroutine, loop=loop, **given)


@contextlib.contextmanager
def costing(site, monkeypatch):
    """Between the publish and the last byte, with nobody reading meanwhile."""
    cost, write = Cost(), Connection.write

    def counted(transport, data, drained):
        cost.take(transport, data)
        return write(transport, data, drained)

    loop = asyncio.get_running_loop()
    hub = site.server.hub
    looked, encoded, reads = hub.looked_at, hub.encoded, site.server.store.reads
    with monkeypatch.context() as patch, counted_queries() as queries:
        patch.setattr(Connection, "write", counted)
        loop.set_task_factory(cost.make_task)
        try:
            yield cost
        finally:
            loop.set_task_factory(None)
    cost.looked_at, cost.encoded = hub.looked_at - looked, hub.encoded - encoded
    cost.reads, cost.queries = site.server.store.reads - reads, len(queries.all)


@contextlib.asynccontextmanager
async def hearers(site, count):
    async with contextlib.AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(site.connect(("ann", "bob", "carl")[number % 3]))
            for number in range(count)
        ]
        for each in opened:
            await each.ok("subscribe", topic="board:1")
        yield opened


async def said(site, monkeypatch, hearing, messages):
    """The cost of so many messages, published in one turn of the loop and committed together."""
    with costing(site, monkeypatch) as cost:
        await asyncio.gather(*(site.server.publish(BOARD, {"n": n}) for n in range(messages)))
        while len({transport for transport, _data in cost.writes}) < len(hearing):
            await asyncio.sleep(0)
    for each in hearing:
        assert [(await each.push())["data"]["n"] for _ in range(messages)] == list(range(messages))
    return cost


async def test_a_message_is_encoded_once_and_its_bytes_are_shared(site, monkeypatch):
    async with hearers(site, MANY) as hearing:
        cost = await said(site, monkeypatch, hearing, 1)
    assert cost.encoded == 1
    assert cost.looked_at == len(cost.writes) == MANY
    assert len({id(data) for _transport, data in cost.writes}) == 1  # one object, no copy


async def test_hearers_cost_no_task_no_query_and_no_read(site, monkeypatch):
    costs = []
    for count in (FEW, MANY):
        async with hearers(site, count) as hearing:
            await said(site, monkeypatch, hearing, 1)  # what is asked once was asked
            costs.append(await said(site, monkeypatch, hearing, 1))
    few, many = costs
    assert (few.tasks, few.queries, few.reads) == (many.tasks, many.queries, many.reads)


async def test_a_burst_is_one_look_and_one_write_for_each_hearer(site, monkeypatch):
    async with hearers(site, MANY) as hearing:
        await said(site, monkeypatch, hearing, 1)
        cost = await said(site, monkeypatch, hearing, 20)
    groups = cost.looked_at / MANY  # commits that came between: a few at most
    assert groups <= 3
    assert len(cost.writes) == cost.looked_at
    assert cost.encoded == 20
    assert len({id(data) for _transport, data in cost.writes}) == groups


async def test_what_a_socket_takes_at_once_makes_no_future_of_the_stream(site, monkeypatch):
    async with hearers(site, FEW) as hearing:
        written = []
        with monkeypatch.context() as patch:
            patch.setattr("tornado.iostream.IOStream.write", lambda *given: written.append(given))
            await said(site, monkeypatch, hearing, 5)
        assert written == []


async def test_sockets_that_hear_something_else_are_not_looked_at(site, monkeypatch):
    async with hearers(site, FEW) as hearing, contextlib.AsyncExitStack() as stack:
        for _ in range(MANY):
            other = await stack.enter_async_context(site.connect("bob"))
            await other.ok("subscribe", topic="board:2")
        cost = await said(site, monkeypatch, hearing, 1)
    assert cost.looked_at == len(cost.writes) == FEW
