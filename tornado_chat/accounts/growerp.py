"""The growerp back-end: people whom a Moqui knows.

A key is identified once and then only checked to be alive, every few minutes as long as it is in
use. Keys are kept in memory alone, since the checks and the look-ups of people need them in clear.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from tornado_chat.accounts import rows
from tornado_chat.accounts.keys import hash_key
from tornado_chat.accounts.models import AccountRow, KeyRow
from tornado_chat.accounts.moqui import APPLICATION, Moqui, named
from tornado_chat.accounts.values import (
    GROWERP,
    NOT_VALID,
    WRONG_PASSWORD,
    Account,
    Login,
    identity_of,
)
from tornado_chat.errors import Unauthorized, Unavailable
from tornado_chat.messages import Identity
from tornado_chat.store import Store, Tx

log = logging.getLogger("tornado_chat.accounts.growerp")

KNOWN_MAX = (
    20_000  # keys; the longest unused is forgotten first, and identified again when it returns
)
IDLE_SECONDS = 86_400  # after that an unused key is forgotten
AGAIN_SECONDS = 30.0  # until the next check while the Moqui is dead


@dataclass(slots=True)
class KnownKey:
    """A key that a Moqui has accepted. `due`: when it must be checked again; `used`: when last."""

    key: str = field(repr=False)
    identity: Identity
    due: float
    used: float


class GrowerpBackend:
    """Asks a Moqui. While that is dead, keys that are known stay good; all others are answered
    Unavailable.

    `end(user_id, key_hash)` is called for a key that has ended there. `in_use`: the hashes of the
    keys that open sockets have shown; without it every known key is checked again and again.
    """

    def __init__(
        self,
        moqui: Moqui,
        recheck_seconds: float,
        store: Store,
        end: Callable[[str, str], None],
        clock: Callable[[], float],
        in_use: Callable[[], Container[object]] | None = None,
    ) -> None:
        self.moqui = moqui
        self._in_use = in_use
        self._recheck_seconds = recheck_seconds
        self._store = store
        self._end = end
        self._clock = clock
        self._known: OrderedDict[str, KnownKey] = OrderedDict()
        self._checks: dict[str, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="growerp key checks")

    async def stop(self) -> None:
        tasks = [*self._checks.values(), *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.moqui.close()

    # Who it is

    async def find(self, key: str, key_hash: str) -> Identity | None:
        known = self._known.get(key_hash)
        if known is None:
            answer = named(await self.moqui.authenticate(key))
            if answer is None:
                raise Unauthorized(NOT_VALID)
            return await self._adopt(answer.account, key, key_hash)
        if self._clock() >= known.due:
            await asyncio.shield(self._check(key_hash))
            known = self._known.get(key_hash)
            if known is None:
                raise Unauthorized(NOT_VALID)
        known.used = self._clock()
        self._known.move_to_end(key_hash)
        return known.identity

    async def login(self, username: str, password: str, fields: Mapping[str, str]) -> Login | None:
        """The form goes there as it came, with the name and password that were checked here."""
        form = {"applicationId": APPLICATION, **fields, "username": username, "password": password}
        body = await self.moqui.login(form)
        answer = named(body)
        if answer is None or answer.key is None:
            return Login(None, None, None, body)
        try:
            identity = await self._adopt(answer.account, answer.key, hash_key(answer.key))
        except Unauthorized:
            raise Unauthorized(WRONG_PASSWORD) from None  # closed here: not a word about it
        return Login(identity, answer.key, None, body)

    async def basic(self, username: str, password: str) -> Identity | None:
        login = await self.login(username, password, {})
        if login is None or login.identity is None:
            raise Unauthorized(WRONG_PASSWORD)
        return replace(login.identity, key=None)

    def forget(self, user_id: str | None, key_hash: str | None) -> None:
        if key_hash is not None:
            self._known.pop(key_hash, None)
        elif user_id is not None:
            for hash_ in self.hashes_of(user_id):
                del self._known[hash_]

    def hashes_of(self, user_id: str) -> list[str]:
        return [hash_ for hash_, known in self._known.items() if known.identity.user_id == user_id]

    def identities(self) -> list[Identity]:
        return [known.identity for known in self._known.values()]

    def owner(self, key_hash: str) -> str | None:
        known = self._known.get(key_hash)
        return known.identity.user_id if known is not None else None

    def key_for(self, caller: Identity) -> str | None:
        """A key with which the Moqui may be asked on behalf of this person, None without one."""
        known = self._known.get(caller.key or "")
        if known is not None:
            return known.key
        hashes = self.hashes_of(caller.user_id) if caller.key is None else []
        return self._known[hashes[-1]].key if hashes else None

    # What we keep of him

    async def _adopt(self, account: Account, key: str, key_hash: str) -> Identity:
        """Notes who he is, so that his name can be shown later; he must not be closed here."""
        return await self._store.write(lambda tx: self._note(tx, account, key, key_hash))

    def _note(self, tx: Tx, account: Account, key: str, key_hash: str) -> Identity:
        ended = KeyRow.get_or_none(KeyRow.hash == key_hash)
        row = AccountRow.get_or_none(AccountRow.user_id == account.user_id)
        if (row is not None and row.disabled) or (ended is not None and ended.revoked is not None):
            raise Unauthorized(NOT_VALID)
        identity = self._merged(account, key_hash, row)
        if row is None or row.source == GROWERP:
            write_known(account, row, int(self._clock()))
        tx.defer(lambda: self._remember(key, key_hash, identity))
        return identity

    def _merged(self, account: Account, key_hash: str, row: AccountRow | None) -> Identity:
        """Who the Moqui says he is. An account of ours with his id and tenant adds its groups and
        permissions; one of another tenant is somebody else."""
        said = AccountRow(**rows.columns_of(account), user_id=account.user_id)
        identity = identity_of(said, key_hash, None)
        if row is None or row.source == GROWERP:
            return identity
        if row.tenant not in {None, account.tenant}:
            log.warning("growerp: user id %s is taken here in another tenant", account.user_id)
            raise Unauthorized(NOT_VALID)
        return replace(
            identity,
            groups=identity.groups | set(orjson.loads(row.groups)),
            permissions=frozenset(orjson.loads(row.permissions)),
        )

    def _remember(self, key: str, key_hash: str, identity: Identity) -> None:
        now = self._clock()
        self._known[key_hash] = KnownKey(key, identity, now + self._recheck_seconds, now)
        self._known.move_to_end(key_hash)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)

    # Whether their keys still live

    def _check(self, key_hash: str) -> "asyncio.Task[None]":
        """One check at a time for each key."""
        task = self._checks.get(key_hash)
        if task is None:
            task = asyncio.create_task(self._ask(key_hash), name="growerp key check")
            self._checks[key_hash] = task
            task.add_done_callback(lambda _: self._checks.pop(key_hash, None))
        return task

    async def _ask(self, key_hash: str) -> None:
        known = self._known.get(key_hash)
        if known is None:
            return
        try:
            await self.moqui.check(known.key)
        except Unavailable:
            known.due = self._clock() + min(AGAIN_SECONDS, self._recheck_seconds)
        except Unauthorized:
            self._end(known.identity.user_id, key_hash)
        else:
            known.due = self._clock() + self._recheck_seconds

    async def check_due(self) -> None:
        """Asks the Moqui for the keys in use whose time has come."""
        await self._round(0.0)

    async def _run(self) -> None:
        tick = min(15.0, self._recheck_seconds / 4)
        while True:
            await asyncio.sleep(tick)
            try:
                await self._round(tick)
            except Exception:
                log.exception("growerp: checking keys failed")

    async def _round(self, tick: float) -> None:
        """Checks what falls due before the next round, a few at a time, so that people who log in
        meanwhile get their turn."""
        now = self._clock()
        used = self._in_use() if self._in_use is not None else self._known
        due = []
        for hash_, known in list(self._known.items()):
            if hash_ in used:
                known.used = now
                if known.due <= now + 1.5 * tick:
                    due.append(hash_)
            elif known.used < now - IDLE_SECONDS:
                del self._known[hash_]
        for start in range(0, len(due), CHECKS_AT_ONCE):
            await asyncio.gather(*map(self._check, due[start : start + CHECKS_AT_ONCE]))


CHECKS_AT_ONCE = 2  # of the calls at once, for checks in the background


def write_known(account: Account, row: AccountRow | None, now: int) -> None:
    """The account of somebody whom the Moqui named; written only where it differs."""
    columns: dict[str, Any] = rows.columns_of(account)
    holder = rows.by_login(account.login_name)
    if holder is not None and holder.user_id != account.user_id:
        columns["login_key"] = None  # the name leads to somebody of ours
    changed = rows.changes(row, columns)
    if row is None:
        AccountRow.create(user_id=account.user_id, created=now, **changed)
    elif changed:
        rows.update(account.user_id, changed)
