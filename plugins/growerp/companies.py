"""Companies: what a front-end shows of a tenant. Its id inside stays the tenant's own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from peewee import BigIntegerField, CharField

from tornado_chat import Identity, Server, StoreModel, Tx

CURRENCY = "EUR"  # where nobody said


class CompanyRow(StoreModel):
    """A company that registered here, or that a Moqui named. `tenant`: its `ownerPartyId`."""

    tenant = CharField(64, primary_key=True)
    party_id = CharField(64, unique=True)
    name = CharField(255)
    email = CharField(255, default="")
    currency = CharField(20, default="")
    created = BigIntegerField()  # milliseconds since 1970, UTC

    class Meta:
        table_name = "growerp_company"


@dataclass(frozen=True, slots=True)
class Company:
    tenant: str
    party_id: str
    name: str  # never empty
    email: str = ""
    currency: str = CURRENCY


class Companies:
    """What the configuration says of a company goes before what the database has."""

    def __init__(self, server: Server, configured: Mapping[str, Mapping[str, Any]]) -> None:
        self._server = server
        self._configured = configured
        self._tenants = {
            said.get("party_id", tenant): tenant for tenant, said in configured.items()
        }
        self._hosts = {
            host.casefold(): tenant for tenant, said in configured.items() for host in said["hosts"]
        }

    async def of(self, tenant: str) -> Company:
        """A tenant's; one of which nothing is known bears its name."""
        row = await self._server.read(
            lambda _tx: CompanyRow.get_or_none(CompanyRow.tenant == tenant)
        )
        return self._company(tenant, row)

    async def by_party(self, party_id: str) -> Company | None:
        """The company that is known by exactly this id."""
        if party_id in self._tenants:
            return await self.of(self._tenants[party_id])
        row = await self._server.read(
            lambda _tx: CompanyRow.get_or_none(CompanyRow.party_id == party_id)
        )
        if row is not None:
            found = self._company(row.tenant, row)
            return found if found.party_id == party_id else None
        if not await self._server.accounts.list(party_id, limit=1):
            return None
        found = await self.of(party_id)
        return found if found.party_id == party_id else None

    async def by_host(self, host: str) -> Company | None:
        """The company whose front-end is at this address; only the configuration says so."""
        tenant = self._hosts.get(host.casefold())
        return await self.of(tenant) if tenant is not None else None

    def _company(self, tenant: str, row: Any) -> Company:
        company = Company(tenant, tenant, tenant)
        if row is not None:
            company = Company(tenant, row.party_id, row.name, row.email, row.currency or CURRENCY)
        said = self._configured.get(tenant, {})
        known = {
            name: said[name] for name in ("party_id", "name", "email", "currency") if name in said
        }
        return replace(company, **known)

    async def keep(self, company: Company) -> None:
        """Writes what is new. An id that another company has stays that one's."""

        def work(tx: Tx) -> None:
            row = CompanyRow.get_or_none(CompanyRow.tenant == company.tenant)
            columns = {
                "party_id": company.party_id,
                "name": company.name,
                "email": company.email,
                "currency": company.currency,
            }
            taken = CompanyRow.select().where(
                CompanyRow.party_id == company.party_id, CompanyRow.tenant != company.tenant
            )
            if taken.exists():
                return
            if row is None:
                CompanyRow.create(tenant=company.tenant, created=tx.now, **columns)
            elif any(getattr(row, name) != value for name, value in columns.items()):
                CompanyRow.update(**columns).where(CompanyRow.tenant == company.tenant).execute()

        await self._server.write(work)

    async def note(self, identity: Identity, answer: Mapping[str, Any]) -> None:
        """What a Moqui said of the company of somebody who logged in there, so that his front-end
        finds it again when it starts."""
        said = company_in(answer.get("authenticate"))
        if identity.tenant is None or said is None:
            return
        party_id, name = said.get("partyId"), said.get("name")
        if not (isinstance(party_id, str) and isinstance(name, str) and name):
            return
        if not 0 < len(party_id) <= 64:
            return
        known = await self.of(identity.tenant)
        if (known.party_id, known.name) != (party_id, name[:255]):
            await self.keep(replace(known, party_id=party_id, name=name[:255]))


def company_in(authenticate: Any) -> Mapping[str, Any] | None:
    """The company that an answer names: the main one, else that of the person."""
    if not isinstance(authenticate, Mapping):
        return None
    user = authenticate.get("user")
    for said in (authenticate.get("company"), isinstance(user, Mapping) and user.get("company")):
        if isinstance(said, Mapping):
            return said
    return None
