"""Accounts and keys on a real SQLite file; logins are in test_logins.py."""

import asyncio
from dataclasses import replace

import pytest

from support.accounts import START, Clock, open_accounts, user
from support.queries import counted_queries
from tornado_chat.accounts.keys import hash_key
from tornado_chat.accounts.local import BATCH
from tornado_chat.accounts.rows import KEPT_DAYS, KEYS_PER_USER
from tornado_chat.errors import (
    BadRequest,
    Conflict,
    Denied,
    NotFound,
    RateLimited,
    SetupError,
    Unauthorized,
    Unavailable,
)
from tornado_chat.messages import Credentials, Identity

DAY = 86_400
HERE, THERE = "192.0.2.1", "192.0.2.2"
SSO = Identity("sso", "SHOP", "From a plugin")


async def refused(accounts, key, address=HERE):
    with pytest.raises(Unauthorized) as caught:
        await accounts.identify(key, address)
    return caught.value.message


# The users of the file


async def test_who_stands_in_the_file_is_somebody(tmp_path):
    ann = user(
        "100021",
        login_name="ann@shop.example",
        full_name="Ann Maas",
        groups=("ADMIN",),
        permissions=("notify",),
        api_key="ann-key",
    )
    async with open_accounts(tmp_path, [ann]) as accounts:
        identity = await accounts.identify("ann-key", HERE)
        assert identity == Identity(
            user_id="100021",
            tenant="SHOP",
            name="Ann Maas",
            login_name="ann@shop.example",
            groups=frozenset({"ADMIN"}),
            permissions=frozenset({"notify"}),
            key=hash_key("ann-key"),
            expires=None,
        )
        account = await accounts.get("100021")
        assert (account.source, account.disabled, account.has_password) == ("config", False, False)


async def test_the_second_start_reads_once_and_writes_nothing(tmp_path):
    users = [user(f"u{n}", api_key=f"key-{n}", email=f"{n}@shop.example") for n in range(200)]
    async with open_accounts(tmp_path, users):
        pass
    with counted_queries() as queries:
        async with open_accounts(tmp_path, users) as accounts:
            mine = [text for text in queries.all if '"account"' in text or '"api_key"' in text]
            assert len([text for text in mine if text.startswith("SELECT")]) == 2
            assert [text for text in mine if not text.startswith("SELECT")] == queries.of("DELETE")
            assert (await accounts.identify("key-199", HERE)).user_id == "u199"


async def test_only_what_changed_is_written(tmp_path):
    users = [user("ann"), user("bob")]
    async with open_accounts(tmp_path, users):
        pass
    with counted_queries() as queries:
        async with open_accounts(tmp_path, [users[0], user("bob", last_name="Prins")]) as accounts:
            assert len(queries.of("UPDATE")) == 1
            assert (await accounts.get("bob")).last_name == "Prins"


async def test_what_a_face_keeps_is_no_matter_of_the_file(tmp_path):
    async with open_accounts(tmp_path) as accounts:
        await accounts.create("SHOP", "ann", pseudo_id="7", extra={"userGroupId": "ADMIN"})
    async with open_accounts(tmp_path, [user("ann", full_name="Ann Maas")]) as accounts:
        account = await accounts.get("ann")
        assert (account.full_name, account.pseudo_id) == ("Ann Maas", "7")
        assert (account.extra, account.source) == ({"userGroupId": "ADMIN"}, "config")


async def test_who_left_the_file_is_disabled_and_who_returns_is_not(tmp_path):
    ann, bob = user("ann", api_key="ann-key"), user("bob")
    async with open_accounts(tmp_path, [ann, bob]):
        pass
    async with open_accounts(tmp_path, [bob]) as accounts:
        assert (await accounts.get("ann")).disabled
        assert await refused(accounts, "ann-key") == "Login key not valid"
        assert ("ann", None) in accounts.told
    async with open_accounts(tmp_path, [ann, bob]) as accounts:
        assert not (await accounts.get("ann")).disabled
        assert (await accounts.identify("ann-key", HERE)).user_id == "ann"


