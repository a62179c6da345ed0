"""A socket that gets all that is addressed to its person: what faces are, without their words."""

import contextlib
import json
from types import ModuleType

from support.server import Native
from tornado_chat import Dialect, hookimpl


class Mine(Dialect):
    """Each message as {"topic", "id", "data"}; reads nothing."""

    path = "/mine"
    addressed = True

    async def receive(self, session, text):
        """Whatever comes means: I listen now."""

    def encode(self, message):
        return json.dumps(
            {"topic": message.topic.name, "id": message.id, "data": message.data}
        ).encode()


@hookimpl
def register_dialects():
    return [Mine()]


def mine():
    """The plugin."""
    module = ModuleType("mine")
    module.api, module.register_dialects = 1, register_dialects
    return module


@contextlib.asynccontextmanager
async def listening(site, name):
    """A socket of that person which listens already; `next` and `quiet` as of a native client."""
    async with site.open("/mine", name) as socket:
        await socket.send("here")
        yield Native(socket)
