"""Queries on the tables of the accounts; they run in the threads of the store.

What others give out is judged here: which account is open, which key is good.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from peewee import JOIN, chunked

from tornado_chat.accounts.models import AccountRow, KeyRow
from tornado_chat.accounts.values import Account, company_name, login_key, sought
from tornado_chat.errors import NotFound, Unauthorized

KEYS_PER_USER = 100  # given out; of more the one ends that would have ended first
KEYS_SHOWN = 2 * KEYS_PER_USER  # there are no more, but for those of the file
DAY = 86_400
IN_ONE_QUERY = 10_000  # ids; SQLite takes some 32,000
KEPT_DAYS = 30  # how long a key that has ended is still told from one that never was


def columns_of(account: Account) -> dict[str, Any]:
    """The account as columns; not its password, nor what happened to it here."""
    return {
        "tenant": account.tenant,
        "login_name": account.login_name,
        "login_key": login_key(account.login_name),
        "full_name": account.full_name,
        "first_name": account.first_name,
        "last_name": account.last_name,
        "email": account.email,
        "groups": orjson.dumps(account.groups).decode(),
        "permissions": orjson.dumps(account.permissions).decode(),
        "source": account.source,
        "party_id": account.party_id,
        "pseudo_id": account.pseudo_id,
        "language": account.language,
        "extra": orjson.dumps(dict(account.extra)).decode(),
    }


def changes(row: AccountRow | None, columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that differ, `sought` among them where it follows."""

    def now(name: str) -> Any:
        return columns[name] if name in columns or row is None else getattr(row, name)

    wanted = {
        **columns,
        "sought": sought(
            last=now("last_name"),
            first=now("first_name"),
            company=company_name(orjson.loads(now("extra"))),
            pseudo_id=now("pseudo_id"),
            email=now("email"),
        ),
    }
    if row is None:
        return wanted
    return {name: value for name, value in wanted.items() if getattr(row, name) != value}


def update(user_id: str, columns: Mapping[str, Any]) -> None:
    AccountRow.update(**columns).where(AccountRow.user_id == user_id).execute()


def account(user_id: str) -> AccountRow:
    """The account, open or not. Raises NotFound."""
    row = accounts_by_id([user_id]).get(user_id)
    if row is None:
        raise NotFound(f"user {user_id}: not there")
    return row


def by_login(login_name: str) -> AccountRow | None:
    key = login_key(login_name)
    return AccountRow.get_or_none(AccountRow.login_key == key) if key else None


def accounts_by_id(user_ids: Iterable[str]) -> dict[str, AccountRow]:
    possible = [user_id for user_id in user_ids if user_id.isprintable()]
    query = AccountRow.select().where(AccountRow.user_id.in_(possible))
    return {row.user_id: row for row in query}


def keys_by_hash(hashes: Sequence[str]) -> dict[str, tuple[KeyRow, AccountRow | None]]:
    """The keys that are there, each with its account, in one query."""
    query = (
        KeyRow.select(KeyRow, AccountRow)
        .join(AccountRow, JOIN.LEFT_OUTER, on=(KeyRow.user_id == AccountRow.user_id), attr="owner")
        .where(KeyRow.hash.in_(list(hashes)))
    )
    return {row.hash: (row, getattr(row, "owner", None)) for row in query}


def is_live(row: KeyRow, now: float) -> bool:
    ended = row.revoked is not None or row.retired
    return not ended and (row.expires is None or row.expires > now)


def no_longer_good(
    users: Iterable[str], hashes: Iterable[str], now: float
) -> tuple[set[str], dict[str, str]]:
    """Of these users who is closed, and of these keys which have ended, each with its owner."""
    closed = {
        row.user_id
        for ids in chunked(users, IN_ONE_QUERY)
        for row in accounts_by_id(ids).values()
        if row.disabled
    }
    ended = {
        row.hash: row.user_id
        for ids in chunked(hashes, IN_ONE_QUERY)
        for row, _ in keys_by_hash(ids).values()
        if not is_live(row, now)
    }
    return closed, ended


def add_key(
    user_id: str, key_hash: str, now: int, expires: int | None, name: str = ""
) -> list[str]:
    """Gives a key to an account that is open; answers with the hashes of those that had to end: none
    that lives for ever because of logins.

    Raises Unauthorized for an account that is closed.
    """
    if account(user_id).disabled:
        raise Unauthorized(f"user {user_id}: disabled")
    mine = KeyRow.user_id == user_id, KeyRow.configured == False  # noqa: E712 - SQL
    KeyRow.delete().where(*mine, KeyRow.expires < now - KEPT_DAYS * DAY).execute()
    query = KeyRow.select(KeyRow.hash).where(*mine, KeyRow.revoked.is_null())
    longest = KeyRow.expires.desc(nulls="first"), KeyRow.created.desc(), KeyRow.hash
    doomed = [row.hash for row in query.order_by(*longest)][KEYS_PER_USER - 1 :]
    revoke(doomed, now)
    KeyRow.create(hash=key_hash, user_id=user_id, created=now, expires=expires, name=name)
    return doomed


def keys_of(user_id: str, now: float) -> list[KeyRow]:
    """Those that open a door, the newest first: what logins gave, and one of the file."""
    query = KeyRow.select().where(
        KeyRow.user_id == user_id,
        KeyRow.revoked.is_null(),
        KeyRow.retired == False,  # noqa: E712 - SQL
        KeyRow.expires.is_null() | (KeyRow.expires > now),
    )
    return list(query.order_by(KeyRow.created.desc(), KeyRow.hash).limit(KEYS_SHOWN))


def revoke(hashes: Sequence[str], now: int) -> None:
    if hashes:
        KeyRow.update(revoked=now).where(
            KeyRow.hash.in_(list(hashes)), KeyRow.revoked.is_null()
        ).execute()


def end_key(key_hash: str, owner: str | None, now: int) -> str | None:
    """Revokes a key; one that is not in the table is noted there as revoked, where its owner is
    given. Answers with the owner, None where there is no such key."""
    row = KeyRow.get_or_none(KeyRow.hash == key_hash)
    if row is not None:
        revoke([key_hash], now)
        return str(row.user_id)
    if owner is not None:
        expires = now + KEPT_DAYS * DAY  # at its Moqui it has ended long before
        KeyRow.create(hash=key_hash, user_id=owner, created=now, expires=expires, revoked=now)
    return owner


def live_keys(user_id: str, *, configured: bool) -> list[str]:
    """The hashes of his keys that were not revoked; `configured`: those of the file too."""
    query = KeyRow.select(KeyRow.hash).where(KeyRow.user_id == user_id, KeyRow.revoked.is_null())
    if not configured:
        query = query.where(KeyRow.configured == False)  # noqa: E712 - SQL
    return [row.hash for row in query]
