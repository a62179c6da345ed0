"""How heavy the page is, and how soon it is of use."""

from statistics import median

import pytest
from playwright.async_api import expect

from support.browser import people
from support.lively import lively
from tornado_chat.web.files import files

BYTES = 200_000  # over the wire, of all that a browser can fetch of it
SECONDS = 1.0  # on loopback, from the address to the rooms
TRIES = 7
# When the first room was on the screen: milliseconds since the navigation began.
USABLE = """
const looking = new MutationObserver(() => {
  const rooms = [...document.querySelectorAll("main a[href^='#/rooms/']")];
  if (!rooms.some((each) => each.checkVisibility())) return;
  looking.disconnect();
  requestAnimationFrame(() => setTimeout(() => (window.usable = performance.now())));
});
looking.observe(document, { childList: true, subtree: true });
"""
# Of the page's own files: the document, and what it has asked for.
FETCHED = """
[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .filter(({ name }) => /^\\/($|page|client)/.test(new URL(name).pathname))
  .map(({ encodedBodySize, decodedBodySize }) => [encodedBodySize, decodedBodySize])
"""


def test_all_of_it_is_light(tell):
    packed = {path: len(file.packed.body) for path, file in files().items()}
    plain = sum(len(file.plain.body) for file in files().values())
    client = sum(size for path, size in packed.items() if path.startswith("/client"))
    tell(
        f"page: {sum(packed.values()):,} bytes over the wire in {len(packed)} files, "
        f"{client:,} of them the client; {plain:,} unpacked"
    )
    assert sum(packed.values()) < BYTES


@pytest.mark.alone
async def test_it_is_usable_within_a_second(tell):
    async with lively() as site, people(site.url("")) as browsers:
        first, second = [], []
        for _ in range(TRIES):
            ann = await browsers.come("ann")  # who has nothing of it yet
            await ann.context.add_init_script(USABLE)
            for times in (first, second):
                page = await ann.tab("rooms")
                await expect(page.get_by_role("link", name="Shop floor")).to_be_visible()
                await page.wait_for_function("() => window.usable")
                times.append(await page.evaluate("window.usable") / 1000)
                if times is first:
                    fetched = await page.evaluate(FETCHED)
            await ann.context.close()
    tell(
        f"page: usable after {median(first):.2f} s, worst {max(first):.2f}; the second time "
        f"{median(second):.2f} s, worst {max(second):.2f} (of {TRIES}); until then "
        f"{sum(sent for sent, _ in fetched):,} bytes over the wire in {len(fetched)} files, "
        f"{sum(whole for _, whole in fetched):,} unpacked"
    )
    assert median(first) < SECONDS
