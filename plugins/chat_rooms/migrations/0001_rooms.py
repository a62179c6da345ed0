"""Rooms, as 0.1.0 first shipped them."""

from peewee import BigIntegerField, BooleanField, CharField, IntegerField, Model, TextField


def up(migrator, db):
    class Room(Model):
        id = BigIntegerField(primary_key=True)
        topic_id = IntegerField(unique=True)
        tenant = CharField(max_length=64)
        name = CharField(max_length=255, null=True)
        private = BooleanField()
        pair = CharField(max_length=129, null=True)
        created_by = CharField(max_length=64, null=True, index=True)
        created = BigIntegerField()
        born = BigIntegerField()
        extra = TextField(default="{}")

        class Meta:
            database = db
            table_name = "chat_rooms_room"
            indexes = ((("tenant", "pair"), True),)

    db.create_tables([Room])


def down(migrator, db):
    db.execute_sql("DROP TABLE chat_rooms_room")
