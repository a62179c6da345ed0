"""Lets in who shows a badge, `USER.UNTIL.SIGNATURE`, that some other system of the house has signed."""

import hmac

from marshmallow import Schema, fields
from tornado_chat import Identity, check_secret, hookimpl

api = 1


class Settings(Schema):
    secret = fields.String(
        required=True, validate=check_secret, metadata={"doc": "Signs the badges."}
    )
    tenant = fields.String(required=True, metadata={"doc": "The company of all who have one."})


@hookimpl
def register_config():
    return Settings


@hookimpl
def authenticate(credentials, config):
    if credentials.key is None or credentials.key.count(".") != 2:
        return None  # no badge: others are asked
    said, _, signature = credentials.key.rpartition(".")
    made = hmac.new(config["secret"].encode(), said.encode(), "sha256").hexdigest()
    if not hmac.compare_digest(made, signature):
        return None
    user_id, _, until = said.partition(".")
    return Identity(
        user_id=user_id,
        tenant=config["tenant"],
        name=user_id.capitalize(),
        groups=frozenset({"BADGE"}),
        expires=float(until),  # the house looks after that
    )
