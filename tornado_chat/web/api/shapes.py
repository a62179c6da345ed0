"""Schemas of marshmallow as JSON schemas, under `components/schemas` of a description."""

from collections.abc import Iterable
from inspect import cleandoc
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import INCLUDE, Schema, fields

from tornado_chat.web.api import Shape

VERSION = "3.1.0"  # of OpenAPI; its schemas are JSON schemas


class Converter(OpenAPIConverter):
    """`answers`: classes of what is sent. There each field is, but those that say otherwise, and more
    may come in later versions; of what is taken each schema says both by itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.answers: set[type[Schema]] = set()

    def field2property(self, field: Any) -> dict[str, Any]:
        """As JSON schema has an example."""
        found: dict[str, Any] = super().field2property(field)
        if "example" in found:
            found["examples"] = [found.pop("example")]
        return found

    def schema2jsonschema(self, schema: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        if type(schema) in self.answers:
            always = [
                each.data_key or name
                for name, each in schema.fields.items()
                if not each.metadata.get("optional")
            ]
            found |= {"required": sorted(always)} if always else {}
            if schema.unknown != INCLUDE:
                found.pop("additionalProperties", None)
        if doc := type(schema).__dict__.get("__doc__"):
            found["description"] = cleandoc(doc)
        return found


class Plugin(MarshmallowPlugin):
    """Names schemas after their classes; of two classes of one name the second gets a number."""

    Converter = Converter

    def __init__(self) -> None:
        super().__init__(schema_name_resolver=self._name)
        self._names: dict[str, type[Schema]] = {}

    def _name(self, schema: Any) -> str:
        cls = schema if isinstance(schema, type) else type(schema)
        name, number = cls.__name__, 1
        while self._names.setdefault(name, cls) is not cls:
            number += 1
            name = f"{cls.__name__}{number}"
        return name


class Shapes:
    """The schemas of one description."""

    def __init__(self, **options: Any) -> None:
        self._plugin = Plugin()
        self.spec = APISpec(openapi_version=VERSION, plugins=[self._plugin], **options)
        converter = self._plugin.converter
        assert isinstance(converter, Converter)
        self._converter = converter

    def taken(self, shape: Shape) -> Any:
        """What comes in; of several any one."""
        if isinstance(shape, tuple):
            return {"anyOf": [self.taken(each) for each in shape]}
        return self._resolved(shape)

    def sent(self, shape: Shape) -> Any:
        """What goes out."""
        self._converter.answers |= set(nested_in(shape))
        return self._resolved(shape)

    def parameters(self, schema: type[Schema], place: str) -> list[dict[str, Any]]:
        """Of the query, or the headers."""
        found: list[dict[str, Any]] = self._converter.schema2parameters(schema(), location=place)
        return found

    def _resolved(self, shape: Any) -> Any:
        if isinstance(shape, dict):
            return shape
        return self._converter.resolve_nested_schema(shape)  # type: ignore[no-untyped-call]


def nested_in(shape: Any) -> Iterable[type[Schema]]:
    """The class of a schema, and of all that are in it."""
    if isinstance(shape, dict):
        return
    schema = shape() if isinstance(shape, type) else shape
    yield type(schema)
    for each in schema.fields.values():
        inner: Any = each
        while isinstance(inner, fields.List | fields.Mapping):
            inner = inner.inner if isinstance(inner, fields.List) else inner.value_field
        if isinstance(inner, fields.Nested):
            yield from nested_in(inner.schema)
