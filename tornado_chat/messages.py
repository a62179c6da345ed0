"""The values that travel through the house: topics, audiences, messages, identities.

All are frozen; none knows a socket, a database or a clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tornado_chat.errors import BadRequest

MINE = "mine"  # in the native protocol: all that is addressed to me
TOPIC_NAME_MAX = 128  # characters, design section 5 rule 7
EVERYTHING = frozenset({"*", "admin"})  # permissions that stand for all others


class Topic(NamedTuple):
    """A name inside one tenant that can be subscribed: `kind:key`, or a plain name.

    A plain name (a notification topic) has the empty kind. The same name in two tenants is two
    topics: they compare unequal.
    """

    tenant: str
    kind: str
    key: str

    @property
    def name(self) -> str:
        """The name as it stands on the wire, without its tenant."""
        return f"{self.kind}:{self.key}" if self.kind else self.key

    @classmethod
    def parse(cls, tenant: str | None, name: object) -> "Topic":
        """The topic that `name` means to somebody of `tenant`.

        Raises BadRequest when it is no name: empty, over 128 characters, or with control
        characters. An identity without a tenant can name nothing: an absent tenant equals nothing.
        """
        if not isinstance(name, str) or not name.strip():
            raise BadRequest("topic: a name is missing")
        if len(name) > TOPIC_NAME_MAX or not name.isprintable():
            raise BadRequest(f"topic: not a name of at most {TOPIC_NAME_MAX} printable characters")
        if not tenant:
            raise BadRequest(f"topic {name}: you belong to no tenant")
        if name == MINE:
            raise BadRequest(f"topic {MINE}: a reserved word, not a name")
        kind, colon, key = name.partition(":")
        if not colon:
            return cls(tenant, "", name)
        if not kind or not key:
            raise BadRequest(f"topic {name}: not of the form kind:key")
        return cls(tenant, kind, key)


@dataclass(frozen=True, slots=True)
class Audience:
    """To whom a message is addressed; always inside the tenant of its topic.

    `members`: those who belong to the topic, and whoever subscribed it by name and may.
    `everyone`: the whole tenant. `groups` and `users`: by id, added to one another.
    """

    members: bool = False
    everyone: bool = False
    groups: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.members and (self.everyone or self.groups or self.users):
            raise ValueError("audience: members stand alone, publish twice to reach others too")
        for name in (*self.groups, *self.users):
            if not name.isprintable():
                raise ValueError("audience: an id with characters that no id has")

    def addresses(self) -> list[str]:
        """What the log keeps beside the message, so that it is found for a person again:
        `t` the tenant, `g:` and `u:` with an id. Empty where only the topic leads to it."""
        found = ["t"] if self.everyone else []
        found += [f"g:{group}" for group in sorted(self.groups)]
        found += [f"u:{user}" for user in sorted(self.users)]
        return found

    def text(self) -> str:
        """As the log keeps it: empty for the members, `-` for nobody, else the addresses by line."""
        return "" if self.members else "\n".join(self.addresses()) or "-"

    @classmethod
    def from_text(cls, text: str) -> "Audience":
        """The inverse of `text`."""
        if not text:
            return MEMBERS
        parts = text.split("\n")
        return cls(
            everyone="t" in parts,
            groups=frozenset(part[2:] for part in parts if part.startswith("g:")),
            users=frozenset(part[2:] for part in parts if part.startswith("u:")),
        )

    def includes(self, identity: "Identity") -> bool:
        """Whether it names this person. Says nothing of tenants (the topic does) nor of members
        (who may subscribe the topic is the gate's word)."""
        return (
            self.members
            or self.everyone
            or identity.user_id in self.users
            or not self.groups.isdisjoint(identity.groups)
        )


MEMBERS = Audience(members=True)
EVERYONE = Audience(everyone=True)


@dataclass(frozen=True, slots=True)
class Message:
    """What was published on a topic, numbered.

    `offset`: its place in the one log; `epoch`: the stretch of that log. `number`: the how
    many-th of its topic it is, from 1. `at`: milliseconds since 1970, UTC. `sender`: a user id,
    or None for the house. `members`: who belonged to the topic when it was numbered, only while
    it is delivered for the first time; None when read from the log.
    """

    offset: int
    epoch: str
    topic: Topic
    number: int
    at: int
    data: Mapping[str, Any]
    audience: Audience = MEMBERS
    sender: str | None = None
    sender_name: str | None = None
    members: frozenset[str] | None = field(default=None, compare=False)

    @property
    def id(self) -> str:
        """The public id, a string of digits that rises with the offset (GrowERP's ids do too)."""
        return public_id(self.offset)

    def has_same_people(self, other: "Message") -> bool:
        """Whether the other is of the same topic and for the same people, so that both can be handed
        out together. Member sets are compared as objects: the writer keeps one until it changes."""
        return (
            self.topic == other.topic
            and self.members is other.members
            and (self.audience is other.audience or self.audience == other.audience)
        )

    @property
    def time(self) -> datetime:
        """When it was numbered, aware, UTC."""
        return datetime.fromtimestamp(self.at / 1000, UTC)


ID_BASE = 100_000


def public_id(offset: int) -> str:
    """The public id of the message with this offset."""
    return str(ID_BASE + offset)


def offset_of(text: str) -> int | None:
    """The offset behind a public message id; None where it cannot be one."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        return None
    offset = int(text) - ID_BASE
    return offset if offset > 0 else None


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that has no number yet: what `filter_message` sees and may replace.

    `key`: of the publisher, makes a retry safe (design section 5 rule 8), None without.
    `pair`: `(scope, path)` where the same text may come twice by two paths of which one is to be
    kept, None without; the scope names the api key by its hash. `digest`: of what was posted, before
    anybody completed or changed it, for both; empty without.
    """

    topic: Topic
    data: Mapping[str, Any]
    audience: Audience = MEMBERS
    sender: str | None = None
    sender_name: str | None = None
    key: str | None = None
    pair: tuple[str, str] | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Signal:
    """What is neither numbered nor stored: typing, presence, topics with `history = 0`.

    `person`: a user id whose native sessions get it, whatever they listen to, and nobody else.
    """

    topic: Topic
    name: str
    data: Mapping[str, Any]
    sender: str | None = None
    audience: Audience = MEMBERS
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a draft: the message, and whether it had been there already."""

    message: Message
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, as far as the house knows.

    `tenant` None: in no company, sees and reaches nothing. `name`: the full name, never None.
    `key`: SHA-256 in hex of the api key that was shown, None where no key was (Basic).
    `expires`: when that key ends, seconds since 1970, None for never.
    """

    user_id: str
    tenant: str | None
    name: str
    login_name: str = ""
    groups: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    key: str | None = None
    expires: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False, hash=False)

    def may(self, permission: str) -> bool:
        """Whether the permission was given; each of `EVERYTHING` stands for all."""
        return not self.permissions.isdisjoint({permission, *EVERYTHING})


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody shows at the door, before anybody knows who he is.

    `key`: an api key or Bearer token, None without. `username` and `password`: of Basic or of a
    login, None without. `address`: the client's, behind the trusted proxies. `headers`: of the
    request, names in lower case; empty where the key came as a first frame.
    """

    key: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    address: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
