"""What an admin sees and does over REST: who is let in, sockets, topics, plugins."""

import asyncio
import re

import pytest
import websockets

from support.queries import counted_queries
from support.server import key_of, running_server, users
from tornado_chat.web.admin import ROUTES

SHOP_PATHS = ["/admin/sessions", "/admin/topics", "/admin/users", "/admin/users/u-ann"]
ALL_PATHS = [*SHOP_PATHS, "/admin/plugins", "/admin/configuration", "/admin/users/u-ann/keys"]
ZED = {"user_id": "u-zed", "tenant": "OTHER", "permissions": ["admin"], "api_key": "key-of-zed"}
NOWHERE = {"user_id": "u-nowhere", "permissions": ["*"], "api_key": "key-of-nowhere"}


@pytest.fixture
async def site():
    async with running_server({"users": [*users(), ZED, NOWHERE]}) as running:
        yield running


async def got(site, path, name="admin", status=200):
    answer = await site.fetch("GET", path, name=name)
    assert answer.code == status, answer.json
    return answer.json


# Who is let in


@pytest.mark.parametrize("path", ALL_PATHS)
async def test_only_admins_are_let_in(site, path):
    for name, status in ((None, 401), ("ann", 403), ("zoe", 403), ("nowhere", 403)):
        assert (await site.fetch("GET", path, name=name)).code == status, name
    refused = await site.fetch("GET", path, name="ann")
    assert refused.json["error"]["message"] == f"{path}: needs the permission admin"


async def test_every_method_of_every_route_has_the_same_door(site):
    """None of them answers before it is known who asks."""
    for pattern, handler in ROUTES:
        path = pattern.replace("([^/]+)", "x")
        for method in ("get", "post", "patch", "put", "delete"):
            if hasattr(getattr(handler, method), "described"):
                answer = await site.fetch(method.upper(), path, name="ann")
                assert answer.code == 403, (method, path)


async def test_the_permission_admin_is_enough(site):
    assert [user["user_id"] for user in (await got(site, "/admin/users", "zed"))["users"]] == [
        "u-zed",
        "u-zoe",
    ]


async def test_nothing_of_another_company_is_reached(site):
    """Each answer is the one for what is not there at all."""
    key = (await site.fetch("POST", "/admin/users/u-ann/keys", {}, name="admin")).json
    async with site.connect("ann") as ann:
        session = (await got(site, "/admin/sessions"))["sessions"][0]["id"]
        asked = [
            ("GET", "/admin/users/{}", None, "u-ann"),
            ("PATCH", "/admin/users/{}", {"disabled": True}, "u-ann"),
            ("PATCH", "/admin/users/{}", {"password": "a-new-password"}, "u-ann"),
            ("GET", "/admin/users/{}/keys", None, "u-ann"),
            ("POST", "/admin/users/{}/keys", {}, "u-ann"),
            ("DELETE", "/admin/users/{}/keys/" + key["id"], None, "u-ann"),
            ("DELETE", "/admin/sessions/{}", None, session),
        ]
        for method, path, body, theirs in asked:
            refused = await site.fetch(method, path.format(theirs), body, name="zed")
            missing = await site.fetch(method, path.format("nobody"), body, name="zed")
            assert refused.code == missing.code == 404, (method, path)
            said = [each.json["error"]["message"] for each in (refused, missing)]
            assert said[0].replace(theirs, "nobody") == said[1]
        mine = await site.fetch("DELETE", f"/admin/users/u-zed/keys/{key['id']}", name="zed")
        assert mine.code == 404
        assert (await got(site, "/admin/sessions?user_id=u-ann", "zed"))["count"] == 0
        assert (await got(site, "/admin/users?search=ann", "zed"))["users"] == []
        await ann.ok("ping")
    assert (await site.fetch("GET", "/account", headers={"api_key": key["key"]})).code == 200


# Sockets


async def test_sessions(site):
    async with site.connect("ann") as ann, site.connect("zoe"):
        await ann.ok("subscribe", topics=["Alpha", "Beta"])
        async with site.open("/chat", "bob"):
            found = await got(site, "/admin/sessions")
        assert (found["count"], found["more"]) == (2, False)
        bobs, anns = found["sessions"]
        assert int(bobs["id"]) > int(anns["id"])
        assert (bobs["dialect"], bobs["name"]) == ("/chat", "Bob Prins")
        assert anns["user_id"] == "u-ann"
        assert (anns["dialect"], anns["subscriptions"]) == ("/ws", 2)
        assert (anns["address"], anns["behind"], anns["waiting_bytes"]) == ("127.0.0.1", False, 0)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", anns["since"])


