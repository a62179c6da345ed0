"""The list of orders of each tenant: state topic, sources, and the word about each change.

An order belongs to the source that brought it until that source deletes it: what the other one
says of it meanwhile is passed over, so that the list equals each source's own orders.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tornado_chat import Delivery, Identity, Message, NotFound, Server, StateProvider, Topic, Tx

from .models import POLL, WEBHOOK, Origin, Origins, forget_gone, take
from .orders import ORDER_BYTES, Change
from .wording import TOPIC, notice

DAY = 86_400_000  # milliseconds
KEEP_DELIVERIES = 7 * DAY  # senders try again for some days


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery: how many orders it changed, and how many it left as they were.
    `repeated`: the same delivery came before."""

    changed: int = 0
    unchanged: int = 0
    repeated: bool = False


class OrderList(StateProvider):
    """`orders:TENANT`, for everybody of the tenant to watch; nobody posts there."""

    kind = "orders"
    item_name = "order"
    state_name = "orders"
    id_key = "orderId"
    newest_by = "placedAt"

    def __init__(self, server: Server, snapshot: int) -> None:
        self.snapshot_limit = snapshot
        self._notifications: Any = server.service("notifications")
        frame = server.config.limits.frame_bytes
        # an item that its push cannot carry must be refused before it is in the table
        self.order_bytes = min(ORDER_BYTES, max(frame - 100, 1)) if frame else ORDER_BYTES
        self.turns = 0  # deliveries that may have freed an order; read and written on the loop

    async def authorize(self, identity: Identity, action: str, topic: Topic) -> bool:
        """Everybody watches the orders of his own tenant; there are no others for him."""
        if topic.key != identity.tenant:
            raise NotFound(f"topic {topic.name}: not there")
        return action != "publish"

    def topic(self, key: str) -> Topic:
        """The key is the tenant."""
        return Topic(key, self.kind, key)

    async def deliver(self, tenant: str, delivery: Delivery, changes: Sequence[Change]) -> Outcome:
        """Carries out what a delivery of the webhook says, all of it or nothing, and only once."""
        return await self.server.write(lambda tx: self.deliver_in(tx, tenant, delivery, changes))

    def deliver_in(
        self, tx: Tx, tenant: str, delivery: Delivery, changes: Sequence[Change]
    ) -> Outcome:
        """`deliver` inside the work of `server.write`."""
        if not take(delivery.id, tx.now, KEEP_DELIVERIES):
            return Outcome(repeated=True)
        origins = Origins(tenant, (change.order_id for change in changes))
        changed = 0
        for change in changes:
            known = origins.get(change.order_id)
            if known is not None and not self._may(known, change, delivery.timestamp):
                continue
            mark = self._mark(known, change, delivery.timestamp)
            changed += self._put(tx, tenant, origins, change, source=WEBHOOK, **mark)
        origins.save()
        tx.defer(self._turn)
        return Outcome(changed, len(changes) - changed)

    def _turn(self) -> None:
        self.turns += 1

    @staticmethod
    def _may(known: Origin, change: Change, stamp: int) -> bool:
        """Whether it is the webhook's order, and this is newer than what it has said before. Where
        both carry a version that decides alone: a delivery that is tried again gets a new time."""
        if known.source != WEBHOOK:
            return bool(known.gone)
        if change.version is not None and known.version is not None:
            return change.version > known.version
        return stamp >= known.stamp

    @staticmethod
    def _mark(known: Origin | None, change: Change, stamp: int) -> dict[str, Any]:
        """What is remembered of the webhook's word."""
        version = change.version
        if known is not None and known.source == WEBHOOK:
            stamp = max(stamp, known.stamp)
            version = known.version if version is None else version
        return {"version": version, "stamp": stamp, "digest": ""}

    def take_over_in(self, tx: Tx, tenant: str, changes: Sequence[tuple[Change, str]]) -> list[str]:
        """Carries out what the poll has found, each with its digest, the mark moving with it.
        Gives the orders that are not the poll's."""
        origins = Origins(tenant, (change.order_id for change, _digest in changes))
        others = []
        for change, digest in changes:
            known = origins.get(change.order_id)
            if known is not None and known.source != POLL and not known.gone:
                others.append(change.order_id)
                continue
            mark = {"version": None, "stamp": 0, "digest": digest}
            self._put(tx, tenant, origins, change, source=POLL, **mark)
        origins.save()
        return others

    def _put(self, tx: Tx, tenant: str, origins: Origins, change: Change, **mark: Any) -> bool:
        known = origins.get(change.order_id)
        heard = known.heard if known is not None else -1
        new = known is None or bool(known.gone)
        # a source that counts is quoted, as long as it counts on from what subscribers know
        version = change.version
        if version is not None and version <= heard:
            version = None
        if change.item is None:
            message = self.delete_in(tx, tenant, change.order_id, version=version)
        else:
            message = self.set_in(tx, tenant, change.order_id, change.item, version=version)
        if message is not None:
            heard = max(heard, message.data[self.item_name]["version"])
            self._tell(tx, tenant, change, new=new)
        heard = heard if version is None else max(heard, version)
        gone = tx.now if change.item is None else 0
        origins.put(change.order_id, heard=heard, gone=gone, **mark)
        return message is not None

    def _tell(self, tx: Tx, tenant: str, change: Change, *, new: bool) -> Message:
        settings = self.server.config.topics.get(TOPIC)
        words = notice(change.order_id, change.item, new=new, settings=settings)
        return self._notifications.send_in(tx, tenant, **words)

    async def clean(self) -> None:
        """Forgets orders that went as long ago as their tombstones."""

        def work(tx: Tx) -> None:
            forget_gone(tx.now - int(self.tombstone_days * DAY))

        await self.server.write(work)


def shown(outcome: Outcome) -> Mapping[str, Any]:
    """The answer to a delivery."""
    return {
        "changed": outcome.changed,
        "unchanged": outcome.unchanged,
        "repeated": outcome.repeated,
    }
