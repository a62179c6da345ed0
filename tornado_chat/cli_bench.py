"""The command `bench`: how quick a server is on this machine, for the person who runs it."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from tornado_chat.bench.loads import Progress
from tornado_chat.bench.place import Place, checked, of_our_own, running
from tornado_chat.bench.run import Run
from tornado_chat.bench.verdict import rows, words
from tornado_chat.cli import cli, config_option, load, set_option
from tornado_chat.cli_accounts import read_secret
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
@click.option("--sockets", type=click.IntRange(2), help="Default: 100, at most 10 a key.")
@click.option(
    "--rate",
    type=click.FloatRange(1),
    default=100,
    show_default=True,
    help="Messages a second of the load that keeps a pace.",
)
@click.option(
    "--seconds", type=click.FloatRange(0.1), default=5, show_default=True, help="Of each load."
)
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
    there = of_our_own(config) if url is None else _running(checked(url), keys_file, config)
    asyncio.run(_bench(there, count=sockets, rate=rate, seconds=seconds))


@contextlib.asynccontextmanager
async def _running(url: str, keys_file: Path | None, config: Config) -> AsyncIterator[Place]:
    yield await running(url, _keys(keys_file, config), config)


def _keys(file: Path | None, config: Config) -> list[str]:
    """Of the file, else of [[users]], else that of the environment, else one that is asked for."""
    if file is not None:
        keys = file.read_bytes().decode(errors="replace").split()
        if not keys or not all(map(_may_be_key, keys)):
            raise SetupError(f"{file}: not keys, one a line")
        return keys
    found = [user.api_key for user in config.users if user.api_key]
    if found:
        return found
    key = os.environ.get("TORNADO_CHAT_KEY") or read_secret("key")
    if not key or not _may_be_key(key):
        raise SetupError("a key is needed, of somebody whom that server knows")
    return [key]


def _may_be_key(text: str) -> bool:
    return text.isascii() and text.isprintable()


async def _bench(there: contextlib.AbstractAsyncContextManager[Place], **how: Any) -> None:
    async with there as place:
        which = "a server of its own" if place.own else "that server"
        durability = place.durability or "not told"
        click.echo(f"{place.url}, {which}; durability {durability}{place.says}")
        how["count"] = how["count"] or min(SOCKETS, OF_ONE_KEY * len(place.keys))
        run = Run(place, **how, bar=_bar)
        await run.measure()
    for line in [
        "",
        *rows(run.found, run.memory),
        "",
        *words(run.found, run.memory, place.durability),
    ]:
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
