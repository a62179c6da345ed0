"""Registering, changing and forgetting passwords, and logging in where a Moqui knows the people."""

import pytest

from support.growerp import FrontEnd
from support.moqui import playing_moqui
from support.server import merged, running_server

TABLES = {"plugins": {"disabled": ["order_list"]}}
EVE = {
    "applicationId": "AppAdmin",
    "firstName": "Eve",
    "lastName": "Adams",
    "email": "eve@new.example",
    "userGroupId": "GROWERP_M_ADMIN",
    "newPassword": "Apple-pie-7",
    "timeZoneOffset": "2:00:00.000000",
}


def growerp(**section):
    return merged(TABLES, {"plugins": {"growerp": section}})


async def register(site, **changes):
    form = {name: value for name, value in {**EVE, **changes}.items() if value is not None}
    return await FrontEnd(site).ask("POST", "Register", form=form)


async def logged_in(site, username="eve@new.example", password="Apple-pie-7"):
    eve = FrontEnd(site, "eve")
    said = await eve.login(password, username=username)
    return eve, said


async def test_register_opens_a_company_of_ones_own(site, ann):
    answer = await register(site)
    said = answer.json["authenticate"]
    assert said["loginStatus"] == said["apiKey"] == "registered"
    assert said["applicationId"] == said["classificationId"] == "AppAdmin"
    assert said["user"]["fullName"] == "Eve Adams"
    assert said["ownerPartyId"] not in {"SHOP", "OTHER"}
    eve, said = await logged_in(site)
    assert said["user"]["userGroupId"] == "GROWERP_M_ADMIN"
    assert said["company"]["name"] == "Eve Adams"
    assert [user["lastName"] for user in (await eve.get("User"))["users"]] == ["Adams"]
    (found,) = (await FrontEnd(site).get("Companies", searchString=said["company"]["partyId"]))[
        "companies"
    ]
    assert found["name"] == "Eve Adams"
    assert await ann.get("User", search="eve") == {"users": []}
    body = {"chatRoom": {"members": [{"user": {"userId": said["user"]["userId"]}}]}}
    assert await ann.bad(400, "POST", "ChatRoom", body)
    assert await eve.bad(
        403, "POST", "Notification", {"notification": {"topic": "T", "message": {}}}
    )


async def test_register_without_a_password_tells_the_administrator(site, logs):
    logs.expect("registered without a password")
    answer = await register(site, newPassword=None)
    user_id = answer.json["authenticate"]["user"]["userId"]
    assert f"{user_id} of" in logs.text
    form = {"username": "eve@new.example", "password": ""}
    assert (await FrontEnd(site).ask("POST", "Login", form=form)).code == 400
    await site.server.accounts.set_password(user_id, "Given-by-admin-1")
    await logged_in(site, password="Given-by-admin-1")


@pytest.mark.parametrize(
    "changes",
    [
        {"firstName": ""},
        {"lastName": None},
        {"email": "no address"},
        {"email": None},
        {"newPassword": "short"},
        {"firstName": "x" * 300},
        {"email": "ann@shop.example"},
        {"email": "ANN@Shop.Example"},
        {"companyPartyId": "nowhere"},
    ],
)
async def test_register_refused(site, changes):
    answer = await register(site, **changes)
    assert answer.code in {400, 403}
    assert await site.server.accounts.find_login("eve@new.example") is None


async def test_joining_where_it_is_allowed():
    async with running_server(growerp(join=True)) as site:
        answer = await register(site, companyPartyId="SHOP")
        assert answer.json["authenticate"]["ownerPartyId"] == "SHOP"
        _, said = await logged_in(site)
        assert said["user"]["userGroupId"] == "GROWERP_M_EMPLOYEE", "never an administrator"
        assert said["company"]["partyId"] == "SHOP"
        outside = await register(
            site, companyPartyId="SHOP", email="o@new.example", userGroupId="GROWERP_M_OTHER"
        )
        assert outside.json["authenticate"]["user"]["userGroupId"] == "GROWERP_M_OTHER"


async def test_check_email(site, stranger):
    assert await stranger.get("CheckEmail", email="ann@shop.example") == {"ok": True}
    assert await stranger.get("CheckEmail", email="free@shop.example") == {"ok": False}
    assert await stranger.bad(400, "GET", "CheckEmail")


