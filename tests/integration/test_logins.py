"""Names and passwords on a real SQLite file."""

import asyncio
import statistics
import threading
import time

import pytest
from argon2 import PasswordHasher

from support.accounts import START, Clock, open_accounts, user
from support.queries import counted_queries
from tornado_chat.accounts.keys import hash_key
from tornado_chat.accounts.rows import update
from tornado_chat.errors import BadRequest, NotFound, RateLimited, Unauthorized, Unavailable
from tornado_chat.messages import Credentials

HERE = "192.0.2.1"
DAY = 86_400
ANN = {"login_name": "ann@shop.example", "password": "Secret99!"}
WRONG = "username or password is wrong"


@pytest.fixture
async def accounts(tmp_path):
    async with open_accounts(tmp_path, [user("ann", **ANN)]) as opened:
        yield opened


def counting_work(accounts, monkeypatch):
    """The passwords that argon2 was given, by whatever hash."""
    given = []
    verify = PasswordHasher.verify

    def counted(self, stored, password):
        given.append(password)
        return verify(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    return given


# Login


async def test_e2_login(tmp_path):
    clock = Clock()
    async with open_accounts(tmp_path, [user("ann", **ANN)], clock=clock) as accounts:
        login = await accounts.login("Ann@Shop.Example", "Secret99!", HERE)
        assert login.identity.user_id == "ann" and login.answer is None
        assert login.expires == login.identity.expires == START + 6 * DAY
        assert login.identity.key == hash_key(login.key) and len(login.key) == 40
        assert await accounts.identify(login.key, HERE) == login.identity
        assert (await accounts.login("ann@shop.example", "Secret99!", HERE)).key != login.key


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ann@shop.example", "secret99!"),
        ("ann@shop.example", ""),
        ("ann@shop.example", "\ud800"),
        ("ann@shop.example", "x" * 100_000),
        ("bob@shop.example", "Secret99!"),
        ("ann", "Secret99!"),  # the user id is no login name, where there is another
        ("", "Secret99!"),
        ("\ud800", "Secret99!"),
        ("x" * 100_000, "Secret99!"),
        ("nobody", "Secret99!"),
        ("closed", "Secret99!"),
    ],
)
async def test_b30_unknown_user_and_wrong_password_answer_alike(
    tmp_path, monkeypatch, name, password
):
    users = [user("ann", **ANN), user("nobody"), user("closed", password="Secret99!")]
    async with open_accounts(tmp_path, users) as accounts:
        await accounts.login("closed", "Secret99!", HERE)
        await accounts.disable("closed")
        given = counting_work(accounts, monkeypatch)
        for ask in (accounts.login, accounts.basic):
            given.clear()
            with pytest.raises(Unauthorized) as caught:
                await ask(name, password, HERE)
            assert caught.value.message == WRONG
            assert len(given) == 1


@pytest.mark.alone
async def test_b30_unknown_user_and_wrong_password_take_as_long(accounts):
    """Loose, since machines differ: a look-up without argon2 would take a tenth."""
    assert accounts._passwords._nobody  # made at the start, not by the first unknown name
    took = {"ann@shop.example": [], "bob@shop.example": []}
    for _ in range(9):
        for name, times in took.items():
            began = time.perf_counter()
            with pytest.raises(Unauthorized):
                await accounts.login(name, "wrong", HERE)
            times.append(time.perf_counter() - began)
    known, unknown = (statistics.median(times) for times in took.values())
    assert 0.25 < known / unknown < 4


async def test_b30_failed_logins_count_for_known_and_unknown_names(tmp_path):
    clock = Clock()
    settings = {"limits": {"auth_attempts_per_minute": 3}}
    users = [user("ann", **ANN)]
    async with open_accounts(tmp_path, users, settings=settings, clock=clock) as accounts:
        for name in ("ann@shop.example", "bob@shop.example"):
            address = f"of {name}"
            for _ in range(3):
                with pytest.raises(Unauthorized):
                    await accounts.login(name, "wrong", address)
            with pytest.raises(RateLimited) as caught:
                await accounts.login(name, "Secret99!", address)
            assert caught.value.retry_after == pytest.approx(20)
        await accounts.login("ann@shop.example", "Secret99!", "elsewhere")
        clock.forward(20)
        await accounts.login("ann@shop.example", "Secret99!", "of ann@shop.example")


