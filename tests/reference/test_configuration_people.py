"""What each key of [[users]] and of [topics.NAME] does, on a real server with one of each."""

import pytest
import pytest_asyncio

from support.growerp import FrontEnd, notify
from support.server import merged, running_server, users

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVE = {
    "user_id": "100021",
    "login_name": "Eve@shop.example",
    "full_name": "Eve Adams",
    "first_name": "Evelyn",
    "last_name": "Adamson",
    "email": "info@garden.example",
    "tenant": "SHOP",
    "groups": ["SALES"],
    "permissions": ["notify"],
    "api_key": "another-key-of-eve",
    "password": "Apple-pie-7",
}
PLAIN = {"user_id": "plain", "tenant": "OTHER", "api_key": "key-of-plain"}
TOPICS = {
    "OrderUpdate": {
        "description": "Order changes",
        "title": "Order ${orderId}",
        "error_title": "Order ${orderId} failed",
        "link": "/orders/${orderId}",
        "type": "warning",
        "show_alert": True,
        "alert_no_auto_hide": True,
        "persist": True,
    },
    "OnDemand": {"receive": False},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site():
    tables = merged(
        {"plugins": {"disabled": ["order_list"]}, "topics": TOPICS},
        {"users": [*users(), EVE, PLAIN]},
    )
    async with running_server(tables) as running:
        yield running


# The entries of users


def eve(site):
    front_end = FrontEnd(site, "eve", key=EVE["api_key"])
    front_end.user_id = EVE["user_id"]
    return front_end


async def hello(site, key=EVE["api_key"]):
    """What a native socket is told of the person."""
    async with site.open("/ws", query=f"api_key={key}") as socket:
        return await socket.recv()


async def found(site, text, name="ann"):
    """Who is found by the search for people."""
    people = (await FrontEnd(site, name).get("User", search=text))["users"]
    return [(each["firstName"], each["lastName"]) for each in people]


async def logs_in(site, name, password="Apple-pie-7"):
    """Whether that name and password are good."""
    form = {"username": name, "password": password, "applicationId": "AppAdmin"}
    return (await FrontEnd(site).ask("POST", "Login", form=form)).code == 200


async def test_users_user_id(site):
    assert '"user":"100021"' in await hello(site)


async def test_users_login_name(site):
    assert await logs_in(site, "eve@SHOP.example")
    assert not await logs_in(site, "100021")


async def test_users_full_name(site):
    assert '"name":"Eve Adams"' in await hello(site)
    assert '"name":"plain"' in await hello(site, "key-of-plain")


async def test_users_first_name(site):
    assert await found(site, "velyn") == [("Evelyn", "Adamson")]


async def test_users_last_name(site):
    assert await found(site, "damson") == [("Evelyn", "Adamson")]


async def test_users_email(site):
    assert await found(site, "GARDEN.example") == [("Evelyn", "Adamson")]


async def test_users_tenant(site):
    assert '"tenant":"SHOP"' in await hello(site)
    assert '"tenant":"OTHER"' in await hello(site, "key-of-plain")
    assert await found(site, "velyn", "zoe") == []


async def test_users_groups(site):
    async with (
        eve(site).notws("Sales") as one,
        FrontEnd(site, "ann").notws("Sales") as other,
    ):
        await notify(site, "Sales", {"n": 1}, group="SALES")
        assert (await one.next())["message"] == {"n": 1}
        await other.quiet()


async def test_users_permissions(site):
    body = {"notification": {"topic": "Sales", "message": {"n": 1}}}
    await eve(site).post("Notification", body)
    await FrontEnd(site, "ann").bad(403, "POST", "Notification", body)


async def test_users_api_key(site):
    answer = await eve(site).get("Authenticate")
    assert answer["authenticate"]["user"]["userId"] == "100021"


async def test_users_password(site):
    assert await logs_in(site, "eve@shop.example")
    assert not await logs_in(site, "eve@shop.example", "Apple-pie-8")


# The sections of topics


async def told(site, topic="OrderUpdate", **said):
    """What a subscriber is told of a notification there."""
    async with site.connect("ann") as ann:
        await ann.ok("subscribe", topic=topic)
        await notify(site, topic, {"orderId": "7"}, **said)
        return (await ann.push())["data"]


async def differs(site, name, without, value):
    """A field of what is told: of a topic without a section, and of one with all keys."""
    assert (await told(site, "Another"))[name] == without
    assert (await told(site))[name] == value


async def test_topics_orderupdate_description(site):
    await differs(site, "topic_description", None, "Order changes")


async def test_topics_orderupdate_title(site):
    await differs(site, "title", None, "Order 7")


async def test_topics_orderupdate_error_title(site):
    assert (await told(site, type="danger"))["title"] == "Order 7 failed"


async def test_topics_orderupdate_link(site):
    await differs(site, "link", None, "/orders/7")


async def test_topics_orderupdate_type(site):
    await differs(site, "type", "info", "warning")


async def test_topics_orderupdate_show_alert(site):
    await differs(site, "show_alert", without=False, value=True)


async def test_topics_orderupdate_alert_no_auto_hide(site):
    await differs(site, "alert_no_auto_hide", without=False, value=True)


async def test_topics_orderupdate_persist(site):
    """Whether it is listed."""
    for topic, more in (("Another", 0), ("OrderUpdate", 1)):
        before = await FrontEnd(site, "dora").get("Notification", limit=200)
        await notify(site, topic, {"orderId": "7"})
        after = await FrontEnd(site, "dora").get("Notification", limit=200)
        assert len(after["notifications"]) == len(before["notifications"]) + more


async def test_topics_orderupdate_receive(site):
    """Whether people get it who did not say."""
    path = "/plugins/notifications/preferences/OnDemand"
    assert (await site.fetch("PUT", path, {"receive": True}, name="bob")).code == 200
    async with site.connect("ann") as ann, site.connect("bob") as bob:
        for each in (ann, bob):
            await each.ok("subscribe", topic="OnDemand")
        await notify(site, "OnDemand", {"n": 1})
        assert (await bob.push())["data"]["message"] == {"n": 1}
        await ann.quiet()
