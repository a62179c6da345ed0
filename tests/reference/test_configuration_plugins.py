"""What each key of our plugins' own sections does, on a real server."""

import sqlite3

import pytest
import pytest_asyncio

from support.growerp import BASE, FrontEnd
from support.orders import (
    PATH,
    SECRET,
    Shop,
    deliver,
    delivered,
    eventually,
    signed,
    started,
)
from support.server import merged, running_server

NOT_NEEDED = {"plugins": {"disabled": ["order_list"]}}
ORDERS = {"secret": SECRET, "tenant": "SHOP"}
ROOMS = "/plugins/chat_rooms/rooms"


def plugins(**sections):
    return running_server(merged(NOT_NEEDED, {"plugins": sections}))


# The section of chat_rooms


async def test_plugins_chat_rooms_max_members():
    async with plugins(chat_rooms={"max_members": 2}) as site:
        answer = await site.fetch("POST", ROOMS, {"members": ["u-bob", "u-carl"]}, name="ann")
        assert (answer.code, answer.json["error"]["code"]) == (400, "bad_request")
        assert answer.json["error"]["message"] == "members: at most 2 in one room"
        assert (await site.fetch("POST", ROOMS, {"members": ["u-bob"]}, name="ann")).code == 201


async def test_plugins_chat_rooms_max_rooms():
    async with plugins(chat_rooms={"max_rooms": 1}) as site:
        codes = [
            (await site.fetch("POST", ROOMS, {"name": name}, name=who)).code
            for who, name in (("ann", "One"), ("ann", "Two"), ("bob", "Three"))
        ]
        assert codes == [201, 403, 201]


# The section of growerp


async def test_plugins_growerp_mount():
    async with plugins(growerp={"mount": "/plugins/growerp"}) as site:
        assert (await site.fetch("GET", f"/plugins/growerp{BASE}BackendUrl")).code == 200
        assert (await site.fetch("GET", f"{BASE}BackendUrl")).code == 404
        async with FrontEnd(site, "ann").chat():
            """The sockets stay."""


async def register(site, number=0, **changes):
    """A stranger makes himself an account; the answer."""
    form = {
        "applicationId": "AppAdmin",
        "firstName": "Eve",
        "lastName": "Adams",
        "email": f"eve{number}@new.example",
        "userGroupId": "GROWERP_M_ADMIN",
        "newPassword": "Apple-pie-7",
        **changes,
    }
    return await FrontEnd(site).ask("POST", "Register", form=form)


@pytest.mark.parametrize(("allowed", "status"), [(True, 200), (False, 403)])
async def test_plugins_growerp_registration(allowed, status):
    async with plugins(growerp={"registration": allowed}) as site:
        assert (await register(site)).code == status


@pytest.mark.parametrize(("allowed", "status"), [(True, 200), (False, 403)])
async def test_plugins_growerp_join(allowed, status):
    async with plugins(growerp={"join": allowed}) as site:
        answer = await register(site, companyPartyId="SHOP")
        assert answer.code == status
        if allowed:
            said = answer.json["authenticate"]
            assert said["ownerPartyId"] == "SHOP"
            assert said["user"]["userGroupId"] == "GROWERP_M_EMPLOYEE", "never an administrator"


async def test_plugins_growerp_registrations_per_hour():
    async with plugins(growerp={"registrations_per_hour": 2}) as site:
        assert [(await register(site, n)).code for n in range(3)] == [200, 200, 429]


async def test_plugins_growerp_questions_per_minute():
    async with plugins(growerp={"questions_per_minute": 3}) as site:
        stranger = FrontEnd(site)
        for _ in range(3):
            await stranger.get("CheckEmail", email="ann@shop.example")
        answer = await stranger.ask("GET", "CheckEmail", email="ann@shop.example")
        assert answer.code == 429
        assert int(answer.headers["Retry-After"]) >= 1
        assert (await stranger.ask("GET", "Companies", searchString="SHOP")).code == 429


