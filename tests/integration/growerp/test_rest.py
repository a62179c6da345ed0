"""The resources beside the examples: what all share, and what a front-end asks when it starts."""

import asyncio

import pytest

from support.growerp import BASE, FrontEnd, notify
from support.queries import counted_queries
from support.server import key_of, merged, running_server, users

TABLES = {"plugins": {"disabled": ["order_list"]}}
PROTECTED = ["ChatRoom", "ChatMessage", "Notification", "Authenticate", "User", "MenuConfiguration"]
OPEN = ["Companies", "BackendUrl", "Uoms", "CompanyFromHost"]


def growerp(**section):
    return merged(TABLES, {"plugins": {"growerp": section}})


# What all share


@pytest.mark.parametrize("resource", PROTECTED)
async def test_without_a_key(stranger, resource):
    text = await stranger.bad(401, "GET", resource)
    assert text == f"User must be logged in to call service get#{resource}"


@pytest.mark.parametrize("resource", OPEN)
async def test_open_to_strangers(stranger, resource):
    assert (await stranger.ask("GET", resource)).code == 200


@pytest.mark.parametrize("nothing", ["", "null", "undefined"])
async def test_what_careless_front_ends_send_for_no_key(stranger, nothing):
    assert (await stranger.ask("GET", "Uoms", headers={"api_key": nothing})).code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/rest",
        "/rest/",
        "/rest/s1/growerp/100",
        "/rest/s1/growerp/100/",
        "/rest/s1/growerp/100/Nope",
        "/rest/s1/growerp/100/ChatRoom/1",
        "/rest/s1/growerp/100/chatroom",
        "/rest/s1/moqui/ChatRoom",
        "/rest/s1/growerp/100/TempResetPassword?username=ann",
        "/rest/s1/growerp/100/%00%ff",
    ],
)
async def test_unknown_path(site, path):
    for method in ("GET", "POST", "DELETE"):
        body = b"{}" if method == "POST" else None
        answer = await site.fetch(method, path, raw=body)
        assert answer.code == 404
        assert set(answer.json) == {"errorCode", "errors"}
        assert answer.json["errorCode"] == 404


async def test_wrong_method(ann):
    assert await ann.bad(405, "PUT", "ChatRoom", {})
    assert await ann.bad(405, "DELETE", "Notification")
    assert await ann.bad(405, "GET", "Login")


@pytest.mark.parametrize("raw", ["{", "[]", '"x"', "null", "\xff", "[" * 100 + "]" * 100])
async def test_malformed_body(ann, raw):
    headers = {"Content-Type": "application/json"}
    for resource in ("ChatRoom", "ChatMessage", "Notification"):
        assert await ann.bad(400, "POST", resource, raw=raw, headers=headers)


async def test_too_deep_a_body(ann):
    raw = '{"chatRoom":' * 60 + "1" + "}" * 60
    assert await ann.bad(413, "POST", "ChatRoom", raw=raw)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"chatRoom": {}},
        {"chatRoom": None},
        {"chatRoom": []},
        {"chatRoom": {"members": "u-bob"}},
        {"chatRoom": {"members": [{}]}},
        {"chatRoom": {"members": [None]}},
        {"chatRoom": {"members": [{"user": {"userId": 7}}]}},
        {"chatRoom": {"members": [{"user": {"userId": "nobody"}}]}},
        {"chatRoom": {"chatRoomName": "x" * 300}},
        {"chatRoom": {"chatRoomId": {"a": 1}}},
    ],
)
async def test_odd_rooms(ann, body):
    for method in ("POST", "PATCH", "DELETE"):
        answer = await ann.ask(method, "ChatRoom", body)
        assert answer.code in {200, 400}
        assert answer.code == 400 or method == "POST"


async def test_cors(site):
    headers = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "api_key,moquisessiontoken,content-type",
    }
    answer = await site.fetch("OPTIONS", BASE + "ChatMessage", headers=headers)
    assert answer.code == 200
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().replace(" ", "").split(",")
    assert {
        *("api_key", "login_key", "moquisessiontoken", "x-csrf-token", "authorization"),
        *("content-type", "accept", "x-requested-with", "sessiontoken", "idempotency-key"),
    } <= set(allowed)
    methods = answer.headers["Access-Control-Allow-Methods"].replace(" ", "").split(",")
    assert {"GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"} == set(methods)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    headers = {"Origin": "https://app.example", "api_key": key_of("ann")}
    answer = await site.fetch("GET", BASE + "ChatRoom", headers=headers)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "moquiSessionToken" in answer.headers["Access-Control-Expose-Headers"]


# Messages and notifications


async def test_a_retry_with_a_key_is_one_message(ann, bob):
    room = await ann.room_with(bob)
    key = {"Idempotency-Key": "7f3a"}
    first = await ann.say(room, "once", headers=key)
    assert await ann.say(room, "once", headers=key) == first
    both = await asyncio.gather(
        *(ann.say(room, "at once", headers={"Idempotency-Key": "b"}) for _ in "12")
    )
    assert both[0] == both[1]
    body = {"chatMessage": {"chatRoom": {"chatRoomId": room}, "content": "other"}}
    assert await ann.bad(409, "POST", "ChatMessage", body, headers=key)
    assert await ann.bad(400, "POST", "ChatMessage", body, headers={"Idempotency-Key": "x" * 200})
    assert await bob.history(room) == ["once", "at once"]


