"""What was counted: how many, how quickly, and whether all of it came once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field


def quantile(sorted_times: Sequence[float], share: float) -> float:
    """The smallest of the times that so large a share does not exceed; 0 where there are none."""
    if not sorted_times:
        return 0.0
    return sorted_times[max(0, math.ceil(share * len(sorted_times)) - 1)]


@dataclass
class Hearing:
    """What one listener has of one talker, whose messages are numbered from 0."""

    heard: set[int] = field(default_factory=set)
    doubled: int = 0

    def hear(self, number: int) -> None:
        if number in self.heard:
            self.doubled += 1
        self.heard.add(number)

    def lost(self, said: int) -> int:
        """How many of so many never came."""
        return said - len(self.heard)


@dataclass(frozen=True)
class Figures:
    """A row of the table. `rate` a second; `times` in seconds, sorted; `lost` and `doubled` None
    where nothing was delivered."""

    name: str
    rate: float
    times: Sequence[float]
    lost: int | None = None
    doubled: int | None = None
    offered: float | None = None  # a second, where the pace was given
    busy: float = 0.0  # share of a core that the bench itself has used
    held: float = 0.0  # share of the time that the server's limits.frames_per_second took

    def at(self, share: float) -> float:
        """The time that so large a share of all did not exceed."""
        return quantile(self.times, share)