MENU = {"title": "Talk", "route": "/talk", "widget_name": "TalkDialog", "icon_name": "bubble"}
COMPANY = {
    "name": "Maas Shop",
    "party_id": "100011",
    "email": "info@shop.example",
    "currency": "USD",
    "hosts": ["app.shop.example"],
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def face():
    """A server with an entry of the menu and a company of which all is said."""
    async with plugins(growerp={"menu": [MENU], "companies": {"SHOP": COMPANY}}) as site:
        yield site


async def menu(face):
    """What a front-end is told of its menu."""
    [entry] = (await FrontEnd(face, "ann").get("MenuConfiguration", appId="admin"))["menuItems"]
    return entry


@pytest.mark.asyncio(loop_scope="module")
async def test_plugins_growerp_menu_title(face):
    assert (await menu(face))["title"] == "Talk"


@pytest.mark.asyncio(loop_scope="module")
async def test_plugins_growerp_menu_route(face):
    assert (await menu(face))["route"] == "/talk"


@pytest.mark.asyncio(loop_scope="module")
async def test_plugins_growerp_menu_widget_name(face):
    assert (await menu(face))["widgetName"] == "TalkDialog"


@pytest.mark.asyncio(loop_scope="module")
async def test_plugins_growerp_menu_icon_name(face):
    assert (await menu(face))["iconName"] == "bubble"


async def own_company(face):
    return (await FrontEnd(face, "ann").get("Authenticate"))["authenticate"]["company"]


@pytest.mark.asyncio(loop_scope="module")
async def test_plugins_growerp_companies_shop_name(face):
    assert (await own_company(face))["name"] == "Maas Shop"


@pytest.mark.asyncio(loop_scope="module")
async def test_plugins_growerp_companies_shop_party_id(face):
    assert (await own_company(face))["partyId"] == "100011"
    stranger = FrontEnd(face)
    [found] = (await stranger.get("Companies", searchString="100011"))["companies"]
    assert found["partyId"] == "100011"
    assert await stranger.get("Companies", searchString="SHOP") == {"companies": []}


@pytest.mark.asyncio(loop_scope="module")
async def test_plugins_growerp_companies_shop_email(face):
    assert (await own_company(face))["email"] == "info@shop.example"


@pytest.mark.asyncio(loop_scope="module")
async def test_plugins_growerp_companies_shop_currency(face):
    assert (await own_company(face))["currency"]["currencyId"] == "USD"


@pytest.mark.asyncio(loop_scope="module")
async def test_plugins_growerp_companies_shop_hosts(face):
    stranger = FrontEnd(face)
    host = await stranger.get("CompanyFromHost", hostName="APP.shop.example")
    assert host["company"]["partyId"] == "100011"
    host = await stranger.get("CompanyFromHost", hostName="other.example")
    assert not host.get("company")


# The section of order_list


async def listed(site, topic="orders:SHOP", name="ann"):
    """What somebody who subscribes is given."""
    async with site.connect(name) as client:
        return (await client.ok("subscribe", topic=topic))["state"]["orders"]


async def test_plugins_order_list_secret():
    async with started({**ORDERS, "secret": "between-the-two-of-us"}) as site:
        assert (await deliver(site, {"orderId": "1"}, key=b"between-the-two-of-us")).code == 200
        assert (await deliver(site, {"orderId": "2"}, key=b"another")).code == 401
    async with started({"tenant": "SHOP"}) as site:
        answer = await site.fetch("POST", PATH, raw=b"{}", headers=signed(b"{}"))
        assert answer.code == 404
        assert answer.json["error"]["message"] == (
            "there is no webhook: no secret is set in plugins.order_list"
        )


async def test_plugins_order_list_tenant():
    async with started({**ORDERS, "tenant": "OTHER"}) as site:
        assert await delivered(site, {"orderId": "1"}) == (1, 0)
        assert [each["orderId"] for each in await listed(site, "orders:OTHER", "zoe")] == ["1"]
        assert await listed(site) == []


async def test_plugins_order_list_snapshot():
    """The newest are given, and changes come of all."""
    async with started({**ORDERS, "snapshot": 2}) as site, site.connect("ann") as ann:
        days = [{"orderId": str(n), "placedAt": f"2026-08-0{n}"} for n in range(1, 5)]
        await delivered(site, days)
        reply = await ann.ok("subscribe", topic="orders:SHOP")
        assert [each["orderId"] for each in reply["state"]["orders"]] == ["4", "3"]
        await delivered(site, {"orderId": "1", "status": "late"})
        assert (await ann.push())["data"]["order"]["orderId"] == "1"


@pytest.fixture
def shop(tmp_path):
    found = Shop(tmp_path)
    found.put(7, day=2)
    yield found
    found.db.close()


async def polled(shop, count=1, **more):
    """The orders that are listed once there are so many; `more` is of the section poll."""
    async with started({"poll": shop.section(**more)}) as site:

        async def there():
            found = await listed(site)
            return found if len(found) == count else None

        return await eventually(there)


async def test_plugins_order_list_poll_url(shop, tmp_path):
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as database:
        shop.db.backup(database)
        database.execute("UPDATE orders SET order_id = 8")
    database.close()
    assert [each["orderId"] for each in await polled(shop, url=f"sqlite:///{other}")] == ["8"]


async def test_plugins_order_list_poll_query(shop):
    [order] = await polled(shop, query=f"{shop.QUERY.replace('status', 'upper(status) AS status')}")
    assert order["status"] == "PLACED"


async def test_plugins_order_list_poll_key(shop):
    query = "SELECT order_id AS No, status FROM orders"
    [order] = await polled(shop, query=query, columns={}, key="No")
    assert (order["orderId"], "No" in order) == ("7", False)


async def test_plugins_order_list_poll_columns(shop):
    query = "SELECT order_id AS orderId, customer AS who, currency AS other FROM orders"
    [order] = await polled(shop, query=query, columns={"who": "customer"})
    assert (order["customer"], order["other"]) == ("Maas", "EUR")


async def test_plugins_order_list_poll_interval_seconds(shop):
    """With an hour nothing new is found, with a moment it is."""
    for seconds, expected in ((3600, 1), (0.05, 2)):
        async with started({"poll": shop.section(interval_seconds=seconds)}) as site:
            await eventually(lambda site=site: listed(site))
            async with site.connect("ann") as ann:
                await ann.ok("subscribe", topic="orders:SHOP")
                shop.put(8)
                if expected == 1:
                    await ann.quiet(0.3)
                else:
                    assert (await ann.push(2))["data"]["order"]["orderId"] == "8"
                shop.drop(8)


async def test_plugins_order_list_poll_timeout_seconds(shop, logs):
    logs.expect("no answer within 0.1 seconds")
    hang = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5000000) "
    poll = shop.section(query=hang + "SELECT max(n) AS orderId FROM c", timeout_seconds=0.1)
    async with started({"poll": poll}) as site:
        await eventually(lambda: "no answer within 0.1 seconds" in logs.text)
        assert await listed(site) == []


async def test_plugins_order_list_poll_max_rows(shop, logs):
    logs.expect("more than plugins.order_list.poll.max_rows = 1")
    shop.put(8)
    async with started({"poll": shop.section(max_rows=1)}) as site:
        await eventually(lambda: "max_rows = 1" in logs.text)
        assert await listed(site) == []


async def test_plugins_order_list_poll_tenant(shop):
    async with started({"tenant": "SHOP", "poll": shop.section(tenant="OTHER")}) as site:
        found = await eventually(lambda: listed(site, "orders:OTHER", "zoe"))
        assert [each["orderId"] for each in found] == ["7"]
        assert await listed(site) == []
