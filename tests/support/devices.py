"""Clients that come, are cut and come back, and know what they must be given.

`Reader` holds the property: each message of its topic once, in order, or told `complete: false`.
"""

import orjson

from support.pipes import Pipe
from tornado_chat.messages import MINE, Identity, Topic

LAST = 1 << 60


class Reader:
    """What one device has of one topic, or (`topic` None) of all that is addressed to its person.

    `listens`: it may be given messages. `first`: it is about what comes after. `position`: up to
    where it has them. `excused`: offsets that need not come, since it was told. `aside`: of all that
    is addressed to a person, what came, or was told of, by the name of its topic.
    """

    def __init__(self, story, device, name):
        self.story, self.device, self.name = story, device, name
        self.topic = None if name == MINE else Topic.parse("SHOP", name)
        self.listens = False
        self.first = self.position = 0
        self.epoch = self.last = None  # of the last message it has
        self.excused = set()

    def __str__(self):
        return f"{self.device} in {self.name} at {self.position}"

    def is_for(self, message):
        if self.topic is not None:
            return message.topic == self.topic and message.audience.includes(self.device.identity)
        if message.audience.members:
            return self.device.identity.user_id in message.members
        return message.audience.includes(self.device.identity)

    def may_miss(self, message):
        if message.offset in self.excused:
            return True
        if self.topic is not None:
            return False
        named = self.device.readers.get(message.topic.name)
        if named and named.listens and message.offset > named.first:
            return True
        user = self.device.identity.user_id  # of rooms he has left since
        return any(
            (topic, who) == (message.topic, user) and head >= message.offset
            for topic, who, head in self.story.departures
        )

    def incomplete(self):
        """Whether something after its position was thrown away that a house may take for its: a
        topic remembers how far it was pruned, not whose messages that were."""
        return any(
            message.offset > self.position and (message.topic == self.topic or self.topic is None)
            for message in self.story.thrown_away
        )

    def missing(self, upto):
        return [
            message.offset
            for message in self.story.log
            if self.position < message.offset <= upto
            and self.is_for(message)
            and not self.may_miss(message)
        ]

    @property
    def wanted(self):
        """It listens, or has asked to."""
        asked = [each for each in self.device.asked.values() if self.name in each.get("topics", ())]
        return self.listens or bool(asked)

    def since(self):
        """What it asks for when it comes back; None where it never had anything."""
        return self.epoch and {"epoch": self.epoch, "offset": self.position}

    def subscribed(self, asked, reply):
        """The reply: `asked` is the since of the command."""
        story, self.excused = self.story, set()
        self.stopped(upto=LAST if not reply["complete"] else self.position)
        self.listens, self.epoch = True, reply["epoch"]
        if asked == "start" or not reply["complete"]:
            self.last = None  # it takes what it is given, not what it had
        if asked == "start":
            self.first = 0
            self.excused |= set() if reply["complete"] else story.gone
        elif reply["complete"]:
            assert asked, f"{self}: complete, but nobody asked since when"
            assert story.holds(self.last), f"{self}: complete, but of another log"
            self.first, self.epoch = asked["offset"], asked["epoch"]
        else:
            known = asked and not self.incomplete() and story.agrees(asked)
            assert not known, f"{self}: not complete, and why?"
            self.first = reply["offset"]
        self.position = self.first
        state = reply["state"]
        if state is not None:
            known = {m.offset for m in story.log if self.is_for(m) and m.offset <= reply["offset"]}
            assert not known - story.gone - set(state), f"{self}: a state from before the mark"

    def stopped(self, upto=LAST):
        """What it had, was told is missing, or was dropped since it was left: the one on all that is
        his need not give it."""
        self.listens, mine = False, self.device.readers.get(MINE)
        if mine is not None and self.topic is not None:
            mine.excused |= {
                message.offset
                for message in self.story.log
                if message.topic == self.topic and self.first < message.offset <= upto
            }

    def pushed(self, body):
        offset = body["offset"]
        assert self.listens, f"{self}: {offset} though not subscribed"
        assert offset > self.position, f"{self}: {offset} again, or too late"
        assert not self.missing(offset - 1), f"{self}: {offset} before {self.missing(offset - 1)}"
        found = [message for message in self.story.log if message.offset == offset]
        assert found and self.is_for(found[0]), f"{self}: {offset} is not for him"
        assert body["data"] == found[0].data, f"{self}: {offset} is another message"
        self.position, self.epoch, self.last = offset, body["epoch"], (offset, body["data"]["n"])
        self.story.pushes += 1

    def check_complete(self):
        if self.listens and self.story.log:
            missing = self.missing(self.story.log[-1].offset)
            assert not missing, f"{self}: never got {missing}"


