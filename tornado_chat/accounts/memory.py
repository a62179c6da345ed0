"""Whom the house remembers: who was let in, who was turned away, and what has just ended.

It must never let in what has ended: `turn` rises with every end and every return, and what was
found out in an earlier turn is not kept.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from tornado_chat.accounts.bounded import Bounded
from tornado_chat.accounts.values import EXPIRED
from tornado_chat.errors import Unauthorized
from tornado_chat.messages import Identity

KNOWN, KNOWN_SECONDS = 20_000, 300.0  # identities; after that they are looked up afresh
BAD, BAD_SECONDS = 10_000, 60.0  # keys that are known to be bad
BASIC, BASIC_SECONDS = 1000, 300.0  # names with passwords that were right
ENDED, ENDED_SECONDS = 10_000, 60.0


class Memory:
    """Bounded in every direction; keys by their hash, names and passwords by a digest."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: Bounded[str, Identity] = Bounded(KNOWN, KNOWN_SECONDS, clock)
        self._bad: Bounded[str, str] = Bounded(BAD, BAD_SECONDS, clock)
        self._basics: Bounded[str, Identity] = Bounded(BASIC, BASIC_SECONDS, clock)
        self._ended: Bounded[str, bool] = Bounded(ENDED, ENDED_SECONDS, clock)
        self.turn = 0

    def by_key(self, key_hash: str) -> Identity | None:
        """None where nothing is remembered. Raises Unauthorized for a key that is bad."""
        bad = self._bad.get(key_hash)
        if bad is not None:
            raise Unauthorized(bad)
        identity = self._known.get(key_hash)
        if identity is None or identity.expires is None or identity.expires > self._clock():
            return identity
        self._known.drop(key_hash)
        raise Unauthorized(EXPIRED)

    def by_password(self, digest: str) -> Identity | None:
        return self._basics.get(digest)

    def keep_key(self, turn: int, key_hash: str, identity: Identity) -> None:
        """`turn`: as it was before anybody was asked."""
        if turn == self.turn:
            self._ended.drop(key_hash)
            self._known.put(key_hash, identity)

    def keep_password(self, turn: int, digest: str, identity: Identity) -> None:
        if turn == self.turn:
            self._ended.drop(_person(identity.user_id))
            self._basics.put(digest, identity)

    def keep_bad(self, turn: int, key_hash: str, text: str) -> None:
        if turn == self.turn:
            self._bad.put(key_hash, text)

    def changed(self, user_id: str) -> None:
        """He was let in again, or is new, or bears another name: what was bad may be good, and what
        was known of him is old."""
        self.turn += 1
        self._bad.clear()
        self._drop(user_id)

    def key_ended(self, key_hash: str) -> None:
        self.turn += 1
        self._known.drop(key_hash)
        self._ended.put(key_hash, True)

    def user_ended(self, user_id: str, hashes: Iterable[str]) -> None:
        """`hashes`: his keys that nobody here may know."""
        self.turn += 1
        for mark in (_person(user_id), *hashes, *self.hashes_of(user_id)):
            self._ended.put(mark, True)
        self._drop(user_id)

    def _drop(self, user_id: str) -> None:
        self._known.drop_where(lambda known: known.user_id == user_id)
        self._basics.drop_where(lambda known: known.user_id == user_id)

    def has_ended(self, identity: Identity) -> bool:
        expired = identity.expires is not None and identity.expires <= self._clock()
        mark = identity.key or _person(identity.user_id)
        return expired or self._ended.get(mark) is not None

    def hashes_of(self, user_id: str) -> list[str]:
        return [who.key for who in self._known.values() if who.user_id == user_id and who.key]

    def owner(self, key_hash: str) -> str | None:
        identity = self._known.get(key_hash)
        return identity.user_id if identity is not None else None

    def identities(self) -> list[Identity]:
        """Whoever would be let in without a question."""
        return [*self._known.values(), *self._basics.values()]

    def clear(self) -> None:
        """Everybody is asked about afresh; what has just ended stays so."""
        self.turn += 1
        self._known.clear()
        self._bad.clear()
        self._basics.clear()


class Questions:
    """One question at a time for each name; whoever asks the same waits for that answer."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[Any]] = {}

    async def ask(self, name: str, question: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        task = self._tasks.get(name)
        if task is None:
            task = self._tasks[name] = asyncio.create_task(question(), name="who is it")
            task.add_done_callback(lambda done: self._answered(name, done))
        return await asyncio.shield(task)

    async def stop(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _answered(self, name: str, task: "asyncio.Task[Any]") -> None:
        self._tasks.pop(name, None)
        if not task.cancelled():
            task.exception()  # was told to whoever still waited


def _person(user_id: str) -> str:
    return f"user {user_id}"
