"""The Python client against a real server: what it promises, and how it comes back."""

import asyncio
import contextlib
import datetime as dt
import json

import pytest
import websockets

from support.boards import Board, boards, plugin_of
from support.proxy import proxied
from support.server import key_of, running_server
from tornado_chat import Topic
from tornado_chat.client import (
    ChatError,
    Closed,
    Position,
    QueueFull,
    Signal,
    State,
    Unauthorized,
    connect,
    link,
    subscriptions,
)
from tornado_chat.client.errors import Lost
from tornado_chat.client.link import Link, Manners, socket_address
from tornado_chat.errors import REVOKED, TOO_SLOW, TRY_LATER, RateLimited
from tornado_chat.web import socket as web_socket

BOARD = "board:1"
QUICK = {"backoff_base": 0.05, "ping_interval": 0.3, "ping_timeout": 0.3, "close_timeout": 0.3}


def url(server):
    return f"http://127.0.0.1:{server.port}"


def client(server, name="ann", **more):
    return connect(url(server), key_of(name), **{**QUICK, **more})


async def take(messages, count, seconds=5.0):
    """The numbers of the next messages."""
    async with asyncio.timeout(seconds):
        return [(await anext(messages)).data["n"] for _ in range(count)]


async def publish(chat, *numbers, topic=BOARD):
    return [await chat.publish(topic, {"n": number}) for number in numbers]


@pytest.fixture
async def site():
    async with running_server(modules=[boards()], entry_points=False) as running:
        yield running


# What one asks of it


async def test_a_message_is_sent_and_comes(site):
    async with client(site) as ann, client(site, "bob") as bob:
        messages = await ann.subscribe(BOARD).ready()
        assert (messages.complete, messages.state) == (False, {"topic": "1"})
        start = messages.position
        assert start.offset == 0
        sent = await bob.publish(BOARD, {"n": 1}, key="mine")
        assert (sent.topic, sent.key, sent.duplicate) == (BOARD, "mine", False)
        message = await asyncio.wait_for(anext(messages), 5)
        assert (message.topic, message.position, message.id) == (BOARD, sent.position, sent.id)
        assert (message.sender, message.sender_name) == ("u-bob", "Bob Prins")
        assert (message.data, message.at) == ({"n": 1}, sent.at)
        assert message.at.tzinfo == dt.UTC
        assert messages.position == message.position != start
        again = await bob.publish(BOARD, {"n": 1}, key="mine")
        assert (again.duplicate, again.position) == (True, sent.position)
        with pytest.raises(ChatError) as problem:
            await bob.publish(BOARD, {"n": 2}, key="mine")
        assert problem.value.code == "conflict"
        assert (ann.hello["user"], bob.hello["user"]) == ("u-ann", "u-bob")


async def test_several_topics_and_mine_at_once(site):
    async with client(site) as ann, client(site, "bob") as bob:
        one, two, mine = (ann.subscribe(topic) for topic in ("board:1", "board:2", "mine"))
        for each in (one, two, mine):
            await each.ready()
        for number in range(4):
            await publish(bob, number, topic=f"board:{number % 2 + 1}")
        assert await take(one, 2) == [0, 2]
        assert await take(two, 2) == [1, 3]
        two.close()
        await publish(bob, 4, topic="board:2")
        await publish(bob, 5)
        assert await take(one, 1) == [5]
        assert [message async for message in two] == []
        with pytest.raises(ValueError, match="board:1: subscribed already"):
            ann.subscribe("board:1")
        two = ann.subscribe("board:2", since="start")
        assert await take(two, 3) == [1, 3, 4]


