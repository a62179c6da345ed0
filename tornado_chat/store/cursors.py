"""Rows that say up to where it is proved that somebody has what was meant for him.

Which of them a new socket starts from, and which of them it strikes off: design section 5 rule 6.
Works inside the transactions of others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tornado_chat.store.cursor_rows import (
    KEY,
    OPEN,
    ORPHAN,
    Owner,
    Row,
    delete,
    fold,
    insert,
    note_asked,
    note_spare,
    rows_of,
    update,
)

if TYPE_CHECKING:
    from tornado_chat.store.transaction import Tx

SPARE_MS = 600_000  # how long an orphan is kept that somebody else has started from


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of open sockets and stands in no row yet. `half_open`: those of the same key
    that do not answer, position and row; `asked`: the rows of those that were asked just now
    whether they live; `of_key` and `of_user`: the highest that is proved, None without; `beside`:
    the lowest start of those that came back just before, None without."""

    half_open: Sequence[tuple[int, int | None]] = ()
    asked: Sequence[int] = ()
    of_key: int | None = None
    of_user: int | None = None
    beside: int | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """Where a socket starts. `struck`: the position that it strikes off, `strike` its row; `takes`:
    the place in the list, where that is one of the half open sockets; `until`: when the struck row
    would have ended; `spare`: the row that it starts from and leaves to another. None for none."""

    position: int
    struck: int | None = None
    strike: int | None = None
    takes: int | None = None
    until: int | None = None
    spare: int | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """`row`: the socket's own. `head`: the last offset given by then."""

    row: int
    start: Start
    head: int


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one socket's row. `row` None: it has none yet. `state` KEY: its peer has closed
    it. `taken`: a newer socket has started in its place, so that it has no row any more.
    `at`: when, and `until`: when it ends earlier than others; milliseconds since 1970, UTC."""

    row: int | None
    owner: Owner
    position: int
    state: str
    taken: bool
    at: int
    until: int | None = None


def find_start(owner: Owner, known: Known, rows: Sequence[Row], head: int) -> Start:
    """Where a new socket of `owner` starts; `rows` are his person's that still mean something."""
    start = _find_start(owner, known, rows, head)
    if known.beside is not None and known.beside < start.position:
        return replace(start, position=known.beside)
    return start


def _find_start(owner: Owner, known: Known, rows: Sequence[Row], head: int) -> Start:
    own = [row for row in rows if row.key == owner.key]
    half_open = {row for _position, row in known.half_open}
    orphans: list[tuple[int, int | None, int | None]] = [
        (row.position, row.id, None)
        for row in own
        if row.state == ORPHAN and row.id not in half_open
    ]
    orphans += [(position, row, place) for place, (position, row) in enumerate(known.half_open)]
    if orphans:
        orphans.sort(key=lambda orphan: orphan[0])
        (lowest, spare, open_one), (highest, strike, takes) = orphans[0], orphans[-1]
        if len(orphans) == 1 or open_one is not None:
            spare = None
        until = next((row.until for row in own if row.id == strike), None)
        return Start(min(lowest, head), highest, strike, takes, until, spare)
    proved = [row.position for row in own] + _given(known.of_key)
    if proved:
        return Start(min(max(proved), head))
    abandoned = [row.position for row in rows if row.state == ORPHAN]
    if abandoned:
        return Start(min(*abandoned, head))
    proved = [row.position for row in rows] + _given(known.of_user)
    return Start(min(max(proved), head) if proved else head)


def _given(position: int | None) -> list[int]:
    return [] if position is None else [position]


def open_cursors(tx: "Tx", sockets: Sequence[tuple[Owner, Known]], oldest: int) -> list[Opened]:
    """Finds the start of each new socket, strikes off what it strikes, and writes its own row: as
    if one came after another, with a few statements for all of them."""
    rows = rows_of((owner.person for owner, _known in sockets), tx.now, oldest)
    starts = []
    for owner, known in sockets:
        start = find_start(owner, known, rows[owner.person], tx.head)
        rows[owner.person] = _after(owner, known, start, rows[owner.person], tx.now)
        starts.append(start)
    delete([start.strike for start in starts if start.strike is not None])
    note_spare([start.spare for start in starts if start.spare is not None], tx.now + SPARE_MS)
    note_asked([row for _owner, known in sockets for row in known.asked], tx.now)
    ids = insert(
        [
            (owner, start.position, OPEN, tx.now, None)
            for (owner, _known), start in zip(sockets, starts, strict=True)
        ]
    )
    return [Opened(row, start, tx.head) for row, start in zip(ids, starts, strict=True)]


def _after(owner: Owner, known: Known, start: Start, rows: Sequence[Row], now: int) -> list[Row]:
    """The rows as the next one of the same person finds them."""
    left = [row for row in rows if row.id != start.strike]
    for row in left:
        if row.id == start.spare and row.until is None:
            row.until = now + SPARE_MS
        elif row.id in known.asked and row.state == OPEN:
            row.until = now
    return [*left, Row(0, owner.key, start.position, OPEN, None)]


def write_changes(changes: Sequence[Change]) -> list[int | None]:
    """Writes them all; each one's row, None where it has none any more. A few statements, however
    many: all who heard a message prove it within the same second."""
    going_on = [each for each in changes if each.state != KEY and not each.taken]
    there = update(
        [
            (each.row, each.position, each.state, each.at, each.until)
            for each in going_on
            if each.row
        ]
    )
    delete([each.row for each in changes if each.row and (each.state == KEY or each.taken)])
    fold([(each.owner, each.position, each.at) for each in changes if each.state == KEY])
    # A row that is not there was struck off by somebody; an orphan stays so
    rowless = [
        each
        for each in going_on
        if not each.row or (each.row not in there and each.state != ORPHAN)
    ]
    made = insert(
        [(each.owner, each.position, each.state, each.at, each.until) for each in rowless]
    )
    rows = {id(each): each.row for each in going_on}
    rows |= {id(each): row for each, row in zip(rowless, made, strict=True)}
    return [rows.get(id(each)) for each in changes]
