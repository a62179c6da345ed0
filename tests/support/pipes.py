"""A connection of the test: the transport of a session, and a peer that takes what it is let."""

import struct

import orjson

from tornado_chat.errors import TOO_SLOW
from tornado_chat.outbox import Outbox
from tornado_chat.session import Session
from tornado_chat.web.inbox import Inbox

OUTBOX = 500  # bytes: two or three messages


class Pipe:
    """One connection: the transport of a session, and the peer's end of it; what `web.socket` does
    for it, done here.

    While it `flows`, what is written is taken at once; else it waits in `held`. `deaf`: the peer is
    gone and nobody has noticed.
    """

    def __init__(self, house, dialect, device, cursor=None):
        self.house, self.dialect, self.device = house, dialect, device
        house.pipes.append(self)
        self.flows, self.deaf, self.closed = True, False, False
        self.held = b""
        self._drained = None
        self._read = bytearray()
        self._accepted = 0
        self.outbox = Outbox(self, OUTBOX, house.budget, house.hub.dirty)
        self.session = Session(device.identity, dialect, self, self.outbox)
        self.outbox.too_slow = lambda: self.session.close(TOO_SLOW, "too slow")
        self.session.on_close = self._ended_by_house
        self.inbox = Inbox(self._receive, 0)
        if cursor is not None:
            house.cursors.entered(cursor, self.session)
        house.hub.enter(self.session)
        house.heartbeat.add(self.session)
        if dialect.addressed:
            house.replay.enter(self.session, cursor)
            house.loop.call_later(dialect.settle_seconds, house.replay.settle, self.session)
        dialect.opened(self.session)

    # As the server has it

    def write(self, data, drained):
        if self.closed or self.flows:
            self._take(data)
            return True
        self.held, self._drained = data, drained
        return False

    def accepted(self):
        return self._accepted

    def close(self, code, reason):
        self.house.loop.call_soon(self.cut)

    async def _receive(self, text):
        await self.dialect.receive(self.session, text)
        self.house.replay.settle(self.session)
        await self.session.outbox.room()

    def _ended_by_house(self):
        self.inbox.close(forget=True)
        self.house.cursors.closed(self.session, self.session.ended_by or 1006)
        self.house.hub.leave(self.session)

    def cut(self, code=1006):
        """The connection is gone, and the server knows."""
        if self.closed:
            return
        self.closed = True
        self.inbox.close(forget=self.session.closed is not None)
        self.session.closed = self.session.closed or code
        self.house.heartbeat.remove(self.session)
        self.house.cursors.closed(self.session, self.session.closed)
        self.house.hub.leave(self.session)
        self.dialect.closed(self.session)
        self.device.lost(self)

    abort = cut

    # As the peer has it

    def say(self, frame):
        """On the loop: a frame of the client has arrived."""
        text = orjson.dumps(frame).decode()
        self.house.loop.call_soon(self._arrive, text)

    def pong(self, payload):
        """On the loop: so has the answer to a ping."""
        if not self.closed:
            self.house.heartbeat.pong(self.session, payload)

    def _arrive(self, text):
        if not self.closed and self.session.closed is None:
            self.house.heartbeat.heard(self.session)
            self.inbox.put(text)

    def accept(self, size):
        """The peer reads so many of the bytes that wait, perhaps to the middle of a frame."""
        part, self.held = self.held[:size], self.held[size:]
        self._take(part)
        if not self.held and self._drained is not None:
            drained, self._drained = self._drained, None
            self.house.loop.call_soon(drained)

    def flow(self):
        self.flows = True
        self.accept(len(self.held))

    def _take(self, data):
        self._accepted += len(data)
        if self.closed or self.deaf:
            return
        self._read += data
        while (frame := self._frame()) is not None:
            try:
                self.device.hear(self, *frame)
            except AssertionError as failure:  # the server must not catch it
                self.device.story.failures.append(failure)

    def _frame(self):
        """One whole frame out of what was read; a server masks nothing (RFC 6455 5.2)."""
        read = self._read
        if len(read) < 2:
            return None
        size, head = read[1], 2
        if size == 126:
            size, head = struct.unpack_from("!H", read, 2)[0] if len(read) >= 4 else 1 << 30, 4
        if len(read) < head + size:
            return None
        frame = read[0], bytes(read[head : head + size])
        del read[: head + size]
        return frame
