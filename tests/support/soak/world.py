"""What a soak consists of: people, rooms, the clock, and the record of all that was said."""

import asyncio
import random
import socket
import time
from dataclasses import dataclass, field

from support.process import toml

TENANT = "SOAK"
ROOMS = ("small", "plain", "bulk")  # `bulk`: large messages in bursts, for few
WATCHERS = "WATCHERS"  # a group


@dataclass(slots=True)
class Said:
    """One message as its publisher knows it. `mark`: what it is found by, in its text."""

    mark: str
    by: str
    topic: str  # the name of a room, or a topic of notifications
    audience: frozenset[str] | None  # the people it is for; None: the members of the room
    text: str
    at: float
    key: str | None = None  # the publisher's own
    tries: int = 0
    answers: list[dict] = field(default_factory=list)  # each {"id", "offset", "duplicate"}
    acked: float | None = None
    refused: str | None = None


def person(name, **more):
    return {
        "user_id": f"u-{name}",
        "login_name": name,
        "full_name": name.title(),
        "tenant": TENANT,
        "api_key": key_of(name),
        **more,
    }


def key_of(name):
    return f"key-of-{name}-0123456789"


def free_port(rng):
    """One that no outgoing connection takes while the server is dead: below the ephemeral range."""
    while True:
        port = rng.randrange(20_000, 30_000)
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class World:
    """`rooms`: name -> id, once they are made; `members`: name of a room -> people in it."""

    def __init__(self, seed):
        self.seed = seed
        self.rng = random.Random(seed)
        self.port = free_port(random.Random())
        self.began = time.monotonic()
        self.kills = []  # when
        self.starts = []  # when the server listened again
        self.said = {}  # mark -> Said
        self.rooms = {}
        self.members = {room: set() for room in ROOMS}
        self.groups = {}  # person -> groups
        self.publishing = False
        self.complaints = []  # what was wrong the moment it came

    @property
    def now(self):
        """Seconds since the beginning."""
        return time.monotonic() - self.began

    def rng_of(self, name):
        """A chance of one's own, so that one client's luck does not hang on another's."""
        return random.Random(f"{self.seed}:{name}")

    def complain(self, who, text):
        self.complaints.append(f"{who}: {text}, {self.when(self.now)}")

    def when(self, at):
        """A moment, told by the kills around it."""
        before = [number for number, kill in enumerate(self.kills, 1) if kill <= at]
        after = [number for number, kill in enumerate(self.kills, 1) if kill > at]
        words = [f"at {at:.2f} s"]
        if before:
            words.append(f"{at - self.kills[before[-1] - 1]:.2f} s after kill {before[-1]}")
        if after:
            words.append(f"{self.kills[after[0] - 1] - at:.2f} s before kill {after[0]}")
        return ", ".join(words)

    def topic_id(self, topic):
        """As the native wire names it."""
        return f"room:{self.rooms[topic]}" if topic in self.rooms else topic

    def is_for(self, name, said):
        """Whether that person gets it."""
        if said.by == name:
            return False
        return name in (self.members[said.topic] if said.audience is None else said.audience)

    def say(self, by, topic, *, audience=None, key=None, pad=0):
        """A new message, remembered before it is sent."""
        mark = f"{by}-{len(self.said):06d}"
        said = Said(mark, by, topic, audience, mark + " " + "x" * pad, self.now, key and mark)
        self.said[mark] = said
        return said

    def configuration(self, names):
        users = [
            person(name, groups=self.groups.get(name, []), permissions=["notify"]) for name in names
        ]
        return toml(
            {
                "delivery": {
                    "settle_seconds": 0.3,
                    "ping_seconds": 3.0,
                    "replay_messages": 100_000,
                },
                "limits": {"outbox_bytes": 131_072, "auth_attempts_per_minute": 0},
                "users": users,
            }
        )


async def until(found, seconds, step=0.05):
    """Whether `found()` became true in that time."""
    deadline = time.monotonic() + seconds
    while not found():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(step)
    return True
