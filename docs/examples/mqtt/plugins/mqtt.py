"""A bridge between an MQTT broker (version 5) and topics `mqtt:…`, both ways.

What the broker retains is the state of a topic: the last value of each MQTT topic. The rest is
said as it comes. What people post goes out at least once and in order, also after the broker
or this server was away. Only posts of people go out, with a mark by which they are known when
the broker sends them back: nothing goes round.
"""

import asyncio
import base64
import hashlib
import logging
import ssl
from datetime import timedelta
from typing import Any
from zlib import crc32

import aiomqtt
from marshmallow import Schema, ValidationError, fields, validate
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions
from tornado_chat import (
    BadRequest,
    ChatError,
    Consumer,
    Denied,
    NotFound,
    StateProvider,
    Topic,
    hookimpl,
)

api = 1
log = logging.getLogger("tornado_chat.plugins.mqtt")

FILTER = validate.Regexp(
    r"(?!\Z)(\+|[^+#/]*)(/(\+|[^+#/]*))*(/#)?\Z|#\Z", error="no MQTT topic filter"
)
NAME = validate.Regexp(r"[^$+#\0][^+#\0]{0,1023}\Z", error="no MQTT topic")


class Route(Schema):
    filter = fields.String(required=True, validate=FILTER, metadata={"doc": "plant/+/state"})
    tenant = fields.String(required=True)
    topic = fields.String(required=True, metadata={"doc": "`plant` is the topic mqtt:plant."})
    direction = fields.String(load_default="in", validate=validate.OneOf(["in", "out", "both"]))
    qos = fields.Integer(load_default=1, validate=validate.Range(0, 2))


class Settings(Schema):
    host = fields.String(required=True)
    port = fields.Integer(load_default=1883, validate=validate.Range(1, 65535))
    username = fields.String(load_default=None)
    password = fields.String(load_default=None)
    tls = fields.Boolean(load_default=False)
    client_id = fields.String(required=True, metadata={"doc": "Of this server alone."})
    away_seconds = fields.Integer(load_default=86400, metadata={"doc": "Kept by the broker."})
    per_second = fields.Integer(load_default=500, validate=validate.Range(1))
    payload_bytes = fields.Integer(load_default=16384, validate=validate.Range(0, 32768))
    routes = fields.List(fields.Nested(Route), required=True, validate=validate.Length(1))


class Post(Schema):
    mqtt = fields.String(required=True, validate=NAME)
    payload = fields.String(load_default="")
    encoding = fields.String(validate=validate.Equal("base64"))
    retain = fields.Boolean(load_default=False)


def encoded(name, payload):
    try:
        return {"mqtt": name, "payload": payload.decode()}
    except UnicodeDecodeError:
        payload = base64.b64encode(payload).decode()
        return {"mqtt": name, "payload": payload, "encoding": "base64"}


def decoded(data):
    raw = data["payload"].encode()
    return base64.b64decode(raw, validate=True) if "encoding" in data else raw


def number_of(route):
    """The same for a filter after each change of the configuration."""
    return crc32(route["filter"].encode()) % 268435455 + 1


class Newest(asyncio.Queue[aiomqtt.Message]):
    """What waits to be taken in; under a flood the oldest gives way."""

    lost = 0

    def put_nowait(self, item):
        if self.full():
            if self.lost % 1000 == 0:
                log.warning("the broker says more than `per_second`; the oldest is thrown away")
            self.get_nowait()
            self.lost += 1
        super().put_nowait(item)


