"""The commands `user` and `key`."""

import sys
from typing import Any

import click

from tornado_chat.accounts import Account
from tornado_chat.accounts.keys import hash_key
from tornado_chat.app import Server
from tornado_chat.cli import cli, server_command
from tornado_chat.errors import NotFound


@cli.group()
def user() -> None:
    """People: add, list, show, password, disable, enable."""


@user.command("add")
@click.argument("login_name")
@click.option("--tenant", required=True, help="The company he belongs to.")
@click.option("--user-id", help="Default: one is made.")
@click.option("--full-name", default="", help="Default: first and last name.")
@click.option("--first-name", default="")
@click.option("--last-name", default="")
@click.option("--email", default="")
@click.option("--group", "groups", multiple=True, help="May be given several times.")
@click.option("--permission", "permissions", multiple=True, help="May be given several times.")
@click.option("--no-password", is_flag=True, help="Keys only: nobody can log in with a password.")
@server_command
async def add(server: Server, login_name: str, no_password: bool, **given: Any) -> None:
    """Add a person. The password is asked for, or read from a pipe."""
    password = None if no_password else read_password()
    account = await server.accounts.create(
        given.pop("tenant"), given.pop("user_id"), login_name=login_name, password=password, **given
    )
    click.echo(f"user {account.user_id} added to {account.tenant}")


@user.command("list")
@click.option("--tenant", help="Only those of this company.")
@click.option("--limit", default=1000, show_default=True, help="At most so many.")
@server_command
async def list_users(server: Server, tenant: str | None, limit: int) -> None:
    """List people, a line each."""
    for account in await server.accounts.list(tenant, limit=limit):
        state = " (disabled)" if account.disabled else ""
        click.echo(
            f"{account.user_id}\t{account.tenant or '-'}\t{account.login_name or '-'}\t"
            f"{account.full_name}{state}"
        )


@user.command("show")
@click.argument("who")
@server_command
async def show(server: Server, who: str) -> None:
    """Show one person, by user id or login name."""
    account = await find(server, who)
    for name, value in (
        ("user id", account.user_id),
        ("login name", account.login_name),
        ("full name", account.full_name),
        ("e-mail", account.email),
        ("tenant", account.tenant),
        ("groups", ", ".join(account.groups)),
        ("permissions", ", ".join(account.permissions)),
        ("from", account.source),
        ("password", "set" if account.has_password else "none"),
        ("state", "disabled" if account.disabled else "enabled"),
    ):
        click.echo(f"{name:<12} {value or '-'}")


@user.command("password")
@click.argument("who")
@server_command
async def password(server: Server, who: str) -> None:
    """Set a password; it ends the person's sessions and keys, but not a key of the file."""
    account = await find(server, who)
    await server.accounts.set_password(account.user_id, read_password())
    click.echo(f"password of {account.user_id} set")


@user.command("disable")
@click.argument("who")
@server_command
async def disable(server: Server, who: str) -> None:
    """Let somebody in no more, and end his sessions."""
    account = await find(server, who)
    await server.accounts.disable(account.user_id)
    click.echo(f"user {account.user_id} disabled")


@user.command("enable")
@click.argument("who")
@server_command
async def enable(server: Server, who: str) -> None:
    """Let somebody in again."""
    account = await find(server, who)
    await server.accounts.enable(account.user_id)
    click.echo(f"user {account.user_id} enabled")


@cli.group()
def key() -> None:
    """Api keys: issue, revoke."""


@key.command("issue")
@click.argument("who")
@click.option("--days", type=float, help="Default: auth.key_days; 0 for one that does not end.")
@server_command
async def issue(server: Server, who: str, days: float | None) -> None:
    """Make a key for a person and print it, the only time it is seen."""
    account = await find(server, who)
    click.echo(await server.accounts.issue_key(account.user_id, days))


@key.command("revoke")
@click.option("--user", "who", help="All keys of this person, those of the file too.")
@server_command
async def revoke(server: Server, who: str | None) -> None:
    """End a key and its sessions at once. The key is asked for, or read from a pipe, so that it
    stands in no list of processes; --user ends all keys of a person."""
    if who is not None:
        account = await find(server, who)
        await server.accounts.revoke_keys(account.user_id)
        click.echo(f"keys of {account.user_id} revoked")
        return
    if not await server.accounts.revoke_key(hash_key(read_secret("key"))):
        raise NotFound("key: there is no such key")
    click.echo("key revoked")


async def find(server: Server, who: str) -> Account:
    """By user id, else by login name."""
    account = await server.accounts.get(who) or await server.accounts.find_login(who)
    if account is None:
        raise NotFound(
            f"user {who}: not there, see tornado-chat user list; "
            "who is in the file comes in when it is served for the first time"
        )
    return account


def read_password() -> str:
    """Twice from a person, once from a pipe."""
    return read_secret("password", confirm=True)


def read_secret(what: str, *, confirm: bool = False) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(what, hide_input=True, confirmation_prompt=confirm))
    return sys.stdin.readline().rstrip("\n")
