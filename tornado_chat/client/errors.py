"""What may go wrong, as the caller sees it.

ChatError           what the server answered; `code` is one of the native protocol's
├── Closed          the client was closed, by its owner, before this was answered
├── QueueFull       too many messages wait to be published
└── Unauthorized    no key, a bad one, or one that has ended; the client does not come back

`Lost` never leaves the package: it is the network's, and is lived with.
"""


class ChatError(Exception):
    """`code`: as in the table of errors of the native protocol; `message` is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Closed(ChatError):
    """Closed by its owner. A publish that ends so may be there or not: its key decides."""

    def __init__(self, message: str = "the client is closed") -> None:
        super().__init__("closed", message)


class QueueFull(ChatError):
    """As many messages wait to be published as `connect(queue=…)` allows; this one was not taken."""

    def __init__(self, message: str) -> None:
        super().__init__("queue_full", message)


class Unauthorized(ChatError):
    """The key is not, or no longer, good. Nothing is tried again with it."""

    def __init__(self, message: str) -> None:
        super().__init__("unauthorized", message)


class Lost(Exception):
    """The connection ended, or did not come to be, in a way that may be better next time.
    `window`: the seconds, from and to, that the server asked to stay away."""

    def __init__(self, message: str, window: tuple[float, float] | None = None) -> None:
        super().__init__(message)
        self.window = window
