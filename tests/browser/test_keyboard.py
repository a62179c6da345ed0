"""All of it without a mouse: where the focus is, that it is seen, and where it goes."""

import pytest
from playwright.async_api import expect

from support.lively import lively
from support.room_page import RoomPage

# What has the focus, by its name; and whether the browser shows that it has.
FOCUSED = """
() => {
  const { activeElement: at } = document;
  const { outlineStyle, outlineWidth } = getComputedStyle(at);
  const seen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 1;
  const body = at === document.body;
  return { name: body ? "" : at.ariaLabel || at.innerText || at.tagName, seen, body };
}
"""


@pytest.fixture
async def site():
    async with lively() as running:
        yield running


async def tab_to(page, name, most=40, *, key="Tab"):
    """Presses the key until what has this in its name has the focus; each stop on the way is seen."""
    for _ in range(most):
        await page.keyboard.press(key)
        at = await page.evaluate(FOCUSED)
        assert at["seen"] or at["body"], f"{at['name']} has the focus, and nobody sees it"
        if name in at["name"]:
            return
    raise AssertionError(f"{name} is not reached by Tab")


async def test_a_person_writes_in_a_room_and_goes_back_by_the_keyboard_alone(site, browsers):
    page = await (await browsers.come("ann")).tab()
    await expect(page.get_by_role("link", name="Shop floor")).to_be_visible()
    await tab_to(page, "Skip to the content", 1)
    await page.keyboard.press("Enter")
    await tab_to(page, "Shop floor")
    await page.keyboard.press("Enter")
    room = RoomPage(page)
    await expect(room.composer).to_be_focused()
    await page.keyboard.type("one line")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("and another")
    await page.keyboard.press("Enter")
    await expect(room.messages.last.locator(".text")).to_have_text("one line\nand another")
    await expect(room.composer).to_have_value("")
    await expect(room.composer).to_be_focused()
    await tab_to(page, "Messages", key="Shift+Tab")
    await page.keyboard.press("Home")
    await expect(room.message("Good morning! The coffee machine works again.")).to_be_in_viewport()
    await page.go_back()
    await expect(page.get_by_role("link", name="Shop floor")).to_be_focused()


async def test_a_dialog_keeps_the_focus_and_gives_it_back(site, browsers):
    page = await (await browsers.come("ann")).tab("rooms")
    await expect(page.get_by_role("link", name="Shop floor")).to_be_visible()
    await tab_to(page, "New chat")
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="New chat")
    await expect(dialog.get_by_role("searchbox")).to_be_focused()
    await page.keyboard.type("carl")
    await expect(dialog.get_by_role("checkbox")).to_have_count(1)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await expect(dialog.get_by_role("checkbox", name="Carl Smit")).to_be_checked()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_role("button", name="New chat")).to_be_focused()


async def test_a_change_of_view_takes_the_focus_along(site, browsers):
    page = await (await browsers.come("ann")).tab("rooms")
    await expect(page.get_by_role("link", name="Shop floor")).to_be_visible()
    for name, heading in {"Notifications": "Notifications", "Orders": "Orders"}.items():
        await page.get_by_role("navigation").get_by_role("link", name=name).focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name=heading, level=1)).to_be_focused()
    await tab_to(page, "1013")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Order 1012")).to_be_focused()
    await tab_to(page, "Close the order", 3)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="1012")).to_be_focused()


async def test_a_toast_is_reached_and_closed_by_the_keyboard(site, browsers):
    page = await (await browsers.come("ann")).tab("orders")
    await expect(page.get_by_role("status").get_by_text("Connected")).to_be_attached()
    await site.notify([("Stock", "warning", "3 boxes are left", "Paper")])
    await expect(page.locator(".toast:visible")).to_have_count(1)
    await tab_to(page, "Close: Paper")
    await page.keyboard.press("Enter")
    await expect(page.locator(".toast:visible")).to_have_count(0)
    assert not (await page.evaluate(FOCUSED))["body"]
