"""Notifications: the plain topics, who gets what of them, and the list of those that are kept.

Other plugins send by `server.service("notifications")`, see `service.py`; they name this one in
`requires`.
"""

from pathlib import Path
from typing import Any

import click

from tornado_chat import Server, StoreModel, TopicProvider, hookimpl

from .commands import notify
from .handlers import All, OnePreference, Preferences, Seen, Topics
from .listing import Listed
from .models import MODELS
from .service import Notifications
from .topics import NotificationTopics

__all__ = ["Listed", "Notifications", "api"]

api = 1


@hookimpl
def register_models() -> list[type[StoreModel]]:
    return MODELS


@hookimpl
def register_migrations() -> Path:
    return Path(__file__).parent / "migrations"


@hookimpl
def register_topics(server: Server) -> list[TopicProvider]:
    notifications = Notifications(server)
    server.offer("notifications", notifications)
    return [NotificationTopics(notifications)]


@hookimpl
def register_routes() -> list[tuple[Any, ...]]:
    return [
        ("/notifications", All),
        ("/viewed", Seen),
        ("/topics", Topics),
        ("/preferences", Preferences),
        ("/preferences/([^/]+)", OnePreference),
    ]


@hookimpl
def register_commands(cli: click.Group) -> None:
    cli.add_command(notify)
