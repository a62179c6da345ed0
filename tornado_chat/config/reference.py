"""Writes conf/tornado_chat.toml and docs/reference/configuration.md from the schemas.

python -m tornado_chat.config.reference             prints the file
python -m tornado_chat.config.reference --page      prints the page of the manual
python -m tornado_chat.config.reference --write     writes both where the project has them
"""

import importlib
import json
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distribution
from inspect import cleandoc
from pathlib import Path
from typing import Any

from marshmallow import Schema, fields, missing, validate

from tornado_chat.config.check import by_name
from tornado_chat.config.fields import File
from tornado_chat.config.schema import ConfigSchema
from tornado_chat.config.sources import join

FILE = Path("conf/tornado_chat.toml")
PAGE = Path("docs/reference/configuration.md")

# What SIGHUP takes over; a test holds it equal to what `reloading` does.
RELOADED = (
    "server.allowed_origins",
    "server.drain_seconds",
    "server.tls_",
    "delivery.replay_",
    "delivery.settle_seconds",
    "delivery.publish_key_hours",
    "delivery.pair_seconds",
    "retention.",
    "log.",
    "users.",
    "topics.",
)

HEAD = """\
# tornado_chat: every key there is, with its default and its reason.
#
# This file changes nothing: each line says what holds without it, and an empty file serves. Keep
# the lines that you change. A key behind a # has no default; the value shown is an example.
#
# Four things to look at first: server.address (who can reach it), store.url (where the data
# lies), [[users]] (who may come in) and the sections of plugins at the end.
#
# A value may stand elsewhere: { env = "NAME" } in the environment, { file = "path" } in a file.
# TORNADO_CHAT__SERVER__PORT=9000 in the environment and --set server.port=9000 on the command
# line go over this file, in this order. `tornado-chat check-config -c FILE` tells what is wrong.
"""

