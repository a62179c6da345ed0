"""The owners of topics: what a plugin subclasses.

Knows neither sockets nor tables; what a provider needs of the house it reaches by its `server`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from marshmallow import Schema, ValidationError

from tornado_chat.errors import BadRequest, Denied
from tornado_chat.messages import MEMBERS, Audience, Draft, Identity, Message, Posted, Topic

if TYPE_CHECKING:
    from tornado_chat.app import Server
    from tornado_chat.store.members import Read
    from tornado_chat.store.transaction import Tx

Action = Literal["subscribe", "publish", "history"]

KIND = re.compile(r"[a-z][a-z0-9_]{0,31}")  # as long as the column of the store


class TopicProvider:
    """The owner of every topic `kind:…`: who may what there, what may be posted, what is now.

    All methods run on the loop's thread. The ones that are `async` may wait; `audience` and
    `visible` are asked per message and must be quick.
    """

    # The part of the name before the colon. Empty: the plain names, and only one plugin may.
    kind: str = ""
    # What a person may post, by the default `receive`. None: nothing.
    data_schema: type[Schema] | None = None
    # How much is kept: the newest so many, or nothing older; 0 nothing, all are signals; None as
    # [retention] says. A word there on the kind or on the topic goes before it.
    history: int | timedelta | None = None
    # Set by the host when the provider is registered, before `start`.
    server: "Server"

    async def start(self) -> None:
        """Before the first socket is accepted; the database is open."""

    async def stop(self) -> None:
        """After the last socket was closed; the database is still open."""

    async def authorize(self, identity: Identity, action: Action, topic: Topic) -> bool:
        """Whether this person may subscribe, publish, or read the history; nobody may, unless
        a subclass says so. `topic.tenant` is always that of the person.

        False is answered `denied`. Raise `Denied` with a text to say why, or `NotFound` to keep to
        oneself whether the topic is there.
        """
        del identity, action, topic
        return False

    def audience(self, topic: Topic) -> Audience:
        """To whom a message goes when its publisher names nobody."""
        del topic
        return MEMBERS

    def visible(self, identity: Identity, message: Message) -> bool:
        """Whether a subscriber may see this one message."""
        return message.audience.includes(identity)

    async def snapshot(self, identity: Identity, topic: Topic) -> object | None:
        """The state now, as JSON knows it, for somebody who subscribes; None for no state."""
        del identity, topic
        return None

    async def receive(
        self, identity: Identity, topic: Topic, data: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What a person posts, checked and completed; it becomes the message's data.

        By default what `data_schema` loads, whose fields must load into what JSON knows. Raises
        BadRequest that names the field, Denied where nothing may be posted.
        """
        del identity
        if self._schema is None:
            raise Denied(f"publish {topic.name}: this topic takes no posts")
        try:
            loaded: dict[str, Any] = self._schema.load(data)
        except ValidationError as error:
            raise BadRequest(f"publish {topic.name}: {first_fault(error.messages)}") from None
        return loaded

    async def seen(self, identity: Identity, topic: Topic, offset: int) -> "Read":
        """This person has read the topic up to the offset; asked after `authorize` for "history".

        By default what the members of a topic have read. Raises Denied for who is none.
        """
        read = await self.server.write(lambda tx: tx.members.read(topic, identity.user_id, offset))
        if read is None:
            raise Denied(f"seen {topic.name}: not a member")
        return read

    def append_in(self, tx: "Tx", draft: Draft) -> Posted:
        """Numbers what was posted or published here, in the writer's thread; a subclass may write
        rows of its own beside it, all or nothing.

        Not called for `tx.publish`, whose caller has the transaction in his hands.
        """
        return tx.append(draft)

    def pruned_in(self, tx: "Tx", messages: Sequence[Message]) -> None:
        """These messages are thrown away, being too old, in this transaction: rows that belong to
        them go now. In the writer's thread; at most 500, in order, and of each topic its oldest.

        It may be run twice for one message, so it must touch nothing else. Where it raises, the
        messages stay, and it is asked again minutes later.
        """

    @cached_property
    def _schema(self) -> Schema | None:
        return self.data_schema() if self.data_schema else None

    def topic(self, key: str) -> Topic:
        """The topic that a bare key means in `publish`. A subclass whose keys are unique over all
        tenants, or are tenants, says which tenant it is."""
        raise ValueError(
            f"{type(self).__name__}.publish({key!r}): a bare key names no tenant; "
            "give a Topic, or override topic(key)"
        )

    async def publish(
        self,
        key: str | Topic,
        data: Mapping[str, Any],
        *,
        audience: Audience | None = None,
        sender: str | None = None,
        sender_name: str | None = None,
    ) -> Message | None:
        """Publishes as the house: trusted, unchecked. `audience` None: `self.audience(topic)`.

        Answers after the commit; with None where `history` is 0, since signals have no number.
        """
        topic = self.topic_of(key)
        return await self.server.publish(
            topic,
            data,
            audience=audience or self.audience(topic),
            sender=sender,
            sender_name=sender_name,
        )

    def topic_of(self, key: str | Topic) -> Topic:
        """A topic of this provider, from a Topic or from a bare key by `topic`."""
        topic = key if isinstance(key, Topic) else self.topic(key)
        if topic.kind != self.kind:
            raise ValueError(f"{type(self).__name__} does not own {topic.name}")
        return topic


def is_history(value: object) -> bool:
    """Whether a provider's `history` can be meant: None, and nothing that is negative."""
    if isinstance(value, timedelta):
        return value >= timedelta()
    return value is None or (isinstance(value, int) and value >= 0)


def first_fault(messages: Any, path: str = "") -> str:
    """One line out of marshmallow's messages: the first field at fault, by its path, and why."""
    if isinstance(messages, Mapping) and messages:
        name, inner = next(iter(messages.items()))
        if name == "_schema":
            return first_fault(inner, path)
        step = str(name)[:64]  # an unknown field is named by whoever sent it
        return first_fault(inner, f"{path}.{step}" if path else step)
    text = str(messages[0] if isinstance(messages, list) and messages else messages).rstrip(".")
    text = text[:1].lower() + text[1:]
    return f"{path}: {text}" if path else text
