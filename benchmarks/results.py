"""What came out: medians, ratios, verdicts, as text and as JSON. Measures nothing itself."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.loads.base import OURS, Load, Outcome, Verdict

LIMITING = 0.9  # share of its core from which on the client may be the limit
WIDTH = 15


@dataclass
class Entry:
    """All measurements of one entry of a load; `missing`: why there are none."""

    name: str
    version: str = ""
    outcomes: list[Outcome] = field(default_factory=list)
    missing: str = ""

    @property
    def value(self) -> float:
        return statistics.median(outcome.value for outcome in self.outcomes)

    @property
    def spread(self) -> tuple[float, float]:
        values = [outcome.value for outcome in self.outcomes]
        return min(values), max(values)

    def highest(self, name: str) -> float:
        """Of the numbers beside the one that counts; 0 where there is none."""
        return max((float(each.more.get(name, 0)) for each in self.outcomes), default=0.0)


@dataclass
class Measured:
    """One load with its entries."""

    load: Load
    entries: list[Entry]

    def medians(self) -> dict[str, float]:
        return {entry.name: entry.value for entry in self.entries if entry.outcomes}

    def verdicts(self) -> list[Verdict]:
        worst = {
            name: max(entry.highest(name) for entry in self.entries)
            for name in self.load.limits
            if any(name in outcome.more for entry in self.entries for outcome in entry.outcomes)
        }
        return self.load.verdicts(self.medians(), worst)

    def as_json(self) -> dict[str, Any]:
        """Everything that was measured, for programs."""
        medians = self.medians()
        ours = medians.get(OURS)
        return {
            "name": self.load.name,
            "title": self.load.title,
            "unit": self.load.unit,
            "entries": [
                {
                    "name": entry.name,
                    "version": entry.version,
                    "missing": entry.missing or None,
                    "median": medians.get(entry.name),
                    "ratio": ratio(ours, medians.get(entry.name)),
                    "runs": [{"value": each.value, **each.more} for each in entry.outcomes],
                }
                for entry in self.entries
            ],
            "targets": [
                {"target": each.target, "reached": finite(each.reached), "met": each.met}
                for each in self.verdicts()
            ],
        }


def ratio(ours: float | None, other: float | None) -> float | None:
    """How many times as much as the other ours is."""
    return ours / other if ours and other else None


def finite(value: float) -> float | None:
    """JSON has no infinity."""
    return value if math.isfinite(value) else None


def number(value: float) -> str:
    """With three figures, or whole thousands parted by commas."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def lines_of(measured: Measured) -> Iterator[str]:
    """A block of the table."""
    load = measured.load
    yield f"{load.title}  ({load.name}, {load.unit}{', more is better' if load.most else ''})"
    medians = measured.medians()
    for entry in measured.entries:
        if entry.missing:
            yield f"  {entry.name:<{WIDTH}} skipped: {entry.missing}"
            continue
        low, high = entry.spread
        line = f"  {entry.name:<{WIDTH}}{number(entry.value):>10}"
        line += f"{f'{number(low)} to {number(high)}':>22}" if len(entry.outcomes) > 1 else ""
        times = ratio(medians.get(OURS), medians.get(entry.name))
        line += f"   ours {times:5.2f} times" if times and entry.name != OURS else " " * 19
        yield (line + beside(entry)).rstrip()
    for verdict in measured.verdicts():
        word = "met" if verdict.met else "MISSED"
        near = f", {verdict.reached:.2f} of it" if 0 < verdict.reached < math.inf else ""
        yield f"  target {verdict.target}: {word}{near}"
    yield ""


def beside(entry: Entry) -> str:
    """What a reader must know to believe the number."""
    said = ""
    for name, word in (("server_cpu", "server"), ("client_cpu", "client")):
        share = entry.highest(name)
        said += f"  {word} {share:4.0%}" if share else ""
    if entry.highest("client_cpu") >= LIMITING:
        said += " (the client may be the limit)"
    for name in ("lost", "doubled", "errors"):
        count = entry.highest(name)
        said += f"  {name} {count:,.0f}" if count else ""
    error = next((each.more["error"] for each in entry.outcomes if each.more.get("error")), "")
    return said + (f": {error}" if error else "")


def as_text(machine: Mapping[str, str], found: Sequence[Measured]) -> str:
    """The whole table."""
    head = [f"{name}: {value}" for name, value in machine.items()]
    lines = ["; ".join(head), ""]
    for measured in found:
        lines += lines_of(measured)
    verdicts = [each for measured in found for each in measured.verdicts()]
    met = sum(each.met for each in verdicts)
    lines.append(f"{met} of {len(verdicts)} targets met")
    return "\n".join(lines) + "\n"


def as_json(machine: Mapping[str, str], found: Sequence[Measured]) -> dict[str, Any]:
    """The same for programs."""
    return {"machine": dict(machine), "loads": [each.as_json() for each in found]}
