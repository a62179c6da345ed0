"""`/openapi.json` and `/asyncapi.json`. They tell what the server takes and gives and nothing of
anybody's, so no key is asked for. Each is written when it is first asked for, in a thread: what writes
it is not even imported before.
"""

import asyncio
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import orjson
from marshmallow import INCLUDE, Schema, fields
from tornado.routing import URLSpec

from tornado_chat.web.api import describe
from tornado_chat.web.base import Handler

if TYPE_CHECKING:
    from tornado_chat.app import Server
    from tornado_chat.web.house import House


class Page(Schema):
    """A description, as its specification has it."""

    class Meta:
        unknown = INCLUDE

    info = fields.Dict()


class Described(Handler):
    """One of the two. `pages`: those that are written or being written, by the module that does."""

    public = True
    application: "House"
    module: str

    def initialize(self, server: "Server", pages: dict[str, asyncio.Future[bytes]]) -> None:  # type: ignore[override]
        super().initialize(server)
        self.pages = pages

    async def answer_page(self, *about: Any) -> None:
        """Written once in the life of a server: its routes and sockets do not change."""
        if self.module not in self.pages:
            written = asyncio.to_thread(write, self.module, about)
            self.pages[self.module] = asyncio.ensure_future(written)
        page = await asyncio.shield(self.pages[self.module])  # others wait for it too
        self.set_header("Content-Type", "application/json")
        self.finish(page)


def write(module: str, about: Sequence[Any]) -> bytes:
    """In a thread: importing and writing take longer than anybody should wait for the loop."""
    return orjson.dumps(import_module(f"tornado_chat.web.api.{module}").document(*about))


class OpenApi(Described):
    """`routes`: all that there are, with the name of their plugin."""

    module = "openapi"

    def initialize(  # type: ignore[override]
        self,
        server: "Server",
        pages: dict[str, asyncio.Future[bytes]],
        routes: Sequence[tuple[str, URLSpec]],
    ) -> None:
        super().initialize(server, pages)
        self.routes = routes

    @describe("All of this", answer=Page)
    async def get(self) -> None:
        await self.answer_page(self.routes)


class AsyncApi(Described):
    module = "asyncapi"

    @describe("The sockets", answer=Page)
    async def get(self) -> None:
        await self.answer_page(list(self.application.dialects.values()))
