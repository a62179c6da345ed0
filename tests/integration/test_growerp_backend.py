"""The growerp back-end against a small server that plays Moqui."""

import asyncio

import pytest

from support.accounts import Clock, open_accounts, user
from support.moqui import playing_moqui
from support.queries import counted_queries
from tornado_chat.accounts.growerp import AGAIN_SECONDS, IDLE_SECONDS
from tornado_chat.accounts.keys import hash_key
from tornado_chat.accounts.rows import end_key
from tornado_chat.errors import RateLimited, Unauthorized, Unavailable
from tornado_chat.messages import Identity

HERE = "192.0.2.1"
SILENT = ("growerp: no answer", "growerp: answers again")
UNCLEAR = ("growerp: an answer that cannot be understood", "growerp: answers again")
ANNS_KEY = "q3J0-Zk_8uTn5wYbM2rLxA7vPdHsEo1fKc9GiN4t"
BOBS_KEY = "b3J0-Zk_8uTn5wYbM2rLxA7vPdHsEo1fKc9GiN4t"


@pytest.fixture
async def moqui():
    async with playing_moqui() as played:
        played.person("100021", "100010", "ann@shop.example", fullName="Ann Maas")
        played.person("100040", "100010", "bob@shop.example", firstName="Bob", lastName="Prins")
        played.person("200001", "200000", "eve@other.example", firstName="Eve", lastName="Else")
        played.key("100021", ANNS_KEY)
        played.key("100040", BOBS_KEY)
        yield played


def asking(moqui, tmp_path, users=(), *, backends=("growerp",), clock=None, **more):
    growerp = {
        "url": moqui.url,
        "recheck_minutes": 5.0,
        "timeout_seconds": 1.0,
        "calls_at_once": 4,
        **more.pop("growerp", {}),
    }
    settings = {"auth": {"backends": list(backends), "growerp": growerp}}
    if "limits" in more:
        settings["limits"] = more.pop("limits")
    return open_accounts(tmp_path, users, settings=settings, clock=clock, **more)


async def refused(accounts, key, error=Unauthorized):
    with pytest.raises(error) as caught:
        await accounts.identify(key, HERE)
    return caught.value.message


async def until(so):
    async with asyncio.timeout(20):
        while not so():
            await asyncio.sleep(0.01)


# Who it is


async def test_a_key_is_identified_once_by_the_long_form(moqui, tmp_path):
    async with asking(moqui, tmp_path) as accounts:
        for _ in range(5):
            identity = await accounts.identify(ANNS_KEY, HERE)
        assert identity == Identity(
            user_id="100021",
            tenant="100010",
            name="Ann Maas",
            login_name="ann@shop.example",
            groups=frozenset({"GROWERP_M_ADMIN"}),
            key=hash_key(ANNS_KEY),
        )
        assert identity.extra["userGroupId"] == "GROWERP_M_ADMIN"
        assert identity.extra["company"] == {"partyId": "C1", "name": "Maas Shop"}
        assert moqui.calls == {"long": 1}


async def test_the_key_goes_in_a_header_and_never_in_an_address(moqui, tmp_path):
    async with asking(moqui, tmp_path) as accounts:
        identity = await accounts.identify(ANNS_KEY, HERE)
        await accounts.people.get(identity, ["100040"])
        await accounts.people.search(identity, "bob")
    assert len(moqui.seen) == 3
    for _, address, headers in moqui.seen:
        assert ANNS_KEY not in address
        assert headers["Api_key"] == ANNS_KEY


async def test_no_name_is_asked_twice_at_once(moqui, tmp_path):
    async with asking(moqui, tmp_path) as accounts:
        found = await asyncio.gather(*(accounts.identify(ANNS_KEY, HERE) for _ in range(50)))
        assert {who.user_id for who in found} == {"100021"}
        assert moqui.calls == {"long": 1}


async def test_calls_in_all_are_limited(moqui, tmp_path):
    keys = [moqui.key("100021", f"key-number-{n}") for n in range(30)]
    async with asking(moqui, tmp_path, growerp={"calls_at_once": 3}) as accounts:
        await asyncio.gather(*(accounts.identify(key, HERE) for key in keys))
    assert moqui.calls["long"] == 30 and moqui.most_at_once == 3