PAGE_HEAD = """\
# Configuration

<!-- Written by `make docs` from the schemas in tornado_chat/config and in the plugins. -->

One TOML file, given as `tornado-chat serve -c FILE`. Every key has a default, so an empty file serves, and so does none.
`conf/tornado_chat.toml` has all of this as a file to start from; `conf/minimal.toml` is a short one.

* Relative paths start from the folder of the file.
* Any value may stand elsewhere: `{ env = "NAME" }` is taken from the environment, `{ file = "path" }` from a file
  (without the line's end). What is not there is an error.
* `TORNADO_CHAT__SERVER__PORT=9000` in the environment goes over the file, `--set server.port=9000` over both. Two
  underscores are the dot, and upper or lower case is the same. The value is read as TOML where it is TOML and where the
  key is no text; a list may be written with commas.
* A key that is not known is an error with its path and the nearest known key: `in server.prot: unknown key, did you mean
  server.port?` All errors are told at once. `tornado-chat check-config -c FILE` tells them without starting anything.
* Values never appear in errors.

Each key has a heading with its path, as errors and `--set` name it. Names of your own stand there as an example:
`retention.room`, `topics.OrderUpdate`, `plugins.growerp.companies.SHOP`; a key of `[[users]]` and of
`[[plugins.growerp.menu]]` belongs to each entry. What is read at SIGHUP is [taken over without a
restart](../how-to/systemd.md#change-the-configuration-without-a-restart).
"""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the file: `header` as it is written, and its keys."""

    header: str
    doc: str
    keys: dict[str, fields.Field[Any]]
    live: bool  # False: an example, as often as one likes

    @property
    def path(self) -> str:
        """What stands before its keys in errors, in `--set`, and in the headings of the page."""
        return self.header.strip("[]")


def tables() -> Iterator[Table]:
    """All tables in the order of the file: ours, then those of the plugins that come with us."""
    yield from core_tables()
    for name, schema in plugin_schemas():
        yield from _below(f"plugins.{name}", schema)


def core_tables() -> Iterator[Table]:
    yield from _below("", ConfigSchema())


def plugin_schemas() -> Iterator[tuple[str, Schema]]:
    """The schemas of the plugins that are installed with this distribution, by name."""
    points = distribution("tornado_chat").entry_points.select(group="tornado_chat")
    for point in sorted(points, key=lambda point: point.name):
        register = getattr(importlib.import_module(point.value), "register_config", None)
        schema = register() if register else None
        if schema is not None:
            yield point.name, schema() if isinstance(schema, type) else schema


def _below(path: str, schema: Schema, *, live: bool = True, many: bool = False) -> Iterator[Table]:
    named = by_name(schema)
    inner = {key: found for key, field in named.items() if (found := _schema_of(field))}
    rest = getattr(schema, "rest", "")
    keys = {key: field for key, field in named.items() if key not in inner and key != rest}
    if path:
        header = f"[[{path}]]" if many else f"[{path}]"
        yield Table(header, " ".join(cleandoc(schema.__doc__ or "").split()), keys, live)
    for key, (kind, nested) in inner.items():
        field = named[key]
        if kind is fields.Mapping:
            free = path if key == rest else join(path, key)
            yield from _below(join(free, field.metadata["example"]), nested, live=False)
        elif kind is fields.List:
            yield from _below(join(path, key), nested, live=False, many=True)
        else:
            yield from _below(join(path, key), nested, live=live)


def _schema_of(field: fields.Field[Any]) -> tuple[type[Any], Schema] | None:
    """What kind of table or tables a field is; None where it is a plain value."""
    inside = {
        fields.Mapping: getattr(field, "value_field", None),
        fields.List: getattr(field, "inner", None),
        fields.Nested: field,
    }
    for kind, nested in inside.items():
        if isinstance(field, kind) and isinstance(nested, fields.Nested):
            return kind, nested.schema
    return None


def default(field: fields.Field[Any]) -> Any:
    """What holds where the key is left out; None where nothing does."""
    value = field.load_default
    value = value() if callable(value) else value
    return None if value is missing else value


def toml(value: Any) -> str:
    """A value as TOML spells it."""
    if isinstance(value, dict):
        inside = ", ".join(f"{join('', key)} = {toml(item)}" for key, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple | set | frozenset):
        return f"[{', '.join(toml(item) for item in value)}]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False)


def config_file() -> str:
    """conf/tornado_chat.toml."""
    parts = [HEAD]
    for table in tables():
        off = "" if table.live else "#"
        parts.append(f"\n{_comment(table.doc)}{off}{table.header}\n")
        for key, field in table.keys.items():
            value = default(field)
            example = field.metadata.get("example")
            hidden = off or ("#" if value is None else "")
            shown = value if value is not None and (table.live or not example) else example
            doc = _comment(_doc(field) + _choice(field))
            parts.append(f"{doc}{hidden}{join('', key)} = {toml('' if shown is None else shown)}\n")
    return "".join(parts)


def _doc(field: fields.Field[Any]) -> str:
    return str(field.metadata.get("doc", ""))


def _comment(text: str) -> str:
    lines = textwrap.wrap(text, 98, break_on_hyphens=False, break_long_words=False)
    return "".join(f"# {line}\n" for line in lines)


def _choice(field: fields.Field[Any]) -> str:
    words = [str(word) for each in _checks(field, validate.OneOf) for word in each.choices]
    return f" One of: {', '.join(words)}." if words else ""


def _checks(field: fields.Field[Any], kind: type[Any]) -> list[Any]:
    return [each for each in field.validators if isinstance(each, kind)]


def page() -> str:
    """docs/reference/configuration.md: a heading for each table, and for each key its path."""
    parts = [PAGE_HEAD]
    for table in tables():
        parts.append(f"\n## {table.header}\n\n{_filled(table.doc)}")
        for key, field in table.keys.items():
            path = join(table.path, key)
            when = "again at SIGHUP" if path.startswith(RELOADED) else "at the start"
            about = " · ".join([*value_of(field), f"read {when}"])
            parts.append(f"\n### {path}\n\n{_filled(about)}\n{_filled(_doc(field))}")
    return "".join(parts)


def value_of(field: fields.Field[Any]) -> Iterator[str]:
    """What may stand there, within which bounds, and what holds without it."""
    choices = [f"`{word}`" for each in _checks(field, validate.OneOf) for word in each.choices]
    kind = f"one of {', '.join(choices)}" if choices else _kind(field)
    yield " ".join([kind, *(_bounds(each) for each in _checks(field, validate.Range))])
    value = default(field)
    yield (
        "must be given"
        if field.required
        else "no default"
        if value is None
        else f"default `{toml(value)}`"
    )


def _kind(field: fields.Field[Any]) -> str:
    if isinstance(field, fields.List):
        choices = [f"`{word}`" for each in _checks(field.inner, validate.OneOf)
                   for word in each.choices]  # fmt: skip
        return f"list of {', '.join(choices)}" if choices else "list of texts"
    kinds: dict[type[Any], str] = {
        fields.Boolean: "true or false",
        fields.Integer: "whole number",
        fields.Float: "number",
        File: "path",
        fields.Mapping: "table of texts",
    }
    return next((word for kind, word in kinds.items() if isinstance(field, kind)), "text")


def _bounds(check: validate.Range) -> str:
    least, most = check.min, check.max
    if most is not None:
        return f"from {least} to {most}"
    return f"from {least}" if check.min_inclusive else f"above {least}"


def _filled(text: str) -> str:
    lines = textwrap.wrap(text, 118, break_on_hyphens=False, break_long_words=False)
    return "".join(f"{line}\n" for line in lines)


def main(args: list[str]) -> None:
    if args == ["--write"]:
        FILE.write_text(config_file(), encoding="utf-8")
        PAGE.write_text(page(), encoding="utf-8")
    elif args in ([], ["--page"]):
        sys.stdout.write(page() if args else config_file())
    else:
        sys.exit(cleandoc(__doc__ or ""))


if __name__ == "__main__":
    main(sys.argv[1:])
