"""Rooms and what is said in them, as one sees and uses them."""

import re

import pytest
from playwright.async_api import expect

from support.room_page import RoomPage
from support.rooms import RoomSite
from support.server import running_server

BYTES = 2000


@pytest.fixture
async def site():
    async with running_server({"limits": {"frame_bytes": BYTES}}) as running:
        site = RoomSite(running)
        site.url = running.url
        yield site


async def room_with(site, count, *, read=False, name="Lunch"):
    """Ann's and Bob's, in which he has said something so often."""
    room = await site.make("bob", "ann", name=name)
    for number in range(count):
        await site.say("bob", room, f"text {number}")
    if read:
        await site.read("ann", room)
    return room


async def top_of(page, text):
    """Where a message stands on the screen."""
    return (await RoomPage(page).message(text).bounding_box())["y"]


def newest(page):
    """The button that leads there."""
    return page.get_by_role("button", name=re.compile("↓"))


# What is shown


async def test_what_is_in_a_text(site, browsers):
    room = await site.make("ann", "bob", name="Lunch")
    page = await (await browsers.come("bob")).tab("rooms", room)
    await site.say(
        "ann", room, "see https://example.com/a_(b), `x < y`:\n```\n  if x:\n    y()\n```"
    )
    message = RoomPage(page).messages
    link = message.get_by_role("link", name="https://example.com/a_(b)")
    await expect(link).to_have_attribute("target", "_blank")
    await expect(link).to_have_attribute("rel", "noopener noreferrer")
    assert await message.locator("code").all_text_contents() == ["x < y", "  if x:\n    y()"]
    await site.say("ann", room, "javascript:alert(1) https://a@evil.example")
    await RoomPage(page).shows("javascript:alert(1) https://a@evil.example")
    await expect(page.locator(".message a")).to_have_count(1)


async def test_a_long_text_is_shown_when_asked_for(site, browsers):
    room = await site.make("ann", "bob", name="Lunch")
    page = await (await browsers.come("bob")).tab("rooms", room)
    text = "\n".join(f"line {number}" for number in range(100))
    await site.say("ann", room, text)
    message = RoomPage(page).messages
    await expect(message).to_contain_text("line 39")
    await expect(message).not_to_contain_text("line 40")
    await message.get_by_role("button", name="Show all").click()
    await expect(message.locator(".text")).to_have_text(text)


async def test_days_and_senders_stand_once(site, browsers):
    room = await site.make("ann", "bob", "carl", name="Lunch")
    clock = site.server.clock
    clock.ahead = -86_400.0
    for name in ("bob", "bob", "carl"):
        await site.say(name, room, f"{name} yesterday")
    clock.ahead = 0.0
    for name in ("carl", "carl"):
        await site.say(name, room, f"{name} today")
    await site.read("ann", room)
    page = await (await browsers.come("ann")).tab("rooms", room)
    await expect(page.locator(".day")).to_have_text(["Yesterday", "Today"])
    names = page.locator(".message .name:not(.only-heard)")
    await expect(names).to_have_text(["Bob Prins", "Carl Smit", "Carl Smit"])
    await expect(
        page.get_by_role("link", name=re.compile("Lunch.*Carl Smit: carl today"))
    ).to_be_visible()


# What is new


async def test_the_unread_ones_begin_at_a_line_which_stays(site, browsers):
    room = await room_with(site, 20, read=True)
    for number in range(40):
        await site.say("bob", room, f"new {number}")
    page = await (await browsers.come("ann")).tab("rooms", room)
    line = page.get_by_text("New messages", exact=True)
    await expect(line).to_be_in_viewport()
    await expect(RoomPage(page).message("new 0")).to_be_in_viewport()
    await expect(RoomPage(page).message("new 39")).not_to_be_in_viewport()
    assert (await site.get("ann", room)).unread == 40, "she has not come to the end"
    await newest(page).click()
    await expect(
        page.get_by_role("navigation").get_by_role("link", name="Chats").first
    ).to_have_accessible_name("Chats")
    assert (await site.get("ann", room)).unread == 0
    await expect(page.locator(".message", has=line)).to_contain_text("new 0")


