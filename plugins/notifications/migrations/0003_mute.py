"""A topic may be muted: listed and counted, and nobody is interrupted."""


def up(migrator, db):
    db.execute_sql("ALTER TABLE notifications_wish ADD COLUMN mute BOOLEAN NOT NULL DEFAULT FALSE")


def down(migrator, db):
    db.execute_sql("ALTER TABLE notifications_wish DROP COLUMN mute")
