"""`tornado-chat plugins`: which are loaded, and how those of the running server are."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from tornado_chat.app import Server
from tornado_chat.cli import cli, config_option, load, set_option
from tornado_chat.cli_running import NotTold, Running, ask
from tornado_chat.web.health import HEALTH

HEADS = ("plugin", "hook", "calls", "failures", "time", "slowest", "held", "")
LEFT = {0, 1, 7}  # columns of words


@cli.group(invoke_without_command=True)
@click.option("--key", envvar="TORNADO_CHAT_KEY", help="Of somebody who may ask the server.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@config_option
@set_option
@click.pass_context
def plugins(
    ctx: click.Context,
    key: str | None,
    as_json: bool,
    config_file: Path | None,
    sets: Sequence[str],
) -> None:
    """List the plugins that would be loaded, and how they are where the server is running."""
    if ctx.invoked_subcommand is not None:
        return
    server = Server(load(config_file, sets))
    found, problem = server.plugins.describe(), ""
    running: Running | None = None
    try:
        running = ask(server.config, key)
    except NotTold as reason:
        problem = str(reason)
    if as_json:
        click.echo(json.dumps(as_object(found, running, problem), indent=2))
        return
    show(found)
    click.echo()
    if running is None:
        click.echo(f"the running server was not asked: {problem}")
    else:
        show_calls(running)
        show_differences({each["name"] for each in found}, running)


def as_object(found: list[dict[str, Any]], running: Running | None, problem: str) -> dict[str, Any]:
    """`server`: where it was asked, null where it was not, and then `problem` says why. Of each
    plugin `health` is null where the server has not loaded it, or was not asked."""
    health = running.health if running else {}
    live = {"failures", *HEALTH}  # of this process: nothing
    return {
        "server": running.url if running else None,
        "problem": problem or None,
        "plugins": [
            {name: value for name, value in each.items() if name not in live}
            | {"health": health.get(each["name"])}
            for each in found
        ],
    }


def show(found: list[dict[str, Any]]) -> None:
    """Each plugin, some lines each."""
    for each in found:
        kinds = ", ".join(kind or "(plain names)" for kind in each["kinds"]) or "none"
        click.echo(f"{each['name']} {each['version']}".rstrip())
        click.echo(f"  from     {each['place']}: {each['file']}")
        click.echo(f"  topics   {kinds}")
        click.echo(f"  routes   {each['mount']}")
        click.echo(f"  hooks    {', '.join(each['hooks'])}")


def show_calls(running: Running) -> None:
    """What was called of them, a line for each hook; those that fail stand out."""
    rows = list(rows_of(running.health))
    if not rows:
        click.echo(f"the server at {running.url} has called none of them yet")
        return
    click.echo(f"since the start of the server at {running.url}:\n")
    table = [HEADS, *(row for _, row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for failing, row in [(False, HEADS), *rows]:
        cells = [
            cell.ljust(width) if place in LEFT else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        line = f"{'!' if failing else ' '} {'  '.join(cells)}".rstrip()
        click.echo(click.style(line, fg="red", bold=True) if failing else line)


def rows_of(health: dict[str, Any]) -> Iterator[tuple[bool, tuple[str, ...]]]:
    """Whether it fails, and what stands in the columns."""
    for name, plugin in health.items():
        for hook, calls in sorted(plugin["calls"].items()):
            if calls["count"] or calls["failures"]:
                yield (
                    bool(calls["failures"] or calls["set_aside"]),
                    (
                        name,
                        hook,
                        str(calls["count"]),
                        str(calls["failures"]),
                        duration(calls["seconds"]),
                        duration(calls["longest"]),
                        str(calls["held"]),
                        "set aside" if calls["set_aside"] else "",
                    ),
                )
        if plugin["lost_events"]:
            yield True, (name, "events", "", "", "", "", "", f"{plugin['lost_events']} lost")
        if plugin["waiting_writes"]:
            yield False, (name, "writes", "", "", "", "", "", f"{plugin['waiting_writes']} wait")


def duration(seconds: float) -> str:
    """In the unit that suits it."""
    if seconds < 0.001:
        return f"{seconds * 1_000_000:.0f} µs"
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def show_differences(here: set[str], running: Running) -> None:
    """Of what would be loaded and what is."""
    there = set(running.names)
    for name in sorted(here - there):
        click.echo(f"! {name}: not loaded by the running server, restart it")
    for name in sorted(there - here):
        click.echo(f"! {name}: loaded by the running server, and not found any more")
