"""Every view of the page, with something in it: where it is, and how one knows that it is there.

async for view, page in tour(browsers, site): ...       # `site` is that of support.lively
"""

from dataclasses import dataclass

from playwright.async_api import expect


@dataclass(frozen=True)
class View:
    name: str
    path: tuple[str, ...] = ()
    shows: str = ""  # a text that is on it
    clicks: tuple[str, ...] = ()  # names of buttons, one after another
    signed_in: bool = True

    async def show(self, page, person, site):
        """It is there, and at rest."""
        await page.goto(person.address(*(part.format(floor=site.floor) for part in self.path)))
        if self.signed_in:
            await expect(page.locator("[data-state=open]").first).to_be_attached()
        for each in self.clicks:
            await page.get_by_role("button", name=each).click()
        await expect(page.get_by_text(self.shows).locator("visible=true").first).to_be_visible()
        await page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")


async def tour(browsers, site, *, views=None, ready=None, **look):
    """All of them, one after another: Ann's, who may everything, in one tab, and nobody's. `ready` is
    called with each of the two, before their tab."""
    ann, nobody = await browsers.come("ann", **look), await browsers.come(**look)
    for person in (nobody, ann):
        if ready is not None:
            await ready(person)
        page = await person.context.new_page()
        for view in views or VIEWS:
            if view.signed_in == (person is ann):
                await view.show(page, person, site)
                yield view, page


VIEWS = [
    View("sign-in", shows="Stay signed in", signed_in=False),
    View("rooms", ("rooms",), "Christmas party"),
    View("room", ("rooms", "{floor}"), "Then I take the truck."),
    View("new-chat", ("rooms",), "Carl Smit", ("New chat",)),
    View("room-details", ("rooms", "{floor}"), "Leave", ("Details",)),
    View("notes", ("notes",), "Paper runs low"),
    View("note-preferences", ("notes", "preferences"), "What runs low"),
    View("orders", ("orders",), "Bakery Vos"),
    View("order", ("orders", "1009"), "Version"),
    View("admin-sessions", ("admin", "sessions"), "127.0.0.1"),
    View("admin-topics", ("admin", "topics"), "OrderUpdate"),
    View("admin-plugins", ("admin", "plugins"), "order_list"),
    View("admin-plugin", ("admin", "plugins", "order_list"), "Called as"),
    View("admin-users", ("admin", "users"), "Dora Vos"),
    View("admin-user", ("admin", "users", "u-dora"), "From the file"),
    View("admin-notification", ("admin", "notification"), "Everybody in the company"),
    View("admin-configuration", ("admin", "configuration"), "hidden"),
    View("account", ("rooms",), "Change password", ("Ann Maas: account",)),
]


def by_name(name):
    return next(view for view in VIEWS if view.name == name)
