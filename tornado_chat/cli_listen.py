"""The commands `demo` and `listen`: to see the server at work."""

import asyncio
import errno
import json
import socket
from collections.abc import Sequence
from pathlib import Path

import click
from tornado.httpclient import HTTPClientError
from tornado.websocket import websocket_connect

from tornado_chat import config as configuration
from tornado_chat import logs
from tornado_chat.app import Server
from tornado_chat.cli import cli, run_server
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
    asyncio.run(run_server(server, lambda: Demo(server, folder).begin()))


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


@cli.command()
@click.argument("url")
@click.argument("topics", nargs=-1, required=True)
@click.option(
    "--key", envvar="TORNADO_CHAT_KEY", prompt=True, hide_input=True, help="An api key; asked for."
)
@click.option("--count", type=int, default=0, help="End after so many messages.")
def listen(url: str, topics: Sequence[str], key: str, count: int) -> None:
    """Subscribe TOPICS of the server at URL and print what comes, a line each."""
    asyncio.run(_listen(url, topics, key, count))


async def _listen(url: str, topics: Sequence[str], key: str, count: int) -> None:
    address = url.rstrip("/").replace("http", "ws", 1) + "/ws"
    try:
        connection = await websocket_connect(address)
    except (OSError, HTTPClientError, ValueError) as error:
        raise SetupError(f"{url}: {error}") from None
    await connection.write_message(json.dumps({"id": 0, "do": "auth", "key": key}))
    await connection.write_message(json.dumps({"id": 1, "do": "subscribe", "topics": list(topics)}))
    shown = 0
    while (text := await connection.read_message()) is not None:
        frame = json.loads(text)
        if "error" in frame:
            raise SetupError(frame["error"]["message"])
        for joined in frame.get("ok", {}).get("topics", ()):
            if "error" in joined:
                raise SetupError(joined["error"]["message"])
            click.echo(f"listening to {joined['topic']}, Ctrl-C ends it")
        if "push" in frame:
            push = frame["push"]
            who = push["sender_name"] or push["sender"] or "-"
            data = json.dumps(push["data"], ensure_ascii=False)
            click.echo(f"{push['at']}  {push['topic']}  {who}  {data}")
            shown += 1
            if shown == count:
                connection.close()
                return
    click.echo("the server has closed the connection")
