"""`/openapi.json`: the routes that this server has, as their handlers describe them (OpenAPI 3.1)."""

import inspect
import re
from collections.abc import Iterable, Iterator
from http.client import responses
from importlib.metadata import version
from inspect import cleandoc
from typing import Any, cast

from marshmallow import Schema
from tornado.routing import URLSpec
from tornado.web import RequestHandler

from tornado_chat.errors import ALL, ChatError
from tornado_chat.web.api import JSON, Description
from tornado_chat.web.api.shapes import Shapes
from tornado_chat.web.base import FAILED, Handler
from tornado_chat.web.webhook import WebhookHandler

METHODS = ("get", "post", "put", "patch", "delete")
GROUP = re.compile(r"\((?:\?P<(\w+)>)?[^()]*\)")
PLAIN = re.compile(r"[\w/.{}-]*")  # what is left of a pattern that can be told as a path
BY_CODE = {problem.code: problem for problem in ALL}
WITH_KEY = ("unauthorized", "denied")
WITH_SECRET = ("unauthorized", "not_found")
WITH_BODY = ("bad_request", "too_large")
ANY = ("rate_limited", "unavailable", "internal")
ABOUT = """\
What a running tornado_chat answers over HTTP, with the plugins that it has. Bodies and answers are JSON, UTF-8. Answers
have `Cache-Control: no-store` and no ETag, but for the files of the web page and of the JavaScript client. 429 and 503
carry `Retry-After`. Keys may be added to any answer in later versions, so pass over what you do not know. A path that is
not here is answered 404, a method that a path does not have 405, each in the manner of its door. The sockets are described in
`/asyncapi.json`.
"""
SECURITY: dict[str, dict[str, Any]] = {
    "header": {"type": "apiKey", "in": "header", "name": "api_key"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "basic"},
    "query": {
        "type": "apiKey",
        "in": "query",
        "name": "api_key",
        "description": "Ends up in logs of whatever stands in between: prefer the header.",
    },
}

Owned = tuple[str, URLSpec]  # a route with the name of its plugin, empty for ours


def document(routes: Iterable[Owned]) -> dict[str, Any]:
    """The whole of it."""
    about = {"description": ABOUT, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}}
    shapes = Shapes(title="tornado_chat", version=version("tornado_chat"), info=about)
    for name, scheme in SECURITY.items():
        shapes.spec.components.security_scheme(name, scheme)
    writer = Writer(shapes)
    owners: dict[str, None] = {}
    for path, (owner, route) in paths(routes).items():
        handler = cast("type[RequestHandler]", route.handler_class)
        operations = {
            method: writer.operation(owner, path, handler, method) for method in methods_of(handler)
        }
        if operations:
            shapes.spec.path(path, operations=operations)
            owners[owner or "house"] = None
    for name, scheme in writer.secrets.items():
        shapes.spec.components.security_scheme(name, scheme)
    for owner in owners:
        shapes.spec.tag({"name": owner})
    return shapes.spec.to_dict() | {"servers": [{"url": "/"}]}


def paths(routes: Iterable[Owned]) -> dict[str, Owned]:
    """The routes by path, of two for one path the first; without those whose pattern is none."""
    found: dict[str, Owned] = {}
    for owner, route in routes:
        path = path_of(route)
        if path is not None:
            found.setdefault(path, (owner, route))
    return found


def path_of(route: URLSpec) -> str | None:
    """The pattern with its groups by name: `/rooms/{room_id}`. None where it is no path."""
    names = iter(arguments_of(cast("type[RequestHandler]", route.handler_class)))
    numbers = iter(range(1, 100))

    def named(group: re.Match[str]) -> str:
        return f"{{{group[1] or next(names, f'part{next(numbers)}')}}}"

    pattern = route.regex.pattern.removesuffix("$").replace(r"\.", ".")
    path = GROUP.sub(named, pattern)
    return path if PLAIN.fullmatch(path) else None


def methods_of(handler: type[RequestHandler]) -> list[str]:
    """Those that it has beside what Tornado refuses."""
    return [
        method
        for method in METHODS
        if getattr(handler, method) is not getattr(RequestHandler, method)
    ]


