"""What fails again and again is left alone for a while, and tried again later."""

import time
from collections.abc import Callable

FIRST_SECONDS = 1.0  # then twice as long after each further failure
LONGEST_SECONDS = 60.0


class Breaker:
    """`after`: failures in a row from which on it is set aside. `clock`: seconds, monotonic."""

    def __init__(self, after: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._after = after
        self._clock = clock
        self.failures = 0  # in a row
        self._until = 0.0

    def failed(self) -> float:
        """Counts a failure; for how many seconds it is set aside now, 0 for not yet."""
        self.failures += 1
        if self.failures < self._after:
            return 0.0
        pause = FIRST_SECONDS * 2.0 ** min(self.failures - self._after, 20)
        pause = min(pause, LONGEST_SECONDS)
        self._until = self._clock() + pause
        return pause

    def went_well(self) -> bool:
        """Whether it had been set aside: it works again."""
        was = self.failures >= self._after
        self.failures = 0
        return was

    @property
    def open(self) -> bool:
        """Whether it is to be left alone now."""
        return self.failures >= self._after and self._clock() < self._until
