from marshmallow import Schema, fields
from tornado_chat import PluginHandler, StateProvider, Topic, hookimpl

api = 1


class Machines(StateProvider):
    kind, item_name, state_name = "machines", "machine", "machines"

    def topic(self, key):  # machines:SHOP, the key is the company
        return Topic(key, self.kind, key)

    async def authorize(self, identity, action, topic):
        return topic.key == identity.tenant and action != "publish"


class Machine(Schema):
    state = fields.String(required=True)


class Report(PluginHandler):
    async def put(self, name):
        machines = self.server.provider("machines")
        message = await machines.set(self.identity.tenant, name, self.body(Machine))
        self.answer({"changed": message is not None})


@hookimpl
def register_topics():
    return [Machines()]


@hookimpl
def register_routes():
    return [(r"/([\w-]+)", Report)]
