"""The section [plugins.order_list]."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema
from playhouse.db_url import schemes

from tornado_chat import check_secret

NAME = validate.Regexp(
    r"^[^\s\x00-\x1f\x7f]{1,64}\Z", error="not a name of 1 to 64 characters without spaces"
)


def check_url(value: str) -> None:
    scheme = value.partition(":")[0]
    if scheme not in schemes:
        raise ValidationError(f"not the url of a database, one of {', '.join(sorted(schemes))}")


class PollSchema(Schema):
    """The second source of orders: a query that is asked again and again; what it answers is
    compared whole with what is known, so that new, changed and vanished rows are all found."""

    url = fields.String(
        load_default=None,
        validate=check_url,
        metadata={
            "doc": "The database with the orders, any that Peewee opens; without it nothing is "
            "polled. A file of SQLite is looked for from the folder of this file.",
            "example": "sqlite:///shop.db",
        },
    )
    query = fields.String(
        load_default=None,
        validate=validate.Length(min=1),
        metadata={
            "doc": "Gives one row an order. It should give the same rows again as long as nothing "
            "changes: no clock in it but to leave out old orders, and no LIMIT without ORDER BY.",
            "example": "SELECT order_id, status, customer, total, currency, placed_at FROM orders",
        },
    )
    key = fields.String(
        load_default=None,
        validate=validate.Length(min=1),
        metadata={
            "secret": False,
            "doc": "The column of the query that is the order's id; without it orderId.",
            "example": "order_id",
        },
    )
    columns = fields.Dict(
        fields.String(),
        fields.String(validate=validate.Length(min=1)),
        load_default=dict,
        metadata={
            "doc": "By which of our names a column goes: orderId, status, customer, total, "
            "currency, placedAt. One that is not named here keeps its own.",
            "example": {"order_date": "placedAt"},
        },
    )
    interval_seconds = fields.Float(
        load_default=5.0,
        validate=validate.Range(min=0.05),
        metadata={"doc": "Between two queries; longer, up to a minute, while the source fails."},
    )
    timeout_seconds = fields.Float(
        load_default=30.0,
        validate=validate.Range(min=0, min_inclusive=False),
        metadata={"doc": "How long an answer is waited for."},
    )
    max_rows = fields.Integer(
        strict=True,
        load_default=10_000,
        validate=validate.Range(min=1, max=1_000_000),
        metadata={"doc": "An answer with more rows is an error, and changes nothing."},
    )
    tenant = fields.String(
        load_default=None,
        validate=NAME,
        metadata={
            "doc": "Whose orders these are; without it those of plugins.order_list.tenant.",
            "example": "SHOP",
        },
    )

    @validates_schema
    def a_query_for_the_url(self, data: dict[str, Any], **_: Any) -> None:
        """One without the other does nothing, which nobody means."""
        if data.get("url") and not data.get("query"):
            raise ValidationError("missing: url is of no use without it", "query")
        if data.get("query") and not data.get("url"):
            raise ValidationError("missing: query is of no use without it", "url")

    @validates_schema
    def one_id(self, data: dict[str, Any], **_: Any) -> None:
        """An order has one id."""
        ids = [column for column, name in data.get("columns", {}).items() if name == "orderId"]
        if len({*ids, data.get("key") or (ids or [""])[0]}) > 1:
            raise ValidationError("only the column of key can be orderId", "columns")

    @post_load
    def name_the_key(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """What was said once need not be said twice."""
        if data["key"]:
            data["columns"] = {**data["columns"], data["key"]: "orderId"}
        return data


class OrderListSchema(Schema):
    """The orders of a company as a list that its people watch. They come by webhook (`secret`), by
    polling a database (`poll`), or both; each order belongs to the source that brought it."""

    secret = fields.String(
        load_default=None,
        validate=check_secret,
        metadata={
            "doc": "Signs POST /plugins/order_list/orders after the Standard Webhooks convention: "
            "whsec_ and base64, or any text of 16 characters. Without it that path takes nothing.",
            "example": {"env": "ORDERS_SECRET"},
        },
    )
    tenant = fields.String(
        load_default=None,
        validate=NAME,
        metadata={"doc": "Whose orders come by the webhook.", "example": "SHOP"},
    )
    snapshot = fields.Integer(
        strict=True,
        load_default=1000,
        validate=validate.Range(min=1, max=100_000),
        metadata={
            "doc": "How many orders, the newest, a subscriber is given at first; he hears of the "
            "others when they change."
        },
    )
    poll = fields.Nested(PollSchema, load_default=lambda: PollSchema().load({}))

    @validates_schema
    def somebodys_orders(self, data: dict[str, Any], **_: Any) -> None:
        """An order without a company is shown to nobody."""
        tenant, poll = data.get("tenant"), data.get("poll") or {}
        if data.get("secret") and not tenant:
            raise ValidationError("missing: whose are the orders of the webhook?", "tenant")
        if poll.get("url") and not (tenant or poll.get("tenant")):
            raise ValidationError("missing: whose are the orders?", "tenant")
