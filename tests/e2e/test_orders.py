"""Real input: the orders of a sample ERP database come in through the webhook in one run and through
polling in another. Snapshot plus updates equals the table, and everybody has the notifications."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import random
import sqlite3
import time
from collections import Counter

import pytest
import websockets
from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from support import northwind
from support.process import serving, toml
from support.server import Native

PEOPLE = ("ann", "bob", "carl", "dora")
SECRET = base64.b64encode(b"a shared secret of 24 by").decode()


def users():
    return [
        {"user_id": name, "login_name": name, "full_name": name.title(), "tenant": "SHOP",
         "api_key": f"key-of-{name}-0123456789"}
        for name in PEOPLE
    ] + [{"user_id": "zoe", "tenant": "OTHER", "api_key": "key-of-zoe-0123456789"}]  # fmt: skip


class Watcher:
    """A front-end that holds the list: the state once, then every update."""

    def __init__(self, client, orders):
        self.client = client
        self.orders = orders
        self.updates = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, server):
        url = f"ws://127.0.0.1:{server.port}/ws?api_key=key-of-ann-0123456789"
        async with websockets.connect(url, compression=None, max_queue=None) as socket:
            client = Native(socket)
            await client.next()
            state = (await client.ok("subscribe", topic="orders:SHOP"))["state"]
            yield cls(client, {order["orderId"]: order for order in state["orders"]})

    async def apply(self, count):
        """The next so many updates; a version never goes back."""
        for _ in range(count):
            order = (await self.client.push(30))["data"]["order"]
            known = self.orders.get(order["orderId"])
            assert known is None or order["version"] > known["version"]
            if order.get("deleted"):
                del self.orders[order["orderId"]]
            else:
                self.orders[order["orderId"]] = order
            self.updates += 1

    def without_versions(self):
        return {
            number: {key: value for key, value in order.items() if key != "version"}
            for number, order in self.orders.items()
        }


class Toasts:
    """`/notws` of one person, who sent `subscribe: ALL` and counts what he is told."""

    def __init__(self, socket):
        self.told = Counter()
        self.last = None
        self._socket = socket
        self._task = asyncio.create_task(self._listen())

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, server, name):
        url = f"ws://127.0.0.1:{server.port}/notws?api_key=key-of-{name}-0123456789&userId={name}"
        async with websockets.connect(url, compression=None, max_queue=None) as socket:
            await socket.send("subscribe: ALL")
            toasts = cls(socket)
            yield toasts
            toasts._task.cancel()

    async def _listen(self):
        async for text in self._socket:
            frame = json.loads(text)
            assert frame["topic"] == "OrderUpdate"
            assert frame["persistOnSend"] is True
            assert frame["notificationMessageId"] is not None
            assert isinstance(frame["message"]["message"], str)
            assert isinstance(frame["message"]["status"], str)
            self.told[frame["message"]["orderId"]] += 1
            self.last = frame

    async def count(self, expected):
        for _ in range(600):
            if self.told.total() >= expected:
                break
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        return self.told.total()


class Shop:
    """The ERP's own table, and what changes in it."""

    def __init__(self, path):
        self.path = path
        self.chance = random.Random(11)
        self.versions = Counter()

    def change(self):
        """Some rows changed, some new, some gone; the ids of each."""
        with sqlite3.connect(self.path) as database:
            ids = [row[0] for row in database.execute("SELECT order_id FROM orders")]
            changed = self.chance.sample(ids, 40)
            gone, changed = changed[:10], changed[10:]
            for number in changed:
                database.execute(
                    "UPDATE orders SET freight = freight + 1 WHERE order_id = ?", [number]
                )
            for number in gone:
                database.execute("DELETE FROM orders WHERE order_id = ?", [number])
            new = [20_000 + max(ids) + extra for extra in range(15)]
            for number in new:
                database.execute(
                    "INSERT INTO orders VALUES (?, 'NEWCO', '2026-11-22', NULL, 12.5, 'Zürich')",
                    [number],
                )
        return [str(each) for each in changed + new], [str(each) for each in gone]


@contextlib.asynccontextmanager
async def watching(tmp_path, plugin):
    config = tmp_path / "tornado_chat.toml"
    config.write_text(toml({"users": users(), "plugins": {"order_list": plugin}}))
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving("-c", config))
        everybody = [
            await stack.enter_async_context(Toasts.open(server, name)) for name in (*PEOPLE, "zoe")
        ]
        await asyncio.sleep(2.5)  # longer than delivery.settle_seconds
        watcher = await stack.enter_async_context(Watcher.open(server))
        yield server, watcher, everybody
        assert await server.stop() == 0
        assert "Traceback" not in server.log
        assert "WARNING" not in server.log, server.log
        assert "ERROR" not in server.log, server.log


