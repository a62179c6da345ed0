"""What the plugin keeps beside the log: what is listed for whom, what became of it, who wants what.

Nothing is written per recipient; who is addressed by name excepted.
"""

from peewee import BigIntegerField, BooleanField, CharField, CompositeKey

from tornado_chat import StoreModel


class Listing(StoreModel):
    """A persisted notification, once per tenant, group or person that it is addressed to.

    `address`: the tenant, a separator, and `t`, `g:ID` or `u:ID` (see `address_of`).
    """

    address = CharField(160)
    offset = BigIntegerField()
    topic = CharField(128)

    class Meta:
        table_name = "notifications_listing"
        primary_key = CompositeKey("address", "offset")
        indexes = ((("address", "topic", "offset"), False),)
        without_rowid = True


class Note(StoreModel):
    """What became of a persisted notification for one person: only who has got or seen it has a
    row. Milliseconds since 1970, UTC; NULL for not yet."""

    user_id = CharField(64)
    offset = BigIntegerField()
    sent = BigIntegerField(null=True)
    viewed = BigIntegerField(null=True)

    class Meta:
        table_name = "notifications_note"
        primary_key = CompositeKey("user_id", "offset")
        indexes = ((("offset",), False),)  # by which they go when their message does
        without_rowid = True


class Wish(StoreModel):
    """What somebody wants of a topic; NULL where he did not say (Moqui's NotificationTopicUser)."""

    tenant = CharField(64)
    topic = CharField(128)
    user_id = CharField(64)
    receive = BooleanField(null=True)
    every = BooleanField(null=True)  # what is addressed to others of the tenant too
    mute = BooleanField(default=False)

    class Meta:
        table_name = "notifications_wish"
        primary_key = CompositeKey("tenant", "topic", "user_id")
        without_rowid = True


MODELS: list[type[StoreModel]] = [Listing, Note, Wish]


def address_of(tenant: str, address: str) -> str:
    """An address of one tenant; the separator is in no id."""
    return f"{tenant}\x1f{address}"
