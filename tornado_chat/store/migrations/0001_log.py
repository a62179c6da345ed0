"""The log, its epochs, topics, addresses and members, as 0.1.0 first shipped them."""

from peewee import (
    BigIntegerField,
    CharField,
    CompositeKey,
    IntegerField,
    Model,
    SqliteDatabase,
    TextField,
)


def up(migrator, db):
    sqlite = isinstance(db, SqliteDatabase)  # only SQLite knows tables without rowid

    class LogHead(Model):
        id = IntegerField(primary_key=True)
        offset = BigIntegerField()

        class Meta:
            database = db
            table_name = "log_head"

    db.create_tables([LogHead])

    class EpochRow(Model):
        name = CharField(primary_key=True, max_length=32)
        first_offset = BigIntegerField()
        begun = BigIntegerField()

        class Meta:
            database = db
            table_name = "epoch"

    db.create_tables([EpochRow])

    class TopicRow(Model):
        tenant = CharField(max_length=64)
        kind = CharField(max_length=32)
        key = CharField(max_length=128)
        count = BigIntegerField(default=0)
        last_offset = BigIntegerField(default=0)
        pruned = BigIntegerField(default=0)

        class Meta:
            database = db
            table_name = "topic"
            indexes = ((("tenant", "kind", "key"), True),)

    db.create_tables([TopicRow])

    class MessageRow(Model):
        offset = BigIntegerField(primary_key=True)
        topic_id = IntegerField()
        number = BigIntegerField()
        at = BigIntegerField()
        sender = CharField(null=True, max_length=64)
        sender_name = CharField(null=True)
        audience = TextField()
        data = TextField()

        class Meta:
            database = db
            table_name = "message"
            indexes = ((("topic_id", "offset"), False),)

    db.create_tables([MessageRow])

    class AddressRow(Model):
        address = CharField(max_length=160)
        offset = BigIntegerField()

        class Meta:
            database = db
            table_name = "address"
            without_rowid = sqlite
            primary_key = CompositeKey("address", "offset")

    db.create_tables([AddressRow])

    class MemberRow(Model):
        topic_id = IntegerField()
        user_id = CharField(max_length=64)
        joined_count = BigIntegerField(default=0)
        read_count = BigIntegerField(null=True)
        own_after = BigIntegerField(default=0)
        left_count = BigIntegerField(null=True)
        seen_at = BigIntegerField(null=True)

        class Meta:
            database = db
            table_name = "member"
            without_rowid = sqlite
            primary_key = CompositeKey("topic_id", "user_id")
            indexes = ((("user_id", "topic_id"), False),)

    db.create_tables([MemberRow])

    class PublishKeyRow(Model):
        user_id = CharField(max_length=64)
        topic_id = IntegerField()
        key = CharField(max_length=128)
        digest = CharField(max_length=64)
        offset = BigIntegerField()
        at = BigIntegerField(index=True)

        class Meta:
            database = db
            table_name = "publish_key"
            without_rowid = sqlite
            primary_key = CompositeKey("user_id", "topic_id", "key")

    db.create_tables([PublishKeyRow])

    class PairingRow(Model):
        scope = CharField(max_length=64)
        topic_id = IntegerField()
        digest = CharField(max_length=64)
        path = CharField(max_length=16)
        offset = BigIntegerField()
        at = BigIntegerField(index=True)
        paired = IntegerField(default=0)

        class Meta:
            database = db
            table_name = "pairing"
            indexes = ((("scope", "topic_id", "digest"), False),)

    db.create_tables([PairingRow])

    LogHead.create(id=1, offset=0)
