"""`/metrics`: figures for a Prometheus, to whoever may know how the server is."""

import asyncio
from importlib import import_module

from tornado_chat.errors import Denied
from tornado_chat.web.api import describe
from tornado_chat.web.base import Handler

PERMISSION = "status"
KINDS = ("text/plain", "application/openmetrics-text")


class Metrics(Handler):
    """What it shows is in `tornado_chat.metrics`, which nobody imports who is not asked."""

    @describe("Figures for a Prometheus", answer=KINDS)
    async def get(self) -> None:
        if not self.identity.may(PERMISSION):
            raise Denied(f"/metrics: needs the permission {PERMISSION}")
        # In a thread, or everybody would wait for the first scrape
        metrics = await asyncio.to_thread(import_module, "tornado_chat.metrics")
        accept = self.request.headers.get("Accept", "")
        text, content_type = await metrics.scrape(self.server, self.application, accept)
        self.set_header("Content-Type", content_type)
        self.finish(text)
