"""What stands around the views: the connection, languages, the account, tabs that agree, the focus."""

import re

import pytest
from playwright.async_api import expect

from support.browser import KEPT, PHONE, people
from support.proxy import proxied
from support.server import password_of, running_server, users

# What is read aloud, each time that it changes.
HEARD = """() => {
  const region = document.querySelector("body > [role=status]");
  window.heard = [];
  const note = () => region.textContent && heard.push(region.textContent);
  new MutationObserver(note).observe(region, { childList: true });
}"""


@pytest.fixture
async def site():
    ann, *others = users()
    ann = {**ann, "password": password_of("ann"), "permissions": ["admin"]}
    async with running_server({"users": [ann, *others]}) as running:
        yield running


@pytest.fixture
async def proxy(site):
    async with proxied(site.port) as between:
        yield between


@pytest.fixture
async def distant(proxy):
    """People whose way to the server may be cut."""
    async with people(f"http://127.0.0.1:{proxy.port}") as found:
        found.expect("net::ERR_")
        yield found


def link(page):
    return page.locator("chat-link-state")


def way(page, name):
    return page.get_by_role("navigation", name="Views").get_by_role("link", name=name)


async def is_in(page):
    await expect(link(page)).to_have_text("Connected")
    await expect(way(page, "Chats")).to_be_visible()


# The connection


async def test_without_a_connection_one_sees_when_it_is_tried_again(distant, proxy):
    page = await (await distant.come("ann")).tab()
    await is_in(page)
    await page.clock.install()
    await page.evaluate(HEARD)
    proxy.refuse()
    proxy.cut()
    await expect(link(page)).to_contain_text(re.compile(r"No connection\s*next try in \d+ s"))
    await expect(link(page).get_by_role("button", name="Try now")).to_be_visible()
    await expect(page.locator("body > [role=status]")).to_have_text("No connection")
    for _ in range(6):
        tries = proxy.accepted
        await expect(link(page)).to_contain_text("No connection")
        await page.clock.fast_forward(31_000)
        await proxy.until(lambda tries=tries: proxy.accepted > tries)
    await expect(link(page)).to_contain_text("No connection")
    proxy.restore()
    await link(page).get_by_role("button", name="Try now").click()
    await is_in(page)
    await expect(page.locator("body > [role=status]")).to_have_text("Connected")
    assert await page.evaluate("heard") == ["No connection", "Connected"]


async def test_a_page_that_is_opened_without_the_server_comes_right_by_itself(browsers):
    """Its files are there, as from a proxy."""
    bob = await browsers.come("bob")
    away = True

    async def answer(socket):
        if away:
            await socket.close(code=1013)
        else:
            socket.connect_to_server()

    await bob.context.route_web_socket("**/ws", answer)
    page = await bob.tab()
    await expect(link(page)).to_contain_text("No connection")
    await expect(page.get_by_role("main")).to_have_text(
        re.compile("The server does not answer yet")
    )
    away = False
    await is_in(page)
    await expect(page.get_by_role("main")).not_to_contain_text("does not answer")


@pytest.mark.parametrize("asked", [True, False])
async def test_a_view_that_could_not_be_loaded_comes_later(distant, proxy, asked):
    place = "**/page/rooms/place.js"
    bob = await distant.come("bob")
    await bob.context.route(place, lambda route: route.abort())
    page = await bob.tab()
    await expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
    await bob.context.unroute(place)
    if asked:
        await page.get_by_role("button", name="Try again").click()
    else:
        proxy.cut()
    await expect(page.locator("chat-rooms")).to_be_visible()


# The account


async def test_the_menu_is_used_by_keys(browsers):
    page = await (await browsers.come("ann")).tab()
    await is_in(page)
    opener = page.get_by_role("button", name="Ann Maas: account")
    await opener.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    await expect(page.locator("chat-account")).to_contain_text("ann@shop.example")
    await expect(page.locator("chat-account")).to_contain_text("Company SHOP")
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Language")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    await expect(opener).to_be_focused()
    await way(page, "Notifications").click()
    await opener.click()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("button", name="Sign out")).to_be_hidden()


async def test_a_language_is_chosen_for_all_tabs_of_the_browser(browsers):
    ann = await browsers.come("ann")
    first, second = await ann.tab(), await ann.tab()
    for each in (first, second):
        await is_in(each)
    await first.get_by_role("button", name="Ann Maas: account").click()
    await first.get_by_label("Language").select_option("Deutsch")
    for each in (first, second):
        await expect(each.get_by_role("navigation", name="Ansichten")).to_be_visible()
        await expect(link(each)).to_have_text("Verbunden")
        await expect(each.locator("html")).to_have_attribute("lang", "de")
    await expect(first.get_by_role("button", name="Ann Maas: Konto")).to_be_focused()
    await first.reload()
    await expect(link(first)).to_have_text("Verbunden")


