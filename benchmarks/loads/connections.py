"""Connections themselves: what an idle one holds, how quickly they open, how quickly we start."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from benchmarks import client
from benchmarks.client import Conn, Plan
from benchmarks.loads.base import OURS, Outcome, PeerLoad, peer_of
from benchmarks.machine import Missing, cpu_seconds, files, memory
from benchmarks.peers import Bench
from benchmarks.peers.ours import COMMAND, HELLO, Ours, key_of
from benchmarks.process import Running, serving

SETTLE_SECONDS = 1.0  # what is only of the opening has gone by then
SPARE_FILES = 100  # that are no connections
OPENING = 64  # connections that are opened at once


class Idle(PeerLoad):
    """Ours: a native session with three subscriptions: `mine`, a room, and a topic without
    history. The others: one hearer each."""

    name = "idle"
    title = "Memory of an idle connection; ours with three subscriptions"
    unit = "KiB"
    most = False
    peers = (OURS, "bare", "websockets", "picows", "node-ws", "socket.io", "centrifuge")
    bound = 12.0

    def measure(self, entry: str, bench: Bench) -> Outcome:
        peer = peer_of(entry, bench)
        count = bench.size.idle
        if files() < count + SPARE_FILES:
            raise Missing(f"{count} connections need ulimit -n {count + SPARE_FILES}")
        with peer.serve(count, [range(user, user + 2) for user in range(0, count, 2)]) as running:
            if isinstance(peer, Ours):
                conns = [native(peer, user) for user in range(count)]
            else:
                conns = [peer.hear(user, 0) for user in range(count)]
            plan = Plan("hold", running.port, conns, {"opening": OPENING, **peer.settings()})
            time.sleep(SETTLE_SECONDS)
            before = memory(running.pid)
            with client.running(plan, bench.client) as held:
                held.open()
                time.sleep(SETTLE_SECONDS)
                after = memory(running.pid)
                held.end()
                report = held.report()
        more = {"opened": report["opened"], "all_mib": after / 2**20}
        return Outcome((after - before) / count / 1024, more)


def native(peer: Ours, user: int) -> Conn:
    topics = f'["mine","{peer.topics[user // 2]}","ticks:0"]'
    subscribe = f'>{{"id":1,"do":"subscribe","topics":{topics}}}'
    return Conn("s", peer.path(user), (HELLO, subscribe, '?"ok"'))


class Connects(PeerLoad):
    """From the first packet of a connection to the answered upgrade; `native`: until its
    subscription is answered too. GrowERP's socket answers no subscription, so there it is sent, and
    the time it costs counts for the connections after it."""

    name = "connects"
    title = "Connects with authentication, remembered topics and one subscription"
    unit = "connects/s"
    peers = (OURS, "native", "bare")
    against: ClassVar = {"bare": 0.7}

    def measure(self, entry: str, bench: Bench) -> Outcome:
        peer = peer_of(OURS if entry == "native" else entry, bench)
        count = bench.size.connects
        users = max(2, count // 4)
        with peer.serve(users, []) as running:
            if entry == OURS:
                subscribe = (">subscribe: OrderUpdate",)
                conns = [Conn("s", notws(each % users), subscribe) for each in range(count)]
            elif isinstance(peer, Ours):
                steps = (HELLO, '>{"id":1,"do":"subscribe","topic":"mine"}', '?"ok"')
                conns = [Conn("s", peer.path(each % users), steps) for each in range(count)]
            else:
                conns = [peer.hear(0, 0)] * count
            plan = Plan("hold", running.port, conns, {"opening": 32})
            used = cpu_seconds(running.pid)
            with client.running(plan, bench.client) as held:
                held.open()
                used = cpu_seconds(running.pid) - used
                held.end()
                report = held.report()
        more = {"opening_us": report["opening_us"], "server_us": 1e6 * used / count}
        return Outcome(count / report["open_seconds"], more)


def notws(user: int) -> str:
    return f"/notws?userId=u{user}&api_key={key_of(user)}"


class Start(PeerLoad):
    name = "start"
    title = "From the start of the process to listening, with people in the file"
    unit = "s"
    most = False
    bound = 0.7

    def measure(self, entry: str, bench: Bench) -> Outcome:
        peer = Configured(bench)
        peer.forget()
        with peer.serve(bench.size.users, []) as running:
            first = running.listening - running.started
        with peer.serve(bench.size.users, []) as running:
            took = running.listening - running.started
        return Outcome(took, {"first_start_s": first})


class Resident(Start):
    name = "resident"
    title = "Resident memory of an idle server"
    unit = "MB"
    bound = 60.0

    def measure(self, entry: str, bench: Bench) -> Outcome:
        peer = Configured(bench)
        peer.forget()
        with peer.serve(bench.size.users, []) as running:
            time.sleep(SETTLE_SECONDS)
            return Outcome(memory(running.pid) / 1e6)


class Configured(Ours):
    """Ours with its people in the file, on the database of the last run."""

    def command(self, users: int) -> Sequence[str | Path]:
        path = self.write_config()
        people = "".join(
            f'[[users]]\nuser_id = "u{user}"\ntenant = "BENCH"\napi_key = "{key_of(user)}"\n'
            for user in range(users)
        )
        path.write_text(path.read_text() + people)
        return [COMMAND, "serve", "-c", path]

    @contextlib.contextmanager
    def serve(self, users: int, rooms: Sequence[Sequence[int]]) -> Iterator[Running]:
        del rooms
        with serving(self.command(users), core=self.bench.server, log=self.bench.log) as running:
            yield running
