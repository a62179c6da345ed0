"""Whether the process lives, and whether it should be sent work."""

import contextlib
from typing import Any

from marshmallow import Schema, fields

from tornado_chat.errors import ChatError
from tornado_chat.web.api import describe
from tornado_chat.web.base import Handler
from tornado_chat.web.credentials import read_credentials

# What is told of a plugin, beside what it is.
HEALTH = ("calls", "lost_events", "waiting_events", "delayed_writes", "waiting_writes")


class LiveAnswer(Schema):
    live = fields.Boolean()


class ReadyAnswer(Schema):
    """`durability`, `plugin_health`: only for who may know."""

    ready = fields.Boolean()
    store = fields.String(metadata={"example": "ok"})
    sessions = fields.Integer()
    plugins = fields.List(fields.String())
    durability = fields.String(metadata={"optional": True})
    plugin_health = fields.Dict(metadata={"optional": True})


class Live(Handler):
    """The loop turns: no more is asked."""

    public = True

    @describe("Whether the process turns", answer=LiveAnswer)
    def get(self) -> None:
        self.answer({"live": True})


class Ready(Handler):
    """503 while the house starts, leaves, or cannot read its store. Who shows a key with the
    permission `status` is told more; any other key changes nothing."""

    public = True

    @describe("Whether to send it work", answer=ReadyAnswer, status=(200, 503))
    async def get(self) -> None:
        report = await self.server.report()
        if report["ready"] and await self._may_know():
            report["durability"] = self.server.store.durability
            report["plugin_health"] = self._plugin_health()
        self.answer(report, 200 if report["ready"] else 503)

    def _plugin_health(self) -> dict[str, Any]:
        return {
            each["name"]: {name: each[name] for name in HEALTH}
            for each in self.server.plugins.describe()
        }

    async def _may_know(self) -> bool:
        if read_credentials(self.request).key is None:
            return False
        with contextlib.suppress(ChatError):
            return (await self.identify()).may("status")
        return False
