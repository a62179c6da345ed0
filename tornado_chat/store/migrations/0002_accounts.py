"""Accounts and api keys, as 0.1.0 first shipped them."""

from peewee import BigIntegerField, BooleanField, CharField, Model, TextField


def up(migrator, db):
    class AccountRow(Model):
        user_id = CharField(max_length=64, primary_key=True)
        tenant = CharField(max_length=64, null=True)
        login_name = CharField(max_length=255, default="")
        login_key = CharField(max_length=255, null=True, unique=True)
        full_name = CharField(max_length=255)
        first_name = CharField(max_length=255, default="")
        last_name = CharField(max_length=255, default="")
        email = CharField(max_length=255, default="")
        password_hash = CharField(max_length=255, null=True)
        password_at = BigIntegerField(null=True)
        groups = TextField(default="[]")
        permissions = TextField(default="[]")
        disabled = BooleanField(default=False)
        absent = BooleanField(default=False)
        source = CharField(max_length=16)
        party_id = CharField(max_length=64, default="")
        pseudo_id = CharField(max_length=64, default="")
        language = CharField(max_length=32, default="")
        extra = TextField(default="{}")
        sought = CharField(max_length=600, default="")
        created = BigIntegerField()

        class Meta:
            database = db
            table_name = "account"
            indexes = ((("tenant", "sought"), False),)

    db.create_tables([AccountRow])

    class KeyRow(Model):
        hash = CharField(max_length=64, primary_key=True)
        user_id = CharField(max_length=64, index=True)
        created = BigIntegerField()
        expires = BigIntegerField(null=True)
        revoked = BigIntegerField(null=True)
        configured = BooleanField(default=False)
        retired = BooleanField(default=False)

        class Meta:
            database = db
            table_name = "api_key"

    db.create_tables([KeyRow])
