"""What all REST handlers share: who asks, JSON in and out, and every error in one place.

A plugin derives from `PluginHandler`; a face overrides `error_body` and keeps the rest.
"""

import contextlib
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import orjson
from marshmallow import Schema
from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError, RequestHandler, stream_request_body

from tornado_chat.errors import (
    BadRequest,
    ChatError,
    Denied,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from tornado_chat.messages import Credentials, Identity
from tornado_chat.web.api import Description, ErrorAnswer
from tornado_chat.web.credentials import read_credentials, who_asks
from tornado_chat.web.reading import load, load_query, read_form, read_json

if TYPE_CHECKING:
    from tornado_chat.app import Server

log = logging.getLogger("tornado_chat.web")

Method = Callable[..., Awaitable[None] | None]  # that answers a request

PATIENCE = 64  # times limits.body_bytes that are read and dropped, so that the 413 is heard
METHODS = "GET, PUT, POST, PATCH, DELETE, OPTIONS"
HEADERS = (
    "api_key, apiKey, login_key, Authorization, Content-Type, Accept, Idempotency-Key, "
    "moquiSessionToken, SessionToken, X-CSRF-Token, X-HTTP-Method-Override, X-Requested-With"
)
DEFAULT_HEADERS = {"Cache-Control": "no-store"}
FAILED = "something failed here"
NOT_DESCRIBED = Description("")
BY_STATUS: dict[int, type[ChatError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Denied,
    404: NotFound,
    413: TooLarge,
    429: RateLimited,
    503: Unavailable,
}


class MethodNotAllowed(BadRequest):
    """The path is there, the method is not."""

    status = 405


@stream_request_body
class Handler(RequestHandler):
    """`public`: answers without a credential, and looks at none. `claims_user`: a `userId` in the
    query says who asks, and is compared; False where it is a filter."""

    public = False
    claims_user = True
    error_schema: ClassVar[type[Schema]] = ErrorAnswer  # of what `error_body` writes
    SUPPORTED_METHODS = ("GET", "HEAD", "POST", "DELETE", "PATCH", "PUT", "OPTIONS")

    server: "Server"
    identity: Identity  # set unless `public`
    credentials: Credentials | None = None  # what was shown, once it was looked at

    def initialize(self, server: "Server") -> None:
        self.server = server
        self._body = bytearray()
        self._received = 0
        self._limit = server.config.limits.body_bytes or math.inf

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in DEFAULT_HEADERS.items():
            self.set_header(name, value)

    def compute_etag(self) -> None:
        """None: an ETag would switch on the caches of front-ends, which then show old lists."""

    async def prepare(self) -> None:
        """Headers are in, the body is not: what is refused here costs nothing."""
        self._allow_origin()
        connection = self.request.connection
        if connection is not None and hasattr(connection, "set_max_body_size"):
            connection.set_max_body_size(2**62)  # we count ourselves, and answer 413
        length = self.request.headers.get("Content-Length", "0")
        announced = float(length[:30]) if length.isascii() and length.isdigit() else 0.0
        if announced > self._limit * PATIENCE:
            raise self._too_large()
        if announced > self._limit:
            self._refuse_after_body()
            return
        if self.request.method != "OPTIONS":
            await self.let_in()

    async def let_in(self) -> None:
        """Before the body is read, and again after it: it may come so late that a key has ended, or
        says no longer what it did. Raises what refuses who asks."""
        if not self.public:
            self.identity = await self.identify()

    async def _execute(self, transforms: Any, *args: bytes, **kwargs: bytes) -> None:
        name = (self.request.method or "").lower()
        if getattr(type(self), name, None) is not getattr(Handler, name, None):
            setattr(self, name, partial(self._is_read, getattr(self, name)))
        try:
            await super()._execute(transforms, *args, **kwargs)
        finally:
            self.__dict__.pop(name, None)

    async def _is_read(self, method: Method, *args: str, **named: str) -> None:
        if self._received:
            await self.let_in()
        await self.called(method, *args, **named)

    async def called(self, method: Method, *args: str, **named: str) -> None:
        """The request is read, and this is what answers it."""
        answer = method(*args, **named)
        if answer is not None:
            await answer

    async def identify(self) -> Identity:
        """Who asks. Raises Unauthorized where nobody is known."""
        identity = await self.identify_if_shown()
        if identity is None:
            raise Unauthorized("a key is missing: header api_key, or Authorization: Bearer")
        return identity

    async def identify_if_shown(self) -> Identity | None:
        """The same; None where no credential was shown, but Unauthorized for a bad one."""
        self.credentials = read_credentials(self.request)
        return await who_asks(
            self.request, self.credentials, self.server.identify, claims_user=self.claims_user
        )

    def data_received(self, chunk: bytes) -> None:
        if self._finished:
            return
        self._received += len(chunk)
        if self._received <= self._limit:
            self._body += chunk
        elif self._received > self._limit * PATIENCE:
            self.refuse(self._too_large())
        else:
            self._body.clear()
            self._refuse_after_body()

    def _refuse_after_body(self) -> None:
        """A client that is still sending would see its connection break, and never the answer."""
        setattr(self, (self.request.method or "get").lower(), self._say_too_large)

    def _say_too_large(self, *_args: str, **_kwargs: str) -> None:
        raise self._too_large()

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the body is over limits.body_bytes = {self._limit}")

    def _allow_origin(self) -> None:
        for name, value in self.server.origins.headers(self.request).items():
            (self.add_header if name == "Vary" else self.set_header)(name, value)

    def options(self, *_args: str, **_kwargs: str) -> None:
        """A preflight, for every path alike."""
        self.set_header("Access-Control-Allow-Methods", METHODS)
        self.set_header("Access-Control-Allow-Headers", HEADERS)
        self.set_header("Access-Control-Max-Age", "3600")
        self.set_status(200)
        self.finish(b"")

    # In

    @property
    def raw_body(self) -> bytes:
        """The body as it came."""
        return bytes(self._body)

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; an empty body is an empty object."""
        return read_json(self._body, self.server.config.limits.json_depth)

    def body(self, schema: type[Schema] | Schema | None = None) -> dict[str, Any]:
        """The JSON body, checked by a schema, or as the method is described. Raises BadRequest that
        names the field."""
        wanted = schema or self._described.body
        assert wanted is not None, "describe(body=…) is missing"
        return load(wanted, self.json())  # type: ignore[arg-type]

    def query(self) -> dict[str, Any]:
        """The query, checked as the method is described: an empty value is none, and names that are
        not described are passed over. Raises BadRequest that names the parameter."""
        assert self._described.query is not None, "describe(query=…) is missing"
        return load_query(self._described.query, self.request.query_arguments)

    @property
    def _described(self) -> Description:
        method = getattr(type(self), (self.request.method or "").lower())
        described: Description = getattr(method, "described", NOT_DESCRIBED)
        return described

    def form(self) -> dict[str, str]:
        """The fields of a form, or of a JSON object where that is sent instead."""
        kind = self.request.headers.get("Content-Type", "")
        if kind.startswith("application/json"):
            return {name: str(value) for name, value in self.json().items() if value is not None}
        return read_form(kind, self.raw_body)

    # Out

    def answer(self, body: Mapping[str, Any], status: int = 200) -> None:
        """A JSON object."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(self.encoded(body))

    @classmethod
    def encoded(cls, body: Mapping[str, Any]) -> bytes:
        """How this door writes a JSON object."""
        return orjson.dumps(body)

    @classmethod
    def asks_key(cls) -> bool | None:
        """Whether a credential must be shown; None: it may be."""
        return not cls.public

    @classmethod
    def error_body(cls, problem: ChatError) -> dict[str, Any]:
        """How this door words an error."""
        return {"error": problem.body()}

    def refuse(self, problem: ChatError) -> None:
        """The one way in which an error leaves."""
        for name, value in problem.headers().items():
            self.set_header(name, value)
        if not self.request._body_future.done():  # noqa: SLF001 - no public way to know
            self.set_header("Connection", "close")  # what Tornado does then, and does not say
        self.answer(self.error_body(problem), problem.status)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Whatever was raised, in the manner of this door; never a stack trace."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        with contextlib.suppress(Unauthorized):
            self._allow_origin()  # Tornado has cleared the headers, and a page is to read this
        if isinstance(error, ChatError):
            self.refuse(error)
        elif status_code == 405:
            self.refuse(MethodNotAllowed(f"{self.request.method} is not for this path"))
        elif isinstance(error, HTTPError):
            self.refuse(BY_STATUS.get(status_code, ChatError)(self._reason.lower()))
        else:
            self.refuse(ChatError(FAILED))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Only what is our fault is worth a trace."""
        del typ, tb
        if not isinstance(value, ChatError | HTTPError):
            log_failure(self.request, value)


class PluginHandler(Handler):
    """What the routes of plugins derive from; `config` is the plugin's own section.

    `accept(caller, body, key, **arguments)`, async, of the class: what POST answers to a JSON body.
    `key` is the header Idempotency-Key, `arguments` are those of the route. A class that has it
    calls it in `post`, and is asked without a handler where it can be: see `fast_path`; `prepare`
    and `post` are not run then.
    """

    config: Mapping[str, Any]
    accept: ClassVar[Callable[..., Awaitable[Mapping[str, Any]]] | None] = None

    def initialize(self, server: "Server", config: Mapping[str, Any] | None = None) -> None:
        super().initialize(server)
        self.config = config or {}

    async def called(self, method: Method, *args: str, **named: str) -> None:
        await self.server.route.run(method, *args, **named)


def log_failure(request: HTTPServerRequest, error: BaseException) -> None:
    """Of what is our fault; never a word of it in the answer."""
    log.error("%s %s failed", request.method, request.path, exc_info=error)
