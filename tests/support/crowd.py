"""Thousands of native clients in one loop, which survive the restarts of their server.

Each reads its own frames (RFC 6455, no masking worth the name, nothing compressed), comes back as
`bye` says, else after a pause with chance in it, and resumes every subscription with its own
position. Every message that any of them publishes is sent again with its key until it is answered.
"""

import asyncio
import base64
import contextlib
import json
import os
import random
import struct
import time

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
AT_ONCE = 100  # handshakes


class Crowd:
    """`port`: where the server is. `acked`: by topic, the offset of each message and its key."""

    def __init__(self, port, seed):
        self.port = port
        self.chance = random.Random(seed)
        self.doors = asyncio.Semaphore(AT_ONCE)
        self.members = []
        self.acked = {}
        self.errors = []
        self.refusals = {}  # status, or "nobody there": how often
        self.leaving = False
        self._tasks = []

    def add(self, key, subscribed):
        """`subscribed`: topics by name, or `mine`."""
        member = Member(self, key, subscribed)
        self.members.append(member)
        self._tasks.append(asyncio.create_task(member.live()))
        return member

    @property
    def at_home(self):
        """How many are connected and have the answers to all their subscriptions."""
        return sum(member.ready for member in self.members)

    async def until(self, found, seconds, what):
        try:
            async with asyncio.timeout(seconds):
                while not found():
                    self.check()
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"not in {seconds} s: {what()}") from None

    def check(self):
        assert not self.errors, self.errors[:5]

    async def close(self):
        self.leaving = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Member(asyncio.Protocol):
    """`seen`: by topic, the offsets in the order in which they came; `came`: when each did."""

    def __init__(self, crowd, key, subscribed):
        self.crowd = crowd
        self.key = key
        self.positions = dict.fromkeys(subscribed)  # None: never subscribed yet
        self.seen = {}
        self.came = {}
        self.resumed = 0  # answers to a subscribe with `since`
        self.resumed_at = 0.0
        self.pending = {}  # published and not answered yet, by key
        self.byes = []
        self.codes = []
        self.ready = False
        self._failed = 0
        self._waiting = 0
        self._transport = None
        self._over = None

    # Coming and going

    async def live(self):
        while not self.crowd.leaving:
            pause = await self._visit()
            await asyncio.sleep(pause)

    async def _visit(self):
        """One connection; how many seconds to wait before the next."""
        loop = asyncio.get_running_loop()
        self._buffer, self._upgraded, self._bye, self._retry = b"", False, None, None
        self._over = loop.create_future()
        self._opened = loop.create_future()
        try:
            async with self.crowd.doors:
                await loop.create_connection(lambda: self, "127.0.0.1", self.crowd.port)
                await self._opened
            await self._over
        except OSError:
            self._refused("nobody there")
        finally:
            self.ready = False
            if self._transport is not None:
                self._transport.abort()
        chance = self.crowd.chance
        if self._bye is not None:
            return chance.uniform(*self._bye) / 1000
        if self._retry is not None:
            return self._retry + chance.random()
        self._failed += 1
        return chance.uniform(0, min(2.0, 0.2 * 2**self._failed))

    def connection_made(self, transport):
        self._transport = transport
        nonce = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /ws?api_key={self.key} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {nonce}\r\n\r\n".encode()
        )

    def connection_lost(self, _error):
        self.ready = False
        for future in (self._opened, self._over):
            if not future.done():
                future.set_result(None)

    def _refused(self, why):
        self.crowd.refusals[why] = self.crowd.refusals.get(why, 0) + 1

    # Frames

    def data_received(self, data):
        self._buffer += data
        if not self._upgraded and not self._upgrade():
            return
        buffer, start = self._buffer, 0
        while len(buffer) - start >= 2:
            opcode, size, head = buffer[start] & 15, buffer[start + 1], 2
            if size >= 126:
                head = 4 if size == 126 else 10
                if len(buffer) - start < head:
                    break
                size = int.from_bytes(buffer[start + 2 : start + head])
            end = start + head + size
            if len(buffer) < end:
                break
            self._frame(opcode, buffer[start + head : end])
            start = end
        self._buffer = buffer[start:]

    def _upgrade(self):
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        status = int(head.split(b" ", 2)[1])
        if status != 101:
            fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
            self._refused(status)
            self._retry = float(fields[b"Retry-After"])
            self._transport.abort()
            return False
        self._upgraded, self._buffer, self._failed = True, rest, 0
        self._opened.set_result(None)
        return True

    def _frame(self, opcode, payload):
        if opcode == TEXT:
            self._take(json.loads(payload))
        elif opcode == PING:
            self._write(PONG, payload)
        elif opcode == CLOSE:
            self.codes.append(struct.unpack("!H", payload[:2])[0])
            self._write(CLOSE, payload[:2])
            self._transport.close()

    def _write(self, opcode, payload):
        size = len(payload)
        head = bytes([0x80 | opcode, 0x80 | size]) if size < 126 else None
        head = head or struct.pack("!BBH", 0x80 | opcode, 0xFE, size)
        self._transport.write(head + b"\0\0\0\0" + payload)  # a mask that changes nothing

    def _send(self, frame):
        self._write(TEXT, json.dumps(frame).encode())

    def _take(self, frame):
        if "push" in frame:
            self._pushed(frame["push"])
        elif "ok" in frame:
            self._answered(frame["id"], frame["ok"])
        elif "hello" in frame:
            self._waiting = len(self.positions)
            for place, (topic, since) in enumerate(self.positions.items()):
                ask = {"id": place, "do": "subscribe", "topic": topic}
                self._send(ask if since is None else {**ask, "since": since})
        elif "bye" in frame:
            self._bye = frame["bye"]["reconnect_after_ms"]
            self.byes.append((time.monotonic(), self._bye))
        elif frame.get("signal", {}).get("name") != "here":  # who comes and goes may be told
            self.crowd.errors.append(frame)

    def _pushed(self, push):
        topic, offset = push["topic"], push["offset"]
        self.seen.setdefault(topic, []).append(offset)
        self.came[offset] = time.monotonic()
        name = topic if topic in self.positions else "mine"
        self.positions[name] = {"epoch": push["epoch"], "offset": offset}

    def _answered(self, asked, reply):
        if isinstance(asked, str):
            self._acknowledged(asked, reply)
            return
        if self.positions[reply["topic"]] is None:
            place = {"epoch": reply["epoch"], "offset": reply["offset"]}
            self.positions[reply["topic"]] = place
        else:
            self.resumed += 1
            self.resumed_at = time.monotonic()
            if not reply["complete"]:
                self.crowd.errors.append(reply)
        self._waiting -= 1
        if not self._waiting:
            self.ready = True
            for frame in self.pending.values():
                self._send(frame)

    # Publishing

    def publish(self, topic, key):
        """Sent now or later, and again until it is answered."""
        frame = {"id": key, "do": "publish", "topic": topic, "data": {"content": key}, "key": key}
        self.pending[key] = frame
        if self.ready:
            self._send(frame)

    def _acknowledged(self, key, reply):
        self.pending.pop(key, None)
        topic = self.crowd.acked.setdefault(reply["topic"], {})
        if topic.setdefault(reply["offset"], key) != key:
            self.crowd.errors.append(f"{key} and {topic[reply['offset']]} are one message")


@contextlib.asynccontextmanager
async def crowd_at(port, seed):
    crowd = Crowd(port, seed)
    try:
        yield crowd
    finally:
        await crowd.close()
