"""The server goes, and comes back: everybody returns, and has what was said meanwhile."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from benchmarks import client
from benchmarks.client import Conn, Plan
from benchmarks.loads.base import Load, Outcome
from benchmarks.machine import free_port
from benchmarks.peers import Bench
from benchmarks.peers.ours import HELLO, TENANT, Ours
from benchmarks.process import start
from tornado_chat.messages import Topic

ROOM = 50  # people in one room
MISSED = 20  # messages that each has missed
LIMIT_SECONDS = 60.0


class Restart(Load):
    """`killed`: without a word; `stopped`: with goodbyes over the usual ten seconds. From the start
    of the new process until the last has all; what was missed is written while nobody serves."""

    name = "restart"
    title = "Restart under native clients with history to catch up: all are back"
    unit = "s"
    most = False
    bound = 15.0
    limits: ClassVar = {"lost": 0.0, "doubled": 0.0}

    def entries(self, bench: Bench) -> Sequence[str]:
        return ("killed", "stopped")

    def measure(self, entry: str, bench: Bench) -> Outcome:
        peer = OnePort(bench)
        count = bench.size.crowd
        rooms = [range(first, min(first + ROOM, count)) for first in range(0, count, ROOM)]
        peer.forget()
        peer.topics = asyncio.run(peer.seed(count, rooms))
        running = start(peer.command(count), core=bench.server, log=bench.log)
        conns = [member(peer, user) for user in range(count)]
        settings = {"expect": MISSED, "seconds": 3 * LIMIT_SECONDS, "opening": 64}
        try:
            with client.running(Plan("herd", running.port, conns, settings), bench.client) as herd:
                herd.open()
                running.kill() if entry == "killed" else running.stop()
                asyncio.run(say_meanwhile(peer))
                running = start(peer.command(count), core=bench.server, log=bench.log)
                report = herd.report()
        finally:
            running.stop()
        took = report["finished_at"] - running.started
        more = {"lost": report["lost"], "doubled": report["doubled"]}
        return Outcome(took, {**more, "listening_s": running.listening - running.started})


class OnePort(Ours):
    """Comes back where it was."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self._port = free_port()

    def command(self, users: int) -> Sequence[str | Path]:
        command = list(super().command(users))
        return [*command, "--set", f"server.port={self._port}", "--set", "server.drain_seconds=10"]


def member(peer: Ours, user: int) -> Conn:
    """Subscribes its room; when it comes back, from where it has been."""
    room = user // ROOM
    subscribe = f'{{"id":1,"do":"subscribe","topic":"{peer.topics[room]}"'
    again = f'{subscribe},"since":{{"epoch":"%E","offset":%O}}}}'
    return Conn("s", peer.path(user), (HELLO, f"-{subscribe}}}", f"+{again}", '?"ok"'), source=room)


async def say_meanwhile(peer: Ours) -> None:
    """What everybody misses."""
    async with peer.offline() as server:
        for number in range(MISSED):
            said = [
                server.publish(Topic.parse(TENANT, topic), {"content": f"~{room:04x}{number:08x}~"})
                for room, topic in enumerate(peer.topics)
            ]
            await asyncio.gather(*said)
