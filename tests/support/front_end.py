"""A plain RFC 6455 client that behaves as the GrowERP front-end's: nothing of a WebSocket library.

It comes back a fixed time after whatever ended the connection, answers pings, sends none of its
own, acknowledges nothing, and says what it has to say once in its life.

    async with plain(proxy, "/notws", "dora", first="subscribe: ALL") as dora:
        ...
        dora.heard      # every object that came, over all connections
"""

import asyncio
import contextlib
import json

from support.wire import CLOSE, PING, PONG, TEXT, Wire


class Plain:
    def __init__(self, server, path, name, first, reconnect_seconds):
        self.heard = []
        self.opened = 0
        self._where = (server, path, name)
        self._first = first
        self._reconnect_seconds = reconnect_seconds

    async def live(self):
        while True:
            with contextlib.suppress(
                OSError, AssertionError, TimeoutError, asyncio.IncompleteReadError
            ):
                async with Wire.open(*self._where) as wire:
                    self.opened += 1
                    if self._first is not None and self.opened == 1:
                        wire.send(self._first)
                    await self._read(wire)
            await asyncio.sleep(self._reconnect_seconds)

    async def _read(self, wire):
        """Until it ends; half a frame is no frame."""
        while True:
            opcode, payload = await wire.frame(3600)
            if opcode == TEXT:
                self.heard.append(json.loads(payload))
            elif opcode == PING:
                wire.write(PONG, payload)
            elif opcode == CLOSE:
                return


@contextlib.asynccontextmanager
async def plain(server, path, name, *, first=None, reconnect_seconds=0.1):
    client = Plain(server, path, name, first, reconnect_seconds)
    task = asyncio.create_task(client.live())
    try:
        yield client
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
