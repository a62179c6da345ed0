"""A clock that is moved: whatever has to do with the time of day follows it, at once."""

import json
import time
from datetime import datetime

import pytest
from tornado_chat_plugins import notifications, order_list

from support.boards import Board, boards, plugin_of
from support.moqui import playing_moqui
from support.orders import KEY, PATH, SECRET, signed
from tornado_chat import Topic
from tornado_chat.testing import Clock, password_of

DAYS = 86_400
BOARD = Topic("SHOP", "board", "1")


async def logged_in(chat, name="ann"):
    """A key that expires after [auth] key_days, six."""
    login = await chat.server.accounts.login(f"{name}@shop.example", password_of(name), "127.0.0.1")
    return login.key


async def test_a_plugin_asks_the_server_what_time_it_is(chat_server):
    async with chat_server() as chat:
        assert abs(chat.server.now() - time.time()) < 5
        await chat.clock.move(days=2)
        assert abs(chat.server.now() - time.time() - 2 * DAYS) < 5
        assert abs(chat.clock() - chat.server.now()) < 5


async def test_it_goes_on_and_never_back():
    clock = Clock()
    with pytest.raises(ValueError, match="cannot be moved back"):
        await clock.move(hours=-1)
    await clock.move(minutes=1, seconds=5)
    assert clock.ahead == 65


async def test_a_key_that_expires_ends_its_sockets(chat_server):
    async with chat_server(plugins=["growerp"]) as chat:
        key = await logged_in(chat)
        ann = await chat.connect(None, key=key)
        room = await chat.open("/chat", key=key, query={"userId": "u-ann"})
        configured = await chat.connect("ann")
        assert 6 * DAYS - 60 < ann.hello["key_ttl"] <= 6 * DAYS
        assert configured.hello["key_ttl"] is None
        await chat.clock.move(days=5)
        assert 0 < (await chat.connect(None, key=key)).hello["key_ttl"] <= DAYS
        assert (await chat.rest(key=key).get("/plugins/chat_rooms/rooms")).status == 200
        await ann.ok("ping")
        await chat.clock.move(days=1.1)
        assert await ann.closed() == 4001
        assert await room.closed() == 1008
        assert (await chat.rest(key=key).get("/plugins/chat_rooms/rooms")).status == 401
        await configured.ok("ping")


async def test_a_key_expires_by_itself_at_its_time(chat_server):
    async with chat_server() as chat:
        key = await logged_in(chat)
        await chat.clock.move(seconds=6 * DAYS - 2)
        async with chat.connect(None, key=key) as ann:
            assert await ann.closed() == 4001


async def test_a_key_that_is_made_later_lives_longer(chat_server):
    async with chat_server() as chat:
        await chat.clock.move(days=30)
        key = await logged_in(chat)
        await chat.clock.move(days=5)
        assert (await chat.connect(None, key=key)).hello["user"] == "u-ann"


async def test_the_key_of_a_moqui_is_checked_again(chat_server):
    async with playing_moqui() as moqui:
        moqui.person("100021", "SHOP", "eve@erp.example")
        moqui.key("100021", "eves-key")
        growerp = {"url": moqui.url, "recheck_minutes": 5}
        tables = {"auth": {"backends": ["local", "growerp"], "growerp": growerp}}
        async with chat_server(config=tables) as chat:
            eve = await chat.connect(None, key="eves-key")
            del moqui.keys["eves-key"]
            await chat.clock.move(minutes=4)
            await eve.ok("ping")
            await chat.clock.move(minutes=2)
            assert await eve.closed() in {4001, 4009}


async def test_messages_have_the_time_of_the_clock(chat_server):
    async with chat_server(plugins=[boards()]) as chat, chat.connect("ann") as ann:
        await ann.ok("subscribe", topic="board:1")
        await chat.clock.move(days=365)
        await ann.ok("publish", topic="board:1", data={})
        at = datetime.fromisoformat((await ann.push())["at"]).timestamp()
        assert abs(at - time.time() - 365 * DAYS) < 5


async def test_what_is_too_old_is_thrown_away(chat_server):
    tables = {"retention": {"board": {"days": 1}}}
    async with chat_server(plugins=[boards()], config=tables) as chat:
        ann = await chat.connect("ann")
        await ann.ok("publish", topic="board:1", data={"n": 1})
        await chat.clock.move(hours=20)
        await ann.ok("publish", topic="board:1", data={"n": 2})
        await chat.clock.move(hours=5)
        kept = (await ann.ok("history", topic="board:1"))["messages"]
        assert [each["data"] for each in kept] == [{"n": 2}]


async def test_rows_of_a_plugin_go_with_their_messages(chat_server):
    pruned = []

    class Diary(Board):
        def pruned_in(self, tx, messages):
            pruned.extend(message.data["n"] for message in messages)

    tables = {"retention": {"days": 1}}
    async with chat_server(plugins=[plugin_of(Diary())], config=tables) as chat:
        await chat.server.publish(BOARD, {"n": 1})
        await chat.clock.move(days=2)
        assert pruned == [1]


async def test_the_key_of_a_publisher_is_forgotten(chat_server):
    async with chat_server(plugins=[boards()]) as chat, chat.connect("ann") as ann:
        first = await ann.ok("publish", topic="board:1", key="k", data={"n": 1})
        await chat.clock.move(hours=23)
        again = await ann.ok("publish", topic="board:1", key="k", data={"n": 1})
        assert again["duplicate"] and again["offset"] == first["offset"]
        await chat.clock.move(hours=2)
        assert not (await ann.ok("publish", topic="board:1", key="k", data={"n": 1}))["duplicate"]


async def test_what_waits_for_a_front_end_is_kept_for_three_days(chat_server):
    async with chat_server(plugins=["growerp"]) as chat:
        rooms = chat.server.service("chat_rooms")
        ann = await chat.identity("ann")
        room, _ = await rooms.create(ann, name=None, private=True, members=["u-ann", "u-bob"])

        async def away_for(**how_long):
            """What bob gets who lost his socket that long ago."""
            bob = await chat.open("/chat", "bob", query={"userId": "u-bob"})
            bob.connection.transport.abort()
            await bob.connection.wait_closed()
            await chat.settled()
            await chat.server.post(ann, Topic("SHOP", "room", room.room_id), {"content": "hi"})
            await chat.clock.move(**how_long)
            async with chat.open("/chat", "bob", query={"userId": "u-bob"}) as bob:
                try:
                    return (await bob.next(1.0))["content"]
                except AssertionError:
                    return None

        assert await away_for(days=2) == "hi"
        assert await away_for(days=4) is None


async def test_a_webhook_is_judged_by_the_clock(chat_server):
    tables = {"plugins": {"order_list": {"secret": SECRET, "tenant": "SHOP"}}}
    async with chat_server(plugins=[notifications, order_list], config=tables) as chat:
        body = json.dumps({"order": {"orderId": "1"}}).encode()

        async def deliver(at):
            headers = signed(body, at=int(at), key=KEY)
            return (await chat.rest().post(PATH, raw=body, headers=headers)).status

        assert await deliver(chat.clock()) == 200
        await chat.clock.move(minutes=10)
        assert await deliver(time.time()) == 401
        assert await deliver(chat.clock()) == 200
