"""A Tornado stream as the outbox needs it: whole frames in, "gone" out.

`write_message` is not used: it makes a task for every call and copies the frame for every socket.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from tornado.iostream import IOStream, StreamClosedError

from tornado_chat.web.connection import Connection


class StreamTransport:
    """Bytes that are ready-made frames go straight to the stream of an accepted socket."""

    __slots__ = ("_handler", "_plain", "_stream")

    def __init__(self, handler: Connection, stream: IOStream) -> None:
        self._handler = handler
        self._stream = stream
        self._plain = type(stream) is IOStream  # TLS has a buffer of its own

    def write(self, data: bytes, drained: Callable[[], None]) -> bool:
        stream = self._stream
        # What the kernel takes at once needs no buffer, no copy and no future of the stream. Not
        # while the stream itself holds something back: it comes first.
        # `writing()` says the same, at the price of half a send.
        held_back = stream._total_write_index != stream._total_write_done_index  # noqa: SLF001
        if self._plain and not held_back and not stream.closed():
            try:
                sent = stream.socket.send(data)
            except OSError:  # full, or gone: the stream knows what to do with either
                sent = 0
            if sent == len(data):
                return True
            if sent:
                return self._write(memoryview(data)[sent:], drained)
        return self._write(data, drained)

    def _write(self, data: bytes | memoryview, drained: Callable[[], None]) -> bool:
        try:
            future: asyncio.Future[Any] = self._stream.write(data)
        except StreamClosedError:
            return True
        if future.done():
            future.exception()  # seen: the close is reported by the handler
            return True
        future.add_done_callback(lambda done: None if done.exception() else drained())
        return False

    def accepted(self) -> int:
        """Bytes the kernel has taken so far of what did not fit at once: what a stalled peer does not let rise."""
        return int(self._stream._total_write_done_index)  # noqa: SLF001 - no public counter

    def close(self, code: int, reason: str) -> None:
        self._handler.close(code, close_reason(reason))

    def abort(self) -> None:
        """Drops the connection without a goodbye: the peer does not answer."""
        self._stream.close()


def close_reason(text: str) -> str:
    """As much of it as a close frame can hold: 123 bytes (RFC 6455 5.5)."""
    return text.encode()[:123].decode(errors="ignore")
