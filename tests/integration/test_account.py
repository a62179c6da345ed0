"""`/account`: signing in and out over REST of the house, one's password, and who one is."""

import asyncio
import base64
import json
import time
from datetime import UTC, datetime
from types import ModuleType

import pytest

from support.moqui import playing_moqui
from support.server import key_of, merged, password_of, running_server, users
from tornado_chat import Identity, hookimpl

NAME, PASSWORD = "ann@shop.example", password_of("ann")
WRONG = {"code": "unauthorized", "message": "username or password is wrong"}
REFUSED = "password: the old one is wrong"
DAY = 86_400


def people(*names, **more):
    """All of the test kit, of whom these have a password; `more` is of ann."""
    found = [dict(each) for each in users()]
    for each in found:
        name = each["user_id"].removeprefix("u-")
        if name in names:
            each["password"] = password_of(name)
    found[0].update(more)
    return found


def account_server(modules=(), **tables):
    given = merged({"users": people("ann"), "plugins": {"disabled": ["order_list"]}}, tables)
    return running_server(given, modules)


@pytest.fixture
async def site():
    async with account_server() as running:
        yield running


async def sign_in(site, username=NAME, password=PASSWORD, **more):
    body = {"username": username, "password": password}
    return await site.fetch("POST", "/account/login", body, **more)


async def by(site, key, method, path, body=None):
    """Asked with a key."""
    return await site.fetch(method, path, body, headers={"api_key": key})


async def change(site, key, old, new):
    return await by(site, key, "POST", "/account/password", {"old": old, "new": new})


async def listening(site, key):
    """A socket of that key, open."""
    socket = await site.open("/ws", query=f"api_key={key}")
    assert "hello" in json.loads(await socket.recv())
    return socket


async def code_of(socket):
    """With which the house has closed it."""
    async with asyncio.timeout(10):
        await socket.wait_closed()
    return socket.close_code


# In


async def test_a_name_and_a_password_for_a_key(site):
    answer = await sign_in(site)
    assert (answer.code, answer.headers["Cache-Control"]) == (200, "no-store")
    expires = datetime.fromisoformat(answer.json["expires"])
    assert expires.tzinfo == UTC
    assert 0 <= time.time() + 6 * DAY - expires.timestamp() < 60
    assert answer.json["user"] == {
        "user_id": "u-ann",
        "name": "Ann Maas",
        "login_name": NAME,
        "first_name": "Ann",
        "last_name": "Maas",
        "email": NAME,
        "language": "",
        "tenant": "SHOP",
        "groups": ["GROWERP_M_EMPLOYEE"],
        "permissions": [],
    }
    key = answer.json["key"]
    account = (await by(site, key, "GET", "/account")).json
    assert account["user"] == answer.json["user"]
    assert set(account["plugins"]) == {"chat_rooms", "notifications", "growerp"}
    await (await listening(site, key)).close()
    assert (await sign_in(site, f" {NAME.upper()} ")).json["key"] != key


@pytest.mark.parametrize(
    ("name", "password"), [(NAME, "wrong"), (NAME, ""), ("nobody", PASSWORD), ("", ""), ("\0", "")]
)
async def test_who_is_unknown_and_who_is_wrong_hear_the_same(site, name, password):
    answer = await sign_in(site, name, password)
    assert (answer.code, answer.json["error"]) == (401, WRONG)
    assert "WWW-Authenticate" not in answer.headers


async def test_who_is_disabled_does_not_come_in(site):
    await site.server.accounts.disable("u-ann")
    answer = await sign_in(site)
    assert (answer.code, answer.json["error"]) == (401, WRONG)


@pytest.mark.parametrize("body", [{}, {"username": NAME}, {"username": NAME, "password": 1}, []])
async def test_what_is_no_login(site, body):
    answer = await site.fetch("POST", "/account/login", body)
    assert (answer.code, answer.json["error"]["code"]) == (400, "bad_request")


async def test_guesses_are_slowed_and_keys_are_not():
    async with account_server(limits={"auth_attempts_per_minute": 2}) as site:
        for _ in range(2):
            assert (await sign_in(site, password="guess")).code == 401
        answer = await sign_in(site)
        assert (answer.code, answer.json["error"]["code"]) == (429, "rate_limited")
        assert 1 <= int(answer.headers["Retry-After"]) <= 30
        assert (await by(site, key_of("ann"), "GET", "/account")).code == 200


async def test_no_key_and_no_password_is_logged(site, logs):
    key = (await sign_in(site)).json["key"]
    await sign_in(site, password="guess-of-a-stranger")
    await change(site, key, PASSWORD, "another-Secret-1")
    assert "POST /account/password 200" in logs.text
    for secret in (key, PASSWORD, "guess-of-a-stranger", "another-Secret-1"):
        assert secret not in logs.text


async def test_who_one_is_needs_a_key(site):
    for method, path in (
        ("GET", "/account"),
        ("POST", "/account/logout"),
        ("POST", "/account/password"),
    ):
        assert (await site.fetch(method, path)).code == 401
    assert (await by(site, "bad", "GET", "/account")).code == 401


async def test_somebody_in_no_company():
    mine = people("ann", tenant=None)
    async with account_server(users=mine) as site:
        assert (await sign_in(site)).json["user"]["tenant"] is None


# Out


async def test_signing_out_ends_the_key_and_its_sockets(site):
    first, second = [(await sign_in(site)).json["key"] for _ in range(2)]
    ended, kept = await listening(site, first), await listening(site, second)
    answer = await by(site, first, "POST", "/account/logout")
    assert (answer.code, answer.json) == (200, {})
    assert await code_of(ended) == 4009
    assert (await by(site, first, "GET", "/account")).code == 401
    assert (await by(site, second, "GET", "/account")).code == 200
    await kept.send('{"id": 1, "do": "ping"}')
    assert json.loads(await kept.recv()) == {"id": 1, "ok": {}}
    await kept.close()


