"""The topics that a person listened to last, so that a socket which comes back has them again.

A front-end subscribes once per login and never again, and reconnects in silence (growerp-contract
section 0, fact 3; design section 5 rule 7). Written behind: the first change at once, those that
follow at most once in some seconds.
"""

import asyncio
import json
from typing import Any

from peewee import BigIntegerField, CharField, CompositeKey, PeeweeException, TextField

from tornado_chat import ChatError, Identity, ReadTx, Server, StoreModel, Tx

PAUSE_SECONDS = 2.0  # between two writes
SETS = 20  # of one person, for as many keys; the longest unchanged are forgotten
WAITING = 20_000  # sets that wait while the store cannot write; then the oldest are let go

Names = frozenset[str]
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

    async def of(self, identity: Identity) -> Names:
        """Nothing where nothing was ever said. Raises Unavailable."""
        whose = whose_of(identity)
        if whose in self._waiting:
            return self._waiting[whose]
        rows = await self._server.read(lambda tx: read_sets(tx, whose))
        if whose in self._waiting:  # said meanwhile
            return self._waiting[whose]
        if whose[2] in rows:
            return rows[whose[2]]
        newest = [names for each, names in self._waiting.items() if each[:2] == whose[:2]]
        newest = newest[-1:] or list(rows.values())[:1]
        return newest[0] if newest else frozenset()

    def keep(self, identity: Identity, names: Names) -> None:
        """An empty set is one, too: who unsubscribed from everything meant it. Returns at once."""
        whose = whose_of(identity)
        self._waiting.pop(whose, None)
        self._waiting[whose] = names  # the newest is the last
        if len(self._waiting) > WAITING:
            del self._waiting[next(iter(self._waiting))]
        if self._task is None:
            self._task = self._server.spawn(self._write(), name="growerp.remembered")

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
        except (ChatError, PeeweeException):
            return
        for whose, names in sets.items():
            if self._waiting.get(whose) is names:
                del self._waiting[whose]


def whose_of(identity: Identity) -> Whose:
    return identity.tenant or "", identity.user_id, identity.key or ""


def read_sets(_tx: ReadTx, whose: Whose) -> dict[str, Names]:
    """All sets of a person by key, the newest first."""
    tenant, user_id, _key = whose
    query: Any = (
        ListeningRow.select(ListeningRow.key, ListeningRow.names)
        .where(ListeningRow.tenant == tenant, ListeningRow.user_id == user_id)
        .order_by(ListeningRow.at.desc())
    )
    return {key: frozenset(json.loads(names)) for key, names in query.tuples()}


def write_sets(tx: Tx, sets: dict[Whose, Names]) -> None:
    """Each in place of the one before, and no more of one person than are kept."""
    for place, (whose, names) in enumerate(sets.items()):
        tenant, user_id, key = whose
        said = {"names": json.dumps(sorted(names)), "at": tx.now + place}  # in their order
        ListeningRow.insert(tenant=tenant, user_id=user_id, key=key, **said).on_conflict(
            conflict_target=[ListeningRow.tenant, ListeningRow.user_id, ListeningRow.key],
            update=said,
        ).execute()
        forget_old(tenant, user_id)


def forget_old(tenant: str, user_id: str) -> None:
    of_person = (ListeningRow.tenant == tenant) & (ListeningRow.user_id == user_id)
    query: Any = ListeningRow.select(ListeningRow.key).where(of_person)
    old = [key for (key,) in query.order_by(ListeningRow.at.desc()).offset(SETS).tuples()]
    if old:
        ListeningRow.delete().where(of_person, ListeningRow.key.in_(old)).execute()
