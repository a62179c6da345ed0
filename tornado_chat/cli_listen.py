"""The commands `demo`, `listen` and `post`: to see the server at work."""

import asyncio
import contextlib
import errno
import itertools
import json
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from tornado_chat import config as configuration
from tornado_chat import logs, turns
from tornado_chat.app import Server
from tornado_chat.cli import cli, run_server
from tornado_chat.client import ChatError, State, Subscription, connect
from tornado_chat.demo import FOLDER, Demo, write_config
from tornado_chat.errors import SetupError


@cli.command()
@click.option("--port", type=int, help="Default: 8080, or any free one where that is taken.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=FOLDER,
    show_default=True,
    help="What the demo keeps: configuration and database.",
)
def demo(port: int | None, folder: Path) -> None:
    """Serve a small company with rooms and a live order feed."""
    path = write_config(folder)
    sets = [f"server.port={_free(8080) if port is None else port}", "server.drain_seconds=0"]
    config = configuration.load(path, sets)
    logs.setup("warning", config.log.format)
    server = Server(config)
    turns.run(run_server(server, lambda: Demo(server, folder).begin()))


def _free(port: int) -> int:
    """The port if nobody listens there, else 0 for any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return 0
    return port


key_option = click.option(
    "--key", envvar="TORNADO_CHAT_KEY", prompt=True, hide_input=True, help="An api key; asked for."
)


@cli.command()
@click.argument("url")
@click.argument("topic")
@click.argument("data")
@key_option
def post(url: str, topic: str, data: str, key: str) -> None:
    """Post DATA, a JSON object, on TOPIC of the server at URL."""
    try:
        body = json.loads(data)
    except ValueError as error:
        raise SetupError(f"the data is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise SetupError('the data is no JSON object, as {"text": "hello"} is one')
    asyncio.run(_post(url, topic, body, key))


async def _post(url: str, topic: str, data: dict[str, Any], key: str) -> None:
    with _in_one_line():
        async with connect(url, key) as chat:
            sent = await chat.publish(topic, data)
    click.echo(f"posted {sent.id or 'a signal'}")


@cli.command()
@click.argument("url")
@click.argument("topics", nargs=-1, required=True)
@key_option
@click.option("--count", type=int, default=0, help="End after so many messages.")
@click.option("--state", is_flag=True, help="Print the state of each topic first.")
def listen(url: str, topics: Sequence[str], key: str, count: int, *, state: bool) -> None:
    """Subscribe TOPICS of the server at URL and print what comes, a line each, also after it has
    been away."""
    asyncio.run(_listen(url, topics, key, count, state=state))


async def _listen(url: str, topics: Sequence[str], key: str, count: int, *, state: bool) -> None:
    with _in_one_line():
        async with connect(url, key, on_state=_say(), on_gap=_say_gap) as chat:
            joined = [await chat.subscribe(topic).ready() for topic in dict.fromkeys(topics)]
            for subscription in joined:
                click.echo(f"listening to {subscription.topic}, Ctrl-C ends it")
                if state:
                    click.echo(json.dumps(subscription.state, ensure_ascii=False))
            number = itertools.count(1)
            shows = [asyncio.create_task(_show(each, number, count)) for each in joined]
            done, others = await asyncio.wait(shows, return_when=asyncio.FIRST_COMPLETED)
            for show in others:
                show.cancel()
            for show in done:
                show.result()


@contextlib.contextmanager
def _in_one_line() -> Iterator[None]:
    """What hinders the client ends the command."""
    try:
        yield
    except ChatError as problem:
        raise SetupError(problem.message) from None
    except ValueError as problem:
        raise SetupError(str(problem)) from None


async def _show(messages: Subscription, number: Iterator[int], count: int) -> None:
    """Prints until `count` are printed by all together; 0 never ends."""
    async for message in messages:
        nth = next(number)
        if nth <= count or not count:
            who = message.sender_name or message.sender or "-"
            data = json.dumps(message.data, ensure_ascii=False)
            at = message.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            click.echo(f"{at}  {message.topic}  {who}  {data}")
        if count and nth >= count:
            return


def _say() -> Callable[[State], None]:
    """Says on stderr when the connection goes, and when it is back."""
    gone = False

    def say(state: State) -> None:
        nonlocal gone
        if state is State.OPEN and gone:
            click.echo("connected again", err=True)
            gone = False
        elif state is State.WAITING and not gone:
            click.echo("the connection is gone, trying again", err=True)
            gone = True

    return say


def _say_gap(messages: Subscription) -> None:
    click.echo(f"{messages.topic}: what came meanwhile is no longer there", err=True)
