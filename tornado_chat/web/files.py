"""The files that a browser fetches, from memory and as they were installed: the web page, and the
JavaScript client."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tornado_chat.errors import NotFound
from tornado_chat.web.api import describe
from tornado_chat.web.base import Handler
from tornado_chat.web.credentials import header

FOLDER = Path(__file__).parent / "static"
MEDIA_TYPES = {  # others are not served
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
PAGE = "/index.html"  # served at /
# The page is made of files of ours alone, talks to us alone, shows text as text, and stands in no
# frame. 'self' of connect-src is the sockets too.
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Coded:
    """A file as it goes over the wire, and its ETag."""

    body: bytes
    etag: str
    encoding: str = ""  # "" for as it is


@dataclass(frozen=True, slots=True)
class File:
    media_type: str
    plain: Coded
    packed: Coded  # once for all who ask, so that it costs no request anything


@cache
def files() -> Mapping[str, File]:
    """By path. Read when the first is asked for: they are few and small."""
    return {
        f"/{path.relative_to(FOLDER).as_posix()}": read(path)
        for path in FOLDER.rglob("*")
        if path.suffix in MEDIA_TYPES
    }


def read(path: Path) -> File:
    body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:32]
    packed = Coded(gzip.compress(body, mtime=0), f'"{digest}-gzip"', "gzip")
    return File(MEDIA_TYPES[path.suffix], Coded(body, f'"{digest}"'), packed)


def takes_gzip(accepted: str) -> bool:
    """Whether the header Accept-Encoding names it, RFC 9110 section 12.5.3."""
    for each in accepted.lower().split(","):
        name, _, quality = each.replace(" ", "").partition(";q=")
        if name in {"gzip", "x-gzip"}:
            return quality.rstrip("0") not in {"0.", ""} if quality else True
    return False


class StaticFile(Handler):
    """Kept by browsers, and asked for again each time by its ETag: after an upgrade all parts are
    new, before it none is sent twice."""

    public = True

    @describe(
        "A file of the web page or of the JavaScript client",
        answer=tuple(media_type.partition(";")[0] for media_type in MEDIA_TYPES.values()),
        status=(200, 304),
        errors=("not_found",),
    )
    def get(self, name: str = "") -> None:
        path = PAGE if self.request.path == "/" else self.request.path
        file = files().get(path)
        if file is None:
            raise NotFound(f"{self.request.path[:200]}: not there")
        accepted = header(self.request.headers, "Accept-Encoding")
        coded = file.packed if takes_gzip(accepted) else file.plain
        self.set_header("Content-Type", file.media_type)
        if coded.encoding:
            self.set_header("Content-Encoding", coded.encoding)
        self.set_header("Cache-Control", "no-cache")
        self.set_header("ETag", coded.etag)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Vary", "Origin, Accept-Encoding")
        for each, value in PAGE_HEADERS.items() if path == PAGE else ():
            self.set_header(each, value)
        if self.check_etag_header():
            self.set_status(304)
            self.finish()
        else:
            self.finish(coded.body)

    def head(self, name: str = "") -> None:
        """The same without its body."""
        self.get(name)
