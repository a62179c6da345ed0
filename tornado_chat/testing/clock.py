"""The clock of a test: it goes as any other, and can be moved on."""

import time
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tornado_chat.testing.chat import Chat


class Clock:
    """Seconds since 1970 when it is called: the real time, and by how much it was moved (`ahead`)."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.chat: Chat | None = None

    def __call__(self) -> float:
        return time.time() + self.ahead

    async def move(self, **by: float) -> None:
        """Moves it on, by `hours=25` say: names as `datetime.timedelta` has them.

        What is due by then is done when it returns: sockets of expired keys are ended, old messages
        thrown away as [retention] says, keys of publishers and positions of sockets forgotten.
        What sleeps is not woken: a source that polls every minute still waits for its minute.
        """
        seconds = timedelta(**by).total_seconds()
        if seconds < 0:
            raise ValueError("the clock cannot be moved back")
        self.ahead += seconds
        if self.chat is not None:
            server = self.chat.server
            await self.chat.settled()
            await server.due.all(server.config.delivery)
            await self.chat.settled()
