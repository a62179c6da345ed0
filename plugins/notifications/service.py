"""What other plugins are given as `server.service("notifications")`: send, list, mark, prefer.

    notifications = server.service("notifications")
    await notifications.send("SHOP", "StockLow", {"message": "3 left", "productId": "P-1"})

It addresses nobody outside the tenant it is told, and writes no row per recipient; who is named
by id excepted.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from tornado_chat import (
    Audience,
    BadRequest,
    Draft,
    Identity,
    Message,
    ReadTx,
    Server,
    Topic,
    Tx,
    offset_of,
    public_id,
)

from . import content
from .listing import Listed, list_in, listed, mark_viewed, unviewed_of, view_all
from .notes import SentTimes
from .preferences import KnownTopic, Preference, Preferences, wanting_all


class Notifications:
    """Sends notifications and keeps what became of them.

    The data of a message, as the log has it and native clients see it, are `message` (an
    object), `sub_topic`, `title`, `link`, `type`, `show_alert`, `alert_no_auto_hide`, `persist`
    and `topic_description`.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self.wishes = Preferences(lambda: server.config.topics)
        self._sent = SentTimes(server)

    async def start(self) -> None:
        """Reads what people prefer."""
        await self.wishes.load(self._server)

    async def stop(self) -> None:
        """Writes what waits."""
        await self._sent.flush()

    async def send(
        self,
        tenant: str,
        topic: str,
        message: Mapping[str, Any],
        *,
        sub_topic: str | None = None,
        title: str | None = None,
        link: str | None = None,
        type: str | None = None,  # noqa: A002 - the word of the wire
        show_alert: bool | None = None,
        alert_no_auto_hide: bool | None = None,
        persist: bool | None = None,
        users: Iterable[str] | None = None,
        group: str | None = None,
        sender: Identity | str | None = None,
        key: str | None = None,
    ) -> Message:
        """Sends a notification; answers after the commit.

        With neither `users` nor `group` it goes to the whole tenant, as with the group ALL_USERS;
        ids of another tenant reach nobody. None leaves each of the others to `[topics.NAME]`.
        `title` and `link` are templates, `${field}` is a field of the message. `key` makes a retry
        of the same `sender` safe, and means nothing without one. Raises BadRequest for what cannot be meant, TooLarge, Conflict.
        """
        draft = self._draft(
            tenant,
            topic,
            message,
            sub_topic=sub_topic,
            title=title,
            link=link,
            type=type,
            show_alert=show_alert,
            alert_no_auto_hide=alert_no_auto_hide,
            persist=persist,
            users=users,
            group=group,
            sender=sender,
            key=key,
        )
        return await self._server.write(lambda tx: self._put(tx, draft))

    def send_in(
        self,
        tx: Tx,
        tenant: str,
        topic: str,
        message: Mapping[str, Any],
        *,
        sub_topic: str | None = None,
        title: str | None = None,
        link: str | None = None,
        type: str | None = None,  # noqa: A002 - the word of the wire
        show_alert: bool | None = None,
        alert_no_auto_hide: bool | None = None,
        persist: bool | None = None,
        users: Iterable[str] | None = None,
        group: str | None = None,
        sender: Identity | str | None = None,
        key: str | None = None,
    ) -> Message:
        """`send` inside the work of `server.write`, beside whatever else commits with it."""
        draft = self._draft(
            tenant,
            topic,
            message,
            sub_topic=sub_topic,
            title=title,
            link=link,
            type=type,
            show_alert=show_alert,
            alert_no_auto_hide=alert_no_auto_hide,
            persist=persist,
            users=users,
            group=group,
            sender=sender,
            key=key,
        )
        return self._put(tx, draft)

    def _draft(
        self,
        tenant: str,
        topic: str,
        message: Mapping[str, Any],
        *,
        users: Iterable[str] | None,
        group: str | None,
        sender: Identity | str | None,
        key: str | None,
        **said: Any,
    ) -> Draft:
        name = content.check_name(topic)
        if not tenant:
            raise BadRequest(f"topic {name}: no tenant is named")
        audience = content.audience_of(users, group)
        return Draft(
            topic=Topic(tenant, "", name),
            data=self.complete(name, message, **said),
            audience=audience,
            sender=sender.user_id if isinstance(sender, Identity) else sender,
            sender_name=sender.name if isinstance(sender, Identity) else None,
            key=key,
            digest=content.digest_of(message, said, audience) if key else "",
        )

    def complete(self, topic: str, message: Any, **said: Any) -> dict[str, Any]:
        """The data of a notification: what its sender said, the rest from `[topics.NAME]`."""
        settings = self._server.config.topics.get(topic)
        return content.complete(settings, content.check_message(message), **said)

    def widen(self, draft: Draft) -> Draft:
        """With those who want all of the topic named too, in the writer's thread."""
        audience = draft.audience
        if audience.everyone:
            return draft
        more = wanting_all(draft.topic.tenant, draft.topic.key)
        users = audience.users | more
        return replace(draft, audience=Audience(users=users, groups=audience.groups))

    def _put(self, tx: Tx, draft: Draft) -> Message:
        draft = self.widen(draft)
        message = tx.publish(
            draft.topic,
            draft.data,
            audience=draft.audience,
            sender=draft.sender,
            sender_name=draft.sender_name,
            key=draft.key,
            digest=draft.digest,
        )
        # None only comes of topics that are signals, and ours are not
        list_in(tx, cast("Message", message))
        return cast("Message", message)

    # What became of them

    async def list(
        self, identity: Identity, *, limit: int = 20, start: int = 0, topic: str | None = None
    ) -> list[Listed]:
        """The persisted notifications of this person, newest first, passing over `start`.

        Consumes nothing: two calls give the same. At most 200, and none beyond the 10,000th.
        """
        if not identity.tenant:
            return []
        unwanted = self.wishes.unwanted(identity)
        return await self._server.read(
            lambda tx: listed(tx, identity, unwanted, limit=limit, start=start, topic=topic)
        )

    async def page(
        self, identity: Identity, *, limit: int = 20, start: int = 0, topic: str | None = None
    ) -> tuple[Sequence[Listed], int]:
        """What `list` gives, and how many of the newest thousand he has not seen, of one moment; by
        two queries more."""
        if not identity.tenant:
            return [], 0
        unwanted = self.wishes.unwanted(identity)

        def work(tx: ReadTx) -> tuple[Sequence[Listed], int]:
            found = listed(tx, identity, unwanted, limit=limit, start=start, topic=topic)
            return found, len(unviewed_of(identity, None, unwanted).unviewed)

        return await self._server.read(work)

    async def viewed(self, identity: Identity, ids: Collection[str]) -> Sequence[str]:
        """He has seen these, by their public ids; gives those that are marked now. Others than
        his own are passed over, the first time he saw one stays."""
        offsets = {offset: each for each in ids if (offset := offset_of(each)) is not None}
        if not identity.tenant or not offsets:
            return []
        marked = await self._server.write(lambda tx: mark_viewed(tx, identity, offsets))
        return [offsets[offset] for offset in sorted(marked)]

    async def viewed_all(self, identity: Identity) -> Sequence[str]:
        """He has seen all that is listed for him, of the newest thousand; gives those that he had
        not."""
        if not identity.tenant:
            return []
        unwanted = self.wishes.unwanted(identity)
        marked = await self._server.write(lambda tx: view_all(tx, identity, unwanted))
        return [public_id(offset) for offset in marked]

    async def sent(self, user_id: str, offsets: Iterable[int]) -> None:
        """It is proved that he has got the persisted messages of these offsets. Returns at once;
        written with those of others within a second, the first time stays."""
        self._sent.add(user_id, offsets)

    # What people want

    async def preferences(self, identity: Identity) -> dict[str, Preference]:
        """What this person has said, by topic."""
        return self.wishes.of(identity)

    async def topics(self, identity: Identity) -> Sequence[KnownTopic]:
        """Those about which he can say something, by name; one query."""
        return await self.wishes.known(self._server, identity)

    async def prefer(
        self,
        identity: Identity,
        topic: str,
        receive: bool | None = None,
        all: bool | None = None,  # noqa: A002 - the word of the wire
        mute: bool = False,
    ) -> Preference:
        """Says it anew, all parts: whether he receives the topic, whether also what is addressed to
        others of his tenant, whether it interrupts him. None takes back what he said."""
        name, tenant = content.check_name(topic), identity.tenant
        if not tenant:
            raise BadRequest(f"topic {name}: you belong to no tenant")
        wish = Preference(receive, all, mute)
        await self._server.write(
            lambda tx: self.wishes.set_in(tx, tenant, identity.user_id, name, wish)
        )
        return wish
