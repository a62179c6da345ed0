"""What came before: by the publisher's own key, or as the other half of a pair (rule 8).

Both are looked up in the transaction that gives the numbers, so two in flight cannot both win.
"""

import hashlib
import hmac
from collections import OrderedDict
from typing import Any, NamedTuple

from peewee import fn

from tornado_chat.errors import Conflict
from tornado_chat.messages import Draft, Message
from tornado_chat.store import prepared
from tornado_chat.store.models import PairingRow
from tornado_chat.store.prepared import first

SCOPES = 20_000  # remembered


def digest_of(body: bytes) -> str:
    """By which a retry is told from another message under the same key."""
    return hashlib.sha256(body).hexdigest()


class Earlier(NamedTuple):
    """A message that was published before: its offset, and when (ms since 1970, UTC)."""

    offset: int
    at: int


class Paths:
    """By which paths each key has posted of late, so that who posts by one alone costs no look for
    the other half of a pair. `_since`: what came before (ms) only the database knows; None, all."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, dict[str, int]] = OrderedDict()  # scope: path: when
        self._since: int | None = None

    def forget(self) -> None:
        """Another process has written, or something was undone."""
        self._last.clear()
        self._since = None

    def note(self, pair: tuple[str, str], at: int) -> None:
        """It has posted, after `other` was asked."""
        scope, path = pair
        self._last.setdefault(scope, {})[path] = at
        if len(self._last) > SCOPES:
            _, last = self._last.popitem(last=False)
            self._since = max(self._since or 0, *[when + 1 for when in last.values()])

    def other(self, pair: tuple[str, str], since: int) -> bool:
        """Whether the key may have posted by another path since then."""
        if self._since is None:
            self._since = (PairingRow.select(fn.MAX(PairingRow.at)).scalar() or 0) + 1
        scope, path = pair
        others = (each for each in self._last.get(scope, {}).items() if each[0] != path)
        return since < self._since or any(at >= since for _, at in others)


Keys = dict[tuple[str, int, str], tuple[str, int, int]]  # what `prepared.new_key` writes, as found


class Retry:
    """One draft that has a key, or names the path by which it came; `topic_id`: its topic's row;
    `keys`: those that its transaction has not written yet."""

    def __init__(self, draft: Draft, topic_id: int, body: bytes, keys: Keys) -> None:
        self._draft = draft
        self._topic_id = topic_id
        self._keys = keys
        self._digest = draft.digest or digest_of(body + draft.audience.text().encode())

    def by_key(self) -> Earlier | None:
        """The message that came with the same key. Raises Conflict for another body under it."""
        draft = self._draft
        if not draft.key or not draft.sender:
            return None
        asked = (draft.sender, self._topic_id, draft.key)
        row = self._keys.get(asked) or first(prepared.key_of, asked)
        if row is None:
            return None
        digest, offset, at = row
        if not hmac.compare_digest(digest, self._digest):
            raise Conflict(f"publish {draft.topic.name}: this key came before with another body")
        return Earlier(offset, at)

    def by_pair(self, since: int) -> Earlier | None:
        """The other half, if it came since then (ms): one frame pairs with one POST of the same key,
        room and text, never two of one path."""
        if self._draft.pair is None:
            return None
        scope, path = self._draft.pair
        row = first(prepared.half_of, (scope, self._topic_id, self._digest, path, since))
        if row is None:
            return None
        number, offset, at = row
        PairingRow.update(paired=1).where(PairingRow.id == number).execute()
        return Earlier(offset, at)

    def remember_key(self, message: Message) -> None:
        """Also for one that was found as the other half of a pair: its key came for the first
        time."""
        draft = self._draft
        if draft.key and draft.sender:
            asked = (draft.sender, self._topic_id, draft.key)
            self._keys[asked] = (self._digest, message.offset, message.at)

    def half(self, message: Message) -> tuple[Any, ...]:
        """What is kept of it for its other half, as `prepared.new_half` has it."""
        assert self._draft.pair is not None
        scope, path = self._draft.pair
        return scope, self._topic_id, self._digest, path, message.offset, message.at, 0
