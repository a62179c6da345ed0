"""The fast path: a POST of JSON by somebody who is remembered, without a handler and a task for it.

Both cost as much as the message that the request brings. So a handler class that has `accept` (see
`base.PluginHandler`) is not even made where the request is plain: the connection's own task, which
has read the body, asks it and writes the answer. Whatever is not plain takes the ordinary way, where
all is refused that is refused at the door. An answer of this path is the same, byte for byte.
"""

import time
from collections.abc import Awaitable, Callable
from http.client import responses
from typing import TYPE_CHECKING, Any

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, HTTPServerRequest, format_timestamp
from tornado.routing import URLSpec

from tornado_chat.errors import ChatError, Unauthorized
from tornado_chat.messages import Identity
from tornado_chat.web.base import (
    DEFAULT_HEADERS,
    FAILED,
    PluginHandler,
    log_failure,
)
from tornado_chat.web.credentials import header, key_in, read_credentials
from tornado_chat.web.reading import read_json

if TYPE_CHECKING:
    from tornado_chat.app import Server

Answered = Callable[[HTTPServerRequest, int, Identity | None], None]


class FastPath:
    """Tells which requests are plain."""

    def __init__(self, server: "Server") -> None:
        self._server = server

    def plain(
        self, request: HTTPServerRequest, route: URLSpec, answered: Answered
    ) -> "PlainPost | None":
        """What answers the request; None where it has to take the ordinary way. `answered` is called
        with its status at the end."""
        handler = route.handler_class
        if request.method != "POST" or request.query or getattr(handler, "accept", None) is None:
            return None
        if not keeps_alive(request):
            return None
        length = self._length(request.headers)
        key = key_in(request.headers)
        if not length or key is None:
            return None
        caller = self._server.accounts.remembered(key)
        if caller is None:
            return None
        try:
            headers = DEFAULT_HEADERS | self._server.origins.headers(request)
        except Unauthorized:
            return None
        arguments = route.kwargs or {}
        return PlainPost(request, handler, arguments, key, caller, length, headers, answered)

    def _length(self, headers: HTTPHeaders) -> int:
        """What is announced of the body; 0 where that is nothing, no number, or too much."""
        text = header(headers, "Content-Length")
        length = int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0
        limit = self._server.config.limits.body_bytes
        return length if not limit or length <= limit else 0


class PlainPost(HTTPMessageDelegate):
    """One of them."""

    def __init__(
        self,
        request: HTTPServerRequest,
        handler: type[PluginHandler],
        arguments: dict[str, Any],
        key: str,
        caller: Identity,
        length: int,
        headers: dict[str, str],
        answered: Answered,
    ) -> None:
        self._request = request
        self._handler = handler
        self._arguments = arguments
        self._key = key
        self._caller = caller
        self._length = length
        self._headers = headers
        self._answered = answered
        self._body = b""
        self._status = 200
        self._answer = b""

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        self._body += chunk
        return self._accept() if len(self._body) == self._length else None

    async def _accept(self) -> None:
        """In the connection's task: it reads on when this is done."""
        handler, server = self._handler, self._arguments["server"]
        try:
            caller = server.accounts.remembered(self._key)  # the body may have come late
            if caller is not self._caller:
                self._caller = await server.identify(read_credentials(self._request))
            body = read_json(self._body, server.config.limits.json_depth)
            key = header(self._request.headers, "Idempotency-Key") or None
            assert handler.accept is not None
            answer = await server.route.run(
                handler.accept, self._caller, body, key, **self._arguments
            )
            self._answer = handler.encoded(answer)
        except ChatError as problem:
            self._refuse(problem)
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for an answer
            log_failure(self._request, error)
            self._refuse(ChatError(FAILED))

    def _refuse(self, problem: ChatError) -> None:
        self._status = problem.status
        self._headers |= problem.headers()
        self._answer = self._handler.encoded(self._handler.error_body(problem))

    def finish(self) -> None:
        """The request is read and answered: head and body leave in one write."""
        connection, body = self._request.connection, self._answer
        assert isinstance(connection, HTTP1Connection)
        lines = (
            f"HTTP/1.1 {self._status} {responses.get(self._status, 'Unknown')}",
            "Content-Type: application/json",
            f"Date: {http_date()}",
            *[f"{name}: {value}" for name, value in self._headers.items()],
            f"Content-Length: {len(body)}\r\n\r\n",
        )
        connection.write("\r\n".join(lines).encode("latin-1") + body)
        connection.finish()
        self._answered(self._request, self._status, self._caller)


def keeps_alive(request: HTTPServerRequest) -> bool:
    """Whether nothing needs to be said of the connection: it stays, as usual."""
    connection = request.connection
    return (
        request.version == "HTTP/1.1"
        and isinstance(connection, HTTP1Connection)
        and not connection.params.no_keep_alive
        and header(request.headers, "Connection").lower() in {"", "keep-alive"}
    )


_date = (0, "")


def http_date() -> str:
    """Now, as the header Date has it; written once a second."""
    global _date  # noqa: PLW0603 - one clock for all
    second = int(time.time())
    if _date[0] != second:
        _date = (second, format_timestamp(second))
    return _date[1]
