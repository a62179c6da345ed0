"""A bad network: a TCP proxy before a server, whose faults a test switches on and off.

    async with proxied(site.port) as proxy:
        socket = await websockets.connect(f"ws://127.0.0.1:{proxy.port}/ws")
        proxy.delay(0.05)            # each piece comes so much later, in order
        proxy.stall()                # nothing passes and nothing is closed; what waits is kept
        proxy.stall("down")          # one way only: what the server says; "up": what the client says
        proxy.restore()              # every fault ends, what waited passes; stranded connections stay so
        proxy.strand()               # today's connections stall for ever (half open for both ends),
                                     # new ones pass: a router that forgot
        proxy.cut()                  # today's connections are reset now
        proxy.cut_in_frame("down")   # the next piece passes save its last byte, then the connection is
                                     # reset: in the middle of a frame, or of the handshake
        proxy.cut_after(700, "up")   # reset after so many more bytes of one connection, new ones too
        proxy.refuse()               # nobody gets in; today's connections stay
        proxy.target = other.port    # the server came back elsewhere

Directions: "up" is client to server, "down" the other, "both" the default. `connections` counts what is
open, `accepted` all that ever came; `await proxy.until(lambda: proxy.accepted > 2)` waits for a change.
"""

import asyncio
import contextlib
import socket
import struct

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: no goodbye, unsent bytes are forgotten


class Way:
    """One direction: what is wrong with it."""

    def __init__(self):
        self.delay = 0.0
        self.stalled = False
        self.budget = None  # bytes of each connection before it is cut
        self.tear = False  # the next piece is the last, and not whole


class Link:
    """One connection through the proxy."""

    def __init__(self, ends):
        self.ends = ends  # the two writers: to the client, to the server
        self.stranded = False
        self.passed = {"up": 0, "down": 0}

    def reset(self):
        for writer in self.ends:
            sock = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()


class Proxy:
    def __init__(self, target):
        self.target = target
        self.port = 0
        self.accepted = 0
        self.ways = {"up": Way(), "down": Way()}
        self._links = set()
        self._tasks = set()
        self._refusing = False
        self._closed = False
        self._changed = asyncio.Event()

    @property
    def connections(self):
        return len(self._links)

    def delay(self, seconds, direction="both"):
        for way in self._of(direction):
            way.delay = seconds

    def stall(self, direction="both"):
        for way in self._of(direction):
            way.stalled = True

    def strand(self):
        for link in self._links:
            link.stranded = True

    def cut(self):
        for link in list(self._links):
            link.reset()

    def cut_in_frame(self, direction="down"):
        for way in self._of(direction):
            way.tear = True

    def cut_after(self, count, direction="down"):
        """Bytes are counted from now for the connections of today, from their start for others."""
        for name, way in self.ways.items():
            if direction in (name, "both"):
                way.budget = count
                for link in self._links:
                    link.passed[name] = 0

    def refuse(self):
        self._refusing = True

    def restore(self):
        self.ways["up"].__init__()
        self.ways["down"].__init__()
        self._refusing = False
        self._tell()

    async def until(self, true, seconds=10.0):
        async with asyncio.timeout(seconds):
            while not true():
                self._changed.clear()
                await self._changed.wait()

    def _of(self, direction):
        return [way for name, way in self.ways.items() if direction in (name, "both")]

    def _tell(self):
        self._changed.set()

    async def serve(self, reader, writer):
        self.accepted += 1
        self._tell()
        link = Link([writer])
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            if not self._refusing:
                await self._link(link, reader)
        finally:
            link.reset()
            self._tasks.discard(task)
            self._links.discard(link)
            self._tell()

    async def _link(self, link, reader):
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            return
        client = link.ends[0]
        link.ends.append(far_writer)
        self._links.add(link)
        self._tell()
        ways = [
            asyncio.create_task(self._pump(link, "up", reader, far_writer)),
            asyncio.create_task(self._pump(link, "down", far_reader, client)),
        ]
        try:
            # one end that said goodbye may still be spoken to; one that was reset ends both
            await asyncio.gather(*ways)
        finally:
            for way in ways:
                way.cancel()

    async def _pump(self, link, name, reader, writer):
        way = self.ways[name]
        with contextlib.suppress(OSError):
            while await self._open(link, way) and (piece := await reader.read(65536)):
                if way.delay:
                    await asyncio.sleep(way.delay)
                # what was read while the network broke waits like all else
                if not await self._open(link, way):
                    break
                if not await self._pass(link, name, piece, writer):
                    break
            else:
                writer.write_eof()
                return
        link.reset()

    async def _pass(self, link, name, piece, writer):
        """False: that was the last of this connection."""
        way = self.ways[name]
        whole = len(piece)
        if way.budget is not None:
            piece = piece[: max(0, way.budget - link.passed[name])]
        if way.tear:
            way.tear = False
            piece = piece[: whole - 1]
        link.passed[name] += len(piece)
        writer.write(piece)
        await writer.drain()
        if len(piece) < whole:
            await self._arrived(writer)
            return False
        return True

    @staticmethod
    async def _arrived(writer):
        """What was written is with the kernel, so that a reset comes after it."""
        while writer.transport.get_write_buffer_size():
            await asyncio.sleep(0)
        await asyncio.sleep(0.02)  # and is read at the other end: a reset throws unread bytes away

    async def _open(self, link, way):
        while (way.stalled or link.stranded) and not self._closed:
            self._changed.clear()
            await self._changed.wait()
        return not self._closed

    async def close(self):
        self._closed = True
        self._tell()
        self.cut()
        await asyncio.gather(*self._tasks)


@contextlib.asynccontextmanager
async def proxied(target):
    """A proxy on a free port, before the server on the port `target`."""
    proxy = Proxy(target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        for listening in server.sockets:
            asyncio.get_running_loop().remove_reader(listening)
        for _ in range(5):  # turns: who is just coming in would be forgotten, and left open
            await asyncio.sleep(0)
        server.close()
        await proxy.close()
        await server.wait_closed()