async def test_the_first_language_is_the_browsers(browsers):
    page = await (await browsers.come(locale="de-AT")).tab()
    await expect(page.get_by_role("heading", name="Anmelden")).to_be_visible()
    await page.get_by_label("Sprache").select_option("English")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    other = await (await browsers.come(locale="fr-FR")).tab()
    await expect(other.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_who_signs_in_to_stay_is_in_all_tabs(browsers):
    someone = await browsers.come()
    first, second = await someone.tab(), await someone.tab()
    await first.get_by_label("User name").fill("ann@shop.example")
    await first.get_by_label("Password").fill(password_of("ann"))
    await first.get_by_label("Stay signed in").check()
    await first.keyboard.press("Enter")
    for each in (first, second):
        await is_in(each)


async def test_who_signs_out_while_the_server_is_away_is_told_what_that_means(distant, proxy):
    page = await (await distant.come("ann")).tab()
    await is_in(page)
    proxy.refuse()
    proxy.cut()
    await page.get_by_role("button", name="Ann Maas: account").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await expect(page.get_by_role("alert")).to_contain_text("The server did not hear of it")
    assert await page.evaluate(f"localStorage['{KEPT}'] ?? null") is None


async def test_who_one_is_and_what_there_is_are_heard_at_each_connection(browsers):
    page = await (await browsers.come("ann")).tab()
    await is_in(page)
    await page.evaluate(
        """name => {
          const kept = JSON.parse(localStorage[name]);
          localStorage[name] = JSON.stringify({...kept, plugins: [], user: {...kept.user, name: "Once"}});
        }""",
        KEPT,
    )
    await page.reload()
    await is_in(page)
    await expect(page.get_by_role("button", name="Ann Maas: account")).to_be_visible()
    kept = await page.evaluate("name => JSON.parse(localStorage[name])", KEPT)
    assert kept["user"]["name"] == "Ann Maas"
    assert "chat_rooms" in kept["plugins"]


async def test_a_password_is_shown_when_asked(browsers):
    page = await (await browsers.come()).tab()
    field = page.get_by_label("Password")
    await field.fill("secret")
    show = page.get_by_role("button", name="Show")
    await expect(field).to_have_attribute("type", "password")
    await show.click()
    await expect(field).to_have_attribute("type", "text")
    await expect(show).to_have_attribute("aria-pressed", "true")
    await show.click()
    await expect(field).to_have_attribute("type", "password")


async def test_a_password_that_is_not_changed(browsers):
    browsers.expect("403 (Forbidden)")
    page = await (await browsers.come("ann")).tab()
    await page.get_by_role("button", name="Ann Maas: account").click()
    await page.get_by_role("button", name="Change password").click()
    dialog = page.get_by_role("dialog", name="Change password")
    await dialog.get_by_label("Present password").fill("wrong")
    await dialog.get_by_label("New password").fill("a much longer one")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("alert")).to_contain_text("not your present password")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_role("button", name="Ann Maas: account")).to_be_focused()
    await page.reload()
    await is_in(page)


# Ways between the views


async def test_at_another_view_the_focus_is_at_its_heading(browsers):
    page = await (await browsers.come("ann")).tab()
    await is_in(page)
    await way(page, "Notifications").click()
    heading = page.get_by_role("main").get_by_role("heading", level=1)
    await expect(heading).to_be_focused()
    await expect(way(page, "Notifications")).to_have_attribute("aria-current", "page")
    await expect(page).to_have_title(re.compile(r"Notifications · tornado_chat$"))
    await page.go_back()
    await expect(way(page, "Chats")).to_have_attribute("aria-current", "page")


async def test_a_way_leads_back_to_where_one_was_and_from_there_to_the_beginning(browsers):
    page = await (await browsers.come("ann")).tab("notes", "preferences")
    await is_in(page)
    preferences = page.get_by_role("heading", name="Preferences")
    await expect(preferences).to_be_visible()
    await way(page, "Chats").click()
    await expect(preferences).to_have_count(0)
    await way(page, "Notifications").click()
    await expect(preferences).to_be_visible()
    await expect(page).to_have_url(re.compile("#/notes/preferences$"))
    await way(page, "Notifications").click()
    await expect(preferences).to_have_count(0)
    await expect(page).to_have_url(re.compile("#/notes$"))


async def test_the_first_key_leads_past_the_ways(browsers):
    page = await (await browsers.come("ann")).tab()
    await is_in(page)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()


async def test_on_a_phone_the_ways_are_at_the_bottom(browsers):
    page = await (await browsers.come("ann", viewport={**PHONE, "width": 360})).tab()
    await is_in(page)
    box = await way(page, "Chats").bounding_box()
    assert box["y"] + box["height"] > PHONE["height"] - 10
    for name in ("Chats", "Notifications", "Orders", "Admin"):
        await way(page, name).click()
        await expect(way(page, name)).to_have_attribute("aria-current", "page")
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await page.evaluate(wide) == 0, name


@pytest.mark.parametrize("lost", [False, True])
async def test_at_each_width_all_of_the_head_is_there(distant, proxy, lost):
    """In the language that needs more room."""
    page = await (await distant.come("ann", locale="de-DE")).tab()
    await expect(link(page)).to_have_text("Verbunden")
    if lost:
        proxy.refuse()
        proxy.cut()
        await expect(link(page)).to_contain_text("Keine Verbindung")
    for width in (320, 360, 721, 900, 1100, 1280, 2560):
        await page.set_viewport_size({"width": width, "height": 600})
        outside = await page.locator("chat-shell header, chat-shell header *").evaluate_all(
            """all => all.map(each => each.getBoundingClientRect())
              .filter(({ left, right }) => left < -1 || right > innerWidth + 1).length"""
        )
        assert outside == 0, width
