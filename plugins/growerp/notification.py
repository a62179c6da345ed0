"""The resource Notification: one's own list, and the sending half of Moqui's NotificationMessage."""

from typing import Any

from marshmallow import EXCLUDE, Schema, fields

from tornado_chat import BadRequest, Message, Topic, describe

from . import schemas
from .handler import FaceHandler
from .notws import frame_of
from .wire import day

LIMIT = 20


def said(name: str) -> fields.Boolean:
    return fields.Boolean(data_key=name, truthy={True}, falsy={False}, allow_none=True)


class NotificationSchema(Schema):
    """What may be said of a notification; other keys are passed over, as everywhere on this wire."""

    class Meta:
        unknown = EXCLUDE

    topic = fields.String(required=True)
    message = fields.Dict(keys=fields.String(), required=True)
    sub_topic = fields.String(data_key="subTopic", allow_none=True)
    title = fields.String(allow_none=True)
    link = fields.String(allow_none=True)
    type = fields.String(allow_none=True)
    show_alert = said("showAlert")
    alert_no_auto_hide = said("alertNoAutoHide")
    persist = said("persistOnSend")
    users = fields.List(fields.String(), data_key="userIds", allow_none=True)
    group = fields.String(data_key="userGroupId", allow_none=True)


class Wrapped(Schema):
    """`{"notification":{…}}`"""

    class Meta:
        unknown = EXCLUDE

    notification = fields.Nested(NotificationSchema, required=True)


class Notification(FaceHandler):
    @describe(
        "Lists one's notifications",
        query=schemas.NotificationsAsked,
        answer=schemas.ListedAnswer,
    )
    async def get(self) -> None:
        """The newest of one's own persisted ones, newest first. Nothing is consumed by asking."""
        limit = self.number("limit")
        found = await self.face.notifications.list(
            self.identity, limit=LIMIT if limit is None else limit, start=self.number("start") or 0
        )
        self.answer({"notifications": [listed(each.message) for each in found]})

    @describe(
        "Sends a notification",
        headers=schemas.Retry,
        body=Wrapped,
        answer=schemas.NotificationAnswer,
        errors=("conflict",),
    )
    async def post(self) -> None:
        """Sends one; needs the permission notify. With neither `userIds` nor `userGroupId` it goes
        to the whole company."""
        given = self.body()["notification"]
        topic = Topic.parse(self.identity.tenant, given.pop("topic"))
        if topic.kind:
            raise BadRequest("topic: a plain name without colon")
        await self.server.gate.check(self.identity, "publish", topic)
        message = await self.face.notifications.send(
            topic.tenant,
            topic.key,
            given.pop("message"),
            **given,
            sender=self.identity,
            key=self.idempotency_key,
        )
        self.answer({"notification": {**frame_of(message), "notificationMessageId": message.id}})


def listed(message: Message) -> dict[str, Any]:
    """As Moqui lists it: of what was sent only the text for people."""
    data = message.data
    sent = data.get("message")
    text = sent.get("message") if isinstance(sent, dict) else None
    return {
        "topic": message.topic.key,
        "message": {"message": text if isinstance(text, str) else ""},
        "sentDate": day(message.at),
        "title": data.get("title"),
        "link": data.get("link"),
        "type": data.get("type"),
        "showAlert": data.get("show_alert") is True,
    }