async def test_who_was_disabled_by_hand_stays_so_whatever_the_file_says(tmp_path):
    ann = user("ann", api_key="ann-key")
    async with open_accounts(tmp_path, [ann]) as accounts:
        await accounts.disable("ann")
    for users in ([ann], [], [ann]):
        async with open_accounts(tmp_path, users) as accounts:
            assert (await accounts.get("ann")).disabled


async def test_who_only_lives_in_the_database_stays(tmp_path):
    async with open_accounts(tmp_path) as accounts:
        await accounts.create("SHOP", "bob")
    async with open_accounts(tmp_path, [user("ann")]) as accounts:
        assert not (await accounts.get("bob")).disabled


async def test_a_command_beside_the_server_closes_nobody(tmp_path):
    async with open_accounts(tmp_path, [user("ann")]) as accounts:
        await accounts.start(synchronise=False)
    async with open_accounts(tmp_path, [user("ann")], synchronise=False):
        pass
    async with open_accounts(tmp_path, [], synchronise=False) as accounts:
        assert not (await accounts.get("ann")).disabled


async def test_a_login_name_of_somebody_else_stops_the_start(tmp_path):
    async with open_accounts(tmp_path) as accounts:
        await accounts.create("SHOP", "bob", login_name="Bob@Shop.example")
    with pytest.raises(SetupError, match=r"users\[1\].login_name.*user bob"):
        async with open_accounts(
            tmp_path, [user("ann"), user("carl", login_name="bob@shop.EXAMPLE")]
        ):
            pass
    async with open_accounts(tmp_path) as accounts:
        assert await accounts.get("ann") is None  # nothing of it was kept


async def test_login_names_can_be_swapped_and_taken_over_from_who_left(tmp_path):
    first = [user("ann", login_name="a"), user("bob", login_name="b"), user("cy", login_name="c")]
    async with open_accounts(tmp_path, first):
        pass
    second = [user("ann", login_name="b"), user("bob", login_name="a"), user("di", login_name="C")]
    async with open_accounts(tmp_path, second) as accounts:
        found = [(await accounts.find_login(name)).user_id for name in "abc"]
        assert found == ["bob", "ann", "di"]


async def test_a_key_of_somebody_else_stops_the_start(tmp_path):
    async with open_accounts(tmp_path, [user("ann", api_key="key-1")]):
        pass
    with pytest.raises(SetupError, match=r"users\[0\].api_key.*user ann") as caught:
        async with open_accounts(tmp_path, [user("bob", api_key="key-1"), user("ann")]):
            pass
    assert "key-1" not in str(caught.value)


# Keys of the file


async def test_a_key_of_the_file_does_not_expire(tmp_path):
    clock = Clock()
    async with open_accounts(tmp_path, [user("ann", api_key="k")], clock=clock) as accounts:
        clock.forward(3650 * DAY)
        assert (await accounts.identify("k", HERE)).expires is None


async def test_revoked_it_stays_so_until_the_file_names_another(tmp_path, logs):
    logs.expect("the api_key of ann was revoked, name another")
    ann = user("ann", api_key="leaked")
    async with open_accounts(tmp_path, [ann]) as accounts:
        assert await accounts.revoke_key(hash_key("leaked"))
        assert await refused(accounts, "leaked") == "Login key not valid"
    async with open_accounts(tmp_path, [ann]) as accounts:
        assert await refused(accounts, "leaked") == "Login key not valid"
        assert "the api_key of ann was revoked, name another" in logs.text
    async with open_accounts(tmp_path, [user("ann", api_key="fresh")]) as accounts:
        assert (await accounts.identify("fresh", HERE)).user_id == "ann"
        assert await refused(accounts, "leaked") == "Login key not valid"
    async with open_accounts(tmp_path, [ann]) as accounts:
        assert await refused(accounts, "leaked") == "Login key not valid"


