"""Those who listen: websockets by hand, so that a test decides what is read and what is answered."""

import asyncio
import contextlib
import json
import struct
from dataclasses import dataclass, field

from support.soak.world import key_of
from support.wire import CLOSE, PING, PONG, TEXT, Wire

GONE = (OSError, EOFError, TimeoutError, AssertionError)
PROBE = "probe"  # what is said before it begins, until everybody has heard it
SILENCE = 40  # seconds without even a ping


@dataclass(slots=True)
class Connection:
    """`seen`: (mark, when) in order. `pongs`: (when one was sent, how many were seen before its
    ping). `hung`: it was not closed, nobody reads it any more."""

    opened: float
    closed: float | None = None
    hung: bool = False
    seen: list = field(default_factory=list)
    pongs: list = field(default_factory=list)


class Listener:
    """One device of a person; `person` may have several with the same key. A connection's frames are
    read until it ends, as a client's own stack does."""

    path = ""
    window = None

    def __init__(self, world, name, person=None):
        self.world = world
        self.name = name
        self.person = person or name
        self.rng = world.rng_of(name)
        self.connections = []
        self.ready = False  # it has been answered, or has seen the probe
        self.marks = set()  # of what was seen

    async def run(self):
        tries = 0
        while True:
            before = len(self.connections)
            with contextlib.suppress(*GONE):
                await self._listen()
            tries = 0 if len(self.connections) > before else tries + 1
            await asyncio.sleep(self.pause(tries))

    def pause(self, tries):
        """Seconds before it comes back; `tries`: how often in a row it came in vain."""
        raise NotImplementedError

    def wants(self, said):
        """Whether that message must reach it."""
        return self.world.is_for(self.person, said) and self.takes(said.topic)

    def takes(self, topic):
        raise NotImplementedError

    async def _listen(self):
        async with contextlib.AsyncExitStack() as stack:
            wire = await stack.enter_async_context(
                Wire.open(self.world, self.path, None, window=self.window, key=key_of(self.person))
            )
            connection = Connection(self.world.now)
            self.connections.append(connection)
            try:
                await self.talk(wire, connection, stack)
            finally:
                connection.closed = self.world.now

    async def talk(self, wire, connection, stack):
        self.greet(wire)
        while True:
            await self.read(wire, connection)

    def greet(self, wire):
        """What it says first."""

    async def read(self, wire, connection):
        opcode, payload = await wire.frame(SILENCE)
        if opcode == TEXT:
            self.heard(json.loads(payload), connection)
        elif opcode == PING:
            wire.write(PONG, payload)
            connection.pongs.append((self.world.now, len(connection.seen)))
        elif opcode == CLOSE:
            code = struct.unpack("!H", payload[:2])[0] if payload else 1005
            self.closing(code)
            wire.write(CLOSE, payload[:2])
            raise EOFError
        return len(payload)

    def closing(self, code):
        if code not in {1000, 1012, 1013, 4008}:
            self.world.complain(self.name, f"was closed with {code}")

    def heard(self, frame, connection):
        raise NotImplementedError

    def saw(self, mark, text, connection):
        """A message came; what nobody has said is a fault at once."""
        if mark == PROBE:
            return
        said = self.world.said.get(mark)
        if said is None or said.text != text:
            self.world.complain(self.name, f"saw what nobody said: {mark}")
        elif not self.world.is_for(self.person, said):
            self.world.complain(self.name, f"saw {mark}, which is not for it")
        connection.seen.append((mark, self.world.now))
        self.marks.add(mark)