async def test_who_shows_a_password_has_no_key_to_end(site):
    key = (await sign_in(site)).json["key"]
    basic = base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    answer = await site.fetch("POST", "/account/logout", headers=headers)
    assert (answer.code, answer.json) == (200, {})
    assert (await by(site, key, "GET", "/account")).code == 200


# One's password


async def test_a_new_password_ends_all_other_keys(site):
    first, second = [(await sign_in(site)).json["key"] for _ in range(2)]
    socket = await listening(site, second)
    answer = await change(site, first, PASSWORD, "another-Secret-1")
    assert answer.code == 200
    assert answer.json["user"]["user_id"] == "u-ann" and answer.json["expires"]
    assert await code_of(socket) == 4009
    for key, code in ((first, 401), (second, 401), (answer.json["key"], 200), (key_of("ann"), 200)):
        assert (await by(site, key, "GET", "/account")).code == code
    assert (await sign_in(site)).code == 401
    assert (await sign_in(site, password="another-Secret-1")).code == 200


async def test_a_wrong_old_password_changes_nothing_and_counts():
    async with account_server(limits={"auth_attempts_per_minute": 2}) as site:
        for _ in range(2):
            answer = await change(site, key_of("ann"), "guess", "another-Secret-1")
            assert (answer.code, answer.json["error"]["message"]) == (403, REFUSED)
        answer = await change(site, key_of("ann"), PASSWORD, "another-Secret-1")
        assert answer.code == 429
        assert (await by(site, key_of("ann"), "GET", "/account")).code == 200


async def test_a_new_password_that_is_too_short(site):
    answer = await change(site, key_of("ann"), PASSWORD, "short")
    assert (answer.code, answer.json["error"]["code"]) == (400, "bad_request")
    assert (await sign_in(site)).code == 200


# Others who know people


@pytest.fixture
async def moqui():
    async with playing_moqui() as played:
        played.person("100001", "100010", "ann@moqui.example", language="nl")
        yield played


def beside(moqui):
    auth = {"backends": ["local", "growerp"], "growerp": {"url": moqui.url}}
    return account_server(auth=auth)


async def test_somebody_whom_a_moqui_knows(moqui):
    async with beside(moqui) as site:
        answer = await sign_in(site, " ann@moqui.example ", "Secret99!")
        assert (answer.code, answer.json["expires"]) == (200, None)
        assert moqui.fields["username"] == "ann@moqui.example"
        user = answer.json["user"]
        assert (user["user_id"], user["tenant"], user["language"]) == ("100001", "100010", "nl")
        key = answer.json["key"]
        assert (await by(site, key, "GET", "/account")).json["user"] == user
        answer = await change(site, key, "Secret99!", "another-Secret-1")
        assert answer.code == 403
        assert answer.json["error"]["message"].startswith("password: yours is not kept here")
        assert (await by(site, key, "POST", "/account/logout")).code == 200
        assert (await by(site, key, "GET", "/account")).code == 401
        assert (await sign_in(site, "ann@moqui.example", "wrong")).code == 401


@pytest.mark.parametrize("status", ["passwordChange", "registered"])
async def test_a_login_at_a_moqui_that_is_not_finished(moqui, status):
    moqui.login_status = status
    async with beside(moqui) as site:
        answer = await sign_in(site, "ann@moqui.example", "Secret99!")
        assert (answer.code, answer.json["error"]["code"]) == (403, "denied")
        assert "finish it in the GrowERP front-end" in answer.json["error"]["message"]


async def test_a_moqui_that_is_dead(moqui, logs):
    logs.expect("growerp: no answer")
    logs.expect("POST /account/login 503")
    async with beside(moqui) as site:
        await moqui.die()
        answer = await sign_in(site, "ann@moqui.example", "Secret99!")
        assert (answer.code, answer.json["error"]["code"]) == (503, "unavailable")
        assert (await sign_in(site)).code == 200


async def test_what_a_plugin_says_of_somebody_is_shown_as_text():
    module = ModuleType("badges")
    module.api = 1

    @hookimpl
    def authenticate(credentials):
        if credentials.key != "badge":
            return None
        extra = {"firstName": None, "language": 7, "email": "eve@badge.example"}
        return Identity("eve", "SHOP", "Eve", permissions=frozenset({"b", "a"}), extra=extra)

    module.authenticate = authenticate
    async with account_server([module]) as site:
        user = (await by(site, "badge", "GET", "/account")).json["user"]
        assert (user["first_name"], user["language"]) == ("", "7")
        assert (user["email"], user["permissions"]) == ("eve@badge.example", ["a", "b"])
        answer = await change(site, "badge", "x", "another-Secret-1")
        assert answer.code == 403
        assert (await by(site, "badge", "POST", "/account/logout")).code == 200
        assert (await by(site, "badge", "GET", "/account")).code == 401


# The permission admin


async def test_admin_is_everything_inside_a_company():
    async with account_server(users=people("ann", permissions=["admin"])) as site:
        body = {"topic": "News", "message": {}}
        path = "/plugins/notifications/notifications"
        asked = [("GET", "/metrics", None), ("POST", path, body)]
        for name, codes in (("ann", {200}), ("bob", {403})):
            answers = [await site.fetch(*each, name=name) for each in asked]
            assert {answer.code for answer in answers} == codes
        room = {"members": ["u-zoe"]}
        answer = await site.fetch("POST", "/plugins/chat_rooms/rooms", room, name="ann")
        assert answer.code == 400  # nobody of another company
        health = (await site.fetch("GET", "/health/ready", name="ann")).json
        assert "plugin_health" in health
