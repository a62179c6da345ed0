"""The application: the first place that sees a request, and the last that sees its answer."""

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakSet

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPConnection, HTTPMessageDelegate, HTTPServerRequest
from tornado.iostream import IOStream
from tornado.routing import URLSpec
from tornado.web import Application, RequestHandler

from tornado_chat.logs import log_request
from tornado_chat.messages import Identity
from tornado_chat.web.credentials import header
from tornado_chat.web.dialect import Dialect
from tornado_chat.web.fast_path import FastPath
from tornado_chat.web.handshake import Handshake
from tornado_chat.web.proxies import Proxies
from tornado_chat.web.sockets import Sockets

LITERAL = re.compile(r"[\w/-]+")  # a pattern that matches itself alone


class House(Application):
    """All paths. Everybody after it knows by `remote_ip` who asks. `dialects`: of sockets, by path."""

    def __init__(
        self,
        routes: Sequence[URLSpec],
        fast_path: FastPath,
        *,
        sockets: Sockets,
        dialects: Mapping[str, Dialect],
        proxies: Proxies,
        **settings: Any,
    ) -> None:
        super().__init__(list(routes), **settings)
        self.dialects = dialects
        self.answers: Counter[int] = Counter()  # by status
        self._sockets = sockets
        self._literal = literal(routes)
        self._fast_path = fast_path
        self._proxies = proxies
        # By Tornado's object for a connection: since when it waits for a request, what answers.
        self._idle: dict[object, tuple[float, HTTP1Connection]] = {}
        self._asked: dict[object, IOStream] = {}
        self._leaving: WeakSet[IOStream] = WeakSet()  # the answer was not gone at once

    # From Tornado

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """A connection waits for its next request."""
        assert isinstance(request_conn, HTTP1Connection)
        self._idle[server_conn] = (time.monotonic(), request_conn)
        return super().start_request(server_conn, request_conn)

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        forwarded = header(request.headers, "X-Forwarded-For")
        request.remote_ip = self._proxies.address(request.remote_ip or "", forwarded)
        assert isinstance(request.connection, HTTP1Connection)
        self._idle.pop(request.server_connection, None)
        self._asked[request.server_connection] = request.connection.stream
        dialect = self.dialects.get(request.path)
        if dialect is not None:
            return Handshake(request, self._sockets, dialect, self.answered)
        route = self._literal.get(request.path)
        if route is None:
            return super().find_handler(request, **kwargs)
        return self._fast_path.plain(request, route, self.answered) or self.get_handler_delegate(
            request, route.handler_class, route.kwargs
        )

    def log_request(self, handler: RequestHandler) -> None:
        """A handler has answered."""
        identity = getattr(handler, "identity", None)
        self.answered(handler.request, handler.get_status(), identity)

    def on_close(self, server_conn: object) -> None:
        """A connection has ended, or become a socket."""
        self._idle.pop(server_conn, None)
        self._asked.pop(server_conn, None)

    # Of all answers

    def answered(self, request: HTTPServerRequest, status: int, identity: Identity | None) -> None:
        """Each request ends here."""
        self.answers[status] += 1
        stream = self._asked.pop(request.server_connection, None)
        if stream is not None and stream.writing():
            self._leaving.add(stream)
        log_request(request, status, identity)

    def owes_answers(self) -> bool:
        """Whether somebody who is still there waits for an answer, or for the rest of one."""
        owed = any(not stream.closed() for stream in list(self._asked.values()))
        return owed or any(stream.writing() for stream in list(self._leaving))

    def close_idle(self, seconds: float) -> None:
        """Closes the connections on which no whole request has come for so long."""
        overdue = time.monotonic() - seconds
        for since, connection in list(self._idle.values()):
            if since > overdue:
                break  # the others began to wait later
            connection.close()

    def drop_connections(self) -> None:
        """At once, all but sockets."""
        for _, connection in list(self._idle.values()):
            connection.close()
        for stream in list(self._asked.values()):
            stream.close()


def literal(routes: Sequence[URLSpec]) -> dict[str, URLSpec]:
    """The routes of one path alone, by that: so a request need not try one pattern after another."""
    found: dict[str, URLSpec] = {}
    for route in routes:
        path = route.regex.pattern.removesuffix("$")
        if LITERAL.fullmatch(path):
            found[path] = next(first for first in routes if first.regex.match(path))
    return found
