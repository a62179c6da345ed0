"""Peers in Go: Centrifugo, and Centrifuge, the library that it is the server around."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.client import Conn
from benchmarks.machine import CACHE, Missing, free_port
from benchmarks.peers.base import SERVERS, Peer

MODULE = "github.com/centrifugal/centrifugo/v6"


def go(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> None:
    """A go command; Missing with its last line where there is no Go, or it fails."""
    if not shutil.which("go"):
        raise Missing("no Go here")
    ended = subprocess.run(
        ["go", *arguments],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        said = [line.strip() for line in ended.stderr.splitlines() if line.strip()]
        raise Missing(f"go {arguments[0]}: {said[-1] if said else 'failed'}")


class Centrifuge(Peer):
    """Speaks Centrifugo's protocol."""

    name = "centrifuge"
    best = "memory broker, no history, JSON, no compression; built with go build"
    envelope = len('{"push":{"channel":"all","pub":{"data":""}}}')
    path = "/connection/websocket"

    @property
    def program(self) -> Path:
        return CACHE / "centrifuge-server"

    def prepare(self) -> None:
        source, folder = SERVERS / "centrifuge", CACHE / "centrifuge"
        newest = max(path.stat().st_mtime for path in source.iterdir())
        if self.program.exists() and self.program.stat().st_mtime > newest:
            return
        shutil.copytree(source, folder, dirs_exist_ok=True)
        go("mod", "tidy", cwd=folder)
        go("build", "-o", str(self.program), ".", cwd=folder)

    def command(self, users: int) -> Sequence[str | Path]:
        del users
        return [self.program]

    @property
    def version(self) -> str:
        required = (SERVERS / "centrifuge" / "go.mod").read_text().split("centrifuge v")
        return required[-1].split()[0]

    def hear(self, user: int, room: int, source: int = 0) -> Conn:
        return Conn("s", self.path, (*self._opening(), *self._subscribing()), source=source)

    def say(self, user: int, room: int, *, stored: bool) -> Conn:
        say = '{"id":1%I,"publish":{"channel":"all","data":"%M"}}'
        return Conn("p", self.path, self._opening(), say=say)

    def _opening(self) -> tuple[str, ...]:
        return ('>{"id":1,"connect":{}}', '?"connect"')

    def _subscribing(self) -> tuple[str, ...]:
        return ('>{"id":2,"subscribe":{"channel":"all"}}', '?"subscribe"')

    def settings(self) -> dict[str, Any]:
        return {"acknowledged": '{"id":', "ping": "{}\t{}"}


class Centrifugo(Centrifuge):
    """The server itself, as far as its module can be had."""

    name = "centrifugo"
    best = "memory engine, no history, JSON, no compression; installed with go install"

    @property
    def program(self) -> Path:
        return CACHE / "centrifugo"

    def prepare(self) -> None:
        if not self.program.exists():
            CACHE.mkdir(exist_ok=True)
            go("install", f"{MODULE}@latest", cwd=CACHE, env={"GOBIN": str(CACHE)})

    @property
    def version(self) -> str:
        return MODULE.rpartition("/")[2]

    def command(self, users: int) -> Sequence[str | Path]:
        """It says nowhere where it listens, so a shell says it once it does."""
        del users
        port = free_port()
        settings = {
            "CENTRIFUGO_HTTP_SERVER_ADDRESS": "127.0.0.1",
            "CENTRIFUGO_HTTP_SERVER_PORT": str(port),
            "CENTRIFUGO_CLIENT_INSECURE": "true",
            "CENTRIFUGO_LOG_LEVEL": "error",
        }
        given = " ".join(f"{name}={value}" for name, value in settings.items())
        script = (
            f"(until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep .05; done; "
            f"echo listening on http://127.0.0.1:{port}) & exec env {given} {self.program}"
        )
        return ["bash", "-c", script]
