"""What every browser test asserts by itself: a page that does one of these fails it."""

import pytest

from support.browser import people
from support.server import running_server

FAULTS = {
    "console.error('too bad')": "error on the console: too bad",
    "console.warn('take care')": "warning on the console: take care",
    "setTimeout(() => { throw new Error('late') })": "uncaught: late",
    "Promise.reject(new Error('nobody')), 1": "uncaught: nobody",
    "document.body.setAttribute('style', 'color: red')": "style-src-attr inline",
    "try { document.body.innerHTML = '<b>x' } catch {}": "trusted-types-sink",
    "fetch('http://127.0.0.1:1/').catch(() => {})": "connect-src http://127.0.0.1:1/",
    "fetch('/account', {headers: {api_key: 'key-of-ann'}})"
    ".then(() => fetch('/health/live?login_key=key-of-ann')).then(() => 1)": "a key in the address",
}


async def look(wrong):
    """Somebody has the page in a tab, in which `wrong` happens."""
    async with running_server() as site, people(site.url("")) as watched:
        await wrong(watched, await (await watched.come()).tab())


async def test_a_page_that_does_so_fails():
    async def wrong(_watched, page):
        for fault in FAULTS:
            await page.evaluate(fault)
        async with page.expect_popup() as popup:
            await page.evaluate("open('http://127.0.0.1:1/'), 1")
        await (await popup.value).wait_for_load_state()

    with pytest.raises(AssertionError) as raised:
        await look(wrong)
    for told in [*FAULTS.values(), "asked another host: http://127.0.0.1:1/"]:
        assert told in str(raised.value)


async def test_a_document_without_a_policy_fails():
    async def wrong(watched, page):
        await page.goto(f"{watched.url}/health/live")

    with pytest.raises(AssertionError, match=r"the content security policy of \S+/live is ''"):
        await look(wrong)


async def test_what_a_test_has_brought_about_is_no_fault():
    async def wrong(watched, page):
        watched.expect("too bad")
        await page.evaluate("console.error('too bad')")

    await look(wrong)
