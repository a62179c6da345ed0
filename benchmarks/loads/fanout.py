"""One says, many hear. Nothing else is said until all have it: no message can share the way of
another, unless they come in bursts."""

from typing import ClassVar

from benchmarks.loads.base import OURS, Outcome, PeerLoad, driven, peer_of, shown
from benchmarks.peers import Bench

FRAME_BYTES = 200
LIBRARIES = ("websockets", "picows", "node-ws", "socket.io", "centrifugo", "centrifuge")


class Fanout(PeerLoad):
    """`stored`: each message is committed before it is handed out, by those who store at all."""

    unit = "deliveries/s"
    stored = False
    burst = 1

    def measure(self, entry: str, bench: Bench) -> Outcome:
        peer = peer_of(entry, bench)
        count = bench.size.hearers
        with peer.serve(count + 1, [range(count + 1)]) as running:
            conns = [peer.say(0, 0, stored=self.stored)]
            conns += [peer.hear(user, 0) for user in range(1, count + 1)]
            report = driven(
                peer,
                running,
                "fanout",
                conns,
                window=self.burst,
                pad=peer.pad(FRAME_BYTES, stored=self.stored),
            )
        return Outcome(report["delivered"] / report["seconds"], shown(report))


class Signals(Fanout):
    name = "signals"
    title = "Fan-out of signals, one at a time"
    peers = (OURS, "limit", *LIBRARIES, "plain")
    against: ClassVar = {"picows": 0.9, "node-ws": 1.1, "limit": 0.7}


class Stored(Fanout):
    name = "stored"
    title = "Fan-out of stored messages, one FULL commit each; only ours and plain store"
    stored = True
    peers = (OURS, "picows", "node-ws", "plain")
    against: ClassVar = {"picows": 0.75, "node-ws": 1.0, "plain": 5.0}


class Bursts(Fanout):
    name = "bursts"
    title = "The same, arriving in bursts of 20"
    stored = True
    burst = 20
    peers = (OURS, *LIBRARIES, "plain")
    against: ClassVar = {"node-ws": 3.0}
