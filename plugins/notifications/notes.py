"""When notifications reached people: gathered from all sessions, written together.

Thousands may prove one message within a second; they share one write, which nobody waits for.
"""

import asyncio
import logging
from collections.abc import Iterable

from peewee import chunked

from tornado_chat import ChatError, Server, Tx

from .models import Note

log = logging.getLogger("tornado_chat.notifications")

WAIT_SECONDS = 0.5
ROWS = 300  # in one INSERT
KEPT_MAX = 200_000  # that wait while the store cannot write; then the oldest are let go


class SentTimes:
    """What is proved and not yet written."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._waiting: dict[tuple[str, int], None] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, user_id: str, offsets: Iterable[int]) -> None:
        """Remembers them, to be written soon."""
        self._waiting.update(dict.fromkeys((user_id, offset) for offset in offsets))
        if self._waiting and self._task is None:
            self._task = self._server.spawn(self._later(), name="notifications.sent")

    async def _later(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(WAIT_SECONDS)
                await self.flush()
        finally:
            self._task = None

    async def flush(self) -> None:
        """Writes what waits; what cannot be written is kept for the next time."""
        pairs, self._waiting = list(self._waiting), {}
        if not pairs:
            return
        try:
            await self._server.write(lambda tx: write_sent(tx, pairs))
        except Exception as error:
            self._waiting = dict.fromkeys([*pairs, *self._waiting][-KEPT_MAX:])
            if not isinstance(error, ChatError):  # whatever it is, it is tried again
                log.exception("sent times cannot be written")


def write_sent(tx: Tx, pairs: list[tuple[str, int]]) -> None:
    """Notes the time now for each (user, offset) that has none."""
    now = tx.now
    for some in chunked(pairs, ROWS):
        rows = [(user_id, offset, now) for user_id, offset in some]
        fields = [Note.user_id, Note.offset, Note.sent]
        Note.insert_many(rows, fields=fields).on_conflict(
            conflict_target=[Note.user_id, Note.offset],
            update={Note.sent: now},
            where=Note.sent.is_null(),
        ).execute()
