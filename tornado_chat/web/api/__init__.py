"""What routes and sockets take and give, said where they are: for `/openapi.json` and
`/asyncapi.json`, and for handlers that check what came by it.

Only what is said stands here; who asks for a page imports what writes it: `openapi`, `asyncapi`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from marshmallow import Schema, fields

Method = TypeVar("Method", bound=Callable[..., Any])
# Of several any one; a mapping is a JSON schema as it is.
Shape = type[Schema] | Schema | tuple[type[Schema], ...] | Mapping[str, Any]

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Description:
    """What `describe` was given."""

    summary: str
    query: type[Schema] | None = None
    headers: type[Schema] | None = None
    body: type[Schema] | tuple[type[Schema], ...] | None = None
    body_types: tuple[str, ...] = (JSON,)
    answer: type[Schema] | tuple[str, ...] | None = None
    status: tuple[int, ...] = (200,)
    errors: tuple[str, ...] = ()


def describe(
    summary: str,
    *,
    query: type[Schema] | None = None,
    headers: type[Schema] | None = None,
    body: type[Schema] | tuple[type[Schema], ...] | None = None,
    body_types: tuple[str, ...] = (JSON,),
    answer: type[Schema] | tuple[str, ...] | None = None,
    status: int | tuple[int, ...] = 200,
    errors: tuple[str, ...] = (),
) -> Callable[[Method], Method]:
    """Says of a handler's `get`, `post`, … what it takes and gives.

    `self.query()` and `self.body()` give what came, checked by `query` and `body`. The rest is told
    to whoever reads `/openapi.json`, and changes nothing: `headers`; several bodies, of which one
    comes, in one of `body_types`; `answer`, a schema, or the media types of what is no JSON; `status`,
    by which it is answered; `errors`, the codes that this route may answer beside those that any may.

    Every field of an answer is there, unless it says `metadata={"optional": True}`.
    """
    statuses = (status,) if isinstance(status, int) else status
    said = Description(summary, query, headers, body, body_types, answer, statuses, errors)

    def mark(method: Method) -> Method:
        method.described = said  # type: ignore[attr-defined]
        return method

    return mark


class Problem(Schema):
    """What went wrong. `message` is for people."""

    code = fields.String(metadata={"example": "not_found"})
    message = fields.String(metadata={"example": "room 100205: not found"})


class ErrorAnswer(Schema):
    """How the doors of the house word an error."""

    error = fields.Nested(Problem)


class Done(Schema):
    """Nothing more is to be said."""


@dataclass(frozen=True, slots=True)
class Frames:
    """What the sockets of a dialect take and send, by names for the frames; a shape that is no schema
    of marshmallow is a JSON schema. `replies`: by what is taken, what may answer it. `named_in`: the
    key under which a frame that is taken says its name."""

    summary: str
    takes: Mapping[str, Shape]
    sends: Mapping[str, Shape]
    replies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    named_in: str = ""