async def check(server, watcher, everybody, path):
    """The list, a fresh snapshot, the table, and what people were told all agree."""
    expected = northwind.table(path)
    assert watcher.without_versions() == expected
    async with Watcher.open(server) as fresh:
        assert fresh.orders == watcher.orders
    *people, stranger = everybody
    for person in people:
        assert await person.count(watcher.updates) == watcher.updates
        assert person.told == people[0].told
    assert stranger.told.total() == 0
    await watcher.client.quiet()


@pytest.mark.timeout(180)
async def test_orders_through_the_webhook(tmp_path, tell):
    path = tmp_path / "shop.db"
    source, count = northwind.load(path)
    tell(f"{source}: {count} orders")
    shop = Shop(path)
    async with watching(tmp_path, {"secret": f"whsec_{SECRET}", "tenant": "SHOP"}) as (
        server, watcher, everybody,
    ):  # fmt: skip

        async def deliver(orders, delivery=None):
            for order in orders:
                shop.versions[order["orderId"]] += 1
                order["version"] = shop.versions[order["orderId"]]
            return await post(server, {"orders": orders}, delivery)

        orders = list(northwind.table(path).values())
        for start in range(0, count, 100):
            assert await deliver([dict(each) for each in orders[start : start + 100]]) == 200
        await watcher.apply(count)
        await check(server, watcher, everybody, path)

        for _ in range(3):
            changed, gone = shop.change()
            now = northwind.table(path)
            body = [dict(now[number]) for number in changed]
            body += [{"orderId": number, "deleted": True} for number in gone]
            assert await deliver(body, f"delivery-{_}") == 200
            assert await post(server, {"orders": body}, f"delivery-{_}") == 200  # again: nothing
            late = [{**each, "status": "TooLate", "version": 1} for each in body[:30]]
            assert await post(server, {"orders": late}) == 200  # an older version: nothing
            await watcher.apply(len(body))
            await check(server, watcher, everybody, path)


async def post(server, body, delivery=None):
    text, now = json.dumps(body), str(int(time.time()))
    delivery = delivery or f"d{random.random()}"
    signed = hmac.digest(
        base64.b64decode(SECRET), f"{delivery}.{now}.{text}".encode(), hashlib.sha256
    )
    headers = {
        "webhook-id": delivery,
        "webhook-timestamp": now,
        "webhook-signature": "v1," + base64.b64encode(signed).decode(),
        "Content-Type": "application/json",
    }
    url = f"{server.url}/plugins/order_list/orders"
    request = HTTPRequest(url, "POST", headers, text, request_timeout=30)
    return (await AsyncHTTPClient().fetch(request, raise_error=False)).code


@pytest.mark.timeout(180)
async def test_orders_through_polling(tmp_path):
    path = tmp_path / "shop.db"
    _, count = northwind.load(path)
    rows = tmp_path / "rows.db"
    path.rename(rows)
    with sqlite3.connect(path) as empty:  # so that somebody watches when the first row comes
        empty.execute(northwind.TABLE)
        empty.execute("PRAGMA journal_mode = wal")
    shop = Shop(path)
    poll = {
        "url": f"sqlite:///{path}",
        "query": " ".join(northwind.QUERY.split()),
        "key": "order_id",
        "interval_seconds": 0.2,
        "tenant": "SHOP",
    }
    async with watching(tmp_path, {"poll": poll}) as (server, watcher, everybody):
        with sqlite3.connect(path) as database:
            database.execute("ATTACH ? AS rows", [str(rows)])
            database.execute("INSERT INTO orders SELECT * FROM rows.orders")
        await watcher.apply(count)
        await check(server, watcher, everybody, path)

        for _ in range(3):
            changed, gone = shop.change()
            await watcher.apply(len(changed) + len(gone))
            await check(server, watcher, everybody, path)

        # A transaction that began first and commits last is found as well.
        late, quick = (sqlite3.connect(path, isolation_level=None) for _ in range(2))
        late.execute("BEGIN")
        assert late.execute("SELECT count(*) FROM orders").fetchone()[0] > 0
        late.execute("COMMIT")
        late.execute("BEGIN IMMEDIATE")
        late.execute("INSERT INTO orders VALUES (90001, 'LATE', '2026-11-20', NULL, 1.5, 'Lund')")
        await asyncio.sleep(0.6)
        late.execute("COMMIT")
        quick.execute(
            "INSERT INTO orders VALUES (90000, 'QUICK', '2026-11-21', NULL, 2.5, 'Ystad')"
        )
        await watcher.apply(2)
        await check(server, watcher, everybody, path)
        late.close()
        quick.close()
