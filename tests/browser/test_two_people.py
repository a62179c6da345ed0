"""Two people side by side, and one of them in three tabs."""

import re

import pytest
from playwright.async_api import expect

from support.boards import plugin
from support.lively import Lively
from support.room_page import RoomPage
from support.server import running_server
from tornado_chat import Denied, hookimpl


@pytest.fixture
async def site():
    """`refused`: messages with these texts are."""
    refused = set()

    @hookimpl
    def filter_message(message):
        if message.data.get("content") in refused:
            raise Denied("not this one")

    async with running_server(modules=[plugin("picky", filter_message=filter_message)]) as running:
        site = Lively(running)
        site.refused = refused
        yield site


def entry(page, name):
    """A room in the list."""
    return page.get_by_role("list", name="Chats").get_by_role("link").filter(has_text=name)


def unread(page, count):
    """What the way into the rooms says."""
    return page.get_by_role("navigation").get_by_role("link", name=f"Chats {count} unread")


def way(page):
    return page.get_by_role("navigation").get_by_role("link", name=re.compile("^Chats"))


async def nothing_unread(page):
    await expect(way(page)).to_have_accessible_name("Chats")


async def test_two_people_talk(site, browsers):
    ann, bob = await browsers.come("ann"), await browsers.come("bob")
    hers, his = await ann.tab("rooms"), await bob.tab("rooms")
    await hers.get_by_role("button", name="New chat").click()
    dialog = hers.get_by_role("dialog", name="New chat")
    await dialog.get_by_role("searchbox").fill("prin")
    await dialog.get_by_role("checkbox", name=re.compile("Bob Prins")).check()
    await dialog.get_by_role("button", name="Open chat").click()
    await expect(hers.get_by_role("heading", name="Bob Prins")).to_be_visible()
    room = RoomPage(hers)
    await room.write("Lunch?")
    await expect(room.message("Lunch?")).to_have_attribute("data-state", "stored")
    await expect(entry(his, "Ann Maas")).to_contain_text("Lunch?")
    await expect(unread(his, 1)).to_be_visible()
    await entry(his, "Ann Maas").click()
    other = RoomPage(his)
    await other.shows("Lunch?")
    await nothing_unread(his)
    await his.keyboard.type("At")  # the room has given him the focus
    await expect(hers.get_by_text("Bob Prins is typing …")).to_be_visible()
    await his.keyboard.type(" twelve.\n")
    await room.shows("At twelve.")
    await expect(hers.get_by_text("Bob Prins is typing …")).to_be_hidden()
    await expect(hers.get_by_text("Online").first).to_be_visible()
    for n in range(5):
        await room.write(f"hers {n}")
        await other.write(f"his {n}")
    for n in range(5):
        await room.shows(f"his {n}")
        await other.shows(f"hers {n}")
    assert await room.texts() == await other.texts()
    await bob.context.close()
    await expect(hers.get_by_text("Not here now")).to_be_visible()


async def test_three_tabs_agree_on_what_is_unread_and_read(site, browsers):
    room_id = await site.make("ann", "bob", name="Lunch")
    ann = await browsers.come("ann")
    tabs = [await ann.tab("rooms"), await ann.tab("notes"), await ann.tab("rooms")]
    for tab in tabs:
        await nothing_unread(tab)
    for n in range(3):
        await site.say("bob", room_id, f"news {n}")
    for tab in tabs:
        await expect(unread(tab, 3)).to_be_visible()
        await expect(tab).to_have_title(re.compile(r"^\(3\)"))
    await expect(entry(tabs[2], "Lunch")).to_have_accessible_name(re.compile("3 unread"))
    await entry(tabs[0], "Lunch").click()
    await RoomPage(tabs[0]).shows("news 2")
    await expect(tabs[0].get_by_text("New messages", exact=True)).to_be_visible()
    for tab in tabs:
        await nothing_unread(tab)
        await expect(tab).not_to_have_title(re.compile(r"^\("))
    await expect(entry(tabs[2], "Lunch")).not_to_have_accessible_name(re.compile("unread"))
    await site.say("bob", room_id, "she looks at it")
    await expect(entry(tabs[2], "Lunch")).to_contain_text("she looks at it")
    for tab in tabs:
        await nothing_unread(tab)
    assert (await site.get("ann", room_id)).unread == 0


