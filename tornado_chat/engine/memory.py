"""The engine of a single process: rings itself, and always holds the lease."""

from collections.abc import Mapping, Sequence
from typing import Any

from tornado_chat.engine.base import OnRing, OnTell
from tornado_chat.messages import Message


class MemoryEngine:
    """Delivers in the caller's turn of the loop, so that nothing comes between."""

    def __init__(self) -> None:
        self._on_ring: OnRing | None = None
        self._on_tell: OnTell | None = None

    async def start(self, on_ring: OnRing, on_tell: OnTell) -> None:
        self._on_ring, self._on_tell = on_ring, on_tell

    async def stop(self) -> None:
        self._on_ring = self._on_tell = None

    def ring(self, first: int, last: int, bodies: Sequence[Message]) -> None:
        if self._on_ring is not None:
            self._on_ring(first, last, bodies)

    def tell(self, user: str, what: Mapping[str, Any]) -> None:
        if self._on_tell is not None:
            self._on_tell(user, what)

    async def lease(self, name: str) -> int | None:
        del name
        return 1
