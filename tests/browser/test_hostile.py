"""Whatever people are called and whatever they write, it is shown as text, and stays in its place."""

import pytest
from playwright.async_api import expect

from support.browser import PHONE, WIDE, people
from support.lively import TABLES, Lively, staff
from support.orders import delivered
from support.room_page import RoomPage
from support.server import merged, running_server

SCRIPT = "<script>throw 1</script>"
IMAGE = "<img src=x onerror='throw 2'>"
BACKWARDS = "\u202eelpoep\u202c"  # right to left, by force
LONG = "W" * 300
NAMES = {"bob": f"Bob {IMAGE}", "carl": f"{BACKWARDS} & Carl", "dora": LONG[:200]}
MESSAGES = [
    SCRIPT,
    f"{IMAGE} and <a href='javascript:throw 3'>click</a>",
    "javascript:throw(4) data:text/html,<script>throw(5)</script>",
    "https://example.com/<script>?a=\"'><img src=x>",
    "http://user:password@example.com and https://example.com@evil.example",
    f"```\n{SCRIPT}\n{LONG}\n```",
    f"{BACKWARDS} \u2067 \u2066 \u200f never ended",
    "שלום, this begins from the right",
    "Z\u0351\u036f\u0310\u0344\u0321" * 40,
    "${constructor} {name} {{x}} %s &lt;b&gt; \\u003cb\\u003e",
    LONG,
    "a" * 20_000,
    "line\n" * 300,
    "\u0000\u0007 control",
]
NOT_OURS = "chat-app :is(script, iframe, object, embed, form[action], [onerror], [onclick], img:not([src^='/page/']))"
HREFS = "all => all.map(each => each.href).filter(href => !/^https?:/.test(href))"
# Texts that nobody can read to their end: they leave the window, and nothing scrolls, nor does "…" say
# that there is more.
CUT = """
() => {
  const cut = (node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    const { left, right } = range.getBoundingClientRect();
    return left < -1 || right > innerWidth + 1;
  };
  const meant = (each) => {
    for (; each && each !== document.body; each = each.parentElement) {
      const { overflowX, textOverflow } = getComputedStyle(each);
      if (["auto", "scroll"].includes(overflowX) && each.scrollWidth > each.clientWidth) return true;
      if (textOverflow === "ellipsis" || each.matches(".only-heard, select, input, textarea")) return true;
    }
    return false;
  };
  const found = [...document.querySelectorAll("chat-app *")].filter((each) =>
    each.checkVisibility() && [...each.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && cut(node))
    && !meant(each));
  if (document.documentElement.scrollWidth > innerWidth) found.push(document.documentElement);
  return found.map((each) => each.outerHTML.slice(0, 200));
}
"""


@pytest.fixture
async def site():
    users = [
        {**each, "full_name": NAMES[name], "first_name": NAMES[name], "last_name": ""}
        if (name := each["user_id"].removeprefix("u-")) in NAMES
        else each
        for each in staff()
    ]
    topics = {SCRIPT: {"description": IMAGE, "persist": True, "show_alert": True}}
    async with running_server(merged(TABLES, {"users": users, "topics": topics})) as running:
        site = Lively(running)
        site.room = await site.make(
            "bob", "ann", "carl", "dora", name=f"{IMAGE} {BACKWARDS} {LONG[:180]}"
        )
        site.pair = await site.make("carl", "ann", private=True)
        for number, text in enumerate(MESSAGES):
            await site.say(("bob", "carl", "dora")[number % 3], site.room, text)
        await site.say("carl", site.pair, f"{BACKWARDS} {SCRIPT}")
        order = {
            "orderId": f"{IMAGE}/../x",
            "status": SCRIPT,
            "customer": LONG[:255],
            "total": "1.5",
        }
        await delivered(
            site, [{**order, "currency": IMAGE[:16], "placedAt": "2026-01-01", SCRIPT: IMAGE}]
        )
        await site.notify([(SCRIPT, "danger", f"{SCRIPT} {LONG}", f"{IMAGE} {BACKWARDS}")])
        yield site


async def harmless(page):
    assert await page.locator(NOT_OURS).count() == 0
    assert await page.locator("a[href]").evaluate_all(HREFS) == []
    assert await page.evaluate(CUT) == []


@pytest.mark.parametrize("size", ["wide", "phone"])
async def test_hostile_text_is_shown_as_text(site, size):
    viewport = {"wide": WIDE, "phone": PHONE}[size]
    async with people(site.url("")) as browsers:
        ann = await browsers.come("ann", viewport=viewport)
        page = await ann.tab("rooms")
        await expect(page.get_by_text(IMAGE).first).to_be_visible()
        await expect(page.get_by_text(SCRIPT).first).to_be_visible()
        await harmless(page)
        page = await ann.tab("rooms", site.room)
        room = RoomPage(page)
        await expect(room.messages).to_have_count(len(MESSAGES))
        texts = await room.texts()
        for text, said in zip(texts, MESSAGES, strict=True):
            whole = said.replace("```\n", "").replace("\n```", "").strip()
            assert text.strip() == whole or text.startswith(whole[:100]), said
        await harmless(page)
        links = await page.locator(".message a").evaluate_all("all => all.map(each => each.host)")
        assert set(links) <= {"example.com"}
        await room.write(f"{SCRIPT}{IMAGE}")
        await expect(room.messages.last).to_contain_text(f"{SCRIPT}{IMAGE}")
        await page.get_by_role("button", name="Details").click()
        await expect(page.get_by_role("dialog").get_by_text(NAMES["carl"])).to_be_visible()
        await harmless(page)
        for path, text in [
            (("notes",), SCRIPT),
            (("notes", "preferences"), IMAGE),
            (("orders",), SCRIPT),
            (("orders", "%3Cimg%20src%3Dx%20onerror%3D'throw%202'%3E%2F..%2Fx"), SCRIPT),
            (("admin", "users"), NAMES["bob"]),
            (("admin", "topics"), SCRIPT),
            (("admin", "sessions"), "127.0.0.1"),
        ]:
            page = await ann.tab(*path)
            await expect(page.get_by_text(text).locator("visible=true").first).to_be_visible()
            await harmless(page)
        page = await ann.tab("rooms", "<script>", "%E0%A4%A")
        await expect(page.get_by_text("There is no such chat.")).to_be_visible()
        await harmless(page)
