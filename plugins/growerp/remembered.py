"""The topics that a person listened to last, so that a socket which comes back has them again.

A front-end subscribes once per login and never again, and reconnects in silence (growerp-contract
section 0, fact 3; design section 5 rule 7). Written behind: the first change at once, those that
follow at most once in some seconds.
"""

import asyncio
import json
import logging
from collections.abc import Collection
from typing import Any

from peewee import EXCLUDED, BigIntegerField, CharField, CompositeKey, TextField, chunked, fn

from tornado_chat import ChatError, Identity, ReadTx, Server, StoreModel, Tx, Unavailable

log = logging.getLogger("tornado_chat.growerp")

PAUSE_SECONDS = 2.0  # between two writes
SETS = 20  # of one person, for as many keys; the longest unchanged are forgotten
WAITING = 20_000  # sets that wait while the store cannot write; then the oldest are let go
ROWS = 200  # in one statement

Names = frozenset[str]
Person = tuple[str, str]  # tenant, user id
Sets = dict[str, Names]  # by key, the newest first
Whose = tuple[str, str, str]  # tenant, user id, SHA-256 of the api key or nothing


class ListeningRow(StoreModel):
    """What the last command on a socket of this key has left: names, as a JSON array."""

    tenant = CharField(64)
    user_id = CharField(64)
    key = CharField(64)
    names = TextField()
    at = BigIntegerField()  # milliseconds since 1970, UTC

    class Meta:
        table_name = "growerp_listening"
        primary_key = CompositeKey("tenant", "user_id", "key")
        without_rowid = True


class Remembered:
    """By key; somebody who comes with another one gets his newest set."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._waiting: dict[Whose, Names] = {}
        self._task: asyncio.Task[None] | None = None
        self._newest: dict[Person, tuple[str, Names]] = {}  # by which key he spoke last, and what
        self._asked: dict[Person, asyncio.Future[Sets]] = {}
        self._reading = False

    async def of(self, identity: Identity) -> Names:
        """Nothing where nothing was ever said. Raises Unavailable."""
        whose = whose_of(identity)
        if whose in self._waiting:
            return self._waiting[whose]
        person = whose[:2]
        rows = await self._sets_of(person)
        if whose in self._waiting:  # said meanwhile
            return self._waiting[whose]
        if rows and person not in self._newest:
            self._note(person, next(iter(rows.items())))
        if whose[2] in rows:
            return rows[whose[2]]
        _key, newest = self._newest.get(person, ("", frozenset()))
        return newest

    async def _sets_of(self, person: Person) -> Sets:
        """Whoever asks while others are answered shares one query with all who do so."""
        found = self._asked.get(person)
        if found is None:
            found = self._asked[person] = asyncio.get_running_loop().create_future()
            if not self._reading:
                self._reading = True
                self._server.spawn(self._read(), name="growerp.remembered.read")
        return await asyncio.shield(found)

    async def _read(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, {}
                try:
                    sets = await self._server.read(lambda tx, asked=asked: read_sets(tx, asked))  # type: ignore[misc]
                except BaseException as error:
                    for found in asked.values():
                        found.set_exception(Unavailable("what is remembered cannot be read"))
                        found.exception()  # its asker may have gone
                    if not isinstance(error, Exception):  # the server stops
                        raise
                    if not isinstance(error, ChatError):
                        log.exception("what is remembered cannot be read")
                else:
                    for person, found in asked.items():
                        found.set_result(sets.get(person, {}))
        finally:
            self._reading = False

    def keep(self, identity: Identity, names: Names) -> None:
        """An empty set is one, too: who unsubscribed from everything meant it. Returns at once."""
        whose = whose_of(identity)
        if self._newest.get(whose[:2]) == (whose[2], names):
            return  # who comes back and says the same again changes nothing
        self._note(whose[:2], (whose[2], names))
        self._waiting.pop(whose, None)
        self._waiting[whose] = names  # the newest is the last
        if len(self._waiting) > WAITING:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            self._newest.pop(oldest[:2], None)
        if self._task is None:
            self._task = self._server.spawn(self._write(), name="growerp.remembered")

    def _note(self, person: Person, said: tuple[str, Names]) -> None:
        self._newest.pop(person, None)
        self._newest[person] = said
        if len(self._newest) > WAITING:
            del self._newest[next(iter(self._newest))]

    async def _write(self) -> None:
        try:
            while self._waiting:
                await self.flush()
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            self._task = None

    async def flush(self) -> None:
        """Writes what waits; what cannot be written waits on."""
        sets = dict(self._waiting)
        if not sets:
            return
        try:
            await self._server.write(lambda tx: write_sets(tx, sets))
        except ChatError:
            return
        except Exception:  # whatever it is, it is tried again
            log.exception("what is listened to cannot be written")
            return
        for whose, names in sets.items():
            if self._waiting.get(whose) is names:
                del self._waiting[whose]


def whose_of(identity: Identity) -> Whose:
    return identity.tenant or "", identity.user_id, identity.key or ""


def read_sets(_tx: ReadTx, people: Collection[Person]) -> dict[Person, Sets]:
    """All sets of these people, the newest of each first."""
    found: dict[Person, Sets] = {}
    for some in chunked(people, ROWS):
        query: Any = (
            ListeningRow.select(
                ListeningRow.tenant, ListeningRow.user_id, ListeningRow.key, ListeningRow.names
            )
            .where(of_people(some))
            .order_by(ListeningRow.at.desc())
        )
        for tenant, user_id, key, names in query.tuples():
            found.setdefault((tenant, user_id), {})[key] = frozenset(json.loads(names))
    return found


def of_people(people: Collection[Person]) -> Any:
    """Theirs, and perhaps those of somebody with the same id in another tenant: found by index."""
    tenants, users = {tenant for tenant, _ in people}, {user_id for _, user_id in people}
    return (ListeningRow.tenant.in_(tenants)) & (ListeningRow.user_id.in_(users))


def write_sets(tx: Tx, sets: dict[Whose, Names]) -> None:
    """Each in place of the one before, and no more of one person than are kept."""
    fields = [
        ListeningRow.tenant,
        ListeningRow.user_id,
        ListeningRow.key,
        ListeningRow.names,
        ListeningRow.at,
    ]
    rows = [
        (*whose, json.dumps(sorted(names)), tx.now + place)  # in their order
        for place, (whose, names) in enumerate(sets.items())
    ]
    for some in chunked(rows, ROWS):
        ListeningRow.insert_many(some, fields=fields).on_conflict(
            conflict_target=fields[:3],
            update={ListeningRow.names: EXCLUDED.names, ListeningRow.at: EXCLUDED.at},
        ).execute()
        forget_old({row[:2] for row in some})


def forget_old(people: Collection[Person]) -> None:
    person = ListeningRow.tenant, ListeningRow.user_id
    many: Any = (
        ListeningRow.select(*person)
        .where(of_people(people))
        .group_by(*person)
        .having(fn.COUNT(ListeningRow.key) > SETS)
    )
    for tenant, user_id in many.tuples():
        of_person = (ListeningRow.tenant == tenant) & (ListeningRow.user_id == user_id)
        query: Any = ListeningRow.select(ListeningRow.key).where(of_person)
        old = [key for (key,) in query.order_by(ListeningRow.at.desc()).offset(SETS).tuples()]
        ListeningRow.delete().where(of_person, ListeningRow.key.in_(old)).execute()
