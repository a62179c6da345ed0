"""The shapes of what admins say and hear."""

from typing import Any

from marshmallow import Schema, fields, validate

from tornado_chat.accounts.models import KEY_NAME_MAX
from tornado_chat.config.fields import NAME

PAGE, PAGE_MAX = 50, 200
START_MAX = 1_000_000
LIST_MAX = 100  # groups, or permissions, of one person
DAYS_MAX = 36_500
TEXT = validate.Length(max=255)
KEY_NAME = validate.And(
    validate.Length(max=KEY_NAME_MAX),
    validate.Predicate("isprintable", error="not printable characters"),
)
TIME = {"example": "2026-11-22T10:00:00.123Z"}


def names(**options: Any) -> fields.List[Any]:
    """Of groups, or of permissions."""
    each = fields.String(validate=NAME)
    return fields.List(each, validate=validate.Length(max=LIST_MAX), **options)


class OnePage(Schema):
    """Which page of a list."""

    start = fields.Integer(load_default=0, validate=validate.Range(0, START_MAX))
    limit = fields.Integer(load_default=PAGE, validate=validate.Range(1, PAGE_MAX))


class SearchedPage(OnePage):
    """The same of what contains a text."""

    search = fields.String(load_default="", validate=TEXT)


class ListSessions(OnePage):
    """`user_id`: only those of this person."""

    user_id = fields.String(load_default=None, validate=TEXT)


class SessionBody(Schema):
    """An open socket. `subscriptions`: to how many topics; `behind`: whether it still reads what it
    missed; `waiting_bytes`: what its peer has not taken yet."""

    id = fields.String(metadata={"example": "42"})
    user_id = fields.String()
    name = fields.String()
    dialect = fields.String(metadata={"example": "/ws"})
    since = fields.String(metadata=TIME)
    address = fields.String(metadata={"example": "192.0.2.1"})
    subscriptions = fields.Integer()
    behind = fields.Boolean()
    waiting_bytes = fields.Integer()


class SessionPage(Schema):
    """The newest first; `count`: how many there are."""

    sessions = fields.List(fields.Nested(SessionBody))
    more = fields.Boolean()
    count = fields.Integer()


class TopicBody(Schema):
    """`listeners`: open sockets that subscribed it by name; `messages`: ever published; `last_at`:
    null where the newest one was thrown away."""

    topic = fields.String(metadata={"example": "room:100205"})
    kind = fields.String(metadata={"example": "room"})
    listeners = fields.Integer()
    messages = fields.Integer()
    last_at = fields.String(allow_none=True, metadata=TIME)


class TopicPage(Schema):
    """Those with the newest messages first."""

    topics = fields.List(fields.Nested(TopicBody))
    more = fields.Boolean()


class PluginsAnswer(Schema):
    """As /health/ready has them; of each also its version and what it owns."""

    plugins = fields.List(fields.String())
    plugin_health = fields.Dict(keys=fields.String(), values=fields.Dict())


class ConfigurationAnswer(Schema):
    """`file`: null where there is none."""

    file = fields.String(allow_none=True, metadata={"example": "tornado_chat.toml"})
    configuration = fields.Dict(keys=fields.String())


class UserBody(Schema):
    """`source`: config, database or growerp, where the account came from."""

    user_id = fields.String(metadata={"example": "100021"})
    login_name = fields.String(metadata={"example": "ann@shop.example"})
    name = fields.String(metadata={"example": "Ann Maas"})
    first_name = fields.String()
    last_name = fields.String()
    email = fields.String()
    groups = fields.List(fields.String())
    permissions = fields.List(fields.String())
    disabled = fields.Boolean()
    source = fields.String(metadata={"example": "database"})
    has_password = fields.Boolean()
    online = fields.Boolean()
    created = fields.String(metadata=TIME)


class UserAnswer(Schema):
    user = fields.Nested(UserBody)


class UserPage(Schema):
    """By last and first name."""

    users = fields.List(fields.Nested(UserBody))
    more = fields.Boolean()


class NewUser(Schema):
    """Without a password only keys let this person in; without a name the others stand for it."""

    login_name = fields.String(required=True, validate=validate.Length(1, 255))
    name = fields.String(load_default="", validate=TEXT)
    first_name = fields.String(load_default="", validate=TEXT)
    last_name = fields.String(load_default="", validate=TEXT)
    email = fields.String(load_default="", validate=TEXT)
    groups = names(load_default=list)
    permissions = names(load_default=list)
    password = fields.String(load_default=None, allow_none=True)


class UserChange(Schema):
    """What is not given stays."""

    login_name = fields.String(validate=validate.Length(1, 255))
    name = fields.String(validate=validate.Length(1, 255))
    first_name = fields.String(validate=TEXT)
    last_name = fields.String(validate=TEXT)
    email = fields.String(validate=TEXT)
    groups = names()
    permissions = names()
    disabled = fields.Boolean(truthy={True}, falsy={False})
    password = fields.String()


class KeyBody(Schema):
    """A key that opens doors; `expires`: null for never; `configured`: it stands in the file;
    `current`: the one with which this was asked."""

    id = fields.String(metadata={"example": "9f86d081884c7d65"})
    name = fields.String(metadata={"example": "the till"})
    created = fields.String(metadata=TIME)
    expires = fields.String(allow_none=True, metadata=TIME)
    configured = fields.Boolean()
    current = fields.Boolean()


class KeyPage(Schema):
    """The newest first."""

    keys = fields.List(fields.Nested(KeyBody))


class NewKey(Schema):
    """`days`: how long it lives, 0 for ever, null as auth.key_days says."""

    name = fields.String(load_default="", validate=KEY_NAME)
    days = fields.Float(load_default=None, allow_none=True, validate=validate.Range(0, DAYS_MAX))


class NewKeyAnswer(KeyBody):
    """`key`: in clear, this once."""

    key = fields.String()
