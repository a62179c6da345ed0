"""The order list, as one works with it: what is looked for, in which order, by keys and on a phone."""

import re

import pytest
from playwright.async_api import expect

from support.browser import PHONE
from support.lively import TABLES
from support.orders import delivered
from support.server import running_server

ORDERS = [
    {"orderId": "9", "status": "OrderPlaced", "customer": "Maas Shop", "total": "9.50"},
    {"orderId": "10", "status": "OrderApproved", "customer": "émile", "total": 1200},
    {"orderId": "11", "status": "Cut_toSize", "customer": "Prins & Son", "total": "80.00"},
    {"orderId": "12", "status": "OrderPlaced", "customer": "<b>Zee</b>", "total": "80.00"},
]
DAYS = ["2026-11-03", "2026-11-01T10:00:00Z", "2026-11-02T10:00:00Z", None]
NOTHING = dict.fromkeys(["status", "customer", "total", "currency", "placedAt", "shop"])
HEARD = "all => all.map(each => each.textContent).join()"  # what a screen reader is told


@pytest.fixture
async def site():
    async with running_server(TABLES) as running:
        orders = [
            {**order, "placedAt": day, "currency": "EUR"}
            for order, day in zip(ORDERS, DAYS, strict=True)
        ]
        await delivered(running, orders)
        yield running


@pytest.fixture
async def page(browsers):
    found = await (await browsers.come("ann")).tab("orders")
    await expect(rows(found)).to_have_count(4)
    return found


def rows(page):
    return page.locator("tr[data-id]:visible")


def row(page, order_id):
    return page.locator(f'tr[data-id="{order_id}"]')


async def ids(page):
    return await rows(page).evaluate_all("all => all.map(({ dataset }) => dataset.id)")


def change(site, order_id, **more):
    order = next(order for order in ORDERS if order["orderId"] == order_id)
    return delivered(site, {**order, "currency": "EUR", **more})


async def test_each_column_sorts_both_ways_and_says_so(page):
    assert await ids(page) == ["9", "11", "10", "12"]
    for name, expected in {
        "Order": ["9", "10", "11", "12"],
        "Status": ["10", "11", "9", "12"],
        "Customer": ["12", "10", "9", "11"],
        "Total": ["10", "11", "12", "9"],
        "Placed": ["9", "11", "10", "12"],
    }.items():
        head = page.get_by_role("columnheader", name=name)
        await head.get_by_role("button").click()
        way = "descending" if name in {"Total", "Placed"} else "ascending"
        await expect(head).to_have_attribute("aria-sort", way)
        assert await ids(page) == expected
        await expect(page.locator("[aria-sort]")).to_have_count(1)
    await page.get_by_role("button", name="Placed").click()
    await expect(page.get_by_role("columnheader", name="Placed")).to_have_attribute(
        "aria-sort", "ascending"
    )
    assert await ids(page) == ["12", "10", "11", "9"]


async def test_what_is_shown_of_an_order_is_what_people_say(page):
    cells = row(page, "9").get_by_role("cell")
    await expect(cells).to_have_text(["Placed", "Maas Shop", "€9.50", "3 Nov 2026", ""])
    await expect(row(page, "10")).to_contain_text("€1,200.00")
    await expect(row(page, "11")).to_contain_text("Cut to size")
    await expect(row(page, "12")).to_contain_text("<b>Zee</b>")


async def test_one_looks_for_words_and_a_status(site, page):
    search = page.get_by_role("searchbox", name="Find an order")
    count = page.get_by_text("of 4 orders")
    await search.fill("plac 80")
    assert await ids(page) == ["12"]
    await expect(count).to_have_text("1 of 4 orders")
    await expect(page.get_by_role("status").get_by_text("1 of 4 orders")).to_be_attached()
    await change(site, "11", status="OrderPlaced")
    await expect(rows(page)).to_have_count(2)
    await search.fill("nothing like it")
    await expect(page.get_by_text("No order fits.")).to_be_visible()
    await page.get_by_role("button", name="Show all").click()
    await expect(search).to_be_focused()
    assert len(await ids(page)) == 4
    statuses = page.get_by_role("combobox", name="Status")
    await expect(statuses.get_by_role("option")).to_have_text(
        ["All statuses", "Approved", "Placed"]
    )
    await statuses.select_option(label="Approved")
    assert await ids(page) == ["10"]
    await change(site, "10", status="OrderShipped")
    await expect(rows(page)).to_have_count(0)


async def test_a_change_moves_its_row_and_touches_no_other(site, page):
    await page.get_by_role("button", name="Total").click()
    assert await ids(page) == ["10", "11", "12", "9"]
    await page.evaluate(
        """() => {
          window.touched = new Set();
          const note = (records) => records.forEach(({ target, addedNodes }) =>
            [target, ...addedNodes].forEach((node) =>
              touched.add((node.closest ? node : node.parentNode)?.closest("tr")?.dataset.id)));
          new MutationObserver(note).observe(document.querySelector("tbody"),
            { subtree: true, childList: true, characterData: true, attributes: true });
        }"""
    )
    await change(site, "9", total="100.00")
    await expect(row(page, "9")).to_contain_text("€100.00")
    assert await ids(page) == ["10", "9", "11", "12"]
    touched = await page.evaluate("[...touched].filter(Boolean)")
    assert touched == ["9"]
    await expect(row(page, "9").locator("[data-field=changed]")).to_have_text(
        re.compile(r"^\d\d:\d\d:\d\d$")
    )
    await delivered(site, {"orderId": "9", "deleted": True})
    await expect(rows(page)).to_have_count(3)
    await expect(page.get_by_text("3 of 3 orders")).to_be_visible()


