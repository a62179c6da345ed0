"""A plugin for tests of the core: kinds that everybody of a tenant may use.

`board:KEY` is numbered, `typing:KEY` is signals; keys that begin with `closed` are for nobody,
`said` gives its reason, the state of `slow` hangs.
"""

import asyncio
from types import ModuleType

from tornado_chat import Denied, TopicProvider, hookimpl
from tornado_chat.plugins import Plugin


class Board(TopicProvider):
    kind = "board"

    async def authorize(self, identity, action, topic):
        if topic.key == "said":
            raise Denied(f"{action} {topic.name}: not a member")
        return not topic.key.startswith("closed")

    async def receive(self, identity, topic, data):
        return dict(data)

    async def snapshot(self, identity, topic):
        if topic.key == "slow":
            await asyncio.sleep(30)
        return {"topic": topic.key}


class Typing(Board):
    kind = "typing"
    history = 0


@hookimpl
def register_topics():
    return [Board(), Typing()]


def plugin(name, **members):
    """A plugin given in code."""
    module = ModuleType(name)
    module.api = 1
    for key, value in members.items():
        setattr(module, key, value)
    return module


def owner(name):
    """A plugin that is loaded, and has nothing."""
    return Plugin(name, plugin(name), "code", name)


def boards():
    return plugin("boards", register_topics=register_topics)


def plugin_of(*providers, **hooks):
    """A plugin with these providers of topics, and with hooks of the test's own."""

    @hookimpl
    def register_topics():
        return list(providers)

    return plugin("given", register_topics=register_topics, **hooks)