async def test_guesses_side_by_side_count_as_one_after_the_other(tmp_path):
    settings = {"limits": {"auth_attempts_per_minute": 3}}
    async with open_accounts(tmp_path, [user("ann", **ANN)], settings=settings) as accounts:
        answers = await asyncio.gather(
            *(accounts.login("ann@shop.example", f"guess {n}", HERE) for n in range(10)),
            return_exceptions=True,
        )
        assert sorted(type(answer).__name__ for answer in answers) == (
            ["RateLimited"] * 7 + ["Unauthorized"] * 3
        )


async def test_who_is_right_is_never_slowed(tmp_path):
    settings = {"limits": {"auth_attempts_per_minute": 1}}
    async with open_accounts(tmp_path, [user("ann", **ANN)], settings=settings) as accounts:
        for _ in range(5):
            await accounts.login("ann@shop.example", "Secret99!", HERE)


async def test_a_password_is_hashed_again_when_parameters_change(accounts, monkeypatch):
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("Secret99!")
    await accounts._store.write(lambda _: update("ann", {"password_hash": old}))
    await accounts.login("ann@shop.example", "Secret99!", HERE)
    stored = (await accounts._local._row("ann@shop.example")).password_hash
    assert stored != old and "m=19456,t=2,p=1" in stored
    await accounts.login("ann@shop.example", "Secret99!", HERE)
    assert (await accounts._local._row("ann@shop.example")).password_hash == stored


# Passwords of the file


async def test_the_password_of_the_file_counts_at_creation_only(tmp_path, monkeypatch):
    async with open_accounts(tmp_path, [user("ann", **ANN)]) as accounts:
        await accounts.login("ann@shop.example", "Secret99!", HERE)
    other = user("ann", **{**ANN, "password": "Other4567!"})
    hashed = []
    really = PasswordHasher.hash
    monkeypatch.setattr(
        PasswordHasher, "hash", lambda self, given: hashed.append(given) or really(self, given)
    )
    async with open_accounts(tmp_path, [other]) as accounts:
        assert b"Other4567!" not in hashed
        await accounts.login("ann@shop.example", "Secret99!", HERE)
        with pytest.raises(Unauthorized):
            await accounts.login("ann@shop.example", "Other4567!", HERE)


async def test_the_start_does_not_wait_for_two_hundred_hashes_but_a_login_does(tmp_path):
    users = [user(f"u{n}", password=f"Secret{n}!") for n in range(200)]
    async with open_accounts(tmp_path, users) as accounts:
        assert len(accounts._first_passwords._waiting) > 100
        login = await accounts.login("u199", "Secret199!", HERE)  # the last one comes first
        assert login.identity.user_id == "u199"
        assert len(accounts._first_passwords._waiting) > 100
        with pytest.raises(Unauthorized):
            await accounts.login("u198", "wrong", HERE)


async def test_a_stop_in_the_midst_of_hashing_loses_nobody(tmp_path):
    users = [user(f"u{n}", password=f"Secret{n}!") for n in range(50)]
    async with open_accounts(tmp_path, users):
        pass
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"Secret" not in stored
    async with open_accounts(tmp_path, users) as accounts:
        for n in (0, 25, 49):
            await accounts.login(f"u{n}", f"Secret{n}!", HERE)


async def test_a_first_password_waits_for_a_store_that_cannot_write(tmp_path, monkeypatch):
    monkeypatch.setattr("tornado_chat.accounts.configured.AGAIN_SECONDS", 0.01)
    monkeypatch.setattr("tornado_chat.accounts.configured.SETTLE_SECONDS", 0.1)
    async with open_accounts(tmp_path) as accounts:
        await accounts.create("SHOP", "ann", login_name="ann")
        writer, accounts._store.writer = accounts._store.writer, None
        accounts._first_passwords.start({"ann": "Secret99!"})
        with pytest.raises(Unavailable):
            await accounts.login("ann", "Secret99!", HERE)
        accounts._store.writer = writer
        monkeypatch.setattr("tornado_chat.accounts.configured.SETTLE_SECONDS", 30)
        assert (await accounts.login("ann", "Secret99!", HERE)).identity.user_id == "ann"


