"""The owner of the plain topics. Subscribing is a filter; who receives is decided by addressing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tornado_chat import (
    EVERYONE,
    Audience,
    Draft,
    Identity,
    Message,
    Posted,
    Read,
    Topic,
    TopicProvider,
    Tx,
)

from .content import check_name
from .listing import forget_in, list_in, view_upto
from .schemas import Said
from .service import Notifications

PERMISSION = "notify"


class NotificationTopics(TopicProvider):
    """Everybody of a tenant may listen to any of its names; sending needs the permission."""

    kind = ""
    data_schema = Said

    def __init__(self, notifications: Notifications) -> None:
        self._notifications = notifications

    async def start(self) -> None:
        await self._notifications.start()

    async def stop(self) -> None:
        await self._notifications.stop()

    async def authorize(self, identity: Identity, action: str, topic: Topic) -> bool:
        """Anybody may listen and look back, what is for others is not shown to him."""
        check_name(topic.key)
        return action != "publish" or identity.may(PERMISSION)

    def audience(self, topic: Topic) -> Audience:
        """The tenant: these topics have no members."""
        return EVERYONE

    def visible(self, identity: Identity, message: Message) -> bool:
        """Addressed to him, and not unwanted."""
        return self._notifications.wishes.visible(identity, message)

    async def receive(
        self, identity: Identity, topic: Topic, data: Mapping[str, Any]
    ) -> dict[str, Any]:
        """A post over a socket; it goes to the tenant. To reach some only, there is REST."""
        said = await super().receive(identity, topic, data)
        return self._notifications.complete(topic.key, **said)

    async def seen(self, identity: Identity, topic: Topic, offset: int) -> Read:
        """What is listed of the topic up to there is viewed."""
        return await self.server.write(lambda tx: view_upto(tx, identity, topic, offset))

    def append_in(self, tx: Tx, draft: Draft) -> Posted:
        """What was posted, listed where it is to be. A house that names no audience means all."""
        if draft.audience.members:
            draft = replace(draft, audience=EVERYONE)
        posted = tx.append(self._notifications.widen(draft))
        list_in(tx, posted.message)
        return posted

    def pruned_in(self, tx: Tx, messages: Sequence[Message]) -> None:
        """They are listed no longer, and nothing is known of who got or saw them."""
        forget_in(tx, messages)
