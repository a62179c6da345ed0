"""What a thing costs while something else grows: it should cost the same.

The cost is the processor time of the server, which no idling client changes, or for pages the
median time of the answer.
"""

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from benchmarks import client
from benchmarks.client import Conn, Plan
from benchmarks.filled import FIRST_IDLE, FIRST_ROOM, Filling, fill, leave_early
from benchmarks.loads.base import Load, Outcome, driven
from benchmarks.machine import cpu_seconds
from benchmarks.peers import Bench
from benchmarks.peers.ours import HELLO, Ours, key_of
from benchmarks.process import Running, serving
from benchmarks.sizes import Size

ROWS_ROOMS = 1000  # among which many messages are spread
SENDERS = 10
SETTLE_SECONDS = 3.0  # what is done once after the start is over by then
CATCHING_UP_SECONDS = 3.0  # what was missed is sent after `settle_seconds`


class Growth(Load):
    """`grows`: what of the size is gone through."""

    most = False
    flat = 1.5
    limits: ClassVar = {"longest_turn_ms": 50.0}
    grows = ""

    def entries(self, bench: Bench) -> Sequence[str]:
        return [f"{count:,}" for count in self.steps(bench.size)]

    def steps(self, size: Size) -> tuple[int, ...]:
        found: tuple[int, ...] = getattr(size, self.grows)
        return found

    def measure(self, entry: str, bench: Bench) -> Outcome:
        return self.at(int(entry.replace(",", "")), Ours(bench))

    def at(self, count: int, peer: Ours) -> Outcome:
        """The cost at this step."""
        raise NotImplementedError


@contextlib.contextmanager
def filled(peer: Ours, filling: Filling) -> Iterator[Running]:
    """The server on a store that has all that; who is idle has left at the beginning."""
    peer.topics = fill(peer, filling)
    if filling.idle:
        leave_early(peer, filling.idle, position=1)
    with serving(peer.command(0), core=peer.bench.server, log=peer.bench.log) as running:
        time.sleep(SETTLE_SECONDS)
        yield running


def cost(report: dict[str, Any], what: str) -> float:
    """Microseconds of the server for each."""
    done = report[what] / report["seconds"]
    return 1e6 * float(report["server_cpu"]) / done if done else 0.0


class Audience(Growth):
    """What a message costs with one hearer is taken off: it is the publishing."""

    name = "growth-audience"
    title = "Cost of a delivery by number of subscribers"
    unit = "µs"
    grows = "audience"

    def at(self, count: int, peer: Ours) -> Outcome:
        with peer.serve(count + 1, []) as running:
            say = [peer.say(0, 0, stored=False)]
            one = driven(peer, running, "fanout", [*say, peer.hear(1, 0)])
            peer.longest_turn(running)
            conns = say + [peer.hear(user + 1, 0) for user in range(count)]
            report = driven(peer, running, "fanout", conns)
            turn = peer.longest_turn(running)
        publishing = cost(one, "sent")
        each = (cost(report, "sent") - publishing) / (count - 1)
        return Outcome(each, {"publishing_us": publishing, "longest_turn_ms": turn})


class Publishing(Growth):
    """Senders publish in rooms of `u1`; nobody listens."""

    unit = "µs"

    def rooms(self, count: int, peer: Ours) -> contextlib.AbstractContextManager[Running]:
        """The server; `peer.topics` are where is published."""
        raise NotImplementedError

    def at(self, count: int, peer: Ours) -> Outcome:
        with self.rooms(count, peer) as running:
            topics = peer.topics
            conns = [peer.say(1, each % len(topics), stored=True) for each in range(SENDERS)]
            peer.longest_turn(running)
            report = driven(peer, running, "pipeline", conns, window=32, pad=50)
            turn = peer.longest_turn(running)
        return Outcome(cost(report, "answered"), {"longest_turn_ms": turn})


class Topics(Publishing):
    name = "growth-topics"
    title = "Cost of a publish by number of rooms there are"
    grows = "topics"

    def rooms(self, count: int, peer: Ours) -> contextlib.AbstractContextManager[Running]:
        return filled(peer, Filling(rooms=count, own=SENDERS))


class Members(Publishing):
    name = "growth-members"
    title = "Cost of a publish by number of members of the room"
    grows = "members"

    def rooms(self, count: int, peer: Ours) -> contextlib.AbstractContextManager[Running]:
        return peer.serve(count, [range(count)])


class Asking(Growth):
    """One asks again and again; the median time of the answer."""

    unit = "ms"

    def asked(self, peer: Ours, running: Running, mode: str, conn: Conn) -> Outcome:
        peer.longest_turn(running)
        report = driven(peer, running, mode, [conn], window=1)
        turn = peer.longest_turn(running)
        more = {"longest_turn_ms": turn, "errors": report["errors"], "error": report["error"]}
        return Outcome(report["answer_us"]["p50"] / 1000, more)


class History(Asking):
    name = "growth-history"
    title = "A page of 50 of a room's history by number of messages in the store"
    grows = "rows"

    def at(self, count: int, peer: Ours) -> Outcome:
        with filled(peer, Filling(ROWS_ROOMS, 10, count, peer.bench.size.reconnects)) as running:
            page = f'{{"id":%I,"do":"history","topic":"room:{FIRST_ROOM}","limit":50}}'
            return self.asked(
                peer, running, "pipeline", Conn("p", peer.path(0), (HELLO,), say=page)
            )


class RoomList(Asking):
    name = "growth-rooms"
    title = "The list of one's rooms by number of rooms there are"
    grows = "among"

    def at(self, count: int, peer: Ours) -> Outcome:
        with filled(peer, Filling(count, peer.bench.size.own_rooms)) as running:
            headers = (f"api_key: {key_of(0)}|",)
            conn = Conn("h", "GET /plugins/chat_rooms/rooms", headers, say="")
            return self.asked(peer, running, "http", conn)


class Reconnect(Growth):
    """A front-end of GrowERP that was away while all the messages were written, none for it. What the
    server takes for itself in the same time is taken off."""

    name = "growth-reconnect"
    title = "Reconnect of an idle front-end by number of messages since"
    unit = "µs"
    grows = "rows"

    def at(self, count: int, peer: Ours) -> Outcome:
        many = peer.bench.size.reconnects
        with filled(peer, Filling(ROWS_ROOMS, 10, count, many)) as running:
            idle = range(FIRST_IDLE, FIRST_IDLE + many)
            conns = [Conn("s", f"/chat?userId=u{user}&api_key={key_of(user)}") for user in idle]
            plan = Plan("hold", running.port, conns, {"opening": 1})
            peer.longest_turn(running)
            begun, used = time.monotonic(), cpu_seconds(running.pid)
            with client.running(plan, peer.bench.client) as held:
                held.open()
                time.sleep(CATCHING_UP_SECONDS)
                took, used = time.monotonic() - begun, cpu_seconds(running.pid) - used
                turn = peer.longest_turn(running)
                own = cpu_seconds(running.pid)
                time.sleep(CATCHING_UP_SECONDS)
                own = (cpu_seconds(running.pid) - own) / CATCHING_UP_SECONDS
                held.end()
                opening = held.report()["opening_us"]
        each = max(0.0, used - own * took) / many
        return Outcome(1e6 * each, {"opening_us": opening, "longest_turn_ms": turn})
