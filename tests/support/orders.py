"""A shop for the order list: signed deliveries, a database to poll, and somebody who watches."""

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
import sqlite3
import time
from typing import ClassVar

from tornado_chat_plugins import notifications, order_list

from support.server import merged, running_server

PATH = "/plugins/order_list/orders"
SECRET = "whsec_" + base64.b64encode(b"a secret of at least 24 bytes").decode()
KEY = b"a secret of at least 24 bytes"

_ids = itertools.count(1)


def started(section, tables=None, modules=(), **kwargs):
    """A server with [plugins.order_list] as given."""
    tables = merged({"plugins": {"order_list": section}}, tables or {})
    plugins = [notifications, order_list, *modules]
    return running_server(tables, modules=plugins, entry_points=False, **kwargs)


def signed(body, *, delivery=None, at=None, key=KEY):
    """The headers of a delivery, computed apart from the code that checks them."""
    delivery = delivery or f"msg_{next(_ids)}"
    at = int(time.time()) if at is None else at
    digest = hmac.new(key, f"{delivery}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": delivery,
        "webhook-timestamp": str(at),
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        "Content-Type": "application/json",
    }


async def deliver(site, what, **signing):
    """Posts {"order": …} or {"orders": […]}; the answer."""
    given = {"orders": what} if isinstance(what, list) else {"order": what}
    body = json.dumps(given).encode()
    return await site.fetch("POST", PATH, raw=body, headers=signed(body, **signing))


async def delivered(site, what, **signing):
    """The same where it must go well: what was (changed, unchanged)."""
    answer = await deliver(site, what, **signing)
    assert answer.code == 200, answer.body
    return answer.json["changed"], answer.json["unchanged"]


class Watcher:
    """What a client has of the list: the snapshot, with the pushes applied."""

    def __init__(self, client, topic="orders:SHOP"):
        self.client = client
        self.topic = topic
        self.orders = {}
        self.seen = []  # items of pushes, in order
        self.pushed = {}  # the version that was pushed last, by order

    async def start(self):
        reply = await self.client.ok("subscribe", topic=self.topic)
        assert len(reply["state"]["orders"]) == len(
            {o["orderId"] for o in reply["state"]["orders"]}
        )
        self.orders = {order["orderId"]: order for order in reply["state"]["orders"]}
        return reply["state"]["orders"]

    def apply(self, item):
        """As a client must: the state may be newer than the pushes that come first, so what is not
        newer than what it has is passed over."""
        order_id, version = item["orderId"], item["version"]
        assert version > self.pushed.get(order_id, -1), "versions of pushes rise"
        self.pushed[order_id] = version
        self.seen.append(item)
        known = self.orders.get(order_id)
        if known is not None and version <= known["version"]:
            return
        if item.get("deleted"):
            self.orders.pop(order_id, None)
        else:
            self.orders[order_id] = item

    async def next(self, seconds=5.0):
        push = await self.client.push(seconds)
        item = push["data"]["order"]
        self.apply(item)
        return item

    def table(self):
        """Without versions, which are ours."""
        return {
            order_id: {key: value for key, value in order.items() if key != "version"}
            for order_id, order in self.orders.items()
        }

    async def until_told_of(self, order_id):
        """Takes pushes up to one of that order."""
        while (await self.next())["orderId"] != order_id:
            pass

    async def until(self, expected, seconds=10.0):
        """Takes pushes until it has the expected table."""
        async with asyncio.timeout(seconds):
            while self.table() != expected:
                await self.next(seconds)


class Shop:
    """A database of somebody else's, with a table of orders."""

    QUERY = "SELECT order_id, status, customer, total, currency, placed_at FROM orders"
    COLUMNS: ClassVar = {"order_id": "orderId", "placed_at": "placedAt"}

    def __init__(self, folder):
        self.file = folder / "shop.db"
        self.db = self.connect()
        self.db.execute(
            "CREATE TABLE orders (order_id INTEGER PRIMARY KEY, status TEXT, customer TEXT, "
            "total NUMERIC, currency TEXT, placed_at TEXT)"
        )
        self.db.commit()

    def connect(self):
        return sqlite3.connect(self.file, timeout=5)

    def section(self, **more):
        """[plugins.order_list.poll]"""
        return {
            "url": f"sqlite:///{self.file}",
            "query": self.QUERY,
            "columns": self.COLUMNS,
            "interval_seconds": 0.05,
            "tenant": "SHOP",
            **more,
        }

    def put(self, order_id, status="placed", customer="Maas", total="12.50", day=1):
        row = (order_id, status, customer, total, "EUR", f"2026-08-{day:02d}")
        self.db.execute("REPLACE INTO orders VALUES (?,?,?,?,?,?)", row)
        self.db.commit()

    def drop(self, order_id):
        self.db.execute("DELETE FROM orders WHERE order_id = ?", (order_id,))
        self.db.commit()

    def table(self):
        """What the list must hold."""
        names = ("orderId", "status", "customer", "total", "currency", "placedAt")
        rows = self.db.execute(self.QUERY).fetchall()
        return {str(row[0]): dict(zip(names, (str(row[0]), *row[1:]), strict=True)) for row in rows}


async def eventually(check, seconds=5.0):
    """Waits until it is so; `check` may be async."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline, "it never came"
        await asyncio.sleep(0.02)
