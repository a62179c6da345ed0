"""The table, and what it means in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tornado_chat.bench.figures import Figures

BUSY = 0.85  # share of a core from which on the bench itself may be what is slow
HELD = 0.5  # share of the time from which on the server's limit is
SEEN = 2048  # bytes a connection; fewer are memory that the server had from before
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


def words(found: Sequence[Figures], memory: Memory | None, durability: str | None) -> Iterator[str]:
    """The verdict: sentences, the most important first."""
    lost = sum(each.lost or 0 for each in found)
    doubled = sum(each.doubled or 0 for each in found)
    if lost or doubled:
        yield f"Not good: messages lost: {lost:,}, come twice: {doubled:,}."
    else:
        yield "Good: every message came, and came once."
    for each in found:
        if each.offered is not None:
            yield _pace(each, each.offered)
    yield {
        "full": "What was acknowledged was on the disk before.",
        "relaxed": "What was acknowledged survives a crash of the server, but the last moments may be "
        "lost in a power cut (durability relaxed).",
        None: "Whether what was acknowledged survives a power cut was not told: durability is told to "
        "keys with the permission status, or by -c FILE.",
    }[durability]
    yield from _limits(found)
    if memory is not None and memory.each < SEEN:
        yield (
            "What a connection costs was not seen: the server had memory left from before. Start it "
            "anew to see it."
        )


def _limits(found: Sequence[Figures]) -> Iterator[str]:
    """What was slower than the server."""
    held = [each.name for each in found if each.held >= HELD and each.offered is None]
    if held:
        yield (
            f"limits.frames_per_second held back: {', '.join(held)}. The server can do more than "
            f"that."
        )
    busy = [each.name for each in found if each.busy >= BUSY and each.name not in held]
    if busy:
        yield (
            f"The bench itself was busy all the time with: {', '.join(busy)}. The server can do more "
            f"than that."
        )


def _pace(each: Figures, offered: float) -> str:
    if each.rate < BEHIND * offered:
        if each.held >= HELD:
            return (
                f"limits.frames_per_second let only {each.rate:,.0f} of {offered:g} messages a second "
                f"be offered: give more keys by --keys, or a lower --rate."
            )
        return f"It cannot keep up with {offered:g} messages a second: {each.rate:,.0f} came."
    most = each.at(0.99)
    how = "quick" if most <= QUICK else "usable" if most <= SLOW else "slow"
    return (
        f"At {offered:g} messages a second it is {how}: 99 of 100 arrive within {duration(most)}."
    )
