"""What one run of the contract is about, on one server."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tornado_chat.errors import ChatError
from tornado_chat.messages import Identity, Topic
from tornado_chat.testing.chat import Chat
from tornado_chat.testing.contract.rules import broken
from tornado_chat.testing.contract.states import Apply, Applying, applying
from tornado_chat.testing.people import PEOPLE
from tornado_chat.topics import TopicProvider

TopicOf = Callable[[Chat], Awaitable[str]]
Change = Mapping[str, Any] | Callable[[Chat], Awaitable[object]]

SECONDS = 5.0  # for one call of a method


@dataclass
class Case:
    """`people`: of the topic's tenant, `who` first. `apply`: as a subscriber applies a push."""

    chat: Chat
    provider: TopicProvider
    topic: Topic
    who: str
    changes: Sequence[Change]
    apply: Applying
    people: dict[str, Identity]
    stranger: str  # somebody of another tenant

    @classmethod
    async def begin(
        cls, chat: Chat, name: str, who: str, changes: Sequence[Change], apply: Apply | None
    ) -> "Case":
        everybody = {each: await chat.identity(each) for each in (who, *PEOPLE)}
        tenant = everybody[who].tenant
        topic = Topic.parse(tenant, name)
        provider = chat.server.topics.of(topic).provider
        people = {each: found for each, found in everybody.items() if found.tenant == tenant}
        stranger = next(each for each, found in everybody.items() if found.tenant != tenant)
        return cls(
            *(chat, provider, topic, who, changes, applying(provider, apply), people, stranger)
        )

    @property
    def posts(self) -> list[Mapping[str, Any]]:
        """The changes that are posted."""
        return [change for change in self.changes if isinstance(change, Mapping)]

    async def may(self, name: str, action: Any) -> bool:
        """Whether one of the people may do that on the topic."""
        with suppress(ChatError):
            return bool(await self.provider.authorize(self.people[name], action, self.topic))
        return False

    async def ask(self, rule: str, what: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """What a method answers, or the house's error that it raised; anything else breaks the
        rule. Errors that say that something failed here (500 and above) are no answer."""
        __tracebackhide__ = True
        try:
            return await asyncio.wait_for(call(), SECONDS)
        except ChatError as error:
            if error.status >= 500:
                broken(rule, f"{what} raised {type(error).__name__}: {error.message}")
            return error
        except TimeoutError:
            broken(rule, f"{what} did not answer within {SECONDS:g} s")
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            broken(rule, f"{what} raised {type(error).__name__}: {error}")
