"""The table, and what it means in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tornado_chat.bench.figures import Figures

BUSY = 0.85  # share of a core from which on the bench itself may be what is slow
BEHIND = 0.95  # of the rate that was offered
QUICK, SLOW = 0.02, 0.2  # seconds until 99 of 100 are there

HEAD = f"{'':<34}{'a second':>11}{'p50':>11}{'p99':>11}{'p99.9':>11}{'lost':>7}{'doubled':>9}"


@dataclass(frozen=True)
class Memory:
    """Bytes of the server, before and after so many connections."""

    before: int
    after: int
    connections: int

    @property
    def each(self) -> float:
        return (self.after - self.before) / self.connections


def rows(found: Sequence[Figures], memory: Memory | None) -> Iterator[str]:
    """The table."""
    yield HEAD
    for each in found:
        times = "".join(f"{duration(each.at(share)):>11}" for share in (0.5, 0.99, 0.999))
        whole = "" if each.lost is None else f"{each.lost:>7,}{each.doubled:>9,}"
        yield f"{each.name:<34}{each.rate:>11,.0f}{times}{whole}"
    if memory is not None:
        each_one = f"{memory.each / 1024:,.1f} KiB"
        yield f"{'memory of a connection':<34}{each_one:>11}   all {memory.after / 1e6:,.0f} MB"


def duration(seconds: float) -> str:
    """For people: three figures at most."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.1f} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms"


def words(found: Sequence[Figures], durability: str) -> Iterator[str]:
    """The verdict: sentences, the worst first."""
    lost = sum(each.lost or 0 for each in found)
    doubled = sum(each.doubled or 0 for each in found)
    if lost or doubled:
        yield f"Not good: {lost:,} messages were lost and {doubled:,} came twice."
    else:
        yield "Good: every message came, and came once."
    if durability in {"full", "relaxed"}:
        yield {
            "full": "Each was on the disk before it was acknowledged.",
            "relaxed": "An acknowledged message survives a crash of the server, but the last moments "
            "may be lost in a power cut (durability relaxed).",
        }[durability]
    for each in found:
        if each.offered is not None:
            yield _pace(each)
    for each in found:
        if each.busy >= BUSY:
            yield (
                f"{each.name}: the bench itself used {each.busy:.0%} of a core, so the server can "
                f"do more than that."
            )


def _pace(each: Figures) -> str:
    assert each.offered is not None
    if each.rate < BEHIND * each.offered:
        return f"It cannot keep up with {each.offered:g} messages a second: {each.rate:,.0f} came."
    most = each.at(0.99)
    how = "quick" if most <= QUICK else "usable" if most <= SLOW else "slow"
    return (
        f"At {each.offered:g} messages a second it is {how}: 99 of 100 arrive within "
        f"{duration(most)}."
    )
