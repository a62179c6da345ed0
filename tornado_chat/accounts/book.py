"""The book of accounts: who there is, what was given out, and the word that something ended.

It writes; who somebody is, is found out by `service`. Nothing here knows a socket: whoever holds
some registers with `on_revoked`.
"""

import functools
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tornado_chat.accounts import rows
from tornado_chat.accounts.keys import hash_key, new_key
from tornado_chat.accounts.models import AccountRow
from tornado_chat.accounts.passwords import Passwords, check_new
from tornado_chat.accounts.values import (
    DATABASE,
    Account,
    Login,
    account_of,
    fits,
    identity_of,
    login_key,
)
from tornado_chat.errors import BadRequest, Conflict
from tornado_chat.store import Store, Tx

log = logging.getLogger("tornado_chat.accounts")

Revoked = Callable[[str | None, str | None], object]


class AccountBook:
    """Accounts and keys as rows. MUST: what ends access is told on the loop after the commit, and
    before the caller goes on."""

    def __init__(
        self, store: Store, passwords: Passwords, key_days: float, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._key_seconds = key_days * rows.DAY
        self._clock = clock
        self._listeners: list[Revoked] = []

    # Who there is

    async def get(self, user_id: str) -> Account | None:
        found = await self._store.read(lambda: rows.accounts_by_id([user_id]))
        return account_of(found[user_id]) if user_id in found else None

    async def find_login(self, login_name: str) -> Account | None:
        """In any case of letters."""
        row = await self._store.read(lambda: rows.by_login(login_name))
        return account_of(row) if row is not None else None

    async def list(
        self, tenant: str | None = None, *, start: int = 0, limit: int = 1000
    ) -> Sequence[Account]:
        """By user id; `tenant` None: of all."""

        def work() -> Sequence[Account]:
            query = AccountRow.select().order_by(AccountRow.user_id).offset(start).limit(limit)
            if tenant is not None:
                query = query.where(AccountRow.tenant == tenant)
            return [account_of(row) for row in query]

        return await self._store.read(work)

    async def create(
        self,
        tenant: str | None,
        user_id: str | None = None,
        *,
        login_name: str = "",
        password: str | None = None,
        full_name: str = "",
        first_name: str = "",
        last_name: str = "",
        email: str = "",
        groups: Iterable[str] = (),
        permissions: Iterable[str] = (),
        party_id: str = "",
        pseudo_id: str = "",
        language: str = "",
        extra: Mapping[str, Any] | None = None,
    ) -> Account:
        """A new account in the database. Without `user_id` one is made; without names the login
        name stands for them. Raises Conflict where id or login name is taken, BadRequest for what
        cannot be kept."""
        user_id = user_id or f"u{secrets.token_hex(6)}"
        names = f"{first_name} {last_name}".strip()
        account = Account(
            user_id=user_id,
            tenant=tenant,
            full_name=full_name or names or login_name or user_id,
            login_name=login_name,
            first_name=first_name,
            last_name=last_name,
            email=email,
            groups=tuple(groups),
            permissions=tuple(permissions),
            source=DATABASE,
            party_id=party_id,
            pseudo_id=pseudo_id,
            language=language,
            extra=extra or {},
        )
        check_account(account)
        hashed = None
        if password is not None:
            check_new(password)
            hashed = await self._passwords.hash(password)
        return await self._store.write(lambda tx: self._insert(tx, account, hashed))

    def _insert(self, tx: Tx, account: Account, hashed: str | None) -> Account:
        now = int(self._clock())
        if account.user_id in rows.accounts_by_id([account.user_id]):
            raise Conflict(f"user {account.user_id}: is there already")
        if rows.by_login(account.login_name) is not None:
            raise Conflict("login_name: is taken")
        columns = rows.changes(None, rows.columns_of(account))
        if hashed is not None:
            columns |= {"password_hash": hashed, "password_at": now}
        row = AccountRow.create(user_id=account.user_id, created=now, **columns)
        tx.defer(lambda: self._changed(account.user_id))
        return account_of(row)

    # Passwords

    async def set_password(self, user_id: str, password: str) -> None:
        """By somebody who may. Ends the sessions and keys of the user, but not a key of the file.
        Raises BadRequest for one that is too short, NotFound."""
        check_new(password)
        hashed = await self._passwords.hash(password)
        await self._store.write(lambda tx: self._write_password(tx, user_id, hashed))

    def _write_password(self, tx: Tx, user_id: str, hashed: str) -> AccountRow:
        row = rows.account(user_id)
        now = int(self._clock())
        rows.update(user_id, {"password_hash": hashed, "password_at": now})
        self._end_keys(tx, user_id, rows.live_keys(user_id, configured=False))
        return row

    # Open and closed

    async def disable(self, user_id: str) -> None:
        """Closes the account and ends its sessions. Keys come back to life with `enable`."""
        await self._store.write(lambda tx: self._close(tx, user_id))

    def _close(self, tx: Tx, user_id: str) -> None:
        rows.account(user_id)
        rows.update(user_id, {"disabled": True, "absent": False})
        hashes = rows.live_keys(user_id, configured=True)
        tx.defer(lambda: self._ended(user_id, None, hashes))

    async def enable(self, user_id: str) -> None:
        """Opens it again. Somebody who came from the file and left it is closed by the next start."""
        await self._store.write(lambda tx: self._open(tx, user_id))

    def _open(self, tx: Tx, user_id: str) -> None:
        rows.account(user_id)
        rows.update(user_id, {"disabled": False, "absent": False})
        tx.defer(lambda: self._changed(user_id))

    # Keys

    async def issue_key(self, user_id: str, days: float | None = None) -> str:
        """A new key in clear. `days`: how long it lives, None as [auth] key_days says, 0 for ever.
        Raises NotFound, and Unauthorized for an account that is disabled."""
        seconds = self._key_seconds if days is None else days * rows.DAY
        return await self._store.write(lambda tx: str(self._issue(tx, user_id, seconds).key))

    def _issue(self, tx: Tx, user_id: str, seconds: float, name: str = "") -> Login:
        key = new_key()
        key_hash = hash_key(key)
        now = int(self._clock())
        expires = now + int(seconds) if seconds else None
        for doomed in rows.add_key(user_id, key_hash, now, expires, name):
            tx.defer(functools.partial(self._ended, user_id, doomed))
        identity = identity_of(rows.account(user_id), key_hash, expires)
        return Login(identity, key, expires)

    async def revoke_key(self, key_hash: str) -> bool:
        """Ends a key for good, and its sessions. Also one that a Moqui gave, as long as it is known
        here. False where there is no such key."""
        owner = self._owner(key_hash)

        def work(tx: Tx) -> bool:
            now = int(self._clock())
            whose = rows.end_key(key_hash, owner, now)
            if whose is None:
                return False
            tx.defer(lambda: self._ended(whose, key_hash))
            return True

        return await self._store.write(work)

    async def revoke_keys(self, user_id: str) -> None:
        """Ends all keys and sessions of the user, the key of the file too, and those of a Moqui
        that are known here."""
        remembered = self._remembered(user_id)

        def work(tx: Tx) -> None:
            hashes = rows.live_keys(user_id, configured=True)
            for key_hash in set(remembered).difference(hashes):
                rows.end_key(key_hash, user_id, int(self._clock()))
            self._end_keys(tx, user_id, [*hashes, *remembered])

        await self._store.write(work)

    def _end_keys(self, tx: Tx, user_id: str, hashes: Sequence[str]) -> None:
        """Those keys for good, and what is open of the user in any case."""
        rows.revoke(hashes, int(self._clock()))
        tx.defer(lambda: self._ended(user_id, None, hashes))

    # The word that something ended

    def on_revoked(self, fn: Revoked) -> None:
        """`fn(user_id, key_hash)` on the loop, after the commit: with a key, what was opened with
        it has ended; with None for the key, all that is open of the user."""
        self._listeners.append(fn)

    def _ended(self, user_id: str | None, key_hash: str | None, hashes: Iterable[str] = ()) -> None:
        """`hashes`: the keys that end with all of a user's sessions."""
        for fn in self._listeners:
            try:
                fn(user_id, key_hash)
            except Exception:
                log.exception("a listener to revocations failed")

    def _changed(self, user_id: str) -> None:
        """Something about an account is no longer what it was."""

    def _became(self, user_id: str, hashes: Iterable[str]) -> None:
        """He is somebody else by now, in name, groups or permissions; `hashes`: his keys."""

    def _owner(self, _key_hash: str) -> str | None:
        """Whose key it is, where only our memory knows it."""
        return None

    def _remembered(self, _user_id: str) -> Sequence[str]:
        """The hashes of his keys that may be in our memory alone."""
        return []


def check_account(account: Account) -> None:
    """Raises BadRequest for what cannot be kept."""
    if not fits(account.user_id, account.tenant):
        raise BadRequest("user_id and tenant: 1 to 64 printable characters")
    if account.login_name and login_key(account.login_name) is None:
        raise BadRequest("login_name: at most 255 printable characters")
    texts = (account.login_name, account.full_name, account.first_name, account.last_name)
    if any(len(text) > 255 or not text.isprintable() for text in (*texts, account.email)):
        raise BadRequest("names and e-mail: at most 255 printable characters")
