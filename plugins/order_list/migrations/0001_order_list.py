"""Whose each order is, and which deliveries of the webhook were taken."""

from peewee import BigIntegerField, CharField, CompositeKey, Model


def up(migrator, db):
    class Origin(Model):
        tenant = CharField(max_length=64)
        order_id = CharField(max_length=128)
        source = CharField(max_length=8)
        version = BigIntegerField(null=True)
        stamp = BigIntegerField(default=0)
        heard = BigIntegerField(default=-1)
        digest = CharField(max_length=32, default="")
        gone = BigIntegerField(default=0)

        class Meta:
            database = db
            table_name = "order_list_origin"
            primary_key = CompositeKey("tenant", "order_id")
            without_rowid = True

    class Taken(Model):
        id = CharField(max_length=255, primary_key=True)
        at = BigIntegerField(index=True)

        class Meta:
            database = db
            table_name = "order_list_taken"

    db.create_tables([Origin, Taken])


def down(migrator, db):
    for table in ("order_list_origin", "order_list_taken"):
        db.execute_sql(f"DROP TABLE {table}")