async def test_history_and_signals(site):
    async with client(site) as ann, client(site, "bob") as bob:
        sent = await publish(bob, *range(5))
        page = await ann.history(BOARD, limit=2)
        assert ([each.data["n"] for each in page.messages], page.more) == ([3, 4], True)
        page = await ann.history(BOARD, before=sent[1].position.offset)
        assert ([each.data["n"] for each in page.messages], page.more) == ([0], False)
        page = await ann.history(BOARD, after=sent[3].position.offset)
        assert [each.data["n"] for each in page.messages] == [4]
        await ann.subscribe(BOARD).ready()
        await ann.subscribe("typing:1").ready()
        every, board = ann.signals(), ann.signals(BOARD)
        await bob.signal(BOARD, "typing", {"on": True})
        said = await bob.publish("typing:1", {"n": 1})
        assert (said.position, said.id, said.at) == (None, None, None)
        first = Signal(BOARD, "typing", "u-bob", {"on": True})
        assert await asyncio.wait_for(anext(board), 5) == first
        assert await asyncio.wait_for(anext(every), 5) == first
        assert (await asyncio.wait_for(anext(every), 5)).name == "message"
        board.close()
        assert [each async for each in board] == []


async def test_what_one_device_has_seen_the_other_hears(tmp_path):
    async with running_server(folder=tmp_path) as site:
        body = {"members": ["u-bob"]}
        made = await site.fetch("POST", "/plugins/chat_rooms/rooms", body, name="ann")
        room = made.json["room"]["topic"]
        async with client(site) as ann, client(site, "bob") as bob, client(site, "bob") as other:
            signals = other.signals()
            sent = [await ann.publish(room, {"content": text}) for text in ("one", "two")]
            seen = await bob.seen(room, sent[0].position.offset)
            assert (seen.topic, seen.offset, seen.unread) == (room, sent[0].position.offset, 1)
            signal = await asyncio.wait_for(anext(signals), 5)
            assert (signal.topic, signal.name, signal.data["unread"]) == (room, "seen", 1)


async def test_what_is_refused_is_raised(site):
    async with client(site) as ann:
        attempts = [
            lambda: ann.subscribe("board:said").ready(),
            lambda: anext(ann.subscribe("board:said")),
            lambda: ann.publish("board:said", {}),
            lambda: ann.history("board:said"),
            lambda: ann.signal("board:said", "typing"),
        ]
        for attempt in attempts:
            with pytest.raises(ChatError, match="not a member") as problem:
                await asyncio.wait_for(attempt(), 5)
            assert problem.value.code == "denied"
        with pytest.raises(ChatError, match="not a member"):
            async with ann.subscribe("board:said"):
                raise AssertionError
        async with ann.subscribe(BOARD) as messages:
            await publish(ann, 1)
            assert await take(messages, 1) == [1]
        assert [message async for message in messages] == []


async def test_the_house_ends_one_subscription_and_the_rest_go_on(site):
    async with client(site) as ann:
        closed, open_ = ann.subscribe(BOARD), ann.subscribe("board:2")
        await closed.ready()
        await open_.ready()
        site.server.revoke(topic=Topic("SHOP", "board", "1"))
        with pytest.raises(ChatError, match="has ended") as problem:
            await asyncio.wait_for(anext(closed), 5)
        assert problem.value.code == "denied"
        await publish(ann, 1, topic="board:2")
        assert await take(open_, 1) == [1]


async def test_a_frame_that_no_server_takes_is_refused_here_and_harms_nobody(site):
    async with client(site) as ann:
        with pytest.raises(ChatError, match="publish: frame of 3000") as problem:
            await ann.publish(BOARD, {"text": "x" * 3_000_000})
        assert problem.value.code == "too_large"
        with pytest.raises(ChatError) as problem:
            await ann.publish(BOARD, {"text": "x" * 66_000})
        assert problem.value.code == "too_large"
        await publish(ann, 1)


# Beginning and ending


async def test_nobody_there_is_said_at_once():
    with pytest.raises(ChatError, match=r"127\.0\.0\.1") as problem:
        async with connect("http://127.0.0.1:1", "key"):
            raise AssertionError
    assert problem.value.code == "unavailable"


