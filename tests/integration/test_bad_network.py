"""The network is bad: whatever it does, nothing is lost, and nothing is published twice.

Everybody goes through one proxy: a publisher and a reader with the Python client, `WsClient` and a
plain RFC 6455 client as the front-end's, on /chat and on /notws. In the end the native reader has
everything exactly once and in order, and the GrowERP sockets have everything at least once.
"""

import asyncio
import contextlib
import random
from collections import Counter

import pytest

from support.front_end import plain
from support.growerp import FrontEnd, chat_message, notify, until
from support.proxy import proxied
from support.server import key_of, running_server
from tornado_chat.client import WsClient, connect

TABLES = {"plugins": {"disabled": ["order_list"]}, "delivery": {"ping_seconds": 1}}
NATIVE = {"backoff_base": 0.05, "backoff_cap": 0.3, "close_timeout": 0.1, "open_timeout": 2}
ALIVE = {"ping_interval": 0.2, "ping_timeout": 0.4}
FACE = {"reconnect_seconds": 0.1, "close_timeout": 0.1, "open_timeout": 2, **ALIVE}
TOPIC = "OrderUpdate"


class World:
    """`said` and `told`: what was published and acknowledged, in order."""

    def __init__(self, site, proxy, room_id):
        self.site = site
        self.proxy = proxy
        self.room_id = room_id
        self.room = f"room:{room_id}"
        self.said = []
        self.told = []
        self.number = 0
        self.native = []  # what the native reader was given: of the room, of mine
        self.mine = []
        self.gaps = []
        self.deaf = set()
        self.heard = {}  # of each GrowERP socket, its list of frames

    async def publish(self, ann, carl, count):
        """A message by the client, one by the old way of /chat, and now and then a notification."""
        waiting = []
        for _ in range(count):
            self.number += 1
            text = f"m{self.number}"
            waiting.append(asyncio.create_task(ann.publish(self.room, {"content": text})))
            self.said.append(text)
            if self.number % 5 == 0:
                await carl.send(chat_message(self.room_id, f"carl{self.number}"))
            if self.number % 3 == 0:
                await notify(self.site, TOPIC, {"message": text})
                self.told.append(text)
            await asyncio.sleep(0.01)
        sent = await asyncio.wait_for(asyncio.gather(*waiting), 20)
        assert [each.position.offset for each in sent] == sorted(
            each.position.offset for each in sent
        )

    async def log(self):
        """What the room holds, asked without the proxy."""
        found, after = [], 0
        async with connect(self.site.url(""), key_of("bob")) as chat:
            while True:
                page = await chat.history(self.room, after=after, limit=200)
                found += page.messages
                if not page.more:
                    return found
                after = page.messages[-1].offset

    def texts(self, name):
        """What this socket of the face was given, which is objects of its wire alone."""
        if name.endswith("notws"):
            assert all(set(frame) >= {"topic", "message", "type"} for frame in self.heard[name])
            return {frame["message"]["message"] for frame in self.heard[name]}
        assert all(frame["chatRoom"]["chatRoomId"] == self.room_id for frame in self.heard[name])
        return {frame["content"] for frame in self.heard[name]}

    def missing(self, log):
        """By reader."""
        texts = {each.data["content"] for each in log}
        of_carl = {text for text in texts if text.startswith("carl")}
        wanted = {
            "room": texts - {each.data["content"] for each in self.native},
            "mine": set(self.told) - {each.data["message"]["message"] for each in self.mine},
            "carl /chat": texts - of_carl - self.texts("carl /chat"),
            "dora /chat": texts - self.texts("dora /chat"),
            "carl /notws": set(self.told) - self.texts("carl /notws"),
            "dora /notws": set(self.told) - self.texts("dora /notws"),
        }
        return {
            name: sorted(lost) for name, lost in wanted.items() if lost and name not in self.deaf
        }

    async def all_seen(self, seconds=15.0, *, but=()):
        """`but`: whose sockets cannot know."""
        for name in [name for name in self.heard if name.split()[0] in but]:
            self.deaf.add(name)
        log = await self.log()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.missing(log):
                    await asyncio.sleep(0.02)
        assert self.missing(log) == {}
        contents = [each.data["content"] for each in log]
        assert Counter(contents).most_common(1)[0][1] == 1, "published twice"
        assert [text for text in contents if text.startswith("m")] == self.said
        assert [each.id for each in self.native] == [each.id for each in log]
        offsets = [each.offset for each in self.mine]
        assert offsets == sorted(set(offsets))
        assert self.gaps == []


async def collect(messages, found):
    async for message in messages:
        found.append(message)