async def test_who_writes_in_one_tab_reads_it_in_the_others(site, browsers):
    room_id = await site.make("ann", "bob", name="Lunch")
    ann = await browsers.come("ann")
    here, there = await ann.tab("rooms", room_id), await ann.tab("rooms", room_id)
    await RoomPage(here).write("said here")
    await RoomPage(there).shows("said here")
    await RoomPage(there).write("said there")
    await RoomPage(here).shows("said there")
    assert await RoomPage(here).seen() == [("said here", "stored"), ("said there", "stored")]
    assert await RoomPage(there).texts() == ["said here", "said there"]


async def test_who_leaves_does_not_see_the_room_until_somebody_says_something(site, browsers):
    room_id = await site.make("ann", "bob", name="Lunch")
    await site.say("bob", room_id, "before")
    ann = await browsers.come("ann")
    page, other = await ann.tab("rooms", room_id), await ann.tab("rooms")
    await RoomPage(page).shows("before")
    await page.get_by_role("button", name="Details").click()
    await page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    for tab in (page, other):
        await expect(entry(tab, "Lunch")).to_have_count(0)
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await site.say("bob", room_id, "come back")
    for tab in (page, other):
        await expect(entry(tab, "Lunch")).to_contain_text("come back")
        await expect(unread(tab, 1)).to_be_visible()
    await entry(page, "Lunch").click()
    await RoomPage(page).shows("before")
    await RoomPage(page).shows("come back")
    await nothing_unread(other)


async def test_a_group_is_made_named_and_grows_and_who_is_removed_sees_it_no_more(site, browsers):
    ann, bob, carl = [await browsers.come(name) for name in ("ann", "bob", "carl")]
    page, his, carls = await ann.tab("rooms"), await bob.tab("rooms"), await carl.tab("rooms")
    await page.get_by_role("button", name="New chat").click()
    dialog = page.get_by_role("dialog", name="New chat")
    for name in ("Bob Prins", "Dora Vos"):
        await dialog.get_by_role("checkbox", name=re.compile(name)).check()
    await dialog.get_by_label("Name of the group").fill("Lunch")
    await dialog.get_by_role("button", name="Open chat").click()
    await expect(entry(his, "Lunch")).to_be_visible()
    await page.get_by_role("button", name="Details").click()
    details = page.get_by_role("dialog")
    await details.get_by_label("Name", exact=True).fill("Late lunch")
    await details.get_by_role("button", name="Save").click()
    await expect(entry(his, "Late lunch")).to_be_visible()
    await details.get_by_role("button", name="Add people").click()
    await details.get_by_role("checkbox", name=re.compile("Carl Smit")).check()
    await details.get_by_role("button", name="Add", exact=True).click()
    await expect(entry(carls, "Late lunch")).to_be_visible()
    await entry(his, "Late lunch").click()
    await expect(his.get_by_text("4 members")).to_be_visible()
    await details.get_by_role("button", name="Remove Bob Prins").click()
    await expect(entry(his, "Late lunch")).to_have_count(0)
    await expect(his.get_by_text("You are not in “Late lunch” any more.")).to_be_visible()


async def test_a_message_that_is_refused_says_why_and_is_tried_again_or_thrown_away(browsers, site):
    room_id = await site.make("bob", "ann", name="Lunch")
    page = await (await browsers.come("ann")).tab("rooms", room_id)
    room = RoomPage(page)
    site.refused.update({"one", "two"})
    for text in ("one", "two", "three"):
        await room.write(text)
    for text, state in {"one": "failed", "two": "failed", "three": "stored"}.items():
        await expect(room.message(text)).to_have_attribute("data-state", state)
    failed = room.message("one")
    await expect(failed).to_contain_text(re.compile("Not sent: not this one", re.IGNORECASE))
    site.refused.clear()
    await failed.get_by_role("button", name="Try again").click()
    await expect(failed).to_have_attribute("data-state", "stored")
    await room.message("two").get_by_role("button", name="Discard").click()
    await expect(room.message("two")).to_have_count(0)
    assert await room.texts() == ["three", "one"]  # as they stand in the log
    await page.reload()
    await expect(room.messages).to_have_count(2)
    assert await room.texts() == ["three", "one"]