@pytest.mark.parametrize("offline", [False, True])
async def test_a_wrong_key_ends_it_for_good(site, logs, offline):
    async with proxied(site.port) as proxy:
        with pytest.raises(Unauthorized, match="Login key not valid"):
            async with connect(url(proxy), "wrong", **QUICK, offline=offline) as chat:
                await chat.publish(BOARD, {})
        await asyncio.sleep(0.2)
        assert proxy.accepted == 1


@pytest.mark.parametrize("how", ["revoked", "expired"])
async def test_a_key_that_ends_ends_it_for_good(site, how):
    async with proxied(site.port) as proxy:
        async with client(proxy) as ann:
            messages, signals = ann.subscribe(BOARD), ann.signals()
            await messages.ready()
            await publish(ann, 1)
            if how == "revoked":
                site.server.revoke(user="u-ann")
            else:
                [session] = site.server.hub.all_sessions()
                session.close(4001, "key expired")
            assert await take(messages, 1) == [1]  # what had come is given
            for attempt in (messages.__anext__, signals.__anext__, lambda: ann.publish(BOARD, {})):
                with pytest.raises(Unauthorized):
                    await asyncio.wait_for(attempt(), 5)
            with pytest.raises(Unauthorized):
                await anext(ann.subscribe("board:2"))
            assert ann.state is State.CLOSED
        assert proxy.accepted == 1


async def test_leaving_tells_whoever_waits(site):
    async with proxied(site.port) as proxy:
        async with client(proxy) as ann:
            messages, signals = ann.subscribe(BOARD), ann.signals()
            await messages.ready()
            proxy.stall()
            waiting = [asyncio.create_task(ann.publish(BOARD, {"n": n})) for n in range(3)]
            await asyncio.sleep(0.05)
            assert ann.waiting == 3
        for task in waiting:
            with pytest.raises(Closed, match="the client is closed"):
                await task
        assert [each async for each in messages] == []
        assert [each async for each in signals] == []
        with pytest.raises(Closed):
            await ann.publish(BOARD, {})
        with pytest.raises(RuntimeError, match="connect again"):
            await ann.__aenter__()


async def test_leaving_says_goodbye(site):
    async with client(site) as ann:
        [handler] = site.server.sockets.handlers
        await publish(ann, 1)
    async with asyncio.timeout(5):
        while handler.close_code is None:
            await asyncio.sleep(0.01)
    assert handler.close_code == 1000


async def test_who_gives_up_waiting_leaves_nothing_behind(site):
    async with proxied(site.port) as proxy:
        proxy.stall()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), client(proxy):
                raise AssertionError
        proxy.restore()
        async with client(proxy) as ann:
            proxy.stall()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await publish(ann, 1)
            assert ann.waiting == 1  # on the wire: its place is taken until the answer
            proxy.restore()
            await publish(ann, 2)
            assert ann.waiting == 0


# Coming back


