"""Peers on Node.js."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.client import Conn
from benchmarks.machine import CACHE, Missing
from benchmarks.peers.base import SERVERS, Peer

FOLDER = CACHE / "node"
PACKAGES = ("ws@8", "socket.io@4", "bufferutil@4")


class OnNode(Peer):
    package = ""
    server = ""

    def prepare(self) -> None:
        if not shutil.which("node") or not shutil.which("npm"):
            raise Missing(f"{self.name}: no node or no npm here")
        done = FOLDER / "installed"
        if not done.exists() or done.read_text() != " ".join(PACKAGES):
            FOLDER.mkdir(parents=True, exist_ok=True)
            (FOLDER / "package.json").write_text('{"private": true}')
            command = ["npm", "install", "--no-audit", "--no-fund", *PACKAGES]
            ended = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
            if ended.returncode:
                last = ended.stderr.strip().splitlines()[-1:] or ["no word"]
                raise Missing(f"{self.name} cannot be installed: {last[0]}")
            done.write_text(" ".join(PACKAGES))
        shutil.copy(SERVERS / self.server, FOLDER / self.server)

    def command(self, users: int) -> Sequence[str | Path]:
        del users
        return ["node", FOLDER / self.server]

    @property
    def version(self) -> str:
        about = FOLDER / "node_modules" / self.package / "package.json"
        return str(json.loads(about.read_text())["version"])


class NodeWs(OnNode):
    name = "node-ws"
    package = "ws"
    server = "node_ws.js"
    best = "no compression, bufferutil, no UTF-8 check, one Buffer for all hearers"


class SocketIo(OnNode):
    name = "socket.io"
    package = "socket.io"
    server = "socket_io.js"
    best = "WebSocket only, no compression, ws with bufferutil; a room, so that it encodes once"
    envelope = len('42["m",""]')

    def hear(self, user: int, room: int, source: int = 0) -> Conn:
        path = "/socket.io/?EIO=4&transport=websocket"
        return Conn("s", path, ("?0{", ">40", "?40{"), source=source)

    def say(self, user: int, room: int, *, stored: bool) -> Conn:
        path = "/socket.io/?EIO=4&transport=websocket&says=1"
        return Conn("p", path, ("?0{", ">40", "?40{"), say='42["m","%M"]')

    def settings(self) -> dict[str, Any]:
        return {"ping": "2\t3"}
