"""Keys have an id by which they are spoken of, and a name."""

from peewee import SqliteDatabase


def up(migrator, db):
    sqlite = isinstance(db, SqliteDatabase)
    db.execute_sql("ALTER TABLE api_key ADD COLUMN public_id VARCHAR(16) NOT NULL DEFAULT ''")
    db.execute_sql("ALTER TABLE api_key ADD COLUMN name VARCHAR(64) NOT NULL DEFAULT ''")
    if sqlite:
        db.execute_sql("UPDATE api_key SET public_id = lower(hex(randomblob(8)))")
    else:
        db.execute_sql("UPDATE api_key SET public_id = substr(md5(random()::text), 1, 16)")


def down(migrator, db):
    for column in ("public_id", "name"):
        db.execute_sql(f"ALTER TABLE api_key DROP COLUMN {column}")