async def test_those_who_wait_are_limited_too(moqui, tmp_path, monkeypatch):
    monkeypatch.setattr("tornado_chat.accounts.moqui.WAITING_MAX", 5)
    keys = [moqui.key("100021", f"key-number-{n}") for n in range(30)]
    async with asking(moqui, tmp_path) as accounts:
        found = await asyncio.gather(
            *(accounts.identify(key, HERE) for key in keys), return_exceptions=True
        )
        assert sum(isinstance(each, Unavailable) for each in found) == 30 - 5 - 4
        for key in keys:
            await accounts.identify(key, HERE)


async def test_who_is_known_has_a_row_and_no_key_is_stored(moqui, tmp_path):
    async with asking(moqui, tmp_path) as accounts:
        await accounts.identify(ANNS_KEY, HERE)
        account = await accounts.get("100021")
        assert (account.source, account.tenant) == ("growerp", "100010")
        assert (account.has_password, account.pseudo_id) == (False, "1")
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert ANNS_KEY.encode() not in stored and hash_key(ANNS_KEY).encode() not in stored


async def test_a_changed_name_is_taken_over_and_an_unchanged_one_not_written(moqui, tmp_path):
    async with asking(moqui, tmp_path) as accounts:
        await accounts.identify(ANNS_KEY, HERE)
        with counted_queries() as queries:
            await accounts.identify(moqui.key("100021", "another"), HERE)
        assert queries.of("INSERT", "UPDATE") == []
        moqui.people["100021"]["fullName"] = "Ann de Vries"
        moqui.people["100021"]["tenant"] = "300000"
        await accounts.identify(moqui.key("100021", "a-third"), HERE)
        account = await accounts.get("100021")
        assert (account.full_name, account.tenant) == ("Ann de Vries", "300000")


@pytest.mark.parametrize("status", ["passwordChange", "subscriptionExpired", "registered"])
async def test_an_answer_that_names_nobody_identifies_nobody(moqui, tmp_path, status):
    async with asking(moqui, tmp_path) as accounts:
        moqui.login_status = status
        assert await refused(accounts, ANNS_KEY) == "Login key not valid"
        moqui.login_status, moqui.fault = None, "nobody"
        assert await refused(accounts, BOBS_KEY) == "Login key not valid"
        assert await accounts.list() == []


async def test_a_setup_in_progress_is_somebody(moqui, tmp_path):
    moqui.login_status = "setupInProgress"
    async with asking(moqui, tmp_path) as accounts:
        assert (await accounts.identify(ANNS_KEY, HERE)).user_id == "100021"
        login = await accounts.login("ann@shop.example", "Secret99!", HERE)
        assert login.identity.user_id == "100021"


# Bad keys


async def test_a_bad_key_is_remembered_briefly(moqui, tmp_path):
    clock = Clock()
    async with asking(moqui, tmp_path, clock=clock) as accounts:
        for _ in range(20):
            assert await refused(accounts, "wrong") == "Login key not valid"
        assert moqui.calls == {"long": 1}
        clock.forward(61)
        await refused(accounts, "wrong")
        assert moqui.calls == {"long": 2}


async def test_bad_keys_meet_the_bucket_before_the_moqui_is_asked(moqui, tmp_path):
    limits = {"auth_attempts_per_minute": 3}
    async with asking(moqui, tmp_path, limits=limits) as accounts:
        await accounts.identify(ANNS_KEY, HERE)
        found = await asyncio.gather(
            *(accounts.identify(f"wrong-{n}", HERE) for n in range(20)), return_exceptions=True
        )
        assert sum(isinstance(each, RateLimited) for each in found) == 17
        assert moqui.calls == {"long": 4}
        assert (await accounts.identify(ANNS_KEY, HERE)).user_id == "100021"


# Whether it still lives


async def test_e5_a_known_key_is_rechecked_by_the_short_form(moqui, tmp_path):
    async with asking(moqui, tmp_path, growerp={"recheck_minutes": 0.2 / 60}) as accounts:
        await accounts.identify(ANNS_KEY, HERE)
        await until(lambda: moqui.calls["token"] >= 3)
        assert moqui.calls["long"] == 1
        assert accounts.told == []


