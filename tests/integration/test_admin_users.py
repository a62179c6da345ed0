"""What an admin does with the people of his company, and with their keys."""

import asyncio
import contextlib
import re

import pytest

from support.moqui import playing_moqui
from support.server import key_of, running_server
from tornado_chat.accounts.keys import hash_key

NEW = {"login_name": "eve@shop.example", "first_name": "Eve", "last_name": "Adams"}


@pytest.fixture
async def site():
    async with running_server() as running:
        yield running


async def ask(site, method, path, body=None, *, status=200, **more):
    answer = await site.fetch(method, f"/admin/users{path}", body, name="admin", **more)
    assert answer.code == status, answer.json
    return answer.json


async def add(site, **fields):
    return (await ask(site, "POST", "", {**NEW, **fields}, status=201))["user"]


async def account(site, key):
    """What somebody with that key is told of himself."""
    return await site.fetch("GET", "/account", headers={"api_key": key})


async def login(site, password, username=NEW["login_name"]):
    body = {"username": username, "password": password}
    return await site.fetch("POST", "/account/login", body)


async def ended(client):
    """The close code of a native client."""
    await asyncio.wait_for(client.socket.wait_closed(), 10)
    return client.socket.close_code


# Who there is


async def test_people_are_listed_by_name(site):
    found = await ask(site, "GET", "")
    assert [user["name"] for user in found["users"]] == [
        "Admin Baas",
        "Ann Maas",
        "Bob Prins",
        "Carl Smit",
        "Dora Vos",
    ]
    assert found["more"] is False
    ann = found["users"][1]
    assert ann.pop("created").endswith("Z")
    assert ann == {
        "user_id": "u-ann",
        "login_name": "ann@shop.example",
        "name": "Ann Maas",
        "first_name": "Ann",
        "last_name": "Maas",
        "email": "ann@shop.example",
        "groups": ["GROWERP_M_EMPLOYEE"],
        "permissions": [],
        "disabled": False,
        "source": "config",
        "has_password": False,
        "online": False,
    }
    async with site.connect("ann"):
        assert (await ask(site, "GET", "/u-ann"))["user"]["online"] is True


async def test_people_are_searched_and_paged(site):
    made = await add(site, login_name="Zz@Top.example", name="Full Name")
    for text, names in (
        ("MAAS", ["Ann Maas"]),
        ("zz@top", ["Full Name"]),
        ("Full n", ["Full Name"]),
        (made["user_id"], ["Full Name"]),
        ("u-bo", ["Bob Prins"]),
        ("%", []),
        ("zoe", []),
    ):
        found = await ask(site, "GET", "", query={"search": text})
        assert [user["name"] for user in found["users"]] == names, text
    page = await ask(site, "GET", "?start=1&limit=2")
    assert [user["name"] for user in page["users"]] == ["Admin Baas", "Ann Maas"]
    assert page["more"] is True


async def test_a_person_is_added_and_comes_in(site):
    made = await add(
        site, password="apples-and-pears", groups=["SALES"], permissions=["notify"], email="e@x.y"
    )
    assert (made["name"], made["source"], made["has_password"]) == ("Eve Adams", "database", True)
    assert (made["groups"], made["permissions"], made["email"]) == (["SALES"], ["notify"], "e@x.y")
    answer = await login(site, "apples-and-pears")
    assert answer.code == 200
    assert answer.json["user"]["tenant"] == "SHOP"
    await ask(site, "POST", "", NEW, status=409)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"login_name": ""}, "login_name"),
        ({"login_name": "x" * 256}, "login_name"),
        ({"login_name": "a\nb"}, "login_name"),
        ({"name": "x" * 256}, "name"),
        ({"email": "a\0b"}, "e-mail"),
        ({"groups": ["a b"]}, "groups"),
        ({"groups": ["x" * 65]}, "groups"),
        ({"permissions": ["p"] * 101}, "permissions"),
        ({"password": "short"}, "password"),
        ({"password": "x" * 1025}, "password"),
        ({"tenant": "OTHER"}, "tenant"),
        ({"user_id": "u-mine"}, "user_id"),
    ],
)
async def test_what_cannot_be_kept_is_refused(site, fields, word):
    refused = await ask(site, "POST", "", {**NEW, **fields}, status=400)
    assert word in refused["error"]["message"]


# What is changed


