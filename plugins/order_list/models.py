"""What the plugin keeps beside the orders: whose each is, and which deliveries were taken."""

from collections.abc import Iterable
from typing import Any

from peewee import BigIntegerField, CharField, CompositeKey, chunked

from tornado_chat import StoreModel

CHUNK = 500  # rows in one query
WEBHOOK, POLL = "webhook", "poll"


class Origin(StoreModel):
    """Where an order comes from, one row an order.

    `version` and `stamp`: the last that the webhook has named, the latter being seconds since 1970.
    `heard`: the highest version that subscribers or the list know, -1 for none. `digest`: of the polled row as
    it was last published: the mark. `gone`: 0, or when the order was deleted, milliseconds since 1970.
    """

    tenant = CharField(64)
    order_id = CharField(128)
    source = CharField(8)
    version = BigIntegerField(null=True)
    stamp = BigIntegerField(default=0)
    heard = BigIntegerField(default=-1)
    digest = CharField(32, default="")
    gone = BigIntegerField(default=0)

    class Meta:
        table_name = "order_list_origin"
        primary_key = CompositeKey("tenant", "order_id")
        without_rowid = True


class Taken(StoreModel):
    """A delivery of the webhook that was carried out. `at`: milliseconds since 1970."""

    id = CharField(255, primary_key=True)
    at = BigIntegerField(index=True)

    class Meta:
        table_name = "order_list_taken"


MODELS: list[type[StoreModel]] = [Origin, Taken]
COLUMNS = ("tenant", "order_id", "source", "version", "stamp", "heard", "digest", "gone")
FIELDS = [getattr(Origin, name) for name in COLUMNS]


class Origins:
    """The rows of some orders of one tenant, inside a transaction: read and written in bulk."""

    def __init__(self, tenant: str, order_ids: Iterable[str]) -> None:
        self._tenant = tenant
        self._rows: dict[str, Origin] = {}
        self._changed: dict[str, Origin] = {}
        for some in chunked(set(order_ids), CHUNK):
            query: Any = Origin.select().where(Origin.tenant == tenant, Origin.order_id.in_(some))
            self._rows.update((row.order_id, row) for row in query)

    def get(self, order_id: str) -> Origin | None:
        """The row of an order."""
        return self._rows.get(order_id)

    def put(self, order_id: str, **values: Any) -> None:
        """Changes some of its columns, of a new row where there is none."""
        row = self._rows.get(order_id)
        if row is None:
            row = self._rows[order_id] = Origin(tenant=self._tenant, order_id=order_id)
        for name, value in values.items():
            setattr(row, name, value)
        self._changed[order_id] = row

    def save(self) -> None:
        """Writes what was put."""
        rows = [tuple(getattr(row, name) for name in COLUMNS) for row in self._changed.values()]
        for some in chunked(rows, 100):
            Origin.insert_many(some, fields=FIELDS).on_conflict(
                conflict_target=FIELDS[:2], preserve=FIELDS[2:]
            ).execute()


def polled(tenant: str) -> dict[str, str]:
    """The mark of the poll: the orders that are its own, each with its digest."""
    query: Any = Origin.select(Origin.order_id, Origin.digest).where(
        Origin.tenant == tenant, Origin.source == POLL, Origin.gone == 0
    )
    return dict(query.tuples())


def take(delivery_id: str, now: int, keep: int) -> bool:
    """Remembers a delivery; False where it was taken before. Forgets those older than `keep`."""
    Taken.delete().where(Taken.at < now - keep).execute()
    if Taken.select().where(Taken.id == delivery_id).exists():
        return False
    Taken.insert(id=delivery_id, at=now).execute()
    return True


def forget_gone(before: int) -> None:
    """Throws away what is known of orders that were deleted before then."""
    Origin.delete().where((Origin.gone > 0) & (Origin.gone < before)).execute()