async def test_changing_the_password(site, ann):
    await site.server.accounts.set_password("u-ann", "Old-one-77")
    old = FrontEnd(site, "ann")
    await old.login("Old-one-77")
    change = {
        "username": "ann@shop.example",
        "oldPassword": "Old-one-77",
        "newPassword": "New-one-77",
        "applicationId": "AppAdmin",
    }
    stranger = FrontEnd(site)
    assert await stranger.bad(400, "POST", "Password", {**change, "oldPassword": "wrong-one-7"})
    assert await stranger.bad(400, "POST", "Password", {**change, "username": "nobody"})
    assert await stranger.bad(400, "POST", "Password", {**change, "newPassword": "x"})
    assert await stranger.bad(400, "POST", "Password", {})
    async with old.chat() as chat:
        said = (await stranger.post("Password", change))["authenticate"]
        assert await chat.closed() == 1008
    assert said["user"]["userId"] == "u-ann"
    assert (await FrontEnd(site, key=said["apiKey"]).ask("GET", "ChatRoom")).code == 200
    assert await old.bad(401, "GET", "ChatRoom") == "Login key not valid"
    await FrontEnd(site, "ann").login("New-one-77")


async def test_logout_of_nobody(stranger):
    answer = await stranger.ask("POST", "Logout", {})
    assert (answer.code, answer.body) == (200, b"no_user")


async def test_login_as_json_and_under_the_old_name(site):
    await site.server.accounts.set_password("u-ann", "Right-one-7")
    body = {"username": "ANN@shop.example", "password": "Right-one-7", "classificationId": "AppX"}
    said = (await FrontEnd(site).post("Login", body))["authenticate"]
    assert said["applicationId"] == "AppX"


async def test_a_disabled_account_is_out(site, ann):
    await site.server.accounts.set_password("u-ann", "Right-one-7")
    await ann.login("Right-one-7")
    async with ann.chat() as chat:
        await site.server.accounts.disable("u-ann")
        assert await chat.closed() == 1008
    form = {"username": "ann@shop.example", "password": "Right-one-7"}
    assert await FrontEnd(site).bad(400, "POST", "Login", form=form)
    assert await ann.bad(401, "GET", "ChatRoom") == "Login key not valid"


async def test_where_a_moqui_knows_the_people():
    async with playing_moqui() as moqui:
        moqui.person("100021", "100010", "ann@erp.example")
        tables = {"auth": {"backends": ["local", "growerp"], "growerp": {"url": moqui.url}}}
        async with running_server(merged(TABLES, tables)) as site:
            stranger = FrontEnd(site)
            form = {
                "username": "ann@erp.example",
                "password": "Secret99!",
                "applicationId": "AppHotel",
            }
            answer = await site.fetch("POST", "/rest/s1/growerp/100/Login", form=form)
            said = answer.json["authenticate"]
            assert moqui.fields["applicationId"] == "AppHotel"
            assert said["moquiSessionToken"] == "k8Vb2nQe0xLr5TzW1uYd", "its answer as it is"
            ann = FrontEnd(site, key=said["apiKey"])
            ann.user_id = "100021"
            again = (await ann.get("Authenticate", applicationId="AppHotel"))["authenticate"]
            assert again["apiKey"] == said["apiKey"]
            assert again["ownerPartyId"] == "100010"
            assert again["company"]["partyId"] == "C1"
            assert again["user"]["partyId"] == "P100021"
            (found,) = (await stranger.get("Companies", searchString="C1"))["companies"]
            assert found["name"] == "Maas Shop"
            wrong = {**form, "password": "Guess-77!"}
            assert await stranger.bad(400, "POST", "Login", form=wrong)
            async with ann.chat() as chat:
                assert (await ann.ask("POST", "Logout", {})).body == b"successful"
                assert await chat.closed() == 1008
            assert await ann.bad(401, "GET", "Authenticate") == "Login key not valid"
            moqui.login_status = "passwordChange"
            answer = await site.fetch("POST", "/rest/s1/growerp/100/Login", form=form)
            assert answer.json["authenticate"]["apiKey"] == "passwordChange"