async def test_a_key_that_the_file_no_longer_names_has_ended_until_it_names_it_again(tmp_path):
    first, second = user("ann", api_key="first"), user("ann", api_key="second")
    async with open_accounts(tmp_path, [first]):
        pass
    async with open_accounts(tmp_path, [second]) as accounts:
        assert await refused(accounts, "first") == "Login key not valid"
        assert accounts.told == [("ann", hash_key("first"))]
    async with open_accounts(tmp_path, [first]) as accounts:
        assert (await accounts.identify("first", HERE)).user_id == "ann"
        assert await refused(accounts, "second") == "Login key not valid"


async def test_a_key_that_a_login_gave_may_be_named_in_the_file(tmp_path):
    clock = Clock()
    async with open_accounts(tmp_path, [user("ann")], clock=clock) as accounts:
        key = await accounts.issue_key("ann")
    async with open_accounts(tmp_path, [user("ann", api_key=key)], clock=clock) as accounts:
        clock.forward(100 * DAY)
        assert (await accounts.identify(key, HERE)).expires is None


# Keys that are given out


async def test_a_key_lives_as_long_as_key_days_says(tmp_path):
    clock = Clock()
    settings = {"auth": {"key_days": 2}}
    async with open_accounts(tmp_path, [user("ann")], settings=settings, clock=clock) as accounts:
        key = await accounts.issue_key("ann")
        identity = await accounts.identify(key, HERE)
        assert identity.expires == START + 2 * DAY
        clock.forward(2 * DAY - 1)
        assert await accounts.identify(key, HERE) == identity
        clock.forward(1)
        assert await refused(accounts, key) == "Login key expired"
        assert accounts.ended(identity)


async def test_an_expiry_counts_though_the_key_is_remembered(tmp_path):
    clock = Clock()
    async with open_accounts(tmp_path, [user("ann")], clock=clock) as accounts:
        key = await accounts.issue_key("ann", days=10 / DAY)
        await accounts.identify(key, HERE)
        clock.forward(10)
        with counted_queries() as queries:
            assert await refused(accounts, key) == "Login key expired"
        assert not queries.all


async def test_an_expired_key_is_remembered_as_bad(tmp_path):
    clock = Clock()
    async with open_accounts(tmp_path, [user("ann")], clock=clock) as accounts:
        key = await accounts.issue_key("ann")
        clock.forward(7 * DAY)
        assert await refused(accounts, key) == "Login key expired"
        with counted_queries() as queries:
            assert await refused(accounts, key) == "Login key expired"
        assert not queries.all


async def test_days_zero_is_for_ever(tmp_path):
    async with open_accounts(tmp_path, [user("ann")]) as accounts:
        key = await accounts.issue_key("ann", days=0)
        assert (await accounts.identify(key, HERE)).expires is None


async def test_nobody_collects_keys_without_end(tmp_path):
    clock = Clock()
    async with open_accounts(tmp_path, [user("ann", api_key="fixed")], clock=clock) as accounts:
        keys = []
        for _ in range(KEYS_PER_USER + 1):
            clock.forward(1)
            keys.append(await accounts.issue_key("ann"))
        assert accounts.told == [("ann", hash_key(keys[0]))]
        assert await refused(accounts, keys[0]) == "Login key not valid"
        for key in (keys[1], keys[-1], "fixed"):
            assert (await accounts.identify(key, HERE)).user_id == "ann"


async def test_logins_do_not_end_a_key_that_was_given_for_longer(tmp_path):
    clock = Clock()
    async with open_accounts(tmp_path, [user("ann")], clock=clock) as accounts:
        till = await accounts.issue_key("ann", days=0)
        year = await accounts.issue_key("ann", days=365)
        for _ in range(KEYS_PER_USER + 1):
            clock.forward(1)
            last = await accounts.issue_key("ann")
        for key in (till, year, last):
            assert (await accounts.identify(key, HERE)).user_id == "ann"
        assert len(accounts.told) == 3


