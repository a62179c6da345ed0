"""The server dies while people write to one another, and comes back: on the screen nothing is lost or
doubled, and each knows how his own messages stand."""

import asyncio
import contextlib
import json
import shutil
import signal
import socket

import pytest
from playwright.async_api import expect
from tornado.httpclient import AsyncHTTPClient

from support.browser import people
from support.process import serving, toml
from support.room_page import RoomPage
from support.server import key_of, users
from tornado_chat.client import connect

EACH = 40  # messages of each; the server dies in the first quarter of them, and in the third
AWAY = "written while it is away {}"
CUT = (  # what Chromium says of each attempt
    "net::ERR_CONNECTION_REFUSED",
    "Connection closed before receiving a handshake response",
    "net::ERR_CONNECTION_RESET",
    "net::ERR_EMPTY_RESPONSE",
)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mortal:
    """A server on one port and one database, whose process is killed and started again."""

    def __init__(self, folder):
        self.path = folder / "tornado_chat.toml"
        self.path.write_text(toml({"users": users(), "log": {"level": "warning"}}))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.stack = contextlib.AsyncExitStack()
        self.process = None

    async def start(self):
        port = f"server.port={self.port}"
        self.process = await self.stack.enter_async_context(
            serving("-c", self.path, "--set", port, cwd=self.path.parent)
        )

    async def kill(self):
        await self.process.stop(signal.SIGKILL)

    async def ask(self, method, path, body=None, *, name="ann"):
        headers = {"api_key": key_of(name), "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body)
        answer = await AsyncHTTPClient().fetch(
            self.url + path, method=method, headers=headers, body=sent
        )
        return json.loads(answer.body)

    async def room(self):
        body = {"name": "Lunch", "members": ["u-bob"]}
        made = await self.ask("POST", "/plugins/chat_rooms/rooms", body)
        return made["room"]["room_id"]

    async def say(self, name, room_id, *texts):
        async with connect(self.url, key_of(name)) as chat:
            for text in texts:
                await chat.publish(f"room:{room_id}", {"content": text})


async def talk(room, name, numbers):
    for number in numbers:
        await room.write(f"{name} {number}")


@pytest.mark.timeout(120)
async def test_nothing_is_lost_or_doubled_when_the_server_is_killed(tmp_path):
    server = Mortal(tmp_path)
    async with server.stack:
        await server.start()
        room_id = await server.room()
        async with people(server.url) as browsers:
            for text in CUT:
                browsers.expect(text)
            tabs = {
                name: await (await browsers.come(name)).tab("rooms", room_id)
                for name in ("ann", "bob")
            }
            rooms = {name: RoomPage(page) for name, page in tabs.items()}
            for room in rooms.values():
                await expect(room.composer).to_be_visible()
            quarter = EACH // 4
            for part, killed in [(0, True), (1, False), (2, True), (3, False)]:
                numbers = range(part * quarter, (part + 1) * quarter)
                talking = [
                    asyncio.create_task(talk(room, name, numbers)) for name, room in rooms.items()
                ]
                if killed:
                    await expect(rooms["ann"].message(f"ann {part * quarter + 2}")).to_have_count(1)
                    await server.kill()
                await asyncio.gather(*talking)
                if killed:
                    await away(tabs["ann"], rooms["ann"], AWAY.format(part))
                    await server.start()
            await agree(server, room_id, rooms)


async def away(page, room, text):
    """The connection is gone, and she writes all the same."""
    await expect(page.locator("[data-state=waiting]").first).to_be_attached()
    await room.write(text)
    await expect(room.message(text)).to_have_attribute("data-state", "sending")


async def agree(server, room_id, rooms):
    """All of it stands once on both screens, in the order of the log, and is stored."""
    said = {name: [f"{name} {number}" for number in range(EACH)] for name in rooms}
    for part in (2, 0):
        said["ann"].insert(EACH * (part + 1) // 4, AWAY.format(part))
    for room in rooms.values():
        await expect(room.messages).to_have_count(2 * EACH + 2)
        await expect(room.page.locator(".message[data-state=sending]")).to_have_count(0)
    async with connect(server.url, key_of("ann")) as chat:
        page = await chat.history(f"room:{room_id}", limit=200)
    log = [message.data["content"] for message in page.messages]
    for name, room in rooms.items():
        seen = await room.seen()
        assert [text for text, _ in seen] == log
        own = [text for text, state in seen if state == "stored"]
        assert own == said[name], "each once, in the order in which they were written"
        assert {state for text, state in seen if text not in own} == {None}
    for room in rooms.values():
        await room.page.reload()
        await expect(room.page.locator(".message .text").last).to_have_text(log[-1])
        assert await room.texts() == log[-len(await room.texts()) :]


@pytest.mark.timeout(120)
async def test_what_a_restored_database_does_not_have_is_gone_and_what_it_has_is_all_there(
    tmp_path,
):
    folder, backup = tmp_path / "folder", tmp_path / "backup"
    folder.mkdir()
    server = Mortal(folder)
    async with server.stack:
        await server.start()
        room_id = await server.room()
        await server.say("bob", room_id, "one", "two")
        await server.process.stop()
        shutil.copytree(folder, backup)
        await server.start()
        await server.say("bob", room_id, "lost", "lost too", "and this")
        async with people(server.url) as browsers:
            for text in CUT:
                browsers.expect(text)
            page = await (await browsers.come("ann")).tab("rooms", room_id)
            room = RoomPage(page)
            await room.shows("and this")
            await server.kill()
            shutil.rmtree(folder)
            shutil.copytree(backup, folder)
            await server.start()
            await expect(room.messages).to_have_count(2)
            await server.say(
                "bob", room_id, "three", "four", "five"
            )  # with the offsets of what is lost
            await expect(room.messages).to_have_count(5)
            assert await room.texts() == ["one", "two", "three", "four", "five"]
            await expect(page.get_by_role("link", name="five")).to_be_visible()
            await expect(page.get_by_role("link", name="Chats")).to_have_accessible_name("Chats")
