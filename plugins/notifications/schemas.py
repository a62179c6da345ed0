"""The shapes of what clients say and hear: notifications, ids that were seen, preferences."""

from collections.abc import Mapping
from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate, validates_schema

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
    """Either of them."""

    ids = fields.List(fields.String(), validate=validate.Length(max=IDS_MAX))
    all = fields.Boolean(truthy={True}, falsy=set(), metadata={"example": True})

    @validates_schema
    def _one_of_them(self, data: Mapping[str, Any], **_: object) -> None:
        if len(data) != 1:
            raise ValidationError("give either ids or all", "ids")


class Preferred(Schema):
    """None takes back what was said."""

    receive = fields.Boolean(truthy={True}, falsy={False}, allow_none=True, load_default=None)
    all = fields.Boolean(truthy={True}, falsy={False}, allow_none=True, load_default=None)
    mute = fields.Boolean(truthy={True}, falsy={False}, load_default=False)


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
    """Newest first. `unviewed`: of all that are listed for one, whatever was asked; of the newest
    thousand."""

    notifications = fields.List(fields.Nested(Shown))
    unviewed = fields.Integer()


class OneNotification(Schema):
    notification = fields.Nested(Shown)


class ViewedAnswer(Schema):
    """Those of the ids that are one's own."""

    viewed = fields.List(fields.String())


class PreferenceBody(Schema):
    """What somebody said of a topic, null for nothing."""

    receive = fields.Boolean(allow_none=True)
    all = fields.Boolean(allow_none=True)
    mute = fields.Boolean()


class WantedTopic(PreferenceBody):
    """The same with the topic. `default`: whether one gets it who says nothing."""

    topic = fields.String(metadata={"example": "OrderUpdate"})
    description = fields.String(allow_none=True)
    default = fields.Boolean()


class WantedTopicsAnswer(Schema):
    """By name."""

    topics = fields.List(fields.Nested(WantedTopic))


class PreferencesAnswer(Schema):
    """By topic."""

    preferences = fields.Dict(keys=fields.String(), values=fields.Nested(PreferenceBody))


class OnePreferenceAnswer(Schema):
    preference = fields.Nested(PreferenceBody)