async def test_a_key_that_died_there_ends_its_sessions_here(moqui, tmp_path):
    async with asking(moqui, tmp_path, growerp={"recheck_minutes": 0.2 / 60}) as accounts:
        identity = await accounts.identify(ANNS_KEY, HERE)
        bobs = await accounts.identify(BOBS_KEY, HERE)
        del moqui.keys[ANNS_KEY]
        await until(lambda: accounts.told)
        assert accounts.told == [("100021", hash_key(ANNS_KEY))]
        assert accounts.ended(identity) and not accounts.ended(bobs)
        assert await refused(accounts, ANNS_KEY) == "Login key not valid"


async def test_only_keys_in_use_are_rechecked_and_the_others_when_they_return(moqui, tmp_path):
    clock = Clock()
    in_use = {hash_key(ANNS_KEY)}
    async with asking(moqui, tmp_path, clock=clock, in_use=lambda: in_use) as accounts:
        await accounts.identify(ANNS_KEY, HERE)
        await accounts.identify(BOBS_KEY, HERE)
        clock.forward(301)
        await accounts.growerp._round(15)
        assert moqui.calls == {"long": 2, "token": 1}
        del moqui.keys[BOBS_KEY]
        assert await refused(accounts, BOBS_KEY) == "Login key not valid"
        assert moqui.calls == {"long": 2, "token": 2}
        assert accounts.told == [("100040", hash_key(BOBS_KEY))]


async def test_a_key_is_checked_once_at_a_time(moqui, tmp_path):
    clock = Clock()
    async with asking(moqui, tmp_path, clock=clock) as accounts:
        await accounts.identify(ANNS_KEY, HERE)
        clock.forward(301)
        await asyncio.gather(
            accounts.growerp._round(15),
            accounts.identify(ANNS_KEY, HERE),
            accounts.growerp._round(15),
        )
        assert moqui.calls == {"long": 1, "token": 1}


async def test_a_key_unused_for_a_day_is_forgotten(moqui, tmp_path):
    clock = Clock()
    async with asking(moqui, tmp_path, clock=clock, in_use=frozenset) as accounts:
        await accounts.identify(ANNS_KEY, HERE)
        clock.forward(IDLE_SECONDS + 1)
        await accounts.growerp._round(15)
        await accounts.identify(ANNS_KEY, HERE)
        assert moqui.calls == {"long": 2}


# A Moqui that is ill


async def test_a_dead_moqui_is_503_to_new_keys_while_known_ones_go_on(moqui, tmp_path, logs):
    for text in SILENT:
        logs.expect(text)
    clock = Clock()
    async with asking(moqui, tmp_path, clock=clock) as accounts:
        identity = await accounts.identify(ANNS_KEY, HERE)
        await moqui.die()
        for _ in range(3):
            await refused(accounts, BOBS_KEY, Unavailable)
            clock.forward(400)  # over every cache, and due to be checked again
            assert await accounts.identify(ANNS_KEY, HERE) == identity
        await accounts.growerp._round(15)
        assert accounts.told == []
        assert len([line for line in logs.text.splitlines() if "growerp: no answer" in line]) == 1
        await moqui.live()
        clock.forward(AGAIN_SECONDS + 2)
        assert (await accounts.identify(BOBS_KEY, HERE)).user_id == "100040"
        assert await accounts.identify(ANNS_KEY, HERE) == identity
        assert "growerp: answers again" in logs.text


@pytest.mark.parametrize("fault", ["500", "404", "400", "garbage", "array", "huge"])
async def test_an_answer_that_cannot_be_understood_is_503(moqui, tmp_path, logs, fault):
    for text in (*SILENT, *UNCLEAR):
        logs.expect(text)
    clock = Clock()
    async with asking(moqui, tmp_path, clock=clock) as accounts:
        identity = await accounts.identify(ANNS_KEY, HERE)
        moqui.fault = fault
        await refused(accounts, BOBS_KEY, Unavailable)
        if fault != "400":  # there it means a wrong password
            with pytest.raises(Unavailable):
                await accounts.login("ann@shop.example", "Secret99!", HERE)
        clock.forward(400)
        assert await accounts.identify(ANNS_KEY, HERE) == identity
        assert accounts.told == []
        moqui.fault = None
        clock.forward(2)
        assert (await accounts.identify(BOBS_KEY, HERE)).user_id == "100040"


