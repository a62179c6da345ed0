"""`python -m benchmarks`: measures, and prints the table. See README.md."""

import json
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from benchmarks.loads import LOADS
from benchmarks.loads.base import OURS, Load
from benchmarks.machine import ROOT, Missing, cores, described
from benchmarks.peers import PEERS, Bench
from benchmarks.results import Entry, Measured, as_json, as_text, lines_of
from benchmarks.sizes import SIZES

RESULTS = ROOT / "benchmarks" / "results"


def chosen(only: str) -> tuple[list[Load], set[str] | None]:
    """The loads and peers that ONLY names, all where it names none of them. Ours is always among
    the peers, or there would be nothing to compare."""
    names = [name for name in only.replace(",", " ").split() if name]
    unknown = [name for name in names if name not in LOADS and name not in PEERS]
    if unknown:
        known = ", ".join([*LOADS, *PEERS])
        raise click.UsageError(f"ONLY={unknown[0]}: neither a load nor a peer; there are {known}")
    loads = [load for name, load in LOADS.items() if name in names] or list(LOADS.values())
    peers = {name for name in names if name in PEERS}
    return loads, peers | {OURS} if peers else None


def measure(load: Load, bench: Bench, peers: set[str] | None) -> Measured:
    """All repeats of a load. One round after the other, so that whatever changes on the machine
    changes for everybody."""
    names = [
        name for name in load.entries(bench) if peers is None or name in peers or name not in PEERS
    ]
    entries = [Entry(name) for name in names]
    for turn in range(bench.size.repeats):
        for entry in entries:
            if entry.missing:
                continue
            say(f"{load.name}, {entry.name}, {turn + 1} of {bench.size.repeats}")
            try:
                entry.outcomes.append(load.measure(entry.name, bench))
                entry.version = entry.version or load.version(entry.name, bench)
            except Missing as missing:
                entry.missing = str(missing)
    return Measured(load, entries)


def say(text: str) -> None:
    """Where one stands; not into the table."""
    click.echo(f"{time.strftime('%H:%M:%S')}  {text}", err=True)


@click.command()
@click.option("--size", type=click.Choice(list(SIZES)), default="full", show_default=True)
@click.option("--seconds", type=float, help="Of one measurement; else as the size says.")
@click.option(
    "--repeats", type=click.IntRange(1), help="Of each measurement; else as the size says."
)
@click.option("--only", default="", help="Loads or peers, parted by commas.")
@click.option("--pin/--no-pin", default=True, help="One core for the server, one for the client.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=RESULTS)
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--list", "listing", is_flag=True, help="Say what there is, and measure nothing.")
def main(
    size: str,
    seconds: float | None,
    repeats: int | None,
    only: str,
    pin: bool,
    out: Path,
    folder: Path | None,
    listing: bool,
) -> None:
    """Measure ours and the peers, print a table, and keep it in OUT. FOLDER: where databases lie
    meanwhile, on the disk that is to be measured; the checkout's by default."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are ended too
    loads, peers = chosen(only)
    if listing:
        for load in loads:
            click.echo(f"{load.name:<18} {load.title}")
        for name, kind in PEERS.items():
            click.echo(f"{name:<18} {kind.best}")
        return
    sized = SIZES[size]
    sized = replace(sized, seconds=seconds or sized.seconds, repeats=repeats or sized.repeats)
    server, client = cores() if pin else (None, None)
    found = []
    kept = folder or ROOT / ".bench"
    kept.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept, prefix="run-") as scratch:
        bench = Bench(sized, sized.seconds, Path(scratch), server, client)
        for load in loads:
            found.append(measure(load, bench, peers))
            click.echo("\n".join(lines_of(found[-1])))
    machine = {**described(), "size": size, "seconds": f"{sized.seconds:g}"}
    write(out, machine, found)


def write(out: Path, machine: dict[str, str], found: Sequence[Measured]) -> None:
    """Two files of the same name, by when it was."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / time.strftime("%Y-%m-%d-%H%M%S")
    path.with_suffix(".txt").write_text(as_text(machine, found))
    path.with_suffix(".json").write_text(json.dumps(as_json(machine, found), indent=1) + "\n")
    click.echo(f"kept in {path}.txt and .json")


if __name__ == "__main__":
    sys.exit(main())
