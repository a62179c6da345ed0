"""How often somebody may be wrong: token buckets for unknown keys and failed logins.

It never slows those who are right: a token is taken before the check, so that a flood cannot run
ahead of its answers, and given back when the credential was good.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from tornado_chat.errors import RateLimited

TABLE_SIZE = 10_000  # the longest unused goes first; whoever is forgotten starts afresh
PER_ACCOUNT = 5  # times what an address may, so that one address cannot lock somebody out
TOO_MANY = "too many attempts, try again later"


class Buckets:
    """`per_minute` tokens a minute for each name, as many at once; 0: no limit."""

    def __init__(self, per_minute: float, clock: Callable[[], float]) -> None:
        self._rate = per_minute / 60
        self._full = max(1.0, per_minute)
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # name: (tokens, when)

    def __len__(self) -> int:
        return len(self._levels)

    def take(self, name: str) -> float:
        """Takes one token: 0, else the seconds until there is one, and none is taken."""
        if not self._rate:
            return 0.0
        level = self._level(name)
        if level < 1:
            return (1 - level) / self._rate
        self._set(name, level - 1)
        return 0.0

    def give_back(self, name: str) -> None:
        if self._rate and name in self._levels:
            self._set(name, min(self._full, self._level(name) + 1))

    def _level(self, name: str) -> float:
        now = self._clock()
        tokens, since = self._levels.get(name, (self._full, now))
        return min(self._full, tokens + max(0.0, now - since) * self._rate)

    def _set(self, name: str, level: float) -> None:
        self._levels[name] = (level, self._clock())
        self._levels.move_to_end(name)
        if len(self._levels) > TABLE_SIZE:
            self._levels.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Tokens that were taken; `undo` gives them back: it was right, or could not be checked."""

    taken: tuple[tuple[Buckets, str], ...] = ()

    def undo(self) -> None:
        for buckets, name in self.taken:
            buckets.give_back(name)


class Throttle:
    """Unknown keys and failed logins count by address, failed logins by account too.

    One address is one bucket for both. An account has a wider one of its own, whether it exists
    or not, so that many addresses cannot guess at one password together.
    """

    def __init__(self, per_minute: float, clock: Callable[[], float]) -> None:
        self._addresses = Buckets(per_minute, clock)
        self._accounts = Buckets(per_minute * PER_ACCOUNT, clock)

    def key(self, address: str) -> Attempt:
        """Before an unknown key is looked at further. Raises RateLimited."""
        return self._begin((self._addresses, network(address)))

    def login(self, address: str, login_key: str) -> Attempt:
        """Before a password is looked at. Raises RateLimited."""
        return self._begin(
            (self._addresses, network(address)), (self._accounts, login_key[:TABLE_NAME_MAX])
        )

    @staticmethod
    def _begin(*wanted: tuple[Buckets, str]) -> Attempt:
        attempt = Attempt()
        for buckets, name in wanted:
            wait = buckets.take(name)
            if wait:
                attempt.undo()
                raise RateLimited(TOO_MANY, retry_after=wait)
            attempt = Attempt((*attempt.taken, (buckets, name)))
        return attempt


TABLE_NAME_MAX = 255  # characters of a name that a bucket is kept under


def network(address: str) -> str:
    """Whose bucket it is: an IPv4 address, or the /64 that one subscriber has of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:TABLE_NAME_MAX]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
