"""Who exists: people by id and by search, only those of the caller's tenant.

One query for any number of ids; a person that is shown again costs none.
"""

from collections.abc import Callable, Iterable

from tornado_chat.accounts import rows
from tornado_chat.accounts.bounded import Bounded
from tornado_chat.accounts.directory import Directory
from tornado_chat.accounts.models import AccountRow
from tornado_chat.accounts.values import GROWERP, Person, person_of, sought
from tornado_chat.messages import Identity
from tornado_chat.store import Store

KNOWN, KNOWN_SECONDS = 20_000, 300.0
IDS_MAX = 10_000  # of one question
WINDOW = 1000  # how deep a search may be paged

NOBODY = Person("", "", "")  # an id that no account has


class People:
    """The directory that plugins and faces ask."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._known: Bounded[str, Person] = Bounded(KNOWN, KNOWN_SECONDS, clock)
        self._turn = 0  # rises with every change, so that what was read before is not kept
        self.remote: Directory | None = None

    async def get(self, caller: Identity, user_ids: Iterable[str]) -> dict[str, Person]:
        """Those of the ids that are people of the caller's tenant, disabled ones included: their
        names stand under what they wrote."""
        wanted = list(dict.fromkeys(user_ids))[:IDS_MAX]
        if caller.tenant is None or not wanted:
            return {}
        found = await self._local(wanted)
        missing = [user_id for user_id in wanted if found[user_id] is NOBODY]
        if missing and self.remote is not None:
            found |= await self.remote.get(caller, missing)
        people = ((user_id, found[user_id]) for user_id in wanted)
        return {user_id: person for user_id, person in people if person.tenant == caller.tenant}

    async def search(
        self, caller: Identity, text: str, start: int = 0, limit: int = 20
    ) -> list[Person]:
        """People of the caller's tenant who can log in and whose pseudo id, first, last or full name,
        company or e-mail contains the text in any case; by last name, first name and company."""
        start, end = max(0, start), min(WINDOW, max(0, start) + max(0, limit))
        if caller.tenant is None or start >= end:
            return []
        text = "".join(filter(str.isprintable, text)).strip()
        found = await self._remote_search(caller, text, end)
        local = await self._local_search(caller.tenant, text, end, ours=found is not None)
        if found is None and self.remote is not None:
            found = [who for who in self.remote.remembered(caller.tenant) if matches(who, text)]
        merged = {person.user_id: person for person in [*(found or ()), *local]}
        return sorted(merged.values(), key=order)[start:end]

    def forget(self, user_id: str) -> None:
        """An account has changed."""
        self._turn += 1
        self._known.drop(user_id)

    def clear(self) -> None:
        self._turn += 1
        self._known.clear()

    async def _local(self, wanted: list[str]) -> dict[str, Person]:
        """Everybody asked for, of whichever tenant; NOBODY where there is no account."""
        found = {user_id: self._known.get(user_id) for user_id in wanted}
        missing = [user_id for user_id, person in found.items() if person is None]
        if missing:
            turn = self._turn
            read = await self._store.read(lambda: self._read(missing))
            for user_id in missing:
                person = found[user_id] = read.get(user_id, NOBODY)
                if turn == self._turn:
                    self._known.put(user_id, person)
        return {user_id: person for user_id, person in found.items() if person is not None}

    @staticmethod
    def _read(user_ids: list[str]) -> dict[str, Person]:
        found = rows.accounts_by_id(user_ids)
        return {user_id: person_of(row) for user_id, row in found.items()}

    async def _local_search(
        self, tenant: str, text: str, limit: int, *, ours: bool
    ) -> list[Person]:
        """`ours`: without those whom a Moqui knows, since it was asked itself."""

        def work() -> list[Person]:
            query = AccountRow.select().where(
                AccountRow.tenant == tenant,
                AccountRow.disabled == False,  # noqa: E712 - SQL
            )
            if ours:
                query = query.where(AccountRow.source != GROWERP)
            if text:
                query = query.where(
                    AccountRow.sought.contains(text.casefold())
                    | AccountRow.full_name.contains(text)
                )
            query = query.order_by(AccountRow.sought, AccountRow.user_id).limit(limit)
            return [person_of(row) for row in query]

        return await self._store.read(work)

    async def _remote_search(self, caller: Identity, text: str, limit: int) -> list[Person] | None:
        if self.remote is None or caller.tenant is None:
            return None
        found = await self.remote.search(caller, text, limit)
        if not found:
            return found
        here = await self._local([person.user_id for person in found])
        good = [
            person
            for person in found
            if here[person.user_id].tenant in {"", caller.tenant}
            and not here[person.user_id].disabled
        ]
        self.remote.remember(caller.tenant, good)
        return [
            person if here[person.user_id] is NOBODY else here[person.user_id] for person in good
        ]


def order(person: Person) -> tuple[str, str]:
    return sought_of(person), person.user_id


def matches(person: Person, text: str) -> bool:
    folded = text.casefold()
    return folded in sought_of(person) or folded in person.full_name.casefold()


def sought_of(person: Person) -> str:
    return sought(
        last=person.last_name,
        first=person.first_name,
        company=person.company,
        pseudo_id=person.pseudo_id,
        email=person.email,
    )
