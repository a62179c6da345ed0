"""The checks that every provider of topics must pass, on a real server.

rules     what is asked for, by name        methods   the provider's methods, asked one by one
story     what subscribers see              states    how a state is compared, and pushes applied
"""

import copy
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from types import ModuleType
from typing import Any

from tornado_chat.hookspecs import hookimpl
from tornado_chat.testing.chat import Chat
from tornado_chat.testing.contract.case import Case, Change, TopicOf
from tornado_chat.testing.contract.methods import check_methods
from tornado_chat.testing.contract.rules import RULES
from tornado_chat.testing.contract.states import Apply
from tornado_chat.testing.contract.story import Story
from tornado_chat.testing.finding import Named
from tornado_chat.testing.running import chat_server
from tornado_chat.topics import TopicProvider

__all__ = ["RULES", "plugin_contract"]

Subject = TopicProvider | type[TopicProvider] | Named


async def plugin_contract(
    subject: Subject,
    topic: str | TopicOf,
    changes: Sequence[Change] = (),
    apply: Apply | None = None,
    *,
    who: str = "ann",
    plugins: Iterable[Named] = (),
    config: Mapping[str, Any] | None = None,
) -> None:
    """Raises AssertionError that begins with the name of the rule that is broken; see `RULES`.

    `subject`: a provider, its class, or a plugin as `chat_server` takes it. `topic`: a name that
    `who` may subscribe, or an async function that gets the `Chat`, makes one, and gives its name.
    `changes`: what happens on it: a dict is posted by `who`, an async function gets the `Chat`.
    `apply(state, data)`: the state of a subscriber after a push of this data; one that takes a third
    argument gets the push whole. A StateProvider needs none; without it a push changes no state. `plugins`: what the subject needs beside itself.
    """
    __tracebackhide__ = True
    named = [as_plugin(subject), *plugins]
    case_on = partial(Case.begin, who=who, changes=changes, apply=apply)
    with tempfile.TemporaryDirectory() as folder:
        async with chat_server(named, config, folder=folder) as chat:
            name = await name_of(topic, chat)
            story = Story(await case_on(chat, name))
            await check_methods(story.case)
            await story.tell()
        async with chat_server(named, config, folder=folder) as chat:
            await story.go_on(await case_on(chat, name))
    if story.case.posts and not story.signals:
        async with chat_server(named, config) as chat:
            await Story(await case_on(chat, await name_of(topic, chat))).at_once()


async def name_of(topic: str | TopicOf, chat: Chat) -> str:
    """Made, where it has to be."""
    return topic if isinstance(topic, str) else await topic(chat)


def as_plugin(subject: Subject) -> Named:
    """A plugin with this provider alone; each server gets one of its own."""
    if not isinstance(subject, (TopicProvider, type)):
        return subject
    provider = subject

    def register_topics() -> list[TopicProvider]:
        return [provider() if isinstance(provider, type) else copy.deepcopy(provider)]

    module = ModuleType("contract")
    module.api = 1  # type: ignore[attr-defined]
    module.register_topics = hookimpl(register_topics)  # type: ignore[attr-defined]
    return module
