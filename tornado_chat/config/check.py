"""Tables against marshmallow schemas: every fault found, each with its full path.

The same for our sections and for those of plugins, whose schemas are ordinary ones.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from marshmallow import RAISE, Schema, ValidationError, fields, post_load

from tornado_chat.config.sources import Outside, Problems, join, parse

UNKNOWN = "Unknown field."  # marshmallow's own words, which name no remedy
WORDS = {
    "Missing data for required field.": "missing",
    "Invalid input type.": "not a table",
    "Not a valid mapping type.": "not a table",
    "Not a valid boolean.": "neither true nor false",
    "Field may not be null.": "empty",
}


class Section(Schema):
    """A table of the file, which becomes the value `makes`.

    `rest`: the field that takes the tables with names of one's own choosing, "" for none: they
    stand beside the keys, as [retention."room"] does.
    """

    makes: ClassVar[type[Any]]
    rest: ClassVar[str] = ""

    class Meta:
        unknown = RAISE

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Any:
        return self.makes(**data)


def check(schema: Schema, data: Mapping[str, Any], problems: Problems, path: str = "") -> Any:
    """What the schema makes of a table; None, and something in `problems`, where it is wrong."""
    try:
        return schema.load(settle(schema, data))
    except ValidationError as error:
        known = list(known_paths(schema, path))
        for here, text, beside in faults(schema, error.messages, path):
            problems.add(here, unknown(here, beside, known) if text == UNKNOWN else plain(text))
    return None


def settle(schema: Schema, data: Mapping[str, Any]) -> dict[str, Any]:
    """The table as `schema.load` takes it: `Outside` values typed, free names under `rest`."""
    named = by_name(schema)
    rest = getattr(schema, "rest", "")
    done: dict[str, Any] = {rest: {}} if rest else {}
    for key, value in data.items():
        if rest and isinstance(value, dict) and (key not in named or key == rest):
            done[rest][key] = value
        else:
            done[key] = typed(named.get(key), value)
    if rest:
        done[rest] = typed(named[rest], done[rest])
    return done


def typed(field: fields.Field[Any] | None, value: Any) -> Any:
    """The value as its field expects it, by the TOML that its text spells."""
    if isinstance(value, Outside):
        if field is None:  # of a plugin, whose schema is asked later
            return value
        if isinstance(field, fields.String):
            return str(value)
        found = parse(value)
        if isinstance(field, fields.List) and isinstance(found, str):
            return [typed(field.inner, Outside(part.strip())) for part in found.split(",")]
        return found if not isinstance(found, dict | list) else typed(field, found)
    if isinstance(value, list):
        inner = field.inner if isinstance(field, fields.List) else field
        return [typed(inner, item) for item in value]
    if isinstance(value, dict):
        if isinstance(field, fields.Nested):
            return settle(field.schema, value)
        each = field.value_field if isinstance(field, fields.Mapping) else None
        return {key: typed(each, item) for key, item in value.items()}
    return value


def by_name(schema: Schema) -> dict[str, fields.Field[Any]]:
    """The fields that can be loaded, by the key that stands in the file."""
    return {field.data_key or name: field for name, field in schema.load_fields.items()}


def known_paths(schema: Schema, path: str = "") -> Iterator[str]:
    """Every key there is, as a full path; tables with free names are not among them."""
    for name, field in by_name(schema).items():
        if name == getattr(schema, "rest", ""):
            continue
        yield join(path, name)
        if isinstance(field, fields.Nested):
            yield from known_paths(field.schema, join(path, name))


Fault = tuple[str, str, list[str]]  # path, marshmallow's text, the keys known beside it


def faults(node: Any, messages: Any, path: str, beside: Sequence[str] = ()) -> Iterator[Fault]:
    """Marshmallow's tree of messages, flat. `node`: the schema or field that it is about."""
    if not isinstance(messages, dict):
        for text in messages if isinstance(messages, list) else [messages]:
            yield path, str(text), list(beside)
        return
    schema = node.schema if isinstance(node, fields.Nested) else node
    for key, below in messages.items():
        if key == "_schema":
            yield from faults(schema, below, path)
        elif isinstance(node, fields.List):
            yield from faults(node.inner, below, join(path, key))
        elif isinstance(node, fields.Mapping):
            for part, field in (("key", node.key_field), ("value", node.value_field)):
                yield from faults(field, below.get(part, []), join(path, key))
        elif isinstance(schema, Schema) and isinstance(key, str):
            named, rest = by_name(schema), getattr(schema, "rest", "")
            here = path if key == rest else join(path, key)
            yield from faults(named.get(key), below, here, [name for name in named if name != rest])
        else:
            yield from faults(schema, below, join(path, key))


def unknown(path: str, beside: list[str], known: list[str]) -> str:
    """The text for a key that nobody knows: with the nearest one beside it, else anywhere."""
    parent, _, name = path.rpartition(".")
    places = {key.rpartition(".")[2]: key for key in reversed(known)}
    for names, likeness in ((beside, 0.5), (list(places), 0.8)):
        near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=likeness)
        if near:
            place = join(parent, near[0]) if names is beside else places[near[0]]
            return f"unknown key, did you mean {place}?"
    return f"unknown key, known are {', '.join(beside)}" if beside else "unknown key"


def plain(text: str) -> str:
    """Marshmallow's message in our manner: lower case, no full stop."""
    text = WORDS.get(text, text).rstrip(".")
    return text[:1].lower() + text[1:]


def check_section(
    path: str, schema: Schema | type[Schema] | None, data: Mapping[str, Any]
) -> dict[str, Any]:
    """The section of a plugin, checked by its schema, with the defaults filled in.

    `path` is where it stands, `plugins.order_list`. A plugin without a schema (None) has no keys.
    Raises SetupError that names every fault by its path, and no value.
    """
    made = schema() if isinstance(schema, type) else schema or Schema()
    problems = Problems()
    checked = check(made, data, problems, path)
    problems.raise_any()
    return dict(checked)
