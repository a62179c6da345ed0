"""The items of state topics."""

from peewee import AutoField, BigIntegerField, CharField, IntegerField, Model, TextField


def up(migrator, db):
    class StateItem(Model):
        id = AutoField()
        topic_id = IntegerField()
        item_id = CharField(max_length=128)
        version = BigIntegerField()
        heard = BigIntegerField()
        place = CharField(max_length=64, default="")
        deleted = BigIntegerField(default=0)
        data = TextField()

        class Meta:
            database = db
            table_name = "state_item"
            indexes = (
                (("topic_id", "item_id"), True),
                (("topic_id", "deleted", "place", "id"), False),
            )

    db.create_tables([StateItem])


def down(migrator, db):
    db.execute_sql("DROP TABLE state_item")
