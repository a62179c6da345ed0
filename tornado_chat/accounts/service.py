"""Who somebody is: `Accounts`, the one door for keys and passwords.

It never logs, shows or keeps a key or a password in clear; the growerp back-end alone keeps those
of its Moqui, in memory.
"""

import logging
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence

from tornado_chat.accounts import rows
from tornado_chat.accounts.company import CompanyBook
from tornado_chat.accounts.configured import FirstPasswords, Synchronised, synchronise
from tornado_chat.accounts.directory import Directory
from tornado_chat.accounts.doors import AskPlugins, KeyDoor, PasswordDoor, Plugins
from tornado_chat.accounts.growerp import GrowerpBackend
from tornado_chat.accounts.local import LocalBackend
from tornado_chat.accounts.memory import Memory, Questions
from tornado_chat.accounts.models import AccountRow
from tornado_chat.accounts.moqui import Moqui
from tornado_chat.accounts.passwords import Passwords, check_new
from tornado_chat.accounts.people import People
from tornado_chat.accounts.throttle import Throttle
from tornado_chat.accounts.values import WRONG_PASSWORD, Backend, Login
from tornado_chat.config.values import AuthConfig, LimitsConfig, UserConfig
from tornado_chat.errors import Denied, NotFound, Unauthorized
from tornado_chat.messages import Credentials, Identity
from tornado_chat.store import Store, Tx

log = logging.getLogger("tornado_chat.accounts")


