"""The tables of the accounts: who may come in, and the keys that were given out.

They hold no key and no password: SHA-256 of the one, argon2 of the other.
"""

from peewee import BigIntegerField, BooleanField, CharField, TextField

from tornado_chat.accounts.keys import new_key_id
from tornado_chat.store.models import StoreModel

USER_ID_MAX = 64  # as wide as the log and the members keep it
TENANT_MAX = 64
KEY_NAME_MAX = 64
LOGIN_NAME_MAX = 255
SOUGHT_MAX = 600  # PostgreSQL indexes at most some 2,700 bytes of a row


class AccountRow(StoreModel):
    """Somebody who is known here.

    `login_key`: the login name with its case folded, by which it is unique and found. `sought`:
    last, first, company, pseudo id and e-mail with their case folded, so that one column is
    searched and sorted by. `source`: config, database or growerp. `absent`: came from the file
    and is no longer in it. `password_at`: when a password was last set, NULL for never.
    """

    user_id = CharField(USER_ID_MAX, primary_key=True)
    tenant = CharField(TENANT_MAX, null=True)
    login_name = CharField(LOGIN_NAME_MAX, default="")
    login_key = CharField(LOGIN_NAME_MAX, null=True, unique=True)
    full_name = CharField(255)
    first_name = CharField(255, default="")
    last_name = CharField(255, default="")
    email = CharField(255, default="")
    password_hash = CharField(255, null=True)
    password_at = BigIntegerField(null=True)  # seconds since 1970
    groups = TextField(default="[]")  # JSON
    permissions = TextField(default="[]")  # JSON
    disabled = BooleanField(default=False)
    absent = BooleanField(default=False)
    source = CharField(16)
    party_id = CharField(64, default="")
    pseudo_id = CharField(64, default="")
    language = CharField(32, default="")
    extra = TextField(default="{}")  # JSON, what a face keeps
    sought = CharField(SOUGHT_MAX, default="")
    created = BigIntegerField()  # seconds since 1970

    class Meta:
        table_name = "account"
        indexes = ((("tenant", "sought"), False),)


class KeyRow(StoreModel):
    """An api key by its SHA-256; also one of a Moqui that was revoked here.

    `public_id`: by which it is spoken of; `name`: what it is for, "" where nobody said.
    `configured`: it came from the file; `retired`: the file no longer names it. `revoked` is for
    good. Times in seconds since 1970; `expires` NULL for never.
    """

    hash = CharField(64, primary_key=True)
    user_id = CharField(USER_ID_MAX, index=True)
    created = BigIntegerField()
    expires = BigIntegerField(null=True)
    revoked = BigIntegerField(null=True)
    configured = BooleanField(default=False)
    retired = BooleanField(default=False)
    public_id = CharField(16, default=new_key_id)
    name = CharField(KEY_NAME_MAX, default="")

    class Meta:
        table_name = "api_key"


ACCOUNT_MODELS: list[type[StoreModel]] = [AccountRow, KeyRow]
