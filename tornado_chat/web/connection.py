"""A WebSocket over a stream that HTTP has let go of (RFC 6455): the `Transport` of an outbox, and what
its peer says.

One connection is one object with slots, the stream, and a future for what is read next: no task, no
coroutine waits in it, and nothing is kept of the request that opened it. An idle one costs a third of
Tornado's own, whose handler keeps all of that.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from tornado.iostream import IOStream, StreamClosedError

from tornado_chat.protocol import frame
from tornado_chat.web.frames import (
    BINARY,
    CLOSE,
    NOT_UTF8,
    PING,
    PONG,
    TEXT,
    BadFrame,
    Frames,
    close_code,
)

log = logging.getLogger("tornado_chat.session")

CHUNK = 16384  # bytes read at once: what they hold is one turn of the loop
CLOSE_SECONDS = 5.0  # for the peer to answer a goodbye
_FIN = 0x80


class Connection:
    """`on_message` and `on_pong` are told what comes, `on_close` once that it is over. Where
    `on_message` gives a future, nothing more is read until that is done.

    `close_code`: what the peer gave, None without. `leaving`: a goodbye was said.
    """

    __slots__ = ("_frames", "_held", "_over", "_owed", "_pong", "_socket", "_timer", "close_code",
                 "leaving", "stream")  # fmt: skip

    def __init__(self, stream: IOStream, most: int) -> None:
        """`most`: bytes of one message; above this it ends with 1009."""
        self.stream = stream
        stream.read_chunk_size = CHUNK
        # TLS has a buffer of its own, and is written by its stream alone
        self._socket = stream.socket if type(stream) is IOStream else None
        self._held = 0  # writes that the stream holds back
        if stream.writing():
            self._keep(b"")  # gone when what was written before is
        self._frames = Frames(most)
        self.close_code: int | None = None
        self.leaving = False
        self._over = False
        self._pong: asyncio.Future[None] | None = None  # one that is not gone yet
        self._owed: bytes | None = None  # the payload of the newest ping meanwhile
        self._timer: asyncio.TimerHandle | None = None

    def on_message(self, text: str) -> "asyncio.Future[None] | None":
        """A text frame."""
        raise NotImplementedError

    def on_binary(self) -> None:
        """A binary frame."""
        raise NotImplementedError

    def on_pong(self, payload: bytes) -> None:
        """An answer to a ping."""
        raise NotImplementedError

    def on_close(self) -> None:
        """It is over, whoever ended it."""
        raise NotImplementedError

    # In

    def listen(self) -> None:
        """From now on frames are read."""
        try:
            coming: asyncio.Future[bytes] = self.stream.read_bytes(CHUNK, partial=True)  # type: ignore[assignment]
        except StreamClosedError:
            self._ended()
        else:
            coming.add_done_callback(self._came)

    def _came(self, coming: "asyncio.Future[bytes]") -> None:
        try:
            data = coming.result()
        except StreamClosedError:
            self._ended()
        else:
            self._frames.feed(data)
            self._go_on()

    def _go_on(self, _done: object = None) -> None:
        """With what has come, then with what comes."""
        try:
            while (found := self._frames.next()) is not None:
                waiting = self._take(*found)
                if self._over:
                    return
                if waiting is not None:
                    waiting.add_done_callback(self._go_on)
                    return
        except BadFrame as fault:
            self._fail(fault.code, str(fault))
        except UnicodeDecodeError:
            self._fail(NOT_UTF8, "not utf-8")
        except Exception:
            log.exception("a socket: frame failed")
            self._end()
        else:
            self.listen()

    def _take(self, opcode: int, payload: bytes) -> "asyncio.Future[None] | None":
        if opcode == TEXT:
            return self.on_message(payload.decode())
        if opcode == PONG:
            self.on_pong(payload)
        elif opcode == PING:
            self._answer(payload)
        elif opcode == BINARY:
            self.on_binary()
        elif opcode == CLOSE:
            self.close_code = close_code(payload)
            self._say_close(payload[:2])
            self._end()
        return None

    # Out

    def write(self, data: bytes, drained: Callable[[], None]) -> bool:
        """What the kernel takes at once needs no buffer, no copy and no future of the stream; while the
        stream holds something back, that comes first."""
        if not self._held and self._socket is not None:
            try:
                sent = self._socket.send(data)
            except OSError:  # full, or gone: the stream knows what to do with either
                sent = 0
            if sent == len(data):
                return True
            kept = self._keep(memoryview(data)[sent:])
        else:
            kept = self._keep(data)
        if kept is None:
            return True
        kept.add_done_callback(lambda done: None if done.exception() else drained())
        return False

    def _keep(self, data: bytes | memoryview) -> "asyncio.Future[None] | None":
        """Leaves it to the stream. None where that is done already, or never will be."""
        try:
            kept = self.stream.write(data)
        except StreamClosedError:
            return None
        if kept.done():
            kept.exception()  # seen: the close is reported by what is read
            return None
        self._held += 1
        kept.add_done_callback(self._let_go)
        return kept

    def _let_go(self, _kept: object) -> None:
        self._held -= 1

    def accepted(self) -> int:
        """Of what had to be kept, how many bytes the kernel has taken: a stalled peer does not let it
        rise."""
        return int(self.stream._total_write_done_index)  # noqa: SLF001 - no public counter

    def abort(self) -> None:
        """Drops the connection without a goodbye: the peer does not answer."""
        self.stream.close()
        # Whoever is not read at the moment would not hear of it
        asyncio.get_running_loop().call_soon(self._ended)

    def _write(self, opcode: int, payload: bytes) -> "asyncio.Future[None] | None":
        return self._keep(frame(_FIN | opcode, payload))

    def _answer(self, payload: bytes) -> None:
        """One pong at a time, and then for the newest ping (RFC 6455 5.5.3), so that who pings and
        does not read makes nothing grow."""
        if self.leaving:
            return
        if self._pong is not None:
            self._owed = payload
            return
        pong = self._write(PONG, payload)
        if pong is not None:
            self._pong = pong
            pong.add_done_callback(self._answered)

    def _answered(self, _pong: object) -> None:
        self._pong = None
        owed, self._owed = self._owed, None
        if owed is not None:
            self._answer(owed)

    def close(self, code: int, reason: str = "") -> None:
        """Says goodbye; over once the peer has answered, or has taken too long."""
        if not self.leaving:
            self._say_close(code.to_bytes(2) + close_reason(reason))
            self._stop_timer()
            self._timer = asyncio.get_running_loop().call_later(CLOSE_SECONDS, self.abort)

    def _say_close(self, payload: bytes) -> None:
        if not self.leaving:
            self.leaving = True
            self._write(CLOSE, payload)

    # The end

    def _fail(self, code: int, reason: str) -> None:
        self._say_close(code.to_bytes(2) + reason.encode())
        self._end()

    def _end(self) -> None:
        self.stream.close()
        self._ended()

    def _ended(self) -> None:
        if not self._over:
            self._over = True
            self._stop_timer()
            self.on_close()

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def call_later(self, seconds: float, work: Any, *args: Any) -> None:
        """Unless it is over by then, or has said goodbye. One at a time."""
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, work, *args)


def close_reason(text: str) -> bytes:
    """As much of it as a close frame can hold: 123 bytes (RFC 6455 5.5)."""
    return text.encode()[:123].decode(errors="ignore").encode()