async def test_text_of_any_kind_comes_back_as_it_was(ann, bob):
    room = await ann.room_with(bob)
    texts = ["Grüße 你好 🎉", '<b>"&\\', "a\nb\tc", "\u2028\u202e", "null", "{}", "x" * 10_000]
    async with bob.chat() as chat, ann.chat() as mine:
        for number, content in enumerate(texts):
            await (mine.say(room, content) if number % 2 else ann.say(room, content))
            assert await chat.contents(1) == [content]
        await mine.send(f'{{"chatRoom":{{"chatRoomId":"{room}"}},"content":"half \\ud83d"}}')
        await mine.say(room, "whole")
        assert await chat.contents(1) == ["whole"]
    assert await bob.history(room) == [*texts, "whole"]


async def test_a_deep_frame_is_dropped(ann, bob):
    room = await ann.room_with(bob)
    async with bob.chat() as chat, ann.chat() as mine:
        await mine.send('{"a":' * 10_000 + "1" + "}" * 10_000)
        await mine.send("[" * 60_000)
        await mine.say(room, "still here")
        assert await chat.contents(1) == ["still here"]


async def test_a_left_room_is_listed_for_the_others(ann, bob, carl):
    room = await ann.room_with(bob, carl, name="Planning", private=False)
    await bob.good("DELETE", "ChatRoom", {"chatRoomId": room})
    flags = {
        member["user"]["userId"]: member["isActive"] for member in (await ann.room(room))["members"]
    }
    assert flags == {"u-ann": True, "u-bob": False, "u-carl": True}
    own = {"chatRoomId": room, "members": [{"user": {"userId": "u-carl"}, "isActive": False}]}
    await carl.good("PATCH", "ChatRoom", {"chatRoom": own})  # how older front-ends leave
    assert await carl.room(room) is None


async def test_a_name_is_never_empty(ann, bob, carl):
    nameless = await ann.room_with(private=False)
    await ann.room_with(bob, carl, name="  ", private=False)
    names = [room["chatRoomName"] for room in await ann.rooms()]
    assert all(name.strip() for name in names)
    renamed = await ann.good(
        "PATCH", "ChatRoom", {"chatRoom": {"chatRoomId": nameless, "chatRoomName": "Notes"}}
    )
    assert renamed["chatRoom"]["chatRoomName"] == "Notes"


async def test_a_room_list_costs_a_constant_number_of_queries(site, ann, bob):
    async def asked():
        with counted_queries() as queries:
            rooms = await ann.rooms()
        return len(rooms), len(queries.of("SELECT"))

    await ann.room_with(bob)
    await ann.rooms()  # who is shown is known from now on
    few = await asked()
    for number in range(60):
        await ann.room_with(bob, name=f"Room {number}", private=False)
    many = await asked()
    assert (few[0], many[0]) == (1, 61)
    assert few[1] == many[1] <= 3


async def test_of_a_large_room_some_are_shown_and_oneself():
    crowd = [{"user_id": f"a{n:03}", "tenant": "SHOP"} for n in range(250)]
    tables = merged(TABLES, {"users": [*users(), *crowd]})
    async with running_server(tables) as site:
        ann = FrontEnd(site, "ann")
        members = [{"user": {"userId": person["user_id"]}} for person in crowd]
        body = {"chatRoom": {"chatRoomName": "Everybody", "members": members}}
        room = (await ann.post("ChatRoom", body))["chatRoom"]
        assert len(room["members"]) == 251
        (listed,) = await ann.rooms()
        shown = [member["user"]["userId"] for member in listed["members"]]
        assert len(shown) == 201
        assert shown[0] == "u-ann", "a front-end looks for itself without a guard"
        changed = await ann.good("PATCH", "ChatRoom", {"chatRoom": listed})
        assert len(changed["chatRoom"]["members"]) == 251, "who is not shown is not thrown out"


SENT = {"topic": "StockLow", "message": {"message": "3 left", "productId": "P-1"}}


async def test_sending_a_notification(site, admin, ann, bob, zoe):
    async with ann.notws("ALL") as his, zoe.notws("ALL") as foreign:
        said = {**SENT, "title": "Low: ${productId}", "link": "/p/${productId}", "type": "warning"}
        said |= {"subTopic": "s", "showAlert": True, "alertNoAutoHide": True, "persistOnSend": True}
        answer = (await admin.post("Notification", {"notification": said}))["notification"]
        frame = await his.next()
        assert frame == answer
        assert (frame["title"], frame["link"], frame["type"]) == ("Low: P-1", "/p/P-1", "warning")
        assert (frame["showAlert"], frame["alertNoAutoHide"], frame["subTopic"]) == (
            True,
            True,
            "s",
        )
        not_kept = (await admin.post("Notification", {"notification": SENT}))["notification"]
        assert not_kept["notificationMessageId"], "the sender is told its id all the same"
        assert (await his.next())["notificationMessageId"] is None
        await foreign.quiet()
    assert len((await bob.get("Notification"))["notifications"]) == 1


