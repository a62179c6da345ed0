"""The accounts of one company, as its admins see and change them."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tornado_chat.accounts import rows
from tornado_chat.accounts.book import AccountBook, check_account
from tornado_chat.accounts.configured import WHO
from tornado_chat.accounts.models import AccountRow, KeyRow
from tornado_chat.accounts.passwords import check_new
from tornado_chat.accounts.values import Account, ApiKey, account_of, key_of, login_key
from tornado_chat.errors import Conflict, NotFound
from tornado_chat.store import Tx

LISTS = ("groups", "permissions")  # kept as JSON


class CompanyBook(AccountBook):
    """MUST: somebody of another tenant is not there, and nothing of his is read or written."""

    async def search(
        self, tenant: str, text: str = "", *, start: int = 0, limit: int = 100
    ) -> Sequence[Account]:
        """Those whose names, login name, e-mail or id contain the text in any case, closed ones
        among them; by last and first name."""
        text = "".join(filter(str.isprintable, text)).strip()

        def work() -> Sequence[Account]:
            query = AccountRow.select().where(AccountRow.tenant == tenant)
            if text:
                folded = text.casefold()
                query = query.where(
                    AccountRow.sought.contains(folded)
                    | AccountRow.login_key.contains(folded)
                    | AccountRow.full_name.contains(text)
                    | AccountRow.user_id.contains(text)
                )
            query = query.order_by(AccountRow.sought, AccountRow.user_id)
            return [account_of(row) for row in query.offset(start).limit(limit)]

        return await self._store.read(work)

    async def in_company(self, tenant: str, user_id: str) -> Account:
        """One of them. Raises NotFound."""
        return account_of(await self._store.read(lambda: _one(tenant, user_id)))

    async def change(
        self, tenant: str, user_id: str, fields: Mapping[str, Any], password: str | None = None
    ) -> tuple[Account, bool]:
        """All of it or nothing; the account, and whether he is somebody else by now, so that his
        open sessions are of who he was. `fields`: of an `Account`, by name, `disabled` among them.
        A new password ends his keys and sessions, but not a key of the file; closing the account
        ends all sessions. Raises NotFound, BadRequest, and Conflict for a login name that is taken.
        """
        hashed = None
        if password is not None:
            check_new(password)
            hashed = await self._passwords.hash(password)
        return await self._store.write(lambda tx: self._change(tx, tenant, user_id, fields, hashed))

    def _change(
        self, tx: Tx, tenant: str, user_id: str, fields: Mapping[str, Any], hashed: str | None
    ) -> tuple[Account, bool]:
        row = _one(tenant, user_id)
        wanted = _columns(fields)
        closes = wanted.pop("disabled", None)
        columns = rows.changes(row, wanted)
        became = not WHO.isdisjoint(columns)
        if columns:
            self._check_login(row, columns)
            rows.update(user_id, columns)
            tx.defer(lambda: self._changed(user_id))
        if became:
            hashes = rows.live_keys(user_id, configured=True)
            tx.defer(lambda: self._became(user_id, hashes))
        if hashed is not None:
            self._write_password(tx, user_id, hashed)
        if closes is not None:
            (self._close if closes else self._open)(tx, user_id)
        changed = account_of(_one(tenant, user_id))
        check_account(changed)
        return changed, became

    @staticmethod
    def _check_login(row: AccountRow, columns: Mapping[str, Any]) -> None:
        holder = rows.by_login(columns.get("login_name", ""))
        if holder is not None and holder.user_id != row.user_id:
            raise Conflict("login_name: is taken")

    # Keys

    async def keys(self, tenant: str, user_id: str) -> Sequence[ApiKey]:
        """Those that open a door, the newest first. Raises NotFound."""

        def work() -> Sequence[ApiKey]:
            _one(tenant, user_id)
            return [key_of(row) for row in rows.keys_of(user_id, self._clock())]

        return await self._store.read(work)

    async def give_key(
        self, tenant: str, user_id: str, name: str = "", days: float | None = None
    ) -> tuple[ApiKey, str]:
        """A new key, and the same in clear, the only time that anybody sees it. `days`: as for
        `issue_key`. Raises NotFound, and Conflict for an account that is disabled."""
        seconds = self._key_seconds if days is None else days * rows.DAY

        def work(tx: Tx) -> tuple[ApiKey, str]:
            if _one(tenant, user_id).disabled:
                raise Conflict(f"user {user_id}: is disabled, enable the account first")
            login = self._issue(tx, user_id, seconds, name)
            assert login.identity is not None
            return key_of(KeyRow.get_by_id(login.identity.key)), str(login.key)

        return await self._store.write(work)

    async def take_key(self, tenant: str, user_id: str, key_id: str) -> None:
        """Ends a key for good, by its id, and its sessions. Raises NotFound."""

        def work(tx: Tx) -> None:
            _one(tenant, user_id)
            mine = KeyRow.user_id == user_id, KeyRow.revoked.is_null()
            row = KeyRow.get_or_none(*mine, KeyRow.public_id == key_id)
            if row is None:
                raise NotFound(f"key {key_id}: not there")
            key_hash = row.hash
            rows.revoke([key_hash], int(self._clock()))
            tx.defer(lambda: self._ended(user_id, key_hash))

        await self._store.write(work)


def _one(tenant: str, user_id: str) -> AccountRow:
    """The account, where it is of this tenant. Raises NotFound."""
    row = rows.account(user_id)
    if row.tenant != tenant:
        raise NotFound(f"user {user_id}: not there")
    return row


def _columns(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of an account as its table keeps them."""
    columns = dict(fields)
    for name in LISTS:
        if name in columns:
            columns[name] = orjson.dumps(columns[name]).decode()
    if "login_name" in columns:
        columns["login_key"] = login_key(columns["login_name"])
    return columns
