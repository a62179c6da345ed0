"""`tornado-chat plugins new`: a plugin to begin with."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import click

from tornado_chat import scaffold
from tornado_chat.app import Server
from tornado_chat.cli import config_option, load, set_option
from tornado_chat.cli_plugins import plugins
from tornado_chat.config import Config
from tornado_chat.errors import SetupError
from tornado_chat.plugins.source import DropIns, installed


@plugins.command()
@click.argument("name")
@click.option("--package", is_flag=True, help="A package that can be installed, not a file.")
@click.option(
    "--kind",
    type=click.Choice(list(scaffold.KINDS)),
    default="list",
    show_default=True,
    help="; ".join(f"{kind}: {what}" for kind, what in scaffold.KINDS.items()) + ".",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to make it. Default: the directory of plugins that the configuration names; with "
    "--package, here.",
)
@config_option
@set_option
@click.pass_context
def new(
    ctx: click.Context,
    name: str,
    package: bool,
    kind: str,
    into: Path | None,
    config_file: Path | None,
    sets: Sequence[str],
) -> None:
    """Write a plugin to begin with, and its test. Nothing is overwritten."""
    outer = ctx.parent.params if ctx.parent else {}  # `plugins -c FILE new …` is as good
    config = load(config_file or outer.get("config_file"), [*outer.get("sets", ()), *sets])
    scaffold.check_name(name)
    check_free(name, config)
    if package:
        files = scaffold.package(name, kind, into or Path())
    else:
        files = scaffold.drop_in(name, kind, into or shown(config.plugins.directory))
    scaffold.write(files)
    for path in files:
        click.echo(f"made {path}")
    click.echo("\nnext:")
    for line in scaffold.next_commands(files, package=package):
        click.echo(f"  {line}")
    file = shown(config.path) if config.path else "tornado_chat.toml"
    click.echo(f"\nwhat {file} may say about it:\n")
    click.echo(scaffold.section(name, kind), nl=False)


def shown(path: Path) -> Path:
    """From here, where it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def check_free(name: str, config: Config) -> None:
    """Raises SetupError where another plugin has the name, or owns topics of that kind."""
    drop_ins = DropIns(config.plugins.directory)
    try:
        found = {each.name: each.file for each in chain(installed(), drop_ins)}
    finally:
        drop_ins.forget()
    if name in found:
        raise SetupError(f"a plugin {name!r} is there already: {found[name]}; take another name")
    try:
        owners = Server(config).topics.kinds()
    except SetupError:
        return  # of plugins that do not load nobody can say what they own
    if name in owners:
        raise SetupError(f"the plugin {owners[name]!r} owns the topics {name}:…; take another name")