class Mqtt(StateProvider):
    kind, item_name, state_name = "mqtt", "value", "values"
    data_schema = Post
    history = timedelta(days=30)

    def __init__(self, config):
        self.config = config
        self.client: Any = None
        self.connected = asyncio.Event()

    def routes(self, direction, topic=None):
        for route in self.config["routes"]:
            here = topic is None or (topic.tenant, topic.key) == (route["tenant"], route["topic"])
            if here and route["direction"] in (direction, "both"):
                yield route

    async def authorize(self, identity, action, topic):
        out = any(self.routes("out", topic))
        if not out and not any(self.routes("in", topic)):
            raise NotFound("no such topic")
        return action != "publish" or (out and identity.may("mqtt"))

    async def receive(self, identity, topic, data):
        post = await super().receive(identity, topic, data)
        self.way_out(topic, post)
        return post

    def way_out(self, topic, post):
        """The QoS and the payload with which this post leaves, or why it may not."""
        try:
            payload = decoded(post)
        except ValueError:
            raise BadRequest("payload: not base64") from None
        if len(payload) > self.config["payload_bytes"]:
            raise BadRequest("payload: too long")
        for route in self.routes("out", topic):
            if aiomqtt.Topic(post["mqtt"]).matches(route["filter"]):
                return route["qos"], payload
        raise Denied("mqtt: no route leads there")

    async def send(self, message):
        """Raises where the broker is away or silent; the message then comes again."""
        if message.sender is None:
            return  # said by the house: it came from the broker
        try:
            qos, payload = self.way_out(message.topic, post := Post().load(message.data))
        except (ChatError, ValidationError):  # another plugin's, or the routes have changed
            log.warning("message %s has no way out", message.id)
            return
        marks = Properties(PacketTypes.PUBLISH)
        number = f"{message.epoch}-{message.id}"  # the same each time it is sent
        marks.UserProperty = [("bridge", self.config["client_id"]), ("id", number)]
        async with asyncio.timeout(30):
            await self.connected.wait()
            await self.client.publish(post["mqtt"], payload, qos, post["retain"], marks)

    async def run(self, _lease):
        """One connection; where it ends, the house begins another, a little later each time."""
        keep = Properties(PacketTypes.CONNECT)
        keep.SessionExpiryInterval = self.config["away_seconds"]
        keep.MaximumPacketSize = self.config["payload_bytes"] + 4096  # more is not sent to us
        client = aiomqtt.Client(
            host := self.config["host"],
            self.config["port"],
            username=self.config["username"],
            password=self.config["password"],
            tls_context=ssl.create_default_context() if self.config["tls"] else None,
            identifier=self.config["client_id"],
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=False,
            properties=keep,
            queue_type=Newest,
            max_queued_incoming_messages=self.config["per_second"],
        )
        try:
            async with client:
                await self.subscribe(client)
                log.info("broker %s: connected", host)
                self.client = client
                self.connected.set()
                await self.listen(client.messages)
        except aiomqtt.MqttError as error:
            log.warning("broker %s: %s", host, error)
            raise
        finally:
            self.connected.clear()

    async def subscribe(self, client):
        for route in self.routes("in"):
            mark = Properties(PacketTypes.SUBSCRIBE)
            mark.SubscriptionIdentifier = number_of(route)
            options = SubscribeOptions(route["qos"], retainAsPublished=True)
            (code,) = await client.subscribe(route["filter"], 0, options, mark)
            if code.is_failure:
                log.warning("the broker refuses %s: %s", route["filter"], code)

    async def listen(self, messages):
        async for first in messages:
            batch = [first]
            while len(messages) and len(batch) < 100:
                batch.append(await anext(messages))
            await self.take(batch)
            await asyncio.sleep(len(batch) / self.config["per_second"])

    async def take(self, batch):
        try:
            await self.server.write(lambda tx: [self.put(tx, message) for message in batch])
        except ChatError as error:  # one is too long, or a filter refuses it: the others go on
            if len(batch) == 1:
                log.warning("a message of the broker is left out: %s", error.code)
            for message in batch if len(batch) > 1 else ():
                await self.take([message])

    def put(self, tx, message):
        """A broker sends a message once for each filter that it fits, and says for which."""
        name = message.topic.value
        there: dict[Topic, Any] = {}
        for route in self.routes("in"):
            if message.topic.matches(route["filter"]):  # of a topic's routes the first counts
                there.setdefault(Topic(route["tenant"], self.kind, route["topic"]), route)
        numbers = getattr(message.properties, "SubscriptionIdentifier", [])
        ours = ("bridge", self.config["client_id"])
        item = name if len(name) <= 128 else hashlib.sha256(name.encode()).hexdigest()
        for topic in [topic for topic, route in there.items() if number_of(route) in numbers]:
            if message.retain and not message.payload:
                self.delete_in(tx, topic, item)
            elif message.retain:
                known = self.get_in(tx, topic, item)
                if known or len(self.items_in(tx, topic)) < self.snapshot_limit:
                    self.set_in(tx, topic, item, encoded(name, message.payload))
            elif ours not in getattr(message.properties, "UserProperty", []):
                tx.publish(topic, encoded(name, message.payload))


@hookimpl
def register_config():
    return Settings


@hookimpl
def register_topics(config):
    return [Mqtt(config)]


@hookimpl
def register_consumers(server):
    return [Consumer("out", handle=server.provider("mqtt").send, kinds=["mqtt"])]


@hookimpl
def startup(server):
    server.run_once("broker", server.provider("mqtt").run)
