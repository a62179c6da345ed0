"""What an engine is: how the processes of one site ring each other."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from tornado_chat.messages import Message

OnRing = Callable[[int, int, Sequence[Message]], None]
OnTell = Callable[[str, Mapping[str, Any]], None]


class Engine(Protocol):
    """What the broker needs. A ring may be lost, late or doubled: the hub reads the log then."""

    async def start(self, on_ring: OnRing, on_tell: OnTell) -> None:
        """From now on every ring and tell, our own included, is given to these, on the loop."""

    async def stop(self) -> None:
        """No more of them."""

    def ring(self, first: int, last: int, bodies: Sequence[Message]) -> None:
        """The offsets from `first` to `last` are committed; `bodies` spares the others the log."""

    def tell(self, user: str, what: Mapping[str, Any]) -> None:
        """Something about a person that every process must know: a revocation."""

    async def lease(self, name: str) -> int | None:
        """A token where this process is the one that runs `name`, checked in the transaction of
        every write made under it; None where another does."""
