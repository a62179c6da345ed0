"""Notifications: seen here and gone there, toasts by type, a storm, what is muted, where links lead."""

import re

import pytest
from playwright.async_api import expect

from support.lively import Lively
from support.server import running_server

TOPICS = {
    "Stock": {"description": "What runs low", "persist": True, "show_alert": True},
    "Quiet": {"description": "What nobody hurries for", "persist": True},
}


@pytest.fixture
async def site():
    async with running_server({"topics": TOPICS}) as running:
        yield Lively(running)


def listed(page):
    return page.get_by_role("main").get_by_role("listitem")


def toasts(page):
    return page.locator(".toast:visible")


def way(page):
    """Into the notifications, with how many wait there."""
    return page.get_by_role("navigation").get_by_role("link", name="Notifications")


async def send(site, topic="Stock", text="3 left", **more):
    service = site.server.service("notifications")
    return await service.send("SHOP", topic, {"message": text}, **more)


async def test_what_is_viewed_in_one_tab_is_gone_in_the_others(site, browsers):
    ann = await browsers.come("ann")
    first, second = await ann.tab("notes"), await ann.tab("rooms")
    for page in (first, second):
        await expect(page.get_by_role("status").get_by_text("Connected")).to_be_attached()
    await send(site, text="3 left")
    await send(site, text="2 left")
    await expect(listed(first)).to_have_count(2)
    await expect(way(second)).to_contain_text("2")
    for page in (first, second):
        await expect(toasts(page)).to_have_count(2)
        heard = page.locator("body > .only-heard[role=status]")
        await expect(heard).to_have_text(re.compile("2 left"))
    row = listed(first).filter(has_text="2 left")
    await row.get_by_role("button", name="Mark as seen").click()
    await expect(toasts(second)).to_have_text([re.compile("3 left")])
    await expect(toasts(first)).to_have_text([re.compile("3 left")])
    await expect(way(second)).to_contain_text("1")
    await expect(row.get_by_role("button", name="Mark as seen")).to_be_hidden()
    await way(second).click()
    await expect(second.get_by_text("1 unseen")).to_be_visible()
    await second.get_by_role("button", name="Mark all as seen").click()
    await expect(first.get_by_text("All seen")).to_be_visible()
    await expect(toasts(first)).to_have_count(0)
    await expect(way(first)).to_have_accessible_name("Notifications")
    await first.reload()
    await expect(first.get_by_text("All seen")).to_be_visible()


async def test_a_toast_looks_as_its_type_and_is_told_of_what_cannot_be_seen_later(site, browsers):
    page = await (await browsers.come("ann")).tab("orders")
    await expect(page.get_by_role("status").get_by_text("Connected")).to_be_attached()
    await send(site, "Quiet", "nobody hurries")
    await send(site, "Quiet", "now or never", persist=False, alert_no_auto_hide=True)
    await send(site, text="no paper", type="danger", title="Paper", alert_no_auto_hide=True)
    await send(site, text="ink is back", type="success", alert_no_auto_hide=True)
    await expect(toasts(page)).to_have_count(3)
    assert await toasts(page).evaluate_all("all => all.map(each => each.dataset.type)") == [
        "info",
        "danger",
        "success",
    ]
    danger = page.get_by_role("alert").filter(has_text="Paper")
    await expect(danger).to_contain_text("Problem")
    await expect(danger).to_contain_text("no paper")
    colours = await toasts(page).evaluate_all(
        "all => all.map(each => getComputedStyle(each.querySelector('.type')).color)"
    )
    assert len(set(colours)) == 3
    await danger.get_by_role("button", name="Close: Paper").click()
    await expect(danger).to_have_count(0)
    await expect(way(page)).to_contain_text("2")


async def test_a_storm_shows_a_few_and_a_count(site, browsers):
    page = await (await browsers.come("ann")).tab("orders")
    await expect(page.get_by_role("status").get_by_text("Connected")).to_be_attached()
    for number in range(60):
        await send(site, text=f"{number} left", alert_no_auto_hide=number < 3)
    await expect(page.get_by_text("and 57 more")).to_be_visible()
    assert await toasts(page).count() <= 4
    await expect(way(page)).to_contain_text("60")


async def test_what_is_muted_is_listed_and_shows_no_toast(site, browsers):
    ann = await browsers.come("ann")
    settings, page = await ann.tab("notes", "preferences"), await ann.tab("notes")
    async with settings.expect_response("**/preferences/Stock"):
        await settings.get_by_role("switch", name="Mute: What runs low").check()
    await send(site, text="3 left", alert_no_auto_hide=True)
    await send(site, "Quiet", "now or never", persist=False, alert_no_auto_hide=True)
    await expect(listed(page)).to_have_count(1)
    await expect(toasts(page)).to_have_text([re.compile("now or never")])
    await settings.get_by_role("switch", name="Receive: What runs low").uncheck()
    await expect(listed(page)).to_have_count(0)
    await send(site, text="2 left")
    await send(site, "Quiet", "this comes")
    await expect(listed(page)).to_have_text([re.compile("this comes")])


async def test_hostile_text_is_text_and_hostile_links_are_none(site, browsers):
    page = await (await browsers.come("ann")).tab("notes")
    await expect(page.get_by_role("status").get_by_text("Connected")).to_be_attached()
    hostile = "<script>throw 1</script><img src=x onerror='throw 2'>${constructor}"
    await send(site, text=hostile, title="<b>Title</b> \u202egnirts", alert_no_auto_hide=True)
    await send(site, text="W" * 500, link="https://example.com/<script>?a=\"'>")
    row = listed(page).filter(has_text="Title")
    await expect(row).to_contain_text(hostile)
    await expect(row).to_contain_text("<b>Title</b>")
    await expect(toasts(page).first).to_contain_text(hostile)
    await expect(listed(page).get_by_role("link")).to_have_count(1)
    assert await page.locator("main :is(script, img, b)").count() == 0
    wide = "document.documentElement.scrollWidth <= innerWidth"
    assert await page.evaluate(wide)
    await page.set_viewport_size({"width": 360, "height": 700})
    assert await page.evaluate(wide)
