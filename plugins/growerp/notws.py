"""The socket `/notws`: notifications, filtered by what the session has subscribed.

The grammar is that of Moqui's NotificationEndpoint, letter by letter (growerp-contract section 2.1);
nothing is ever answered. Who gets a notification is decided by whom it is addressed to; the
subscription only filters.
"""

from collections import deque
from typing import Any

from tornado_chat import BadRequest, Frames, Identity, Message, Server, Session

from .dialect import FaceDialect
from .remembered import Names, Remembered
from .schemas import NotificationFrame
from .wire import encoded, sent_date

ALL = "ALL"
TRIMMED = "".join(map(chr, range(0x21)))  # what Java's String.trim takes off
NAMES_MAX = 200
NAME_MAX = 128  # characters
SENT_MAX = 5000  # persisted notifications of one session that are not proved; then the oldest go
SUBSCRIBE, UNSUBSCRIBE = "subscribe:", "unsubscribe:"


class Listening:
    """What one session listens to. `fresh`: it has said nothing yet, the set is a remembered one.
    `sent`: offsets of persisted notifications that it was sent, until they are proved."""

    __slots__ = ("fresh", "names", "sent")

    def __init__(self, names: Names) -> None:
        self.names = names
        self.fresh = True
        self.sent: deque[int] = deque(maxlen=SENT_MAX)


class NotwsDialect(FaceDialect):
    """The first command of a socket, if it is `subscribe:`, replaces the remembered set; later ones
    change it."""

    path = "/notws"

    def __init__(self, server: Server, remembered: Remembered) -> None:
        super().__init__(server)
        self._remembered = remembered

    async def enter(self, identity: Identity) -> Listening:
        return Listening(await self._remembered.of(identity))

    async def receive(self, session: Session, text: str) -> None:
        self.check_size(text)
        listening: Listening = session.state
        before = listening.names
        if text.startswith(SUBSCRIBE):
            kept = frozenset() if listening.fresh else before
            listening.names = bounded(kept, names_of(text[len(SUBSCRIBE) :]))
        elif text.startswith(UNSUBSCRIBE):
            listening.names = before.difference(names_of(text[len(UNSUBSCRIBE) :]))
        else:
            raise BadRequest("no command")
        if listening.fresh or listening.names != before:
            self._remembered.keep(session.identity, listening.names)
        listening.fresh = False

    def encode(self, message: Message) -> bytes | None:
        if message.topic.kind:
            return None
        return encoded(frame_of(message))

    def wants(self, session: Session, message: Message) -> bool:
        if message.topic.kind:
            return False
        names = session.state.names
        return ALL in names or message.topic.key in names

    def sent(self, session: Session, message: Message) -> None:
        if message.data.get("persist") is True:
            session.state.sent.append(message.offset)

    def proved(self, session: Session, position: int) -> None:
        """What has arrived gets its `sentDate`."""
        sent, proved = session.state.sent, []
        while sent and sent[0] <= position:
            proved.append(sent.popleft())
        if proved:
            notifications = self.server.service("notifications")
            self.server.spawn(notifications.sent(session.identity.user_id, proved))

    def frames(self) -> Frames:
        takes = {
            word.rstrip(":"): {
                "type": "string",
                "pattern": f"^{word}",
                "description": "Names of topics, parted at commas; `ALL` is every topic.",
                "examples": [f"{word} OrderUpdate, adkJobUpdate"],
            }
            for word in (SUBSCRIBE, UNSUBSCRIBE)
        }
        return Frames(
            "Notifications. Commands are texts, and nothing is ever answered.",
            takes=takes,
            sends={"notification": NotificationFrame},
        )


def names_of(rest: str) -> list[str]:
    """The names after a command, in their order: parted at commas, trimmed, none empty."""
    parts = (part.strip(TRIMMED) for part in rest.split(","))
    return [part for part in parts if part and len(part) <= NAME_MAX]


def bounded(names: Names, more: list[str]) -> Names:
    """Both together, as long as there is room."""
    room = NAMES_MAX - len(names)
    new = [name for name in dict.fromkeys(more) if name not in names]
    return names.union(new[:room])


def frame_of(message: Message) -> dict[str, Any]:
    """The twelve keys in their order, nulls written; date and id only of a persisted one. The
    message is an object whatever was published: a front-end types it so."""
    data = message.data
    said, kind = data.get("message"), data.get("type")
    persisted = data.get("persist") is True
    return {
        "topic": message.topic.key,
        "subTopic": data.get("sub_topic"),
        "sentDate": sent_date(message.at) if persisted else None,
        "notificationMessageId": message.id if persisted else None,
        "topicDescription": data.get("topic_description"),
        "message": said if isinstance(said, dict) else {},
        "title": data.get("title"),
        "link": data.get("link"),
        "type": kind if isinstance(kind, str) else "info",
        "persistOnSend": persisted,
        "showAlert": data.get("show_alert") is True,
        "alertNoAutoHide": data.get("alert_no_auto_hide") is True,
    }
