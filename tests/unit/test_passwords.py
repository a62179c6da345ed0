import asyncio
import threading
import time

import pytest
from argon2 import PasswordHasher

from tornado_chat.accounts.passwords import LENGTH_MAX, LENGTH_MIN, Passwords, check_new
from tornado_chat.errors import BadRequest, Unavailable

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def passwords():
    made = Passwords(QUICK)
    yield made
    made.close()


class Counting(PasswordHasher):
    """Counts what it is asked, and how many are at it together."""

    def __init__(self, seconds=0.0):
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified = self.now = self.most = 0
        self.threads = set()
        self.seconds = seconds
        self.lock = threading.Lock()

    def verify(self, hash, password):  # noqa: A002
        with self.lock:
            self.verified += 1
            self.now += 1
            self.most = max(self.most, self.now)
            self.threads.add(threading.current_thread())
        time.sleep(self.seconds)
        try:
            return super().verify(hash, password)
        finally:
            with self.lock:
                self.now -= 1


async def test_right_and_wrong(passwords):
    stored = await passwords.hash("Secret99!")
    assert stored.startswith("$argon2id$") and "Secret99!" not in stored
    assert await passwords.verify(stored, "Secret99!")
    assert not await passwords.verify(stored, "secret99!")
    assert not await passwords.verify(None, "Secret99!")
    assert not await passwords.verify("no hash at all", "Secret99!")


async def test_two_hashes_of_one_password_differ(passwords):
    assert await passwords.hash("Secret99!") != await passwords.hash("Secret99!")


async def test_however_a_keyboard_composes_it(passwords):
    stored = await passwords.hash("Zoe\u0308 1234")
    assert await passwords.verify(stored, "Zo\u00eb 1234")


@pytest.mark.parametrize("odd", ["", "\ud800", "x" * (LENGTH_MAX + 1), "\0"])
async def test_odd_passwords_are_wrong_and_no_error(passwords, odd):
    stored = await passwords.hash("Secret99!")
    assert not await passwords.verify(stored, odd)
    assert not await passwords.verify(None, odd)


async def test_what_cannot_be_a_password_is_never_right(passwords):
    stored = await passwords.hash("")
    assert not await passwords.verify(stored, "\ud800")


@pytest.mark.parametrize("stored", [None, "known", "broken"])
@pytest.mark.parametrize("given", ["Secret99!", "wrong", "x" * 2000])
async def test_each_check_costs_one_verification(stored, given):
    hasher = Counting()
    passwords = Passwords(hasher)
    if stored == "known":
        stored = await passwords.hash("Secret99!")
    await passwords.verify(stored, given)
    assert hasher.verified == 1
    passwords.close()


async def test_off_the_loop_and_two_at_a_time():
    hasher = Counting(seconds=0.01)
    passwords = Passwords(hasher)
    await asyncio.gather(*(passwords.verify(None, "x") for _ in range(10)))
    assert hasher.most == 2
    assert threading.current_thread() not in hasher.threads
    passwords.close()


async def test_too_many_waiting_are_told_to_come_again(monkeypatch):
    monkeypatch.setattr("tornado_chat.accounts.passwords.WAITING_MAX", 3)
    passwords = Passwords(Counting(seconds=0.01))
    answers = await asyncio.gather(
        *(passwords.verify(None, "x") for _ in range(5)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [bool, bool, bool, Unavailable, Unavailable]
    assert not await passwords.verify(None, "x")
    passwords.close()


async def test_other_parameters_are_outdated(passwords):
    stored = await passwords.hash("Secret99!")
    assert not passwords.is_outdated(stored)
    assert Passwords().is_outdated(stored)
    assert passwords.is_outdated("no hash at all")


@pytest.mark.parametrize(
    "bad", ["", "x" * (LENGTH_MIN - 1), "x" * (LENGTH_MAX + 1), "12345678\ud800"]
)
def test_a_new_password_has_a_length(bad):
    with pytest.raises(BadRequest, match="password") as caught:
        check_new(bad)
    assert bad == "" or bad not in str(caught.value)


def test_a_new_password_that_will_do():
    check_new("x" * LENGTH_MIN)
    check_new("x" * LENGTH_MAX)
