"""REST below /plugins/notifications: send, list, mark as seen, prefer."""

from datetime import UTC, datetime
from typing import Any

from tornado_chat import PluginHandler, Topic, describe

from .content import TYPES, check_name
from .listing import Listed
from .preferences import KnownTopic, Preference
from .schemas import (
    Headers,
    ListNotifications,
    NotificationPage,
    OneNotification,
    OnePreferenceAnswer,
    PreferencesAnswer,
    Preferred,
    Sending,
    Viewed,
    ViewedAnswer,
    WantedTopicsAnswer,
)
from .service import Notifications

NOTHING: dict[str, Any] = {
    "message": {},
    "sub_topic": None,
    "title": None,
    "link": None,
    "type": TYPES[0],
    "show_alert": False,
    "alert_no_auto_hide": False,
    "persist": False,
    "topic_description": None,
}


class NotificationsHandler(PluginHandler):
    """What routes of this plugin share."""

    @property
    def notifications(self) -> Notifications:
        """The service of this server."""
        service: Notifications = self.server.service("notifications")
        return service


class All(NotificationsHandler):
    """/notifications"""

    @describe("Lists one's notifications", query=ListNotifications, answer=NotificationPage)
    async def get(self) -> None:
        """The newest of one's own; nothing is consumed."""
        found, unviewed = await self.notifications.page(self.identity, **self.query())
        self.answer({"notifications": [shown(each) for each in found], "unviewed": unviewed})

    @describe(
        "Sends a notification",
        headers=Headers,
        body=Sending,
        answer=OneNotification,
        errors=("conflict",),
    )
    async def post(self) -> None:
        """Sends one; needs the permission notify. `Idempotency-Key` makes a retry safe."""
        said = self.body()
        topic = Topic.parse(self.identity.tenant, check_name(said["topic"]))
        await self.server.gate.check(self.identity, "publish", topic)
        message = await self.notifications.send(
            topic.tenant,
            said.pop("topic"),
            said.pop("message"),
            **said,
            sender=self.identity,
            key=self.request.headers.get("Idempotency-Key") or None,
        )
        self.answer({"notification": shown(Listed(message))})


class Seen(NotificationsHandler):
    """/viewed"""

    @describe("Marks notifications as seen", body=Viewed, answer=ViewedAnswer)
    async def post(self) -> None:
        """Marks some of one's own as seen, or all; names those that are."""
        ids = self.body().get("ids")
        if ids is None:
            self.answer({"viewed": await self.notifications.viewed_all(self.identity)})
        else:
            self.answer({"viewed": await self.notifications.viewed(self.identity, ids)})


class Topics(NotificationsHandler):
    """/topics"""

    @describe("Lists topics, and what one wants of them", answer=WantedTopicsAnswer)
    async def get(self) -> None:
        """Those about which one can say something."""
        found = await self.notifications.topics(self.identity)
        self.answer({"topics": [topic_body(each) for each in found]})


class Preferences(NotificationsHandler):
    """/preferences"""

    @describe("Shows what one wants of topics", answer=PreferencesAnswer)
    async def get(self) -> None:
        """What one has said, by topic."""
        found = await self.notifications.preferences(self.identity)
        self.answer({"preferences": {topic: wish.body() for topic, wish in found.items()}})


class OnePreference(NotificationsHandler):
    """/preferences/TOPIC"""

    @describe(
        "Shows what one wants of a topic", answer=OnePreferenceAnswer, errors=("bad_request",)
    )
    async def get(self, topic: str) -> None:
        """What one has said of it; null where nothing."""
        found = await self.notifications.preferences(self.identity)
        self.answer({"preference": found.get(check_name(topic), Preference()).body()})

    @describe(
        "Says what one wants of a topic",
        body=Preferred,
        answer=OnePreferenceAnswer,
        errors=("conflict",),
    )
    async def put(self, topic: str) -> None:
        """Says it anew, all parts."""
        wish = await self.notifications.prefer(self.identity, topic, **self.body())
        self.answer({"preference": wish.body()})


def topic_body(topic: KnownTopic) -> dict[str, Any]:
    return {
        "topic": topic.name,
        "description": topic.description,
        **topic.preference.body(),
        "default": topic.default,
    }


def shown(each: Listed) -> dict[str, Any]:
    """A notification as REST shows it: its data, and what became of it. What the house publishes need
    not have all fields."""
    message = each.message
    return {
        "id": message.id,
        "topic": message.topic.name,
        "sender": message.sender,
        "sender_name": message.sender_name,
        "at": iso(message.at),
        **NOTHING,
        **message.data,
        "sent": iso(each.sent),
        "viewed": iso(each.viewed),
    }


def iso(at: int | None) -> str | None:
    """Milliseconds since 1970 as pushes write a time."""
    if at is None:
        return None
    moment = datetime.fromtimestamp(at / 1000, UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + "Z"