async def test_a_person_is_changed(site):
    path = f"/{(await add(site, password='apples-and-pears'))['user_id']}"
    fields = {
        "login_name": "Eve2@shop.example",
        "name": "Eve the First",
        "first_name": "Eva",
        "last_name": "A",
        "email": "eve@garden.example",
        "groups": ["SALES", "BUYERS"],
        "permissions": ["notify"],
    }
    changed = (await ask(site, "PATCH", path, fields))["user"]
    assert {name: changed[name] for name in fields} == fields
    assert (await ask(site, "GET", path))["user"] == changed
    assert [user["name"] for user in (await ask(site, "GET", "?search=garden"))["users"]] == [
        "Eve the First"
    ]
    assert (await login(site, "apples-and-pears")).code == 401
    assert (await login(site, "apples-and-pears", "eve2@shop.example")).code == 200
    taken = await ask(site, "PATCH", path, {"login_name": "ANN@shop.example"}, status=409)
    assert taken["error"]["message"] == "login_name: is taken"
    people = await site.fetch("GET", "/people?search=garden", name="ann")
    assert [person["name"] for person in people.json["people"]] == ["Eve the First"]


async def test_who_is_signed_in_sees_at_once_what_was_changed(site):
    """And changes his password by the name that is his now."""
    made = await add(site, password="apples-and-pears")
    key = (await login(site, "apples-and-pears")).json["key"]
    assert (await account(site, key)).json["user"]["email"] == ""
    fields = {"login_name": "eva", "email": "eva@garden.example"}
    await ask(site, "PATCH", f"/{made['user_id']}", fields)
    user = (await account(site, key)).json["user"]
    assert {name: user[name] for name in fields} == fields
    words = {"old": "apples-and-pears", "new": "pears-and-plums"}
    answer = await site.fetch("POST", "/account/password", words, headers={"api_key": key})
    assert answer.code == 200, answer.json


async def test_of_two_changes_at_once_each_holds_for_open_sockets(site, monkeypatch):
    """Whatever was read before: one takes back what the other gives."""
    made = await add(site)
    path = f"/{made['user_id']}"
    key = (await ask(site, "POST", f"{path}/keys", {}, status=201))["key"]
    in_company = site.server.accounts.in_company

    async def slowly(tenant, user_id):
        found = await in_company(tenant, user_id)
        monkeypatch.undo()
        await ask(site, "PATCH", path, {"permissions": ["notify"]})
        eve = await stack.enter_async_context(site.connect(None, query=f"api_key={key}"))
        sockets.append(eve)
        return found

    async with contextlib.AsyncExitStack() as stack:
        sockets = []
        monkeypatch.setattr(site.server.accounts, "in_company", slowly)
        await ask(site, "PATCH", path, {"permissions": []})
        assert await ended(sockets[0]) == 1012


async def test_all_of_a_change_or_nothing(site):
    path = f"/{(await add(site))['user_id']}"
    await ask(site, "PATCH", path, {"name": "New", "login_name": "ann@shop.example"}, status=409)
    await ask(site, "PATCH", path, {"name": "New", "email": "a\nb"}, status=400)
    await ask(site, "PATCH", path, {"name": "New", "password": "short"}, status=400)
    assert (await ask(site, "GET", path))["user"]["name"] == "Eve Adams"


async def test_new_permissions_hold_at_once(site):
    made = await add(site)
    path = f"/{made['user_id']}"
    key = (await ask(site, "POST", f"{path}/keys", {}, status=201))["key"]
    note = {"topic": "Lunch", "message": {"message": "x"}}

    async def send():
        return await site.fetch(
            "POST", "/plugins/notifications/notifications", note, headers={"api_key": key}
        )

    assert (await send()).code == 403
    async with site.connect(None, query=f"api_key={key}") as eve:
        await ask(site, "PATCH", path, {"permissions": ["notify"]})
        assert await ended(eve) == 1012  # comes back with the same key, as who he is now
    assert (await send()).code == 200
    async with site.connect(None, query=f"api_key={key}") as eve:
        await ask(site, "PATCH", path, {"email": "eve@garden.example"})
        await eve.ok("publish", topic="Lunch", data={"message": {"message": "x"}})
        await ask(site, "PATCH", path, {"permissions": []})
        assert await ended(eve) == 1012
    assert (await send()).code == 403


async def test_who_is_disabled_is_out_and_comes_back(site):
    path = f"/{(await add(site, password='apples-and-pears'))['user_id']}"
    key = (await login(site, "apples-and-pears")).json["key"]
    async with site.connect(None, query=f"api_key={key}") as eve:
        changed = (await ask(site, "PATCH", path, {"disabled": True}))["user"]
        assert changed["disabled"] is True
        assert await ended(eve) == 4009
    assert (await account(site, key)).code == 401
    assert (await login(site, "apples-and-pears")).code == 401
    refused = await ask(site, "POST", f"{path}/keys", {}, status=409)
    assert "disabled" in refused["error"]["message"]
    await ask(site, "PATCH", path, {"disabled": False})
    assert (await account(site, key)).code == 200


