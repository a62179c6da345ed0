"""People who look at the page, each in a browser profile of his own, in a real Chromium.

    async with people(site.url("")) as people:
        ann = await people.come("ann")           # her key is kept in this browser
        tab = await ann.tab("rooms", "100000")   # at #/rooms/100000
        other = await ann.tab()                  # shares her storage, as tabs do
        bob = await people.come("bob", viewport=PHONE, color_scheme="dark", locale="de-DE")
        someone = await people.come()            # nobody is signed in

A tab is a `Page` of Playwright. Of all tabs, whenever they are closed, it is asserted at the end: no
error or warning on the console, nothing uncaught, nothing against the content security policy; no
request to another host; a policy with each document, without `unsafe-inline`; no key in an address.
`people.expect("text")` is for what a test brings about, such as a server that is not there. Where
there is no Chromium, who imports this is skipped; in CI it fails.
"""

import contextlib
import json
import os
import shutil
from urllib.parse import quote, urlsplit

import pytest
from playwright.async_api import async_playwright, expect
from tornado.httpclient import AsyncHTTPClient

from support.server import key_of

CHROMIUM = shutil.which("chromium")
if CHROMIUM is None:
    why = "the page is not tried, Chromium is missing: apt-get install chromium"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why, allow_module_level=True)

WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
PATIENCE = 15_000  # milliseconds in which a page must get there, on a machine that is busy
KEPT = "tornado_chat.account"  # where page/account.js keeps who is signed in
# What the page may do is said twice: Chromium's own words go to the console, but not all of them.
VIOLATIONS = """
addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI, sample }) =>
  console.error("securitypolicyviolation", effectiveDirective, blockedURI, sample));
"""

expect.set_options(timeout=PATIENCE)


class Watch:
    """What browsers do that no page of ours may do."""

    def __init__(self, url):
        self.faults = []
        self.expected = []
        self._host = urlsplit(url).netloc
        self._keys = set()  # as they were shown to the server
        self._addresses = []

    def over(self, context):
        context.on("console", self._console)
        context.on("weberror", lambda raised: self._fault(f"uncaught: {raised.error}"))
        context.on("request", self._request)
        context.on("response", self._response)
        context.on("page", self._page)

    def check(self):
        __tracebackhide__ = True
        told = [
            f"a key in the address {address}"
            for address in self._addresses
            if any(quote(key, safe="") in address or key in address for key in self._keys)
        ]
        faults = [each for each in self.faults if not any(text in each for text in self.expected)]
        if found := faults + told:
            raise AssertionError("\n".join(["of browsers:", *found]))

    def _fault(self, text):
        self.faults.append(text)

    def _console(self, message):
        if message.type in {"error", "warning", "assert"}:
            place = f"{message.location['url']}:{message.location['lineNumber']}"
            self._fault(f"{message.type} on the console: {message.text} ({place})")

    def _page(self, page):
        page.on("framenavigated", lambda frame: self._address(frame.url))
        page.on("websocket", lambda socket: self._asked(socket.url))
        page.on("crash", lambda _page: self._fault("a page has crashed"))

    def _request(self, request):
        self._asked(request.url)
        key = request.headers.get("api_key") or request.headers.get("authorization", "")
        if key := key.rpartition(" ")[2]:
            self._keys.add(key)

    def _asked(self, address):
        self._address(address)
        if urlsplit(address).netloc != self._host:
            self._fault(f"asked another host: {address}")

    def _address(self, address):
        self._addresses.append(address)

    def _response(self, response):
        if response.request.resource_type != "document":
            return
        policy = response.headers.get("content-security-policy", "")
        if "default-src 'none'" not in policy or "unsafe" in policy:
            self._fault(f"the content security policy of {response.url} is {policy!r}")


class Person:
    """A browser profile, and whoever sits before it."""

    def __init__(self, name, url, context):
        self.name = name
        self.context = context
        self._url = url

    async def tab(self, *path):
        """One more, at `#/path`."""
        page = await self.context.new_page()
        await page.goto(self.address(*path))
        return page

    def address(self, *path):
        return f"{self._url}/" + (f"#/{'/'.join(path)}" if path else "")


class People:
    def __init__(self, url, browser):
        self.url = url
        self.browser = browser
        self.watch = Watch(url)
        self.here = []

    def expect(self, text):
        """What browsers say that has this text is no fault."""
        self.watch.expected.append(text)

    async def come(self, name=None, *, key=None, viewport=WIDE, **options):
        """`options` are those of a context of Playwright: locale, color_scheme, …"""
        if name is not None:
            key = key or key_of(name)
            options["storage_state"] = await self._storage(key)
        context = await self.browser.new_context(
            **{"locale": "en-GB", "viewport": viewport, **options}
        )
        context.set_default_timeout(PATIENCE)
        await context.add_init_script(VIOLATIONS)
        self.watch.over(context)
        person = Person(name or "nobody", self.url, context)
        self.here.append(person)
        return person

    async def _storage(self, key):
        """Of a browser in which this person has signed in and stays so."""
        answer = await AsyncHTTPClient().fetch(f"{self.url}/account", headers={"api_key": key})
        kept = json.dumps({"key": key, "user": json.loads(answer.body)["user"]})
        return {
            "cookies": [],
            "origins": [{"origin": self.url, "localStorage": [{"name": KEPT, "value": kept}]}],
        }

    async def seen(self):
        """What is to be seen now, for who looks into a failure."""
        found = list(self.watch.faults)
        for person in self.here:
            for page in person.context.pages:
                with contextlib.suppress(Exception):  # it may be gone
                    text = await page.locator("body").aria_snapshot(timeout=1000)
                    found.append(f"{person.name} at {page.url} sees:\n{text[:4000]}\n")
        return "\n".join(found)


@contextlib.asynccontextmanager
async def people(url):
    """Of the server at `url`, such as http://127.0.0.1:8080; their browsers end with the block."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM)
        found = People(url.rstrip("/"), browser)
        try:
            yield found
        except Exception as error:
            error.add_note(await found.seen())
            raise
        finally:
            await browser.close()
    found.watch.check()
