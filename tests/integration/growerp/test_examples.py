"""Every example of growerp-contract section 7 but the website chat (E20) and MCP (E21), by its
number. Where the design says otherwise (names, seconds), the design holds."""

import json
import re

import pytest

from support.growerp import BASE, FrontEnd, notify
from support.growerp_models import NOTIFICATION_KEYS
from support.server import TENANTS, key_of, running_server, users

PASSWORD = "Secret99!"
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
OFF = ["order_list"]


def configured(name, **more):
    """The user of the examples."""
    return {**next(user for user in users() if user["user_id"] == f"u-{name}"), **more}


@pytest.fixture
async def shop():
    """Ann of the examples: a password, groups, and a company that has a name."""
    people = [
        configured("ann", password=PASSWORD, groups=["GROWERP_M_ADMIN"]),
        *(configured(name) for name in TENANTS if name not in {"ann", "admin"}),
    ]
    companies = {"SHOP": {"name": "Maas Shop", "party_id": "100011", "currency": "EUR"}}
    topics = {
        "OrderUpdate": {
            "description": "Order changes",
            "title": "Order ${orderId} approved",
            "link": "/orders/${orderId}",
            "type": "success",
            "show_alert": True,
            "persist": True,
        }
    }
    plugins = {"disabled": OFF, "growerp": {"companies": companies}}
    async with running_server({"users": people, "plugins": plugins, "topics": topics}) as site:
        yield site


@pytest.mark.parametrize("path", ["/chat", "/notws"])
@pytest.mark.parametrize("name", ["api_key", "apiKey"])
async def test_e01_handshake(site, path, name):
    async with site.open(path, query=f"{name}={key_of('ann')}&userId=u-ann") as socket:
        assert socket.response.status_code == 101


async def test_e02_login(shop):
    form = {
        "username": "ann@shop.example",
        "password": PASSWORD,
        "applicationId": "AppAdmin",
        "timeZoneOffset": "2:00:00.000000",
        "locale": "nl",
    }
    answer = await FrontEnd(shop).good("POST", "Login", form=form)
    said = answer["authenticate"]
    key, token = said.pop("apiKey"), said.pop("moquiSessionToken")
    assert said == {
        "ownerPartyId": "SHOP",
        "applicationId": "AppAdmin",
        "classificationId": "AppAdmin",
        "user": {
            "partyId": "u-ann",
            "pseudoId": "u-ann",
            "userId": "u-ann",
            "firstName": "Ann",
            "lastName": "Maas",
            "fullName": "Ann Maas",
            "loginName": "ann@shop.example",
            "email": "ann@shop.example",
            "userGroupId": "GROWERP_M_ADMIN",
            "role": "OrgInternal",
            "language": "nl",
            "appsUsed": ["AppAdmin"],
            "company": {"partyId": "100011", "name": "Maas Shop", "role": "OrgInternal"},
        },
        "company": {
            "partyId": "100011",
            "ownerPartyId": "SHOP",
            "pseudoId": "100011",
            "name": "Maas Shop",
            "role": "OrgInternal",
            "email": None,
            "currency": {"currencyId": "EUR", "description": "Euro"},
        },
        "stats": {"admins": 1, "employees": 3},
    }
    assert re.fullmatch(r"[\w-]{20,}", key), "the front-end does not URL-encode its key"
    assert await FrontEnd(shop, "ann", key=key).get("Notification") == {"notifications": []}
    assert await FrontEnd(shop, "ann", key=token).bad(401, "GET", "Notification")


async def test_e03_bad_key(site):
    wrong = FrontEnd(site, key="wrong")
    for resource in ("ChatRoom", "Notification", "Authenticate", "Companies", "BackendUrl"):
        answer = await wrong.ask("GET", resource)
        assert answer.code == 401
        assert answer.json == {"errorCode": 401, "errors": "Login key not valid"}


async def test_e04_wrong_password(shop):
    stranger = FrontEnd(shop)
    wrong = {"username": "ann@shop.example", "password": "Guess99!"}
    unknown = {"username": "nobody@shop.example", "password": "Guess99!"}
    no_password = {"username": "bob@shop.example", "password": "Guess99!"}
    answers = [
        await stranger.ask("POST", "Login", form=form) for form in (wrong, unknown, no_password)
    ]
    assert {answer.code for answer in answers} == {400}
    assert len({answer.body for answer in answers}) == 1, "none tells whether the name is known"
    assert await stranger.bad(400, "POST", "Login", form={"username": "ann@shop.example"})


@pytest.mark.parametrize("name", ["classificationId", "applicationId"])
async def test_e05_key_check(site, ann, name):
    answer = await ann.get("Authenticate", **{name: "token"})
    assert set(answer) == {"authenticate"}
    assert set(answer["authenticate"]) == {"moquiSessionToken"}
    dead = FrontEnd(site, key="dead")
    assert await dead.bad(401, "GET", "Authenticate", **{name: "token"}) == "Login key not valid"


