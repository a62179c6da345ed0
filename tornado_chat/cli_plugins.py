"""`tornado-chat plugins …`: which are loaded, and a new one to begin with."""

from collections.abc import Sequence
from pathlib import Path

import click

from tornado_chat.app import Server
from tornado_chat.cli import cli, config_option, load, set_option


@cli.group(invoke_without_command=True)
@config_option
@set_option
@click.pass_context
def plugins(ctx: click.Context, config_file: Path | None, sets: Sequence[str]) -> None:
    """List the plugins that would be loaded, with their hooks and topics."""
    if ctx.invoked_subcommand is None:
        show(Server(load(config_file, sets)))


def show(server: Server) -> None:
    """Each plugin of the server, some lines each."""
    for each in server.plugins.describe():
        kinds = ", ".join(kind or "(plain names)" for kind in each["kinds"]) or "none"
        click.echo(f"{each['name']} {each['version']}".rstrip())
        click.echo(f"  from     {each['place']}: {each['file']}")
        click.echo(f"  topics   {kinds}")
        click.echo(f"  routes   {each['mount']}")
        click.echo(f"  hooks    {', '.join(each['hooks'])}")
