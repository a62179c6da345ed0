"""A store on a real file, without the rest of the server, and ways to bring it into trouble."""

import asyncio
import contextlib
import threading
from dataclasses import replace

from tornado_chat.messages import Draft, Topic
from tornado_chat.store import Rules, Store
from tornado_chat.store.models import current_database

ROOM = Topic("SHOP", "room", "1")


class Opened:
    """A store, and what it has handed over."""

    def __init__(self, path, **rules):
        self.committed = []
        self.store = Store(
            f"sqlite:///{path}", "relaxed", replace(Rules(), **rules), self.committed.append
        )

    @property
    def offsets(self):
        return [message.offset for done in self.committed for message in done.messages]

    async def __aenter__(self):
        self.head = await self.store.start()
        return self

    async def __aexit__(self, *error):
        await self.store.stop()


def draft(topic=ROOM, sender="ann", **given):
    return Draft(topic, given.pop("data", {"content": "hello"}), sender=sender, **given)


def sql(text, *parameters):
    """For work in a thread of the store."""
    return current_database.get().execute_sql(text, parameters)


@contextlib.asynccontextmanager
async def one_group(store):
    """What is asked for inside shares one transaction: the writer is kept busy until the end."""
    busy, free = threading.Event(), threading.Event()

    def wait(_tx):
        busy.set()
        free.wait(10)

    held = store.write(wait)
    await asyncio.to_thread(busy.wait, 10)
    try:
        yield
    finally:
        free.set()
        await held


async def no_space_left(store, pages=40):
    """So many pages may be added, then the disk is full, really: SQLITE_FULL."""

    def limit(_tx):
        used = sql("PRAGMA page_count").fetchone()[0]
        sql(f"PRAGMA max_page_count = {used + pages}")
        sql("PRAGMA cache_size = 10")  # pages leave the cache in the middle of a transaction

    await store.write(limit)


async def space_again(store):
    await store.write(lambda _tx: sql("PRAGMA max_page_count = 1000000"))
