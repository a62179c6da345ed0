"""Peers in Python, each in the folder of packages that `make bench` keeps, and the limit in C."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.client import Conn, compiled
from benchmarks.machine import CACHE, Missing, said_by
from benchmarks.peers.base import SERVERS, Peer
from benchmarks.process import Running

VENV = CACHE / "venv"
PACKAGES = ("picows", "uvloop", "websockets")


class InVenv(Peer):
    """`package`: what is measured; `server`: the program in servers/."""

    package = ""
    server = ""

    def prepare(self) -> None:
        done = VENV / "installed"
        if done.exists() and done.read_text() == " ".join(PACKAGES):
            return
        for command in (
            [sys.executable, "-m", "venv", str(VENV)],
            [str(VENV / "bin" / "pip"), "install", "--quiet", *PACKAGES],
        ):
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
            if ended.returncode:
                last = ended.stderr.strip().splitlines()[-1:] or ["no word"]
                raise Missing(f"{self.name} cannot be installed: {last[0]}")
        done.write_text(" ".join(PACKAGES))

    def command(self, users: int) -> Sequence[str | Path]:
        del users
        return [VENV / "bin" / "python", SERVERS / self.server]

    @property
    def version(self) -> str:
        code = f"from importlib.metadata import version; print(version({self.package!r}))"
        return said_by(str(VENV / "bin" / "python"), "-c", code)


class Websockets(InVenv):
    name = "websockets"
    package = "websockets"
    server = "websockets_broadcast.py"
    best = "its own broadcast(), no compression, no pings, uvloop"


class Picows(InVenv):
    name = "picows"
    package = "picows"
    server = "picows_broadcast.py"
    best = "one prepared buffer for all hearers, uvloop"


class Plain(Peer):
    """What one writes first: the measure of what the house is worth."""

    name = "plain"
    best = "Tornado's write_message in a loop, Peewee on SQLite with WAL, a FULL commit a message"
    stores = True

    def command(self, users: int) -> Sequence[str | Path]:
        return [sys.executable, SERVERS / "plain.py", self.bench.folder / "plain.db", str(users)]

    @property
    def version(self) -> str:
        return version("tornado")

    @contextlib.contextmanager
    def serve(self, users: int, rooms: Sequence[Sequence[int]]) -> Iterator[Running]:
        for path in self.bench.folder.glob("plain.db*"):
            path.unlink()
        with super().serve(users, rooms) as running:
            yield running

    def hear(self, user: int, room: int, source: int = 0) -> Conn:
        return Conn("s", f"/?key=key-{user}&room=r{room}", source=source)

    def say(self, user: int, room: int, *, stored: bool) -> Conn:
        kind = "" if stored else ',"signal":true'
        say = f'{{"id":%I,"content":"%M"{kind}}}'
        return Conn("p", f"/?key=key-{user}&room=r{room}&hears=0", say=say)

    def pad(self, size: int, *, stored: bool) -> int:
        empty = '{"push": {"room": "r0", "sender": "u0", "content": ""}}'
        return max(0, size - len(empty) - 14 - (17 if stored else 0))

    def settings(self) -> dict[str, str]:
        return {"acknowledged": '{"id":'}


class Bare(Peer):
    """The framework alone."""

    name = "bare"
    best = "a Tornado handler that echoes the body, a Tornado WebSocket that does nothing"

    def command(self, users: int) -> Sequence[str | Path]:
        del users
        return [sys.executable, SERVERS / "bare.py"]

    @property
    def version(self) -> str:
        return version("tornado")

    def hear(self, user: int, room: int, source: int = 0) -> Conn:
        return Conn("s", "/ws", source=source)


class Limit(Peer):
    """What the machine can do at all."""

    name = "limit"
    best = "C, one send() for each hearer and nothing else"

    def prepare(self) -> None:
        compiled(CACHE / "limit", [SERVERS / "limit.c"])

    def command(self, users: int) -> Sequence[str | Path]:
        del users
        return [CACHE / "limit"]
