"""Loaded by the measured server: a topic without history, and a look at how long a turn takes.

`ticks:KEY` is open to everybody of the tenant. GET /plugins/bench/turns gives the longest turn of
the loop since the last time, in seconds, and begins to look at the first call.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from tornado_chat import Identity, PluginHandler, Server, Topic, TopicProvider, hookimpl

LOOK_SECONDS = 0.002


class Ticks(TopicProvider):
    kind = "ticks"
    history = 0

    async def authorize(self, identity: Identity, action: str, topic: Topic) -> bool:
        return True

    async def receive(
        self, identity: Identity, topic: Topic, data: Mapping[str, Any]
    ) -> dict[str, Any]:
        return dict(data)


class Turns:
    """A timer that is late by as much as the loop was held up."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._due: float | None = None

    def take(self) -> float:
        """What was longest; begins anew."""
        longest, self.longest = self.longest, 0.0
        if self._due is None:
            self._begin()
        return longest

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        self._due = loop.time() + LOOK_SECONDS
        loop.call_at(self._due, self._look)

    def _look(self) -> None:
        assert self._due is not None
        late = asyncio.get_running_loop().time() - self._due
        self.longest = max(self.longest, late)
        self._begin()


class TurnsHandler(PluginHandler):
    turns: Turns

    def initialize(  # type: ignore[override]
        self, server: Server, config: Mapping[str, Any], turns: Turns
    ) -> None:
        super().initialize(server, config)
        self.turns = turns

    async def get(self) -> None:
        self.answer({"longest": self.turns.take()})


api = 1


@hookimpl
def register_topics() -> list[TopicProvider]:
    return [Ticks()]


@hookimpl
def register_routes() -> list[tuple[Any, ...]]:
    return [("/turns", TurnsHandler, {"turns": Turns()})]
