"""How often one address may do what nobody must be known for."""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from tornado_chat import RateLimited

TABLE_SIZE = 10_000  # the longest unused goes first


class PerAddress:
    """`times` in so many seconds for each address, as many at once; 0: no limit."""

    def __init__(
        self, times: float, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = times / seconds
        self._full = max(1.0, times)
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> None:
        """Raises RateLimited."""
        if not self._rate:
            return
        name, now = network(address), self._clock()
        level, since = self._levels.get(name, (self._full, now))
        level = min(self._full, level + (now - since) * self._rate)
        if level < 1:
            raise RateLimited("too often, try again later", math.ceil((1 - level) / self._rate))
        self._levels[name] = (level - 1, now)
        self._levels.move_to_end(name)
        if len(self._levels) > TABLE_SIZE:
            self._levels.popitem(last=False)


def network(address: str) -> str:
    """An IPv4 address, or the /64 that one subscriber has of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv4Address) or parsed.ipv4_mapped:
        return str(getattr(parsed, "ipv4_mapped", None) or parsed)
    return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
