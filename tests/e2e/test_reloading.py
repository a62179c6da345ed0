"""SIGHUP: what is safe is taken over by the running command, the rest is named, no socket is lost."""

import asyncio
import json
import shutil
import signal
import ssl
import subprocess

import pytest
import websockets
from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from support.process import serving, toml

ROOMS = "/plugins/chat_rooms/rooms"
NOTIFY = "/plugins/notifications/notifications"


def user(name, **more):
    about = {"user_id": f"u-{name}", "tenant": "SHOP", "api_key": f"key-of-{name}-0123456789"}
    return {**about, "permissions": ["notify"], **more}


class File:
    """The configuration of a server, which can be written anew."""

    def __init__(self, path):
        self.path = path
        self.tables = {"users": [user("ann"), user("bob")], "server": {"drain_seconds": 0}}
        self.write()

    def write(self, **tables):
        self.tables = {**self.tables, **tables}
        self.path.write_text(toml(self.tables))

    async def again(self, server, /, word="configuration: read again", **tables):
        """Written anew and read again; what the log says of it, from that on."""
        self.write(**tables)
        return await hup(server, word)


async def hup(server, word="configuration: read again", seconds=10):
    before = len(server.log)
    server.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(seconds):
        while word not in server.log[before:] or not server.log.endswith("\n"):
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)  # what needs a restart is said after it
    return server.log[before:]


@pytest.fixture
def file(tmp_path):
    return File(tmp_path / "tornado_chat.toml")


def connect(server, name, path="/ws", **kwargs):
    url = f"ws://127.0.0.1:{server.port}{path}?api_key=key-of-{name}-0123456789"
    return websockets.connect(url, ping_interval=None, **kwargs)


async def fetch(server, path, method="GET", body=None, name="ann", **headers):
    headers |= {"api_key": f"key-of-{name}-0123456789", "Content-Type": "application/json"}
    body = None if body is None else json.dumps(body)
    request = HTTPRequest(f"http://127.0.0.1:{server.port}{path}", method, headers, body)
    return await AsyncHTTPClient().fetch(request, raise_error=False)


async def next_of(socket):
    return json.loads(await asyncio.wait_for(socket.recv(), 10))


async def lives(socket):
    await socket.send('{"id":1,"do":"ping"}')
    assert await next_of(socket) == {"id": 1, "ok": {}}


async def test_a_bad_file_changes_nothing_and_says_why(file):
    async with serving("-c", file.path) as server, connect(server, "ann") as ann:
        assert "hello" in await next_of(ann)
        word = "configuration: not read again"
        log = await file.again(server, word, users=[user("bob")], log={"level": "loud"})
        assert "in log.level: must be one of" in log
        file.path.write_text("[server")
        assert "not toml" in await hup(server, word)
        file.path.unlink()
        assert "cannot be read: no such file" in await hup(server, word)
        # somebody else's name: the file is well formed, and yet not to be had
        twice = [user("ann"), {**user("carl"), "api_key": user("bob")["api_key"]}]
        assert "is or was a key of user u-bob" in await file.again(
            server, word, users=twice, log={}
        )
        await lives(ann)
        async with connect(server, "bob") as bob:
            await next_of(bob)
        assert "Traceback" not in server.log
        assert server.process.returncode is None


async def test_people_come_and_go(file):
    async with (
        serving("-c", file.path) as server,
        connect(server, "ann") as ann,
        connect(server, "bob") as bob,
        connect(server, "bob", "/chat") as chat,
    ):
        await next_of(ann)
        await next_of(bob)
        with pytest.raises(websockets.InvalidStatus):
            await connect(server, "carl")
        log = await file.again(server, users=[user("ann"), user("carl")])
        assert "read again: users" in log
        assert "restart" not in log
        for socket, code in ((bob, 4009), (chat, 1008)):
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 5)
            assert socket.close_code == code
        with pytest.raises(websockets.InvalidStatus):
            await connect(server, "bob")
        async with connect(server, "carl") as carl:
            assert (await next_of(carl))["hello"]["user"] == "u-carl"
        await lives(ann)


async def test_who_is_somebody_else_by_now_comes_again_as_that(file):
    async with (
        serving("-c", file.path) as server,
        connect(server, "ann") as ann,
        connect(server, "bob") as bob,
    ):
        await next_of(ann)
        await next_of(bob)
        said = {"topic": "News", "message": {"text": "hello"}}
        assert (await fetch(server, NOTIFY, "POST", said, "bob")).code == 200
        moved = user("bob", tenant="OTHER", permissions=[])
        await file.again(server, users=[user("ann"), moved])
        with pytest.raises(websockets.ConnectionClosed):
            await asyncio.wait_for(bob.recv(), 5)
        assert bob.close_code == 1012
        async with connect(server, "bob") as again:
            assert (await next_of(again))["hello"]["tenant"] == "OTHER"
        assert (await fetch(server, NOTIFY, "POST", said, "bob")).code == 403
        await lives(ann)


