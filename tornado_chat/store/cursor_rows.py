"""The rows of cursors: their statements, each for any number of rows, with a text made once.

When thousands of sockets come back together, or prove something within a second, they share them.
Works inside the transactions of others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from peewee import SQL, chunked

from tornado_chat.store import prepared
from tornado_chat.store.models import CursorRow

if TYPE_CHECKING:
    from tornado_chat.store.transaction import Tx

OPEN, ORPHAN, KEY = "open", "orphan", "key"
ROWS = 500  # named in one statement
ASKED_MS = (
    30_000  # how long an orphan is kept that was asked whether it lives when the server ended
)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose cursors they are. `key`: SHA-256 of the api key, empty for none."""

    path: str
    tenant: str
    user_id: str
    key: str

    @property
    def person(self) -> "Person":
        """Whoever has the key, on this path."""
        return self.path, self.tenant, self.user_id


Person = tuple[str, str, str]  # path, tenant, user id


@dataclass(slots=True)
class Row:
    """A cursor's row as it stands, or will when this transaction is over. `id`: 0 for a new one."""

    id: int
    key: str
    position: int
    state: str
    until: int | None


def rows_of(people: Iterable[Person], now: int, oldest: int) -> dict[Person, list[Row]]:
    """The rows of each. Those last proved before `oldest` mean nothing any more."""
    found: dict[Person, list[Row]] = {person: [] for person in people}
    for path, tenant, user, at, *columns in prepared.every(_of_people, list(found)):
        row = Row(*columns)
        if row.state == OPEN or (at >= oldest and (row.until is None or row.until > now)):
            found[path, tenant, user].append(row)
    return found


def insert(rows: Sequence[tuple[Owner, int, str, int, int | None]]) -> list[int]:
    """New rows: owner, position, state, at and until of each. Their ids."""
    values = [
        (owner.path, owner.tenant, owner.user_id, owner.key, *columns) for owner, *columns in rows
    ]
    made: dict[tuple[Any, ...], list[int]] = {}
    for row, *columns in prepared.every(_new, values):  # in no order that is promised
        made.setdefault(tuple(columns), []).append(row)
    return [made[each].pop() for each in values]


def update(rows: Sequence[tuple[int, int, str, int, int | None]]) -> set[int]:
    """Row, position, state, at and until of each. Those that are still there."""
    return {row for (row,) in prepared.every(_changed, rows)}


def delete(rows: Sequence[int]) -> None:
    for some in chunked(rows, ROWS):
        CursorRow.delete().where(CursorRow.id.in_(some)).execute()


def note_spare(rows: Sequence[int], until: int) -> None:
    """Somebody has started from them, and left them to another."""
    for some in chunked(rows, ROWS):
        CursorRow.update(until=until).where(
            CursorRow.id.in_(some), CursorRow.until.is_null()
        ).execute()


def note_asked(rows: Sequence[int], now: int) -> None:
    """They were asked whether they live, in case that the server ends before they answer."""
    prepared.execute(_asked, [(row, now) for row in rows])


def fold(closed: Sequence[tuple[Owner, int, int]]) -> None:
    """Owner, position and at of each: into what his key has had, which only rises."""
    had: dict[Owner, tuple[int, int]] = {}
    for owner, position, at in closed:
        had[owner] = (max(position, had.get(owner, (position, at))[0]), at)
    known: dict[Owner, Row] = {}
    for path, tenant, user, _at, row, key, position, state, until in prepared.every(
        _of_people, [*{owner.person for owner in had}]
    ):
        if state == KEY:
            known[Owner(path, tenant, user, key)] = Row(row, key, position, state, until)
    update(
        [
            (row.id, max(row.position, had[owner][0]), KEY, had[owner][1], None)
            for owner, row in known.items()
            if owner in had
        ]
    )
    insert(
        [
            (owner, position, KEY, at, None)
            for owner, (position, at) in had.items()
            if owner not in known
        ]
    )


COLUMNS = [
    CursorRow.path,
    CursorRow.tenant,
    CursorRow.user_id,
    CursorRow.key,
    CursorRow.position,
    CursorRow.state,
    CursorRow.at,
    CursorRow.until,
]


def _new(count: int) -> Any:
    return prepared.insert(count, *COLUMNS).returning(CursorRow.id, *COLUMNS)


def _changed(count: int) -> Any:
    given = prepared.values(count, 5)
    return (
        CursorRow.update(
            position=given.c.column2,
            state=given.c.column3,
            at=given.c.column4,
            until=given.c.column5,
        )
        .from_(given)
        .where(CursorRow.id == given.c.column1)
        .returning(CursorRow.id)
    )


def _asked(count: int) -> Any:
    given = prepared.values(count, 2)
    return (
        CursorRow.update(until=given.c.column2)
        .from_(given)
        .where(CursorRow.id == given.c.column1, CursorRow.state == SQL(f"'{OPEN}'"))
    )


def _of_people(count: int) -> Any:
    """By path, tenant and user id."""
    given = prepared.values(count, 3)
    return CursorRow.select(
        CursorRow.path,
        CursorRow.tenant,
        CursorRow.user_id,
        CursorRow.at,
        CursorRow.id,
        CursorRow.key,
        CursorRow.position,
        CursorRow.state,
        CursorRow.until,
    ).join(
        given,
        on=(
            (CursorRow.path == given.c.column1)
            & (CursorRow.tenant == given.c.column2)
            & (CursorRow.user_id == given.c.column3)
        ),
    )


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