async def test_a_slow_moqui_has_a_time_limit(moqui, tmp_path, logs):
    for text in SILENT:
        logs.expect(text)
    clock = Clock()  # stands still: so does the pause after a call that was not answered
    quick = {"timeout_seconds": 0.2}
    async with asking(moqui, tmp_path, growerp=quick, clock=clock) as accounts:
        identity = await accounts.identify(ANNS_KEY, HERE)
        moqui.fault = "slow"
        async with asyncio.timeout(10):
            await refused(accounts, BOBS_KEY, Unavailable)
            # Nobody waits as long again for what has just not answered.
            asked = moqui.calls["long"]
            await asyncio.gather(*(refused(accounts, f"key-{n}", Unavailable) for n in range(100)))
            assert moqui.calls["long"] == asked
            assert await accounts.identify(ANNS_KEY, HERE) == identity


async def test_what_cannot_be_checked_costs_no_attempts(moqui, tmp_path, logs):
    for text in SILENT:
        logs.expect(text)
    await moqui.die()
    limits = {"auth_attempts_per_minute": 2}
    async with asking(moqui, tmp_path, limits=limits) as accounts:
        for _ in range(10):
            await refused(accounts, ANNS_KEY, Unavailable)
            with pytest.raises(Unavailable):
                await accounts.login("ann@shop.example", "Secret99!", HERE)


async def test_a_redirect_is_not_followed_with_the_key(moqui, tmp_path, logs):
    for text in UNCLEAR:
        logs.expect(text)
    moqui.fault = "redirect"
    async with asking(moqui, tmp_path) as accounts:
        await refused(accounts, ANNS_KEY, Unavailable)
        assert moqui.calls == {"long": 1}


# Login


async def test_a_login_there_is_passed_on_and_teaches_the_key(moqui, tmp_path):
    fields = {
        "username": "somebody else",
        "applicationId": "AppHotel",
        "locale": "nl",
        "timeZoneOffset": "2:00:00.000000",
    }
    async with asking(moqui, tmp_path) as accounts:
        login = await accounts.login("ann@shop.example", "Secret99!", HERE, fields)
        about = login.answer["authenticate"]
        assert login.key == about["apiKey"] and login.identity.user_id == "100021"
        assert about["user"]["fullName"] == "Ann Maas"
        assert login.key not in repr(login) and "Secret99!" not in repr(login)
        assert await accounts.identify(login.key, HERE) == login.identity
        assert moqui.calls == {"Login": 1}
        assert moqui.fields == {**fields, "username": "ann@shop.example", "password": "Secret99!"}


@pytest.mark.parametrize("status", ["setupRequired", "subscriptionExpired", "passwordChange"])
async def test_a_login_that_is_not_finished_is_passed_on_and_is_nobody(moqui, tmp_path, status):
    moqui.login_status = status
    async with asking(moqui, tmp_path) as accounts:
        login = await accounts.login("ann@shop.example", "Secret99!", HERE)
        assert (login.identity, login.key) == (None, None)
        assert login.answer["authenticate"]["loginStatus"] == status
        with pytest.raises(Unauthorized):
            await accounts.basic("ann@shop.example", "Secret99!", HERE)


async def test_a_login_there_without_a_key_is_nobody_here(moqui, tmp_path):
    moqui.fault = "keyless"
    async with asking(moqui, tmp_path) as accounts:
        login = await accounts.login("ann@shop.example", "Secret99!", HERE)
        assert (login.identity, login.key) == (None, None)
        assert login.answer["authenticate"]["user"]["userId"] == "100021"


async def test_b30_unknown_user_and_wrong_password_answer_alike(moqui, tmp_path):
    limits = {"auth_attempts_per_minute": 5}
    async with asking(moqui, tmp_path, limits=limits) as accounts:
        for name in ("ann@shop.example", "nobody@shop.example", ""):
            with pytest.raises(Unauthorized) as caught:
                await accounts.login(name, "wrong", HERE)
            assert caught.value.message == "username or password is wrong"
        for _ in range(2):
            with pytest.raises(Unauthorized):
                await accounts.basic("ann@shop.example", "wrong", HERE)
        with pytest.raises(RateLimited):
            await accounts.login("ann@shop.example", "Secret99!", HERE)
        assert moqui.calls == {"Login": 5}


