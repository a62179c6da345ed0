"""Rows that say up to where it is proved that somebody has what was meant for him.

Which of them a new socket starts from, and which of them it strikes off: design section 5 rule 6.
Works inside the transactions of others.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from peewee import ValuesList, chunked

from tornado_chat.store.models import CursorRow

if TYPE_CHECKING:
    from tornado_chat.store.transaction import Tx

OPEN, ORPHAN, KEY = "open", "orphan", "key"
ROWS = 500  # in one statement
SPARE_MS = 600_000  # how long an orphan is kept that somebody else has started from
ASKED_MS = 30_000  # the same of one that had not yet said that it lives when the server ended


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose cursors they are. `key`: SHA-256 of the api key, empty for none."""

    path: str
    tenant: str
    user_id: str
    key: str


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


def find_start(owner: Owner, known: Known, head: int, now: int, oldest: int) -> Start:
    """Where a new socket of `owner` starts. Rows last proved before `oldest` mean nothing any more."""
    start = _find_start(owner, known, head, now, oldest)
    if known.beside is not None and known.beside < start.position:
        return replace(start, position=known.beside)
    return start


def _find_start(owner: Owner, known: Known, head: int, now: int, oldest: int) -> Start:
    rows = _rows_of(owner, now, oldest)
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


def _rows_of(owner: Owner, now: int, oldest: int) -> list[Any]:
    of_user = CursorRow.select().where(
        CursorRow.tenant == owner.tenant,
        CursorRow.user_id == owner.user_id,
        CursorRow.path == owner.path,
    )
    return [
        row
        for row in of_user
        if row.state == OPEN or (row.at >= oldest and (row.until is None or row.until > now))
    ]


def open_cursor(tx: "Tx", owner: Owner, known: Known, oldest: int) -> Opened:
    """Finds the start of a new socket, strikes off what it strikes, and writes its own row."""
    start = find_start(owner, known, tx.head, tx.now, oldest)
    if start.strike is not None:
        CursorRow.delete().where(CursorRow.id == start.strike).execute()
    if start.spare is not None:
        CursorRow.update(until=tx.now + SPARE_MS).where(
            CursorRow.id == start.spare, CursorRow.until.is_null()
        ).execute()
    if known.asked:  # noted, in case that the server ends before they answer
        CursorRow.update(until=tx.now).where(
            CursorRow.id.in_(list(known.asked)), CursorRow.state == OPEN
        ).execute()
    return Opened(_insert(owner, start.position, OPEN, tx.now), start, tx.head)


def write_changes(changes: Sequence[Change]) -> list[int | None]:
    """Writes them all; each one's row, None where it has none any more. A proof costs a row of one
    statement: all who heard a message prove it within the same second."""
    there: set[int] = set()
    for some in chunked([each for each in changes if each.row and _goes_on(each)], ROWS):
        there |= _update(some)
    return [_write(change, there) for change in changes]


def _goes_on(change: Change) -> bool:
    return change.state != KEY and not change.taken


def _update(changes: Sequence[Change]) -> set[int]:
    """The rows of these that are still there."""
    given = [(each.row, each.position, each.state, each.at, each.until) for each in changes]
    values = ValuesList(given, alias="given")
    column = values.c
    query: Any = (
        CursorRow.update(
            position=column.column2, state=column.column3, at=column.column4, until=column.column5
        )
        .from_(values)
        .where(CursorRow.id == column.column1)
        .returning(CursorRow.id)
    )
    return {row for (row,) in query.tuples().execute()}


def _write(change: Change, there: Container[int | None]) -> int | None:
    if change.state == KEY:
        _delete(change.row)
        _fold(change)
        return None
    if change.taken:
        _delete(change.row)
        return None
    # Where it is not there, somebody has struck it off
    if change.row is not None and (change.row in there or change.state == ORPHAN):
        return change.row
    return _insert(change.owner, change.position, change.state, change.at, change.until)


def _delete(row_id: int | None) -> None:
    if row_id is not None:
        CursorRow.delete().where(CursorRow.id == row_id).execute()


def _fold(change: Change) -> None:
    """Into what the key has had, which only rises."""
    owner = change.owner
    row = CursorRow.get_or_none(
        CursorRow.tenant == owner.tenant,
        CursorRow.user_id == owner.user_id,
        CursorRow.path == owner.path,
        CursorRow.key == owner.key,
        CursorRow.state == KEY,
    )
    if row is None:
        _insert(owner, change.position, KEY, change.at)
    else:
        position = max(row.position, change.position)
        CursorRow.update(position=position, at=change.at).where(CursorRow.id == row.id).execute()


def _insert(owner: Owner, position: int, state: str, at: int, until: int | None = None) -> int:
    row = CursorRow.insert(
        path=owner.path,
        tenant=owner.tenant,
        user_id=owner.user_id,
        key=owner.key,
        position=position,
        state=state,
        at=at,
        until=until,
    )
    return int(row.execute())


def leave_behind(tx: "Tx") -> None:
    """At the start of a server: whoever was open when the last one ended has ended without a word.

    One that had been asked whether it lives, and had not answered, may well be the one whose peer
    had come back already: it is waited for as long as a peer takes to come back, no longer, or that
    peer would start from it again and again.
    """
    CursorRow.update(until=tx.now + ASKED_MS).where(
        CursorRow.state == OPEN, CursorRow.until.is_null(False)
    ).execute()
    CursorRow.update(state=ORPHAN, at=tx.now).where(CursorRow.state == OPEN).execute()


def sweep_cursors(tx: "Tx", oldest: int) -> None:
    """Throws away what nobody starts from any more."""
    over = (CursorRow.at < oldest) | (CursorRow.until.is_null(False) & (CursorRow.until <= tx.now))
    CursorRow.delete().where(CursorRow.state != OPEN, over).execute()