async def test_without_a_server_messages_wait_in_order(site):
    states = []
    offline = {"offline": True, "queue": 3, "on_state": states.append}
    async with proxied(1) as proxy, client(proxy, **offline) as ann:
        messages = ann.subscribe(BOARD, since="start")
        waiting = [asyncio.create_task(publish(ann, number)) for number in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(QueueFull, match="3 messages wait already") as problem:
            await publish(ann, 3)
        assert problem.value.code == "queue_full"
        with pytest.raises(ChatError, match="signal: not connected"):
            await ann.signal(BOARD, "typing")
        asking = asyncio.create_task(ann.history(BOARD))
        await proxy.until(lambda: proxy.accepted > 2)
        proxy.target = site.port
        assert await take(messages, 3) == [0, 1, 2]
        await asyncio.gather(*waiting)
        await asking
        assert messages.complete is True
    assert states[:2] == [State.CONNECTING, State.WAITING]
    assert states[-3:] == [State.CONNECTING, State.OPEN, State.CLOSED]


async def test_a_restart_of_the_server_is_slept_through(tmp_path):
    """It says when to come back; what is published meanwhile waits; nothing is missed or doubled."""
    tables = {"server": {"drain_seconds": 0.2}}
    start = {"modules": [boards()], "entry_points": False, "folder": tmp_path}
    async with contextlib.AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(proxied(1))
        async with running_server(tables, **start) as site:
            proxy.target = site.port
            ann = await stack.enter_async_context(client(proxy))
            messages, gaps = await ann.subscribe(BOARD).ready(), []
            await publish(ann, 0, 1)
        left = asyncio.get_running_loop().time()
        waiting = asyncio.create_task(publish(ann, 2, 3))
        accepted = proxy.accepted
        async with running_server(tables, **start) as site:
            proxy.target = site.port
            await site.server.publish(Topic("SHOP", "board", "1"), {"n": "house"})
            await asyncio.wait_for(waiting, 10)
            assert asyncio.get_running_loop().time() - left > 0.1  # not before it was asked to
            assert proxy.accepted == accepted + 1  # and so at the first attempt
            assert await take(messages, 5) == [0, 1, "house", 2, 3]
            assert (messages.gaps, gaps) == (0, [])
            await ann.close()


@pytest.mark.parametrize("code", [TOO_SLOW, TRY_LATER, 1012, 1011, 1000])
async def test_other_ends_are_come_back_from(site, code):
    async with client(site) as ann:
        messages = await ann.subscribe(BOARD).ready()
        [session] = site.server.hub.all_sessions()
        session.close(code, "for the test")
        await publish(ann, 1)
        assert await take(messages, 1) == [1]


async def test_a_server_that_leaves_says_when_to_try_again(site, logs):
    logs.expect("GET /ws 503")
    site.server.sockets.refuse(3)
    with pytest.raises(Lost, match="answered 503") as problem:
        await Link.open(socket_address(url(site), "ws"), "key", Manners())
    first, last = problem.value.window
    assert 3 <= first <= 5
    assert last == 1.5 * first


async def test_a_key_that_comes_late_through_a_slow_network_is_no_bad_key(site, monkeypatch):
    monkeypatch.setattr(web_socket, "AUTH_SECONDS", 0.1)
    async with proxied(site.port) as proxy:
        proxy.delay(0.3, "up")
        with pytest.raises(Lost):
            await Link.open(socket_address(url(proxy), "ws"), key_of("ann"), Manners())


async def test_a_network_that_stalls_with_much_to_send_is_noticed(site):
    """Nothing passes up, and the buffers are full: a ping would wait for room for ever."""

    async def flood(link):
        while True:
            await link.send("x" * 100_000)

    async with proxied(site.port) as proxy:
        manners = Manners(ping_interval=0.1, ping_timeout=0.3, close_timeout=0.1)
        link = await Link.open(socket_address(url(proxy), "ws"), key_of("ann"), manners)
        proxy.stall("up")
        flooding = asyncio.create_task(flood(link))
        with pytest.raises(Lost):
            await asyncio.wait_for(link.next(), 5)
        with pytest.raises(Lost):
            await asyncio.wait_for(flooding, 5)
        await link.close()


async def test_leaving_does_not_wait_for_a_network_that_stalls(site):
    async with proxied(site.port) as proxy:
        async with client(proxy) as ann:
            proxy.stall()
            waiting = [
                asyncio.create_task(ann.publish(BOARD, {"x": 60_000 * "x"})) for _ in range(99)
            ]
            await asyncio.sleep(0.1)
            left = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - left < 2
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_slow_pong_behind_much_that_comes_is_no_stall(site):
    async with proxied(site.port) as proxy:
        proxy.delay(0.05, "down")
        async with client(proxy, ping_timeout=0.2, ping_interval=0.05) as ann:
            messages = ann.subscribe(BOARD, since="start")
            for number in range(150):
                await site.server.publish(
                    Topic("SHOP", "board", "1"), {"n": number, "x": 9000 * "x"}
                )
            assert await take(messages, 150, 20) == list(range(150))
        assert proxy.accepted == 1


# Holes, and slow readers


async def test_a_hole_is_told_with_the_state(site):
    gaps = []

    async def gap(subscription):
        gaps.append((subscription.topic, subscription.state, subscription.position.offset))

    async with client(site, on_gap=gap) as ann:
        await publish(ann, 1, 2)
        messages = ann.subscribe(BOARD, since=Position("of another log", 1))
        await messages.ready()
        await publish(ann, 3)
        assert await take(messages, 1) == [3]
        assert gaps == [(BOARD, {"topic": "1"}, 2)]
        assert (messages.gaps, messages.complete) == (1, False)


async def test_pruned_while_away_is_a_hole(tmp_path):
    async with running_server(
        {"retention": {"messages": 2}}, [boards()], entry_points=False, folder=tmp_path
    ) as site:
        gaps = []
        async with proxied(site.port) as proxy, client(proxy) as ann:
            messages = await ann.subscribe(BOARD, on_gap=gaps.append).ready()
            await publish(ann, 1)
            assert await take(messages, 1) == [1]
            proxy.refuse()
            proxy.cut()
            for number in range(2, 8):
                await site.server.publish(Topic("SHOP", "board", "1"), {"n": number})
            await site.server.retention.run()
            proxy.restore()
            await publish(ann, 8)
            assert await take(messages, 1) == [8]
            assert gaps == [messages]


async def test_a_slow_reader_gets_everything_and_holds_up_nobody(site):
    async with client(site, buffer=5) as ann, client(site, "bob") as bob:
        slow, quick = ann.subscribe(BOARD), ann.subscribe("board:2")
        await slow.ready()
        await quick.ready()
        for number in range(60):
            await site.server.publish(Topic("SHOP", "board", "1"), {"n": number})
        await publish(bob, 60, topic="board:2")
        assert await take(quick, 1) == [60]  # replies and others come past the full queue
        assert len((await ann.history(BOARD)).messages) == 50
        assert len(slow._items) == 5
        numbers = []
        async with asyncio.timeout(20):
            async for message in slow:
                numbers.append(message.data["n"])
                await asyncio.sleep(0.001)
                if len(numbers) == 60:
                    break
        assert numbers == list(range(60))
        assert slow.gaps == 0


async def test_a_reader_that_keeps_up_is_not_put_behind(site):
    topic = Topic("SHOP", "board", "1")
    await asyncio.gather(*(site.server.publish(topic, {"n": number}) for number in range(1000)))
    async with client(site, buffer=10) as ann:
        messages, behind = ann.subscribe(BOARD, since="start"), []
        messages.fall_behind = lambda: behind.append(messages.position)
        assert await take(messages, 1000, 20) == list(range(1000))
        assert behind == []


async def test_a_refusal_that_passes_is_lived_through(monkeypatch):
    monkeypatch.setattr(subscriptions, "AGAIN_SECONDS", (0.05, 0.1))

    class Moody(Board):
        busy = False

        async def snapshot(self, identity, topic):
            return {}

        async def authorize(self, identity, action, topic):
            if self.busy and action == "subscribe":
                raise RateLimited("too busy")
            return True

    board = Moody()
    async with (
        running_server(modules=[plugin_of(board)], entry_points=False) as site,
        client(site) as ann,
    ):
        messages = await ann.subscribe(BOARD).ready()
        board.busy = True
        [session] = site.server.hub.all_sessions()
        session.close(1012, "again")
        await publish(ann, 1)
        board.busy = False
        assert await take(messages, 1, 10) == [1]


# Manners


async def test_no_key_and_no_text_is_ever_logged(site, logs):
    async with client(site) as ann:
        await ann.subscribe(BOARD).ready()
        await ann.publish(BOARD, {"text": "very private"})
    with pytest.raises(Unauthorized):
        await client(site, "nobody").__aenter__()
    assert "key-of-" not in logs.text
    assert "very private" not in logs.text


async def test_a_fault_of_the_programs_own_ends_nothing(site, logs):
    logs.expect("on_state has failed")

    def fail(_state):
        raise RuntimeError

    async with client(site, on_state=fail) as ann:
        await publish(ann, 1)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("http://shop:8080", "ws://shop:8080/ws"),
        ("https://shop/", "wss://shop/ws"),
        ("ws://shop/chat/ws", "ws://shop/chat/ws"),
        ("wss://shop/chat", "wss://shop/chat/ws"),
        ("http://[::1]:80", "ws://[::1]:80/ws"),
    ],
)
def test_the_address(given, address):
    assert socket_address(given, "ws") == address


