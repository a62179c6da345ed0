"""Passwords: hashed and checked by argon2, off the loop, two at a time.

A password is never kept, logged or shown.
"""

import asyncio
import contextlib
import ctypes
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tornado_chat.errors import BadRequest, Unavailable

T = TypeVar("T")

THREADS = 2
WAITING_MAX = 200  # checks that wait for a thread; more are answered `unavailable`
LENGTH_MIN, LENGTH_MAX = 8, 1024
M_MMAP_THRESHOLD, LARGE_BYTES = -3, 4 * 1024 * 1024  # mallopt(3)

# OWASP's second choice for argon2id: 19 MiB, two passes, one lane. One lane, so that two checks
# at a time cost two cores at most and leave the loop its share.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def check_new(password: str) -> None:
    """Raises BadRequest where this cannot become a password."""
    if len(password) < LENGTH_MIN:
        raise BadRequest(f"password: at least {LENGTH_MIN} characters")
    if len(password) > LENGTH_MAX or _bytes(password) is None:
        raise BadRequest(f"password: at most {LENGTH_MAX} characters of text")


class Passwords:
    """The pool that hashes and checks."""

    def __init__(self, hasher: PasswordHasher = HASHER) -> None:
        self._hasher = hasher
        self._pool: ThreadPoolExecutor | None = None
        self._nobody: str | None = None  # a hash that no password has, made when first needed
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """What is stored. The password is taken as it is: see `check_new`."""
        return await self._run(lambda: self._hasher.hash(_bytes(password) or b""))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password has this hash; None has no password, and costs the same work."""
        return await self._run(lambda: self._verify(stored, password))

    def is_outdated(self, stored: str) -> bool:
        """Whether it was hashed with other parameters than today's."""
        try:
            return self._hasher.check_needs_rehash(stored)
        except InvalidHashError:
            return True

    def close(self) -> None:
        """Ends the threads; whoever still waits is cancelled."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _verify(self, stored: str | None, password: str) -> bool:
        given = _bytes(password)
        known = stored is not None and given is not None
        try:
            self._hasher.verify(stored or self._dummy(), given or b"")
        except (VerificationError, InvalidHashError):
            return False
        return known

    def _dummy(self) -> str:
        if self._nobody is None:
            self._nobody = self._hasher.hash(secrets.token_bytes(32))
        return self._nobody

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING_MAX:
            raise Unavailable("too many passwords to check, try again later")
        if self._pool is None:
            give_back_large_blocks()
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="tornado_chat.password")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1


def give_back_large_blocks() -> None:
    """For glibc, which else keeps the 19 MiB of each thread for its next check, once it has seen them
    come back; other libraries have other ways, and no such option."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)


def _bytes(password: str) -> bytes | None:
    """The same bytes for the same characters, however a keyboard composed them (RFC 8265)."""
    if len(password) > LENGTH_MAX:
        return None
    try:
        return unicodedata.normalize("NFC", password).encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return None
