"""The configuration as an admin may see it: without secrets, and without what other companies have.

What is secret of our own keys says `repr=False` in `values`. In the section of a plugin it is a
field that says `metadata={"secret": True}`, or whose name sounds like one, and every text that was
kept outside of the file; `"secret": False` shows it after all. Passwords in URLs are hidden in any
text.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields as fields_of
from dataclasses import is_dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from marshmallow import Schema, fields

from tornado_chat.config.sources import join
from tornado_chat.config.values import Config

HIDDEN = "***"
USERS_MAX = 1000  # of the file
FREE = ("per", "sections")  # fields whose tables stand beside the other keys in the file
LONGEST = 4096  # characters of a text

SOUNDS_SECRET = re.compile(
    r"secret|passw|passphrase|token|jwt|credential|api_?key|bearer|cookie|private|signature|salt"
    r"|(?:^|_)(?:key|keys|pass|pwd|pin|auth|authorization|dsn|hmac)(?:_|$)",
    re.IGNORECASE,
)
BETWEEN_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
IN_TEXTS = [
    (re.compile(r"(https?://)\S*@", re.IGNORECASE), r"\1***@"),
    (re.compile(r"(://[^:/@\s]*):\S*@"), r"\1:***@"),
    (re.compile(r"(://)[^:/@\s]+@"), r"\1***@"),  # a name alone may be a token
    (
        re.compile(
            r"([?&;][\w.-]*(?:pass|pwd|secret|token|key|sig|auth|credential)[\w.-]*=)[^&;\s]+",
            re.IGNORECASE,
        ),
        r"\1***",
    ),
    (
        re.compile(
            r"(\b\w*(?:passw\w*|pwd|secret|token|api_?key)\s*=\s*)(?:'[^']*'|\"[^\"]*\"|[^\s&;]+)",
            re.IGNORECASE,
        ),
        r"\1***",
    ),
    (re.compile(r"\b(Bearer|Basic)\s+\S+", re.IGNORECASE), r"\1 ***"),
    (re.compile(r"whsec_\S+|-----BEGIN.*", re.DOTALL), HIDDEN),
]

Section = tuple[str, type[Schema] | Schema | None, Mapping[str, Any]]


def shown(config: Config, sections: Iterable[Section], tenant: str) -> dict[str, Any]:
    """Tables of plain values, as they would stand in the file, with all defaults filled in.

    `sections`: of the plugins that are there, each with its name, its schema and what it was given.
    """
    whole: dict[str, Any] = _ours(config)
    del whole["path"], whole["outside"]
    whole["users"] = [user for user in whole["users"] if user["tenant"] == tenant][:USERS_MAX]
    look = _Section(tenant, config.outside)
    for name, schema, values in sections:
        made = schema() if isinstance(schema, type) else schema
        whole["plugins"][name] = look.table(values, made, join("plugins", name)) or {}
    return whole


def _ours(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        table: dict[str, Any] = {}
        for each in fields_of(value):
            found = getattr(value, each.name)
            if each.name == "sections":
                continue  # the plugins' own
            below = _ours(found) if each.repr or each.name == "url" else hidden(found)
            table |= below if each.name in FREE else {each.name: below}
        return table
    if isinstance(value, Mapping):
        return {str(key): _ours(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_ours(each) for each in value]
    return plain(value)


class _Section:
    """Looks at the sections of plugins for somebody of a company."""

    def __init__(self, tenant: str, outside: frozenset[str]) -> None:
        self._tenant = tenant
        self._outside = outside

    def table(
        self, values: Mapping[Any, Any], schema: Schema | None, path: str
    ) -> dict[str, Any] | None:
        """None for one that is of another company."""
        if values.get("tenant") not in (None, "", self._tenant):
            return None
        known = {field.attribute or name: field for name, field in _fields(schema).items()}
        table = {}
        for name, value in values.items():
            field = known.get(name)
            key = (field.data_key if field is not None else None) or str(name)
            found = self._value(value, field, key, join(path, key))
            if found is not None or value is None:
                table[key] = found
        return table

    def _value(self, value: Any, field: Any, name: str, path: str) -> Any:
        """None for what is of another company."""
        said = field.metadata.get("secret") if field is not None else None
        if said or (said is None and (sounds_secret(name) or path in self._outside)):
            return hidden(value)
        if isinstance(value, Mapping):
            return self._mapping(value, field, path)
        if isinstance(value, list | tuple | set | frozenset):
            inner = field.inner if isinstance(field, fields.List) else None
            items = (self._value(each, inner, "", join(path, at)) for at, each in enumerate(value))
            return [item for item in items if item is not None]
        return plain(value)

    def _mapping(self, value: Mapping[Any, Any], field: Any, path: str) -> Any:
        if not isinstance(field, fields.Mapping):
            return self.table(value, getattr(field, "schema", None), path)
        if field.metadata.get("by_tenant"):
            value = {key: each for key, each in value.items() if key == self._tenant}
        of_each = field.value_field
        items = {
            str(key): self._value(each, of_each, str(key), join(path, str(key)))
            for key, each in value.items()
        }
        return {key: item for key, item in items.items() if item is not None}


def _fields(schema: Schema | None) -> Mapping[str, fields.Field[Any]]:
    return schema.load_fields if schema is not None else {}


def sounds_secret(name: str) -> bool:
    return SOUNDS_SECRET.search(BETWEEN_WORDS.sub("_", name)) is not None


def hidden(value: Any) -> Any:
    """That there is something, and not what; a flag tells nobody anything."""
    return value if value is None or value == "" or isinstance(value, bool) else HIDDEN


def plain(value: Any) -> Any:
    """As JSON has it."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, str | Path):
        return without_secrets(str(value))
    return f"<{type(value).__name__}>"


def without_secrets(text: str) -> str:
    """A text with what may be a password in it left out."""
    for pattern, instead in IN_TEXTS:
        text = pattern.sub(instead, text)
    return text[:LONGEST]