async def test_who_was_created_without_a_password_may_be_given_one_by_the_file(tmp_path):
    async with open_accounts(tmp_path, [user("ann")]) as accounts:
        with pytest.raises(Unauthorized):
            await accounts.login("ann", "Secret99!", HERE)
    async with open_accounts(tmp_path, [user("ann", password="Secret99!")]) as accounts:
        await accounts.login("ann", "Secret99!", HERE)


# Basic


async def test_basic_gives_out_no_key(accounts):
    identity = await accounts.basic("ANN@shop.example", "Secret99!", HERE)
    assert (identity.user_id, identity.key, identity.expires) == ("ann", None, None)


async def test_basic_costs_argon2_once_in_some_minutes(tmp_path, monkeypatch):
    clock = Clock()
    async with open_accounts(tmp_path, [user("ann", **ANN)], clock=clock) as accounts:
        await accounts.basic("ann@shop.example", "Secret99!", HERE)
        given = counting_work(accounts, monkeypatch)
        with counted_queries() as queries:
            for _ in range(100):
                await accounts.basic("ann@shop.example", "Secret99!", HERE)
        assert not given and not queries.all
        with pytest.raises(Unauthorized):
            await accounts.basic("ann@shop.example", "Secret99", HERE)
        clock.forward(301)
        given.clear()
        await asyncio.gather(
            *(accounts.basic("ann@shop.example", "Secret99!", HERE) for _ in range(10))
        )
        assert len(given) == 1


async def test_what_is_remembered_of_basic_is_no_password(accounts):
    shown = Credentials(username="ann@shop.example", password="Secret99!", address=HERE)
    assert (await accounts.authenticate(shown)).user_id == "ann"
    digests = list(accounts._memory._basics._entries)
    assert len(digests) == 1 and len(digests[0]) == 64
    assert digests != [hash_key("ann@shop.example\0Secret99!")]  # a secret of the process is in it


async def test_basic_ends_with_the_account(accounts):
    identity = await accounts.basic("ann@shop.example", "Secret99!", HERE)
    await accounts.disable("ann")
    assert accounts.ended(identity)
    with pytest.raises(Unauthorized):
        await accounts.basic("ann@shop.example", "Secret99!", HERE)
    await accounts.enable("ann")
    assert not accounts.ended(await accounts.basic("ann@shop.example", "Secret99!", HERE))


# Changing it


async def test_changing_a_password_ends_all_other_keys_and_gives_a_new_one(tmp_path):
    users = [user("ann", **ANN, api_key="of-the-file")]
    async with open_accounts(tmp_path, users) as accounts:
        old = await accounts.login("ann@shop.example", "Secret99!", HERE)
        basic = await accounts.basic("ann@shop.example", "Secret99!", HERE)
        new = await accounts.change_password("ann@shop.example", "Secret99!", "Other4567!", HERE)
        assert accounts.told == [("ann", None)]
        assert accounts.ended(old.identity) and accounts.ended(basic)
        with pytest.raises(Unauthorized, match="Login key not valid"):
            await accounts.identify(old.key, HERE)
        assert await accounts.identify(new.key, HERE) == new.identity
        assert not accounts.ended(new.identity)
        assert (await accounts.identify("of-the-file", HERE)).user_id == "ann"
        for ask in (accounts.login, accounts.basic):
            with pytest.raises(Unauthorized):
                await ask("ann@shop.example", "Secret99!", HERE)
            await ask("ann@shop.example", "Other4567!", HERE)


async def test_changing_it_needs_the_old_one_and_counts_as_a_try(tmp_path):
    settings = {"limits": {"auth_attempts_per_minute": 2}}
    async with open_accounts(tmp_path, [user("ann", **ANN)], settings=settings) as accounts:
        for name in ("ann@shop.example", "bob@shop.example"):
            with pytest.raises(Unauthorized, match=WRONG):
                await accounts.change_password(name, "wrong", "Other4567!", HERE)
        with pytest.raises(RateLimited):
            await accounts.change_password("ann@shop.example", "Secret99!", "Other4567!", HERE)
        assert accounts.told == []


async def test_of_two_that_change_it_at_once_one_is_late(accounts):
    answers = await asyncio.gather(
        *(
            accounts.change_password("ann@shop.example", "Secret99!", f"Other{n}567!", HERE)
            for n in range(2)
        ),
        return_exceptions=True,
    )
    late = [answer for answer in answers if isinstance(answer, Exception)]
    assert [type(answer) for answer in late] == [Unauthorized]


