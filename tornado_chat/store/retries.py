"""What came before: by the publisher's own key, or as the other half of a pair (rule 8).

Both are looked up in the transaction that gives the numbers, so two in flight cannot both win.
"""

import hashlib
import hmac
from typing import NamedTuple

from tornado_chat.errors import Conflict
from tornado_chat.messages import Draft, Message
from tornado_chat.store import prepared
from tornado_chat.store.models import PairingRow
from tornado_chat.store.prepared import execute, first


def digest_of(body: bytes) -> str:
    """By which a retry is told from another message under the same key."""
    return hashlib.sha256(body).hexdigest()


class Earlier(NamedTuple):
    """A message that was published before: its offset, and when (ms since 1970, UTC)."""

    offset: int
    at: int


class Retry:
    """One draft that has a key, or names the path by which it came; `topic_id`: its topic's row."""

    def __init__(self, draft: Draft, topic_id: int, body: bytes) -> None:
        self._draft = draft
        self._topic_id = topic_id
        self._digest = draft.digest or digest_of(body + draft.audience.text().encode())

    def find(self, pairs_since: int) -> Earlier | None:
        """The message that this one repeats, None for none. A pair is good from `pairs_since` (ms).
        Raises Conflict for a key that came before with another body."""
        return self._by_key() or self._by_pair(pairs_since)

    def _by_key(self) -> Earlier | None:
        draft = self._draft
        if not draft.key or not draft.sender:
            return None
        row = first(prepared.key_of, (draft.sender, self._topic_id, draft.key))
        if row is None:
            return None
        digest, offset, at = row
        if not hmac.compare_digest(digest, self._digest):
            raise Conflict(f"publish {draft.topic.name}: this key came before with another body")
        return Earlier(offset, at)

    def _by_pair(self, since: int) -> Earlier | None:
        """One frame pairs with one POST of the same key, room and text, never two of one path."""
        if self._draft.pair is None:
            return None
        scope, path = self._draft.pair
        row = first(prepared.half_of, (scope, self._topic_id, self._digest, path, since))
        if row is None:
            return None
        number, offset, at = row
        PairingRow.update(paired=1).where(PairingRow.id == number).execute()
        return Earlier(offset, at)

    def remember(self, message: Message) -> None:
        """So that the next one finds it."""
        self.remember_key(message)
        self._remember_pair(message)

    def remember_key(self, message: Message) -> None:
        """Also for one that was found as the other half of a pair: its key came for the first
        time."""
        draft = self._draft
        if draft.key and draft.sender:
            row = (
                draft.sender,
                self._topic_id,
                draft.key,
                self._digest,
                message.offset,
                message.at,
            )
            execute(prepared.new_key, [row])

    def _remember_pair(self, message: Message) -> None:
        pair = self._draft.pair
        if pair:
            scope, path = pair
            row = (scope, self._topic_id, self._digest, path, message.offset, message.at, 0)
            execute(prepared.new_half, [row])
