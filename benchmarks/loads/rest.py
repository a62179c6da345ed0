"""REST: a message posted by HTTP, as GrowERP's front-ends do."""

from typing import ClassVar

from benchmarks.client import Conn
from benchmarks.loads.base import OURS, Outcome, PeerLoad, driven, peer_of, shown
from benchmarks.peers import Bench
from benchmarks.peers.ours import Ours, key_of

PATH = "/rest/s1/growerp/100/ChatMessage"


class Rest(PeerLoad):
    name = "rest"
    title = "REST POST ChatMessage, durable, over connections that stay open"
    unit = "requests/s"
    peers = (OURS, "bare")
    against: ClassVar = {"bare": 0.7}

    def measure(self, entry: str, bench: Bench) -> Outcome:
        peer = peer_of(entry, bench)
        count = bench.size.callers
        with peer.serve(2 * count, [(caller, count + caller) for caller in range(count)]) as server:
            conns = []
            for caller in range(count):
                room = peer.topics[caller].partition(":")[2] if isinstance(peer, Ours) else "1"
                body = f'{{"chatMessage":{{"chatRoom":{{"chatRoomId":"{room}"}},"content":"%M"}}}}'
                path = PATH if isinstance(peer, Ours) else "/echo"
                conns.append(Conn("h", path, (f"api_key: {key_of(caller)}|",), say=body))
            report = driven(peer, server, "http", conns, pad=50)
        return Outcome(report["answered"] / report["seconds"], shown(report))