@pytest.mark.parametrize(
    "given",
    ["shop:8080", "ftp://shop", "http://", "http://shop:x", "http://a:b@c", "ws://c?api_key=k"],
)
def test_what_is_no_address_or_holds_a_key(given):
    with pytest.raises(ValueError, match=r"of the form|not of the URL|invalid|Port"):
        connect(given, "key")


def test_revoked_is_the_code_it_knows():
    assert REVOKED == 4009


# Servers that are none of ours


@contextlib.asynccontextmanager
async def stranger(*frames):
    """Says these after the first frame; its address."""

    async def talk(socket):
        await socket.recv()
        for frame in frames:
            await socket.send(frame)
        await socket.wait_closed()

    async with websockets.serve(talk, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"


HELLO = json.dumps({"hello": {"protocol": 1}})


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ([], "no hello in 0.2 s"),
        (["hello"], "not JSON"),
        (["[1]"], "not an object"),
        (['{"signal":{}}'], "said no hello"),
        (['{"id":0,"error":{"code":"unavailable","message":"later"}}'], "later"),
    ],
)
async def test_who_does_not_speak_the_protocol_is_left(frames, said):
    async with stranger(*frames) as address:
        with pytest.raises(Lost, match=said):
            await Link.open(address, "key", Manners(open_timeout=0.2, close_timeout=0.1))


