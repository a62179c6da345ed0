"""A room on the screen, for tests: what is read there, and what is written.

room = RoomPage(page)
await room.write("Lunch?")
await room.shows("Lunch?")
"""

from playwright.async_api import expect

# Of each message on the screen its text and how it stands: sending, stored, failed, null for another's.
SEEN = """all => all.map(each => [each.querySelector(".text").textContent, each.dataset.state ?? null])"""


class RoomPage:
    def __init__(self, page):
        self.page = page
        self.messages = page.locator(".message")
        self.composer = page.get_by_role("textbox", name="Message")

    async def write(self, text):
        """By the keyboard, wherever the focus was."""
        await self.composer.focus()
        await self.page.keyboard.insert_text(text)
        await self.page.keyboard.press("Enter")

    def message(self, text):
        return self.messages.filter(has=self.page.get_by_text(text, exact=True))

    async def shows(self, text):
        await expect(self.message(text)).to_have_count(1)

    async def seen(self):
        """[(text, state)], as they stand there."""
        return [tuple(each) for each in await self.messages.evaluate_all(SEEN)]

    async def texts(self):
        return [text for text, _ in await self.seen()]
