"""Whether the process lives, and whether it should be sent work."""

from tornado_chat.web.base import Handler


class Live(Handler):
    """The loop turns: no more is asked."""

    public = True

    def get(self) -> None:
        self.answer({"live": True})


class Ready(Handler):
    """503 while the house starts, leaves, or cannot read its store."""

    public = True

    async def get(self) -> None:
        report = await self.server.report()
        self.answer(report, 200 if report["ready"] else 503)
