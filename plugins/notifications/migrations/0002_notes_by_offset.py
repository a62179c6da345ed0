"""Notes are found by their message too: they go when it is thrown away."""


def up(migrator, db):
    db.execute_sql(
        "CREATE INDEX IF NOT EXISTS notifications_note_offset ON notifications_note (offset)"
    )


def down(migrator, db):
    db.execute_sql("DROP INDEX notifications_note_offset")