class NativeListener(Listener):
    """`topics`: names of rooms, "mine" last. Comes back with growing pauses, and resumes each where
    it was. `listed`: with one position for all of them, the lowest. Then, and for a topic by name
    beside `mine`, it passes over what it has, as docs/reference/native.md says."""

    path = "/ws"

    def __init__(self, world, name, topics, *, listed=False):
        super().__init__(world, name)
        self.topics = topics
        self.listed = listed
        self.positions = {}  # topic of the wire -> {"epoch", "offset"}
        self.got = {}  # topic of the wire -> [(offset, mark)]
        self.epochs = {}  # offset -> epoch, as told
        self.ids = {}  # offset -> id
        self._answered = set()

    def pause(self, tries):
        return self.rng.uniform(0, min(2.0, 0.2 * 2**tries))

    def takes(self, topic):
        return "mine" in self.topics or topic in self.topics

    @property
    def wanted(self):
        return [self.world.topic_id(topic) for topic in self.topics]

    def greet(self, wire):
        self._answered = set()
        if self.listed:
            known = [self.positions.get(topic) for topic in self.wanted]
            since = min(known, key=lambda each: each["offset"]) if all(known) else "start"
            wire.send({"id": "all", "do": "subscribe", "topics": self.wanted, "since": since})
            return
        for topic in self.wanted:
            since = self.positions.get(topic, "start")
            wire.send({"id": topic, "do": "subscribe", "topic": topic, "since": since})

    def heard(self, frame, connection):
        if "push" in frame:
            self._pushed(frame["push"], connection)
        elif "ok" in frame:
            for reply in frame["ok"].get("topics", [frame["ok"]]):
                self._subscribed(reply)
        elif "error" in frame:
            self.world.complain(self.name, f"was told {frame['error']}")

    def _subscribed(self, reply):
        if "error" in reply or not reply["complete"]:
            told = reply.get("error", "complete: false")
            self.world.complain(self.name, f"resumed {reply['topic']} and was told {told}")
        self._answered.add(reply["topic"])
        self.ready = len(self._answered) == len(self.topics)

    def _pushed(self, push, connection):
        topic = push["topic"] if push["topic"] in self.wanted else "mine"
        offset, data = push["offset"], push["data"]
        text = data.get("content") or data["message"]["message"]
        mark = text.split(" ", 1)[0]
        if topic not in self._answered:
            self.world.complain(self.name, f"saw {mark} of {topic} before the reply to subscribe")
        had = self.got.setdefault(topic, [])
        last = had[-1][0] if had else 0
        if offset <= last and (self.listed or (topic != "mine" and "mine" in self.topics)):
            return
        if offset <= last:
            self.world.complain(
                self.name, f"{topic}: offset {offset} ({mark}) came after {last} ({had[-1][1]})"
            )
        had.append((offset, mark))
        self.epochs[offset], self.ids[offset] = push["epoch"], push["id"]
        self.positions[topic] = {"epoch": push["epoch"], "offset": offset}
        self.saw(mark, text, connection)


class FaceListener(Listener):
    """A front-end of GrowERP: comes back after a fixed time. `habit`: what is wrong with it.

    plain; `again`: closes with 1000 and opens anew now and then; `hangs`: its connection dies
    without a word and it opens another one; `stops`: reads nothing for a while; `slow`: reads less
    than comes, so that what it is sent waits.
    """

    def __init__(self, world, name, *, person=None, habit="plain", pause=0.5):
        super().__init__(world, name, person)
        self.habit = habit
        self._pause = pause
        self._hung = []  # connections that nobody reads any more
        self._turn = self._next_turn()
        if habit in {"stops", "slow"}:
            self.window = 4096

    def pause(self, tries):
        return self._pause

    def _next_turn(self):
        least, most = (6, 15) if self.habit == "hangs" else (2, 8)
        return self.world.now + self.rng.uniform(least, most)

    async def talk(self, wire, connection, stack):
        self.greet(wire)
        while True:
            size = await self.read(wire, connection)
            if self.habit == "slow" and self.world.publishing:
                await asyncio.sleep(size / 150_000)
            if self.world.now < self._turn or not self.world.publishing:
                continue
            self._turn = self._next_turn()
            if self.habit == "stops":
                await asyncio.sleep(self.rng.choice((1, 3, 6, 12)))
            elif self.habit == "again":
                wire.write(CLOSE, struct.pack("!H", 1000))
                while True:  # what comes before the goodbye is answered
                    await self.read(wire, connection)
            elif self.habit == "hangs":
                connection.hung = True
                self._hung.append(stack.pop_all())
                while len(self._hung) > 2:
                    await self._hung.pop(0).aclose()
                return

    async def finish(self):
        for stack in self._hung:
            await stack.aclose()


class ChatListener(FaceListener):
    path = "/chat"

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.ids = {}  # mark -> chatMessageId

    def heard(self, frame, connection):
        text = frame["content"]
        mark = text.split(" ", 1)[0]
        if mark == PROBE:
            self.ready = True
        elif self.ids.setdefault(mark, frame["chatMessageId"]) != frame["chatMessageId"]:
            self.world.complain(self.name, f"saw {mark} under two ids")
        self.saw(mark, text, connection)

    def takes(self, topic):
        return topic in self.world.rooms


class NoticeListener(FaceListener):
    """Subscribes once, as the front-end does. `topics`: what it says then."""

    path = "/notws"

    def __init__(self, *args, topics="ALL", **more):
        super().__init__(*args, **more)
        self.topics = topics

    def greet(self, wire):
        if not self.ready:
            wire.send(f"subscribe: {self.topics}")

    def heard(self, frame, connection):
        text = frame["message"]["message"]
        if text == PROBE:
            self.ready = True
        self.saw(text.split(" ", 1)[0], text, connection)

    def takes(self, topic):
        if topic in self.world.rooms:
            return False
        return self.topics == "ALL" or topic in self.topics.split(", ")
