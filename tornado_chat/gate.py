"""The one gate: may this person do this here? Default deny.

Every way to a topic passes it, for frames, REST and catching up alike.
"""

from collections.abc import Awaitable, Callable

from tornado_chat.errors import Denied, NotFound
from tornado_chat.messages import Identity, Topic
from tornado_chat.plugins.providers import Asked, Registry
from tornado_chat.topics import Action

Vetoes = Callable[[Identity, str, Topic], Awaitable[None]]


class Gate:
    """`vetoes(identity, action, topic)` raises where a plugin vetoes; it widens nothing. None where
    no plugin can."""

    def __init__(self, registry: Registry, vetoes: Vetoes | None = None) -> None:
        self._registry = registry
        self._vetoes = vetoes

    async def check(self, identity: Identity, action: Action, topic: Topic) -> Asked:
        """The topic's provider, where the person may; else Denied, or NotFound for a kind nobody
        owns. A topic of another tenant answers as one that is not there."""
        if not identity.tenant or identity.tenant != topic.tenant:
            raise NotFound(f"topic {topic.name}: not there")
        provider = self._registry.of(topic)
        if not await provider.authorize(identity, action, topic):
            raise Denied(f"{action} {topic.name}: not allowed")
        if self._vetoes is not None:
            await self._vetoes(identity, action, topic)
        return provider
