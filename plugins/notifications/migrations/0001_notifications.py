"""What is listed for whom, what became of it, and what people want."""

from peewee import BigIntegerField, BooleanField, CharField, CompositeKey, Model


def up(migrator, db):
    class Table(Model):
        class Meta:
            database = db

    class Listing(Table):
        # The key first: another order is taken for damage by PRAGMA integrity_check (SQLite 3.40)
        address = CharField(max_length=160)
        offset = BigIntegerField()
        topic = CharField(max_length=128)

        class Meta:
            table_name = "notifications_listing"
            primary_key = CompositeKey("address", "offset")
            without_rowid = True
            indexes = ((("address", "topic", "offset"), False),)

    class Note(Table):
        user_id = CharField(max_length=64)
        offset = BigIntegerField()
        sent = BigIntegerField(null=True)
        viewed = BigIntegerField(null=True)

        class Meta:
            table_name = "notifications_note"
            primary_key = CompositeKey("user_id", "offset")
            without_rowid = True

    class Wish(Table):
        tenant = CharField(max_length=64)
        topic = CharField(max_length=128)
        user_id = CharField(max_length=64)
        receive = BooleanField(null=True)
        every = BooleanField(null=True)

        class Meta:
            table_name = "notifications_wish"
            primary_key = CompositeKey("tenant", "topic", "user_id")
            without_rowid = True

    db.create_tables([Listing, Note, Wish])


def down(migrator, db):
    for table in ("notifications_listing", "notifications_note", "notifications_wish"):
        db.execute_sql(f"DROP TABLE {table}")
