"""The kinds of value that a key of the file can have, and what is checked about them.

A message says what is wrong and never repeats the value: it may be a secret in the wrong place.
"""

import ipaddress
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields, validate

from tornado_chat.config.check import Section

NAME = validate.Regexp(
    r"^[^\s\x00-\x1f\x7f]{1,64}\Z", error="not a name of 1 to 64 characters without spaces"
)
URL_SAFE = validate.Regexp(
    r"^[A-Za-z0-9._~-]{1,128}\Z", error="not 1 to 128 characters of A-Z a-z 0-9 . _ ~ -"
)
SOME = validate.Length(min=1, error="empty")


class Tuple(fields.List[Any]):
    """A list that nobody can change afterwards."""

    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        return tuple(super()._deserialize(*args, **kwargs))


def table(schema: type[Section]) -> fields.Nested:
    """A sub-table that may be left out: its own defaults hold then."""
    return fields.Nested(schema, load_default=lambda: schema().load({}))


def text(default: str | None, doc: str, *checks: Any, example: object = "") -> fields.String:
    about = {"doc": doc, "example": example}
    return fields.String(load_default=default, validate=list(checks), metadata=about)


def texts(default: tuple[str, ...], doc: str, *checks: Any, example: str = "") -> Tuple:
    return Tuple(
        fields.String(validate=list(checks)),
        load_default=default,
        metadata={"doc": doc, "example": [example] if example else None},
    )


def flag(doc: str, *, default: bool = False) -> fields.Boolean:
    return fields.Boolean(load_default=default, truthy={True}, falsy={False}, metadata={"doc": doc})


def whole(default: int | None, doc: str, least: int = 0, most: int | None = None) -> fields.Integer:
    bounds = validate.Range(min=least, max=most)
    return fields.Integer(
        strict=True, load_default=default, validate=bounds, metadata={"doc": doc, "example": 1000}
    )


def number(default: float | None, doc: str, *, above_zero: bool = False) -> fields.Float:
    bounds = validate.Range(min=0, min_inclusive=not above_zero)
    return fields.Float(load_default=default, validate=bounds, metadata={"doc": doc, "example": 30})


def choice(default: str, doc: str, *words: str) -> fields.String:
    return text(default, doc, validate.OneOf(words))


class File(fields.String):
    """A path; where it is relative, it starts from the folder of the configuration file."""

    def _deserialize(self, *args: Any, **kwargs: Any) -> Any:
        found = super()._deserialize(*args, **kwargs)
        return Path(os.path.expanduser(found))  # noqa: PTH111 - Path raises without such a home


def file(default: Path | None, doc: str, example: str = "") -> File:
    return File(load_default=default, validate=[given], metadata={"doc": doc, "example": example})


def given(value: object) -> None:
    if str(value) in {"", "."} or "\0" in str(value):
        raise ValidationError("not a path")


def network(value: str) -> None:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValidationError("not an ip address or network") from None


def origin(value: str) -> None:
    if not re.fullmatch(r"\*|https?://[^\s/?#@*]+", value):
        raise ValidationError('neither "*" nor an origin such as https://shop.example')


def url_of(*schemes: str) -> Any:
    def of_schemes(value: str) -> None:
        try:
            scheme = urlsplit(value).scheme
        except ValueError:
            scheme = ""
        if scheme not in schemes:
            raise ValidationError(f"not a url that begins with {', '.join(schemes)}")

    return of_schemes


def link(value: str) -> None:
    if not re.match(r"https?://|/(?!/)|\$\{", value):
        raise ValidationError("neither http(s) nor a path that begins with one /")


def plain_name(value: str) -> None:
    if not re.fullmatch(r"[^\s:,](?:[^:,\x00-\x1f\x7f]{0,126}[^\s:,])?", value) or value == "ALL":
        raise ValidationError("not a topic name: 1 to 128 characters, without : and comma, not ALL")
