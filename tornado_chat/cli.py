"""The command `tornado-chat`.

Exit status 0, or an error on stderr that says what to do. Commands of plugins are found when
they are asked for, so a broken plugin does not keep `check-config` from saying so.
"""

import asyncio
import functools
import gc
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import click

from tornado_chat import config as configuration
from tornado_chat import logs, turns
from tornado_chat.app import Server
from tornado_chat.config import Config
from tornado_chat.errors import ChatError, SetupError
from tornado_chat.plugins import Plugins
from tornado_chat.reloading import Reloading

DEFAULT_FILE = Path("tornado_chat.toml")
COLLECT_AFTER = 5000  # more objects made than freed, seven times Python's own number

config_option = click.option(
    "-c",
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The configuration file. Default: tornado_chat.toml here, if there is one.",
)
set_option = click.option(
    "--set", "sets", multiple=True, metavar="KEY=VALUE", help="Overrides a key: server.port=9000."
)


def load(config_file: Path | None, sets: Sequence[str]) -> Config:
    """The configuration that the options mean."""
    if config_file is None and DEFAULT_FILE.exists():
        config_file = DEFAULT_FILE
    return configuration.load(config_file, sets)


class Commands(click.Group):
    """Our commands, and those of the plugins that the configuration names. Those that are not of
    this module are found when they are asked for: a server that serves needs no client."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._add_ours()
        self._add_those_of_plugins(ctx)
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = super().get_command(ctx, cmd_name)
        if found is None:
            self._add_ours()
            found = super().get_command(ctx, cmd_name)
        if found is None:
            self._add_those_of_plugins(ctx)
            found = super().get_command(ctx, cmd_name)
        return found

    @staticmethod
    def _add_ours() -> None:
        from tornado_chat import (  # noqa: PLC0415
            cli_accounts,  # noqa: F401
            cli_bench,  # noqa: F401
            cli_docs,  # noqa: F401
            cli_listen,  # noqa: F401
            cli_plugins,  # noqa: F401
            cli_scaffold,  # noqa: F401
        )

    def _add_those_of_plugins(self, ctx: click.Context) -> None:
        if ctx.meta.setdefault("tornado_chat.plugins", False):
            return
        ctx.meta["tornado_chat.plugins"] = True
        config_file, sets = _options(sys.argv[1:] if ctx.obj is None else ctx.obj)
        try:
            plugins = Plugins.load(load(config_file, sets).plugins)
            plugins.call_each("register_commands", cli=self)
        except SetupError as error:
            click.echo(f"commands of plugins are left out: {error}", err=True)


def _options(arguments: Sequence[str]) -> tuple[Path | None, list[str]]:
    """-c and --set, wherever they stand."""
    config_file, sets = None, []
    for option, value in zip(arguments, [*arguments[1:], ""], strict=False):
        if option in {"-c", "--config"}:
            config_file = Path(value)
        elif option.startswith("-c") and len(option) > 2:
            config_file = Path(option[2:].removeprefix("="))
        elif option.startswith("--config="):
            config_file = Path(option.partition("=")[2])
        elif option == "--set":
            sets.append(value)
        elif option.startswith("--set="):
            sets.append(option.partition("=")[2])
    return config_file, sets


def server_command(
    function: Callable[..., Coroutine[Any, Any, None]],
) -> Callable[..., None]:
    """Makes an async function that takes a server a command body, with -c and --set.

    The server has its database and topics but listens nowhere; it may be used beside a running
    one on the same database, which notices within a second.
    """

    @config_option
    @set_option
    @functools.wraps(function)
    def run(config_file: Path | None, sets: Sequence[str], **arguments: Any) -> None:
        config = load(config_file, sets)
        logs.setup("warning", config.log.format)

        async def body() -> None:
            server = Server(config)
            await server.open(begin_epoch=False)
            try:
                await function(server, **arguments)
            finally:
                await server.close()

        asyncio.run(body())

    return run


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tornado_chat")
def cli() -> None:
    """A real-time chat and notification server for one box."""


@cli.command()
@config_option
@set_option
def serve(config_file: Path | None, sets: Sequence[str]) -> None:
    """Serve until SIGTERM or SIGINT."""
    config = load(config_file, sets)
    logs.setup(config.log.level, config.log.format)
    turns.run(run_server(Server(config), read=lambda: load(config.path, sets)))


async def run_server(
    server: Server,
    started: Callable[[], Coroutine[Any, Any, None]] | None = None,
    read: Callable[[], Config] | None = None,
) -> None:
    """Serves until a signal asks it to stop; at the second it stops at once. `started`: awaited
    once it listens. `read()`: the configuration, again at SIGHUP; without it that is a signal to
    stop as any other."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask() -> None:
        if asked.is_set():
            server.leaving.hurry()
        asked.set()

    reloading = Reloading(server, read) if read else None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask)
    loop.add_signal_handler(signal.SIGHUP, reloading.ask if reloading else ask)
    await server.start()
    keep_for_good()
    if reloading:
        server.spawn(reloading.forever(), name="reloading")
    try:
        click.echo(f"tornado_chat listening on {server.url}")
        sys.stdout.flush()
        if started is not None:
            await started()
        await asked.wait()
    finally:
        await server.stop()


def keep_for_good() -> None:
    """What stands once a server has started stays until it ends: the garbage collector never looks
    through it again, and looks less often at what came since. That is a sixth of the time of a
    message, and pauses of 30 ms for everybody."""
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


@cli.command("check-config")
@config_option
@set_option
def check_config(config_file: Path | None, sets: Sequence[str]) -> None:
    """Read the configuration and load the plugins; start nothing."""
    config = load(config_file, sets)
    plugins = Server(config).plugins  # whatever it refuses, `serve` would
    names = ", ".join(plugin.name for plugin in plugins) or "none"
    click.echo(f"{config.path or 'no file, all defaults'}: good; plugins: {names}")


def main() -> None:
    """Runs the command; what is wrong goes to stderr in one piece, without a trace."""
    try:
        cli(prog_name="tornado-chat")
    except KeyboardInterrupt:
        sys.exit(130)
    except (SetupError, ChatError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