async def test_keys_that_ended_long_ago_are_thrown_away(tmp_path):
    clock = Clock()
    async with open_accounts(tmp_path, [user("ann")], clock=clock) as accounts:
        key = await accounts.issue_key("ann")
        clock.forward((KEPT_DAYS + 7) * DAY)
        await accounts.issue_key("ann")
        assert await refused(accounts, key) == "Login key not valid"


async def test_no_key_for_who_is_disabled_or_not_there(tmp_path):
    async with open_accounts(tmp_path, [user("ann")]) as accounts:
        await accounts.disable("ann")
        with pytest.raises(Unauthorized):
            await accounts.issue_key("ann")
        with pytest.raises(NotFound, match="user bob: not there"):
            await accounts.issue_key("bob")


# Looking a key up


async def test_a_key_is_looked_up_once(tmp_path):
    async with open_accounts(tmp_path, [user("ann", api_key="k")]) as accounts:
        await accounts.identify("k", HERE)
        with counted_queries() as queries:
            for _ in range(20):
                await accounts.identify("k", HERE)
        assert not queries.all


async def test_many_that_return_at_once_share_their_query(tmp_path):
    users = [user(f"u{n}", api_key=f"key-{n}") for n in range(BATCH)]
    async with open_accounts(tmp_path, users) as accounts:
        with counted_queries() as queries:
            found = await asyncio.gather(
                *(accounts.identify(f"key-{n}", HERE) for n in range(BATCH)),
                *(accounts.identify(f"key-{n}", THERE) for n in range(BATCH)),
            )
        assert [who.user_id for who in found] == [u.user_id for u in users] * 2
        assert len(queries.all) <= 2


async def test_a_store_that_cannot_be_read_is_503_and_no_bad_key(tmp_path):
    async with open_accounts(tmp_path, [user("ann", api_key="k")]) as accounts:
        readers, accounts._store._readers = accounts._store._readers, None
        with pytest.raises(Unavailable):
            await accounts.identify("k", HERE)
        accounts._store._readers = readers
        assert (await accounts.authenticate(Credentials(key="k"))).user_id == "ann"


async def test_one_who_gives_up_waiting_takes_nobody_with_him(tmp_path):
    async with open_accounts(tmp_path, [user("ann", api_key="k")]) as accounts:
        first = asyncio.create_task(accounts.identify("k", HERE))
        second = asyncio.create_task(accounts.identify("k", HERE))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).user_id == "ann"


@pytest.mark.parametrize("key", ["", " ", "\0", "two words", "x" * 10_000, "käse", "\ud800"])
async def test_what_cannot_be_a_key_costs_nothing(tmp_path, key):
    async with open_accounts(tmp_path) as accounts:
        with counted_queries() as queries:
            assert await refused(accounts, key) == "Login key not valid"
        assert not queries.all


async def test_e3_bad_key(tmp_path):
    async with open_accounts(tmp_path) as accounts:
        assert await refused(accounts, "wrong") == "Login key not valid"


async def test_a_bad_key_is_remembered_for_a_while(tmp_path):
    clock = Clock()
    async with open_accounts(tmp_path, clock=clock) as accounts:
        await refused(accounts, "wrong")
        with counted_queries() as queries:
            for _ in range(1000):  # and costs its address nothing more
                await refused(accounts, "wrong")
        assert not queries.all
        clock.forward(61)
        with counted_queries() as queries:
            await refused(accounts, "wrong")
        assert len(queries.all) == 1


