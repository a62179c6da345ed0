"""Chat rooms: topics `room:<id>`, one-to-one and for groups, with members and what they have read.

Other plugins get the rooms by `server.service("chat_rooms")`, see `rooms.Rooms`.
"""

from collections.abc import Mapping
from typing import Any

import click
from marshmallow import Schema, fields, validate

from tornado_chat import Server, Session, StoreModel, TopicProvider, hookimpl

from . import commands, routes
from .here import Here
from .models import Room
from .provider import RoomProvider
from .rooms import KEEP, Rooms
from .views import MemberView, RoomView

__all__ = ["KEEP", "MemberView", "RoomView", "Rooms"]

api = 1

MEMBERS_MAX = 5000  # what one statement can name, and a list still show


class Settings(Schema):
    """Rooms and who is in them."""

    max_members = fields.Integer(
        strict=True,
        load_default=MEMBERS_MAX,
        validate=validate.Range(2, MEMBERS_MAX),
        metadata={"doc": "People in one room."},
    )
    max_rooms = fields.Integer(
        strict=True,
        load_default=10_000,
        validate=validate.Range(1),
        metadata={"doc": "Rooms that one person may have made."},
    )


@hookimpl
def register_config() -> type[Schema]:
    return Settings


@hookimpl
def register_models() -> list[type[StoreModel]]:
    return [Room]


@hookimpl
def register_migrations() -> str:
    return "migrations"


@hookimpl
def register_topics(server: Server, config: Mapping[str, Any]) -> list[TopicProvider]:
    rooms, here = Rooms(server, **config), Here(server)
    server.offer("chat_rooms", rooms)
    server.offer("chat_rooms.here", here)
    return [RoomProvider(rooms, here)]


@hookimpl
def register_routes(server: Server) -> list[tuple[Any, ...]]:
    return routes.routes(server.service("chat_rooms"))


@hookimpl
def session_opened(session: Session, server: Server) -> None:
    server.service("chat_rooms.here").opened(session.identity)


@hookimpl
def session_closed(session: Session, server: Server) -> None:
    server.service("chat_rooms.here").closed(session.identity)


@hookimpl
def register_commands(cli: click.Group) -> None:
    cli.add_command(commands.room)
