"""The tree of errors that may reach a client, each with its code and HTTP status; and the codes
with which sockets are closed.

    ChatError                 internal      500
    ├── BadRequest            bad_request   400
    ├── Unauthorized          unauthorized  401
    ├── Denied                denied        403
    ├── NotFound              not_found     404
    ├── TooLarge              too_large     413
    ├── RateLimited           rate_limited  429
    ├── Conflict              conflict      409
    └── Unavailable           unavailable   503

Beside it `SetupError`, for the person who starts the server: never sent to a client.

Texts are lower case, name the thing, and end without a full stop. They may be shown to the
person who caused them, so they never hold a key, a password or the text of a message.
"""

import math
from typing import ClassVar

# Close codes, docs/reference/errors.md: from 4000 on our own, else of the registry of RFC 6455.
GOING_AWAY = 1012  # service restart
TRY_LATER = 1013
NO_KEY = 4001  # none in time, a bad one, or it has expired
NOT_TEXT = 4002  # a binary frame
TOO_SLOW = 4008  # no byte was taken for a while
REVOKED = 4009  # ended by the house
CLOSE_CODES = GOING_AWAY, TRY_LATER, NO_KEY, NOT_TEXT, TOO_SLOW, REVOKED


class ChatError(Exception):
    """Something a client is told in the manner of its dialect."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retry_after: float | None = None  # seconds, where trying again later is right

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.code)
        self.message = message or self.code

    def body(self) -> dict[str, str]:
        """What the house's own doors say of it."""
        return {"code": self.code, "message": self.message}

    def headers(self) -> dict[str, str]:
        """What an HTTP answer says beside it: when to come back, in whole seconds."""
        if self.retry_after is None:
            return {}
        return {"Retry-After": str(max(1, math.ceil(self.retry_after)))}


class BadRequest(ChatError):
    """The frame or body cannot be read, or says something that cannot be meant."""

    code, status = "bad_request", 400


class Unauthorized(ChatError):
    """Nobody known: no credential, a bad one, or one that has ended."""

    code, status = "unauthorized", 401


class Denied(ChatError):
    """Somebody known, who may not do this here."""

    code, status = "denied", 403


class NotFound(ChatError):
    """Not there, or not for the eyes of the person who asks: the two answer alike."""

    code, status = "not_found", 404


class TooLarge(ChatError):
    """More bytes or a deeper nesting than [limits] allows."""

    code, status = "too_large", 413


class RateLimited(ChatError):
    """Too many in too short a time; `retry_after` says in how many seconds to try again."""

    code, status = "rate_limited", 429

    def __init__(self, message: str = "", retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Conflict(ChatError):
    """The same key came again with another body."""

    code, status = "conflict", 409


class Unavailable(ChatError):
    """The store, or a service behind us, cannot answer now; trying again later is right."""

    code, status = "unavailable", 503
    retry_after = 2.0


class SetupError(Exception):
    """Configuration, plugin or database that does not let the server start; ends the command
    with its text on stderr and exit status 1."""


ALL: tuple[type[ChatError], ...] = (
    BadRequest,
    Unauthorized,
    Denied,
    NotFound,
    TooLarge,
    RateLimited,
    Conflict,
    Unavailable,
    ChatError,
)