def arguments_of(handler: type[RequestHandler]) -> list[str]:
    """By which names its methods take the groups of a pattern."""
    for method in methods_of(handler):
        parameters = list(inspect.signature(getattr(handler, method)).parameters.values())[1:]
        return [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    return []


class Writer:
    """Writes operations, each with an id of its own."""

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes
        self._ids: set[str] = set()
        self.secrets: dict[str, dict[str, str]] = {}  # how those of webhooks are shown

    def operation(
        self, owner: str, path: str, handler: type[RequestHandler], method: str
    ) -> dict[str, Any]:
        """One method of a path."""
        function = getattr(handler, method)
        said: Description | None = getattr(function, "described", None)
        doc = cleandoc(function.__doc__ or handler.__dict__.get("__doc__") or "")
        summary = said.summary if said else doc.partition("\n")[0] or f"{method} {path}"
        written: dict[str, Any] = {
            "tags": [owner or "house"],
            "operationId": self._id("_".join(filter(None, (owner, method, handler.__name__)))),
            "summary": summary,
            "description": doc,
            "security": self._security(handler),
            "parameters": list(self._parameters(path, handler, said)),
            "responses": dict(self._responses(handler, said)),
        }
        if said is not None and said.body is not None:
            content = {kind: {"schema": self._shapes.taken(said.body)} for kind in said.body_types}
            needed = method != "delete"  # some clients send none with it
            written["requestBody"] = {"required": needed, "content": content}
        return {name: value for name, value in written.items() if value not in ("", [], None)} | {
            "security": written["security"]
        }

    def _id(self, name: str) -> str:
        number, free = 1, name
        while free in self._ids:
            number += 1
            free = f"{name}{number}"
        self._ids.add(free)
        return free

    def _security(self, handler: type[RequestHandler]) -> list[dict[str, list[str]]]:
        """The secret of a webhook is told beside the credentials of people."""
        scheme = handler.scheme() if issubclass(handler, WebhookHandler) else None
        if scheme is None:
            return security_of(handler)
        name = "_".join(("secret", *filter(None, [scheme.get("name")])))
        self.secrets[name] = scheme
        return [{name: []}]

    def _parameters(
        self, path: str, handler: type[RequestHandler], said: Description | None
    ) -> Iterator[dict[str, Any]]:
        for name in re.findall(r"{(\w+)}", path):
            yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        signature = handler.signature() if issubclass(handler, WebhookHandler) else None
        if signature is not None:
            yield from self._shapes.parameters(signature, "header")
        if said is None:
            return
        for place, schema in (("query", said.query), ("header", said.headers)):
            if schema is not None:
                yield from self._shapes.parameters(schema, place)

    def _responses(
        self, handler: type[RequestHandler], said: Description | None
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        if said is None:
            yield "default", {"description": "not described"}
            return
        for status in said.status:
            content = {} if status == 304 else self._content(said.answer)
            yield str(status), {"description": responses[status]} | content
        if not issubclass(handler, Handler):
            return
        codes = [*said.errors, *ANY]
        codes += WITH_BODY if said.body is not None or said.query is not None else ()
        codes += WITH_KEY if security_of(handler) else ()
        codes += WITH_SECRET if issubclass(handler, WebhookHandler) else ()
        yield from self._errors(handler, codes, set(said.status))

    def _content(self, answer: type[Schema] | tuple[str, ...] | None) -> dict[str, Any]:
        if answer is None:
            return {}
        if isinstance(answer, tuple):
            return {"content": {kind: {"schema": {"type": "string"}} for kind in answer}}
        return {"content": {JSON: {"schema": self._shapes.sent(answer)}}}

    def _errors(
        self, handler: type[Handler], codes: Iterable[str], said: set[int]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        schema = self._shapes.sent(handler.error_schema)
        for problem in sorted({BY_CODE[code] for code in codes}, key=lambda each: each.status):
            if problem.status not in said:
                example = handler.error_body(problem(meaning(problem)))
                content = {JSON: {"schema": schema, "example": example}}
                yield str(problem.status), {"description": meaning(problem), "content": content}


def security_of(handler: type[RequestHandler]) -> list[dict[str, list[str]]]:
    """Any one of the credentials; the empty one where none need be shown; nothing for nobody's."""
    needed = handler.asks_key() if issubclass(handler, Handler) else False
    if needed is False:
        return []
    found: list[dict[str, list[str]]] = [{name: []} for name in SECURITY]
    return found if needed else [*found, {}]


def meaning(problem: type[ChatError]) -> str:
    """What an error says where nothing more is known."""
    if problem is ChatError:
        return FAILED
    return re.split(r"[.;]", cleandoc(problem.__doc__ or ""))[0].replace("\n", " ")
