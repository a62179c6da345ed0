"""A publisher who floods is slowed on his own socket: the others are not, and nothing is dropped."""

import asyncio
import contextlib
import json
import time

import pytest

from support.growerp import FrontEnd, chat_message
from support.server import running_server
from tornado_chat.web.inbox import BOUND
from tornado_chat.web.socket import POSTS

ONLY = {"plugins": {"disabled": ["order_list"]}}


def frame(path, room, number):
    if path == "/chat":
        return json.dumps(chat_message(room, str(number)))
    data = {"content": str(number)}
    return json.dumps({"id": number, "do": "publish", "topic": f"room:{room}", "data": data})


@contextlib.asynccontextmanager
async def flood(site, path, room, count):
    """ann sends all she can; what is answered is read."""
    async with site.open(path, "ann", max_queue=None) as ann:

        async def send():
            for number in range(count):
                await ann.send(frame(path, room, number))

        flooding = asyncio.create_task(send())
        try:
            yield flooding
        finally:
            flooding.cancel()
            ann.transport.abort()


async def answered(client, room, times=10):
    """Somebody else says something and waits for its answer, again and again."""
    for _ in range(times):
        await client.ok("publish", topic=f"room:{room}", data={"content": "quick"})
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("path", ["/ws", "/chat"])
async def test_over_the_rate_all_is_taken_slowly_and_others_do_not_wait(path):
    tables = {**ONLY, "limits": {"frames_per_second": 100}}
    async with running_server(tables) as site, site.connect("bob") as bob:
        room = await FrontEnd(site, "ann").room_with(FrontEnd(site, "bob"), name="flood")
        await bob.ok("subscribe", topic=f"room:{room}")
        began = time.perf_counter()
        async with flood(site, path, room, 300):
            await answered(bob, room)
            heard = []
            assert len(bob.pushed) < 300  # he did not wait until all of hers were taken
            while len(heard) < 300:
                text = (await bob.push(10))["data"]["content"]
                heard += [int(text)] if text != "quick" else []
        assert heard == list(range(300))
        assert time.perf_counter() - began > 1.8  # a hundred at once, the rest at the rate


@pytest.mark.parametrize("path", ["/ws", "/chat"])
async def test_without_a_rate_what_waits_is_bounded_and_others_are_served(path):
    tables = {**ONLY, "limits": {"frames_per_second": 0}}
    async with running_server(tables) as site, site.connect("bob") as bob:
        room = await FrontEnd(site, "ann").room_with(FrontEnd(site, "bob"), name="flood")
        async with flood(site, path, room, 100_000) as flooding:
            measuring = asyncio.create_task(answered(bob, room, 40))
            while not site.server.hub.sessions("SHOP", "u-ann"):
                await asyncio.sleep(0.01)
            [handler] = [
                each
                for each in site.server.sockets.handlers
                if each.session.identity.user_id == "u-ann"
            ]
            most = most_posts = 0
            while not measuring.done():
                most = max(most, len(handler.inbox._frames))
                most_posts = max(most_posts, handler.session.posts)
                await asyncio.sleep(0.005)
            await measuring
            assert not flooding.done()
            assert most <= BOUND + 1
            assert most_posts <= POSTS
