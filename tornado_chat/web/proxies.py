"""Who really asks, behind a web server of our own: [server] trusted_proxies."""

import functools
import ipaddress
from collections.abc import Sequence


class Proxies:
    """`X-Forwarded-For` is read from the right, as far as each hop is one we trust; what a client
    wrote to the left of that is a story. `networks`: addresses or CIDR blocks."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._trusted = [ipaddress.ip_network(each, strict=False) for each in networks]

    def address(self, peer: str, forwarded: str) -> str:
        """The client's address, as far as it can be known: `peer` is who opened the connection,
        `forwarded` the header X-Forwarded-For."""
        if not forwarded:
            return peer
        address = peer
        hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
        while hops and self._is_trusted(address):
            address = hops.pop()
        return address if _parsed(address) else peer

    def _is_trusted(self, address: str) -> bool:
        found = _parsed(address)
        return found is not None and any(
            found in network for network in self._trusted if network.version == found.version
        )


@functools.lru_cache(1024)
def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None
