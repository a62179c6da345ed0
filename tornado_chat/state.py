"""The provider for lists that others watch: orders, machines, tickets.

What a subscriber has of such a topic is the snapshot with the pushes applied; it must equal the
table at any time (design section 5 rule 10). So the row, its version and the message are written in
one transaction, a push carries the whole item, and an older version never follows a newer one.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tornado_chat.messages import Identity, Message, Topic
from tornado_chat.store import state as rows
from tornado_chat.topics import TopicProvider

if TYPE_CHECKING:
    from tornado_chat.store import ReadTx
    from tornado_chat.store.transaction import Tx

DAY = 86_400_000  # milliseconds
ITEM_ID_MAX = 128  # characters, the column of the store


class StateProvider(TopicProvider):
    """Keeps the items, gives the snapshot, and publishes each change.

    A subscriber gets `{state_name: [item, …]}` as state, newest first, and then pushes
    `{item_name: {…, id_key: …, "version": n}}`, or for a deletion
    `{item_name: {id_key: …, "version": n, "deleted": true}}`. An item is a mapping that JSON knows;
    its fields `id_key` and `version` are written by us.
    """

    item_name: str = "item"
    state_name: str = "items"
    id_key: str = "id"
    # The field by which the list is ordered, compared as text; None: by when an item came.
    newest_by: str | None = None
    # Items in a snapshot, the newest; the others are sent when they change.
    snapshot_limit: int = 1000
    # How long a deletion is remembered against late older versions.
    tombstone_days: float = 30

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.history is not None and not cls.history:
            raise TypeError(f"{cls.__name__}: history = 0: signals may be lost, a state may not")

    async def set(
        self,
        key: str | Topic,
        item_id: str,
        item: Mapping[str, Any],
        *,
        version: int | None = None,
    ) -> Message | None:
        """Makes this the item of that id. Answers after the commit, with the message, or with
        None where there was nothing to say: the same content, or a version that is not newer.

        `version`: as the source counts; None: we count on. One source should do one or the other.
        """
        topic = self.topic_of(key)
        return await self.server.write(
            lambda tx: self.set_in(tx, topic, item_id, item, version=version)
        )

    async def delete(
        self, key: str | Topic, item_id: str, *, version: int | None = None
    ) -> Message | None:
        """Takes the item away; None where it is not there or `version` is not newer. With a
        version it is remembered, so that an older `set` that comes late does nothing."""
        topic = self.topic_of(key)
        return await self.server.write(
            lambda tx: self.delete_in(tx, topic, item_id, version=version)
        )

    def set_in(
        self,
        tx: "Tx",
        key: str | Topic,
        item_id: str,
        item: Mapping[str, Any],
        *,
        version: int | None = None,
    ) -> Message | None:
        """`set` inside the work of `server.write`, beside whatever else commits with it."""
        topic = self.topic_of(key)
        content = self._content(item_id, item)
        data = rows.encode(content)
        topic_id, row = self._find(tx, topic, item_id)
        if version is not None and row is not None and version <= row.heard:
            return None
        if row is not None and not row.deleted and row.data == data:
            if version is not None:
                rows.hear(row, version)
            return None
        number = self._next(tx, topic, row) if version is None else version
        rows.put(row, topic_id, item_id, number, self._place(item), data)
        return self._publish(tx, topic, {**content, "version": number})

    def delete_in(
        self, tx: "Tx", key: str | Topic, item_id: str, *, version: int | None = None
    ) -> Message | None:
        """`delete` inside the work of `server.write`."""
        topic = self.topic_of(key)
        topic_id, row = self._find(tx, topic, item_id)
        there = row is not None and not row.deleted
        if version is None and not there:
            return None
        if version is not None and row is not None and version <= row.heard:
            return None
        number = self._next(tx, topic, row) if version is None else version
        rows.bury(row, topic_id, item_id, number, tx.now)
        rows.clear_tombstones(topic_id, tx.now - int(self.tombstone_days * DAY))
        if not there:
            return None
        return self._publish(tx, topic, {self.id_key: item_id, "version": number, "deleted": True})

    def get_in(self, tx: "Tx", key: str | Topic, item_id: str) -> dict[str, Any] | None:
        """The item as it is now, with its version; None where there is none."""
        _topic_id, row = self._find(tx, self.topic_of(key), item_id)
        return None if row is None or row.deleted else rows.decode(row.data, row.version)

    def items_in(
        self, tx: "Tx | ReadTx", key: str | Topic, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """The items as they are now, newest first, each with its version."""
        del tx  # its thread is what counts
        return rows.items(self.topic_of(key), limit)

    async def snapshot(self, identity: Identity, topic: Topic) -> dict[str, Any]:
        """The newest items, by one query."""
        del identity
        found = await self.server.read(lambda _tx: rows.items(topic, self.snapshot_limit))
        return {self.state_name: found}

    def _find(self, tx: "Tx", topic: Topic, item_id: str) -> tuple[int, rows.Item | None]:
        if not isinstance(item_id, str) or not 0 < len(item_id) <= ITEM_ID_MAX:
            raise ValueError(
                f"{topic.name}: an item's id is a text of 1 to {ITEM_ID_MAX} characters"
            )
        topic_id = tx.state(topic).id
        return topic_id, rows.find(topic_id, item_id)

    def _content(self, item_id: str, item: Mapping[str, Any]) -> dict[str, Any]:
        content = {**item, self.id_key: item_id}
        content.pop("version", None)
        return content

    def _place(self, item: Mapping[str, Any]) -> str:
        value = item.get(self.newest_by) if self.newest_by else None
        return "" if value is None else str(value)[:64]

    def _publish(self, tx: "Tx", topic: Topic, item: dict[str, Any]) -> Message | None:
        return tx.publish(topic, {self.item_name: item}, audience=self.audience(topic))

    @staticmethod
    def _next(tx: "Tx", topic: Topic, row: rows.Item | None) -> int:
        """The number that the message will have in its topic: it rises for ever, also after the
        item's tombstone has been cleared away."""
        return max(tx.state(topic).count, row.heard if row is not None else 0) + 1
