"""The users of the file: brought into the database at the start.

The password counts when the account is created, and is hashed after the start: see `FirstPasswords`.
"""

import asyncio
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tornado_chat.accounts import rows
from tornado_chat.accounts.keys import hash_key
from tornado_chat.accounts.models import AccountRow, KeyRow
from tornado_chat.accounts.passwords import Passwords
from tornado_chat.accounts.values import CONFIG, DATABASE, Account, login_key
from tornado_chat.config.values import UserConfig
from tornado_chat.errors import SetupError, Unavailable
from tornado_chat.store import Store, Tx

AGAIN_SECONDS = 1.0  # after the store could not write a first password
SETTLE_SECONDS = 10.0  # how long a login waits for it
WHO = frozenset({"tenant", "full_name", "groups", "permissions"})  # what an identity consists of


@dataclass(slots=True)
class Synchronised:
    """What the file has changed. `no_password`: who has none yet, though the file gives one."""

    created: int = 0
    updated: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)  # of them: who is somebody else by now
    ended_users: list[str] = field(default_factory=list)
    ended_keys: list[tuple[str, str]] = field(default_factory=list)  # (user id, hash)
    no_password: list[str] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)  # whose key of the file was revoked


def synchronise(users: Sequence[UserConfig], now: int) -> Synchronised:
    """In the writer's transaction: two queries, then only what differs is written.

    Raises SetupError where a login name or a key belongs to somebody else.
    """
    done = Synchronised()
    named = {user.user_id for user in users}
    logins = [key for user in users if (key := login_key(user.login_name))]
    query = AccountRow.select().where(
        (AccountRow.source == CONFIG)
        | AccountRow.user_id.in_(list(named))
        | AccountRow.login_key.in_(logins)
    )
    known = {row.user_id: row for row in query}
    for row in known.values():
        if row.source == CONFIG and row.user_id not in named and not row.disabled:
            rows.update(row.user_id, {"disabled": True, "absent": True})
            row.disabled = row.absent = True
            done.ended_users.append(row.user_id)
    _free_logins(users, known)
    for user in users:
        _bring_in(user, known.get(user.user_id), now, done)
    _keys(users, now, done)
    return done


def _free_logins(users: Sequence[UserConfig], known: Mapping[str, AccountRow]) -> None:
    """Takes login names from those who have another one now, so that two may swap theirs."""
    wanted = {login_key(user.login_name): at for at, user in enumerate(users)}
    own = {user.user_id: login_key(user.login_name) for user in users}
    freed = []
    for row in known.values():
        if row.login_key is None or row.login_key == own.get(row.user_id):
            continue
        at = wanted.get(row.login_key)
        if at is None and row.user_id not in own:
            continue
        if row.user_id not in own and row.source == DATABASE:
            raise SetupError(
                f"in users[{at}].login_name: it is the one of user {row.user_id}, who is in the "
                f"database and not in this file"
            )
        freed.append(row.user_id)
        row.login_key = None
    if freed:
        AccountRow.update(login_key=None).where(AccountRow.user_id.in_(freed)).execute()


def _bring_in(user: UserConfig, row: AccountRow | None, now: int, done: Synchronised) -> None:
    account = Account(
        user_id=user.user_id,
        tenant=user.tenant,
        full_name=user.full_name,
        login_name=user.login_name,
        first_name=user.first_name,
        last_name=user.last_name,
        email=user.email,
        groups=user.groups,
        permissions=user.permissions,
        source=CONFIG,
    )
    columns = rows.columns_of(account)
    if row is None:
        columns = rows.changes(None, columns)
        AccountRow.insert(user_id=user.user_id, created=now, **columns).execute()
        done.created += 1
    else:
        for name in ("party_id", "pseudo_id", "language", "extra"):
            del columns[name]  # not a matter of the file
        if row.absent:
            columns |= {"disabled": False, "absent": False}
        if changed := rows.changes(row, columns):
            rows.update(user.user_id, changed)
            done.updated.append(user.user_id)
            if not WHO.isdisjoint(changed):
                done.others.append(user.user_id)
    if user.password is not None and (row is None or row.password_at is None):
        done.no_password.append(user.user_id)


