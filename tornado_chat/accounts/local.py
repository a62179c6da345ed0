"""The local back-end: keys and passwords of our own database."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from tornado_chat.accounts import rows
from tornado_chat.accounts.configured import FirstPasswords
from tornado_chat.accounts.models import AccountRow, KeyRow
from tornado_chat.accounts.passwords import Passwords
from tornado_chat.accounts.values import (
    EXPIRED,
    NOT_VALID,
    WRONG_PASSWORD,
    Login,
    identity_of,
)
from tornado_chat.errors import Unauthorized
from tornado_chat.messages import Identity
from tornado_chat.store import Store

log = logging.getLogger("tornado_chat.accounts")

BATCH = 500  # keys in one query

Found = tuple[KeyRow, AccountRow | None] | None


class KeyTable:
    """Looks keys up, those that wait together in one query, so that a thousand clients which
    return at once cost a handful of queries, and a flood of unknown keys never more than one at
    a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wanted: dict[str, asyncio.Future[Found]] = {}
        self._task: asyncio.Task[None] | None = None

    async def find(self, key_hash: str) -> Found:
        """As of a moment after the call."""
        future = self._wanted.get(key_hash)
        if future is None:
            future = self._wanted[key_hash] = asyncio.get_running_loop().create_future()
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            if self._task is None:
                self._task = asyncio.create_task(self._run(), name="key look-ups")
        return await asyncio.shield(future)

    async def _run(self) -> None:
        while self._wanted:
            batch = {hash_: self._wanted.pop(hash_) for hash_ in list(self._wanted)[:BATCH]}
            try:
                found = await self._store.read(lambda batch=batch: rows.keys_by_hash(list(batch)))  # type: ignore[misc]
            except Exception as error:  # noqa: BLE001 - it belongs to those who wait
                for future in batch.values():
                    future.set_exception(error)
            else:
                for hash_, future in batch.items():
                    future.set_result(found.get(hash_))
        self._task = None


class LocalBackend:
    """What we know ourselves. `enabled` False: only that a key was revoked here."""

    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        first_passwords: FirstPasswords,
        issue: Callable[[str], Awaitable[Login]],
        *,
        enabled: bool,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._first_passwords = first_passwords
        self._issue = issue
        self._enabled = enabled
        self._clock = clock
        self._keys = KeyTable(store)
        self._turn = 0  # rises with whatever ends

    async def find(self, _key: str, key_hash: str) -> Identity | None:
        found = await self._keys.find(key_hash)
        if found is None:
            return None
        row, account = found
        if row.revoked is not None or row.retired:
            raise Unauthorized(NOT_VALID)
        if not self._enabled:
            return None
        if account is None or account.disabled:
            raise Unauthorized(NOT_VALID)
        if not rows.is_live(row, self._clock()):
            raise Unauthorized(EXPIRED)
        return identity_of(account, key_hash, row.expires)

    async def login(self, username: str, password: str, _fields: Mapping[str, str]) -> Login | None:
        row = await self.check(username, password)
        return await self._issue(row.user_id) if row is not None else None

    async def basic(self, username: str, password: str) -> Identity | None:
        row = await self.check(username, password)
        return identity_of(row, None, None) if row is not None else None

    def forget(self, _user_id: str | None, _key_hash: str | None) -> None:
        self._turn += 1

    async def check(self, username: str, password: str) -> AccountRow | None:
        """The account; None for a name that has no password here, and no work was done for it."""
        row = await self._row(username)
        first = row is not None and row.password_at is None
        if row is not None and first and await self._first_passwords.settled(row.user_id):
            row = await self._row(username)
        if row is None or row.password_hash is None:
            return None
        turn = self._turn
        if not await self._passwords.verify(row.password_hash, password) or row.disabled:
            raise Unauthorized(WRONG_PASSWORD)
        if turn != self._turn:
            now = await self._row(username)  # it may have been changed or closed meanwhile
            if now is None or now.disabled or now.password_hash != row.password_hash:
                raise Unauthorized(WRONG_PASSWORD)
        if self._passwords.is_outdated(row.password_hash):
            await self._hash_again(row, password)
        return row

    async def _row(self, username: str) -> AccountRow | None:
        return await self._store.read(lambda: rows.by_login(username))

    async def _hash_again(self, row: AccountRow, password: str) -> None:
        hashed = await self._passwords.hash(password)
        same = AccountRow.user_id == row.user_id, AccountRow.password_hash == row.password_hash
        await self._store.write(
            lambda _: AccountRow.update(password_hash=hashed).where(*same).execute()
        )
        log.info("user %s: password hashed again with today's parameters", row.user_id)
