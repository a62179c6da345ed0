"""A room of 5,000 messages, read to its beginning: each is there once, and nothing jumps."""

import asyncio
import random

import pytest
from playwright.async_api import expect

from support.room_page import RoomPage
from support.rooms import RoomSite
from support.server import running_server

MESSAGES = 5000
PIXELS = 3  # that what one reads may move
STEP = 700  # pixels of the wheel
NEAR = 1500  # pixels; where one comes near to the beginning of what is there, more of it is read

# Each frame, once it is painted: where the message is now that was in the middle in the frame before.
# Nobody acts, so it has not moved. While somebody scrolls it may, by what he asked for.
WATCH = """
() => {
  const eye = (window.eye = { acting: true, jump: 0, far: 0 });
  let read = null, top = 0;
  const middle = () => {
    const { left, top, width, height } = document.querySelector("[role=log]").getBoundingClientRect();
    for (let y = 0.5; y < 0.9; y += 0.05) {
      const found = document.elementFromPoint(left + width / 2, top + height * y)?.closest(".message");
      if (found) return found;
    }
    return null;
  };
  const look = () => {
    if (read?.isConnected) {
      const moved = Math.abs(read.getBoundingClientRect().top - top);
      if (eye.acting) eye.far = Math.max(eye.far, moved);
      else eye.jump = Math.max(eye.jump, moved);
    }
    read = middle();
    top = read?.getBoundingClientRect().top ?? 0;
    requestAnimationFrame(() => setTimeout(look));
  };
  look();
}
"""
# Until what somebody did is done: two frames in which nothing has moved.
AT_REST = """
async () => {
  const log = document.querySelector("[role=log]");
  for (let still = 0, last = NaN; still < 2; ) {
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const now = log.scrollHeight - log.scrollTop;
    still = now === last ? still + 1 : 0;
    last = now;
  }
  window.eye.acting = false;
}
"""
BEGINNING = """
() => {
  window.eye.acting = true;
  window.eye.beginning = document.querySelector(".message");
}
"""
FROM_BEGINNING = """
Math.abs(window.eye.beginning.getBoundingClientRect().top
  - document.querySelector("[role=log]").getBoundingClientRect().top)
"""
COUNT = "document.getElementsByClassName('message').length"


def text(number):
    """Some are long, and some have several lines, so that none is as high as its neighbour."""
    chance = random.Random(number)
    words = " ".join(["word"] * chance.choice([0, 0, 1, 3, 30]))
    return (
        f"message {number}"
        + (f" {words}" if words else "")
        + "\nand more" * chance.choice([0, 0, 0, 2])
    )


@pytest.fixture
async def site():
    async with running_server() as running:
        site = RoomSite(running)
        site.url = running.url
        site.room = await site.make("ann", "bob", name="Long")
        for first in range(0, MESSAGES, 500):
            said = [
                site.say("bob", site.room, text(number)) for number in range(first, first + 500)
            ]
            await asyncio.gather(*said)
        await site.read("ann", site.room)
        yield site


@pytest.mark.timeout(180)
async def test_a_long_room_is_scrolled_to_its_beginning(site, browsers, tell):
    page = await (await browsers.come("ann")).tab("rooms", site.room)
    await expect(page.locator(".message .text").last).to_have_text(text(MESSAGES - 1))
    await page.evaluate(WATCH)
    loads = await by_wheel(page, 400) + await by_keyboard(page)
    assert await RoomPage(page).texts() == [text(number) for number in range(MESSAGES)]
    await expect(page.get_by_text("Today", exact=True)).to_have_count(1)
    jump = await page.evaluate("window.eye.jump")
    tell(
        f"a room of {MESSAGES:,}: {loads} pages, and what one reads moved {jump:.1f} pixels at most"
    )
    assert jump <= PIXELS


async def by_wheel(page, upto):
    """So many messages; how many pages that took. Nothing moves further than the wheel says."""
    pages, count = 0, await page.evaluate(COUNT)
    await page.get_by_role("log").hover()
    while count < upto:
        await page.evaluate("window.eye.acting = true")
        await page.mouse.wheel(0, -STEP)
        await page.evaluate(AT_REST)
        now = await page.evaluate(COUNT)
        pages += now > count
        count = now
    assert await page.evaluate("window.eye.far") <= STEP + PIXELS
    return pages


async def by_keyboard(page):
    """To the first message of all; how many pages that took. Whoever goes to the beginning of what is
    there finds it where it was, when there is more above it."""
    pages, count = 0, await page.evaluate(COUNT)
    await page.emulate_media(
        reduced_motion="reduce"
    )  # at once, not by a scrolling that takes its time
    await page.get_by_role("log").focus()
    while count < MESSAGES:
        await page.evaluate(BEGINNING)
        await page.keyboard.press("Home")
        await page.evaluate(AT_REST)
        await page.wait_for_function(f"count => {COUNT} > count", arg=count)
        await page.evaluate(AT_REST)
        assert await page.evaluate(FROM_BEGINNING) < NEAR
        count = await page.evaluate(COUNT)
        pages += 1
    return pages
