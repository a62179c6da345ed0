"""What the server says, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the log: where a reader is. As text, for a file or a column: `b7:41`."""

    epoch: str
    offset: int

    def __str__(self) -> str:
        return f"{self.epoch}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The position that `str` wrote; a ValueError for anything else."""
        epoch, colon, offset = text.rpartition(":")
        if not (epoch and colon and offset.isdecimal()):
            raise ValueError(f"not a position: {text!r}")
        return cls(epoch, int(offset))


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a topic. `sender` and `sender_name` are None where the house speaks; `at` is
    UTC; `data` is the topic's."""

    topic: str
    epoch: str
    offset: int
    id: str
    sender: str | None
    sender_name: str | None
    at: datetime
    data: dict[str, Any]

    @property
    def position(self) -> Position:
        """Where a reader is who has read this one."""
        return Position(self.epoch, self.offset)

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Of a push, or an item of a page."""
        return cls(
            topic=body["topic"],
            epoch=body["epoch"],
            offset=body["offset"],
            id=body["id"],
            sender=body["sender"],
            sender_name=body["sender_name"],
            at=datetime.fromisoformat(body["at"]),
            data=body["data"],
        )


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a publish: on the disk, or on its way where the topic keeps no history; then
    `position`, `id` and `at` are None. `duplicate`: this key had been there before."""

    topic: str
    key: str
    position: Position | None
    id: str | None
    at: datetime | None
    duplicate: bool

    @classmethod
    def read(cls, ok: Mapping[str, Any], key: str) -> Self:
        kept = ok["offset"] is not None
        return cls(
            topic=ok["topic"],
            key=key,
            position=Position(ok["epoch"], ok["offset"]) if kept else None,
            id=ok["id"],
            at=datetime.fromisoformat(ok["at"]) if kept else None,
            duplicate=ok["duplicate"],
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Messages, oldest first; `more`: whether there is more in the direction that was asked."""

    messages: tuple[Message, ...]
    more: bool

    @classmethod
    def read(cls, ok: Mapping[str, Any]) -> Self:
        return cls(tuple(Message.read(each) for each in ok["messages"]), ok["more"])


@dataclass(frozen=True, slots=True)
class Seen:
    """Up to where one has read in a topic, and how much is unread."""

    topic: str
    offset: int
    unread: int

    @classmethod
    def read(cls, ok: Mapping[str, Any]) -> Self:
        return cls(ok["topic"], ok["offset"], ok["unread"])


@dataclass(frozen=True, slots=True)
class Signal:
    """Typing and the like: for those who listen now, never kept."""

    topic: str
    name: str
    sender: str | None
    data: dict[str, Any]

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        return cls(body["topic"], body["name"], body["sender"], body["data"])
