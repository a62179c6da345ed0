"""Every path of the server, in one list: ours first, then those of the plugins by mount."""

from typing import TYPE_CHECKING, Any

from tornado.routing import URLSpec
from tornado.web import RequestHandler, url

from tornado_chat.errors import NotFound, SetupError
from tornado_chat.plugins import Plugin, Plugins
from tornado_chat.plugins.faults import booting
from tornado_chat.web.account import (
    ChangingPassword,
    SigningInByPassword,
    SigningOut,
    WhoAmI,
)
from tornado_chat.web.admin import ROUTES as ADMIN
from tornado_chat.web.api.pages import AsyncApi, OpenApi
from tornado_chat.web.base import Handler, PluginHandler
from tornado_chat.web.dialect import Dialect
from tornado_chat.web.fast_path import FastPath
from tornado_chat.web.files import StaticFile
from tornado_chat.web.health import Live, Ready
from tornado_chat.web.house import House
from tornado_chat.web.metrics import Metrics
from tornado_chat.web.native import NativeDialect
from tornado_chat.web.people import AllPeople
from tornado_chat.web.proxies import Proxies
from tornado_chat.web.sockets import Sockets

if TYPE_CHECKING:
    from tornado_chat.app import Server


class NotThere(Handler):
    """Every path that nobody has."""

    public = True

    async def prepare(self) -> None:
        await super().prepare()
        if self.request.method != "OPTIONS":
            raise NotFound(f"{self.request.path[:200]}: not there")


def build(server: "Server", plugins: Plugins, sockets: Sockets, native: NativeDialect) -> House:
    """The application, from what the plugins register."""
    shared = {"server": server}
    pages: dict[str, Any] = {**shared, "pages": {}}
    routes: list[tuple[str, URLSpec]] = []  # with the name of the plugin
    routes += [
        ("", url(r"/health/live", Live, shared)),
        ("", url(r"/health/ready", Ready, shared)),
        ("", url(r"/metrics", Metrics, shared)),
        ("", url(r"/openapi\.json", OpenApi, {**pages, "routes": routes})),
        ("", url(r"/asyncapi\.json", AsyncApi, pages)),
        ("", url(r"/account", WhoAmI, shared)),
        ("", url(r"/account/login", SigningInByPassword, shared)),
        ("", url(r"/account/logout", SigningOut, shared)),
        ("", url(r"/account/password", ChangingPassword, shared)),
        ("", url(r"/people", AllPeople, shared)),
        ("", url(r"/client\.js", StaticFile, shared)),
        ("", url(r"/client/([\w-]+)\.js", StaticFile, shared)),
    ]
    routes += [("", url(path, handler, shared)) for path, handler in ADMIN]
    if server.config.server.page:
        routes += [("", url(path, StaticFile, shared)) for path in ("/", "/page/(.+)")]
    for plugin, found in plugins.call_each("register_routes", server=server):
        with booting(plugin, "register_routes"):
            routes += [(plugin.name, _mounted(plugin, route)) for route in found]
    return House(
        [route for _, route in routes],
        FastPath(server),
        sockets=sockets,
        dialects=_dialects(server, plugins, native),
        proxies=Proxies(server.config.server.trusted_proxies),
        default_handler_class=NotThere,
        default_handler_args=shared,
        compress_response=False,
    )


def _dialects(server: "Server", plugins: Plugins, native: NativeDialect) -> dict[str, Dialect]:
    """By the path of their sockets."""
    taken: dict[str, str] = {native.path: "the house"}
    dialects: dict[str, Dialect] = {native.path: native}
    for plugin, found in plugins.call_each("register_dialects", server=server):
        with booting(plugin, "register_dialects"):
            for dialect in found:
                if not isinstance(dialect, Dialect) or not dialect.path.startswith("/"):
                    raise SetupError(
                        f"plugin {plugin.name!r}: register_dialects gave {dialect!r}, expected an "
                        "object of a class deriving from Dialect with a path"
                    )
                if dialect.path in taken:
                    raise SetupError(
                        f"plugins {taken[dialect.path]!r} and {plugin.name!r} both claim the "
                        f"socket {dialect.path}"
                    )
                taken[dialect.path] = plugin.name
                dialects[dialect.path] = dialect
    return dialects


def _mounted(plugin: Plugin, route: Any) -> URLSpec:
    """`(pattern, handler[, arguments])`, its pattern below the plugin's mount."""
    try:
        pattern, handler, *rest = route
    except (TypeError, ValueError):
        raise _odd(plugin, route) from None
    if not (isinstance(handler, type) and issubclass(handler, RequestHandler)):
        raise _odd(plugin, route)
    arguments = dict(rest[0]) if rest else {}
    if issubclass(handler, PluginHandler):
        arguments = {"server": plugin.server, "config": plugin.config, **arguments}
    return url(plugin.mount + pattern, handler, arguments)


def _odd(plugin: Plugin, route: object) -> SetupError:
    return SetupError(
        f"plugin {plugin.name!r}: register_routes gave {route!r}, expected (pattern, handler) or "
        "(pattern, handler, arguments) with a handler deriving from PluginHandler"
    )