async def test_unknown_keys_meet_a_bucket_and_known_ones_do_not(tmp_path):
    clock = Clock()
    settings = {"limits": {"auth_attempts_per_minute": 3}}
    users = [user("ann", api_key="ann-key"), user("bob", api_key="bob-key")]
    async with open_accounts(tmp_path, users, settings=settings, clock=clock) as accounts:
        await accounts.identify("ann-key", HERE)
        for n in range(3):
            await refused(accounts, f"wrong-{n}")
        with pytest.raises(RateLimited) as caught:
            await accounts.identify("wrong-3", HERE)
        assert caught.value.retry_after == pytest.approx(20)
        for key in ("ann-key", "bob-key"):  # remembered, and not yet
            await accounts.identify(key, HERE)
        assert await refused(accounts, "wrong-3", THERE) == "Login key not valid"
        clock.forward(20)
        assert await refused(accounts, "wrong-4") == "Login key not valid"


async def test_good_keys_never_empty_the_bucket(tmp_path):
    settings = {"limits": {"auth_attempts_per_minute": 1}}
    users = [user(f"u{n}", api_key=f"key-{n}") for n in range(20)]
    async with open_accounts(tmp_path, users, settings=settings) as accounts:
        for n in range(20):
            await accounts.identify(f"key-{n}", HERE)


# The end of it


async def test_b30b_a_revoked_key_ends_at_once(tmp_path):
    async with open_accounts(tmp_path, [user("ann", api_key="other")]) as accounts:
        key = await accounts.issue_key("ann")
        identity = await accounts.identify(key, HERE)
        assert not accounts.ended(identity)
        assert await accounts.revoke_key(identity.key)
        assert accounts.told == [("ann", identity.key)]
        assert accounts.ended(identity)
        assert await refused(accounts, key) == "Login key not valid"
        assert (await accounts.identify("other", HERE)).user_id == "ann"
    async with open_accounts(tmp_path, [user("ann", api_key="other")]) as accounts:
        assert await refused(accounts, key) == "Login key not valid"


async def test_there_is_no_such_key_to_revoke(tmp_path):
    async with open_accounts(tmp_path) as accounts:
        assert not await accounts.revoke_key(hash_key("never"))
        assert accounts.told == []


async def test_all_keys_of_a_user(tmp_path):
    users = [user("ann", api_key="of-the-file"), user("bob", api_key="bob-key")]
    async with open_accounts(tmp_path, users) as accounts:
        key = await accounts.issue_key("ann")
        seen = [await accounts.identify(each, HERE) for each in (key, "of-the-file")]
        await accounts.revoke_keys("ann")
        assert accounts.told == [("ann", None)]
        assert all(accounts.ended(identity) for identity in seen)
        assert await refused(accounts, key) == "Login key not valid"
        assert await refused(accounts, "of-the-file") == "Login key not valid"
        assert not accounts.ended(await accounts.identify("bob-key", HERE))


async def test_disabled_and_enabled_again(tmp_path):
    async with open_accounts(tmp_path, [user("ann", api_key="k")]) as accounts:
        identity = await accounts.identify("k", HERE)
        await accounts.disable("ann")
        assert accounts.told == [("ann", None)]
        assert accounts.ended(identity)
        assert await refused(accounts, "k") == "Login key not valid"
        await accounts.enable("ann")
        again = await accounts.identify("k", HERE)
        assert again == identity and not accounts.ended(again)
        with pytest.raises(NotFound):
            await accounts.disable("nobody")
        with pytest.raises(NotFound):
            await accounts.enable("nobody")


async def test_listeners_are_told_on_the_loop_before_the_caller_goes_on(tmp_path):
    order = []
    async with open_accounts(tmp_path, [user("ann")]) as accounts:
        loop = asyncio.get_running_loop()

        def told(user_id, key_hash):
            assert asyncio.get_running_loop() is loop
            order.append((user_id, key_hash))

        accounts.on_revoked(told)
        await accounts.disable("ann")
        order.append("went on")
    assert order == [("ann", None), "went on"]


async def test_a_listener_that_fails_does_not_stop_the_others(tmp_path, logs):
    logs.expect("a listener to revocations failed")
    async with open_accounts(tmp_path, [user("ann")]) as accounts:
        accounts.on_revoked(lambda *_: 1 / 0)
        after = []
        accounts.on_revoked(lambda *what: after.append(what))
        await accounts.disable("ann")
        assert after == [("ann", None)]
    assert "a listener to revocations failed" in logs.text