async def test_basic_asks_the_moqui_once(moqui, tmp_path):
    async with asking(moqui, tmp_path) as accounts:
        for _ in range(5):
            identity = await accounts.basic("ann@shop.example", "Secret99!", HERE)
        assert (identity.user_id, identity.key) == ("100021", None)
        assert [who.user_id for who in await accounts.people.search(identity, "bob")] == ["100040"]
        assert moqui.calls == {"Login": 1, "User": 1}


# Ours and theirs


async def test_the_order_of_backends_decides_and_ours_are_never_sent_there(moqui, tmp_path):
    ours = user("boss", login_name="boss", password="Secret99!", api_key="of-the-file")
    async with asking(moqui, tmp_path, [ours], backends=("local", "growerp")) as accounts:
        assert (await accounts.identify("of-the-file", HERE)).user_id == "boss"
        assert (await accounts.login("boss", "Secret99!", HERE)).answer is None
        with pytest.raises(Unauthorized):
            await accounts.login("boss", "wrong", HERE)
        assert moqui.calls == {}
        assert (await accounts.login("ann@shop.example", "Secret99!", HERE)).answer is not None
        assert (await accounts.identify(BOBS_KEY, HERE)).user_id == "100040"


async def test_b30b_a_key_revoked_here_stays_so_though_it_lives_there(moqui, tmp_path):
    async with asking(moqui, tmp_path) as accounts:
        identity = await accounts.identify(ANNS_KEY, HERE)
        assert await accounts.revoke_key(identity.key)
        assert accounts.told == [("100021", identity.key)]
        assert await refused(accounts, ANNS_KEY) == "Login key not valid"
    async with asking(moqui, tmp_path) as accounts:
        assert await refused(accounts, ANNS_KEY) == "Login key not valid"
        assert moqui.calls == {"long": 1}


async def test_a_key_that_another_process_revokes_while_the_moqui_is_asked(moqui, tmp_path):
    moqui.fault = "slow"
    async with asking(moqui, tmp_path) as accounts:
        looking = asyncio.create_task(accounts.identify(ANNS_KEY, HERE))
        await until(lambda: moqui.calls)
        await accounts._store.write(lambda tx: end_key(hash_key(ANNS_KEY), "100021", tx.now))
        moqui.slow.set()
        with pytest.raises(Unauthorized, match="Login key not valid"):
            await looking


async def test_all_keys_of_somebody_of_a_moqui(moqui, tmp_path):
    async with asking(moqui, tmp_path) as accounts:
        first = await accounts.identify(ANNS_KEY, HERE)
        second = await accounts.login("ann@shop.example", "Secret99!", HERE)
        await accounts.revoke_keys("100021")
        assert accounts.told == [("100021", None)]
        assert accounts.ended(first) and accounts.ended(second.identity)
        for key in (ANNS_KEY, second.key):
            assert await refused(accounts, key) == "Login key not valid"


async def test_somebody_of_a_moqui_can_be_disabled_here(moqui, tmp_path):
    async with asking(moqui, tmp_path) as accounts:
        identity = await accounts.identify(ANNS_KEY, HERE)
        await accounts.disable("100021")
        assert accounts.told == [("100021", None)] and accounts.ended(identity)
        assert await refused(accounts, ANNS_KEY) == "Login key not valid"
        with pytest.raises(Unauthorized, match="username or password is wrong"):
            await accounts.login("ann@shop.example", "Secret99!", HERE)
        await accounts.enable("100021")
        assert await accounts.identify(ANNS_KEY, HERE) == identity


async def test_the_file_may_give_permissions_to_somebody_of_a_moqui(moqui, tmp_path):
    more = user("100021", tenant="100010", permissions=("notify",), groups=("DISPATCH",))
    async with asking(moqui, tmp_path, [more]) as accounts:
        identity = await accounts.identify(ANNS_KEY, HERE)
        assert identity.name == "Ann Maas" and identity.may("notify")
        assert identity.groups == {"DISPATCH", "GROWERP_M_ADMIN"}
        assert (await accounts.get("100021")).source == "config"