async def test_sending_to_some(admin, ann, bob, zoe):
    async with ann.notws("ALL") as anns, bob.notws("ALL") as bobs, zoe.notws("ALL") as zoes:
        to_bob = {"notification": {**SENT, "userIds": ["u-bob", "u-zoe", "nobody"]}}
        await admin.post("Notification", to_bob)
        await admin.post(
            "Notification", {"notification": {**SENT, "userGroupId": "GROWERP_M_ADMIN"}}
        )
        assert (await bobs.next())["topic"] == "StockLow"
        await bobs.quiet(0.1)
        await anns.quiet(0.1)
        await zoes.quiet(0.1)


async def test_sending_needs_the_permission(ann):
    assert await ann.bad(403, "POST", "Notification", {"notification": SENT})


@pytest.mark.parametrize(
    "wrong",
    [
        {"topic": None},
        {"topic": "a:b"},
        {"topic": "ALL"},
        {"topic": ""},
        {"message": "text"},
        {"message": None},
        {"type": "loud"},
        {"showAlert": "Y"},
        {"userIds": "u-bob"},
        {"userIds": [7]},
        {"link": "javascript:alert(1)"},
    ],
)
async def test_odd_notifications(admin, wrong):
    assert await admin.bad(400, "POST", "Notification", {"notification": {**SENT, **wrong}})


async def test_a_retried_notification_is_one(admin, ann):
    key = {"Idempotency-Key": "n1"}
    async with ann.notws("ALL") as notes:
        first = await admin.post("Notification", {"notification": SENT}, headers=key)
        assert await admin.post("Notification", {"notification": SENT}, headers=key) == first
        await notes.next()
        await notes.quiet(0.15)
    other = {"notification": {**SENT, "message": {}}}
    assert await admin.bad(409, "POST", "Notification", other, headers=key)


async def test_a_list_of_notifications_without_text(site, ann):
    await notify(site, "T", {"orderId": "1", "message": {"deep": 1}}, persist=True)
    assert (await ann.get("Notification"))["notifications"][0]["message"] == {"message": ""}


# Starting up


async def test_an_empty_configuration_serves_a_front_end():
    async with running_server(TABLES) as site:
        assert (await site.fetch("GET", "/status")).json == {"status": "running"}
        stranger, ann = FrontEnd(site), FrontEnd(site, "ann")
        assert await stranger.get("BackendUrl", version="1.0", applicationId="AppAdmin") == {
            "forceUpdate": False
        }
        assert await stranger.bad(401, "GET", "Notification", limit=20)
        assert await stranger.get("CompanyFromHost", hostName="shop.example") == {}
        units = (await stranger.get("Uoms", uomTypes="UT_CURRENCY_MEASURE"))["uoms"]
        assert {"EUR", "USD", "THB"} <= {unit["uomId"] for unit in units}
        assert await stranger.get("Uoms", uomTypes="UT_LENGTH_MEASURE") == {"uoms": []}
        said = (await ann.get("Authenticate", applicationId="AppHotel"))["authenticate"]
        party_id = said["company"]["partyId"]
        (found,) = (await stranger.get("Companies", searchString=party_id, limit=1))["companies"]
        assert found == {"partyId": "SHOP", "name": "SHOP", "role": "OrgInternal"}
        menu = await ann.get("MenuConfiguration", appId="hotel", userVersion="true")
        assert (menu["appId"], menu["menuItems"]) == ("hotel", [])
        assert await ann.post("AppUsed", {"applicationId": "AppHotel"}) == {}
        assert said["user"]["appsUsed"] == ["AppHotel"]
        assert said["applicationId"] == said["classificationId"] == "AppHotel"


async def test_companies_leak_no_tenants(site, stranger, ann, zoe):
    for query in (
        {},
        {"limit": 1},
        {"searchString": ""},
        {"searchString": "SHO"},
        {"searchString": "%"},
    ):
        assert await stranger.get("Companies", **query) == {"companies": []}
    assert await stranger.get("Companies", searchString="nowhere") == {"companies": []}
    (own,) = (await ann.get("Companies"))["companies"]
    assert (own["partyId"], own["ownerPartyId"]) == ("SHOP", "SHOP")
    (other,) = (await zoe.get("Companies", searchString="SHOP"))["companies"]
    assert set(other) == {"partyId", "name", "role"}


async def test_a_configured_company_is_that_of_its_people():
    company = {"name": "Maas Shop", "party_id": "100011"}
    async with running_server(growerp(companies={"SHOP": company})) as site:
        said = (await FrontEnd(site, "ann").get("Authenticate"))["authenticate"]
        assert said["ownerPartyId"] == "SHOP"
        assert said["user"]["company"] == {
            "partyId": "100011",
            "name": "Maas Shop",
            "role": "OrgInternal",
        }
