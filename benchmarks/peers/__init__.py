"""Who is measured. `PEERS` has them all by name, ours first."""

from benchmarks.peers.base import Bench, Peer
from benchmarks.peers.centrifuge import Centrifuge, Centrifugo
from benchmarks.peers.node import NodeWs, SocketIo
from benchmarks.peers.ours import Ours
from benchmarks.peers.python import Bare, Limit, Picows, Plain, Websockets

PEERS: dict[str, type[Peer]] = {
    kind.name: kind
    for kind in (
        Ours,
        Plain,
        Bare,
        Websockets,
        Picows,
        NodeWs,
        SocketIo,
        Centrifugo,
        Centrifuge,
        Limit,
    )
}

__all__ = ["PEERS", "Bench", "Ours", "Peer"]