async def test_a_new_password_ends_the_old_keys(site):
    path = f"/{(await add(site, password='apples-and-pears'))['user_id']}"
    key = (await login(site, "apples-and-pears")).json["key"]
    async with site.connect(None, query=f"api_key={key}") as eve:
        await ask(site, "PATCH", path, {"password": "pears-and-plums"})
        assert await ended(eve) == 4009
    assert (await account(site, key)).code == 401
    assert (await login(site, "apples-and-pears")).code == 401
    assert (await login(site, "pears-and-plums")).code == 200


async def test_what_the_file_says_is_changed_in_the_file(tmp_path):
    """What it does not say is not."""
    async with running_server() as site:
        for fields in ({"name": "X"}, {"groups": []}, {"permissions": ["*"]}, {"email": "x"}):
            refused = await ask(site, "PATCH", "/u-ann", {**fields, "disabled": True}, status=409)
            name = {"name": "full_name"}.get(*fields, *fields)
            assert refused["error"]["message"] == (
                f"user u-ann: stands in the configuration, change there: {name}"
            )
        assert not (await ask(site, "GET", "/u-ann"))["user"]["disabled"]
        await ask(site, "PATCH", "/u-ann", {"disabled": True})
        assert (await account(site, key_of("ann"))).code == 401
        await ask(site, "PATCH", "/u-ann", {"disabled": False, "password": "apples-and-pears"})
        assert (await account(site, key_of("ann"))).code == 200
        assert (await login(site, "apples-and-pears", "ann@shop.example")).code == 200


async def test_who_left_the_file_comes_back_by_the_file(tmp_path):
    async with running_server(folder=tmp_path):
        pass
    admin = {"user_id": "u-admin", "tenant": "SHOP", "permissions": ["*"],
             "api_key": key_of("admin")}  # fmt: skip
    async with running_server({"users": [admin]}, folder=tmp_path) as site:
        assert (await ask(site, "GET", "/u-ann"))["user"]["disabled"]
        refused = await ask(site, "PATCH", "/u-ann", {"disabled": False}, status=409)
        assert "has left the configuration" in refused["error"]["message"]
        await ask(site, "PATCH", "/u-bob", {"disabled": True})  # he is to stay out
    async with running_server(folder=tmp_path) as site:
        people = {each["user_id"]: each for each in (await ask(site, "GET", ""))["users"]}
        assert (people["u-ann"]["disabled"], people["u-bob"]["disabled"]) == (False, True)


async def test_an_admin_does_not_lock_himself_out(site):
    made = await add(site, permissions=["admin"])
    key = (await ask(site, "POST", f"/{made['user_id']}/keys", {}, status=201))["key"]
    for fields in ({"disabled": True}, {"permissions": ["notify"]}):
        answer = await site.fetch(
            "PATCH", f"/admin/users/{made['user_id']}", fields, headers={"api_key": key}
        )
        assert answer.code == 409, fields
    await ask(site, "PATCH", f"/{made['user_id']}", {"permissions": ["notify"]})
    assert (await site.fetch("GET", "/admin/users", headers={"api_key": key})).code == 403


async def test_who_comes_from_a_moqui_is_changed_there():
    """And without the back-end local nothing is given out: it would open no door."""
    async with playing_moqui() as moqui:
        moqui.person("u-admin", "SHOP", "admin@shop.example")
        moqui.person("100500", "SHOP", "eve@shop.example", firstName="Eve")
        auth = {"backends": ["growerp"], "growerp": {"url": moqui.url}}
        async with running_server({"auth": auth}) as site:
            keys = [
                (await login(site, "Secret99!", name)).json["key"]
                for name in ("admin@shop.example", "eve@shop.example")
            ]

            async def asked(method, path, body=None):
                headers = {"api_key": keys[0]}
                return await site.fetch(method, f"/admin/users{path}", body, headers=headers)

            eve = (await asked("GET", "/100500")).json["user"]
            assert (eve["source"], eve["has_password"]) == ("growerp", False)
            for fields in ({"name": "X"}, {"permissions": ["*"]}, {"password": "apples-and-pears"}):
                refused = await asked("PATCH", "/100500", fields)
                assert refused.code == 409
                assert "comes from the GrowERP back-end" in refused.json["error"]["message"]
            for path, body in (("", NEW), ("/100500/keys", {}), ("/u-ann/keys", {})):
                refused = await asked("POST", path, body)
                assert (refused.code, "auth.backends" in refused.text) == (409, True)
            assert (await account(site, keys[1])).code == 200
            assert (await asked("PATCH", "/100500", {"disabled": True})).code == 200
            assert (await account(site, keys[1])).code == 401


# Keys


