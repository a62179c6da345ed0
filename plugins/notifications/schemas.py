"""The shapes of what clients say: a notification, ids that were seen, a preference."""

from marshmallow import Schema, fields, validate

IDS_MAX = 1000  # marked in one call


class Said(Schema):
    """A notification as its sender says it; what is left out is as `[topics.NAME]` says."""

    message = fields.Dict(keys=fields.String(), required=True)
    sub_topic = fields.String(allow_none=True)
    title = fields.String(allow_none=True)
    link = fields.String(allow_none=True)
    type = fields.String(allow_none=True)
    show_alert = fields.Boolean(truthy={True}, falsy={False}, allow_none=True)
    alert_no_auto_hide = fields.Boolean(truthy={True}, falsy={False}, allow_none=True)
    persist = fields.Boolean(truthy={True}, falsy={False}, allow_none=True)


class Sending(Said):
    """The same with its topic and whom it is for."""

    topic = fields.String(required=True)
    users = fields.List(fields.String(), allow_none=True)
    group = fields.String(allow_none=True)


class Viewed(Schema):
    ids = fields.List(fields.String(), required=True, validate=validate.Length(max=IDS_MAX))


class Preferred(Schema):
    """None takes back what was said."""

    receive = fields.Boolean(truthy={True}, falsy={False}, allow_none=True, load_default=None)
    all = fields.Boolean(truthy={True}, falsy={False}, allow_none=True, load_default=None)
