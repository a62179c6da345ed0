"""Which web pages may call us: [server] allowed_origins."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from tornado.httputil import HTTPServerRequest

from tornado_chat.errors import Unauthorized
from tornado_chat.web.credentials import header


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

    def headers(self, request: HTTPServerRequest) -> dict[str, str]:
        """By which a browser lets the page that asks read the answer; none where no page asks.
        Raises Unauthorized for a page that may not."""
        origin = header(request.headers, "Origin")
        if not origin:
            return {}
        if not self.allow(origin, request.host):
            raise Unauthorized("pages of this origin may not call here: server.allowed_origins")
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Expose-Headers": "moquiSessionToken, X-CSRF-Token",
            "Vary": "Origin",
        }