async def test_who_is_looked_up_while_he_is_revoked_is_not_let_in_later(tmp_path):
    async with open_accounts(tmp_path, [user("ann", api_key="k")]) as accounts:
        for _ in range(20):  # any interleaving of the two
            await accounts.enable("ann")
            looking = asyncio.create_task(accounts.identify("k", HERE))
            await asyncio.sleep(0)
            await accounts.disable("ann")
            await asyncio.gather(looking, return_exceptions=True)
            with pytest.raises(Unauthorized):
                await accounts.identify("k", HERE)


class Slow:
    """A plugin that has read what there was to know and takes its time to say so."""

    def __init__(self, answer=None):
        self.answer = answer
        self.asked = 0
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    async def __call__(self, credentials):
        self.asked += 1
        self.reached.set()
        await self.go_on.wait()
        return self.answer


@pytest.mark.parametrize("how", ["revoke_key", "revoke_keys", "disable"])
async def test_what_ends_between_the_look_up_and_the_answer_is_not_let_in(tmp_path, how):
    plugin = Slow()
    users = [user("ann", api_key="k")]
    async with open_accounts(tmp_path, users, ask_plugins=plugin) as accounts:
        looking = asyncio.create_task(accounts.identify("k", HERE))
        await plugin.reached.wait()
        await getattr(accounts, how)(hash_key("k") if how == "revoke_key" else "ann")
        plugin.go_on.set()
        with pytest.raises(Unauthorized, match="Login key not valid"):
            await looking
        assert await refused(accounts, "k") == "Login key not valid"


async def test_what_was_found_out_before_an_end_is_not_remembered_after_it(tmp_path):
    plugin = Slow(SSO)
    async with open_accounts(tmp_path, ask_plugins=plugin) as accounts:
        looking = asyncio.create_task(accounts.basic("sso", "any", HERE))
        await plugin.reached.wait()
        await accounts.revoke_keys("sso")
        plugin.go_on.set()
        assert accounts.ended(await looking)
        assert not accounts.ended(await accounts.basic("sso", "any", HERE))
        assert plugin.asked == 2


async def test_a_key_that_was_bad_before_somebody_returned_is_asked_about_again(tmp_path):
    plugin = Slow(Unauthorized("Login key not valid"))

    async def ask(credentials):
        raise await plugin(credentials)

    async with open_accounts(tmp_path, [user("ann", api_key="k")], ask_plugins=ask) as accounts:
        looking = asyncio.create_task(accounts.identify("k", HERE))
        await plugin.reached.wait()
        await accounts.enable("ann")
        plugin.go_on.set()
        with pytest.raises(Unauthorized):
            await looking
        await refused(accounts, "k")
        assert plugin.asked == 2


# Another process


async def test_refresh_ends_what_another_process_ended(tmp_path):
    users = [user("ann", api_key="ann-key"), user("bob", api_key="bob-key"), user("carl")]
    async with open_accounts(tmp_path, users) as server:
        carls = await server.issue_key("carl")
        seen = {key: await server.identify(key, HERE) for key in ("ann-key", "bob-key", carls)}
        await refused(server, "later")
        async with open_accounts(tmp_path, users, synchronise=False) as command:
            await command.disable("ann")
            await command.revoke_key(hash_key(carls))
            await command.create("SHOP", "dora", full_name="Dora")
        await server.refresh()
        assert sorted(server.told, key=str) == [("ann", None), ("carl", seen[carls].key)]
        assert server.ended(seen["ann-key"]) and server.ended(seen[carls])
        assert not server.ended(seen["bob-key"])
        assert await refused(server, "ann-key") == await refused(server, carls)
        assert (await server.identify("bob-key", HERE)) == seen["bob-key"]