def _keys(users: Sequence[UserConfig], now: int, done: Synchronised) -> None:
    wanted = {hash_key(user.api_key): at for at, user in enumerate(users) if user.api_key}
    query = KeyRow.select().where((KeyRow.configured == True) | KeyRow.hash.in_(list(wanted)))  # noqa: E712 - SQL
    known = {row.hash: row for row in query}
    for hash_, at in wanted.items():
        user_id, row = users[at].user_id, known.get(hash_)
        if row is None:
            KeyRow.insert(hash=hash_, user_id=user_id, created=now, configured=True).execute()
        elif row.user_id != user_id:
            raise SetupError(f"in users[{at}].api_key: it is or was a key of user {row.user_id}")
        elif not row.configured or row.retired or row.expires is not None:
            KeyRow.update(configured=True, retired=False, expires=None).where(
                KeyRow.hash == hash_
            ).execute()
        if row is not None and row.revoked is not None:
            done.revoked.append(user_id)
    gone = [row for row in known.values() if row.hash not in wanted and not row.retired]
    if gone:
        KeyRow.update(retired=True).where(KeyRow.hash.in_([row.hash for row in gone])).execute()
        done.ended_keys += [(row.user_id, row.hash) for row in gone]
    KeyRow.delete().where(
        KeyRow.configured == False,  # noqa: E712 - SQL
        KeyRow.expires < now - rows.KEPT_DAYS * rows.DAY,
    ).execute()


class FirstPasswords:
    """Passwords of new users of the file, hashed two at a time after the start.

    Nothing of them is stored until they are hashed: what a stop interrupts, the next start takes
    from the file again. Whoever logs in meanwhile waits for his own, which comes first.
    """

    def __init__(self, store: Store, passwords: Passwords, clock: Callable[[], float]) -> None:
        self._store = store
        self._passwords = passwords
        self._clock = clock
        self._waiting: dict[str, str] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self, passwords: Mapping[str, str]) -> None:
        self._waiting.update(passwords)
        if self._waiting and self._task is None:
            self._task = asyncio.create_task(self._run(), name="first passwords")

    async def stop(self) -> None:
        tasks = [*self._running.values(), *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._waiting.clear()

    async def settled(self, user_id: str) -> bool:
        """Waits until this user has his first password; False where there was none to wait for."""
        task = self._running.get(user_id) or self._begin(user_id)
        if task is None:
            return False
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                await asyncio.shield(task)
        except TimeoutError:
            raise Unavailable("the password cannot be checked yet, try again later") from None
        return True

    async def _run(self) -> None:
        while self._waiting or self._running:
            while self._waiting and len(self._running) < 2:
                self._begin(next(iter(self._waiting)))
            await asyncio.wait(self._running.values(), return_when=asyncio.FIRST_COMPLETED)
        self._task = None

    def _begin(self, user_id: str) -> "asyncio.Task[None] | None":
        password = self._waiting.pop(user_id, None)
        if password is None:
            return None
        task = asyncio.create_task(self._write(user_id, password), name="first password")
        self._running[user_id] = task
        task.add_done_callback(lambda _: self._running.pop(user_id, None))
        return task

    async def _write(self, user_id: str, password: str) -> None:
        while True:
            try:
                hashed = await self._passwords.hash(password)
                await self._store.write(functools.partial(self._set, user_id, hashed))
                return
            except Unavailable:
                await asyncio.sleep(AGAIN_SECONDS)

    def _set(self, user_id: str, hashed: str, _: Tx) -> None:
        columns = {"password_hash": hashed, "password_at": int(self._clock())}
        AccountRow.update(**columns).where(
            AccountRow.user_id == user_id, AccountRow.password_at.is_null()
        ).execute()
