"""The order list: `orders:TENANT`, a list that people watch, fed by webhook and by polling.

Other plugins feed it by `server.provider("orders").deliver(…)`, see `provider.py`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from marshmallow import Schema

from tornado_chat import Server, StoreModel, TopicProvider, hookimpl

from .models import MODELS
from .orders import Change
from .polling import Poller
from .provider import OrderList, Outcome
from .settings import OrderListSchema
from .source import Source
from .webhook import Orders

__all__ = ["Change", "OrderList", "Outcome", "api", "requires"]

api = 1
requires = ["notifications"]

CLEAN_SECONDS = 3600.0


@hookimpl
def register_config() -> type[Schema]:
    return OrderListSchema


@hookimpl
def register_models() -> list[type[StoreModel]]:
    return MODELS


@hookimpl
def register_migrations() -> Path:
    return Path(__file__).parent / "migrations"


@hookimpl
def register_topics(server: Server, config: Mapping[str, Any]) -> list[TopicProvider]:
    return [OrderList(server, config["snapshot"])]


@hookimpl
def register_routes() -> list[tuple[Any, ...]]:
    return [("/orders", Orders)]


@hookimpl
def startup(server: Server, config: Mapping[str, Any]) -> None:
    orders: OrderList = server.provider("orders")
    server.background.every(CLEAN_SECONDS, orders.clean)
    poll = config["poll"]
    if poll["url"]:
        server.run_once("order_list.poll", poller(server, orders, config).run)


def poller(server: Server, orders: OrderList, config: Mapping[str, Any]) -> Poller:
    """What polls as the section says."""
    poll = config["poll"]
    source = Source(
        poll["url"],
        poll["query"],
        folder=server.config.folder,
        columns=poll["columns"],
        max_rows=poll["max_rows"],
        timeout_seconds=poll["timeout_seconds"],
    )
    return Poller(
        server,
        orders,
        source,
        tenant=poll["tenant"] or config["tenant"],
        interval_seconds=poll["interval_seconds"],
    )