class Accounts(CompanyBook):
    """MUSTs: 1. whoever has ended is not let in by anything remembered; 2. a good key is never
    slowed by bad ones from the same address; 3. unknown and wrong answer alike, after the same
    work.

    `ask_plugins`: Who shows these credentials; None for nobody known. It may raise Denied or
    Unauthorized to end the search, and Unavailable where a plugin failed. `in_use`: the hashes of
    the keys of open sessions; without it each key of a Moqui that was ever used counts as one.
    """

    def __init__(
        self,
        store: Store,
        auth: AuthConfig,
        users: Sequence[UserConfig],
        limits: LimitsConfig,
        *,
        clock: Callable[[], float] = time.time,
        ask_plugins: AskPlugins | None = None,
        in_use: Callable[[], Container[object]] | None = None,
    ) -> None:
        passwords = Passwords()
        super().__init__(store, passwords, auth.key_days, clock)
        self.people = People(store, clock)
        self._users = users
        self._memory = Memory(clock)
        self._questions = Questions()
        self._first_passwords = FirstPasswords(store, passwords, clock)
        self.growerp = self._moqui(auth, in_use) if "growerp" in auth.backends else None
        self._local = LocalBackend(
            store,
            passwords,
            self._first_passwords,
            self._log_in,
            enabled="local" in auth.backends,
            clock=clock,
        )
        asked = {"local": self._local, "growerp": self.growerp}
        backends: list[Backend] = [found for name in auth.backends if (found := asked[name])]
        others = [backend for backend in backends if backend is not self._local]
        plugins = self._plugins = Plugins(ask_plugins)
        throttle = Throttle(limits.auth_attempts_per_minute, clock)
        self._keys = KeyDoor(self._memory, self._local, others, plugins, throttle, self._questions)
        self._names = PasswordDoor(
            self._memory, backends, plugins, throttle, passwords, self._questions
        )

    def _moqui(
        self, auth: AuthConfig, in_use: Callable[[], Container[object]] | None
    ) -> GrowerpBackend:
        config = auth.growerp
        moqui = Moqui(config.url or "", config.timeout_seconds, config.calls_at_once, self._clock)
        seconds = config.recheck_minutes * 60
        backend = GrowerpBackend(moqui, seconds, self._store, self._ended, self._clock, in_use)
        self.people.remote = Directory(backend, self._clock)
        return backend

    async def start(self, *, synchronise: bool = True) -> None:
        """Brings in the users of the file; their passwords are hashed while we serve already.

        `synchronise` False for a command beside a running server, whose file need not be ours:
        who is not in the file would be closed. Raises SetupError where two lay claim to one login
        name or key.
        """
        if synchronise:
            await self._bring_in_users()
            await self._passwords.verify(None, "")  # so that the first unknown name costs no more
        if self.growerp is not None:
            await self.growerp.start()

    async def bring_in(self, users: Sequence[UserConfig]) -> frozenset[str]:
        """The users of the file as it is by now; gives those whose identity has changed. Where it
        raises, SetupError as `start` or Unavailable, nothing is changed."""
        self._users = users
        return frozenset((await self._bring_in_users()).others)

    async def _bring_in_users(self) -> Synchronised:
        done = await self._store.write(self._synchronise)
        given = {user.user_id: user.password for user in self._users if user.password}
        self._first_passwords.start({user_id: given[user_id] for user_id in done.no_password})
        for user_id in done.revoked:
            log.warning("in users: the api_key of %s was revoked, name another", user_id)
        if done.created or done.updated or done.ended_users:
            counts = done.created, len(done.updated), len(done.ended_users)
            log.info("users of the file: %d new, %d changed, %d left", *counts)
        return done

    def _synchronise(self, tx: Tx) -> Synchronised:
        done = synchronise(self._users, int(self._clock()))
        tx.defer(lambda: self._synchronised(done))
        return done

    def _synchronised(self, done: Synchronised) -> None:
        self._forget_all()
        for user_id in done.ended_users:
            self._ended(user_id, None)
        for user_id, key_hash in done.ended_keys:
            self._ended(user_id, key_hash)

    async def stop(self) -> None:
        await self._first_passwords.stop()
        if self.people.remote is not None:
            await self.people.remote.stop()
        if self.growerp is not None:
            await self.growerp.stop()
        await self._questions.stop()
        self._passwords.close()

    # Who it is

    async def authenticate(self, credentials: Credentials) -> Identity:
        """Whoever shows these: by key, else by name and password, else by what a plugin makes of
        the headers. Raises as `identify` and `basic` do."""
        if credentials.key is not None:
            return await self._keys.identify(credentials)
        if credentials.username is not None:
            return await self._names.basic(credentials)
        said, failure = await self._plugins.ask(credentials)
        if said is None:
            raise failure or Unauthorized("no login key")
        return said

    async def identify(
        self, key: str, address: str, headers: Mapping[str, str] | None = None
    ) -> Identity:
        """Whose key it is. Raises Unauthorized (`NOT_VALID` or `EXPIRED`), RateLimited for an
        unknown key from an address with too many of them, Unavailable where nobody can say."""
        shown = Credentials(key=key, address=address, headers=headers or {})
        return await self._keys.identify(shown)

    def remembered(self, key: str) -> Identity | None:
        """Whoever `identify` would let in with this key without asking anybody; None for all others,
        who have to ask."""
        return self._keys.remembered(key)

    async def basic(self, username: str, password: str, address: str) -> Identity:
        """Whoever has this name and password; his `key` is None. Raises Unauthorized
        (`WRONG_PASSWORD`), RateLimited, Unavailable."""
        return await self._names.basic(
            Credentials(username=username, password=password, address=address)
        )

    async def login(
        self,
        username: str,
        password: str,
        address: str,
        fields: Mapping[str, str] | None = None,
    ) -> Login:
        """A new key for this name and password. `fields`: the form as it came, for a Moqui, whose
        answer is in the result. Raises as `basic` does. Somebody whom a plugin knows is given a
        key where he has an account here, else Denied."""
        shown = Credentials(username=username, password=password, address=address)
        return await self._names.login(shown, fields or {}, self._log_in_person)

    async def _log_in(self, user_id: str) -> Login:
        return await self._store.write(lambda tx: self._issue(tx, user_id, self._key_seconds))

    async def _log_in_person(self, identity: Identity) -> Login:
        """For somebody whom a plugin knows."""
        try:
            return await self._log_in(identity.user_id)
        except NotFound:
            raise Denied("login: you have no account here, only elsewhere") from None

    async def change_password(self, username: str, old: str, new: str, address: str) -> Login:
        """By the person. Ends all other keys and sessions of his, and gives a new key. Raises as
        `login` does, and BadRequest for a new password that is too short."""
        check_new(new)
        row: AccountRow = await self._names.attempt(
            Credentials(username=username, password=old, address=address),
            self._with_password_here,
            self._no_password_here,
        )
        hashed = await self._passwords.hash(new)

        def work(tx: Tx) -> Login:
            if rows.account(row.user_id).password_hash != row.password_hash:
                raise Unauthorized(WRONG_PASSWORD)  # somebody was faster
            self._write_password(tx, row.user_id, hashed)
            return self._issue(tx, row.user_id, self._key_seconds)

        return await self._store.write(work)

    async def _with_password_here(
        self, backend: Backend, name: str, password: str
    ) -> AccountRow | None:
        return await self._local.check(name, password) if backend is self._local else None

    @staticmethod
    async def _no_password_here(_: Identity) -> None:
        return None

    # The end of it

    def ended(self, identity: Identity) -> bool:
        """Whether this identity ended within the last minute: for whoever has waited between
        learning who somebody is and joining his session to the others."""
        return self._memory.has_ended(identity)

    def _ended(self, user_id: str | None, key_hash: str | None, hashes: Iterable[str] = ()) -> None:
        if key_hash is not None:
            self._memory.key_ended(key_hash)
            self._forget(user_id, key_hash)
        elif user_id is not None:
            self._became(user_id, hashes)
        super()._ended(user_id, key_hash, hashes)

    def _became(self, user_id: str, hashes: Iterable[str]) -> None:
        self._memory.user_ended(user_id, [*hashes, *self._remembered(user_id)])
        self.people.forget(user_id)
        self._forget(user_id, None)

    def _forget(self, user_id: str | None, key_hash: str | None) -> None:
        self._local.forget(user_id, key_hash)
        if self.growerp is not None:
            self.growerp.forget(user_id, key_hash)

    def _changed(self, user_id: str) -> None:
        self.people.forget(user_id)
        self._memory.changed(user_id)

    def _owner(self, key_hash: str) -> str | None:
        known = self.growerp.owner(key_hash) if self.growerp is not None else None
        return known or self._memory.owner(key_hash)

    def _remembered(self, user_id: str) -> list[str]:
        theirs = self.growerp.hashes_of(user_id) if self.growerp is not None else []
        return [*{*theirs, *self._memory.hashes_of(user_id)}]

    async def refresh(self, open_sessions: Iterable[Identity] = ()) -> None:
        """For when another process has written to the database: forgets what is remembered, and
        ends whoever is no longer good among the remembered and `open_sessions`."""
        seen = [*self._memory.identities(), *open_sessions]
        if self.growerp is not None:
            seen += self.growerp.identities()
        self._forget_all()
        hashes = {who.key for who in seen if who.key is not None}
        users = {who.user_id for who in seen}
        now = self._clock()
        closed, ended = await self._store.read(lambda: rows.no_longer_good(users, hashes, now))
        self._forget_all()  # what was found out while we read
        for user_id in closed:
            shown = [who.key for who in seen if who.user_id == user_id and who.key is not None]
            self._ended(user_id, None, shown)
        for key_hash, user_id in ended.items():
            if user_id not in closed:
                self._ended(user_id, key_hash)

    def _forget_all(self) -> None:
        self._memory.clear()
        self._local.forget(None, None)
        self.people.clear()
