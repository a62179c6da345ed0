"""A store with much in it, written as rows: people, rooms, and messages of the rooms."""

import asyncio
import contextlib
import hashlib
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import CACHE, ROOT
from benchmarks.peers.ours import TENANT, Ours, key_of
from tornado_chat.accounts.keys import hash_key

FIRST_ROOM = 100_000
FIRST_IDLE = 3  # among the people
TEXT = '{"content":"What was said here is as long as most of what people say to each other."}'
# Every hundredth in the first room, the others in turn in the rooms of `busy`.
MESSAGES = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :messages),
said(n, m) AS (SELECT n, iif(n % 100, n - n / 100 - 1, NULL) FROM numbers)
INSERT INTO message (offset, topic_id, number, at, sender, sender_name, audience, data)
SELECT n, iif(m IS NULL, 1, busy.topic_id), iif(m IS NULL, n / 100, m / :busy + 1),
       :now, 'u1', 'u1', '', :text
FROM said LEFT JOIN busy ON busy.place = m % :busy
"""


@dataclass(frozen=True)
class Filling:
    """`rooms` in all; `u0` is in `own` of them, spread evenly, `u1` and `u2` in all; `idle` people,
    `u3` and on, in those of `u0` but the first. Of `messages` every hundredth is in the first room,
    the others are spread evenly over those in which neither `u0` nor the idle ones are."""

    rooms: int
    own: int
    messages: int = 0
    idle: int = 0


def fill(peer: Ours, filling: Filling) -> list[str]:
    """A database of the peer with that in it; the topics of the rooms in which `u0` is. One with
    messages takes long to write: it is kept for the next measurement, and for the next run."""
    step = max(1, filling.rooms // filling.own)
    own = set(range(0, filling.own * step, step))
    found = [f"room:{FIRST_ROOM + room}" for room in sorted(own)]
    if filling.messages:
        peer.database = kept(filling)
        if peer.database.exists():
            return found
        for old in CACHE.glob(f"filled-{filling.messages}-*"):
            old.unlink()
    target, peer.database = peer.database, peer.database.with_suffix(".part")
    peer.forget()
    asyncio.run(peer.seed(FIRST_IDLE + filling.idle, []))
    with opened(peer.database) as database:
        put(database, "topic", topics(filling))
        put(database, "chat_rooms_room", rooms(filling))
        put(database, "member", members(filling, own))
        if filling.messages:
            put_messages(database, filling, own)
    peer.database.rename(target)
    peer.forget()  # what lay beside it
    peer.database = target
    return found


def kept(filling: Filling) -> Path:
    """Where such a store lies. Another one where this code, or a table, has changed since."""
    sources = [Path(__file__), *sorted(ROOT.glob("*/**/migrations/*.py"))]
    text = repr(filling).encode() + b"".join(path.read_bytes() for path in sources)
    return CACHE / f"filled-{filling.messages}-{hashlib.sha256(text).hexdigest()[:8]}.db"


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction, written without a thought of power cuts; all of it is in the one file."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA synchronous = off")
    database.execute("PRAGMA cache_size = -400000")
    database.execute("BEGIN")
    yield database
    database.execute("COMMIT")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


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
    for room in range(filling.rooms):
        yield {"id": FIRST_ROOM + room, "topic_id": room + 1, "tenant": TENANT, "name": "Bench",
               "private": 0, "pair": None, "created_by": None, "created": now(), "born": 0,
               "extra": "{}"}  # fmt: skip


def members(filling: Filling, own: set[int]) -> Iterator[dict[str, Any]]:
    for room in range(filling.rooms):
        users = ["u1", "u2"]
        users += ["u0"] if room in own else []
        users += [f"u{FIRST_IDLE + each}" for each in range(filling.idle) if room in own and room]
        for user in users:
            yield {"topic_id": room + 1, "user_id": user, "joined_count": 0, "read_offset": 0,
                   "own_after": 0}  # fmt: skip


def put_messages(database: sqlite3.Connection, filling: Filling, own: set[int]) -> None:
    """The messages, the topics' own counts, and the head of the log."""
    busy = [room + 1 for room in range(filling.rooms) if room not in own]
    database.execute("CREATE TEMP TABLE busy (place INTEGER PRIMARY KEY, topic_id INTEGER)")
    database.executemany("INSERT INTO busy VALUES (?, ?)", enumerate(busy))
    [[name, index]] = database.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'message'"
    )
    database.execute(f"DROP INDEX {name}")  # quicker made of what is there
    database.execute(
        MESSAGES,
        {"messages": filling.messages, "busy": len(busy), "now": now(), "text": TEXT},
    )
    database.execute(index)
    database.execute(
        "UPDATE topic SET (count, last_offset) = (SELECT COUNT(*), COALESCE(MAX(offset), 0) "
        "FROM message WHERE message.topic_id = topic.id)"
    )
    database.execute("UPDATE log_head SET offset = ?", (filling.messages,))


def now() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


def leave_early(peer: Ours, idle: int, position: int) -> None:
    """The idle ones have closed their chat when the log was that long, and not come back since."""
    rows = [
        {"path": "/chat", "tenant": TENANT, "user_id": f"u{user}", '"key"': hash_key(key_of(user)),
         "position": position, "state": "key", "at": now()}
        for user in range(FIRST_IDLE, FIRST_IDLE + idle)
    ]  # fmt: skip
    database = sqlite3.connect(peer.database)
    with database:
        database.execute("DELETE FROM cursor")
        put(database, "cursor", iter(rows))
    database.close()
