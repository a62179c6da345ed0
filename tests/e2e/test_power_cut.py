"""A power cut: what the disk had not yet taken is gone, really: the end of the file's journal.

With `durability = "relaxed"` SQLite does not wait for the disk at each commit, so a power cut may
take the last of them. A client that had seen those is told the truth when it resumes.
"""

import asyncio
import json
import shutil
import signal
import urllib.request

import websockets

from support.process import serving, toml
from support.server import key_of, users

TOPIC = "room:100000"


class Client:
    def __init__(self, socket):
        self.socket, self.last = socket, 0

    async def do(self, do, **arguments):
        self.last += 1
        await self.socket.send(json.dumps({"id": self.last, "do": do, **arguments}))
        while True:
            frame = json.loads(await self.socket.recv())
            if frame.get("id") == self.last:
                return frame["ok"]


def connect(server):
    url = f"ws://127.0.0.1:{server.port}/ws?api_key={key_of('ann')}"
    return websockets.connect(url, compression=None)


async def say(server, count):
    """Their positions, each acknowledged."""
    async with connect(server) as socket:
        client, places = Client(socket), []
        for n in range(count):
            said = await client.do("publish", topic=TOPIC, data={"content": str(n)})
            places.append({"epoch": said["epoch"], "offset": said["offset"]})
        return places


async def since(server, place):
    async with connect(server) as socket:
        return await Client(socket).do("subscribe", topic=TOPIC, since=place)


async def test_who_saw_what_a_power_cut_took_is_told(tmp_path):
    (tmp_path / "tornado_chat.toml").write_text(
        toml({"store": {"durability": "relaxed"}, "users": users()})
    )
    database, journal = tmp_path / "tornado_chat.db", tmp_path / "tornado_chat.db-wal"
    async with serving(cwd=tmp_path) as server:
        async with connect(server) as socket:
            assert json.loads(await socket.recv())["hello"]
            request = urllib.request.Request(
                f"{server.url}/plugins/chat_rooms/rooms",
                json.dumps({"members": ["u-bob"]}).encode(),
                {"api_key": key_of("ann"), "Content-Type": "application/json"},
            )
            await asyncio.to_thread(lambda: urllib.request.urlopen(request).close())
        places = await say(server, 10)
        on_the_disk = journal.stat().st_size
        places += await say(server, 10)
        shutil.copy(database, tmp_path / "cut.db")  # no checkpoint has come between
        await server.stop(signal.SIGKILL)
    with journal.open("r+b") as file:
        file.truncate(on_the_disk)
    (tmp_path / "tornado_chat.db-shm").unlink()
    assert (tmp_path / "cut.db").read_bytes() == database.read_bytes()
    async with serving(cwd=tmp_path) as server:
        again = await say(server, 1)
        assert again[0]["offset"] == places[9]["offset"] + 1 == places[10]["offset"]
        for index, good in [(0, True), (9, True), (10, False), (19, False)]:
            said = await since(server, places[index])
            assert said["complete"] is good, index
            assert (said["state"] is None) is good
