"""What people want of topics: in memory, so that nobody is asked for each message.

The rows are read once at the start; a change is taken over when its transaction has committed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from tornado_chat import Conflict, Identity, Message, ReadTx, Server, Topic, TopicRow, Tx

from .models import Wish

WISHES_MAX = 500  # topics about which one person may say something
SENT_MAX = 500  # topics of the log about which he is asked


@dataclass(frozen=True, slots=True)
class Preference:
    """What somebody said of a topic; None where he did not.

    `receive`: whether he gets it; None: as `[topics.NAME] receive` says, else yes. `all`: also
    what is addressed to others of his tenant. `mute`: his front-ends list and count it, and do
    not interrupt him.
    """

    receive: bool | None = None
    all: bool | None = None
    mute: bool = False

    def body(self) -> dict[str, bool | None]:
        """As REST and signals have it."""
        return {"receive": self.receive, "all": self.all, "mute": self.mute}


NOTHING_SAID = Preference()


@dataclass(frozen=True, slots=True)
class KnownTopic:
    """A topic about which something can be said. `default`: whether he gets it who says nothing."""

    name: str
    description: str | None
    preference: Preference
    default: bool


class Preferences:
    """Who wants which topics. `topics()`: what the configuration says of them now."""

    def __init__(self, topics: Callable[[], Mapping[str, Any]]) -> None:
        self._topics = topics
        self._wishes: dict[tuple[str, str], dict[str, Preference]] = {}

    async def load(self, server: Server) -> None:
        """Reads what everybody has said; forgets what was known before."""

        def work(_tx: ReadTx) -> list[tuple[str, str, str, bool | None, bool | None, bool]]:
            columns = (Wish.tenant, Wish.user_id, Wish.topic, Wish.receive, Wish.every, Wish.mute)
            return list(cast("Any", Wish.select(*columns).tuples()))

        self._wishes.clear()
        for tenant, user_id, topic, receive, every, mute in await server.read(work):
            self._take(tenant, user_id, topic, Preference(receive, every, mute))

    def _take(self, tenant: str, user_id: str, topic: str, wish: Preference) -> None:
        theirs = self._wishes.setdefault((tenant, user_id), {})
        if wish != NOTHING_SAID:
            theirs[topic] = wish
        else:
            theirs.pop(topic, None)
            if not theirs:
                del self._wishes[tenant, user_id]

    def of(self, identity: Identity) -> dict[str, Preference]:
        """What this person has said, by topic."""
        return dict(self._wishes.get((identity.tenant or "", identity.user_id), {}))

    def allows(self, identity: Identity, topic: str) -> bool:
        """Whether he wants it: his own word on receiving, else on all, else the topic's."""
        wish = self._wishes.get((identity.tenant or "", identity.user_id), {}).get(topic)
        if wish is not None:
            if wish.receive is not None:
                return wish.receive
            if wish.all:
                return True
        return self._default(topic)

    def _default(self, topic: str) -> bool:
        settings = self._topics().get(topic)
        return settings is None or bool(settings.receive)

    async def known(self, server: Server, identity: Identity) -> list[KnownTopic]:
        """Those that the file names, those of which he has said something, and those on which
        something was sent in his tenant, the newest five hundred; by name, by one query."""

        def work(_tx: ReadTx) -> list[str]:
            query: Any = TopicRow.select(TopicRow.key).where(
                TopicRow.tenant == identity.tenant, TopicRow.kind == ""
            )
            query = query.order_by(TopicRow.last_offset.desc()).limit(SENT_MAX)
            return [name for (name,) in query.tuples()]

        settings, his = self._topics(), self.of(identity)
        names = {*settings, *his, *await server.read(work)}
        return [
            KnownTopic(
                name,
                settings[name].description if name in settings else None,
                his.get(name, NOTHING_SAID),
                self._default(name),
            )
            for name in sorted(names)
        ]

    def visible(self, identity: Identity, message: Message) -> bool:
        """Whether the message is for him, and he wants it."""
        return message.audience.includes(identity) and self.allows(identity, message.topic.key)

    def unwanted(self, identity: Identity) -> list[str]:
        """The topics that he does not want: of those that the file or he himself has named."""
        named = {*self._topics(), *self._wishes.get((identity.tenant or "", identity.user_id), {})}
        return sorted(topic for topic in named if not self.allows(identity, topic))

    def set_in(self, tx: Tx, tenant: str, user_id: str, topic: str, wish: Preference) -> None:
        """Writes down what he says, and tells his native sessions; Conflict where he has said too
        much already."""
        his = (Wish.tenant == tenant) & (Wish.user_id == user_id)
        if wish == NOTHING_SAID:
            Wish.delete().where(his, Wish.topic == topic).execute()
        elif Wish.select().where(his, Wish.topic != topic).count() >= WISHES_MAX:
            raise Conflict(f"preferences: you have {WISHES_MAX} already")
        else:
            row = (tenant, topic, user_id, wish.receive, wish.all, wish.mute)
            fields = [Wish.tenant, Wish.topic, Wish.user_id, Wish.receive, Wish.every, Wish.mute]
            Wish.insert_many([row], fields=fields).on_conflict(
                conflict_target=fields[:3], preserve=fields[3:]
            ).execute()
        tx.defer(lambda: self._take(tenant, user_id, topic, wish))
        tx.tell(Topic(tenant, "", topic), "preference", wish.body(), user_id)


def wanting_all(tenant: str, topic: str) -> frozenset[str]:
    """Those of the tenant who get what is addressed to others; by one query, in a transaction."""
    query = Wish.select(Wish.user_id).where(
        Wish.tenant == tenant,
        Wish.topic == topic,
        Wish.every == True,  # noqa: E712 - SQL
        Wish.receive.is_null() | (Wish.receive == True),  # noqa: E712 - SQL
    )
    return frozenset(user for (user,) in cast("Any", query.tuples()))
