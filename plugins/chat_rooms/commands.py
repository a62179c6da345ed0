"""`tornado-chat room …`: works on the database, also beside a running server."""

import click

from tornado_chat import Identity, Server, server_command

from .rooms import House
from .views import RoomView

tenant_option = click.option("--tenant", required=True, help="The company that the room is of.")


@click.group()
def room() -> None:
    """Rooms, and who is in them."""


@room.command("list")
@tenant_option
@click.option("--search", default="", help="Part of the name or the id, in any case.")
@click.option("--limit", default=100, type=click.IntRange(1, 1000), show_default=True)
@server_command
async def list_rooms(server: Server, tenant: str, search: str, limit: int) -> None:
    """List the rooms of a company, newest activity first."""
    found = await house(server).list(person(tenant), search=search, limit=limit, shown=0)
    for each in found:
        click.echo(line(each))
    if not found:
        click.echo(f"no rooms of tenant {tenant}" + (f" match {search!r}" if search else ""))


@room.command()
@tenant_option
@click.option("--name", default=None, help="Without it the room bears the names of its members.")
@click.option("--member", "members", multiple=True, required=True, metavar="USER_ID")
@click.option("--private", is_flag=True, help="Of two people: their one-to-one room.")
@server_command
async def create(
    server: Server, tenant: str, name: str | None, members: tuple[str, ...], private: bool
) -> None:
    """Make a room of these members, and print its id."""
    made, created = await house(server).create(
        person(tenant), name=name, private=private, members=members
    )
    click.echo(made.room_id)
    if not created:
        click.echo("these two have that room already", err=True)


@room.command()
@tenant_option
@click.argument("room_id")
@server_command
async def show(server: Server, tenant: str, room_id: str) -> None:
    """Show a room and its members."""
    echo(await house(server).get(person(tenant), room_id))


@room.command()
@tenant_option
@click.argument("room_id")
@click.argument("user_ids", nargs=-1, required=True)
@server_command
async def add(server: Server, tenant: str, room_id: str, user_ids: tuple[str, ...]) -> None:
    """Add members to a room."""
    echo(await house(server).change(person(tenant), room_id, add=user_ids))


@room.command()
@tenant_option
@click.argument("room_id")
@click.argument("user_ids", nargs=-1, required=True)
@server_command
async def remove(server: Server, tenant: str, room_id: str, user_ids: tuple[str, ...]) -> None:
    """Remove members from a room."""
    rooms = house(server)
    for user_id in user_ids:
        await rooms.remove(person(tenant), room_id, user_id)
    echo(await rooms.get(person(tenant), room_id))


def house(server: Server) -> House:
    """Every room of a tenant, with the limits that the configuration sets."""
    return server.service("chat_rooms").as_house()


def person(tenant: str) -> Identity:
    """Stands for nobody but the tenant."""
    return Identity(user_id="", tenant=tenant, name="the house")


def line(view: RoomView) -> str:
    kind = "one-to-one" if view.pair else "private" if view.private else "group"
    return f"{view.room_id}  {kind:<10}  {view.member_count:>4}  {view.name}"


def echo(view: RoomView) -> None:
    click.echo(line(view))
    for member in view.members:
        state = "" if member.active else "  left"
        click.echo(f"  {member.user_id}  {member.full_name}{state}")
