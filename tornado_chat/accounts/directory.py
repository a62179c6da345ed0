"""People whom a Moqui knows and who have not come here yet, remembered by tenant for minutes.

A tenant sees only what its own members were answered. What was found for one tenant is never given
to another.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tornado_chat.accounts.bounded import Bounded
from tornado_chat.accounts.growerp import GrowerpBackend
from tornado_chat.accounts.moqui import text_in
from tornado_chat.accounts.values import Person, fits
from tornado_chat.errors import Unauthorized, Unavailable
from tornado_chat.messages import Identity

log = logging.getLogger("tornado_chat.accounts.growerp")

FRESH_SECONDS = 300.0  # how long the list of a tenant holds, and that somebody is not on it
AGAIN_SECONDS = 15.0  # before a list that could not be had is asked for again
SEARCH_SECONDS = 60.0
TENANTS, SEARCHES = 200, 1000  # remembered at most
PAGE, PAGES = 200, 10  # of a tenant's people: more than 2,000 are found by search alone


@dataclass(slots=True)
class TenantPeople:
    """`until`: the list need not be asked for again before. `listed`: the ids of the last list;
    the others were found by search."""

    people: dict[str, Person] = field(default_factory=dict)
    until: float = 0.0
    loading: "asyncio.Task[None] | None" = None


class Directory:
    """Asks with the key of the person who wants to know."""

    def __init__(self, backend: GrowerpBackend, clock: Callable[[], float]) -> None:
        self._backend = backend
        self._clock = clock
        self._tenants: Bounded[str, TenantPeople] = Bounded(TENANTS, 86_400, clock)
        # By person, since who may see whom is that Moqui's word.
        self._searches: Bounded[tuple[str, str, str, int], list[Person]] = Bounded(
            SEARCHES, SEARCH_SECONDS, clock
        )

    async def stop(self) -> None:
        loading = [found.loading for found in self._tenants.values() if found.loading]
        for task in loading:
            task.cancel()
        await asyncio.gather(*loading, return_exceptions=True)

    async def get(self, caller: Identity, user_ids: Iterable[str]) -> dict[str, Person]:
        """Those of the ids that are people of the caller's tenant. One list for all of them, from
        the Moqui at most once in some minutes; what is remembered where it cannot be asked."""
        tenant = caller.tenant or ""
        known = self._of(tenant)
        wanted = list(user_ids)
        if all(user_id in known.people for user_id in wanted):
            return {user_id: known.people[user_id] for user_id in wanted}
        key = self._backend.key_for(caller)
        if key is not None and (known.loading or self._clock() >= known.until):
            if known.loading is None:
                known.loading = asyncio.create_task(self._load(tenant, known, key))
            await asyncio.shield(known.loading)
        return {user_id: known.people[user_id] for user_id in wanted if user_id in known.people}

    async def search(self, caller: Identity, text: str, limit: int) -> list[Person] | None:
        """The first people that match, in that Moqui's order; None where it cannot be asked."""
        tenant = caller.tenant or ""
        key = self._backend.key_for(caller)
        if key is None:
            return None
        remembered = (tenant, caller.user_id, text, limit)
        found = self._searches.get(remembered)
        if found is None:
            try:
                users = await self._backend.moqui.users(key, text, 0, limit)
            except (Unavailable, Unauthorized):
                return None
            found = [person for user in users if (person := person_in(user, tenant))]
            self._searches.put(remembered, found)
        return found

    def remembered(self, tenant: str) -> list[Person]:
        """Whoever was found for this tenant lately."""
        return list(self._of(tenant).people.values())

    def remember(self, tenant: str, people: Iterable[Person]) -> None:
        """People of that tenant, as was made sure."""
        known = self._of(tenant).people
        known.update((person.user_id, person) for person in people)
        while len(known) > 2 * PAGE * PAGES:
            del known[next(iter(known))]

    def _of(self, tenant: str) -> TenantPeople:
        known = self._tenants.get(tenant)
        if known is None:
            known = TenantPeople()
            self._tenants.put(tenant, known)
        return known

    async def _load(self, tenant: str, known: TenantPeople, key: str) -> None:
        people: dict[str, Person] = {}
        try:
            for page in range(PAGES):
                users = await self._backend.moqui.users(key, "", page * PAGE, PAGE)
                found = (person_in(user, tenant) for user in users)
                people.update((person.user_id, person) for person in found if person)
                if len(users) < PAGE:
                    break
        except (Unavailable, Unauthorized):
            known.until = self._clock() + AGAIN_SECONDS
        else:
            known.people = people
            known.until = self._clock() + FRESH_SECONDS
        finally:
            known.loading = None


def person_in(user: Any, tenant: str) -> Person | None:
    """A row of the partner picker; None for one that cannot be used, or is of another tenant."""
    if not isinstance(user, Mapping):
        return None
    user_id = text_in(user, "userId", None)
    owner = text_in(user, "ownerPartyId", None)
    if not fits(user_id, tenant) or owner not in {"", tenant} or user.get("loginDisabled") is True:
        return None
    first, last, login = (text_in(user, name) for name in ("firstName", "lastName", "loginName"))
    company = user.get("company")
    extra = {}
    if isinstance(company, Mapping):
        extra["company"] = {name: text_in(company, name) for name in ("partyId", "name")}
    group = text_in(user, "userGroupId")
    return Person(
        user_id=user_id,
        tenant=tenant,
        full_name=text_in(user, "fullName") or f"{first} {last}".strip() or login or user_id,
        party_id=text_in(user, "partyId"),
        pseudo_id=text_in(user, "pseudoId"),
        login_name=login,
        first_name=first,
        last_name=last,
        email=text_in(user, "email"),
        groups=frozenset({group} if group else ()),
        extra=extra,
    )
