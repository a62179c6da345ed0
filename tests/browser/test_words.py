"""All that the page says comes from its words, so that another language has all of it."""

import json
import re

import pytest
from playwright.async_api import expect

from support.browser import people
from support.lively import lively
from support.views import tour

# A language in which every text stands in these brackets.
MARKED = """
const marked = (text) => (typeof text === "string" ? `⟦${text}⟧` : Object.fromEntries(
  Object.entries(text).map(([form, each]) => [form, marked(each)])));
export default Object.fromEntries(Object.entries(words).map(([key, text]) => [key, marked(text)]));
"""
# What is read on the screen or aloud, one text for each place.
TEXTS = """
() => {
  const found = [document.title];
  for (const each of document.querySelectorAll("body *")) {
    if (each.closest("time, option") || each.matches(".initials, .face, .face > [aria-hidden]") || !each.checkVisibility({ visibilityProperty: true })) continue;
    for (const name of ["aria-label", "title", "placeholder", "alt"]) found.push(each.getAttribute(name));
    for (const node of each.childNodes) if (node.nodeType === Node.TEXT_NODE) found.push(node.data);
  }
  return found.filter(Boolean);
}
"""
MONTHS = r"\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)\b"


class Heard:
    """All texts that the server has said."""

    def __init__(self):
        self.texts = set()
        self.answers = []

    def listen(self, context):
        context.on("response", lambda answer: self.answers.append(answer))
        context.on("page", self._page)

    def _page(self, page):
        page.on(
            "websocket", lambda socket: socket.on("framereceived", lambda text: self._take(text))
        )

    def _take(self, text):
        self._walk(json.loads(text))

    def _walk(self, value):
        if isinstance(value, dict):
            self.texts.update(value)
            value = list(value.values())
        if isinstance(value, list):
            for each in value:
                self._walk(each)
        elif isinstance(value, bool):
            self.texts.add(json.dumps(value))
        elif isinstance(value, str):
            self.texts.add(plain(value))

    async def all(self):
        for answer in self.answers:
            if "json" in answer.headers.get("content-type", ""):
                self._take(await answer.text())
        self.answers.clear()
        return " \n".join(self.texts)


def plain(text):
    return " ".join(text.split())


def unmarked(text):
    """What of it is in no brackets; of brackets in brackets the outer ones count."""
    before = None
    while before != text:
        before, text = text, re.sub(r"⟦[^⟦⟧]*⟧", "", text)
    return plain(re.sub(MONTHS, "", text))


async def marked(route):
    answer = await route.fetch()
    text = (await answer.text()).replace("export default", "const words =")
    await route.fulfill(response=answer, body=text + MARKED)


@pytest.mark.timeout(180)
async def test_every_text_of_every_view_comes_from_the_words():
    left, heard = {}, Heard()

    async def ready(person):
        heard.listen(person.context)
        await person.context.route("**/page/words/en.js", marked)

    async with lively() as site, people(site.url("")) as browsers:
        async for view, page in tour(browsers, site, ready=ready):
            if view.name == "notes":
                await site.notify()
                await expect(page.locator(".toast:visible")).to_have_count(4)
            texts = {unmarked(text) for text in await page.evaluate(TEXTS)}
            said = await heard.all()
            for text in texts:
                if any(word not in said for word in re.findall(r"[^\W\d_]{2,}", text)):
                    left.setdefault(view.name, []).append(text)
    assert left == {}


async def test_it_speaks_the_language_of_the_browser_and_another_when_asked():
    async with lively() as site, people(site.url("")) as browsers:
        ann = await browsers.come("ann", locale="de-AT")
        page, other = await ann.tab("notes"), await ann.tab("orders")
        await expect(page.get_by_role("heading", name="Mitteilungen")).to_be_visible()
        await expect(page.locator("html")).to_have_attribute("lang", "de")
        await page.get_by_role("button", name="Ann Maas: Konto").click()
        await page.get_by_label("Sprache").select_option(label="English")
        await expect(page.get_by_role("heading", name="Notifications")).to_be_visible()
        await expect(page.locator("html")).to_have_attribute("lang", "en")
        await other.reload()
        await expect(other.get_by_role("heading", name="Orders", exact=True)).to_be_visible()
