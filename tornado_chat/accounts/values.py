"""What the accounts give to others: accounts, people, logins. Frozen, without keys or passwords."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from tornado_chat.accounts.models import (
    LOGIN_NAME_MAX,
    SOUGHT_MAX,
    TENANT_MAX,
    USER_ID_MAX,
    AccountRow,
    KeyRow,
)
from tornado_chat.messages import Identity

NOT_VALID = "Login key not valid"  # with exactly this text a front-end forgets its key
EXPIRED = "Login key expired"
WRONG_PASSWORD = "username or password is wrong"  # noqa: S105 - the text for it

CONFIG, DATABASE, GROWERP = "config", "database", "growerp"  # where an account came from


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who is known here. `source`: config, database or growerp. `extra`: what a face
    keeps of him, for example `company` as `{"partyId", "name"}`."""

    user_id: str
    tenant: str | None
    full_name: str  # never empty
    login_name: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    groups: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    disabled: bool = False
    source: str = DATABASE
    party_id: str = ""
    pseudo_id: str = ""
    language: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)
    has_password: bool = False
    created: int = 0  # seconds since 1970


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that was given out, as its owner's company sees it. `hash`: never shown to anybody.
    `configured`: it stands in the file. Times in seconds since 1970; `expires` None for never."""

    id: str
    name: str
    created: int
    expires: int | None
    configured: bool
    hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as others of his tenant see him."""

    user_id: str
    tenant: str | None
    full_name: str  # never empty
    party_id: str = ""
    pseudo_id: str = ""
    login_name: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    language: str = ""
    groups: frozenset[str] = frozenset()
    disabled: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False, hash=False)

    @property
    def company(self) -> str:
        """The name of the company he works for, "" where nobody said."""
        return company_name(self.extra)


@dataclass(frozen=True, slots=True)
class Login:
    """What a login brought.

    `key`: the new api key, in clear, the only time that anybody sees it. `expires`: seconds since
    1970, None for never or unknown. `answer`: what a Moqui answered, to be passed through as it
    is; None for a local login. `identity` and `key` are None only beside an `answer` that names
    nobody: a login that is not finished (a password to change, a company to set up).
    """

    identity: Identity | None
    key: str | None = field(repr=False)
    expires: float | None
    answer: Mapping[str, Any] | None = field(default=None, repr=False)


class Backend(Protocol):
    """Where keys and passwords are known. `local` and `growerp` are two."""

    async def find(self, key: str, key_hash: str) -> Identity | None:
        """Whose key it is, None where it is not known here. Raises Unauthorized for one that was
        known and has ended, Unavailable where nobody can say now."""

    async def login(self, username: str, password: str, fields: Mapping[str, str]) -> Login | None:
        """None where the name is not known here. Raises Unauthorized for a wrong password."""

    async def basic(self, username: str, password: str) -> Identity | None:
        """The same, giving out no key."""

    def forget(self, user_id: str | None, key_hash: str | None) -> None:
        """Something of this user, or this key, has ended: what is remembered is to be dropped."""


def account_of(row: AccountRow) -> Account:
    return Account(
        user_id=row.user_id,
        tenant=row.tenant,
        full_name=row.full_name,
        login_name=row.login_name,
        first_name=row.first_name,
        last_name=row.last_name,
        email=row.email,
        groups=tuple(orjson.loads(row.groups)),
        permissions=tuple(orjson.loads(row.permissions)),
        disabled=row.disabled,
        source=row.source,
        party_id=row.party_id,
        pseudo_id=row.pseudo_id,
        language=row.language,
        extra=orjson.loads(row.extra),
        has_password=row.password_hash is not None,
        created=row.created,
    )


@functools.lru_cache(1024)
def names_in(text: str) -> frozenset[str]:
    """A JSON array of names; those who have the same share one set."""
    return frozenset(orjson.loads(text))


def identity_of(row: AccountRow, key_hash: str | None, expires: float | None) -> Identity:
    extra = orjson.loads(row.extra)
    about = {
        "partyId": row.party_id,
        "pseudoId": row.pseudo_id,
        "firstName": row.first_name,
        "lastName": row.last_name,
        "email": row.email,
        "language": row.language,
    }
    return Identity(
        user_id=row.user_id,
        tenant=row.tenant,
        name=row.full_name,
        login_name=row.login_name,
        groups=names_in(row.groups),
        permissions=names_in(row.permissions),
        key=key_hash,
        expires=expires,
        extra={**about, **extra},
    )


def key_of(row: KeyRow) -> ApiKey:
    return ApiKey(row.public_id, row.name, row.created, row.expires, row.configured, row.hash)


def person_of(row: AccountRow) -> Person:
    return Person(
        user_id=row.user_id,
        tenant=row.tenant,
        full_name=row.full_name,
        party_id=row.party_id,
        pseudo_id=row.pseudo_id,
        login_name=row.login_name,
        first_name=row.first_name,
        last_name=row.last_name,
        email=row.email,
        language=row.language,
        groups=frozenset(orjson.loads(row.groups)),
        disabled=row.disabled,
        extra=orjson.loads(row.extra),
    )


def login_key(login_name: str) -> str | None:
    """By which a login name is unique and found; None for what cannot be one."""
    name = login_name.strip().casefold()
    return name if 0 < len(name) <= LOGIN_NAME_MAX and name.isprintable() else None


def company_name(extra: Mapping[str, Any]) -> str:
    company = extra.get("company")
    name = company.get("name") if isinstance(company, Mapping) else None
    return name if isinstance(name, str) else ""


def sought(*, last: str, first: str, company: str, pseudo_id: str, email: str) -> str:
    """By this one text people are searched and sorted."""
    parts = (last, first, company, pseudo_id, email)
    return "\t".join(part.casefold() for part in parts)[:SOUGHT_MAX]


def fits(user_id: str, tenant: str | None) -> bool:
    """Whether they can be kept at all."""
    ids = ((user_id, USER_ID_MAX), *([(tenant, TENANT_MAX)] if tenant is not None else []))
    return all(0 < len(text) <= longest and text.isprintable() for text, longest in ids)