async def test_keys_are_given_listed_and_ended(site):
    path = f"/{(await add(site))['user_id']}/keys"
    made = await ask(site, "POST", path, {"name": "the till", "days": 30}, status=201)
    assert re.fullmatch(r"[\w-]{40}", made["key"])
    assert re.fullmatch(r"[0-9a-f]{16}", made["id"])
    assert made["id"] not in made["key"]
    assert made["id"] not in hash_key(made["key"])
    assert (await account(site, made["key"])).code == 200
    forever = await ask(site, "POST", path, {"days": 0}, status=201)
    assert (forever["name"], forever["expires"]) == ("", None)
    await site.server.clock.move(seconds=1)
    usual = await ask(site, "POST", path, status=201)
    listed = (await ask(site, "GET", path))["keys"]
    assert listed[0]["id"] == usual["id"]
    assert {key["id"]: key for key in listed} == {
        key["id"]: {name: value for name, value in key.items() if name != "key"}
        for key in (made, forever, usual)
    }
    assert not any(key["current"] or key["configured"] for key in listed)
    text = str(listed)
    assert made["key"] not in text and hash_key(made["key"]) not in text
    async with site.connect(None, query=f"api_key={made['key']}") as eve:
        assert await ask(site, "DELETE", f"{path}/{made['id']}") == {}
        assert await ended(eve) == 4009
    assert (await account(site, made["key"])).code == 401
    assert (await account(site, usual["key"])).code == 200
    await ask(site, "DELETE", f"{path}/{made['id']}", status=404)
    assert len((await ask(site, "GET", path))["keys"]) == 2


async def test_a_key_expires_and_is_listed_no_longer(site):
    path = f"/{(await add(site))['user_id']}/keys"
    made = await ask(site, "POST", path, {"days": 0.5}, status=201)
    assert made["expires"] > made["created"]
    await site.server.clock.move(seconds=43_201)
    assert (await ask(site, "GET", path))["keys"] == []
    assert (await account(site, made["key"])).code == 401


async def test_the_key_of_the_file_and_the_one_that_asks(site):
    [key] = (await ask(site, "GET", "/u-admin/keys"))["keys"]
    assert (key["configured"], key["current"], key["expires"]) == (True, True, None)
    [anns] = (await ask(site, "GET", "/u-ann/keys"))["keys"]
    assert (anns["configured"], anns["current"]) == (True, False)
    await ask(site, "DELETE", f"/u-ann/keys/{anns['id']}")
    assert (await account(site, key_of("ann"))).code == 401
    assert (await ask(site, "GET", "/u-ann/keys"))["keys"] == []


async def test_a_key_is_reached_by_its_own_person_alone(site):
    [anns] = (await ask(site, "GET", "/u-ann/keys"))["keys"]
    await ask(site, "DELETE", f"/u-bob/keys/{anns['id']}", status=404)
    await ask(site, "DELETE", f"/u-ann/keys/{hash_key(key_of('ann'))}", status=404)
    await ask(site, "DELETE", f"/u-ann/keys/{key_of('ann')}", status=404)
    assert (await account(site, key_of("ann"))).code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"days": -1},
        {"days": 36_501},
        {"days": "soon"},
        {"name": "x" * 65},
        {"name": "the\0till"},
        {"key": "mine"},
    ],
)
async def test_what_no_key_can_be_is_refused(site, body):
    await ask(site, "POST", "/u-ann/keys", body, status=400)


async def test_keys_of_before_have_ids_too(tmp_path):
    """The migration gives each one of its own."""
    async with running_server(folder=tmp_path) as site:
        for _ in range(3):
            await site.server.accounts.issue_key("u-ann")
        database = site.server.store._database
        await site.server.write(lambda tx: undo(database))
    async with running_server(folder=tmp_path) as site:
        keys = (await ask(site, "GET", "/u-ann/keys"))["keys"]
    assert len(keys) == 4
    assert len({key["id"] for key in keys}) == 4
    assert all(re.fullmatch(r"[0-9a-f]{16}", key["id"]) for key in keys)


def undo(database):
    for column in ("public_id", "name"):
        database.execute_sql(f"ALTER TABLE api_key DROP COLUMN {column}")
    database.execute_sql("DELETE FROM schema_migration WHERE name LIKE '0005%'")


# The log


async def test_what_was_done_is_logged_and_no_secret_is(site, logs):
    made = await add(site, password="apples-and-pears", name="Private Name")
    path = f"/{made['user_id']}"
    key = await ask(site, "POST", f"{path}/keys", {}, status=201)
    await ask(site, "PATCH", path, {"password": "pears-and-plums", "groups": ["SALES"]})
    lines = [record.getMessage() for record in logs.records if record.name == "tornado_chat.admin"]
    begin = "admin u-admin of SHOP: "
    assert lines == [
        f"{begin}user {made['user_id']} added",
        f"{begin}key {key['id']} of {made['user_id']} given",
        f"{begin}user {made['user_id']} changed: groups, password",
    ]
    text = "\n".join(record.getMessage() for record in logs.records)
    for secret in ("apples-and-pears", "pears-and-plums", key["key"], "Private Name"):
        assert secret not in text
