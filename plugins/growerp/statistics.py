"""How many people of which kind a company has: front-ends show it beside the menu."""

import time
from collections import OrderedDict

from tornado_chat import Server

from .persons import user_group
from .wire import ADMIN, EMPLOYEE

COUNTED = 1000  # accounts of a tenant that are looked at
SECONDS = 60.0  # that a count is shown without counting again
KNOWN = 1000  # tenants; the longest unused goes first


class Statistics:
    """Counts at most once a minute for each tenant, since each start of a front-end asks."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._known: OrderedDict[str, tuple[float, dict[str, int]]] = OrderedDict()

    async def of(self, tenant: str | None) -> dict[str, int]:
        if tenant is None:
            return {"admins": 0, "employees": 0}
        when, found = self._known.get(tenant, (0.0, {}))
        if not found or time.monotonic() - when > SECONDS:
            found = await self._count(tenant)
            self._known[tenant] = (time.monotonic(), found)
        self._known.move_to_end(tenant)
        if len(self._known) > KNOWN:
            self._known.popitem(last=False)
        return found

    async def _count(self, tenant: str) -> dict[str, int]:
        accounts = await self._server.accounts.list(tenant, limit=COUNTED)
        groups = [user_group(frozenset(each.groups)) for each in accounts if not each.disabled]
        return {"admins": groups.count(ADMIN), "employees": groups.count(EMPLOYEE)}
