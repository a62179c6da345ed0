"""A running server with the rooms alone, and what tests do with them.

    async with rooms_server() as site:
        room = await site.make("ann", "bob", name="Lunch")
        await site.say("ann", room, "at twelve?")

People are named as in `support.server`; ids of rooms and users come in and out as they are.
"""

import contextlib

import tornado_chat_plugins.chat_rooms as plugin

from support.server import key_of, running_server
from tornado_chat import Credentials, Topic

PATH = "/plugins/chat_rooms/rooms"


class RoomSite:
    """`rooms`: what the plugin offers to others; everything else as `Site` has it."""

    def __init__(self, site):
        self.site = site
        self.server = site.server
        self.rooms = site.server.service("chat_rooms")
        self.connect = site.connect
        self.fetch = site.fetch

    async def who(self, name):
        return await self.server.identify(Credentials(key=key_of(name)))

    async def make(self, maker, *others, name=None, private=False):
        """The id of a room."""
        room, _ = await self.rooms.create(
            await self.who(maker), name=name, private=private, members=ids(*others)
        )
        return room.room_id

    async def say(self, name, room_id, content="something"):
        identity = await self.who(name)
        topic = Topic(identity.tenant, "room", room_id)
        return (await self.server.post(identity, topic, {"content": content})).message

    async def get(self, name, room_id):
        return await self.rooms.get(await self.who(name), room_id)

    async def list(self, name, /, **wanted):
        """The ids of his rooms."""
        found = await self.rooms.list(await self.who(name), **wanted)
        return [room.room_id for room in found]

    async def change(self, name, room_id, /, **changes):
        return await self.rooms.change(await self.who(name), room_id, **changes)

    async def leave(self, name, room_id):
        return await self.rooms.leave(await self.who(name), room_id)

    async def read(self, name, room_id):
        return await self.rooms.read(await self.who(name), room_id)

    async def remove(self, name, room_id, user):
        await self.rooms.remove(await self.who(name), room_id, user)


def ids(*names):
    return [f"u-{name}" for name in names]


def member(room, name):
    """What a view says of somebody in the room."""
    return next(each for each in room.members if each.user_id == f"u-{name}")


def members(room):
    return {each.user_id for each in room.members}


@contextlib.asynccontextmanager
async def rooms_server(tables=None, **kwargs):
    async with running_server(tables, modules=[plugin], entry_points=False, **kwargs) as site:
        yield RoomSite(site)
