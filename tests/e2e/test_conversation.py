"""Real input: days of a public channel go through the installed command, half by REST, half as frames
on /chat. Everybody hears everything once, in one order, and the history is the log."""

import asyncio
import json
import sqlite3
from collections import Counter

import pytest
import websockets
from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from support.irc import conversation
from support.process import serving, toml
from support.server import Native

WORKERS = 8  # of each kind at the same time
LISTENERS = 5  # on each of the two sockets


class Front:
    """What a GrowERP front-end of one nick does."""

    def __init__(self, server, number):
        self.base = f"{server.url}/rest/s1/growerp/100"
        self.socket_url = f"ws://127.0.0.1:{server.port}"
        self.key = key_of(number)
        self.user = user_of(number)
        self.http = AsyncHTTPClient()

    async def rest(self, method, resource, body=None):
        request = HTTPRequest(
            f"{self.base}/{resource}",
            method,
            {"api_key": self.key, "Content-Type": "application/json"},
            json.dumps(body) if body is not None else None,
            request_timeout=60,
        )
        return json.loads((await self.http.fetch(request)).body)

    def open(self, path):
        url = f"{self.socket_url}{path}?api_key={self.key}&userId={self.user}"
        return websockets.connect(url, compression=None, max_queue=None)

    def body(self, room, text):
        return {
            "chatRoom": {"chatRoomId": room, "chatRoomName": None, "members": []},
            "fromUserId": self.user,
            "fromUserFullName": None,
            "chatMessageId": None,
            "content": text,
            "creationDate": None,
        }


def by_sender(messages):
    found = {}
    for sender, text in messages:
        found.setdefault(sender, []).append(text)
    return found


def user_of(number):
    return f"u{number}"


def key_of(number):
    return f"key-of-nick-{number:05d}-abcdefghijkl"


def users(nicks):
    return [
        {
            "user_id": user_of(number),
            "login_name": f"nick{number}",
            "full_name": nick,
            "tenant": "IRC",
            "api_key": key_of(number),
        }
        for number, nick in enumerate(nicks)
    ]


@pytest.mark.timeout(300)
async def test_a_conversation_reaches_everybody_once_in_one_order(tmp_path, tell):
    source, lines = conversation()
    nicks = [nick for nick, _ in Counter(nick for nick, _ in lines).most_common()]
    number_of = {nick: number for number, nick in enumerate(nicks)}
    limits = {"frames_per_second": 0, "auth_attempts_per_minute": 0, "sockets_per_user": 0}
    config = tmp_path / "tornado_chat.toml"
    config.write_text(toml({"limits": limits, "users": users(nicks)}))
    AsyncHTTPClient.configure(None, max_clients=WORKERS * 2)
    tell(f"{source}: {len(lines)} messages of {len(nicks)} people")
    async with serving("-c", config) as server:
        fronts = [Front(server, number) for number in range(len(nicks))]
        members = [{"user": {"userId": front.user}, "isActive": True} for front in fronts]
        made = await fronts[0].rest(
            "POST",
            "ChatRoom",
            {"chatRoom": {"chatRoomName": "#ubuntu", "isPrivate": False, "members": members}},
        )
        room = made["chatRoom"]["chatRoomId"]
        # The busiest nicks listen on /chat, so that the rule of no echo is seen at work.
        chat = [
            asyncio.create_task(listen_chat(fronts[n], lines, nicks[n])) for n in range(LISTENERS)
        ]
        natives = [
            asyncio.create_task(listen_native(fronts[n], room, len(lines)))
            for n in range(LISTENERS, 2 * LISTENERS)
        ]
        await asyncio.sleep(1)
        await send_all(fronts, number_of, lines, room)
        heard_native = await asyncio.wait_for(asyncio.gather(*natives), 120)
        heard_chat = await asyncio.wait_for(asyncio.gather(*chat), 120)
        order = heard_native[0]
        assert sorted(order) == sorted((user_of(number_of[nick]), text) for nick, text in lines)
        assert all(heard == order for heard in heard_native)
        for number, heard in enumerate(heard_chat):
            assert heard == [each for each in order if each[0] != user_of(number)]
        assert await history_native(fronts[0], room) == order
        assert await history_rest(fronts[1], room, len(lines)) == order
        for path in (0, 1):  # each nick kept his own order, on each of the two ways
            sent = [(user_of(number_of[nick]), text) for nick, text in lines[path::2]]
            known = set(sent)
            assert by_sender(sent) == by_sender([each for each in order if each in known])
        assert await server.stop() == 0
    assert "Traceback" not in server.log
    assert not any(text in server.log for _, text in lines if len(text) > 40)
    assert log_of(tmp_path / "tornado_chat.db") == order


async def send_all(fronts, number_of, lines, room):
    """Even lines by REST, odd ones as frames, by workers that each keep the order of a nick."""
    posts = [[] for _ in range(WORKERS)]
    frames = [{} for _ in range(WORKERS)]
    for line, (nick, text) in enumerate(lines):
        number = number_of[nick]
        if line % 2:
            frames[number % WORKERS].setdefault(fronts[number], []).append(text)
        else:
            posts[number % WORKERS].append((fronts[number], text))

    async def post(share):
        for front, text in share:
            await front.rest("POST", "ChatMessage", {"chatMessage": front.body(room, text)})

    async def send(share):
        for front, texts in share.items():
            async with front.open("/chat") as socket:
                for number, text in enumerate(texts):
                    body = front.body(room, text)
                    await socket.send(json.dumps({"chatMessage": body} if number % 2 else body))

    await asyncio.gather(*(post(share) for share in posts), *(send(share) for share in frames))


async def listen_chat(front, lines, nick):
    expected = sum(1 for who, _ in lines if who != nick)
    heard = []
    async with front.open("/chat") as socket:
        while len(heard) < expected:
            frame = json.loads(await socket.recv())
            assert set(frame) == {
                "chatRoom",
                "fromUserId",
                "fromUserFullName",
                "content",
                "chatMessageId",
            }
            heard.append((frame["fromUserId"], frame["content"]))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.5)
    return heard


async def listen_native(front, room, expected):
    url = f"{front.socket_url}/ws?api_key={front.key}"
    async with websockets.connect(url, compression=None, max_queue=None) as socket:
        client = Native(socket)
        await client.next()
        offset = (await client.ok("subscribe", topic=f"room:{room}"))["offset"]
        heard = []
        while len(heard) < expected:
            push = await client.push(60)
            assert push["offset"] > offset
            offset = push["offset"]
            heard.append((push["sender"], push["data"]["content"]))
        await client.quiet(0.5)
    return heard


async def history_native(front, room):
    url = f"{front.socket_url}/ws?api_key={front.key}"
    async with websockets.connect(url, compression=None) as socket:
        client = Native(socket)
        await client.next()
        read, after, more = [], 0, True
        while more:
            page = await client.ok("history", topic=f"room:{room}", after=after, limit=200)
            read += [(each["sender"], each["data"]["content"]) for each in page["messages"]]
            after, more = page["messages"][-1]["offset"], page["more"]
    return read


async def history_rest(front, room, expected):
    read = []
    while len(read) < expected:
        page = await front.rest("GET", f"ChatMessage?chatRoomId={room}&start={len(read)}&limit=500")
        assert page["chatMessages"]
        read += [(each["fromUserId"], each["content"]) for each in page["chatMessages"]]
    return read


def log_of(path):
    """The log itself, by no code of ours."""
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT sender, data FROM message ORDER BY offset").fetchall()
    return [(sender, json.loads(data)["content"]) for sender, data in rows]