@pytest.mark.parametrize("short", ["", "1234567", "x" * 2000])
async def test_a_new_password_has_a_length(accounts, short):
    with pytest.raises(BadRequest, match="password"):
        await accounts.change_password("ann@shop.example", "Secret99!", short, HERE)
    with pytest.raises(BadRequest, match="password"):
        await accounts.set_password("ann", short)
    await accounts.login("ann@shop.example", "Secret99!", HERE)


async def test_set_by_somebody_who_may(accounts):
    login = await accounts.login("ann@shop.example", "Secret99!", HERE)
    await accounts.set_password("ann", "Other4567!")
    assert accounts.told == [("ann", None)] and accounts.ended(login.identity)
    await accounts.login("ann@shop.example", "Other4567!", HERE)
    with pytest.raises(NotFound, match="user bob"):
        await accounts.set_password("bob", "Other4567!")


async def test_who_is_checked_while_his_password_changes_is_not_let_in(accounts):
    """Any interleaving of the two; what was remembered must not be the old password."""
    old = "Secret99!"
    for n in range(5):
        new = f"Other{n}567!"
        looking = asyncio.create_task(accounts.basic("ann@shop.example", old, HERE))
        await asyncio.sleep(0.002 * n)
        await accounts.set_password("ann", new)
        await asyncio.gather(looking, return_exceptions=True)
        with pytest.raises(Unauthorized):
            await accounts.basic("ann@shop.example", old, HERE)
        old = new


class Held(PasswordHasher):
    """Says what it found only when it is let go."""

    def __init__(self):
        super().__init__(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self.reached, self.go_on = threading.Event(), threading.Event()

    def verify(self, stored, password):
        try:
            return super().verify(stored, password)
        finally:
            self.reached.set()
            self.go_on.wait(10)


@pytest.mark.parametrize("ask", ["login", "basic"])
async def test_a_password_that_was_right_when_it_was_looked_at(accounts, ask):
    await accounts.basic("ann@shop.example", "Secret99!", HERE)  # first passwords are in
    await accounts.refresh()
    held = accounts._passwords._hasher = Held()
    asking = asyncio.create_task(getattr(accounts, ask)("ann@shop.example", "Secret99!", HERE))
    await asyncio.to_thread(held.reached.wait, 10)
    await accounts.set_password("ann", "Other4567!")
    held.go_on.set()
    with pytest.raises(Unauthorized, match=WRONG):
        await asking


@pytest.mark.parametrize("ask", ["login", "basic"])
async def test_another_end_meanwhile_disturbs_nobody(accounts, ask):
    await accounts.basic("ann@shop.example", "Secret99!", HERE)
    await accounts.refresh()
    held = accounts._passwords._hasher = Held()
    asking = asyncio.create_task(getattr(accounts, ask)("ann@shop.example", "Secret99!", HERE))
    await asyncio.to_thread(held.reached.wait, 10)
    await accounts.create("SHOP", "bob")
    await accounts.disable("bob")
    held.go_on.set()
    assert await asking


async def test_created_with_a_password(accounts):
    await accounts.create("SHOP", "bob", login_name="bob", password="Secret99!")
    assert (await accounts.get("bob")).has_password
    assert (await accounts.login("BOB", "Secret99!", HERE)).identity.user_id == "bob"


async def test_a_crowd_of_logins_is_told_to_come_again(accounts, monkeypatch):
    monkeypatch.setattr("tornado_chat.accounts.passwords.WAITING_MAX", 2)
    answers = await asyncio.gather(
        *(accounts.login("ann@shop.example", "Secret99!", HERE) for _ in range(6)),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert refused and {type(answer) for answer in refused} == {Unavailable}


async def test_without_the_local_backend_no_password_of_ours_counts(tmp_path):
    settings = {"auth": {"backends": []}}
    users = [user("ann", **ANN, api_key="k")]
    async with open_accounts(tmp_path, users, settings=settings) as accounts:
        with pytest.raises(Unauthorized):
            await accounts.login("ann@shop.example", "Secret99!", HERE)
        with pytest.raises(Unauthorized):
            await accounts.identify("k", HERE)
