"""The face of GrowERP: the sockets `/chat` and `/notws` and what its front-ends ask by REST.

It speaks for what the plugins chat_rooms and notifications own; the words of GrowERP stay in here.
"""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema

from tornado_chat import Dialect, Server, StoreModel, hookimpl

from .chat import ChatDialect
from .companies import Companies, CompanyRow
from .config import GrowerpSchema
from .handler import Face
from .limits import PerAddress
from .notws import NotwsDialect
from .remembered import ListeningRow, Remembered
from .routes import routes
from .statistics import Statistics

api = 1
requires = ["chat_rooms", "notifications"]


@hookimpl
def register_config() -> type[Schema]:
    return GrowerpSchema


@hookimpl
def register_models() -> list[type[StoreModel]]:
    return [CompanyRow, ListeningRow]


@hookimpl
def register_dialects(server: Server) -> list[Dialect]:
    remembered = Remembered(server)
    server.offer("growerp.remembered", remembered)
    return [ChatDialect(server), NotwsDialect(server, remembered)]


@hookimpl
def register_routes(server: Server, config: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    face = Face(
        server,
        Companies(server, config["companies"]),
        rooms=server.service("chat_rooms"),
        notifications=server.service("notifications"),
        statistics=Statistics(server),
        registrations=PerAddress(config["registrations_per_hour"], 3600),
        questions=PerAddress(config["questions_per_minute"], 60),
    )
    return routes(face)


@hookimpl
async def shutdown(server: Server) -> None:
    await server.service("growerp.remembered").flush()