async def test_refresh_ends_open_sessions_that_nobody_remembers(tmp_path):
    users = [user("ann", api_key="ann-key")]
    async with open_accounts(tmp_path, users) as server:
        identity = await server.identify("ann-key", HERE)
        stranger = Identity("sso-user", "SHOP", "From a plugin", key="0" * 64)
        await server.refresh()  # what was remembered is forgotten
        async with open_accounts(tmp_path, users, synchronise=False) as command:
            await command.revoke_keys("ann")
        await server.refresh([identity, stranger])
        assert server.told == [("ann", identity.key)]


# Accounts


async def test_create_and_find(tmp_path):
    clock = Clock()
    async with open_accounts(tmp_path, clock=clock) as accounts:
        made = await accounts.create(
            "SHOP",
            login_name="Ann@Shop.example",
            first_name="Ann",
            last_name="Maas",
            groups=["ADMIN"],
            extra={"company": {"partyId": "C1", "name": "Maas Shop"}},
        )
        assert made.full_name == "Ann Maas" and made.created == START
        assert made.user_id.isalnum() and made.source == "database"
        assert await accounts.get(made.user_id) == made
        assert await accounts.find_login("ann@shop.EXAMPLE") == made
        assert await accounts.find_login("") is None
        assert await accounts.get("nobody") is None


async def test_create_refuses_what_is_taken(tmp_path):
    async with open_accounts(tmp_path, [user("ann", login_name="ann")]) as accounts:
        with pytest.raises(Conflict, match="user ann"):
            await accounts.create("SHOP", "ann")
        with pytest.raises(Conflict, match="login_name"):
            await accounts.create("SHOP", "bob", login_name="ANN")


@pytest.mark.parametrize(
    "bad",
    [
        {"user_id": "x" * 65},
        {"user_id": "a\nb"},
        {"tenant": "x" * 65},
        {"tenant": ""},
        {"login_name": "   "},
        {"full_name": "x" * 256},
        {"last_name": "a\x00b"},
        {"password": "short"},
    ],
)
async def test_create_refuses_what_cannot_be_kept(tmp_path, bad):
    async with open_accounts(tmp_path) as accounts:
        with pytest.raises(BadRequest):
            await accounts.create(**{"tenant": "SHOP", **bad})
        assert await accounts.list() == []


async def test_list_by_tenant(tmp_path):
    users = [user("b"), user("a"), user("c", tenant="OTHER"), user("d", tenant=None)]
    async with open_accounts(tmp_path, users) as accounts:
        assert [each.user_id for each in await accounts.list()] == ["a", "b", "c", "d"]
        assert [each.user_id for each in await accounts.list("SHOP")] == ["a", "b"]
        assert [each.user_id for each in await accounts.list(start=1, limit=2)] == ["b", "c"]


# Plugins


class Plugin:
    def __init__(self, answer=None):
        self.answer = answer
        self.asked = []

    async def __call__(self, credentials):
        self.asked.append(credentials)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_a_plugin_speaks_before_any_back_end_and_is_remembered(tmp_path):
    plugin = Plugin(SSO)
    async with open_accounts(tmp_path, [user("ann", api_key="k")], ask_plugins=plugin) as accounts:
        for key in ("k", "token-of-the-sso"):
            identity = await accounts.identify(key, HERE, {"x-forwarded-user": "sso"})
            assert (identity.user_id, identity.key) == ("sso", hash_key(key))
            await accounts.identify(key, HERE)
        assert len(plugin.asked) == 2
        assert plugin.asked[0].headers == {"x-forwarded-user": "sso"}
        plugin.answer = replace(SSO, key="of the plugin's own making")
        assert (await accounts.basic("sso", "any", HERE)).key is None
        with pytest.raises(Denied, match="no account here"):
            await accounts.login("sso", "any", HERE)
        await accounts.create("SHOP", "sso")
        assert (await accounts.login("sso", "any", HERE)).identity.user_id == "sso"


