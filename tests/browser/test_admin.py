"""The page's views for admins: what is there now, people and their keys, a notification, no secret."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from support.browser import PHONE
from support.server import key_of, running_server, users

SECRET = "canary-of-the-shop-4711"
ORDERS = {"order_list": {"secret": SECRET, "tenant": "SHOP"}}
EVE = {
    "login_name": "eve@shop.example",
    "first_name": "Eve",
    "last_name": "Adams",
    "groups": ["SALES"],
    "password": "apples-and-pears",
}
NOW = "document.dispatchEvent(new Event('visibilitychange'))"  # as if he had looked away


@pytest.fixture
async def site():
    people = [
        {**each, "permissions": ["admin"]} if each["user_id"] == "u-ann" else each
        for each in users()
    ]
    async with running_server({"users": people, "plugins": ORDERS}) as running:
        yield running


async def at(browsers, *path, name="ann", **options):
    return await (await browsers.come(name, **options)).tab("admin", *path)


async def go(page, *path):
    await page.evaluate("path => location.hash = path", "#/" + "/".join(("admin", *path)))


async def added(site, **fields):
    answer = await site.fetch("POST", "/admin/users", {**EVE, **fields}, name="ann")
    return answer.json["user"]["user_id"]


def row(page, name):
    return page.get_by_role("row").filter(has_text=name)


async def confirm(page, title, button):
    dialog = page.get_by_role("dialog", name=title)
    await expect(dialog).to_be_visible()
    await dialog.get_by_role("button", name=button, exact=True).click()
    await expect(dialog).to_be_hidden()


# Which there are


async def test_only_admins_have_them_each_at_its_address(browsers):
    page = await at(browsers, name="bob")
    await expect(page.get_by_role("link", name="Chats")).to_be_visible()
    await expect(page.get_by_role("link", name="Admin")).to_have_count(0)
    await expect(page.locator("chat-admin")).to_have_count(0)
    page = await at(browsers)
    parts = page.get_by_role("navigation", name="Parts of the administration")
    await expect(parts).to_be_visible()
    names = await parts.get_by_role("link").all_inner_texts()
    assert names == ["Connections", "Topics", "Plugins", "People", "Notify", "Configuration"]
    for name in [*names[1:], names[0]]:
        await parts.get_by_role("link", name=name).click()
        heading = "Send a notification" if name == "Notify" else name
        await expect(page.get_by_role("heading", name=heading, level=2)).to_be_focused()
        await expect(parts.locator("[aria-current=page]")).to_have_text(name)


HOSTILE = f"<img src=x onerror=alert(1)>{'W' * 200}"


async def test_nothing_is_wider_than_a_phone_whatever_its_name(site, browsers):
    user_id = await added(site, name=HOSTILE, groups=["G" * 64] * 3)
    key = {"name": "<script>alert(1)</script>" + "K" * 39}
    await site.fetch("POST", f"/admin/users/{user_id}/keys", key, name="ann")
    note = {"topic": "<b>" + "T" * 120, "message": {"message": "x"}}
    await site.fetch("POST", "/plugins/notifications/notifications", note, name="ann")
    paths = ["topics", "plugins", "plugins/chat_rooms", "users", f"users/{user_id}", "users/u-bob",
             "notification", "configuration", "sessions"]  # fmt: skip
    for locale in ("en-GB", "de-DE"):
        page = await at(browsers, viewport=PHONE, locale=locale)
        await expect(page.locator("chat-admin tbody tr").first).to_be_visible()
        for path in paths:
            await go(page, path)
            await expect(page.locator("chat-admin :is(h2, h3):focus")).to_be_visible()
            wide = "document.querySelector('main').scrollWidth - innerWidth"
            assert await page.evaluate(wide) <= 0, path
        await go(page, "users")
        await expect(page.get_by_text(HOSTILE)).to_be_visible()


# What is there now


async def test_connections_come_and_go_and_are_ended_after_a_question(site, browsers):
    page = await at(browsers, "sessions")
    await expect(row(page, "Ann Maas")).to_be_visible()
    await expect(page.get_by_text(re.compile("As of "))).to_be_visible()
    async with site.connect("bob") as bob:
        await expect(row(page, "Bob Prins")).to_contain_text("127.0.0.1")  # by itself
        end = row(page, "Bob Prins").get_by_role("button", name="End the connection of Bob Prins")
        await end.click()
        await page.keyboard.press("Escape")
        await expect(end).to_be_focused()
        await bob.ok("ping")
        async with site.connect("dora"):
            await page.evaluate(NOW)
            await expect(row(page, "Dora Vos")).to_be_visible()
            await expect(end).to_be_focused()
        await end.click()
        await confirm(page, "End the connection of Bob Prins", "End")
        await bob.socket.wait_closed()
        assert bob.socket.close_code == 4009
    await expect(row(page, "Bob Prins")).to_have_count(0)
    await expect(row(page, "Dora Vos")).to_have_count(0)


async def test_nothing_is_asked_while_nobody_looks(site, browsers):
    someone = await browsers.come("ann")
    page = await someone.context.new_page()
    await page.clock.install()
    await page.goto(someone.address("admin", "sessions"))
    await expect(page.locator("[data-state=open]")).to_be_attached()
    await expect(row(page, "Ann Maas")).to_be_visible()
    hidden = "Object.defineProperty(document, 'hidden', { configurable: true, get: () => %s })"
    await page.evaluate(f"{hidden % 'true'}, {NOW}")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    async with site.connect("bob"):
        await page.clock.run_for(8000)
        assert [url for url in asked if "/admin/" in url] == []
        await page.evaluate(f"{hidden % 'false'}, {NOW}")
        await expect(row(page, "Bob Prins")).to_be_visible()


async def test_topics_and_plugins(site, browsers):
    async with site.connect("ann") as ann:
        for topic in ("Alpha", "Beta"):
            await ann.ok("publish", topic=topic, data={"message": {"message": "x"}})
    page = await at(browsers, "topics")
    search = page.get_by_role("searchbox", name="Search")
    await expect(row(page, "Alpha")).to_be_visible()
    await search.fill("bet")
    await expect(row(page, "Alpha")).to_have_count(0)
    await expect(row(page, "Beta")).to_be_visible()
    await search.fill("nothing")
    await expect(page.get_by_text("Nothing found.")).to_be_visible()
    await go(page, "plugins")
    await expect(row(page, "order_list")).to_contain_text("Fine")
    await page.get_by_role("link", name="chat_rooms").click()
    await expect(row(page, "topic.authorize")).to_be_visible()
    await expect(page.get_by_text("/plugins/chat_rooms")).to_be_visible()


async def test_what_runs_as_long_as_its_plugin_is_no_long_call(browsers):
    def calls(longest):
        return {"count": 1, "failures": 0, "longest": longest, "held": 0, "set_aside": False}

    run = {"task": calls(24.4), "source.orders": calls(99.0), "route": calls(0.0151)}
    health = {"order_list": {"version": "1", "kinds": [], "lost_events": 0, "calls": run}}

    async def answer(route):
        await route.fulfill(json={"plugin_health": health})

    page = await at(browsers)
    await page.route("**/admin/plugins", answer)
    await go(page, "plugins")
    await expect(row(page, "order_list").get_by_role("cell").last).to_have_text("16 ms")
    await go(page, "plugins", "order_list")
    await expect(row(page, "task").get_by_role("cell").last).to_have_text("24 s")
    run["write"] = calls(12.0)
    await go(page, "plugins")
    await expect(row(page, "order_list").get_by_role("cell").last).to_have_text("12 s")


async def test_a_long_list_is_turned_page_by_page(site, browsers):
    create = site.server.accounts.create
    await asyncio.gather(*(create("SHOP", full_name=f"Extra {number}") for number in range(60)))
    page = await at(browsers, "users")
    await expect(page.get_by_role("row")).to_have_count(51)
    await page.get_by_role("button", name="Next").click()
    await expect(page.get_by_role("row")).to_have_count(16)
    await expect(page.get_by_role("button", name="Next")).to_be_disabled()
    await page.get_by_role("button", name="Previous").click()
    await expect(page.get_by_role("row")).to_have_count(51)


async def test_no_answer_is_said_in_its_place_and_what_was_read_stays(browsers):
    browsers.expect("503")
    page = await at(browsers, "sessions")
    await expect(row(page, "Ann Maas")).to_be_visible()
    refuse = {"error": {"code": "unavailable", "message": "the store cannot be read now"}}
    await page.route("**/admin/sessions**", lambda route: route.fulfill(status=503, json=refuse))
    await page.evaluate(NOW)
    alert = page.get_by_role("alert").filter(has_text="The server does not answer")
    await expect(alert).to_be_visible()
    await expect(row(page, "Ann Maas")).to_be_visible()
    await page.unroute("**/admin/sessions**")
    await alert.get_by_role("button", name="Try again").click()
    await expect(alert).to_have_count(0)


# People


async def test_a_person_is_added_by_the_keyboard_and_changed(site, browsers):
    browsers.expect("409 (Conflict)")
    page = await at(browsers, "users")
    await page.get_by_role("button", name="Add a person").focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Add a person")
    await expect(dialog.get_by_label("User name")).to_be_focused()
    for text in ("bob@shop.example", "Eve", "Adams", "", "SALES, BUYERS"):
        await page.keyboard.type(text)
        await page.keyboard.press("Tab")
    await dialog.get_by_label("Password").fill("apples-and-pears")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("alert")).to_contain_text("is taken")
    await dialog.get_by_label("User name").fill("eve@shop.example")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Eve Adams")).to_be_focused()
    await expect(page.get_by_label("Groups")).to_have_value("SALES, BUYERS")
    await page.get_by_label("Full name").fill("Eve the First")
    await page.get_by_label("Permissions").fill("notify status")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", name="Eve the First")).to_be_visible()
    await expect(page.locator("form").get_by_text("Saved.")).to_be_visible()
    [eve] = (await site.fetch("GET", "/admin/users?search=eve", name="ann")).json["users"]
    assert (eve["name"], eve["permissions"]) == ("Eve the First", ["notify", "status"])
    assert (eve["groups"], eve["has_password"]) == (["SALES", "BUYERS"], True)


async def test_only_what_was_changed_is_sent(site, browsers):
    """What another admin says meanwhile stays."""
    user_id = await added(site)
    page = await at(browsers, "users", user_id)
    await expect(page.get_by_label("Full name")).to_have_value("Eve Adams")
    path = f"/admin/users/{user_id}"
    await site.fetch("PATCH", path, {"groups": ["BUYERS"]}, name="ann")
    await page.get_by_label("E-mail").fill("eve@garden.example")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("form").get_by_text("Saved.")).to_be_visible()
    eve = (await site.fetch("GET", path, name="ann")).json["user"]
    assert (eve["email"], eve["groups"]) == ("eve@garden.example", ["BUYERS"])


async def test_a_person_is_disabled_and_enabled_and_given_a_password(site, browsers):
    user_id = await added(site)
    page = await at(browsers, "users", user_id)
    await page.get_by_role("button", name="Disable").click()
    await confirm(page, "Disable Eve Adams", "Disable")
    await expect(page.get_by_text("Disabled", exact=True)).to_be_visible()
    shown = await site.fetch("GET", f"/admin/users/{user_id}", name="ann")
    assert shown.json["user"]["disabled"] is True
    await page.get_by_role("button", name="Enable").click()
    await confirm(page, "Enable Eve Adams", "Enable")
    await expect(page.get_by_role("button", name="Disable")).to_be_visible()
    await page.get_by_role("button", name="Set password").click()
    await page.get_by_label("New password", exact=True).fill("pears-and-plums")
    await confirm(page, "New password of Eve Adams", "Save")
    body = {"username": EVE["login_name"], "password": "pears-and-plums"}
    assert (await site.fetch("POST", "/account/login", body)).code == 200


async def test_people_of_the_file_can_be_looked_at(browsers):
    browsers.expect("404 (Not Found)")
    page = await at(browsers, "users", "u-bob")
    await expect(page.get_by_text("stands in the configuration file")).to_be_visible()
    await expect(page.get_by_label("Full name")).to_have_value("Bob Prins")
    await expect(page.get_by_label("Full name")).not_to_be_editable()
    await expect(page.get_by_role("button", name="Save")).to_have_count(0)
    await go(page, "users", "u-ann")
    await expect(page.get_by_role("heading", name="Ann Maas")).to_be_visible()
    await expect(page.get_by_role("button", name="Disable")).to_have_count(0)
    await go(page, "users", "u-zoe")
    await expect(page.get_by_role("alert")).to_contain_text("u-zoe: not there")


async def test_a_key_is_shown_once_copied_and_revoked(site, browsers):
    someone = await browsers.come("ann")
    await someone.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = await someone.tab("admin", "users", await added(site))
    await page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog", name="New key")
    await dialog.get_by_label("Name").fill("the till")
    await dialog.get_by_label("Expires").select_option("After 30 days")
    await dialog.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog", name="The new key")
    key = await dialog.get_by_label("Key").input_value()
    assert re.fullmatch(r"[\w-]{40}", key)
    await dialog.get_by_role("button", name="Copy").click()
    await expect(dialog.get_by_role("button", name="Copied")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == key
    answer = await site.fetch("GET", "/account", headers={"api_key": key})
    assert answer.json["user"]["name"] == "Eve Adams"
    await dialog.get_by_role("button", name="Close").click()
    await expect(row(page, "the till")).to_be_visible()
    assert key not in await page.content()
    await row(page, "the till").get_by_role("button").click()
    await confirm(page, "Revoke the key the till", "Revoke")
    await expect(row(page, "the till")).to_have_count(0)
    assert (await site.fetch("GET", "/account", headers={"api_key": key})).code == 401


# A notification, and the configuration


async def test_a_notification_is_sent_to_all_to_some_or_to_a_group(site, browsers):
    page = await at(browsers, "notification")
    topic, text = page.get_by_label("Topic"), page.get_by_label("Text")
    send = page.get_by_role("button", name="Send")
    sent = page.locator("form").get_by_text("Sent.")
    await topic.fill("room:1")
    await text.fill("Soup is ready")
    await send.click()
    assert await topic.evaluate("each => each.matches(':invalid')")
    await topic.fill("Lunch")
    await page.get_by_label("Link").fill("javascript:alert(1)")
    await send.click()
    assert await page.get_by_label("Link").evaluate("each => each.matches(':invalid')")
    await page.get_by_label("Link").fill("/menu")
    await page.get_by_label("Type").select_option("Success")
    await page.get_by_label("Title").fill("Lunch!")
    async with site.connect("bob") as bob, site.connect("carl") as carl:
        for each in (bob, carl):
            await each.ok("subscribe", topic="mine")
        await send.click()
        await expect(sent).to_be_visible()
        await expect(text).to_have_value("")
        data = (await bob.push())["data"]
        assert data["message"] == {"message": "Soup is ready"}
        assert (data["type"], data["title"], data["link"]) == ("success", "Lunch!", "/menu")
        assert (data["persist"], data["show_alert"]) == (True, True)
        await carl.push()
        await text.fill("For Bob")
        await page.get_by_label("Some people").check()
        await page.get_by_role("checkbox", name=re.compile("Bob Prins")).check()
        await page.get_by_label("Is kept in the list").uncheck()
        await send.click()
        data = (await bob.push())["data"]
        assert (data["message"], data["persist"]) == ({"message": "For Bob"}, False)
        await text.fill("For the group")
        await page.get_by_label("A group").check()
        await page.get_by_label("Group", exact=True).fill("GROWERP_M_EMPLOYEE")
        await send.click()
        assert (await carl.push())["data"]["message"] == {"message": "For the group"}


async def test_the_configuration_shows_no_secret(browsers):
    page = await at(browsers, "configuration")
    await expect(page.get_by_role("heading", name="[plugins.order_list]")).to_be_visible()
    content = await page.content()
    for secret in (SECRET, "canary", key_of("ann"), key_of("bob"), "u-zoe"):
        assert secret not in content
    part = page.locator("section").filter(has_text="[plugins.order_list]").first
    await expect(part).to_contain_text("hidden")
    await page.get_by_role("searchbox", name="Search").fill("ping_seconds")
    await expect(page.locator("section:visible")).to_have_count(1)
    await expect(page.locator("section:visible")).to_contain_text("[delivery]")
