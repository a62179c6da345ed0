"""What each key of [[users]] and of [topics.NAME] does, on a real server."""

import pytest

from support.growerp import FrontEnd, notify
from support.server import merged, running_server, users

NOT_NEEDED = {"plugins": {"disabled": ["order_list"]}}


def people_server(**about):
    """ann and the others, and eve of whom only this is said."""
    eve = {"user_id": "u-eve", "tenant": "SHOP", "api_key": "key-of-eve", **about}
    return running_server({**NOT_NEEDED, "users": [*users(), eve]})


async def hello_of(site, name="eve"):
    async with site.connect(name) as client:
        return client.hello


async def found(site, text):
    """Who is found by the search for people."""
    people = (await FrontEnd(site, "ann").get("User", search=text))["users"]
    return [(each["firstName"], each["lastName"]) for each in people]


async def logs_in(site, name, password="Apple-pie-7"):
    """Whether that name and password are good."""
    form = {"username": name, "password": password, "applicationId": "AppAdmin"}
    return (await FrontEnd(site).ask("POST", "Login", form=form)).code == 200


# The entries of users


async def test_users_user_id():
    async with people_server(user_id="100021") as site:
        assert (await hello_of(site))["user"] == "100021"


async def test_users_login_name():
    async with people_server(login_name="Eve@shop.example", password="Apple-pie-7") as site:
        assert await logs_in(site, "eve@SHOP.example")
        assert not await logs_in(site, "u-eve")


async def test_users_full_name():
    async with people_server(full_name="Eve Adams", first_name="Evelyn") as site:
        assert (await hello_of(site))["name"] == "Eve Adams"


async def test_users_first_name():
    async with people_server(first_name="Eve") as site:
        assert (await hello_of(site))["name"] == "Eve"
        assert await found(site, "eve") == [("Eve", "")]


async def test_users_last_name():
    async with people_server(first_name="Eve", last_name="Adams") as site:
        assert (await hello_of(site))["name"] == "Eve Adams"
        assert await found(site, "adam") == [("Eve", "Adams")]


async def test_users_email():
    async with people_server(email="info@adams.example", first_name="Eve") as site:
        assert await found(site, "ADAMS.example") == [("Eve", "")]


@pytest.mark.parametrize("tenant", ["SHOP", "OTHER"])
async def test_users_tenant(tenant):
    async with people_server(tenant=tenant, first_name="Eve") as site:
        assert (await hello_of(site))["tenant"] == tenant
        assert bool(await found(site, "Eve")) is (tenant == "SHOP")


async def test_users_groups():
    async with (
        people_server(groups=["SALES"]) as site,
        site.connect("eve") as eve,
        site.connect("ann") as ann,
    ):
        for each in (eve, ann):
            await each.ok("subscribe", topic="OrderUpdate")
        await notify(site, "OrderUpdate", {"n": 1}, group="SALES")
        assert (await eve.push())["data"]["message"] == {"n": 1}
        await ann.quiet()


async def test_users_permissions():
    async with people_server(permissions=["notify"]) as site:
        body = {"notification": {"topic": "OrderUpdate", "message": {"n": 1}}}
        await FrontEnd(site, "eve").post("Notification", body)
        await FrontEnd(site, "ann").bad(403, "POST", "Notification", body)


async def test_users_api_key():
    async with people_server(api_key="another-key-of-eve") as site:
        eve = FrontEnd(site, "eve", key="another-key-of-eve")
        assert (await eve.get("Authenticate"))["authenticate"]["user"]["userId"] == "u-eve"


async def test_users_password():
    async with people_server(login_name="eve", password="Apple-pie-7") as site:
        assert await logs_in(site, "eve")
        assert not await logs_in(site, "eve", "Apple-pie-8")


# The sections of topics


async def told(message=None, *, topic=None, **said):
    """What a subscriber is told of a notification whose topic has this section."""
    tables = merged(NOT_NEEDED, {"topics": {"OrderUpdate": topic or {}}})
    async with running_server(tables) as site, site.connect("ann") as ann:
        await ann.ok("subscribe", topic="OrderUpdate")
        await notify(site, "OrderUpdate", message or {"orderId": "7"}, **said)
        return (await ann.push())["data"]


async def test_topics_orderupdate_description():
    assert (await told())["topic_description"] is None
    data = await told(topic={"description": "Order changes"})
    assert data["topic_description"] == "Order changes"


async def test_topics_orderupdate_title():
    data = await told(topic={"title": "Order ${orderId} changed"})
    assert data["title"] == "Order 7 changed"


async def test_topics_orderupdate_error_title():
    titles = {"title": "Order ${orderId}", "error_title": "Order ${orderId} failed"}
    assert (await told(topic=titles))["title"] == "Order 7"
    assert (await told(topic=titles, type="danger"))["title"] == "Order 7 failed"


async def test_topics_orderupdate_link():
    assert (await told(topic={"link": "/orders/${orderId}"}))["link"] == "/orders/7"


async def test_topics_orderupdate_type():
    assert (await told())["type"] == "info"
    assert (await told(topic={"type": "warning"}))["type"] == "warning"


async def test_topics_orderupdate_show_alert():
    assert (await told())["show_alert"] is False
    assert (await told(topic={"show_alert": True}))["show_alert"] is True


async def test_topics_orderupdate_alert_no_auto_hide():
    assert (await told())["alert_no_auto_hide"] is False
    assert (await told(topic={"alert_no_auto_hide": True}))["alert_no_auto_hide"] is True


@pytest.mark.parametrize("persist", [False, True])
async def test_topics_orderupdate_persist(persist):
    tables = merged(NOT_NEEDED, {"topics": {"OrderUpdate": {"persist": persist}}})
    async with running_server(tables) as site:
        await notify(site, "OrderUpdate", {"n": 1})
        listed = (await FrontEnd(site, "ann").get("Notification"))["notifications"]
        assert len(listed) == persist


async def test_topics_orderupdate_receive():
    tables = merged(NOT_NEEDED, {"topics": {"OrderUpdate": {"receive": False}}})
    async with running_server(tables) as site:
        path = "/plugins/notifications/preferences/OrderUpdate"
        assert (await site.fetch("PUT", path, {"receive": True}, name="bob")).code == 200
        async with site.connect("ann") as ann, site.connect("bob") as bob:
            for each in (ann, bob):
                await each.ok("subscribe", topic="OrderUpdate")
            await notify(site, "OrderUpdate", {"n": 1})
            assert (await bob.push())["data"]["message"] == {"n": 1}
            await ann.quiet()
