"""What the two sockets of the face share: nothing is ever answered on them."""

import logging
from weakref import WeakSet

from tornado_chat import ChatError, Dialect, Server, Session, TooLarge

log = logging.getLogger("tornado_chat.growerp")


class FaceDialect(Dialect):
    """Whatever is wrong with a frame, its sender hears nothing; the administrator reads one line a
    session, without a word of the text, and the others where the log is at `debug`."""

    addressed = True
    # Ours -> what a foreign wire knows (RFC 6455 7.4.1): 1008 policy violation, 1013 try again later
    close_codes = {4001: 1008, 4002: 1008, 4008: 1013, 4009: 1008}  # noqa: RUF012 - a constant

    def __init__(self, server: Server) -> None:
        self.server = server
        self._complained: WeakSet[Session] = WeakSet()

    @property
    def settle_seconds(self) -> float:  # type: ignore[override]
        """As the configuration says now."""
        return self.server.config.delivery.settle_seconds

    def check_size(self, text: str) -> None:
        """Raises TooLarge."""
        limit = self.server.config.limits.frame_bytes
        if limit and (len(text) > limit or len(text.encode()) > limit):
            raise TooLarge("larger than limits.frame_bytes")

    def refuse(self, session: Session, problem: ChatError) -> None:
        level = logging.DEBUG if session in self._complained else logging.INFO
        self._complained.add(session)
        log.log(
            level,
            "session %d: a frame of %s on %s was dropped: %s",
            session.id,
            session.identity.user_id,
            self.path,
            problem.code,
        )