async def test_e06_partner_picker(shop):
    ann = FrontEnd(shop, "ann")
    answer = await ann.get("User", limit=3, search="bob", isForDropDown="true", loginOnly="true")
    assert answer == {
        "users": [
            {
                "partyId": "u-bob",
                "pseudoId": "u-bob",
                "firstName": "Bob",
                "lastName": "Prins",
                "company": {"partyId": "100011", "name": "Maas Shop"},
                "userId": "u-bob",
            }
        ]
    }
    everybody = await ann.get("User", limit=3, isForDropDown="true", loginOnly="true")
    assert [user["lastName"] for user in everybody["users"]] == ["Maas", "Prins", "Smit"]
    assert await ann.get("User", search="zoe") == {"users": []}


async def test_e07_one_to_one_look_up(ann, bob):
    assert await ann.get("ChatRoom", userId=bob.user_id, chatRoomName=" ") == {"chatRooms": []}


E08 = {
    "chatRoom": {
        "chatRoomId": "",
        "chatRoomName": None,
        "lastMessage": None,
        "isPrivate": True,
        "hasRead": True,
        "visitorUserId": None,
        "members": [
            {
                "user": {
                    "partyId": "u-bob",
                    "userId": "u-bob",
                    "firstName": "Bob",
                    "lastName": "Prins",
                    "language": "EN",
                    "currency": "THB",
                    "appsUsed": [],
                },
                "hasRead": None,
                "isActive": True,
            },
            {
                "user": {"userId": "u-ann", "firstName": "Ann", "lastName": "Maas"},
                "hasRead": True,
                "isActive": True,
            },
        ],
    }
}


def member(name, surname, *, read, active=True):
    return {
        "user": {
            "userId": f"u-{name}",
            "partyId": f"u-{name}",
            "loginName": f"{name}@shop.example",
            "firstName": name.title(),
            "lastName": surname,
            "email": f"{name}@shop.example",
        },
        "hasRead": read,
        "isActive": active,
    }


async def test_e08_create_room(ann):
    answer = await ann.post("ChatRoom", E08)
    assert re.fullmatch(r"\d{6,}", answer["chatRoom"].pop("chatRoomId"))
    assert answer == {
        "chatRoom": {
            "chatRoomName": "Bob Prins",
            "hasRead": True,
            "isPrivate": True,
            "visitorUserId": None,
            "members": [member("ann", "Maas", read=True), member("bob", "Prins", read=False)],
        }
    }


async def test_e09_room_list(ann, bob):
    made = (await ann.post("ChatRoom", E08))["chatRoom"]["chatRoomId"]
    await ann.say(made, "hello")
    assert await bob.get("ChatRoom", search="") == {
        "chatRooms": [
            {
                "chatRoomId": made,
                "chatRoomName": "Ann Maas",
                "hasRead": False,
                "isPrivate": True,
                "members": [member("ann", "Maas", read=True), member("bob", "Prins", read=False)],
            }
        ]
    }


def e10(room):
    return {
        "chatMessage": {
            "chatRoom": {
                "chatRoomId": room,
                "chatRoomName": "Bob Prins",
                "lastMessage": None,
                "isPrivate": True,
                "hasRead": True,
                "visitorUserId": None,
                "members": [],
            },
            "fromUserId": "u-ann",
            "fromUserFullName": "Ann Maas",
            "chatMessageId": None,
            "content": "Lunch at 12?",
            "creationDate": None,
        }
    }


async def test_e10_send_a_message(ann, bob):
    room = await ann.room_with(bob)
    said = (await ann.post("ChatMessage", e10(room)))["chatMessage"]
    assert TIME.fullmatch(said.pop("creationDate"))
    assert re.fullmatch(r"\d{6,}", said.pop("chatMessageId"))
    assert said == {
        "chatRoom": {"chatRoomId": room},
        "fromUserId": "u-ann",
        "fromUserFullName": "Ann Maas",
        "content": "Lunch at 12?",
    }


async def test_e11_push_on_chat(ann, bob):
    room = await ann.room_with(bob)
    async with bob.chat() as chat:
        said = await ann.post("ChatMessage", e10(room))
        assert await chat.next() == {
            "chatRoom": {"chatRoomId": room},
            "fromUserId": "u-ann",
            "fromUserFullName": "Ann Maas",
            "content": "Lunch at 12?",
            "chatMessageId": said["chatMessage"]["chatMessageId"],
        }


async def test_e12_history(ann, bob):
    room = await ann.room_with(bob)
    said = (await ann.post("ChatMessage", e10(room)))["chatMessage"]
    assert (await bob.room(room))["hasRead"] is False
    assert await bob.get("ChatMessage", chatRoomId=room, search="") == {"chatMessages": [said]}
    assert (await bob.room(room))["hasRead"] is True, "reading is marking as read"
    assert await bob.bad(400, "GET", "ChatMessage") == (
        "Either chatRoomId or ChatMessageId is required to get chat message(s)"
    )


