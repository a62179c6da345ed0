"""What was proved to have arrived, how far consumers are, what was thrown away, how far was read."""

from peewee import SQL, AutoField, BigIntegerField, CharField, Model, SqliteDatabase


def up(migrator, db):
    sqlite = isinstance(db, SqliteDatabase)  # only SQLite knows tables without rowid

    class CursorRow(Model):
        # No id comes twice: what a socket still has to write of its row must not meet another's
        id = AutoField(constraints=[SQL("AUTOINCREMENT")] if sqlite else None)
        path = CharField(max_length=64)
        tenant = CharField(max_length=64)
        user_id = CharField(max_length=64)
        key = CharField(max_length=64)
        position = BigIntegerField()
        state = CharField(max_length=8)
        at = BigIntegerField()
        until = BigIntegerField(null=True)

        class Meta:
            database = db
            table_name = "cursor"
            indexes = (
                (("tenant", "user_id", "path"), False),
                (("at",), False),
            )

    class ConsumerRow(Model):
        name = CharField(primary_key=True, max_length=128)
        position = BigIntegerField()
        at = BigIntegerField()

        class Meta:
            database = db
            table_name = "consumer"

    class AddressPrunedRow(Model):
        address = CharField(primary_key=True, max_length=160)
        offset = BigIntegerField()

        class Meta:
            database = db
            table_name = "address_pruned"
            without_rowid = sqlite

    db.create_tables([CursorRow, ConsumerRow, AddressPrunedRow])
    db.execute_sql("ALTER TABLE member ADD COLUMN read_offset BIGINT NOT NULL DEFAULT 0")


def down(migrator, db):
    for table in ("cursor", "consumer", "address_pruned"):
        db.execute_sql(f"DROP TABLE {table}")
    db.execute_sql("ALTER TABLE member DROP COLUMN read_offset")
