"""Every close code that the house sends, on a real socket: who sends it, and when."""

import asyncio
import contextlib
import json
import struct

import pytest
import websockets

from support.boards import boards
from support.growerp import FrontEnd
from support.server import merged, running_server
from support.wire import CLOSE, TEXT, Wire
from tornado_chat import Topic
from tornado_chat.testing import chat_server

ABSURD = 16 * 65536 + 1  # bytes: more than that times limits.frame_bytes


def board_server(**tables):
    return running_server(tables, [boards()], entry_points=False)


def face_server(**tables):
    """With the sockets of GrowERP."""
    return running_server(merged({"plugins": {"disabled": ["order_list"]}}, tables))


async def close_code(socket):
    """What the server closes it with."""
    await asyncio.wait_for(socket.wait_closed(), 10)
    return socket.close_code


async def code_for(opcode, payload):
    """The close code after this frame."""
    async with board_server() as site, Wire.open(site, "/ws", "ann") as wire:
        assert "hello" in await wire.next()
        wire.write(opcode, payload)
        code = await wire.close_code()
        assert await wire.reader.read() == b""
        return code


@pytest.mark.parametrize(
    ("opcode", "payload"),
    [(0x3, b""), (0x0, b""), (CLOSE, b"\x03"), (CLOSE, struct.pack("!H", 1005))],
    ids=["unknown opcode", "no beginning", "half a code", "a code that is never sent"],
)
async def test_close_1002(opcode, payload):
    assert await code_for(opcode, payload) == 1002


@pytest.mark.parametrize(
    ("opcode", "payload"),
    [(TEXT, b"\xff"), (CLOSE, struct.pack("!H", 1000) + b"\xff")],
    ids=["text", "reason"],
)
async def test_close_1007(opcode, payload):
    assert await code_for(opcode, payload) == 1007


@pytest.mark.parametrize("path", ["/chat", "/notws"])
async def test_close_1008(path):
    """The words of `/ws` for it, 4001 and 4009, are not of the wire of GrowERP."""
    async with face_server() as site, site.open(path, "ann") as socket:
        await site.server.accounts.revoke_keys("u-ann")
        assert await close_code(socket) == 1008


@pytest.mark.parametrize("path", ["/ws", "/chat", "/notws"])
async def test_close_1009(path):
    async with face_server() as site, site.open(path, "ann") as socket:
        await socket.send("x" * ABSURD)
        assert await close_code(socket) == 1009


@pytest.mark.parametrize("path", ["/ws", "/chat", "/notws"])
async def test_close_1012(path):
    async with face_server() as site, site.open(path, "ann") as socket:
        await site.server.stop()
        frames = []
        with contextlib.suppress(websockets.ConnectionClosedError):
            while True:
                frames.append(json.loads(await socket.recv()))
        assert await close_code(socket) == 1012
        assert "bye" in frames[-1] if path == "/ws" else not frames


@pytest.mark.parametrize("path", ["/ws", "/chat", "/notws"])
async def test_close_1013(path):
    """One that answers no ping makes room for another of its person."""
    tables = {"limits": {"sockets_per_user": 1}, "delivery": {"ping_seconds": 0.1}}
    async with face_server(**tables) as site, Wire.open(site, path, "ann") as silent:
        await asyncio.sleep(0.3)  # it proves nothing
        async with site.open(path, "ann"):
            while (frame := await silent.frame())[0] != CLOSE:
                """Its hello, and pings."""
        assert struct.unpack("!H", frame[1][:2]) == (1013,)


async def test_close_4001():
    async with board_server() as site, site.open("/ws") as socket:
        await socket.send(json.dumps({"id": 1, "do": "auth", "key": "wrong"}))
        assert json.loads(await socket.recv())["error"]["code"] == "unauthorized"
        assert await close_code(socket) == 4001
    async with chat_server() as chat:
        key = await chat.server.accounts.issue_key("u-ann", days=1)
        async with websockets.connect(
            f"{chat.url.replace('http', 'ws')}/ws?api_key={key}"
        ) as socket:
            await chat.clock.move(hours=25)
            assert await close_code(socket) == 4001


async def test_close_4002():
    async with face_server() as site:
        async with site.open("/ws", "ann") as socket:
            await socket.send(b"binary")
            assert await close_code(socket) == 4002
        async with site.connect("ann") as ann, FrontEnd(site, "ann").chat() as chat:
            await chat.socket.send(b"binary")
            assert await ann.ok("ping") == {}
            await chat.quiet(0.05)


@pytest.mark.parametrize(("path", "code"), [("/ws", 4008), ("/chat", 1013)])
async def test_close_4008(path, code, monkeypatch):
    """Of who takes no byte while more wait; 1013 where the wire has no such word."""
    monkeypatch.setattr("tornado_chat.heartbeat.STALL_SECONDS", 0.3)
    monkeypatch.setattr("tornado_chat.app.TICK_SECONDS", 0.05)
    async with face_server() as site:
        room = await FrontEnd(site, "bob").room_with(FrontEnd(site, "ann"))
        async with Wire.open(site, path, "ann", window=4096) as wire:
            wire.send({"id": 1, "do": "subscribe", "topic": f"room:{room}"})
            [session] = site.server.hub.all_sessions()
            topic, data = Topic("SHOP", "room", room), {"content": "x" * 30_000}
            async with asyncio.timeout(20):
                while session.closed is None:
                    await site.server.publish(topic, data, sender="u-bob")
            assert session.closed == code


@pytest.mark.parametrize("end", ["revoke", "revoke_keys", "disable"])
async def test_close_4009(end):
    async with board_server() as site, site.open("/ws", "ann") as socket:
        await socket.recv()
        if end == "revoke":
            site.server.revoke(user="u-ann")
        else:
            await getattr(site.server.accounts, end)("u-ann")
        assert await close_code(socket) == 4009
