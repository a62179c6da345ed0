"""The disk is full, or read-only, or another program holds the database: whoever posts is told so,
nobody is told anything that is not in the log, reading goes on, and it works again by itself.

Each by its real cause, on the real command: a small file system, a process that may write no more, a
file that cannot be changed, a lock of another process. Where the machine does not let us mount or
change attributes, the other two stay.
"""

import asyncio
import contextlib
import json
import resource
import shutil
import sqlite3
import subprocess
import sys

import pytest

from support.growerp import FrontEnd
from support.process import serving, toml
from support.server import Site, users

LOCKED_SECONDS = 31


@contextlib.contextmanager
def small_file_system(folder):
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], capture_output=True
    )
    if done.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@contextlib.contextmanager
def full(folder, server):
    """Not a byte is left."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1024))
    yield
    ballast.unlink()


@contextlib.contextmanager
def may_write_nothing(folder, server):
    """As a quota does: what a file would grow by is refused (setrlimit(2), RLIMIT_FSIZE)."""
    _, most = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, -1))
    yield
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (most, most))


def change(folder, flag):
    # not the -shm: its pages are memory that processes share, and a change there would be a SIGBUS
    files = [folder / "tornado_chat.db", folder / "tornado_chat.db-wal"]
    return subprocess.run(["chattr", flag, *files], capture_output=True).returncode == 0


@contextlib.contextmanager
def read_only(folder, server):
    """The open files too, as when a file system turns read-only after an error."""
    if shutil.which("chattr") is None or not change(folder, "+i"):
        pytest.skip("no file can be made immutable here")
    try:
        yield
    finally:
        assert change(folder, "-i")


LOCK = """
import sqlite3, sys
other = sqlite3.connect(sys.argv[1], isolation_level=None)
other.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def locked(folder, server):
    """For more than half a minute, by another process."""
    other = subprocess.Popen(
        [sys.executable, "-c", LOCK, folder / "tornado_chat.db"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdout.readline() == b"locked\n"
    yield
    other.communicate()


class Shop:
    """ann posts by REST and by frames, bob natively; carl listens natively and dora on /chat."""

    def __init__(self, site, folder):
        self.site = site
        self.folder = folder
        self.ann, self.dora = FrontEnd(site, "ann"), FrontEnd(site, "dora")
        self.said = []  # what must be in the log, in any order

    async def begin(self, stack):
        others = [FrontEnd(self.site, name) for name in ("bob", "carl", "dora")]
        self.room = await self.ann.room_with(*others, name="shop")
        self.frames = await stack.enter_async_context(self.ann.chat())
        self.heard = await stack.enter_async_context(self.dora.chat())
        self.bob = await stack.enter_async_context(self.site.connect("bob"))
        self.carl = await stack.enter_async_context(self.site.connect("carl"))
        await self.carl.ok("subscribe", topic=f"room:{self.room}")

    async def publish(self, text, key=None):
        more = {"key": key} if key else {}
        return await self.bob.do(
            "publish", 30, topic=f"room:{self.room}", data={"content": text}, **more
        )

    async def post(self, text):
        """The status of the answer."""
        body = {"chatRoom": {"chatRoomId": self.room}, "content": text}
        return await self.ann.ask("POST", "ChatMessage", {"chatMessage": body})

    async def all_works(self, word):
        """Each of the three ways; everybody hears it."""
        texts = [f"{word} native", f"{word} rest", f"{word} frame"]
        assert "ok" in await self.publish(texts[0])
        assert (await self.post(texts[1])).code == 200
        await self.frames.say(self.room, texts[2])
        for _ in texts:
            self.said.append((await self.carl.push())["data"]["content"])
        assert self.said[-3:] == texts
        assert await self.heard.contents(3) == texts

    async def nothing_works(self, word):
        """Nobody is told that his message is there, whatever way it came."""
        await self.frames.say(self.room, f"{word} frame")
        admin = FrontEnd(self.site, "admin")
        notice = {"notification": {"topic": "News", "message": {"message": word}}}
        told = await asyncio.gather(
            self.publish(f"{word} native"),
            self.post(f"{word} rest"),
            admin.ask("POST", "Notification", notice),
        )
        told[0] = told[0]["error"]["code"]
        told[1:] = [(answer.code, answer.json["errorCode"]) for answer in told[1:]]
        assert told == ["unavailable", (503, 503), (503, 503)]

    async def reading_goes_on(self):
        """Old sockets and new ones, native and REST."""
        history = await self.bob.ok("history", topic=f"room:{self.room}")
        assert [each["data"]["content"] for each in history["messages"]] == self.said
        assert await self.dora.history(self.room) == self.said
        assert (await self.dora.room(self.room))["chatRoomName"] == "shop"
        async with self.site.connect("ann") as ann:
            reply = await ann.ok("subscribe", topic=f"room:{self.room}", since="start")
            assert [(await ann.push())["data"]["content"] for _ in self.said] == self.said
            assert reply["complete"]

    def log(self):
        with contextlib.closing(sqlite3.connect(self.folder / "tornado_chat.db")) as database:
            rows = database.execute("SELECT offset, data FROM message ORDER BY offset").fetchall()
        assert [offset for offset, _ in rows] == list(range(1, len(rows) + 1))
        return [json.loads(data)["content"] for _, data in rows]


@contextlib.asynccontextmanager
async def shop(folder):
    config = folder / "tornado_chat.toml"
    config.write_text(
        toml(
            {
                "users": users(),
                "server": {"drain_seconds": 0.1},
                "delivery": {"settle_seconds": 0.05},
                "limits": {"auth_attempts_per_minute": 0},
            }
        )
    )
    async with (
        serving("-c", config, cwd=folder) as server,
        contextlib.AsyncExitStack() as stack,
    ):
        opened = Shop(Site(server), folder)
        await opened.begin(stack)
        yield opened, server


TROUBLES = {
    "full": full,
    "may write nothing": may_write_nothing,
    "read-only": read_only,
    "locked": locked,
}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_who_posts_is_told_and_it_works_again_by_itself(tmp_path, trouble):
    with contextlib.ExitStack() as stack:
        if trouble == "full":
            stack.enter_context(small_file_system(tmp_path))
        async with shop(tmp_path) as (site, server):
            await site.all_works("before")
            with TROUBLES[trouble](tmp_path, server):
                began = asyncio.get_running_loop().time()
                await site.nothing_works("meanwhile")
                refused = await site.publish("again", key="again")
                assert refused["error"]["code"] == "unavailable"
                await site.reading_goes_on()
                if trouble == "locked":
                    await asyncio.sleep(began + LOCKED_SECONDS - asyncio.get_running_loop().time())
                async with site.dora.chat():  # a socket that comes in the worst moment
                    await site.nothing_works("last")
                    await site.carl.quiet()
                    await site.heard.quiet()
            again = await site.publish("again", key="again")
            assert again["ok"]["duplicate"] is False
            assert (await site.publish("again", key="again"))["ok"]["duplicate"] is True
            assert (await site.carl.push())["data"]["content"] == "again"
            assert await site.heard.contents(1) == ["again"]
            site.said.append("again")
            await site.all_works("after")
            assert site.log() == site.said
            assert await server.stop() == 0
        assert "Traceback" not in server.log
        assert "database: " in server.log
        assert not any(text in server.log for text in ("meanwhile", "still native", "again"))
