"""The two ways in: by key, and by name and password.

Unknown and wrong answer alike, after the same work; whoever is right is never slowed by others who
are wrong.
"""

import functools
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tornado_chat.accounts.keys import hash_key, is_key
from tornado_chat.accounts.local import LocalBackend
from tornado_chat.accounts.memory import Memory, Questions
from tornado_chat.accounts.passwords import Passwords
from tornado_chat.accounts.throttle import Throttle
from tornado_chat.accounts.values import (
    EXPIRED,
    NOT_VALID,
    WRONG_PASSWORD,
    Backend,
    Login,
    login_key,
)
from tornado_chat.errors import Unauthorized, Unavailable
from tornado_chat.messages import Credentials, Identity

AskPlugins = Callable[[Credentials], Awaitable[Identity | None]]


class Plugins:
    """What plugins make of credentials. One that fails counts as not knowing them; but then
    nobody can say that they are bad, only that they cannot be checked now."""

    def __init__(self, ask: AskPlugins | None) -> None:
        self._ask = ask

    async def ask(self, credentials: Credentials) -> tuple[Identity | None, Unavailable | None]:
        """Who it is, and the failure where one plugin failed. Raises what a plugin raised to end
        the search: Denied or Unauthorized."""
        if self._ask is None:
            return None, None
        try:
            return await self._ask(credentials), None
        except Unavailable as error:
            return None, error


class KeyDoor:
    """By key: remembered, or in our own table, or known to a plugin or another back-end."""

    def __init__(
        self,
        memory: Memory,
        local: LocalBackend,
        others: Sequence[Backend],
        plugins: Plugins,
        throttle: Throttle,
        questions: Questions,
    ) -> None:
        self._memory = memory
        self._local = local
        self._others = others
        self._plugins = plugins
        self._throttle = throttle
        self._questions = questions

    async def identify(self, credentials: Credentials) -> Identity:
        key = (credentials.key or "").strip()
        if not is_key(key):
            raise Unauthorized(NOT_VALID)
        key_hash = hash_key(key)
        for _ in range(5):
            identity = self._memory.by_key(key_hash)
            if identity is not None:
                return identity
            asked = replace(credentials, key=key)
            await self._questions.ask(key_hash, functools.partial(self._look_up, asked, key_hash))
        raise Unavailable("too much changes at once, try again")

    def remembered(self, key: str) -> Identity | None:
        """Whoever needs no question; None also for a bad key."""
        try:
            return self._memory.by_key(hash_key(key)) if is_key(key) else None
        except Unauthorized:
            return None

    async def _look_up(self, credentials: Credentials, key_hash: str) -> None:
        """Puts what is found where it is remembered, unless something ended meanwhile."""
        turn = self._memory.turn
        try:
            identity = await self._ask(credentials, key_hash)
        except Unauthorized as error:
            if error.message in {NOT_VALID, EXPIRED}:
                self._memory.keep_bad(turn, key_hash, error.message)
            raise
        self._memory.keep_key(turn, key_hash, replace(identity, key=key_hash))

    async def _ask(self, credentials: Credentials, key_hash: str) -> Identity:
        """Our own table is looked at first: that costs next to nothing, and tells which keys need
        no bucket. Then plugins may speak, before any back-end does."""
        mine = await self._local.find(credentials.key or "", key_hash)
        if mine is not None:
            said, _ = await self._plugins.ask(credentials)
            return said or mine
        attempt = self._throttle.key(credentials.address)
        try:
            found = await self._ask_others(credentials, key_hash)
        except Unauthorized:
            raise
        except BaseException:
            attempt.undo()  # nobody could say, or a plugin ended it by rules of its own
            raise
        attempt.undo()
        return found

    async def _ask_others(self, credentials: Credentials, key_hash: str) -> Identity:
        found, failure = await self._plugins.ask(credentials)
        for backend in self._others if found is None else ():
            found = await backend.find(credentials.key or "", key_hash)
            if found is not None:
                break
        if found is None:
            raise failure or Unauthorized(NOT_VALID)
        return found


class PasswordDoor:
    """By name and password. The first back-end that knows the name decides."""

    def __init__(
        self,
        memory: Memory,
        backends: Sequence[Backend],
        plugins: Plugins,
        throttle: Throttle,
        passwords: Passwords,
        questions: Questions,
    ) -> None:
        self._memory = memory
        self._backends = backends
        self._plugins = plugins
        self._throttle = throttle
        self._passwords = passwords
        self._questions = questions
        self._secret = secrets.token_bytes(32)

    async def basic(self, credentials: Credentials) -> Identity:
        """A right answer is remembered for some minutes, so that not each REST call costs argon2;
        for that address alone, since a plugin may have looked at it."""
        said = (credentials.address, credentials.username, credentials.password)
        shown = "\0".join(str(each) for each in said).encode(errors="replace")
        digest = hmac.new(self._secret, shown, hashlib.sha256).hexdigest()
        identity = self._memory.by_password(digest)
        if identity is None:
            identity = await self._questions.ask(digest, lambda: self._basic(credentials, digest))
        return identity

    async def _basic(self, credentials: Credentials, digest: str) -> Identity:
        turn = self._memory.turn
        identity: Identity = await self.attempt(
            credentials, lambda backend, name, given: backend.basic(name, given), _same
        )
        self._memory.keep_password(turn, digest, identity)
        return identity

    async def login(
        self,
        credentials: Credentials,
        fields: Mapping[str, str],
        for_plugin: Callable[[Identity], Awaitable[Login]],
    ) -> Login:
        login: Login = await self.attempt(
            credentials, lambda backend, name, given: backend.login(name, given, fields), for_plugin
        )
        return login

    async def attempt(
        self,
        credentials: Credentials,
        ask: Callable[[Backend, str, str], Awaitable[Any]],
        for_plugin: Callable[[Identity], Awaitable[Any]],
    ) -> Any:
        """One try at a password, counted where it is wrong. `for_plugin`: what to make of
        somebody whom a plugin knows."""
        name, password = credentials.username or "", credentials.password or ""
        attempt = self._throttle.login(credentials.address, login_key(name) or "")
        try:
            found = await self._found(credentials, ask, for_plugin)
            if found is None:
                await self._passwords.verify(None, password)  # as much work as a wrong one
                raise Unauthorized(WRONG_PASSWORD)
        except Unauthorized:
            raise
        except BaseException:
            attempt.undo()
            raise
        attempt.undo()
        return found

    async def _found(
        self,
        credentials: Credentials,
        ask: Callable[[Backend, str, str], Awaitable[Any]],
        for_plugin: Callable[[Identity], Awaitable[Any]],
    ) -> Any:
        said, failure = await self._plugins.ask(credentials)
        if said is not None:
            return await for_plugin(said)
        for backend in self._backends:
            found = await ask(backend, credentials.username or "", credentials.password or "")
            if found is not None:
                return found
        if failure is not None:
            raise failure
        return None


async def _same(identity: Identity) -> Identity:
    return replace(identity, key=None)
