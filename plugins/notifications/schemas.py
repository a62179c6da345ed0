"""The shapes of what clients say and hear: notifications, ids that were seen, preferences."""

from marshmallow import INCLUDE, Schema, fields, validate

from .content import TYPES

IDS_MAX = 1000  # marked in one call
NUMBER = validate.Range(0, 10**9)


class ListNotifications(Schema):
    """The query of `GET /notifications`."""

    limit = fields.Integer(load_default=20, validate=NUMBER)
    start = fields.Integer(load_default=0, validate=NUMBER)
    topic = fields.String(load_default=None)


class Headers(Schema):
    """By which a retry is safe: the same key again gives what came of it first."""

    key = fields.String(data_key="Idempotency-Key")


class Said(Schema):
    """A notification as its sender says it; what is left out is as `[topics.NAME]` says."""

    message = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={"example": {"message": "Order 100455 approved", "orderId": "100455"}},
    )
    sub_topic = fields.String(allow_none=True)
    title = fields.String(allow_none=True)
    link = fields.String(allow_none=True)
    type = fields.String(allow_none=True)
    show_alert = fields.Boolean(truthy={True}, falsy={False}, allow_none=True)
    alert_no_auto_hide = fields.Boolean(truthy={True}, falsy={False}, allow_none=True)
    persist = fields.Boolean(truthy={True}, falsy={False}, allow_none=True)


class Sending(Said):
    """The same with its topic and whom it is for."""

    topic = fields.String(required=True, metadata={"example": "OrderUpdate"})
    users = fields.List(fields.String(), allow_none=True)
    group = fields.String(allow_none=True)


class Viewed(Schema):
    ids = fields.List(fields.String(), required=True, validate=validate.Length(max=IDS_MAX))


class Preferred(Schema):
    """None takes back what was said."""

    receive = fields.Boolean(truthy={True}, falsy={False}, allow_none=True, load_default=None)
    all = fields.Boolean(truthy={True}, falsy={False}, allow_none=True, load_default=None)


class Shown(Schema):
    """A notification as REST shows it. `sent`: when it is known to have reached oneself; `viewed`:
    when one has seen it. What a plugin has added to it is there, too."""

    class Meta:
        unknown = INCLUDE

    id = fields.String(metadata={"example": "100310"})
    topic = fields.String(metadata={"example": "OrderUpdate"})
    sender = fields.String(allow_none=True)
    sender_name = fields.String(allow_none=True)
    at = fields.String(metadata={"example": "2026-11-22T10:00:00.123Z"})
    message = fields.Dict(keys=fields.String())
    sub_topic = fields.String(allow_none=True)
    title = fields.String(allow_none=True)
    link = fields.String(allow_none=True)
    type = fields.String(validate=validate.OneOf(TYPES))
    show_alert = fields.Boolean()
    alert_no_auto_hide = fields.Boolean()
    persist = fields.Boolean()
    topic_description = fields.String(allow_none=True)
    sent = fields.String(allow_none=True)
    viewed = fields.String(allow_none=True)


class NotificationPage(Schema):
    """Newest first."""

    notifications = fields.List(fields.Nested(Shown))


class OneNotification(Schema):
    notification = fields.Nested(Shown)


class ViewedAnswer(Schema):
    """Those of the ids that are one's own."""

    viewed = fields.List(fields.String())


class PreferenceBody(Schema):
    """What somebody said of a topic, null for nothing."""

    receive = fields.Boolean(allow_none=True)
    all = fields.Boolean(allow_none=True)


class PreferencesAnswer(Schema):
    """By topic."""

    preferences = fields.Dict(keys=fields.String(), values=fields.Nested(PreferenceBody))


class OnePreferenceAnswer(Schema):
    preference = fields.Nested(PreferenceBody)