async def test_a_plugin_that_knows_nobody_leaves_it_to_the_others(tmp_path):
    plugin = Plugin()
    async with open_accounts(tmp_path, [user("ann", api_key="k")], ask_plugins=plugin) as accounts:
        assert (await accounts.identify("k", HERE)).user_id == "ann"
        assert await refused(accounts, "wrong") == "Login key not valid"
        with pytest.raises(Unauthorized, match="no login key"):
            await accounts.authenticate(Credentials(address=HERE))


async def test_a_plugin_may_know_people_by_headers_alone(tmp_path):
    async with open_accounts(tmp_path, ask_plugins=Plugin(SSO)) as accounts:
        assert await accounts.authenticate(Credentials(headers={"x-user": "sso"})) == SSO


@pytest.mark.parametrize("error", [Denied("not from there"), Unauthorized("come by the front")])
async def test_a_plugin_may_end_the_search(tmp_path, error):
    async with open_accounts(
        tmp_path, [user("ann", api_key="k", password="Secret99!")], ask_plugins=Plugin(error)
    ) as accounts:
        for _ in range(2):
            with pytest.raises(type(error), match=error.message):
                await accounts.identify("k", HERE)
            with pytest.raises(type(error), match=error.message):
                await accounts.identify("unknown", HERE)
            with pytest.raises(type(error), match=error.message):
                await accounts.basic("ann", "Secret99!", HERE)


async def test_while_a_plugin_fails_nobody_is_told_that_his_key_is_bad(tmp_path):
    plugin = Plugin(Unavailable("it broke"))
    async with open_accounts(tmp_path, [user("ann", api_key="k")], ask_plugins=plugin) as accounts:
        assert (await accounts.identify("k", HERE)).user_id == "ann"
        for _ in range(100):  # and it costs no attempts
            with pytest.raises(Unavailable):
                await accounts.identify("token-of-the-sso", HERE)
            with pytest.raises(Unavailable):
                await accounts.login("sso", "any", HERE)
            with pytest.raises(Unavailable):
                await accounts.authenticate(Credentials(address=HERE))
        plugin.answer = SSO
        assert (await accounts.identify("token-of-the-sso", HERE)).user_id == "sso"


async def test_a_key_that_only_a_plugin_knows_can_be_revoked(tmp_path):
    async with open_accounts(tmp_path, ask_plugins=Plugin(SSO)) as accounts:
        identity = await accounts.identify("token-of-the-sso", HERE)
        assert await accounts.revoke_key(identity.key)
        assert accounts.told == [("sso", identity.key)]
        assert await refused(accounts, "token-of-the-sso") == "Login key not valid"


# Not a word


async def test_b5_no_key_and_no_password_in_logs_errors_and_representations(tmp_path, logs):
    secrets = ["the-key-of-ann", "Secret99!", "Other4567!", "a-wrong-key", "a-wrong-password"]
    ann = user("ann", api_key=secrets[0], password=secrets[1])
    seen = []
    async with open_accounts(tmp_path, [ann]) as accounts:
        seen += [await accounts.identify(secrets[0], HERE), accounts]
        login = await accounts.login("ann", secrets[1], HERE)
        secrets.append(login.key)
        seen.append(login)
        with pytest.raises(Unauthorized) as wrong:
            await accounts.login("ann", "a-wrong-password", HERE)
        with pytest.raises(Unauthorized) as bad:
            await accounts.identify("a-wrong-key", HERE)
        changed = await accounts.change_password("ann", secrets[1], secrets[2], HERE)
        secrets.append(changed.key)
        seen += [wrong.value, bad.value, changed, await accounts.get("ann")]
        seen.append(Credentials(key=secrets[0], password=secrets[1]))
        await accounts.revoke_keys("ann")
    text = logs.text + "".join(repr(each) + str(each) for each in seen)
    assert [secret for secret in secrets if secret in text] == []
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert [secret for secret in secrets if secret.encode() in stored] == []
