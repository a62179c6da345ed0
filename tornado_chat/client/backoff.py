"""How long to stay away: full jitter, so that a crowd does not come back as one."""

import random


class Backoff:
    """Pauses in seconds. The n-th in a row is anywhere between 0 and base times 2 to the n, at most
    `cap`; a connection that has lasted for `stable` seconds begins the row anew."""

    def __init__(
        self, base: float = 0.5, cap: float = 30.0, *, stable: float = 10.0, seed: int | None = None
    ) -> None:
        self._base = base
        self._cap = cap
        self._stable = stable
        self._row = 0
        self._chance = random.Random(seed)  # noqa: S311, spreads a crowd and guards nothing

    def lasted(self, seconds: float) -> None:
        """A connection has ended after so long."""
        if seconds >= self._stable:
            self._row = 0

    def pause(self, window: tuple[float, float] | None = None) -> float:
        """`window`: what the server asked for, which goes before our own idea. It counts in the row
        all the same: a server that is not back when it said is not hurried."""
        most = min(self._cap, self._base * 2 ** min(self._row, 32))
        self._row += 1
        return self._chance.uniform(*(window or (0.0, most)))
