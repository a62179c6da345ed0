"""REST below /plugins/notifications: send, list, mark as seen, prefer."""

from datetime import UTC, datetime
from typing import Any

from tornado_chat import BadRequest, PluginHandler, Topic

from .content import check_name
from .preferences import Preference
from .schemas import Preferred, Sending, Viewed
from .service import Listed, Notifications


class NotificationsHandler(PluginHandler):
    """What routes of this plugin share."""

    @property
    def notifications(self) -> Notifications:
        """The service of this server."""
        service: Notifications = self.server.service("notifications")
        return service

    def number(self, name: str, default: int) -> int:
        """A number of the query."""
        text = self.get_query_argument(name, "")
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise BadRequest(f"{name}: not a whole number")
        return int(text)


class All(NotificationsHandler):
    """/notifications"""

    async def get(self) -> None:
        """The newest of one's own; nothing is consumed."""
        found = await self.notifications.list(
            self.identity,
            limit=self.number("limit", 20),
            start=self.number("start", 0),
            topic=self.get_query_argument("topic", "") or None,
        )
        self.answer({"notifications": [shown(each) for each in found]})

    async def post(self) -> None:
        """Sends one; needs the permission notify. `Idempotency-Key` makes a retry safe."""
        said = self.body(Sending)
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

    async def post(self) -> None:
        """Marks some of one's own as seen; names those that are."""
        ids = self.body(Viewed)["ids"]
        self.answer({"viewed": await self.notifications.viewed(self.identity, ids)})


class Preferences(NotificationsHandler):
    """/preferences"""

    async def get(self) -> None:
        """What one has said, by topic."""
        found = await self.notifications.preferences(self.identity)
        self.answer({"preferences": {topic: said(wish) for topic, wish in found.items()}})


class OnePreference(NotificationsHandler):
    """/preferences/TOPIC"""

    async def get(self, topic: str) -> None:
        """What one has said of it; null where nothing."""
        found = await self.notifications.preferences(self.identity)
        self.answer({"preference": said(found.get(check_name(topic), Preference()))})

    async def put(self, topic: str) -> None:
        """Says it anew, both parts."""
        wish = await self.notifications.prefer(self.identity, topic, **self.body(Preferred))
        self.answer({"preference": said(wish)})


def said(wish: Preference) -> dict[str, Any]:
    return {"receive": wish.receive, "all": wish.all}


def shown(each: Listed) -> dict[str, Any]:
    """A notification as REST shows it: its data, and what became of it."""
    message = each.message
    return {
        "id": message.id,
        "topic": message.topic.name,
        "sender": message.sender,
        "sender_name": message.sender_name,
        "at": iso(message.at),
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
