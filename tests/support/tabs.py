"""Clients that never acknowledge: a face whose sockets are reached by person, and what is proved by
their pongs. They know no position; what they must be given is all that is addressed to them.
"""

import asyncio
import sqlite3

import orjson

from support.pipes import Pipe
from support.story import Story
from tornado_chat import protocol
from tornado_chat.errors import Unavailable
from tornado_chat.messages import Identity
from tornado_chat.web.dialect import Dialect

SETTLE = 2.0  # seconds


class Face(Dialect):
    path = "/face"
    addressed = True
    settle_seconds = SETTLE

    async def receive(self, session, text):
        """Only the first frame matters, whatever it says."""

    def encode(self, message):
        return protocol.push(message)


class Tab:
    """One window of a front-end. `alone`: no other has its key, and none of its sockets hangs, so
    that what was proved must not come again.

    `had`: the numbers of the messages it has. `first`: what was said before it first came is not its
    business. `proved`: up to there the house knows what it has.
    """

    def __init__(self, story, name, user, key, groups=(), *, alone=False):
        self.story, self.name, self.alone = story, name, alone
        self.identity = Identity(user, "SHOP", user.title(), groups=frozenset(groups), key=key)
        self.pipe = self.opening = None
        self.hanging = []  # sockets that the peer has given up and the house has not
        self.had, self.first, self.proved = set(), None, 0

    def __str__(self):
        return self.name

    @property
    def wire(self):
        return self.pipe

    def open(self):
        if self.pipe is None and self.opening is None:
            self.opening = self.story.house.loop.create_task(self._open(self.story.house))

    async def _open(self, house):
        this = self.opening
        proved = self.proved  # what the house knows by now
        try:
            cursor = await house.cursors.open(Face.path, self.identity)
        except Unavailable:
            self.opening = None
            return
        if self.opening is not this:  # it did not wait for the answer
            house.cursors.abandon(cursor)
            return
        self.opening, self.pipe = None, Pipe(house, self.story.face, self, cursor)
        self.pipe.opened, self.pipe.spoke = house.loop.now, False
        self.pipe.last, self.pipe.proved, self.pipe.pings = None, proved, []
        if self.first is None:
            self.first = self.story.head

    def speak(self):
        if self.pipe is not None:
            pipe = self.pipe
            self.story.house.loop.call_soon(self._spoken, pipe)

    @staticmethod
    def _spoken(pipe):
        pipe.spoke = True
        pipe._arrive("hello")

    def pong(self):
        if self.pipe is not None and self.pipe.pings:
            payload, upto = self.pipe.pings.pop(0)
            self.story.house.loop.call_soon(self._answered, self.pipe, payload, upto)

    def _answered(self, pipe, payload, upto):
        if not pipe.closed and pipe.session.closed is None:
            pipe.pong(payload)
            self.proved = max(self.proved, upto)

    def leave(self, code):
        """The server sees it go. Who did not wait to be let in is gone, too."""
        if self.opening is not None and not self.alone:
            self.opening = None
        if self.pipe is not None:
            self.story.house.loop.call_soon(self.pipe.cut, code)

    def come_back(self):
        """As a front-end does whose socket was cut."""
        self.leave(1006)
        self.story.house.loop.call_soon(self.open)

    def hang(self):
        """Its network is gone; the server sees nothing of it."""
        if self.pipe is not None and not self.alone:
            self.pipe.deaf = True
            self.hanging.append(self.pipe)
            self.pipe = None

    def notice(self):
        if self.hanging:
            self.story.house.loop.call_soon(self.hanging.pop(0).cut)

    def lost(self, pipe):
        if self.pipe is pipe:
            self.pipe = None
        if pipe in self.hanging:
            self.hanging.remove(pipe)

    def hear(self, pipe, opcode, payload):
        if pipe is not self.pipe:
            return
        if opcode == 0x89:
            pipe.pings.append((payload, pipe.last or 0))
        elif opcode == 0x81:
            self._pushed(pipe, orjson.loads(payload)["push"])

    def is_for(self, message):
        if message.audience.members:
            return self.identity.user_id in message.members
        return message.audience.includes(self.identity)

    def _pushed(self, pipe, body):
        offset, who, story = body["offset"], f"{self} at {pipe.last}", self.story
        found = [message for message in story.log if message.offset == offset]
        assert found and self.is_for(found[0]), f"{who}: {offset} is not for it"
        assert found[0].data == body["data"], f"{who}: {offset} is another message"
        settled = pipe.spoke or story.house.loop.now >= pipe.opened + SETTLE
        assert settled, f"{who}: {offset} before it listens"
        assert pipe.last is None or offset > pipe.last, f"{who}: {offset} again, or too late"
        again = self.alone and offset <= pipe.proved
        assert not again, f"{who}: {offset}, and {pipe.proved} was proved"
        if pipe.last is not None:
            missing = [m.offset for m in self._due() if pipe.last < m.offset < offset]
            assert not missing, f"{who}: {offset} before {missing}"
        pipe.last = offset
        self.had.add(body["data"]["n"])
        story.pushes += 1

    def _due(self):
        """What it must be given, if it has not got it: not its own, not of rooms it left."""
        user = self.identity.user_id
        for message in self.story.log:
            left = any(
                (topic, who) == (message.topic, user) and head >= message.offset
                for topic, who, head in self.story.departures
            )
            own = message.sender == user
            gone = message.offset in self.story.gone
            if self.is_for(message) and not left and not own and not gone:
                yield message

    def check_complete(self):
        if self.first is not None:
            missing = [
                message.offset
                for message in self._due()
                if message.offset > self.first and message.data["n"] not in self.had
            ]
            assert not missing, f"{self}: never got {missing}"

    def hurry(self):
        self.speak()
        self.pong()
        for pipe in [*self.hanging, self.pipe]:
            if pipe is not None:
                pipe.flow()

    def house_ended(self, *, kill):
        for pipe in [*self.hanging, self.pipe]:
            if pipe is not None:
                pipe.closed = True
        self.hanging, self.pipe, self.opening = [], None, None
        if kill:
            self.proved = min(self.proved, self.story.stored(self.identity.key))

    def house_restored(self, head):
        self.proved = 0
        if self.first is not None and self.first > head:
            self.first = None