async def nobody_comes(site):
    """A socket that still comes when the house leaves would be refused."""
    async with asyncio.timeout(10):
        while site.server.listener._http._connections:
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def world():
    async with contextlib.AsyncExitStack() as stack:
        site = await stack.enter_async_context(running_server(TABLES))
        stack.push_async_callback(nobody_comes, site)
        people = [FrontEnd(site, name) for name in ("bob", "carl", "dora")]
        room_id = await FrontEnd(site, "ann").room_with(*people)
        proxy = await stack.enter_async_context(proxied(site.port))
        here = World(site, proxy, room_id)

        async def native(name):
            client = connect(
                f"ws://127.0.0.1:{proxy.port}", key_of(name), **NATIVE, **ALIVE,
                on_gap=here.gaps.append,
            )  # fmt: skip
            return await stack.enter_async_context(client)

        async def face(path):
            client = await stack.enter_async_context(
                WsClient(f"ws://127.0.0.1:{proxy.port}", path, **FACE)
            )
            here.heard[f"carl /{path}"] = frames = []
            readers.append(asyncio.create_task(collect(client.stream(), frames)))
            await client.connect(key_of("carl"), "u-carl")
            return client

        readers = []
        ann, bob = await native("ann"), await native("bob")
        for topic, found in ((here.room, here.native), ("mine", here.mine)):
            messages = await bob.subscribe(topic).ready()
            readers.append(asyncio.create_task(collect(messages, found)))
        chat, notws = await face("chat"), await face("notws")
        await notws.send("subscribe: ALL")
        for path, first in (("/chat", None), ("/notws", "subscribe: ALL")):
            dora = await stack.enter_async_context(plain(proxy, path, "dora", first=first))
            here.heard[f"dora {path}"] = dora.heard
            await until(lambda dora=dora: dora.opened)
        here.publishing = lambda count: here.publish(ann, chat, count)
        await here.publishing(3)
        await here.all_seen()  # all have been heard of: the front-end subscribes once in its life
        yield here
    await asyncio.wait_for(asyncio.gather(*readers), 5)


async def delayed(proxy):
    proxy.delay(0.05)
    await asyncio.sleep(0.4)


async def cut(proxy):
    for _ in range(3):
        proxy.cut()
        await asyncio.sleep(0.15)


async def cut_in_frames_down(proxy):
    for _ in range(4):
        proxy.cut_in_frame("down")
        await asyncio.sleep(0.1)


async def cut_in_frames_up(proxy):
    for _ in range(4):
        proxy.cut_in_frame("up")
        await asyncio.sleep(0.1)


async def dropped_after_bytes_down(proxy):
    for count in (1, 200, 700):
        proxy.cut_after(count, "down")
        await asyncio.sleep(0.2)


async def dropped_after_bytes_up(proxy):
    for count in (1, 300, 900):
        proxy.cut_after(count, "up")
        await asyncio.sleep(0.2)


async def stalled_and_went_on(proxy):
    proxy.stall()
    await asyncio.sleep(0.3)


async def stalled_until_it_was_noticed(proxy):
    proxy.stall()
    await asyncio.sleep(1.0)


async def stalled_down(proxy):
    proxy.stall("down")
    await asyncio.sleep(1.0)


async def stalled_up(proxy):
    proxy.stall("up")
    await asyncio.sleep(1.0)


async def forgotten(proxy):
    """Both ends believe in their connection; much later one is told."""
    proxy.strand()
    await asyncio.sleep(1.0)
    proxy.cut()


async def refused(proxy):
    proxy.refuse()
    proxy.cut()
    await asyncio.sleep(0.5)


FAULTS = [
    delayed, cut, cut_in_frames_down, cut_in_frames_up, dropped_after_bytes_down,
    dropped_after_bytes_up, stalled_and_went_on, stalled_until_it_was_noticed, stalled_down,
    stalled_up, forgotten, refused,
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_nothing_is_lost_and_nothing_is_doubled(fault):
    async with world() as here:
        publishing = asyncio.create_task(here.publishing(30))
        await asyncio.sleep(0.05)
        await fault(here.proxy)
        here.proxy.restore()
        await publishing
        await here.all_seen()


async def test_who_pings_notices_a_connection_that_is_forgotten_for_good():
    """The front-end does not: it pings nobody, and learns of it from its own machine, if at all."""
    async with world() as here:
        here.proxy.strand()
        await here.publishing(10)
        await here.all_seen(but=["dora"])
        here.proxy.cut()


async def test_faults_at_random(tell):
    seed = random.randrange(2**32)
    tell(f"faults at random: seed {seed}")  # to be put in its place
    chance = random.Random(seed)
    async with world() as here:
        end = asyncio.get_running_loop().time() + 6
        while asyncio.get_running_loop().time() < end:
            fault = chance.choice(FAULTS)
            print(fault.__name__)
            publishing = asyncio.create_task(here.publishing(chance.randint(5, 40)))
            await asyncio.sleep(chance.uniform(0, 0.2))
            await fault(here.proxy)
            if chance.random() < 0.5:
                await FAULTS[chance.randrange(len(FAULTS))](here.proxy)
            here.proxy.restore()
            await publishing
        await here.all_seen()