async def test_a_frame_longer_than_all_reason_ends_it(monkeypatch):
    monkeypatch.setattr(link, "FRAME_BYTES", 1000)
    async with (
        stranger(HELLO, json.dumps({"x": "x" * 1000})) as address,
        connect(address, "key", **QUICK) as chat,
    ):
        with pytest.raises(ChatError, match="a frame of over 1000 bytes") as problem:
            await asyncio.wait_for(anext(chat.subscribe(BOARD)), 5)
        assert problem.value.code == "too_large"
        with pytest.raises(ChatError, match="a frame of over 1000 bytes"):
            await anext(chat.signals())


async def test_a_fault_of_the_client_is_said_and_logged(logs):
    logs.expect("the client has failed")
    async with stranger(HELLO, '{"push":{}}') as address, connect(address, "key") as chat:
        with pytest.raises(ChatError, match="the client has failed: KeyError") as problem:
            await asyncio.wait_for(anext(chat.subscribe(BOARD)), 5)
        assert problem.value.code == "internal"


async def test_what_it_does_not_know_is_passed_over(logs):
    logs.expect("the server says bad_request")
    frames = [
        '{"new":{}}',
        '{"id":null,"error":{"code":"bad_request","message":"what?"}}',
        '{"id":null,"topic":"nobody\'s","error":{"code":"conflict","message":"?"}}',
        '{"id":77,"ok":{}}',
        '{"signal":{"topic":"a","name":"b","sender":null,"data":{},"new":1}}',
    ]
    async with stranger(HELLO, *frames) as address:
        chat = connect(address, "key")
        signals = chat.signals()
        async with chat:
            signal = await asyncio.wait_for(anext(signals), 5)
        assert signal == Signal("a", "b", None, {})


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("3", 3.0), (" 9999999 ", 300.0), ("Mon, 23 Nov 2026", None), (None, None)],
)
def test_retry_after(header, seconds):
    assert link._seconds(header) == seconds
