"""A websocket by hand: a client that reads only when it is told to, and answers nothing by itself.

    async with Wire.open(site, "/ws", "ann") as wire:
        wire.send({"id": 1, "do": "ping"})
        opcode, payload = await wire.frame()

Pings are frames like any other.
"""

import asyncio
import base64
import contextlib
import json
import os
import socket
import struct

from support.server import key_of

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Wire:
    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, site, path, name, *, window=None, key=None):
        """`window`: bytes that the kernel may keep for us, so that a reader is slow at once. `key`:
        where it is not the usual one of that name."""
        sock = socket.socket()
        if window is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", site.port))
        except BaseException:
            sock.close()
            raise
        # a small limit: what nobody asks for stays in the kernel
        reader, writer = await asyncio.open_connection(sock=sock, limit=1024)
        try:
            writer.write(
                f"GET {path}?api_key={key or key_of(name)} HTTP/1.1\r\nHost: x\r\n"
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n".encode()
            )
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            assert b" 101 " in head, head
            yield cls(reader, writer)
        finally:
            writer.transport.abort()

    def send(self, frame):
        """A text frame: JSON, or as it is."""
        self.write(TEXT, (frame if isinstance(frame, str) else json.dumps(frame)).encode())

    def write(self, opcode, payload):
        """A frame, masked as RFC 6455 5.3 asks of clients."""
        mask = os.urandom(4)
        size = len(payload)
        assert size < 65536
        short = size < 126
        head = bytes([0x80 | opcode, 0x80 | (size if short else 0xFE)])
        head += b"" if short else struct.pack("!H", size)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
        self.writer.write(head + mask + masked)

    async def frame(self, seconds=5.0):
        """(opcode, payload) of the next frame."""
        async with asyncio.timeout(seconds):
            opcode, size = await self.reader.readexactly(2)
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return opcode & 15, await self.reader.readexactly(size)

    async def next(self, seconds=5.0):
        """The next text frame."""
        opcode, payload = await self.frame(seconds)
        assert opcode == TEXT, (opcode, payload)
        return json.loads(payload)

    async def close_code(self, seconds=5.0):
        """The next frame, which must be a goodbye."""
        opcode, payload = await self.frame(seconds)
        assert opcode == CLOSE, (opcode, payload)
        return struct.unpack("!H", payload[:2])[0]

    async def silent(self, seconds=0.3):
        """No frame comes for a while, or never again."""
        try:
            frame = await self.frame(seconds)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
            return
        raise AssertionError(frame)
