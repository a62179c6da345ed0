"""A connection dies without a word, its client opens another one, and then the server is killed: what
the new one has proved does not come again."""

import asyncio
import contextlib
import json
import signal

import pytest

from support.growerp import FrontEnd
from support.process import proved_on_disk, serving, toml
from support.server import Site, users
from support.wire import PING, PONG, TEXT, Wire


class Device:
    """bob's, on /chat: answers pings while it lives."""

    def __init__(self, wire):
        self.wire = wire
        self.heard = []
        self.reading = asyncio.create_task(self._read())

    async def _read(self):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                opcode, payload = await self.wire.frame(60)
                if opcode == PING:
                    self.wire.write(PONG, payload)
                elif opcode == TEXT:
                    self.heard.append(json.loads(payload)["content"])

    async def hears(self, *texts):
        async with asyncio.timeout(15):
            while self.heard[-len(texts) :] != list(texts):
                await asyncio.sleep(0.02)

    def hang(self):
        self.reading.cancel()


@contextlib.asynccontextmanager
async def bob(site, stack):
    device = Device(await stack.enter_async_context(Wire.open(site, "/chat", "bob")))
    yield device
    device.hang()


@pytest.mark.timeout(120)
async def test_what_was_proved_after_a_hung_connection_does_not_come_again(tmp_path):
    config = tmp_path / "tornado_chat.toml"
    tables = {"users": users(), "delivery": {"settle_seconds": 0.2}}
    config.write_text(toml({**tables, "server": {"drain_seconds": 0.1}}))
    async with contextlib.AsyncExitStack() as hung:
        async with serving("-c", config, cwd=tmp_path) as server:
            site = Site(server)
            ann = FrontEnd(site, "ann")
            room = await ann.room_with(FrontEnd(site, "bob"), name="lunch")
            async with bob(site, hung) as first:
                await ann.say(room, "one")
                await first.hears("one")
                await proved_on_disk(tmp_path)
                first.hang()
                await ann.say(room, "two")
                async with bob(site, hung) as second:
                    await ann.say(room, "three")
                    await second.hears("two", "three")
                    assert second.heard == ["two", "three"]
                    await proved_on_disk(tmp_path)
                    await server.stop(signal.SIGKILL)
        for text in ("four", "five"):
            async with serving("-c", config, cwd=tmp_path) as server:
                site = Site(server)
                async with bob(site, hung) as again:
                    await FrontEnd(site, "ann").say(room, text)
                    await again.hears(text)
                    assert again.heard == [text]
                    await proved_on_disk(tmp_path)
                    await server.stop(signal.SIGKILL)
