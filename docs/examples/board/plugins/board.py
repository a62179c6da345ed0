from marshmallow import Schema, fields, validate
from tornado_chat import PluginHandler, Topic, TopicProvider, hookimpl

api = 1


class Note(Schema):
    text = fields.String(required=True, validate=validate.Length(1, 200))


class Board(TopicProvider):
    kind = "board"  # it owns every topic board:…
    data_schema = Note  # what a person may post

    async def authorize(self, identity, action, topic):
        return True  # subscribe, publish, history: everybody of the company

    async def snapshot(self, identity, topic):
        last, _more = await self.server.read(lambda tx: tx.log.page(topic, limit=3))
        return {"notes": [{"id": message.id, **message.data} for message in last]}


class Hook(PluginHandler):
    async def post(self, key):
        topic = Topic(self.identity.tenant, "board", key)
        message = await self.server.publish(topic, self.body(Note), sender_name="hook")
        self.answer({"id": message.id})


@hookimpl
def register_topics():
    return [Board()]


@hookimpl
def register_routes():
    return [(r"/(\w+)", Hook)]
