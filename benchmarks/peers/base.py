"""What a load must know of a server: how to start it, and how its clients speak."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.client import Conn
from benchmarks.process import Running, serving
from benchmarks.sizes import Size

SERVERS = Path(__file__).parent / "servers"
MARK = 14  # characters of a mark


@dataclass(frozen=True)
class Bench:
    """What all measurements share. `server`, `client`: the cores, None where nothing is pinned."""

    size: Size
    seconds: float
    folder: Path
    server: int | None
    client: int | None

    @property
    def log(self) -> Path:
        """What servers say on stderr."""
        return self.folder / "log.txt"


class Peer(ABC):
    """One kind of server. `best`: its configuration, and why it is the best it can have; `stores`:
    a stored message is on the disk before it is acknowledged. `envelope`: how many bytes of a
    delivered frame are not the message's own."""

    name = ""
    best = ""
    stores = False
    envelope = 0

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def prepare(self) -> None:
        """Builds or installs it at first use; raises Missing where that cannot be."""
        return

    @property
    def version(self) -> str:
        """Of what is measured, empty where it has none."""
        return ""

    @abstractmethod
    def command(self, users: int) -> Sequence[str | Path]:
        """What starts it."""

    @contextlib.contextmanager
    def serve(self, users: int, rooms: Sequence[Sequence[int]]) -> Iterator[Running]:
        """A fresh server that knows so many users, and rooms with these of them in it."""
        del rooms
        with serving(self.command(users), core=self.bench.server, log=self.bench.log) as running:
            yield running

    def hear(self, user: int, room: int, source: int = 0) -> Conn:
        """A connection of this user that hears the room, and there the publisher `source`."""
        del user, room
        return Conn("s", "/sub", source=source)

    def say(self, user: int, room: int, *, stored: bool) -> Conn:
        """One that says something in the room for each mark."""
        del user, room, stored
        return Conn("p", "/pub", say="%M")

    def pad(self, size: int, *, stored: bool) -> int:
        """How many characters make a delivered frame `size` bytes."""
        del stored
        return max(0, size - self.envelope - MARK)

    def settings(self) -> dict[str, Any]:
        """What the client must know: how acknowledgements begin, what answers a ping."""
        return {}
