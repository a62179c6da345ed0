"""The files that a browser fetches, from memory and as they were installed: the JavaScript client."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tornado_chat.errors import NotFound
from tornado_chat.web.api import describe
from tornado_chat.web.base import Handler

FOLDER = Path(__file__).parent / "static"
MEDIA_TYPES = {".js": "text/javascript; charset=utf-8"}  # others are not served


@dataclass(frozen=True, slots=True)
class File:
    body: bytes
    media_type: str
    etag: str  # of the body


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
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return File(body, MEDIA_TYPES[path.suffix], etag)


class StaticFile(Handler):
    """Kept by browsers, and asked for again each time by its ETag: after an upgrade all parts are
    new, before it none is sent twice."""

    public = True

    @describe(
        "A module of the JavaScript client",
        answer=("text/javascript",),
        status=(200, 304),
        errors=("not_found",),
    )
    def get(self, module: str = "") -> None:
        file = files().get(self.request.path)
        if file is None:
            raise NotFound(f"{self.request.path[:200]}: not there")
        self.set_header("Content-Type", file.media_type)
        self.set_header("Cache-Control", "no-cache")
        self.set_header("ETag", file.etag)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Vary", "Origin")
        if self.check_etag_header():
            self.set_status(304)
            self.finish()
        else:
            self.finish(file.body)

    def head(self, module: str = "") -> None:
        """The same without its body."""
        self.get(module)