async def test_log_topics_and_origins_are_taken_over(file):
    async with serving("-c", file.path) as server, connect(server, "ann") as ann:
        await next_of(ann)
        await ann.send('{"id":1,"do":"subscribe","topic":"News"}')
        await next_of(ann)
        log = await file.again(
            server,
            log={"format": "json"},
            topics={"News": {"title": "Now: ${text}"}},
            server={"drain_seconds": 0, "allowed_origins": ["https://shop.example"]},
        )
        assert '"message": "configuration: read again: server.allowed_origins, ' in log
        said = {"topic": "News", "message": {"text": "hello"}}
        assert (await fetch(server, NOTIFY, "POST", said)).code == 200
        assert (await next_of(ann))["push"]["data"]["title"] == "Now: hello"
        strange = await fetch(server, ROOMS, Origin="https://elsewhere.example")
        assert strange.code == 401
        with pytest.raises(websockets.InvalidStatus):
            await connect(server, "ann", origin="https://elsewhere.example")
        async with connect(server, "ann", origin="https://shop.example"):
            pass
        word = "engine.url: needs a restart"
        log = await file.again(server, word, log={"level": "warning"}, engine={"url": "redis://x"})
        assert "read again" not in log
        quiet = len(server.log)
        await fetch(server, "/nowhere")
        assert server.log[quiet:] == ""


async def test_retention_is_taken_over_at_once(file):
    async with serving("-c", file.path) as server, connect(server, "ann") as ann:
        await next_of(ann)
        body = {"name": "Lunch", "members": ["u-ann"]}
        answer = await fetch(server, ROOMS, "POST", body)
        room = json.loads(answer.body)["room"]["topic"]
        for number in range(10):
            frame = {"id": 1, "do": "publish", "topic": room, "data": {"content": str(number)}}
            await ann.send(json.dumps(frame))
            await next_of(ann)
        file.write(retention={"messages": 3})
        await hup(server, "retention: deleted 7 messages", 5)  # sooner than it would by itself
        await ann.send(json.dumps({"id": 1, "do": "history", "topic": room}))
        kept = (await next_of(ann))["ok"]["messages"]
        assert [each["data"]["content"] for each in kept] == ["7", "8", "9"]


async def test_what_needs_a_restart_is_named_without_its_value(file):
    async with serving("-c", file.path) as server, connect(server, "ann") as ann:
        await next_of(ann)
        log = await file.again(
            server,
            server={"drain_seconds": 5, "address": "0.0.0.0"},
            limits={"frame_bytes": 1000},
            plugins={"order_list": {"tenant": "SHOP", "secret": "a-secret-of-theirs"}},
        )
        assert "read again: server.drain_seconds" in log
        for key in ("server.address", "limits.frame_bytes", "plugins.order_list"):
            assert f"WARNING tornado_chat: configuration: {key}: needs a restart\n" in log
        assert log.count("needs a restart") == 3
        assert "a-secret-of-theirs" not in log
        assert "nothing has changed" in await hup(server)
        await lives(ann)


async def test_a_signal_before_there_is_a_file_and_many_at_once(tmp_path):
    async with serving(cwd=tmp_path) as server:
        for _ in range(20):
            server.process.send_signal(signal.SIGHUP)
        assert "nothing has changed" in await hup(server)
        assert await server.stop() == 0


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl to make certificates with")
async def test_a_renewed_certificate_is_shown_to_who_comes_from_then_on(file, tmp_path):
    def make(name):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
             f"/CN={name}", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"],
            check=True, capture_output=True,
        )  # fmt: skip

    async def shown(port):
        """The certificate, as bytes."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        _reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return certificate

    await asyncio.to_thread(make, "first")
    tls = {"tls_certificate": "cert.pem", "tls_key": "key.pem", "drain_seconds": 0}
    file.write(server=tls)
    async with serving("-c", file.path) as server:
        first = await shown(server.port)
        await asyncio.to_thread(make, "second")
        assert await shown(server.port) == first
        assert "nothing has changed" in await hup(server)  # the configuration; yet
        second = await shown(server.port)
        assert second != first
        (tmp_path / "key.pem").write_text("not a key")
        word = "configuration: not read again"
        assert "in server.tls_certificate" in await hup(server, word)
        assert await shown(server.port) == second
