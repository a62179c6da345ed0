"""Ours: everything on, as it is installed; see `config` for what differs from the defaults."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from benchmarks.client import Conn
from benchmarks.peers.base import Bench, Peer
from benchmarks.process import Running, serving
from tornado_chat import config as configuration
from tornado_chat.accounts.keys import hash_key
from tornado_chat.accounts.models import AccountRow, KeyRow
from tornado_chat.app import Server
from tornado_chat.messages import Identity
from tornado_chat.store import Tx

TENANT = "BENCH"
PLUGINS = Path(__file__).parent / "plugins"
COMMAND = Path(sys.executable).parent / "tornado-chat"
HELLO = '?"hello"'
SIGNAL = '{"signal":{"topic":"ticks:0","name":"message","sender":"u0","data":{"content":""}}}'
PUSH = (
    '{"push":{"topic":"room:100000","epoch":"5d0c8e1f","offset":1000,"id":"101000","sender":"u0",'
    '"sender_name":"u0","at":"2026-11-23T10:00:00.123Z","data":{"content":""}}}'
)


def key_of(user: int) -> str:
    return f"bench-key-{user:06d}"


class Ours(Peer):
    """`topics`: of the rooms, in their order, once it serves."""

    name = "ours"
    best = (
        "all plugins, auth, gate and hooks; SQLite, durability full; no limit of frames or sockets"
    )
    stores = True

    topics: Sequence[str] = ()

    @property
    def version(self) -> str:
        return version("tornado_chat")

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.database = bench.folder / "ours.db"

    def config(self, **server: Any) -> dict[str, Any]:
        """The tables of its file: one address has all the sockets, and each says all it can."""
        return {
            "server": {"port": 0, "drain_seconds": 0, **server},
            "store": {"url": f"sqlite:///{self.database}"},
            "limits": {
                "frames_per_second": 0,
                "sockets_per_user": 0,
                "auth_attempts_per_minute": 0,
            },
            "plugins": {"directory": str(PLUGINS)},
            "log": {"level": "warning"},
        }

    def write_config(self, **server: Any) -> Path:
        path = self.bench.folder / "ours.toml"
        lines = []
        for section, values in self.config(**server).items():
            lines.append(f"[{section}]")
            lines += [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        path.write_text("\n".join(lines) + "\n")
        return path

    def command(self, users: int) -> Sequence[str | Path]:
        del users
        return [COMMAND, "serve", "-c", self.write_config()]

    @contextlib.contextmanager
    def serve(self, users: int, rooms: Sequence[Sequence[int]]) -> Iterator[Running]:
        self.forget()
        self.topics = asyncio.run(self.seed(users, rooms))
        with serving(self.command(users), core=self.bench.server, log=self.bench.log) as running:
            yield running

    def longest_turn(self, running: Running) -> float:
        """Of the loop, in ms, since the last call."""
        request = Request(
            f"http://127.0.0.1:{running.port}/plugins/bench/turns", headers={"api_key": key_of(0)}
        )
        with urlopen(request) as answer:
            return float(json.load(answer)["longest"]) * 1000

    def forget(self) -> None:
        """The database of the last run."""
        for path in self.bench.folder.glob(f"{self.database.name}*"):
            path.unlink()

    @contextlib.asynccontextmanager
    async def offline(self) -> Any:
        """The house with its database open and its doors shut."""
        server = Server(configuration.build(self.config()))
        await server.open(begin_epoch=False)
        try:
            yield server
        finally:
            await server.close()

    async def seed(self, users: int, rooms: Sequence[Sequence[int]]) -> list[str]:
        """People with keys, and rooms with these people in them; the rooms' topics."""
        async with self.offline() as server:
            await server.write(lambda tx: add_people(tx, users))
            house = server.service("chat_rooms").as_house()
            identity = Identity("", TENANT, "")
            topics = []
            for members in rooms:
                names = [f"u{user}" for user in members]
                room, _ = await house.create(identity, name="Bench", members=names)
                topics.append(room.topic.name)
            return topics

    def topic(self, room: int, *, stored: bool) -> str:
        return self.topics[room] if stored else f"ticks:{room}"

    def hear(self, user: int, room: int, source: int = 0) -> Conn:
        """Hears what is stored in the room and what is not."""
        kept = [self.topic(room, stored=True)] if self.topics else []
        names = json.dumps([*kept, self.topic(room, stored=False)])
        subscribe = f'>{{"id":1,"do":"subscribe","topics":{names}}}'
        return Conn("s", self.path(user), (HELLO, subscribe, '?"ok"'), source=source)

    def say(self, user: int, room: int, *, stored: bool) -> Conn:
        topic = self.topic(room, stored=stored)
        say = f'{{"id":%I,"do":"publish","topic":"{topic}","data":{{"content":"%M"}}}}'
        return Conn("p", self.path(user), (HELLO,), say=say)

    @staticmethod
    def path(user: int) -> str:
        return f"/ws?api_key={key_of(user)}"

    def pad(self, size: int, *, stored: bool) -> int:
        return max(0, size - len(PUSH if stored else SIGNAL) - 14)

    def settings(self) -> dict[str, Any]:
        return {"acknowledged": '{"id":'}


def add_people(_tx: Tx, count: int) -> None:
    """`u0` and on, each with a key; none that are there already."""
    now = int(time.time())
    people = [
        {
            "user_id": f"u{user}",
            "tenant": TENANT,
            "login_name": f"u{user}",
            "login_key": f"u{user}",
            "full_name": f"u{user}",
            "source": "database",
            "created": now,
        }
        for user in range(count)
    ]
    keys = [
        {"hash": hash_key(key_of(user)), "user_id": f"u{user}", "created": now}
        for user in range(count)
    ]
    for model, rows in ((AccountRow, people), (KeyRow, keys)):
        for first in range(0, count, 1000):
            model.insert_many(rows[first : first + 1000]).on_conflict_ignore().execute()
