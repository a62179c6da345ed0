"""The one table of the plugin. Who belongs to a room, what was said and what was read of it lies
in the store, as for every topic."""

from peewee import BigIntegerField, BooleanField, CharField, IntegerField, TextField

from tornado_chat import StoreModel, Topic

KIND = "room"
FIRST_ID = 100_000  # as Moqui's sequences begin, so that ids look alike and rise
NAME_MAX = 255
PAIR_MAX = 2 * 64 + 1  # two user ids and what stands between them


class Room(StoreModel):
    """A room.

    `topic_id`: the row of its topic, whose members are the room's. `name`: as somebody gave it,
    NULL where it is computed for each viewer. `pair`: of a one-to-one room its two people, see
    `pair_of`. `born`: the head of the log when it was made, so that new rooms and new messages
    have one order. `extra`: JSON, what a face keeps.
    """

    id = BigIntegerField(primary_key=True)
    topic_id = IntegerField(unique=True)
    tenant = CharField(64)
    name = CharField(NAME_MAX, null=True)
    private = BooleanField()
    pair = CharField(PAIR_MAX, null=True)
    created_by = CharField(64, null=True, index=True)  # NULL: the house
    created = BigIntegerField()  # milliseconds since 1970, UTC
    born = BigIntegerField()
    extra = TextField(default="{}")

    class Meta:
        table_name = "chat_rooms_room"
        indexes = ((("tenant", "pair"), True),)


def pair_of(*, private: bool, name: str | None, members: frozenset[str]) -> str | None:
    """What makes a room one-to-one, unique in its tenant: it is private, nobody named it, and two
    people are in it. None for every other room."""
    if not private or name is not None or len(members) != 2:
        return None
    return "\x1f".join(sorted(members))


def topic_of(tenant: str, room_id: str) -> Topic:
    return Topic(tenant, KIND, room_id)


def number_of(room_id: str) -> int | None:
    """The key behind a room id; None for what no room id looks like."""
    if not room_id.isascii() or not room_id.isdigit() or not 6 <= len(room_id) <= 18:
        return None
    return None if room_id[0] == "0" else int(room_id)
