"""What somebody may no longer have ends at once: no push, no frame, no state after it, whatever
was under way."""

import asyncio
import contextlib
import sqlite3

import pytest
import websockets

from support.boards import Board, boards, plugin_of
from support.server import running_server
from support.wire import Wire
from tornado_chat import Topic, Unavailable, hookimpl

BOARD = Topic("SHOP", "board", "1")


@pytest.fixture
async def site():
    async with running_server(modules=[boards()], entry_points=False) as running:
        yield running


def disable(server):
    return server.accounts.disable("u-ann")


def revoke_keys(server):
    return server.accounts.revoke_keys("u-ann")


async def revoke(server):
    server.revoke(user="u-ann")


@pytest.mark.parametrize("end", [disable, revoke_keys, revoke])
async def test_who_is_ended_hears_and_does_nothing_more_though_the_socket_stays_open(site, end):
    """A client that does not answer the goodbye: some need minutes, some never do."""
    async with Wire.open(site, "/ws", "ann") as ann, site.connect("bob") as bob:
        assert "hello" in await ann.next()
        ann.send({"id": 1, "do": "subscribe", "topic": "board:1"})
        assert "ok" in await ann.next()
        await bob.ok("subscribe", topic="board:1")
        await end(site.server)
        assert site.server.hub.sessions("SHOP", "u-ann") == []
        assert await ann.close_code() == 4009
        await bob.ok("publish", topic="board:1", data={"n": 1})
        assert (await bob.push())["data"] == {"n": 1}
        with contextlib.suppress(ConnectionError):
            ann.send({"id": 2, "do": "publish", "topic": "board:1", "data": {"n": 2}})
            ann.send({"id": 3, "do": "subscribe", "topic": "board:2"})
        await ann.silent()
        await bob.quiet()
        history = await bob.ok("history", topic="board:1")
        assert [each["data"] for each in history["messages"]] == [{"n": 1}]
        assert site.server.hub.subscribers(Topic("SHOP", "board", "2")) == []


async def test_frames_that_waited_in_the_inbox_do_nothing_either():
    slow = {"limits": {"frames_per_second": 5}}
    async with (
        running_server(slow, modules=[boards()], entry_points=False) as site,
        Wire.open(site, "/ws", "ann") as ann,
    ):
        await ann.next()
        for number in range(12):
            frame = {"id": number, "do": "publish", "topic": "board:1", "data": {"n": number}}
            ann.send(frame)
        assert "ok" in await ann.next()
        await disable(site.server)
        said = await site.server.write(lambda tx: tx.head)  # behind what was admitted before
        await asyncio.sleep(0.5)  # two or three of those that wait would have had their turn
        assert await site.server.store.head() == said < 12


class Club(Board):
    """Admits whoever is in `members`; its state, or its door, waits until it is let go on."""

    def __init__(self):
        self.members = {"u-ann"}
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()

    async def wait(self):
        self.asked.set()
        await self.go_on.wait()

    async def authorize(self, identity, action, topic):
        return identity.user_id in self.members

    async def snapshot(self, identity, topic):
        return {"for members": "only"}


class ClubWithSlowState(Club):
    async def snapshot(self, identity, topic):
        await self.wait()
        return {"for members": "only"}


def slow_veto(club):
    @hookimpl
    async def authorize(identity, action, topic):
        await club.wait()

    return authorize


@pytest.fixture(params=["state", "gate"])
def club_and_plugin(request):
    if request.param == "state":
        club = ClubWithSlowState()
        return club, plugin_of(club)
    club = Club()
    return club, plugin_of(club, authorize=slow_veto(club))


@pytest.mark.parametrize("frame", [{"topic": "board:1"}, {"topics": ["board:1"]}])
async def test_revoked_while_a_subscribe_is_under_way_it_is_refused(club_and_plugin, frame):
    club, module = club_and_plugin
    async with (
        running_server(modules=[module], entry_points=False) as site,
        site.connect("ann") as ann,
    ):
        joining = asyncio.create_task(ann.do("subscribe", **frame))
        await asyncio.wait_for(club.asked.wait(), 5)
        club.members.clear()
        site.server.revoke(user="u-ann", topic=BOARD)
        club.go_on.set()
        reply = await joining
        [item] = reply["ok"]["topics"] if "topics" in frame else [reply]
        assert item["error"]["code"] == "denied"
        assert "state" not in item
        await site.server.publish(BOARD, {"secret": 1})
        assert site.server.hub.subscribers(BOARD) == []
        assert [each for each in ann.pushed if "push" in each] == []
        ann.pushed.clear()
        await ann.quiet()


async def test_what_another_process_ended_is_ended_though_the_store_fails_for_a_while(
    site, monkeypatch
):
    store = site.server.store
    read, failures = store.read, []

    async def failing(work):
        if "refresh" in work.__qualname__ and len(failures) < 2:
            failures.append(work)
            raise Unavailable("the store cannot be read now, try again later")
        return await read(work)

    monkeypatch.setattr("tornado_chat.app.TICK_SECONDS", 0.05)
    monkeypatch.setattr(store, "read", failing)
    async with site.connect("ann") as ann:
        with contextlib.closing(sqlite3.connect(store._database.database)) as other, other:
            other.execute("UPDATE account SET disabled = 1 WHERE user_id = 'u-ann'")
        with pytest.raises(websockets.ConnectionClosed):
            await ann.next()
        assert ann.socket.close_code == 4009
    assert len(failures) == 2