async def test_the_same_id_in_another_tenant_is_somebody_else(moqui, tmp_path, logs):
    logs.expect("user id 100021 is taken here in another tenant")
    async with asking(moqui, tmp_path, [user("100021", tenant="SHOP")]) as accounts:
        assert await refused(accounts, ANNS_KEY) == "Login key not valid"


async def test_a_login_name_that_is_taken_here_disturbs_nobody(moqui, tmp_path):
    ours = user("boss", login_name="ann@shop.example", password="Secret99!")
    async with asking(moqui, tmp_path, [ours], backends=("local", "growerp")) as accounts:
        assert (await accounts.identify(ANNS_KEY, HERE)).login_name == "ann@shop.example"
        assert (await accounts.find_login("ann@shop.example")).user_id == "boss"
    async with asking(moqui, tmp_path, [ours], backends=("local", "growerp")) as accounts:
        assert (await accounts.identify(ANNS_KEY, HERE)).user_id == "100021"


async def test_refresh_knows_what_another_process_revoked(moqui, tmp_path):
    async with asking(moqui, tmp_path) as accounts:
        identity = await accounts.identify(ANNS_KEY, HERE)
        await accounts.refresh()  # now the back-end alone remembers him
        async with open_accounts(tmp_path, synchronise=False) as command:
            await command.disable("100021")
        await accounts.refresh()
        assert accounts.told == [("100021", None)] and accounts.ended(identity)


# People


async def test_people_we_have_not_met_are_looked_up_with_the_callers_key(moqui, tmp_path):
    async with asking(moqui, tmp_path) as accounts:
        ann = await accounts.identify(ANNS_KEY, HERE)
        for _ in range(3):
            found = await accounts.people.get(ann, ["100040", "100021", "200001", "never"])
            assert sorted(found) == ["100021", "100040"]
        bob = found["100040"]
        assert (bob.full_name, bob.party_id, bob.company) == ("Bob Prins", "P100040", "Maas Shop")
        assert moqui.calls == {"long": 1, "User": 1}


async def test_that_somebody_is_not_there_is_remembered_for_minutes(moqui, tmp_path):
    clock = Clock()
    async with asking(moqui, tmp_path, clock=clock) as accounts:
        ann = await accounts.identify(ANNS_KEY, HERE)
        for n in range(20):
            assert await accounts.people.get(ann, [f"never-{n}"]) == {}
        assert moqui.calls["User"] == 1
        moqui.person("100050", "100010", "new@shop.example", firstName="New")
        clock.forward(301)
        assert (await accounts.people.get(ann, ["100050"]))["100050"].first_name == "New"


async def test_a_tenant_is_asked_about_once_however_many_ask(moqui, tmp_path):
    async with asking(moqui, tmp_path) as accounts:
        ann = await accounts.identify(ANNS_KEY, HERE)
        bob = await accounts.identify(BOBS_KEY, HERE)
        await asyncio.gather(
            *(accounts.people.get(who, [f"never-{n}"]) for n in range(10) for who in (ann, bob))
        )
        assert moqui.calls["User"] == 1


async def test_a_large_tenant_is_read_by_the_page(moqui, tmp_path):
    for n in range(450):
        moqui.person(f"3{n:05}", "100010", f"p{n}@shop.example", lastName=f"P{n:03}")
    async with asking(moqui, tmp_path) as accounts:
        ann = await accounts.identify(ANNS_KEY, HERE)
        wanted = [f"3{n:05}" for n in range(450)]
        assert sorted(await accounts.people.get(ann, wanted)) == wanted
        assert moqui.calls["User"] == 3


async def test_nobody_of_another_tenant_is_remembered(moqui, tmp_path):
    """Even where the Moqui lets somebody see more than his tenant."""
    async with asking(moqui, tmp_path) as accounts:
        await accounts.identify(moqui.key("200001", "eves-key"), HERE)
        ann = await accounts.identify(ANNS_KEY, HERE)
        moqui.people["200001"]["tenant"] = "100010"  # now she is listed to Ann as well
        moqui.person("100060", "100010", "x@shop.example", ownerPartyId="200000")
        assert [who.user_id for who in await accounts.people.search(ann, "")] == [
            "100021",
            "100040",
        ]
        assert sorted(await accounts.people.get(ann, ["200001", "100060", "100040"])) == ["100040"]


