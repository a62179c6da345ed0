"""What was written without a connection outlives the page that it was written on, and is sent once."""

import pytest
from playwright.async_api import expect

from support.lively import Lively
from support.room_page import RoomPage
from support.server import password_of, running_server, users

OLD = password_of("ann")
NEW = "a much longer one"


@pytest.fixture
async def site():
    ann, *others = users()
    ann = {**ann, "password": OLD}
    async with running_server({"users": [ann, *others]}) as running:
        found = Lively(running)
        found.room = await found.make("ann", "bob", name="Lunch")
        yield found


class Sockets:
    """Those of one browser: they may be cut, while all else passes."""

    def __init__(self):
        self.open = True
        self._all = []

    async def over(self, context):
        await context.route_web_socket("**/ws", self._route)
        return self

    async def _route(self, socket):
        if self.open:
            self._all.append(socket)
            socket.connect_to_server()
        else:
            await socket.close(code=1013)

    async def cut(self):
        self.open = False
        for each in self._all:
            await each.close(code=1013)


async def written(site, browsers, name=None):
    """Ann in the room, with two messages that wait."""
    ann = await browsers.come(name)
    sockets = await Sockets().over(ann.context)
    page = await ann.tab("rooms", site.room)
    if name is None:
        await sign_in(page)
    await expect(page.locator("chat-link-state")).to_have_text("Connected")
    room = RoomPage(page)
    await expect(room.composer).to_be_visible()
    await sockets.cut()
    await expect(page.locator("chat-link-state")).to_contain_text("No connection")
    for text in ("one", "two"):
        await room.write(text)
        await expect(room.message(text)).to_have_attribute("data-state", "sending")
    return page, room, sockets


async def sign_in(page, password=OLD):
    await page.get_by_label("User name").fill("ann@shop.example")
    await page.get_by_label("Password").fill(password)
    await page.keyboard.press("Enter")


async def change_password(site):
    """Elsewhere; all keys end."""
    said = {"username": "ann@shop.example", "password": OLD}
    key = (await site.fetch("POST", "/account/login", said)).json["key"]
    await site.fetch(
        "POST", "/account/password", {"old": OLD, "new": NEW}, headers={"api_key": key}
    )


async def stored(site):
    async with site.connect("bob") as bob:
        found = await bob.ok("history", topic=f"room:{site.room}")
    return [each["data"]["content"] for each in found["messages"]]


async def test_it_outlives_a_reload(site, browsers):
    page, room, sockets = await written(site, browsers, "ann")
    await page.reload()
    await expect(page.locator("chat-link-state")).to_contain_text("No connection")
    for text in ("one", "two"):
        await expect(room.message(text)).to_have_attribute("data-state", "sending")
    sockets.open = True
    for text in ("one", "two"):
        await expect(room.message(text)).to_have_attribute("data-state", "stored")
    await page.reload()
    await expect(page.locator("chat-link-state")).to_have_text("Connected")
    await room.shows("two")
    assert await room.texts() == ["one", "two"]
    assert await stored(site) == ["one", "two"]


async def test_it_outlives_its_key(site, browsers):
    page, room, sockets = await written(site, browsers)
    await change_password(site)
    sockets.open = True
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await sign_in(page, NEW)
    await expect(room.message("two")).to_have_attribute("data-state", "stored")
    assert await stored(site) == ["one", "two"]


async def test_who_signs_out_is_asked_whether_to_lose_it(site, browsers):
    page, _room, sockets = await written(site, browsers)
    leave = page.get_by_role("dialog", name="Sign out")
    for answer in ("Cancel", "Sign out"):
        await page.get_by_role("button", name="Ann Maas: account").click()
        await page.get_by_role("button", name="Sign out").click()
        await expect(leave).to_contain_text("2 messages have not been sent yet")
        await leave.get_by_role("button", name=answer).click()
        await expect(leave).to_be_hidden()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sockets.open = True
    await sign_in(page)
    await expect(page.locator("chat-link-state")).to_have_text("Connected")
    assert await page.evaluate("Object.keys(sessionStorage)") == ["tornado_chat.account"]
    assert await stored(site) == []
