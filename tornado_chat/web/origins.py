"""Which web pages may call us: [server] allowed_origins."""

from collections.abc import Sequence
from urllib.parse import urlsplit


class Origins:
    """`*` lets every page in, which harms nobody here: no cookie is a credential, so a foreign
    page has only the keys that it brings itself."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self.allow_only(allowed)

    def allow_only(self, allowed: Sequence[str]) -> None:
        """From now on these."""
        self._any = "*" in allowed
        self._allowed = {origin.rstrip("/").lower() for origin in allowed}

    def allow(self, origin: str, host: str) -> bool:
        """`origin` as the browser sent it; the page of our own host may always."""
        if self._any or origin.rstrip("/").lower() in self._allowed:
            return True
        try:
            return urlsplit(origin).netloc.lower() == host.lower()
        except ValueError:  # no address of a page
            return False