async def test_e6_partner_picker(moqui, tmp_path):
    async with asking(moqui, tmp_path) as accounts:
        ann = await accounts.identify(ANNS_KEY, HERE)
        found = await accounts.people.search(ann, "bob", 0, 3)
        assert [(who.user_id, who.pseudo_id, who.company) for who in found] == [
            ("100040", "0", "Maas Shop")
        ]
        name, address, _ = moqui.seen[-1]
        assert name == "User" and "isForDropDown=true" in address and "loginOnly=true" in address
        await accounts.people.search(ann, "bob", 0, 3)
        assert moqui.calls["User"] == 1
        # Who was found can be named at once, though he is new since the last list.
        assert sorted(await accounts.people.get(ann, ["100040"])) == ["100040"]
        assert moqui.calls["User"] == 1


async def test_a_search_is_over_ours_and_theirs(moqui, tmp_path):
    ours = user("boss", tenant="100010", first_name="Ada", last_name="Maas")
    async with asking(moqui, tmp_path, [ours], backends=("local", "growerp")) as accounts:
        ann = await accounts.identify(ANNS_KEY, HERE)
        await accounts.identify(BOBS_KEY, HERE)
        found = await accounts.people.search(ann, "")
        assert [who.user_id for who in found] == ["boss", "100021", "100040"]
        assert found[2].email == "bob@shop.example"  # he was here, so we know more of him
        del moqui.people["100040"]
        assert [who.user_id for who in await accounts.people.search(ann, "", 0, 9)] == [
            "boss",
            "100021",
        ]


async def test_a_dead_moqui_leaves_the_people_we_know(moqui, tmp_path, logs):
    for text in SILENT:
        logs.expect(text)
    clock = Clock()
    moqui.person("100050", "100010", "carl@shop.example", firstName="Carl", lastName="Zwart")
    async with asking(moqui, tmp_path, clock=clock) as accounts:
        ann = await accounts.identify(ANNS_KEY, HERE)
        await accounts.people.get(ann, ["100050"])
        await moqui.die()
        clock.forward(400)
        assert sorted(await accounts.people.get(ann, ["100050", "never", "100021"])) == [
            "100021",
            "100050",
        ]
        found = await accounts.people.search(ann, "carl")
        assert [who.user_id for who in found] == ["100050"]


async def test_whose_key_nobody_knows_sees_whoever_was_here(moqui, tmp_path):
    async with asking(moqui, tmp_path) as accounts:
        await accounts.identify(BOBS_KEY, HERE)
        stranger = Identity("sso", "100010", "From a plugin", key="0" * 64)
        assert sorted(await accounts.people.get(stranger, ["100040", "100021"])) == ["100040"]
        assert [who.user_id for who in await accounts.people.search(stranger, "")] == ["100040"]
        assert "User" not in moqui.calls


# Not a word


async def test_b5_no_key_and_no_password_in_logs_and_representations(moqui, tmp_path, logs):
    for text in (*SILENT, *UNCLEAR):
        logs.expect(text)
    clock = Clock()
    async with asking(moqui, tmp_path, clock=clock) as accounts:
        await accounts.identify(ANNS_KEY, HERE)
        login = await accounts.login("ann@shop.example", "Secret99!", HERE)
        await refused(accounts, "a-wrong-key")
        with pytest.raises(Unauthorized):
            await accounts.login("ann@shop.example", "a-wrong-password", HERE)
        for fault in ("500", "garbage", "huge", "slow"):
            moqui.fault = fault
            clock.forward(400)
            await refused(accounts, BOBS_KEY, Unavailable)
            await accounts.identify(ANNS_KEY, HERE)
        await moqui.die()
        clock.forward(400)
        await refused(accounts, BOBS_KEY, Unavailable)
        seen = [login, *accounts.growerp._known.values(), accounts.growerp]
    text = logs.text + "".join(map(repr, seen))
    secrets = [ANNS_KEY, BOBS_KEY, login.key, "Secret99!", "a-wrong-key", "a-wrong-password"]
    assert [secret for secret in secrets if secret in text] == []
