"""Rooms of two: one says, the other hears, each message is acknowledged after its commit."""

import json
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

from benchmarks.client import Conn
from benchmarks.loads.base import OURS, Outcome, PeerLoad, driven, peer_of, shown
from benchmarks.machine import pinned
from benchmarks.peers import Bench, Peer

COMMITS = Path(__file__).parents[1] / "commits.py"


def pairs(peer: Peer, count: int) -> list[Conn]:
    """Senders, then who hears them."""
    conns = [peer.say(room, room, stored=True) for room in range(count)]
    return conns + [peer.hear(count + room, room, source=room) for room in range(count)]


class Pipelining(PeerLoad):
    """The rate is that of what was both acknowledged and delivered."""

    name = "rooms"
    title = "Durable messages, senders pipelining into rooms of two"
    unit = "messages/s"
    peers = (OURS, "plain")
    against: ClassVar = {"plain": 10.0}
    bound = 10_000.0
    window = 32  # messages of one sender that are not acknowledged yet

    def measure(self, entry: str, bench: Bench) -> Outcome:
        peer = peer_of(entry, bench)
        count = bench.size.senders
        with peer.serve(2 * count, [(room, count + room) for room in range(count)]) as running:
            conns = pairs(peer, count)
            report = driven(peer, running, "pipeline", conns, window=self.window, pad=50)
        both = min(report["answered"], report["delivered"])
        return Outcome(both / report["seconds"], shown(report))


class Offered(PeerLoad):
    """As many as are offered come at an even pace, whatever the server makes of it, and a message's
    time counts from when it should have been sent."""

    name = "offered"
    title = "The same at a rate that is offered: p99 from send to delivery"
    unit = "ms"
    most = False
    peers = (OURS, "commits")
    against: ClassVar = {"commits": 3.0}

    def measure(self, entry: str, bench: Bench) -> Outcome:
        if entry == "commits":
            return self._commits(bench)
        peer = peer_of(entry, bench)
        count = bench.size.senders
        with peer.serve(2 * count, [(room, count + room) for room in range(count)]) as running:
            conns = pairs(peer, count)
            rate = bench.size.offered
            report = driven(peer, running, "offered", conns, rate=rate, pad=50)
        return Outcome(report["delivery_us"]["p99"] / 1000, shown(report))

    @staticmethod
    def _commits(bench: Bench) -> Outcome:
        """The same number of rows in bare group commits, on the server's core."""
        arguments = [str(bench.folder / "commits.db"), str(bench.size.offered), str(bench.seconds)]
        with pinned(bench.server):
            done = subprocess.run(
                [sys.executable, str(COMMITS), *arguments],
                capture_output=True,
                text=True,
                check=True,
            )
        found = json.loads(done.stdout)
        return Outcome(found["p99"] / 1000, {"commit_us": found})
