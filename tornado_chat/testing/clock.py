"""The clock of a test: it goes as any other, and can be moved on."""

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tornado_chat.app import Server


class Clock:
    """Seconds since 1970 when it is called: the real time, and by how much it was moved."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.server: Server | None = None

    def __call__(self) -> float:
        return time.time() + self.ahead
