"""From a request to an open socket, or to a refusal in words (RFC 6455 section 4.2).

Straight upon Tornado's HTTP connection, without a handler: what a handler is made of costs as much
as all the rest of a handshake, and would be kept as long as the socket is open.
"""

import base64
import hashlib
import logging
from collections.abc import Callable
from http.client import responses
from typing import Any

import orjson
from tornado.http1connection import HTTP1Connection
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)

from tornado_chat.errors import BadRequest, ChatError, Denied, Unauthorized, Unavailable
from tornado_chat.messages import Identity
from tornado_chat.web.credentials import read_credentials, who_asks
from tornado_chat.web.dialect import Dialect
from tornado_chat.web.socket import Socket, nothing
from tornado_chat.web.sockets import Entrance, Sockets

log = logging.getLogger("tornado_chat.session")

Answered = Callable[[HTTPServerRequest, int, Identity | None], None]

STRANGERS = 1000  # sockets that have not said who they are; beyond that the house is busy
SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: "
)
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3


class MethodNotAllowed(BadRequest):
    """A socket is opened by GET."""

    status = 405

    def headers(self) -> dict[str, str]:
        return {**super().headers(), "Allow": "GET"}


class UpgradeRequired(BadRequest):
    """Another version of the protocol than the one there is."""

    status = 426

    def headers(self) -> dict[str, str]:
        return {**super().headers(), "Sec-WebSocket-Version": "13"}


class Handshake(HTTPMessageDelegate):
    """One request. What is refused is refused once it has been read to its end, so that its
    connection can go on. `answered` is called with the status then."""

    def __init__(
        self, request: HTTPServerRequest, sockets: Sockets, dialect: Dialect, answered: Answered
    ) -> None:
        self._request = request
        self._identity: Identity | None = None
        self._answered = answered
        self._sockets = sockets
        self._dialect = dialect
        self._problem: ChatError | None = None

    async def headers_received(  # type: ignore[override]
        self, start_line: RequestStartLine, headers: HTTPHeaders
    ) -> None:
        try:
            entrance = await self._admit(start_line, headers)
        except ChatError as problem:
            self._problem = problem
        except Exception:
            log.exception("%s: a socket cannot be opened", self._dialect.path)
            self._problem = ChatError("something failed here")
        else:
            self._open(entrance, headers["Sec-WebSocket-Key"])

    async def _admit(self, start_line: RequestStartLine, headers: HTTPHeaders) -> Entrance:
        sockets = self._sockets
        sockets.check_open()
        if start_line.method != "GET":
            raise MethodNotAllowed("method not allowed")
        identity = self._identity = await self._identify()
        sockets.check_open()  # that may have taken a while
        if identity is not None:
            sockets.make_room(identity)
        self._check_upgrade(headers)
        if identity is None:
            return Entrance()
        entrance = await sockets.prepare(self._dialect, identity)
        try:
            sockets.make_room(identity)  # that may have taken a while, too
            sockets.check_open()
        except ChatError:
            sockets.abandon(entrance)
            raise
        return entrance

    async def _identify(self) -> Identity | None:
        shown = read_credentials(self._request)
        identity = await who_asks(self._request, shown, self._sockets.identify)
        if identity is None and not self._dialect.first_frame_auth:
            raise Unauthorized("a key is missing: api_key, or Authorization: Bearer")
        if identity is None and self._sockets.strangers() >= STRANGERS:
            raise Unavailable("too many sockets wait for their key, try again in a moment")
        return identity

    def _check_upgrade(self, headers: HTTPHeaders) -> None:
        """Raises BadRequest where it is no handshake, Denied for a page that may not call here."""
        if self._request.version == "HTTP/1.0":
            raise BadRequest("a socket is opened by HTTP/1.1")
        if headers.get("Upgrade", "").lower() != "websocket":
            raise BadRequest("here is a socket: the header Upgrade must be websocket")
        connection = headers.get("Connection", "").lower().split(",")
        if "upgrade" not in [each.strip() for each in connection]:
            raise BadRequest("the header Connection must be Upgrade")
        if not self._may_call(headers):
            raise Denied("pages of this origin may not call here: server.allowed_origins")
        if headers.get("Sec-WebSocket-Version") != "13":
            raise UpgradeRequired("the header Sec-WebSocket-Version must be 13")
        if not is_nonce(headers.get("Sec-WebSocket-Key", "")):
            raise BadRequest("the header Sec-WebSocket-Key must be 16 bytes in base64")
        if "Transfer-Encoding" in headers or (
            "Content-Length" in headers and headers["Content-Length"] != "0"
        ):
            raise BadRequest("a handshake has no body")

    def _may_call(self, headers: HTTPHeaders) -> bool:
        """Browsers do not hold pages back from foreign sockets; they say whose page it is."""
        site = headers.get("Sec-Fetch-Site")
        if site in {"same-origin", "none"}:
            return True
        if "Origin" not in headers:
            return site is None  # no browser
        return self._sockets.origins.allow(headers["Origin"], self._request.host)

    def _open(self, entrance: Entrance, key: str) -> None:
        connection: Any = self._request.connection
        if connection.stream.closed():  # meanwhile
            self._sockets.abandon(entrance)
            return
        socket = Socket(connection.detach(), self._sockets, self._dialect, self._request)
        socket.write(SWITCHING + accept_value(key) + b"\r\n\r\n", nothing)
        socket.open(self._identity, entrance)

    # What is refused

    def data_received(self, chunk: bytes) -> None:
        """Of no interest."""

    def finish(self) -> None:
        """The request was read."""
        problem = self._problem
        connection = self._request.connection
        if problem is None:  # whoever asked had gone before he was let in
            return
        assert isinstance(connection, HTTP1Connection)
        body = orjson.dumps({"error": problem.body()})
        headers = HTTPHeaders(
            {
                "Content-Type": "application/json; charset=UTF-8",
                "Cache-Control": "no-store",
                "Content-Length": str(len(body)),
                **problem.headers(),
            }
        )
        line = ResponseStartLine(
            "HTTP/1.1", problem.status, responses.get(problem.status, "Unknown")
        )
        head_only = self._request.method == "HEAD"
        connection.write_headers(line, headers, None if head_only else body)
        connection.finish()
        self._answered(self._request, problem.status, self._identity)

    def on_connection_close(self) -> None:
        """Whoever asked has gone."""


def is_nonce(key: str) -> bool:
    """Whether a client may show it, RFC 6455 4.1."""
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except ValueError:
        return False


def accept_value(key: str) -> bytes:
    """The proof that the handshake was read, RFC 6455 4.2.2."""
    digest = hashlib.sha1((key + GUID).encode(), usedforsecurity=False).digest()
    return base64.b64encode(digest)