async def test_what_comes_does_not_move_what_is_read(site, browsers):
    room = await room_with(site, 60, read=True)
    page = await (await browsers.come("ann")).tab("rooms", room)
    await RoomPage(page).shows("text 59")
    await page.get_by_role("log").hover()
    await page.mouse.wheel(0, -700)
    await expect(newest(page)).to_have_text("To the newest ↓")
    before = await top_of(page, "text 45")
    for number in range(3):
        await site.say("bob", room, f"new {number}")
    await expect(newest(page)).to_have_text("3 new messages ↓")
    assert await top_of(page, "text 45") == pytest.approx(before, abs=1)
    assert (await site.get("ann", room)).unread == 3
    await newest(page).click()
    await expect(newest(page)).to_be_hidden()
    await expect(RoomPage(page).message("new 2")).to_be_in_viewport()


async def test_who_does_not_look_has_not_read(site, browsers):
    room = await room_with(site, 1, read=True)
    page = await (await browsers.come("ann")).tab("rooms", room)
    await RoomPage(page).shows("text 0")
    look = """state => {
      Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    await page.evaluate(look, "hidden")
    await site.say("bob", room, "is she there?")
    badge = page.get_by_role("navigation").get_by_role("link", name="Chats 1 unread")
    await expect(badge).to_be_visible()
    assert (await site.get("ann", room)).unread == 1
    await page.evaluate(look, "visible")
    await expect(badge).to_have_count(0)
    assert (await site.get("ann", room)).unread == 0


async def test_a_new_message_costs_the_same_however_many_there_are(site, browsers):
    room = await room_with(site, 300, read=True)
    page = await (await browsers.come("ann")).tab("rooms", room)
    await RoomPage(page).shows("text 299")
    watch = """() => {
      window.changed = 0;
      const seen = (all) => { for (const { addedNodes } of all) window.changed += addedNodes.length; };
      new MutationObserver(seen).observe(document.querySelector("[role=log]"), { childList: true, subtree: true });
    }"""
    changes = []
    for count in (0, 250):
        while await RoomPage(page).messages.count() < count:
            await page.get_by_role("log").evaluate("log => log.scrollTo(0, 0)")
        await page.get_by_role("log").evaluate("log => log.scrollTo(0, log.scrollHeight)")
        await page.evaluate(watch)
        await site.say("bob", room, f"after {count}")
        await RoomPage(page).shows(f"after {count}")
        changes.append(await page.evaluate("window.changed"))
    assert max(changes) < 10


async def test_slow_answers_move_nothing(site, browsers):
    room = await room_with(site, 200, read=True)
    ann = await browsers.come("ann")
    waiting = []

    def slowly(socket):
        server = socket.connect_to_server()

        def answer(frame):
            if '"more":' in frame and '"offset":' in frame and page_is_read:
                waiting.append(lambda: socket.send(frame))
            else:
                socket.send(frame)

        socket.on_message(server.send)
        server.on_message(answer)

    page_is_read = False
    await ann.context.route_web_socket(re.compile("/ws$"), slowly)
    page = await ann.tab("rooms", room)
    await RoomPage(page).shows("text 199")
    page_is_read = True
    log = page.get_by_role("log")
    await log.evaluate("log => log.scrollTo(0, 0)")
    await expect(log.get_by_text("Loading …")).to_be_visible()
    await log.evaluate("log => log.scrollTo(0, 300)")
    before = await top_of(page, "text 155")
    page_is_read = False
    while waiting:
        waiting.pop()()
    await RoomPage(page).shows("text 100")
    assert await top_of(page, "text 155") == pytest.approx(before, abs=2)
    await expect(log.get_by_text("Loading …")).to_be_hidden()


# Writing


async def test_enter_sends_and_shift_enter_is_a_line(site, browsers):
    room = await site.make("ann", "bob", name="Lunch")
    page = await (await browsers.come("ann")).tab("rooms", room)
    writing = RoomPage(page).composer
    await expect(writing).to_be_focused()
    low = (await writing.bounding_box())["height"]
    await page.keyboard.type("one")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("two")
    assert (await writing.bounding_box())["height"] > low
    await page.keyboard.press("Enter")
    await RoomPage(page).shows("one\ntwo")
    await expect(writing).to_have_value("")
    await page.keyboard.press("Enter")
    await page.keyboard.type("  ")
    await page.keyboard.press("Enter")
    await expect(RoomPage(page).messages).to_have_count(1)
    await writing.fill("\n".join("123456789"))
    high = (await writing.bounding_box())["height"]
    await writing.fill("\n" * 50)
    assert (await writing.bounding_box())["height"] == high


async def test_where_one_writes_by_touch_enter_is_a_line_and_the_button_sends(site, browsers):
    from support.browser import PHONE

    room = await site.make("ann", "bob", name="Lunch")
    ann = await browsers.come("ann", viewport=PHONE, has_touch=True, is_mobile=True)
    page = await ann.tab("rooms", room)
    await RoomPage(page).composer.tap()
    await page.keyboard.type("one")
    await page.keyboard.press("Enter")
    await page.keyboard.type("two")
    await page.get_by_role("button", name="Send").tap()
    await RoomPage(page).shows("one\ntwo")


async def test_what_is_too_long_is_told_before_it_is_sent(site, browsers):
    room = await site.make("ann", "bob", name="Lunch")
    page = await (await browsers.come("ann")).tab("rooms", room)
    room_page = RoomPage(page)
    await page.locator("chat-link-state[data-state=open]").wait_for()
    await room_page.composer.fill("é" * BYTES)
    await expect(page.get_by_text("Too long by 2014 bytes.")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(room_page.messages).to_have_count(0)
    await room_page.composer.fill("é" * ((BYTES - 14) // 2))
    await expect(page.get_by_text("Too long")).to_be_hidden()
    await page.keyboard.press("Enter")
    await expect(room_page.messages).to_have_attribute("data-state", "stored")


async def test_each_room_keeps_what_was_begun(site, browsers):
    await site.make("ann", "bob", name="Lunch")
    await site.make("ann", "bob", name="Stock")
    page = await (await browsers.come("ann")).tab("rooms")
    room = RoomPage(page)
    await page.get_by_role("link", name="Lunch").click()
    await room.composer.fill("at twe")
    await page.get_by_role("link", name="Stock").click()
    await expect(room.composer).to_have_value("")
    await page.get_by_role("link", name="Lunch").click()
    await expect(room.composer).to_have_value("at twe")
    await page.reload()
    await expect(room.composer).to_have_value("at twe")
    await page.get_by_role("button", name="Ann Maas: account").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert await page.evaluate("JSON.stringify(sessionStorage)") == "{}"


# Finding one's way


async def test_chats_and_people_are_found(site, browsers):
    for name in ("Lunch", "Stock", "Late lunch"):
        await site.make("bob", "ann", name=name)
    page = await (await browsers.come("ann")).tab("rooms")
    links = page.get_by_role("list", name="Chats").get_by_role("link")
    await expect(links).to_have_count(3)
    await page.get_by_role("searchbox", name="Search chats").fill("LUNCH")
    await expect(links).to_have_count(2)
    await page.get_by_role("searchbox", name="Search chats").fill("nobody")
    await expect(page.get_by_text("No chat has that name.")).to_be_visible()
    await page.get_by_role("searchbox", name="Search chats").fill("")
    await expect(links).to_have_count(3)
    await page.get_by_role("button", name="New chat").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("searchbox")).to_be_focused()
    await expect(dialog.get_by_role("checkbox")).to_have_count(4)
    await page.keyboard.type("carl")
    await page.keyboard.press("Enter")  # before he is found
    await expect(dialog.get_by_role("button", name="Not Carl Smit")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Carl Smit")).to_be_visible()


async def test_on_a_phone_one_sees_the_list_or_a_room(site, browsers):
    from support.browser import PHONE

    await room_with(site, 1)
    page = await (await browsers.come("ann", viewport=PHONE)).tab("rooms")
    link = page.get_by_role("list", name="Chats").get_by_role("link", name="Lunch")
    for back in ("key", "link"):
        await link.click()
        await expect(RoomPage(page).message("text 0")).to_be_visible()
        await expect(link).to_be_hidden()
        if back == "key":
            await page.get_by_role("log").focus()
            await page.keyboard.press("Escape")
        else:
            await page.get_by_role("link", name="Back to the chats").click()
        await expect(link).to_be_focused()
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not await page.evaluate(wide)


async def test_a_room_that_is_not_there_is_said(browsers):
    page = await (await browsers.come("ann")).tab("notes")
    await page.goto(page.url.replace("notes", "rooms/999"))
    await expect(page.get_by_text("There is no such chat.")).to_be_visible()
    await expect(page).to_have_url(re.compile("#/rooms$"))
    await page.go_back()
    await expect(page).to_have_url(re.compile("#/notes$"))
