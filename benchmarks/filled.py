"""A store with much in it, written as rows: people, rooms, and messages of the rooms."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.peers.ours import TENANT, Ours, key_of
from tornado_chat.accounts.keys import hash_key

FIRST_ROOM = 100_000
FIRST_IDLE = 3  # among the people
TEXT = '{"content":"What was said here is as long as most of what people say to each other."}'


@dataclass(frozen=True)
class Filling:
    """`rooms` in all; `u0` is in `own` of them, spread evenly, `u1` and `u2` in all; `idle` people,
    `u3` and on, in those of `u0` but the first. `messages` are spread evenly over the rooms in which
    the idle ones are not."""

    rooms: int
    own: int
    messages: int = 0
    idle: int = 0


def fill(peer: Ours, filling: Filling) -> list[str]:
    """A database of the peer with that in it; the topics of the rooms in which `u0` is. One with
    messages takes long to write, and is there for the next measurement."""
    step = max(1, filling.rooms // filling.own)
    own = set(range(0, filling.own * step, step))
    found = [f"room:{FIRST_ROOM + room}" for room in sorted(own)]
    if filling.messages:
        peer.database = peer.database.with_name(f"filled-{filling.messages}.db")
        if peer.database.exists():
            return found
    peer.forget()
    asyncio.run(peer.seed(FIRST_IDLE + filling.idle, []))
    database = sqlite3.connect(peer.database, isolation_level=None)
    database.execute("PRAGMA synchronous=off")
    database.execute("BEGIN")
    put(database, "topic", topics(filling))
    put(database, "chat_rooms_room", rooms(filling))
    put(database, "member", members(filling, own))
    if filling.messages:
        busy = [room for room in range(filling.rooms) if room == 0 or room not in own]
        put(database, "message", messages(filling, busy))
        count_messages(database, filling.messages)
    database.execute("COMMIT")
    database.close()
    return found


def put(database: sqlite3.Connection, table: str, found: Iterator[dict[str, Any]]) -> None:
    """Rows by the names of their columns."""
    first = next(found)
    names, marks = ", ".join(first), ", ".join("?" * len(first))
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"
    database.execute(statement, tuple(first.values()))
    database.executemany(statement, (tuple(row.values()) for row in found))


def topics(filling: Filling) -> Iterator[dict[str, Any]]:
    for room in range(filling.rooms):
        key = str(FIRST_ROOM + room)
        yield {"id": room + 1, "tenant": TENANT, "kind": "room", "key": key, "count": 0,
               "last_offset": 0, "pruned": 0}  # fmt: skip


def rooms(filling: Filling) -> Iterator[dict[str, Any]]:
    now = int(time.time() * 1000)
    for room in range(filling.rooms):
        yield {"id": FIRST_ROOM + room, "topic_id": room + 1, "tenant": TENANT, "name": "Bench",
               "private": 0, "pair": None, "created_by": None, "created": now, "born": 0,
               "extra": "{}"}  # fmt: skip


def members(filling: Filling, own: set[int]) -> Iterator[dict[str, Any]]:
    for room in range(filling.rooms):
        users = ["u1", "u2"]
        users += ["u0"] if room in own else []
        users += [f"u{FIRST_IDLE + each}" for each in range(filling.idle) if room in own and room]
        for user in users:
            yield {"topic_id": room + 1, "user_id": user, "joined_count": 0, "read_offset": 0,
                   "own_after": 0}  # fmt: skip


def messages(filling: Filling, busy: Sequence[int]) -> Iterator[dict[str, Any]]:
    now = int(time.time() * 1000)
    for number in range(filling.messages):
        room = busy[number % len(busy)]
        yield {"offset": number + 1, "topic_id": room + 1, "number": number // len(busy) + 1,
               "at": now, "sender": "u1", "sender_name": "u1", "audience": "",
               "data": TEXT}  # fmt: skip


def count_messages(database: sqlite3.Connection, count: int) -> None:
    """The topics' own counts, and the head of the log."""
    database.execute(
        "UPDATE topic SET (count, last_offset) = (SELECT COUNT(*), COALESCE(MAX(offset), 0) "
        "FROM message WHERE message.topic_id = topic.id)"
    )
    database.execute("DELETE FROM log_head")
    database.execute("INSERT INTO log_head (id, offset) VALUES (1, ?)", (count,))


def leave_early(peer: Ours, idle: int, position: int) -> None:
    """The idle ones have closed their chat when the log was that long, and not come back since."""
    now = int(time.time() * 1000)
    rows = [
        {"path": "/chat", "tenant": TENANT, "user_id": f"u{user}", '"key"': hash_key(key_of(user)),
         "position": position, "state": "key", "at": now}
        for user in range(FIRST_IDLE, FIRST_IDLE + idle)
    ]  # fmt: skip
    database = sqlite3.connect(peer.database)
    with database:
        database.execute("DELETE FROM cursor")
        put(database, "cursor", iter(rows))
    database.close()