async def test_sessions_page_by_page_and_of_one_person(site):
    async with site.connect("ann"), site.connect("bob"), site.connect("ann"):
        first = await got(site, "/admin/sessions?limit=2")
        rest = await got(site, "/admin/sessions?limit=2&start=2")
        assert [each["user_id"] for each in first["sessions"]] == ["u-ann", "u-bob"]
        assert (first["more"], first["count"]) == (True, 3)
        assert [each["user_id"] for each in rest["sessions"]] == ["u-ann"]
        assert (rest["more"], rest["count"]) == (False, 3)
        anns = await got(site, "/admin/sessions?user_id=u-ann")
        assert [each["user_id"] for each in anns["sessions"]] == ["u-ann", "u-ann"]
    assert (await site.fetch("GET", "/admin/sessions?limit=201", name="admin")).code == 400


async def test_a_session_is_ended(site):
    async with site.connect("ann") as one, site.connect("ann") as other:
        newest = (await got(site, "/admin/sessions"))["sessions"][0]["id"]
        answer = await site.fetch("DELETE", f"/admin/sessions/{newest}", name="admin")
        assert (answer.code, answer.json) == (200, {})
        with pytest.raises(websockets.ConnectionClosed):
            await asyncio.wait_for(other.socket.recv(), 10)
        assert other.socket.close_code == 4009
        await one.ok("ping")
        again = await site.fetch("DELETE", f"/admin/sessions/{newest}", name="admin")
        assert again.code == 404
    async with site.connect("ann"):  # his key is good as before
        pass


# Topics


async def room_of(site, *names):
    body = {"name": "Lunch", "members": [f"u-{name}" for name in names]}
    made = await site.fetch("POST", "/plugins/chat_rooms/rooms", body, name="ann")
    return made.json["room"]["topic"]


async def test_topics(site):
    room = await room_of(site, "bob")
    async with site.connect("ann") as ann, site.connect("bob") as bob, site.connect("zed") as zed:
        await ann.ok("subscribe", topic=room)
        await bob.ok("subscribe", topic=room)
        for _ in range(3):
            said = await ann.ok("publish", topic=room, data={"content": "hello"})
        await zed.ok("publish", topic="Theirs", data={"message": {"message": "x"}})
        note = {"topic": "OrderUpdate", "message": {"message": "x"}}
        path = "/plugins/notifications/notifications"
        assert (await site.fetch("POST", path, note, name="admin")).code == 200
        found = await got(site, "/admin/topics")
        assert [each["topic"] for each in found["topics"]] == ["OrderUpdate", room]
        assert found["more"] is False
        assert found["topics"][1] == {
            "topic": room,
            "kind": "room",
            "listeners": 2,
            "messages": 3,
            "last_at": said["at"],
        }
        assert (found["topics"][0]["kind"], found["topics"][0]["listeners"]) == ("", 0)
        for text, topics in (
            ("order", ["OrderUpdate"]),
            ("room", [room]),
            (room, [room]),
            ("room:", [room]),
            ("%", []),
            ("Theirs", []),
        ):
            asked = await site.fetch("GET", "/admin/topics", name="admin", query={"search": text})
            assert [each["topic"] for each in asked.json["topics"]] == topics, text
        first = await got(site, "/admin/topics?limit=1")
        assert ([each["topic"] for each in first["topics"]], first["more"]) == (
            ["OrderUpdate"],
            True,
        )
        assert [each["topic"] for each in (await got(site, "/admin/topics", "zed"))["topics"]] == [
            "Theirs"
        ]


async def test_a_list_is_one_query_whatever_is_on_it(site):
    for _ in range(5):
        await room_of(site, "bob")
    await got(site, "/admin/topics")  # the key is remembered by now
    for path in ("/admin/topics", "/admin/users"):
        with counted_queries() as queries:
            await got(site, path)
        assert len(queries.all) == 1, path
    for path in ("/admin/sessions", "/admin/plugins", "/admin/configuration"):
        with counted_queries() as queries:
            await got(site, path)
        assert queries.all == [], path


# Plugins


async def test_plugins_as_health_has_them(site):
    found = await got(site, "/admin/plugins")
    ready = (await site.fetch("GET", "/health/ready", name="admin")).json
    assert found["plugins"] == ready["plugins"]
    assert found["plugin_health"].keys() == ready["plugin_health"].keys()
    rooms = found["plugin_health"]["chat_rooms"]
    assert rooms.keys() > ready["plugin_health"]["chat_rooms"].keys()
    assert (rooms["kinds"], rooms["mount"]) == (["room"], "/plugins/chat_rooms")
    assert "register_routes" not in rooms["calls"]
    assert key_of("admin") not in str(found)
