"""What a request brings, as values: JSON, forms, queries, and what a schema says of them."""

from collections.abc import Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError
from tornado.httputil import HTTPFile, parse_body_arguments
from tornado.web import HTTPError

from tornado_chat import protocol
from tornado_chat.errors import BadRequest
from tornado_chat.topics import first_fault


def read_json(body: bytes | bytearray, depth: int) -> dict[str, Any]:
    """A body as a JSON object, an empty one as an empty object. Raises BadRequest and TooLarge as
    `protocol.decode`."""
    if not body:
        return {}
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise BadRequest("the body is not UTF-8") from None
    return protocol.decode(text, depth)


def read_form(kind: str, body: bytes) -> dict[str, str]:
    """The fields of a form of this Content-Type; of several of one name the first."""
    fields: dict[str, list[bytes]] = {}
    files: dict[str, list[HTTPFile]] = {}
    try:
        parse_body_arguments(kind, body, fields, files)
        return {name: values[0].decode() for name, values in fields.items()}
    except (HTTPError, UnicodeDecodeError, ValueError):
        raise BadRequest("the form cannot be read") from None


def load(schema: type[Schema] | Schema, data: Mapping[str, Any]) -> dict[str, Any]:
    """Data as the schema has it. Raises BadRequest with the first fault, by its path."""
    loader = schema() if isinstance(schema, type) else schema
    try:
        loaded: dict[str, Any] = loader.load(data)
    except ValidationError as error:
        raise BadRequest(first_fault(error.messages)) from None
    return loaded


def load_query(schema: type[Schema], arguments: Mapping[str, list[bytes]]) -> dict[str, Any]:
    """The query of an address as the schema has it. An empty value is none, and names that the schema
    does not have are passed over: a key may be among them."""
    try:
        given = {name: values[-1].decode().strip() for name, values in arguments.items()}
    except UnicodeDecodeError:
        raise BadRequest("the query is not UTF-8") from None
    return load(schema(unknown=EXCLUDE), {name: text for name, text in given.items() if text})
