"""How the house writes its log: loggers by room, lines for people or for programs, no secrets.

A line is written when a connection opens and when it closes, and one for each HTTP request; none
for a message. Never logged are keys, passwords and the text of messages: whoever logs keeps to
that, and what libraries write (Tornado puts whole addresses into its warnings) is scrubbed here.
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from tornado.httputil import HTTPServerRequest

from tornado_chat.messages import Identity

ACCESS = logging.getLogger("tornado_chat.access")
SESSION = logging.getLogger("tornado_chat.session")
BROKER = logging.getLogger("tornado_chat.broker")
STORE = logging.getLogger("tornado_chat.store")
PLUGINS = logging.getLogger("tornado_chat.plugins")

QUIET_PATHS = ("/health/", "/metrics")  # asked every few seconds by machines

# Names of credentials as they come in queries, forms, JSON and headers; the value goes.
_NAME = r"(?:api_?key|login_?key|access_?token|auth_?(?:user_?name|password)|password|moquiSessionToken)"
_SECRET = re.compile(
    rf"""(\b{_NAME}["']?\s*[=:]\s*["']?)[^&\s"',;)}}\]]+|(\b(?:Bearer|Basic)\s+)[\w.~+/=-]+""",
    re.IGNORECASE,
)
# What every record has; the rest came with `extra` and belongs to the line.
_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def scrub(text: str) -> str:
    """The text without the values of credentials."""
    return _SECRET.sub(lambda found: f"{found[1] or found[2]}***", text)


class TextLines(logging.Formatter):
    """`2026-11-22T10:00:00.123Z INFO session: opened session=s7 user=100021`."""

    def format(self, record: logging.LogRecord) -> str:
        room = record.name.removeprefix("tornado_chat.")
        extra = "".join(f" {key}={value}" for key, value in _extra(record).items())
        line = f"{_time(record)} {record.levelname} {room}: {record.getMessage()}{extra}"
        trace = _trace(self, record)
        return scrub(f"{line}\n{trace}" if trace else line)


class JsonLines(logging.Formatter):
    """One object a line: time, level, logger, message, what came with `extra`, and exception."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": scrub(record.getMessage()),
            **{key: _plain(value) for key, value in _extra(record).items()},
        }
        trace = _trace(self, record)
        if trace:
            line["exception"] = scrub(trace)
        return json.dumps(line, ensure_ascii=False)


class HouseHandler(logging.StreamHandler[TextIO]):
    """The one handler of the process; a class of its own so that `setup` finds it again."""


def setup(level: str = "info", format: str = "text", stream: TextIO | None = None) -> None:  # noqa: A002
    """Send all logs of this process to stderr. May be called again; the last call holds.

    `level` is for the house's own loggers; those of libraries are heard from warning on.
    """
    wanted = logging.getLevelNamesMapping()[level.upper()]
    handler = HouseHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if format == "json" else TextLines())
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, HouseHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(max(wanted, logging.WARNING))
    logging.getLogger("tornado_chat").setLevel(wanted)
    logging.captureWarnings(capture=True)


def log_request(request: HTTPServerRequest, status: int, identity: Identity | None) -> None:
    """One line a request, with its path and never its query. Costs nothing where it is not heard."""
    if status == 101 or (status < 500 and not ACCESS.isEnabledFor(logging.INFO)):
        return  # a socket, whose session is logged instead, or nobody listens
    quiet = request.path.startswith(QUIET_PATHS) and status < 500
    level = logging.ERROR if status >= 500 else logging.DEBUG if quiet else logging.INFO
    path = "".join(letter if letter.isprintable() else "?" for letter in request.path or "")
    ACCESS.log(
        level,
        "%s %s %d %.1f ms %s%s",
        request.method,
        path,
        status,
        1000 * request.request_time(),
        request.remote_ip,
        f" user={identity.user_id}" if identity else "",
    )


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in vars(record).items() if key not in _ORDINARY}


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | bool) or value is None else scrub(str(value))


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = [formatter.formatException(record.exc_info)] if record.exc_info else []
    if record.stack_info:
        parts.append(formatter.formatStack(record.stack_info))
    return "\n".join(parts)
