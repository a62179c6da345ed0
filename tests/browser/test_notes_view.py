"""Notifications, as one goes through them: what is listed, what leads where, what stays how long."""

import re

import pytest
from playwright.async_api import expect

from support.browser import PHONE
from support.orders import SECRET, delivered
from support.rooms import RoomSite
from support.server import running_server
from tornado_chat import Topic

TOPICS = {
    "Stock": {"description": "What runs low", "persist": True},
    "Import": {"persist": True, "show_alert": True},
}
TABLES = {"topics": TOPICS, "plugins": {"order_list": {"secret": SECRET, "tenant": "SHOP"}}}
STAYS = 15_000  # milliseconds after which no toast is there that goes by itself


@pytest.fixture
async def site():
    async with running_server(TABLES) as running:
        yield running


async def send(site, text, topic="Stock", **more):
    return await site.server.service("notifications").send("SHOP", topic, {"message": text}, **more)


def listed(page):
    return page.locator("chat-note-list li")


def toasts(page):
    return page.locator(".toast:visible")


async def connected(page):
    await expect(page.get_by_role("status").get_by_text("Connected")).to_be_attached()


async def test_older_ones_of_a_topic_and_those_that_are_unseen(site, browsers):
    for number in range(120):
        topic = "Import" if number % 10 == 0 else "Stock"
        await send(site, f"no. {number}", topic, show_alert=False)
    page = await (await browsers.come("ann")).tab("notes")
    await expect(listed(page)).to_have_count(50)
    await expect(listed(page).first).to_contain_text("no. 119")
    await expect(page.get_by_text("120 unseen")).to_be_visible()
    await page.get_by_role("button", name="Older ones").click()
    await expect(listed(page)).to_have_count(120)
    await expect(listed(page).last).to_contain_text("no. 0")
    await expect(page.get_by_role("button", name="Older ones")).to_be_hidden()
    await page.get_by_role("combobox", name="Topic").select_option(label="Import")
    await expect(listed(page)).to_have_count(12)
    await listed(page).first.get_by_role("button", name="Mark as seen: no. 110").click()
    await expect(page.get_by_text("119 unseen")).to_be_visible()
    await page.get_by_role("checkbox", name="Unseen only").check()
    await expect(listed(page)).to_have_count(11)
    await send(site, "one more", "Import", show_alert=False)
    await expect(listed(page).first).to_contain_text("one more")
    await page.get_by_role("button", name="Mark all as seen").click()
    await expect(page.get_by_text("Nothing new. You have seen all of these.")).to_be_visible()
    await page.get_by_role("checkbox", name="Unseen only").uncheck()
    await expect(listed(page)).to_have_count(13)
    await page.reload()
    await expect(page.get_by_text("All seen")).to_be_visible()


async def test_a_link_leads_to_where_it_is_and_what_is_opened_is_seen(site, browsers):
    await delivered(site, {"orderId": "100.4-5", "customer": "Maas Shop"})
    page = await (await browsers.come("ann")).tab("notes")
    row = listed(page).filter(has_text="Order 100.4-5 received")
    await row.get_by_role("link").click()
    await expect(page.get_by_role("heading", name="Order 100.4-5")).to_be_visible()
    await expect(page.get_by_role("complementary").get_by_text("Maas Shop")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_text("All seen")).to_be_visible()
    for link in ("https://127.0.0.1:1/x", "/files/price-list.pdf"):
        await send(site, link, link=link)
        away = page.get_by_role("link", name=link)
        await expect(away).to_have_attribute("href", link)
        await expect(away).to_have_attribute("target", "_blank")
        await expect(away).to_have_attribute("rel", "noopener noreferrer")
    await send(site, "to all of them", link="/orders")
    await page.get_by_role("link", name="to all of them").click()
    await expect(page.get_by_role("heading", name="Orders")).to_be_visible()


ODD = [
    {"type": "toString", "message": "no object", "title": 7},
    {"message": None, "link": "//127.0.0.1:1/x"},
    {"message": ["a"], "link": "/\t/127.0.0.1:1/x"},
    {"message": {"message": {}}, "link": "javascript:alert(1)"},
    {"link": {"a": 1}},
]


async def test_what_the_house_publishes_need_not_be_as_what_is_sent(site, browsers):
    page = await (await browsers.come("ann")).tab("notes")
    await connected(page)
    for number, odd in enumerate(ODD, 1):
        data = {**odd, "persist": True, "show_alert": number <= 3}
        await site.server.provider("").publish(Topic("SHOP", "", f"Odd {number}"), data)
    await expect(toasts(page)).to_have_count(3)
    await expect(listed(page)).to_have_count(len(ODD))
    for shown in (toasts(page).first, listed(page).first, listed(page).last):
        await expect(shown).to_contain_text("Odd")
        await expect(shown).to_contain_text("Info")
    assert await page.locator(".toast a:visible, main li a").count() == 0