async def test_changes_are_not_read_aloud(site, page):
    live = page.locator("[role=status], [role=alert], [aria-live]:not([aria-live=off])")
    before = await live.evaluate_all(HEARD)
    assert await page.locator("[aria-live] table, [role=status] table").count() == 0
    await change(site, "9", status="OrderShipped")
    await delivered(site, {**ORDERS[0], "orderId": "13"})
    await expect(rows(page)).to_have_count(5)
    assert await live.evaluate_all(HEARD) == before


async def test_who_wants_no_motion_sees_a_mark_that_stands_still(site, browsers):
    page = await (await browsers.come("ann", reduced_motion="reduce")).tab("orders")
    await expect(rows(page)).to_have_count(4)
    await change(site, "9", status="OrderShipped")
    await expect(row(page, "9")).to_contain_text("Shipped")
    assert await row(page, "9").evaluate("row => row.getAnimations({ subtree: true }).length") == 0
    assert await row(page, "9").evaluate("row => getComputedStyle(row).boxShadow") != "none"
    await expect(page.locator("[data-fresh]")).to_have_count(0)  # after some seconds


async def test_by_keys_one_goes_through_the_rows_into_an_order_and_back(page):
    await page.get_by_role("button", name="Changed").focus()
    await page.keyboard.press("Tab")
    await expect(row(page, "9").get_by_role("link")).to_be_focused()
    for key in ("ArrowDown", "End", "ArrowUp", "ArrowUp"):
        await page.keyboard.press(key)
    await expect(row(page, "11").get_by_role("link")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Order 11")).to_be_focused()
    assert page.url.endswith("#/orders/11")
    await page.keyboard.press("Escape")
    await expect(row(page, "11").get_by_role("link")).to_be_focused()
    assert page.url.endswith("#/orders")


async def test_an_order_is_shown_with_all_that_is_known_of_it_and_lives(site, page):
    lines = [{"product": "Bell", "pieces": 2}, {"product": "<i>Lamp</i>", "pieces": 1}]
    more = {"salesChannel": "web", "lines": lines, "address": {"city": "Delft"}}
    await change(site, "9", **more)
    await row(page, "9").get_by_role("cell", name="Maas Shop").click()
    panel = page.get_by_role("complementary", name="Order 9")
    for text in ("Sales channel", "web", "Pieces", "<i>Lamp</i>", '"city": "Delft"', "€9.50"):
        await expect(panel.get_by_text(text)).to_be_visible()
    await expect(row(page, "9").get_by_role("link")).to_have_attribute("aria-current", "true")
    await change(site, "9", status="OrderShipped")
    await expect(panel.get_by_text("Shipped")).to_be_visible()
    await expect(panel.get_by_text("Sales channel")).to_have_count(0)
    await delivered(site, {"orderId": "9", "deleted": True})
    await expect(panel.get_by_text("This order was deleted.")).to_be_visible()
    await page.goto(page.url.replace("/9", "/4711"))
    panel = page.get_by_role("complementary", name="Order 4711")
    await expect(panel.get_by_text("not in the list")).to_be_visible()
    await panel.get_by_role("link", name="Close the order").click()
    await expect(panel).to_have_count(0)


async def test_on_a_phone_rows_are_cards_and_an_order_has_the_screen(browsers):
    page = await (await browsers.come("ann", viewport=PHONE)).tab("orders")
    await expect(rows(page)).to_have_count(4)
    box = await row(page, "9").bounding_box()
    assert box["height"] > 60
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.get_by_role("button", name="Total").click()
    assert await ids(page) == ["10", "11", "12", "9"]
    await row(page, "9").click()
    await expect(page.get_by_role("heading", name="Order 9")).to_be_visible()
    await expect(row(page, "9")).to_be_hidden()
    await page.go_back()
    await expect(row(page, "9")).to_be_visible()


async def test_where_there_are_none_it_says_so(browsers):
    page = await (await browsers.come("zoe", locale="de-DE")).tab("orders")
    await expect(page.get_by_text("Noch keine Bestellungen.")).to_be_visible()
    await expect(page.get_by_role("searchbox")).to_be_hidden()


async def test_what_is_null_says_nothing_and_a_table_is_no_wider_than_the_screen(site, page):
    many = [{f"k{number}": 1} for number in range(1300)]
    await delivered(site, [{"orderId": "13", **NOTHING, "items": many}])
    await expect(rows(page)).to_have_count(5)
    texts = await row(page, "13").locator("th, td").all_inner_texts()
    assert texts[:5] == ["13", "", "", "", ""]
    assert await ids(page) == ["9", "11", "10", "12", "13"]  # neither of them has a date
    await row(page, "13").get_by_role("link").click()
    names = page.locator("chat-order dt")
    await expect(names).to_have_text(["Changed", "Items", "Version"])
    assert await page.locator("chat-order td").count() == 0
    await delivered(site, [{"orderId": "13", "items": [{"paid": False, "count": 0, "note": None}]}])
    await expect(page.locator("chat-order td")).to_have_text(["false", "0", ""])


async def test_moments_of_several_zones_are_sorted_by_when_they_were(site, page):
    await change(site, "9", placedAt="2026-11-02T10:30:00+02:00")  # half past eight
    await change(site, "10", placedAt="2026-11-02T09:00:00Z")
    await change(site, "11", placedAt="2026-11-02T03:45:00-05:00")  # a quarter to nine
    await expect(row(page, "11").locator("[data-field=placed]")).to_contain_text("2 Nov")
    await expect(rows(page).first).to_have_attribute("data-id", "10")
    assert await ids(page) == ["10", "11", "9", "12"]