async def test_e13_leave(ann, bob):
    room = await ann.room_with(bob)
    answer = await ann.good("DELETE", "ChatRoom", {"chatRoomId": room})
    assert answer["chatRoom"]["chatRoomId"] == room
    assert answer["chatRoom"]["chatRoomName"] == "Bob Prins"
    text = await ann.bad(400, "DELETE", "ChatRoom", {"chatRoomId": "999999"})
    assert text == "Room 999999 not found"


async def test_e14_reactivate_one_to_one(ann, bob):
    room = await ann.room_with(bob)
    await ann.good("DELETE", "ChatRoom", {"chatRoomId": room})
    change = {
        "chatRoomId": room,
        "chatRoomName": "Bob Prins",
        "isPrivate": True,
        "hasRead": True,
        "members": [
            {"user": {"userId": "u-bob"}, "hasRead": False, "isActive": True},
            {"user": {"userId": "u-ann"}, "hasRead": True, "isActive": True},
        ],
    }
    answer = await ann.good("PATCH", "ChatRoom", {"chatRoom": change})
    assert answer["chatRoom"]["chatRoomName"] == "Bob Prins"
    assert (await ann.room(room))["chatRoomName"] == "Bob Prins"
    assert (await bob.room(room))["chatRoomName"] == "Ann Maas", "the stored name stays empty"


async def test_e15_notws_commands(site, ann):
    async with ann.notws("ALL") as notes:
        await notify(site, "anything", {"message": "1"})
        assert (await notes.next())["topic"] == "anything"
        await notes.quiet()  # there is never an answer
    async with ann.notws() as notes:
        await notes.send("subscribe:OrderUpdate, adkJobUpdate")
        await notes.send("unsubscribe: adkJobUpdate")
        await notes.quiet(0.1)
        await notify(site, "adkJobUpdate", {"message": "2"})
        await notify(site, "OrderUpdate", {"message": "3"})
        assert (await notes.next())["topic"] == "OrderUpdate"


E16 = {
    "topic": "companyUserImport",
    "subTopic": None,
    "sentDate": None,
    "notificationMessageId": None,
    "topicDescription": None,
    "message": {"imported": 48, "failed": 2, "message": "Import complete: 48 imported, 2 failed"},
    "title": "Import complete",
    "link": None,
    "type": "info",
    "persistOnSend": False,
    "showAlert": False,
    "alertNoAutoHide": False,
}


async def test_e16_notification_not_persisted(shop):
    ann = FrontEnd(shop, "ann")
    async with ann.notws("ALL") as notes:
        await notify(
            shop, "companyUserImport", E16["message"], title="Import complete", users=["u-ann"]
        )
        frame = await notes.next()
    assert frame == E16
    assert list(frame) == NOTIFICATION_KEYS


async def test_e17_notification_persisted_with_topic_defaults(shop):
    ann = FrontEnd(shop, "ann")
    said = {"orderId": "100455", "status": "OrderApproved", "message": "Order 100455 approved"}
    async with ann.notws("OrderUpdate") as notes:
        await notify(shop, "OrderUpdate", said, sub_topic="approved")
        frame = await notes.next()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000", frame.pop("sentDate"))
    assert re.fullmatch(r"\d{6,}", frame.pop("notificationMessageId"))
    assert frame == {
        "topic": "OrderUpdate",
        "subTopic": "approved",
        "topicDescription": "Order changes",
        "message": said,
        "title": "Order 100455 approved",
        "link": "/orders/100455",
        "type": "success",
        "persistOnSend": True,
        "showAlert": True,
        "alertNoAutoHide": False,
    }


async def test_e18_end_of_demo_data_load(shop):
    ann = FrontEnd(shop, "ann")
    said = {"ownerPartyId": "SHOP", "loaded": True}
    async with ann.notws("ALL") as notes:
        await notify(
            shop, "DemoDataLoad", said, title="Demo data loaded", type="success", users=["u-ann"]
        )
        frame = await notes.next()
    assert (frame["topic"], frame["message"], frame["type"]) == ("DemoDataLoad", said, "success")


async def test_e19_notification_list(shop):
    ann = FrontEnd(shop, "ann")
    said = {"orderId": "100455", "status": "OrderApproved", "message": "Order 100455 approved"}
    sent = await notify(shop, "OrderUpdate", said)
    assert await ann.get("Notification", limit=20) == {
        "notifications": [
            {
                "topic": "OrderUpdate",
                "message": {"message": "Order 100455 approved"},
                "sentDate": f"{sent.time:%Y-%m-%d}",
                "title": "Order 100455 approved",
                "link": "/orders/100455",
                "type": "success",
                "showAlert": True,
            }
        ]
    }


async def test_e03_of_a_web_page_is_readable(site):
    """A browser shows an error to the page only where the answer allows its origin."""
    headers = {"api_key": "wrong", "Origin": "https://shop.example"}
    answer = await site.fetch("GET", BASE + "ChatRoom", headers=headers)
    assert json.loads(answer.body)["errors"] == "Login key not valid"
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
