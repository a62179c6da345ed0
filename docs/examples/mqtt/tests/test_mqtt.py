"""The bridge between a real Mosquitto and a real server."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import aiomqtt
import pytest
from tornado_chat.testing import plugin_contract

MQTT = Path(__file__).parents[1] / "plugins" / "mqtt.py"
CHAT = Path(sys.executable).with_name("tornado-chat")
MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
SECONDS = 20

if MOSQUITTO is None:
    if os.environ.get("CI") == "true":
        pytest.fail("mosquitto is not installed; on Debian: apt-get install mosquitto")
    pytest.skip("mosquitto is not installed", allow_module_level=True)


class Mosquitto:
    """A broker on a port of its own, which keeps what it has over a restart."""

    def __init__(self, folder, secure=False):
        folder.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.file = folder / "mosquitto.conf"
        self.certificate = folder / "certificate.pem"
        lines = ["user root", f"listener {self.port} 127.0.0.1", "persistence true"]
        lines += [f"persistence_location {folder}/", f"log_dest file {folder}/log"]
        lines += self.secured(folder) if secure else ["allow_anonymous true"]
        self.file.write_text("\n".join(lines))
        self.process = None

    def secured(self, folder):
        """TLS, and a person with a password."""
        key, passwords = folder / "key.pem", folder / "passwords"
        made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=broker"]
        made += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", self.certificate]
        run(*made)
        run("mosquitto_passwd", "-b", "-c", passwords, "chat", "secret-of-chat")
        lines = [f"certfile {self.certificate}", f"keyfile {key}", f"password_file {passwords}"]
        return ["allow_anonymous false", *lines]

    async def start(self):
        self.process = subprocess.Popen([MOSQUITTO, "-c", self.file], stderr=subprocess.DEVNULL)
        await until(self.answers)

    def answers(self):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(SECONDS)
            self.process = None


def run(*command):
    subprocess.run(command, check=True, capture_output=True)


async def until(condition):
    """What becomes true; it is asked again and again."""
    async with asyncio.timeout(SECONDS):
        while True:
            answer = condition()
            if answer := await answer if asyncio.iscoroutine(answer) else answer:
                return answer
            await asyncio.sleep(0.02)


@pytest.fixture
async def broker(tmp_path):
    broker = Mosquitto(tmp_path / "mosquitto")
    await broker.start()
    yield broker
    broker.stop()


@contextlib.asynccontextmanager
async def device(broker, *filters):
    """Something else at the broker."""
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        for each in filters:
            await client.subscribe(each, qos=1)
        yield client


async def heard(client):
    message = await asyncio.wait_for(anext(client.messages), SECONDS)
    return message.topic.value, message.payload


PLANT = {"filter": "plant/#", "tenant": "SHOP", "topic": "plant", "direction": "both"}


def section(broker, **more):
    mqtt = {"host": "127.0.0.1", "port": broker.port, "client_id": "chat", "routes": [PLANT]}
    return {"plugins": {"mqtt": mqtt | more}}


async def test_what_the_broker_says_arrives(chat_server, broker):
    async with chat_server(plugins=[MQTT], config=section(broker)) as chat:
        ann = await chat.connect("ann")
        assert (await ann.ok("subscribe", topic="mqtt:plant"))["state"] == {"values": []}
        await connected(chat)
        async with device(broker) as sensor:
            await sensor.publish("plant/1/event", "open")
            await sensor.publish("plant/1/image", b"\xff\x00")
            await sensor.publish("office/1/event", "open")
            await sensor.publish("plant/1/heat", "21.5", retain=True, qos=1)
            assert (await ann.push())["data"] == {"mqtt": "plant/1/event", "payload": "open"}
            binary = {"mqtt": "plant/1/image", "payload": "/wA=", "encoding": "base64"}
            assert (await ann.push())["data"] == binary
            heat = {"id": "plant/1/heat", "mqtt": "plant/1/heat", "payload": "21.5", "version": 3}
            assert (await ann.push())["data"] == {"value": heat}
            state = (await ann.ok("subscribe", topic="mqtt:plant"))["state"]
            assert state == {"values": [heat]}
            await sensor.publish("plant/1/heat", "", retain=True, qos=1)
            assert (await ann.push())["data"]["value"]["deleted"]


async def connected(chat):
    await asyncio.wait_for(chat.provider("mqtt").connected.wait(), SECONDS)


async def test_a_post_goes_out_and_does_not_come_back(chat_server, broker):
    async with (
        chat_server(plugins=[MQTT], config=section(broker)) as chat,
        device(broker, "#") as door,
    ):
        admin = await chat.connect("admin")
        await admin.ok("subscribe", topic="mqtt:plant")
        post = {"mqtt": "plant/1/door", "payload": "open"}
        await admin.ok("publish", topic="mqtt:plant", data=post)
        assert (await admin.push())["data"]["payload"] == "open"
        assert await heard(door) == ("plant/1/door", b"open")
        await admin.quiet()
        post = {"mqtt": "plant/1/door", "payload": "/wA=", "encoding": "base64", "retain": True}
        await admin.ok("publish", topic="mqtt:plant", data=post)
        assert await heard(door) == ("plant/1/door", b"\xff\x00")
        assert "mqtt" in (await admin.push())["data"]
        assert (await admin.push())["data"]["value"]["payload"] == "/wA="  # the broker has it


async def test_who_may_post_and_where(chat_server, broker):
    async with chat_server(plugins=[MQTT], config=section(broker)) as chat:
        admin, ann, zoe = [await chat.connect(name) for name in ("admin", "ann", "zoe")]
        post = {"mqtt": "plant/1/door", "payload": "open"}
        assert await ann.refused("publish", topic="mqtt:plant", data=post) == "denied"
        assert await zoe.refused("subscribe", topic="mqtt:plant") == "not_found"
        for name, code in {
            "office/1": "denied",
            "$SYS/x": "bad_request",
            "plant/#": "bad_request",
            "": "bad_request",
        }.items():
            said = await admin.refused("publish", topic="mqtt:plant", data=post | {"mqtt": name})
            assert said == code


async def test_a_broker_that_is_away_gets_it_later(chat_server, broker):
    async with chat_server(plugins=[MQTT], config=section(broker)) as chat:
        chat.logs.expect("plugin 'mqtt'")
        chat.logs.expect("broker 127.0.0.1: ")
        await connected(chat)
        broker.stop()
        await until(lambda: not chat.provider("mqtt").connected.is_set())
        admin = await chat.connect("admin")
        post = {"mqtt": "plant/1/door", "payload": "open", "retain": True}
        await admin.ok("publish", topic="mqtt:plant", data=post)
        await broker.start()
        async with device(broker, "#") as door:
            assert await heard(door) == ("plant/1/door", b"open")
            await admin.ok("subscribe", topic="mqtt:plant")
            await connected(chat)
            await door.publish("plant/1/event", "here again")
            while (await admin.push())["data"].get("payload") != "here again":
                pass


async def values(person):
    return (await person.ok("subscribe", topic="mqtt:plant"))["state"]["values"]


async def test_filters_that_overlap_say_it_once(chat_server, broker):
    routes = [PLANT, PLANT | {"filter": "plant/+/event"}, PLANT | {"topic": "all"}]
    async with chat_server(plugins=[MQTT], config=section(broker, routes=routes)) as chat:
        ann = await chat.connect("ann")
        await connected(chat)
        await ann.ok("subscribe", topic="mqtt:plant")
        await ann.ok("subscribe", topic="mqtt:all")
        async with device(broker) as sensor:
            await sensor.publish("plant/1/event", "open", qos=1)
        assert {(await ann.push())["topic"] for _ in range(2)} == {"mqtt:plant", "mqtt:all"}
        await ann.quiet()


async def test_a_flood_is_cut_and_the_newest_stays(chat_server, broker):
    async with chat_server(plugins=[MQTT], config=section(broker, per_second=100)) as chat:
        chat.logs.expect("more than `per_second`")
        ann = await chat.connect("ann")
        await connected(chat)
        async with device(broker) as sensor:
            for number in range(3000):
                await sensor.publish("plant/1/heat", str(number), retain=True)

        async def newest():
            return [each for each in await values(ann) if each["payload"] == "2999"]

        (value,) = await until(newest)
        assert value["version"] < 1000


async def test_what_is_too_long_or_refused_is_left_out(chat_server, broker):
    config = section(broker) | {"limits": {"frame_bytes": 1024}}
    async with chat_server(plugins=[MQTT], config=config) as chat:
        chat.logs.expect("left out: too_large")
        ann = await chat.connect("ann")
        await connected(chat)
        async with device(broker) as sensor:
            await sensor.publish("plant/1/long", "x" * 30_000, retain=True, qos=1)
            await sensor.publish("plant/1/long", "x" * 2000, retain=True, qos=1)
            await sensor.publish("plant/1/short", "x", retain=True, qos=1)
        assert [each["id"] for each in await until(lambda: values(ann))] == ["plant/1/short"]


async def test_what_was_said_while_the_server_was_away_comes_later(chat_server, broker, tmp_path):
    async def said(chat):
        history = await (await chat.connect("ann")).ok("history", topic="mqtt:plant")
        return [each["data"]["payload"] for each in history["messages"]]

    again = {"plugins": [MQTT], "config": section(broker), "folder": tmp_path}
    async with chat_server(**again) as chat:
        await connected(chat)
    async with device(broker) as sensor:
        await sensor.publish("plant/1/event", "while away", qos=1)
    async with chat_server(**again) as chat:
        assert await until(lambda: said(chat)) == ["while away"]


async def test_a_post_outlives_a_kill(broker, tmp_path):
    config = tmp_path / "chat.toml"
    config.write_text(f"""
        server.port = 0
        plugins.directory = "{MQTT.parent}"
        [[users]]
        user_id = "ann"
        login_name = "ann"
        full_name = "Ann"
        tenant = "SHOP"
        api_key = "key-of-ann"
        permissions = ["mqtt"]
        [plugins.mqtt]
        host = "127.0.0.1"
        port = {broker.port}
        client_id = "chat"
        routes = [{{ filter = "plant/#", tenant = "SHOP", topic = "plant", direction = "out" }}]
    """)
    broker.stop()
    async with serving(config) as (server, url):
        post = '{"mqtt": "plant/1/door", "payload": "open"}'
        run(CHAT, "post", url, "mqtt:plant", post, "--key", "key-of-ann")
        server.kill()
    await broker.start()
    async with device(broker, "#") as door, serving(config):
        assert await heard(door) == ("plant/1/door", b"open")


@contextlib.asynccontextmanager
async def serving(config):
    """A server in a process of its own, and its address."""
    command = [CHAT, "serve", "-c", config]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        line = await asyncio.to_thread(process.stdout.readline)
        try:
            yield process, line.split()[-1].decode()
        finally:
            process.terminate()


async def test_a_broker_with_tls_and_a_password(chat_server, tmp_path, monkeypatch):
    broker = Mosquitto(tmp_path / "mosquitto", secure=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(broker.certificate))
    await broker.start()
    config = section(broker, tls=True, username="chat", password="secret-of-chat")
    try:
        async with chat_server(plugins=[MQTT], config=config) as chat:
            await connected(chat)
        config["plugins"]["mqtt"]["password"] = "wrong"
        async with chat_server(plugins=[MQTT], config=config) as chat:
            chat.logs.expect("plugin 'mqtt'")
            chat.logs.expect("broker 127.0.0.1:")
            await until(lambda: "Not authorized" in chat.logs.text)
    finally:
        broker.stop()


async def test_it_keeps_the_contract(broker):
    async def heat(chat):
        """The broker retains a value, and it has come."""
        await connected(chat)
        async with device(broker) as sensor:
            await sensor.publish("plant/1/heat", "21.5", retain=True, qos=1)
        watcher = await chat.connect("admin")
        await until(lambda: values(watcher))

    posts = [{"mqtt": "plant/1/door", "payload": each} for each in ("open", "shut")]
    config = section(broker)
    await plugin_contract(MQTT, "mqtt:plant", [*posts, heat], who="admin", config=config)
