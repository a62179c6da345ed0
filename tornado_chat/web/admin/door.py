"""Who is let in: admins, and only to their own company."""

import logging

from tornado_chat.errors import Denied
from tornado_chat.messages import Identity
from tornado_chat.web.base import Handler

PERMISSION = "admin"

log = logging.getLogger("tornado_chat.admin")


class Door(Handler):
    """MUST: whoever is not an admin of a company is refused before anything is read. `tenant`: the
    company, to which everything that a handler does is bound."""

    tenant: str

    async def identify(self) -> Identity:
        identity = await super().identify()
        if not identity.may(PERMISSION):
            raise Denied(f"{self.request.path[:200]}: needs the permission {PERMISSION}")
        if not identity.tenant:
            raise Denied(f"{self.request.path[:200]}: you belong to no tenant")
        self.tenant = identity.tenant
        return identity

    def note(self, what: str) -> None:
        """A line in the log of what was done, and by whom; never a key, a password or a name."""
        log.info("admin %s of %s: %s", self.identity.user_id, self.tenant, what)
