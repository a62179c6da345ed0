"""What came before: by the publisher's own key, or as the other half of a pair (rule 8).

Both are looked up in the transaction that gives the numbers, so two in flight cannot both win.
"""

import hashlib
import hmac
from typing import NamedTuple

from tornado_chat.errors import Conflict
from tornado_chat.messages import Draft, Message
from tornado_chat.store.models import PairingRow, PublishKeyRow


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
        row = PublishKeyRow.get_or_none(
            PublishKeyRow.user_id == draft.sender,
            PublishKeyRow.topic_id == self._topic_id,
            PublishKeyRow.key == draft.key,
        )
        if row is None:
            return None
        if not hmac.compare_digest(row.digest, self._digest):
            raise Conflict(f"publish {draft.topic.name}: this key came before with another body")
        return Earlier(row.offset, row.at)

    def _by_pair(self, since: int) -> Earlier | None:
        """One frame pairs with one POST of the same key, room and text, never two of one path."""
        if self._draft.pair is None:
            return None
        scope, path = self._draft.pair
        row = (
            PairingRow.select()
            .where(
                PairingRow.scope == scope,
                PairingRow.topic_id == self._topic_id,
                PairingRow.digest == self._digest,
                PairingRow.path != path,
                PairingRow.paired == 0,
                PairingRow.at >= since,
            )
            .order_by(PairingRow.id)
            .first()
        )
        if row is None:
            return None
        PairingRow.update(paired=1).where(PairingRow.id == row.id).execute()
        return Earlier(row.offset, row.at)

    def remember(self, message: Message) -> None:
        """So that the next one finds it."""
        self.remember_key(message)
        self._remember_pair(message)

    def remember_key(self, message: Message) -> None:
        """Also for one that was found as the other half of a pair: its key came for the first
        time."""
        draft = self._draft
        if draft.key and draft.sender:
            PublishKeyRow.insert(
                user_id=draft.sender,
                topic_id=self._topic_id,
                key=draft.key,
                digest=self._digest,
                offset=message.offset,
                at=message.at,
            ).on_conflict_replace().execute()

    def _remember_pair(self, message: Message) -> None:
        pair = self._draft.pair
        if pair:
            PairingRow.insert(
                scope=pair[0],
                topic_id=self._topic_id,
                digest=self._digest,
                path=pair[1],
                offset=message.offset,
                at=message.at,
            ).execute()
