"""`tornado-chat notify`: a notification from the shell, beside a running server too."""

from typing import Any

import click
import orjson

from tornado_chat import Server, server_command

from .service import Notifications


def parse_message(message: str | None, text: str | None) -> dict[str, Any]:
    """The message that the options mean. Raises UsageError where they mean none."""
    if (message is None) == (text is None):
        raise click.UsageError("give either --message or --text")
    if text is not None:
        return {"message": text}
    try:
        found = orjson.loads(message or "")
    except orjson.JSONDecodeError as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--message") from None
    if not isinstance(found, dict):
        raise click.BadParameter("not a JSON object", param_hint="--message")
    return found


@click.command()
@click.argument("topic")
@click.option("--tenant", required=True, help="The company whose people it is for.")
@click.option("--message", help="The message, a JSON object.")
@click.option("--text", help='The message as text: the same as {"message": TEXT}.')
@click.option("--title", help="A template: ${field} is a field of the message.")
@click.option("--link", help="A template: http(s), or a path that begins with one /.")
@click.option("--type", "kind", help="info, success, warning or danger.")
@click.option("--sub-topic", help="Part of a topic; not looked at for delivery.")
@click.option("--user", "users", multiple=True, help="A user id; as often as you like.")
@click.option("--group", help="A group of users.")
@click.option("--persist/--no-persist", default=None, help="Whether it is listed later.")
@click.option("--alert/--no-alert", default=None, help="Whether it asks for attention.")
@server_command
async def notify(
    server: Server,
    topic: str,
    tenant: str,
    message: str | None,
    text: str | None,
    kind: str | None,
    users: tuple[str, ...],
    alert: bool | None,
    **said: Any,
) -> None:
    """Send a notification on TOPIC. Without --user and --group it goes to the whole tenant."""
    notifications: Notifications = server.service("notifications")
    sent = await notifications.send(
        tenant,
        topic,
        parse_message(message, text),
        type=kind,
        users=users or None,
        show_alert=alert,
        **said,
    )
    click.echo(f"sent {sent.id}")
