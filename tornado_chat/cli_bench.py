"""The command `bench`: how quick a server is on this machine, for the person who runs it."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from tornado_chat.bench.loads import Progress
from tornado_chat.bench.place import Place, of_our_own, running
from tornado_chat.bench.run import Run
from tornado_chat.bench.verdict import rows, words
from tornado_chat.cli import cli, config_option, load, set_option
from tornado_chat.config import Config
from tornado_chat.errors import SetupError

SOCKETS, OF_ONE_KEY = 100, 10  # without --sockets
STEPS = 1000  # of the progress bar


@cli.command()
@click.argument("url", required=False)
@config_option
@set_option
@click.option(
    "--keys",
    "keys_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A file with api keys of different people, one a line.",
)
@click.option("--sockets", type=click.IntRange(2), help="Connections; default 100, 10 a key.")
@click.option("--rate", type=click.FloatRange(1), default=100, show_default=True, help="Offered.")
@click.option("--seconds", type=click.FloatRange(0.1), default=5, show_default=True, help="A load.")
def bench(
    url: str | None,
    config_file: Path | None,
    sets: Sequence[str],
    keys_file: Path | None,
    sockets: int | None,
    rate: float,
    seconds: float,
) -> None:
    """Measure the server at URL, or one of our own on a database that is thrown away."""
    config = load(config_file, sets)
    there: contextlib.AbstractAsyncContextManager[Place]
    if url is None:
        there = of_our_own(config)
    else:
        there = contextlib.nullcontext(running(url, _keys(keys_file, config), config))
    asyncio.run(_bench(there, count=sockets, rate=rate, seconds=seconds))


def _keys(file: Path | None, config: Config) -> list[str]:
    """Of the file, else of [[users]], else one that is asked for."""
    if file is not None:
        keys = file.read_text().split()
        if not keys:
            raise SetupError(f"{file}: no keys in it")
        return keys
    found = [user.api_key for user in config.users if user.api_key]
    return found or [click.prompt("Key", hide_input=True, err=True)]


async def _bench(there: contextlib.AbstractAsyncContextManager[Place], **how: Any) -> None:
    async with there as place:
        which = "a server of its own" if place.own else "that server"
        click.echo(f"{place.url}, {which}; durability {place.durability}")
        how["count"] = how["count"] or min(SOCKETS, OF_ONE_KEY * len(place.keys))
        run = Run(place, **how, bar=_bar)
        await run.measure()
    for line in ["", *rows(run.found, run.memory), "", *words(run.found, place.durability)]:
        click.echo(line)


@contextlib.contextmanager
def _bar(label: str) -> Iterator[Progress]:
    """On stderr, where somebody looks; ten times a second."""
    bar: Any = click.progressbar(length=STEPS, label=f"{label:<18}", file=sys.stderr)
    shown = [0.0, 0]

    def progress(share: float) -> None:
        now = time.monotonic()
        if now - shown[0] >= 0.1:
            step = int(STEPS * min(1.0, share))
            bar.update(step - int(shown[1]))
            shown[:] = [now, step]

    with bar:
        yield progress
        bar.update(STEPS - int(shown[1]))
