"""The address that everything is served on: opened, renewed, and closed when all is answered."""

import asyncio
import contextlib
import ssl
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from tornado_chat.config import Config, ServerConfig
from tornado_chat.errors import SetupError
from tornado_chat.web.house import House

IDLE_SECONDS = 120.0  # of a connection between two requests
IDLE_LOOK_SECONDS = 5.0  # between two looks for them
CLOSE_SECONDS = 0.3  # for connections to notice that they are closed
LOOK_SECONDS = 0.02  # between two looks whether all is answered


class Connections(HTTPServer):
    """Tornado's server, which would make a timer, two futures and a turn of the loop for each request
    to tell that a connection is idle. The house looks at all of them now and then."""

    def initialize(self, house: House, **options: Any) -> None:  # type: ignore[override]
        super().initialize(house, **options)
        self._house = house
        self.conn_params.header_timeout = None

    def on_close(self, server_conn: object) -> None:
        super().on_close(server_conn)
        self._house.on_close(server_conn)


class Listener:
    """`port`: where it listens, 0 before."""

    def __init__(self, house: House, config: Config) -> None:
        self._house = house
        self._server = config.server
        self._http = Connections(house, max_body_size=config.limits.body_bytes or 2**62)
        self.port = 0

    def open(self) -> None:
        """Listens from now on. Raises SetupError where the port cannot be had, or for a certificate
        of no use."""
        server = self._server
        self._http.ssl_options = tls_context(server)
        try:
            sockets = bind_sockets(server.port, server.address)
        except OSError as error:
            raise SetupError(
                f"in server.port: cannot listen on {server.address}:{server.port}: "
                f"{(error.strerror or 'error').lower()}"
            ) from None
        self.port = sockets[0].getsockname()[1]
        self._http.add_sockets(sockets)

    @property
    def url(self) -> str:
        """Where it listens, for people."""
        scheme = "https" if self._server.tls_certificate else "http"
        address = self._server.address
        return f"{scheme}://{f'[{address}]' if ':' in address else address}:{self.port}"

    def renew(self, context: ssl.SSLContext | None) -> None:
        """Connections that come from now on see this certificate; whether there is one stays."""
        if self._http.ssl_options is not None and context is not None:
            self._http.ssl_options = context

    def last_requests(self) -> None:
        """From now on each answer ends its connection, so that its client asks elsewhere next."""
        self._http.conn_params.no_keep_alive = True

    def close_idle(self) -> None:
        """To be called again and again."""
        self._house.close_idle(IDLE_SECONDS)

    async def answered(self, seconds: float) -> None:
        """Listens no more, and waits until all that was asked is answered, at most so long."""
        self._http.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._house.owes_answers():  # noqa: ASYNC110 - answers leave in many places
                    await asyncio.sleep(LOOK_SECONDS)

    async def close(self) -> None:
        """Listens no more, and drops every connection that is no socket; what a request has begun goes
        on without it."""
        self._http.stop()
        self._house.drop_connections()
        ended = asyncio.create_task(self._http.close_all_connections(), name="connections")
        await asyncio.wait([ended], timeout=CLOSE_SECONDS)


def tls_context(server: ServerConfig) -> ssl.SSLContext | None:
    """Made of the files as they are now; None where the configuration names none. Raises
    SetupError where they are of no use."""
    if server.tls_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(server.tls_certificate, server.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise SetupError(f"in server.tls_certificate: {error}") from None
    return context