class Device:
    """A client of the native protocol: comes, is cut, comes back with what it has."""

    def __init__(self, story, name, user, groups=()):
        self.story, self.name = story, name
        self.identity = Identity(user, "SHOP", user.title(), groups=frozenset(groups))
        self.wire = None
        self.readers = {}
        self.asked = {}
        self.unsent = []  # publishes without an answer

    def __str__(self):
        return self.name

    def reader(self, name):
        return self.readers.setdefault(name, Reader(self.story, self, name))

    def connect(self):
        if self.wire is None:
            self.wire = Pipe(self.story.house, self.story.house.native, self)
            for frame in self.unsent:
                self._ask(frame)
        return self.wire

    def lost(self, wire):
        if self.wire is wire:
            self.wire = None
            self.asked.clear()
            for reader in self.readers.values():
                reader.listens = False

    def house_ended(self, *, kill):
        if self.wire is not None:
            self.wire.closed = True
            self.lost(self.wire)

    def house_restored(self, head):
        """It has what it has."""

    def hurry(self):
        if self.wire is not None:
            self.wire.flow()

    def _ask(self, frame):
        wire = self.connect()
        number = self.story.serial()
        self.asked[number] = frame
        wire.say({"id": number, **frame})

    def subscribe(self, since, *names):
        more = {"since": since} if since else {}
        self._ask({"do": "subscribe", "topics": list(names), **more})

    def unsubscribe(self, name):
        self._ask({"do": "unsubscribe", "topic": name})

    def publish(self, name, size):
        number = self.story.serial()
        data = {"n": number, "pad": "x" * size}
        frame = {"do": "publish", "topic": name, "key": f"k{number}", "data": data}
        self.connect()
        self.unsent.append(frame)
        self._ask(frame)

    def hear(self, wire, opcode, payload):
        if wire is not self.wire or opcode != 0x81:
            return
        frame = orjson.loads(payload)
        if "push" in frame:
            self._whose(frame["push"]).pushed(frame["push"])
        elif "ok" in frame:
            self._answered(self.asked.pop(frame["id"]), frame["ok"])
        elif "error" in frame and frame["id"] is None:
            self._ended(self.reader(frame["topic"]), frame["error"]["code"])
        elif "error" in frame:
            self._refused(self.asked.pop(frame["id"]), frame["error"])

    def _whose(self, body):
        """By the name of its topic, as far as that goes; else it is of all that is his."""
        reader = self.reader(body["topic"])
        if MINE in self.readers and not (reader.listens and body["offset"] > reader.first):
            return self.readers[MINE]
        return reader

    def _answered(self, asked, body):
        if asked["do"] == "subscribe":
            for item in body["topics"]:
                reader = self.reader(item["topic"])
                if "error" in item:
                    reader.stopped()
                    self.story.check_refusal(reader, item["error"]["code"])
                else:
                    reader.subscribed(asked.get("since"), item)
        elif asked["do"] == "unsubscribe":
            self.reader(asked["topic"]).stopped(body["mark"])
        elif asked["do"] == "publish":
            self.unsent.remove(asked)
            self.story.acknowledge(asked["data"]["n"], body["offset"])

    def _ended(self, reader, code):
        assert reader.wanted, f"{reader}: ended twice"
        reader.stopped()
        self.story.check_refusal(reader, code)

    def _refused(self, asked, error):
        if asked["do"] == "publish" and error["code"] != "unavailable":
            assert error["code"] == "denied", error
            self.unsent.remove(asked)
