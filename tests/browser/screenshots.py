"""`make screenshots`: a picture of each view, wide and on a phone, light and dark, of a firm at work, in
build/screenshots; and those of CHOSEN in docs/pictures, for the README."""

import asyncio
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from playwright.async_api import expect

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.browser import PHONE, WIDE, people  # noqa: E402
from support.lively import lively, order  # noqa: E402
from support.orders import delivered  # noqa: E402
from support.views import VIEWS, by_name, tour  # noqa: E402

ALL = ROOT / "build" / "screenshots"
BEST = ROOT / "docs" / "pictures"
CHOSEN = [
    "room-wide-light",
    "orders-wide-dark",
    "notes-phone-light",
    "rooms-phone-dark",
]
MOST = 150_000  # bytes of a picture that is shown in the documentation


class Firm:
    """Who is at work while pictures are taken."""

    def __init__(self, site, browsers):
        self.site = site
        self.browsers = browsers
        self.version = 100

    async def begin(self):
        await (await self.browsers.come("bob")).tab("rooms")
        dora = await (await self.browsers.come("dora")).tab("rooms", self.site.floor)
        self.composer = dora.get_by_role("textbox", name="Message")

    async def room(self, page):
        await self.composer.press_sequentially("I")
        await expect(page.get_by_text("Dora Vos is typing …")).to_be_visible()

    async def orders(self, page):
        for number, status in {3: "OrderShipped", 10: "OrderApproved"}.items():
            self.version += 1
            changed = {**order(number), "status": status, "version": self.version}
            await delivered(self.site, [changed])
            await expect(page.locator(f"[data-id='{1000 + number}'][data-fresh]")).to_be_visible()

    async def toasts(self, page):
        await self.site.notify()
        await expect(page.locator(".toast:visible").last).to_be_visible()


async def take():
    ALL.mkdir(parents=True, exist_ok=True)
    async with lively() as site, people(site.url("")) as browsers:
        firm = Firm(site, browsers)
        await firm.begin()
        for colours in ("light", "dark"):
            for size, viewport in {"wide": WIDE, "phone": PHONE}.items():
                look = {"viewport": viewport, "color_scheme": colours, "reduced_motion": "reduce"}
                views = [*VIEWS, replace(by_name("orders"), name="toasts")]
                async for view, page in tour(browsers, site, views=views, **look):
                    if happening := getattr(firm, view.name, None):
                        await happening(page)
                    await picture(page, ALL / f"{view.name}-{size}-{colours}.png")


async def picture(page, path):
    await page.screenshot(path=path, caret="hide")
    print(path.relative_to(ROOT), flush=True)


def choose():
    BEST.mkdir(parents=True, exist_ok=True)
    for name in CHOSEN:
        shutil.copy(ALL / f"{name}.png", BEST)
        size = (BEST / f"{name}.png").stat().st_size
        assert size < MOST, f"{name}: {size:,} bytes are more than {MOST:,}"


if __name__ == "__main__":
    asyncio.run(take())
    choose()
