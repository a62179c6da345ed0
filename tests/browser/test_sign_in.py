"""In by name and password, out again; where the key is kept meanwhile, and when it ends."""

import asyncio
import json

import pytest
from playwright.async_api import expect

from support.browser import KEPT
from support.server import password_of, running_server, users

STORED = f"[sessionStorage['{KEPT}'], localStorage['{KEPT}']].map(each => JSON.parse(each ?? '{{}}').key ?? null)"


@pytest.fixture
async def site():
    """Ann has a password."""
    ann, *others = users()
    async with running_server(
        {"users": [{**ann, "password": password_of("ann")}, *others]}
    ) as site:
        yield site


async def sign_in(page, *, stay=False, password=None):
    """By the keyboard alone: the first field has the focus."""
    await expect(page.get_by_label("User name")).to_be_focused()
    await page.keyboard.type("ann@shop.example")
    await page.keyboard.press("Tab")
    await page.keyboard.type(password or password_of("ann"))
    if stay:
        await page.keyboard.press("Tab")  # to the button that shows the password
        await page.keyboard.press("Tab")
        await page.keyboard.press("Space")
    await page.keyboard.press("Enter")


async def is_in(page):
    await expect(page.get_by_role("status").filter(has_text="Connected")).to_be_visible()
    await expect(page.get_by_role("navigation").get_by_role("link").first).to_be_visible()


async def sign_out(page):
    await page.get_by_role("button", name="Ann Maas: account").click()
    await page.get_by_role("button", name="Sign out").click()


async def is_out(page):
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_the_key_lives_as_long_as_the_tab(browsers):
    someone = await browsers.come()
    page = await someone.tab()
    await sign_in(page)
    await is_in(page)
    of_tab, of_device = await page.evaluate(STORED)
    assert (bool(of_tab), of_device) == (True, None)
    await page.reload()
    await is_in(page)
    await is_out(await someone.tab())


async def test_or_on_the_device_for_all_its_tabs(browsers):
    someone = await browsers.come()
    page = await someone.tab()
    await sign_in(page, stay=True)
    await is_in(page)
    of_tab, of_device = await page.evaluate(STORED)
    assert (of_tab, bool(of_device)) == (None, True)
    await is_in(await someone.tab())


async def test_who_signs_out_does_so_in_all_tabs_and_the_key_is_good_no_longer(site, browsers):
    someone = await browsers.come()
    first = await someone.tab()
    await sign_in(first, stay=True)
    await is_in(first)
    second = await someone.tab()
    await is_in(second)
    _, key = await first.evaluate(STORED)
    await sign_out(first)
    await is_out(first)
    await is_out(second)
    assert await first.evaluate(STORED) == [None, None]
    answer = await site.fetch("GET", "/account", headers={"api_key": key})
    assert answer.code == 401


async def test_who_errs_is_told_so_and_tries_again(browsers):
    browsers.expect("401 (Unauthorized)")  # Chromium says so of each
    page = await (await browsers.come()).tab()
    await sign_in(page, password="wrong")
    await expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    await expect(page.get_by_label("Password")).to_be_focused()
    await page.keyboard.type(password_of("ann"))
    await page.keyboard.press("Enter")
    await is_in(page)


async def test_a_key_that_ends_leads_back_to_the_door(site, browsers):
    page = await (await browsers.come("bob")).tab()
    await is_in(page)
    site.server.revoke(user="u-bob")
    await is_out(page)
    await expect(page.get_by_role("alert")).to_contain_text("You were signed out")


async def test_a_server_that_is_not_there_is_said(site, browsers):
    browsers.expect("net::ERR_CONNECTION_REFUSED")
    page = await (await browsers.come()).tab()
    await site.server.stop()
    await sign_in(page)
    await expect(page.get_by_role("alert")).to_contain_text("The server does not answer")


async def test_a_password_is_changed_and_all_other_keys_end(site, browsers):
    here, elsewhere = await browsers.come(), await browsers.come()
    page, other = await here.tab(), await elsewhere.tab()
    for each in (page, other):
        await sign_in(each)
        await is_in(each)
    await page.get_by_role("button", name="Ann Maas: account").click()
    await page.get_by_role("button", name="Change password").click()
    dialog = page.get_by_role("dialog", name="Change password")
    await expect(dialog.get_by_label("Present password")).to_be_focused()
    await page.keyboard.type(password_of("ann"))
    await dialog.get_by_label("New password").fill("a much longer one")
    await page.keyboard.press("Enter")
    await expect(dialog).to_be_hidden()
    await is_in(page)
    await is_out(other)
    await sign_in(other, password="a much longer one")
    await is_in(other)


async def test_who_changes_his_password_stays_however_slow_the_answer(site, browsers):
    someone = await browsers.come()
    page = await someone.tab()
    await sign_in(page, stay=True)
    await is_in(page)
    other = await someone.tab()
    await is_in(other)
    ended = asyncio.Event()

    async def late(route):
        answer = await route.fetch()
        await ended.wait()
        await route.fulfill(response=answer)

    await page.route("**/account/password", late)
    await page.get_by_role("button", name="Ann Maas: account").click()
    await page.get_by_role("button", name="Change password").click()
    dialog = page.get_by_role("dialog", name="Change password")
    await page.keyboard.type(password_of("ann"))
    await dialog.get_by_label("New password").fill("a much longer one")
    await page.keyboard.press("Enter")
    await is_out(other)  # its key has ended, and it has no other one yet
    ended.set()
    await expect(dialog).to_be_hidden()
    await is_in(page)
    await is_in(other)


STRANGE = {"account": {"key": "x"}, "language": 5, "unsent.u-ann": {}, "drafts.u-ann": [[]]}


async def test_what_the_page_has_not_kept_itself_is_passed_over(browsers):
    someone = await browsers.come()
    page = await someone.tab()
    keep = (
        "all => Object.keys(all).map(name => localStorage[name] = sessionStorage[name] = all[name])"
    )
    await page.evaluate(
        keep, {f"tornado_chat.{name}": json.dumps(each) for name, each in STRANGE.items()}
    )
    await page.reload()
    await sign_in(page)
    await is_in(page)


async def test_what_others_keep_in_this_browser_is_their_business(browsers):
    someone = await browsers.come()
    page, other = await someone.tab(), await someone.tab()
    await page.evaluate(
        "() => { Storage.prototype.setItem = () => { throw new DOMException('full') } }"
    )
    await sign_in(page, stay=True)
    await is_in(page)
    heard = page.evaluate(
        "new Promise(heard => addEventListener('storage', () => setTimeout(heard)))"
    )
    heard = asyncio.ensure_future(heard)
    await page.evaluate("0")  # it listens
    await other.evaluate("localStorage.another = 1")
    await heard
    await is_in(page)
