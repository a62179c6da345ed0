"""What an order is: its fields checked, everything else about it kept as it came, in bounds."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from marshmallow import INCLUDE, Schema, ValidationError, fields, validate

from tornado_chat import BadRequest

ORDER_BYTES = 16_384
ORDER_KEYS = 100
ORDERS_MAX = 2000  # in one delivery, which is one transaction: others want to write too
ID_MAX = 128  # characters, the column of the store
AMOUNT = re.compile(r"[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})")
OURS = ("version", "deleted")  # said about an order, no part of it


@dataclass(frozen=True, slots=True)
class Change:
    """What a source says of one order. `item` None: it is gone. `version`: as the source counts,
    None where it does not."""

    order_id: str
    item: Mapping[str, Any] | None
    version: int | None = None


class OrderId(fields.String):
    """A text; a whole number is one."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        return super()._deserialize(value, *args, **kwargs)


def check_id(value: str) -> None:
    if not 0 < len(value) <= ID_MAX or not value.isprintable():
        raise ValidationError(f"not a text of 1 to {ID_MAX} printable characters")


def check_amount(value: Any) -> None:
    """A number, or a text that is one in full: no amount is rounded here, so it stays as given."""
    if isinstance(value, str) and AMOUNT.fullmatch(value):
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValidationError("not an amount, such as 12.50")
    if not math.isfinite(value):
        raise ValidationError("not a finite number")


def check_moment(value: str) -> None:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise ValidationError("not a date or time of ISO 8601") from None


class OrderSchema(Schema):
    """An order as it is said, or that it is gone (`deleted`)."""

    class Meta:
        unknown = INCLUDE

    orderId = OrderId(  # noqa: N815 - the names of the wire
        required=True,
        validate=check_id,
        metadata={"type": ["string", "integer"], "example": "100455"},
    )
    status = fields.String(allow_none=True, validate=validate.Length(max=64))
    customer = fields.String(allow_none=True, validate=validate.Length(max=255))
    total = fields.Raw(
        allow_none=True,
        validate=check_amount,
        metadata={"type": ["string", "number"], "example": "12.50"},
    )
    currency = fields.String(allow_none=True, validate=validate.Length(max=16))
    placedAt = fields.String(  # noqa: N815
        allow_none=True, validate=[validate.Length(max=64), check_moment]
    )
    version = fields.Integer(
        strict=True, allow_none=True, validate=validate.Range(min=0, max=2**53 - 1)
    )
    deleted = fields.Boolean(truthy={True}, falsy={False})


class OneOrder(Schema):
    class Meta:
        unknown = INCLUDE

    order = fields.Nested(OrderSchema, required=True)


class ManyOrders(Schema):
    class Meta:
        unknown = INCLUDE

    orders = fields.List(
        fields.Nested(OrderSchema), required=True, validate=validate.Length(max=ORDERS_MAX)
    )


class OutcomeAnswer(Schema):
    """How many orders were changed, how many not; `repeated`: this delivery came before."""

    changed = fields.Integer()
    unchanged = fields.Integer()
    repeated = fields.Boolean()


SCHEMA = OrderSchema()


def change_of(order: object, most_bytes: int = ORDER_BYTES) -> Change:
    """What is said of an order. Raises BadRequest that names the field."""
    if not isinstance(order, Mapping):
        raise BadRequest("not an object")
    try:
        loaded: dict[str, Any] = SCHEMA.load(order)
    except ValidationError as error:
        name, texts = next(iter(dict(error.messages).items()))  # type: ignore[arg-type]
        text = str(texts[0] if isinstance(texts, list) else texts).rstrip(".")
        raise BadRequest(f"{name}: {text[:1].lower()}{text[1:]}") from None
    order_id, version = loaded["orderId"], loaded.get("version")
    if loaded.get("deleted"):
        return Change(order_id, None, version)
    item = {key: value for key, value in loaded.items() if key not in OURS}
    if len(item) > ORDER_KEYS:
        raise BadRequest(f"more than {ORDER_KEYS} fields")
    if len(orjson.dumps(item)) > most_bytes:
        raise BadRequest(f"more than {most_bytes} bytes")
    return Change(order_id, item, version)


def changes_of(body: Mapping[str, Any], most_bytes: int = ORDER_BYTES) -> list[Change]:
    """What a body says: of one `order`, or of many `orders`. Raises BadRequest that names which."""
    one, many = body.get("order"), body.get("orders")
    if (one is None) == (many is None):
        raise BadRequest("give either order or orders")
    if many is None:
        return [_named("order", one, most_bytes)]
    if not isinstance(many, list):
        raise BadRequest("orders: not a list")
    if len(many) > ORDERS_MAX:
        raise BadRequest(f"orders: more than {ORDERS_MAX}, send them in parts")
    return [_named(f"orders.{place}", order, most_bytes) for place, order in enumerate(many)]


def _named(path: str, order: object, most_bytes: int) -> Change:
    try:
        return change_of(order, most_bytes)
    except BadRequest as problem:
        raise BadRequest(
            f"{path}.{problem.message}" if ":" in problem.message else f"{path}: {problem.message}"
        ) from None
