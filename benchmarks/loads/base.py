"""What a load is: who takes part, what is measured, and what must come out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from benchmarks.client import Plan, run
from benchmarks.peers import PEERS, Bench, Peer
from benchmarks.process import Running

OURS = "ours"


@dataclass(frozen=True)
class Outcome:
    """One measurement: the number that counts, and others beside it."""

    value: float
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Whether a target is met: what it says, and how near it came (1 is just met)."""

    target: str
    reached: float

    @property
    def met(self) -> bool:
        return self.reached >= 1


class Load(ABC):
    """`entries`: who is measured, peers by name or steps of a series. `most` True: more is better.
    `against`: ours must have so many times what the peer has; `bound`: ours itself, in the unit;
    `flat`: the dearest step may cost so many times the cheapest; `limits`: what else no entry may
    exceed."""

    name = ""
    title = ""
    unit = ""
    most = True
    against: ClassVar[Mapping[str, float]] = {}
    bound: float | None = None
    flat: float | None = None
    limits: ClassVar[Mapping[str, float]] = {}

    @abstractmethod
    def entries(self, bench: Bench) -> Sequence[str]:
        """In the order in which they are measured."""

    @abstractmethod
    def measure(self, entry: str, bench: Bench) -> Outcome:
        """Once. Raises Missing where that cannot be done here."""

    def version(self, entry: str, bench: Bench) -> str:
        """Of what the entry measures."""
        return PEERS[entry](bench).version if entry in PEERS else ""

    def verdicts(self, medians: Mapping[str, float], worst: Mapping[str, float]) -> list[Verdict]:
        """Of each target that can be told from what was measured. `worst`: of the numbers beside
        the one that counts, the highest of all entries."""
        found = []
        ours = medians.get(OURS)
        for peer, times in self.against.items():
            if ours and medians.get(peer):
                wanted = times * medians[peer]
                sign = "≥" if self.most else "≤"
                reached = ours / wanted if self.most else wanted / ours
                found.append(Verdict(f"{sign} {times:g} times {peer}", reached))
        value = ours if ours is not None else max(medians.values(), default=0.0)
        if self.bound is not None and value:
            sign, reached = ("≥", value / self.bound) if self.most else ("≤", self.bound / value)
            found.append(Verdict(f"{sign} {self.bound:,g} {self.unit}", reached))
        if self.flat is not None and len(medians) > 1 and min(medians.values()) > 0:
            spread = max(medians.values()) / min(medians.values())
            found.append(Verdict(f"flat within {self.flat:g} times", self.flat / spread))
        for name, limit in self.limits.items():
            if name in worst:
                reached = limit / worst[name] if worst[name] else float("inf")
                found.append(Verdict(f"{name} ≤ {limit:g}", reached))
        return found


class PeerLoad(Load):
    """A load whose entries are peers."""

    peers: tuple[str, ...] = (OURS,)

    def entries(self, bench: Bench) -> Sequence[str]:
        del bench
        return self.peers


def peer_of(entry: str, bench: Bench) -> Peer:
    """Ready to serve."""
    peer = PEERS[entry](bench)
    peer.prepare()
    return peer


def driven(
    peer: Peer, running: Running, mode: str, conns: Sequence[Any], **settings: Any
) -> dict[str, Any]:
    """The client's report of a measurement of the usual length."""
    seconds = peer.bench.seconds
    usual = {
        "seconds": seconds,
        "warmup": min(1.0, seconds / 4),
        "server": running.pid,
        **peer.settings(),
    }
    return run(Plan(mode, running.port, conns, usual | settings), peer.bench.client)


def shown(report: Mapping[str, Any]) -> dict[str, Any]:
    """What of a report belongs into the results."""
    names = ("lost", "doubled", "errors", "error", "frame_bytes", "client_cpu", "server_cpu")
    kept = {name: report[name] for name in names if report.get(name)}
    for name in ("delivery_us", "answer_us"):
        if name in report:
            kept[name] = report[name]
    return kept