class TabStory(Story):
    """Ann has one tab. Bob has two with one key: all three are open from the beginning."""

    def __init__(self, folder):
        self.face = Face()
        super().__init__(folder)
        self.peers = [
            Tab(self, "ann's tab", "ann", "a", alone=True),
            Tab(self, "bob's tab", "bob", "b", ["staff"]),
            Tab(self, "bob's other tab", "bob", "b", ["staff"]),
        ]
        for tab in self.peers:
            tab.open()
        self.house.finish(asyncio.wait([tab.opening for tab in self.peers]))
        self._come_to_rest()  # who is new might be taken for another that comes back
        self._backup_now()

    def stored(self, key):
        """The highest position that a row of this key has."""
        database = sqlite3.connect(self._file)
        query = "SELECT max(position) FROM cursor WHERE key = ?"
        [(found,)] = database.execute(query, [key]).fetchall()
        database.close()
        return found or 0

    # The words

    def open(self, a, b):
        self._peer(a).open()

    def speak(self, a, b):
        self._peer(a).speak()

    def pong(self, a, b):
        self._peer(a).pong()

    def hang(self, a, b):
        self._peer(a).hang()

    def notice(self, a, b):
        self._peer(a).notice()

    def drop(self, a, b):
        self._peer(a).leave(1006)

    def come_back(self, a, b):
        self._peer(a).come_back()

    def close_tab(self, a, b):
        """On purpose. Whoever comes with this key then is another one, which only who is alone can
        be sure of."""
        tab = self._peer(a)
        tab.leave(1001 if tab.alone else 1006)

    def tick(self, a, b):
        self.house.loop.now += 1
        self.house.loop.call_soon(self.house.tick)

    # The end

    def settle(self):
        self.resting = True
        self._come_to_rest()
        for tab in self.peers:
            tab.open()
        self._come_to_rest()
        for tab in self.peers:
            tab.check_complete()
        self.check_log()
