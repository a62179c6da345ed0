"""Consumers for tests: what they write and handle is kept where a test can look.

`Diary` is a plugin given in code; `diary.add(name, …)` before the server starts. `write` writes a
row of the table `given_written`, `handle` notes the offset in `diary.handled[name]`.
"""

import asyncio
from collections import defaultdict

import peewee

from support.boards import Board, Typing, plugin
from tornado_chat import Consumer, StoreModel, Topic, hookimpl

BOARD = Topic("SHOP", "board", "1")


class Written(StoreModel):
    consumer = peewee.CharField()
    offset = peewee.BigIntegerField()

    class Meta:
        table_name = "given_written"


class Diary:
    """`before(name, message)` is called first by each write and, awaited, by each handle: it may
    raise or wait."""

    def __init__(self, *consumers):
        self.consumers = list(consumers)
        self.handled = defaultdict(list)
        self.tried = defaultdict(list)
        self.failing = {}  # (name, offset) -> how often it still raises
        self.module = plugin("given", **self.hooks())

    def add(self, name, *methods, **given):
        if "write" in methods:
            given["write"] = lambda tx, message: self._write(name, tx, message)
        if "handle" in methods:
            given["handle"] = self._handler(name)
        self.consumers.append(Consumer(name, **given))
        return self

    def fail(self, name, offset, times):
        self.failing[name, offset] = times

    def _check(self, name, message):
        self.tried[name].append(message.offset)
        left = self.failing.get((name, message.offset), 0)
        if left:
            self.failing[name, message.offset] = left - 1
            raise RuntimeError(message.data["content"])

    def _write(self, name, tx, message):
        self._check(f"{name}.write", message)
        Written.create(consumer=name, offset=message.offset)

    def _handler(self, name):
        async def handle(message):
            self._check(f"{name}.handle", message)
            await asyncio.sleep(0)
            self.handled[name].append(message.offset)

        return handle

    def hooks(self):
        @hookimpl
        def register_topics():
            return [Board(), Typing()]

        @hookimpl
        def register_models():
            return [Written]

        @hookimpl
        def register_consumers():
            return self.consumers

        return {
            "register_topics": register_topics,
            "register_models": register_models,
            "register_consumers": register_consumers,
        }


def runner(site, name):
    [found] = [each for each in site.server.consumers.runners if each.consumer.name == name]
    return found


async def publish(site, *contents, topic=BOARD):
    """Their offsets."""
    messages = [await site.server.publish(topic, {"content": each}) for each in contents]
    return [message.offset for message in messages]


async def written(site, name):
    """Offsets in the order in which they were written."""

    def read(_tx):
        rows = Written.select().where(Written.consumer == name).order_by(Written.id)
        return [row.offset for row in rows]

    return await site.server.read(read)


async def until(condition, seconds=10.0):
    """Waits for what a test is about."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def caught_up(site, name, offset):
    """Its stored position has reached the offset."""
    await until(lambda: runner(site, name).stored >= offset)
