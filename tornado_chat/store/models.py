"""The tables of the core, and `StoreModel`, from which every table in the house derives.

Which database a model means is decided by the thread that asks: each thread of a store says so
when it starts. Binding the class instead would send the rows of one server into the database of
another that lives in the same process.
"""

from contextvars import ContextVar
from typing import Any

import peewee
from peewee import AutoField, BigIntegerField, CharField, CompositeKey, IntegerField, TextField

current_database: ContextVar[peewee.Database | None] = ContextVar("current_database", default=None)


class CurrentDatabase(peewee.Metadata):
    """Metadata whose database is the one of the thread that asks."""

    @property
    def database(self) -> peewee.Database | None:
        return current_database.get()

    @database.setter
    def database(self, _value: Any) -> None:
        """Peewee sets it while it builds the class; there is nothing to keep."""


class StoreModel(peewee.Model):
    """A table of the store. Use it only inside the work given to `write` or `read`."""

    class Meta:
        model_metadata_class = CurrentDatabase
        legacy_table_names = False


class LogHead(StoreModel):
    """One row: the last offset given. Kept apart from the messages, which may be pruned."""

    id = IntegerField(primary_key=True)
    offset = BigIntegerField()

    class Meta:
        table_name = "log_head"


class EpochRow(StoreModel):
    """A stretch of the log: from `first_offset` to where the next one begins, both ends in it."""

    name = CharField(32, primary_key=True)
    first_offset = BigIntegerField()
    begun = BigIntegerField()  # milliseconds since 1970, UTC

    class Meta:
        table_name = "epoch"


class TopicRow(StoreModel):
    """A topic that has been written to. `count`: messages ever numbered; `pruned`: the highest
    offset that was thrown away, 0 for none."""

    id = AutoField()
    tenant = CharField(64)
    kind = CharField(32)
    key = CharField(128)
    count = BigIntegerField(default=0)
    last_offset = BigIntegerField(default=0)
    pruned = BigIntegerField(default=0)

    class Meta:
        table_name = "topic"
        indexes = ((("tenant", "kind", "key"), True),)


class MessageRow(StoreModel):
    """The log. `audience` is empty for the members of the topic, else the addresses by line."""

    offset = BigIntegerField(primary_key=True)
    topic_id = IntegerField()
    number = BigIntegerField()
    at = BigIntegerField()
    sender = CharField(64, null=True)
    sender_name = CharField(255, null=True)
    audience = TextField()
    data = TextField()

    class Meta:
        table_name = "message"
        indexes = ((("topic_id", "offset"), False),)


class AddressRow(StoreModel):
    """Who else leads to a message than its topic: one row per tenant, group or person named."""

    address = CharField(160)
    offset = BigIntegerField()

    class Meta:
        table_name = "address"
        primary_key = CompositeKey("address", "offset")
        without_rowid = True


class MemberRow(StoreModel):
    """Who belongs to a topic. Unread, read and left are arithmetic on the topic's count.

    `joined_count`: the topic's count when he joined. `read_count`: the count up to which he has
    read, NULL as long as he never opened it; `read_offset`: the offset of that message, 0 where it
    is not known. `own_after`: his own messages after that. `left_count`: the count when he left,
    NULL when he did not; the next message brings him back.
    """

    topic_id = IntegerField()
    user_id = CharField(64)
    joined_count = BigIntegerField(default=0)
    read_count = BigIntegerField(null=True)
    read_offset = BigIntegerField(default=0)
    own_after = BigIntegerField(default=0)
    left_count = BigIntegerField(null=True)
    seen_at = BigIntegerField(null=True)

    class Meta:
        table_name = "member"
        primary_key = CompositeKey("topic_id", "user_id")
        indexes = ((("user_id", "topic_id"), False),)
        without_rowid = True


class PublishKeyRow(StoreModel):
    """A publisher's own key for a message, so that a retry finds it (rule 8)."""

    user_id = CharField(64)
    topic_id = IntegerField()
    key = CharField(128)
    digest = CharField(64)
    offset = BigIntegerField()
    at = BigIntegerField(index=True)

    class Meta:
        table_name = "publish_key"
        primary_key = CompositeKey("user_id", "topic_id", "key")
        without_rowid = True


class PairingRow(StoreModel):
    """A message that may come once more by another path (rule 8). `paired`: it has."""

    id = AutoField()
    scope = CharField(64)
    topic_id = IntegerField()
    digest = CharField(64)
    path = CharField(16)
    offset = BigIntegerField()
    at = BigIntegerField(index=True)
    paired = IntegerField(default=0)

    class Meta:
        table_name = "pairing"
        indexes = ((("scope", "topic_id", "digest"), False),)


class CursorRow(StoreModel):
    """Up to where it is proved that a socket has what was meant for it (design section 5 rule 6).

    `key`: SHA-256 of the api key, empty for none. `state`: "open", one socket; "orphan", a socket
    that ended without a word; "key", what the sockets of the key that closed in order have had.
    `id` never comes twice.
    `at`: when it was last proved or ended, milliseconds since 1970, UTC. `until`: when it ends
    earlier than others, None for as they do.
    """

    id = AutoField()
    path = CharField(64)
    tenant = CharField(64)
    user_id = CharField(64)
    key = CharField(64)
    position = BigIntegerField()
    state = CharField(8)
    at = BigIntegerField()
    until = BigIntegerField(null=True)

    class Meta:
        table_name = "cursor"
        indexes = ((("tenant", "user_id", "path"), False), (("at",), False))


class ConsumerRow(StoreModel):
    """Up to where a consumer has handled the log; `name`: of its plugin, a dot, its own."""

    name = CharField(128, primary_key=True)
    position = BigIntegerField()
    at = BigIntegerField()

    class Meta:
        table_name = "consumer"


class AddressPrunedRow(StoreModel):
    """The highest offset that was thrown away of what was addressed to somebody."""

    address = CharField(160, primary_key=True)
    offset = BigIntegerField()

    class Meta:
        table_name = "address_pruned"
        without_rowid = True


CORE_MODELS: list[type[StoreModel]] = [
    LogHead,
    EpochRow,
    TopicRow,
    MessageRow,
    AddressRow,
    MemberRow,
    PublishKeyRow,
    PairingRow,
    CursorRow,
    ConsumerRow,
    AddressPrunedRow,
]