async def test_a_toast_goes_by_itself_but_not_while_it_is_looked_at(site, browsers):
    person = await browsers.come("ann")
    await person.context.clock.install()
    page = await person.tab("orders")
    await connected(page)
    await send(site, "it goes", "Import")
    await send(site, "it stays", "Import", alert_no_auto_hide=True)
    await expect(toasts(page)).to_have_count(2)
    await toasts(page).first.hover()
    await person.context.clock.run_for(STAYS)
    await expect(toasts(page)).to_have_count(2)
    await page.mouse.move(5, 500)
    close = toasts(page).filter(has_text="it goes").get_by_role("button")
    await close.focus()
    await person.context.clock.run_for(STAYS)
    await expect(toasts(page)).to_have_count(2)
    await close.blur()
    await person.context.clock.run_for(STAYS)
    await expect(toasts(page)).to_have_text([re.compile("it stays")])
    await send(site, "it goes too", "Import")
    await expect(toasts(page)).to_have_count(2)
    await toasts(page).first.get_by_role("button").click()  # which has the next one focused
    await expect(toasts(page)).to_have_text([re.compile("it goes too")])
    await page.mouse.move(5, 500)
    await person.context.clock.run_for(STAYS)
    await expect(toasts(page)).to_have_count(0)


async def test_toasts_are_closed_by_keys_and_the_focus_goes_on(site, browsers):
    page = await (await browsers.come("ann")).tab("orders")
    await connected(page)
    for number in range(3):
        await send(site, f"no. {number}", "Import", alert_no_auto_hide=True)
    await expect(toasts(page)).to_have_count(3)
    await toasts(page).nth(0).get_by_role("button", name="Close: no. 0").press("Enter")
    await expect(toasts(page)).to_have_count(2)
    await expect(page.get_by_role("button", name="Close: no. 1")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Close: no. 2")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(toasts(page)).to_have_count(0)
    await expect(page.get_by_role("main")).to_be_focused()
    await expect(page.get_by_role("link", name="Notifications")).not_to_contain_text("3")


async def test_on_a_phone_no_toast_covers_where_one_writes(site, browsers):
    room = await RoomSite(site).make("ann", "bob", name="Floor")
    ann = await browsers.come("ann", viewport=PHONE)
    page = await ann.tab("rooms", room)
    await connected(page)
    for number in range(9):
        await send(site, f"{number} " + "many words " * 40, "Import", alert_no_auto_hide=True)
    await expect(page.get_by_text("and 8 more")).to_be_visible()
    await page.set_viewport_size({"width": 390, "height": 420})  # its keyboard is there
    over = await page.locator(".toasts").bounding_box()
    writing = await page.get_by_role("textbox", name="Message").bounding_box()
    assert over["y"] + over["height"] < writing["y"]
    await page.get_by_role("textbox", name="Message").fill("it can be written")


async def test_nothing_is_there_yet(browsers):
    page = await (await browsers.come("zoe", locale="de-DE")).tab("notes")
    await expect(page.get_by_text("Noch keine Mitteilungen.")).to_be_visible()
    await expect(page.get_by_role("button", name="Alle als gesehen markieren")).to_be_disabled()
    await page.get_by_role("link", name="Einstellungen").click()
    await expect(page.get_by_role("heading", name="Einstellungen")).to_be_focused()


async def test_preferences_agree_in_all_tabs(site, browsers):
    ann = await browsers.come("ann")
    first, second = [await ann.tab("notes", "preferences") for _ in range(2)]
    for part in ("Mute", "Receive"):
        mine = first.get_by_role("switch", name=f"{part}: What runs low")
        other = second.get_by_role("switch", name=f"{part}: What runs low")
        before = await mine.is_checked()
        await expect(other).to_be_checked(checked=before)
        await mine.press("Space")
        await expect(other).to_be_checked(checked=not before)
    await expect(second.get_by_role("switch", name="Mute: What runs low")).to_be_disabled()
    await expect(second.get_by_role("switch", name="Mute: What runs low")).to_be_checked()
    await first.reload()
    await expect(first.get_by_role("switch", name="Receive: What runs low")).not_to_be_checked()


async def test_an_id_that_stands_for_another_one_now_is_shown_as_that(site, browsers):
    """As after a restart of the server with an older database."""
    sent = await send(site, "of before")
    page = await (await browsers.come("ann")).tab("notes")
    await expect(listed(page)).to_contain_text("of before")

    async def answer(route):
        found = await (await route.fetch()).json()
        for note in found["notifications"]:
            note.update(title="of now", at="2026-11-24T10:00:00.000Z")
        await route.fulfill(json=found)

    await page.route("**/notifications/notifications?*", answer)
    await page.get_by_role("combobox", name="Topic").select_option(label="What runs low")
    await expect(listed(page)).to_contain_text("of now")
    await expect(listed(page)).to_have_attribute("data-id", sent.id)
