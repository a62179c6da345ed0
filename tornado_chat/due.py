"""What the wall clock makes due: keys that expire, rows that have outlived their use, old messages.

Each has a timer of its own; here it is looked at by the clock, which may have been set, or moved by a
test.
"""

from tornado_chat.accounts import Accounts
from tornado_chat.config import DeliveryConfig
from tornado_chat.cursors import Cursors
from tornado_chat.retention import Retention
from tornado_chat.store import Store
from tornado_chat.web.sockets import Sockets

SWEEP_SECONDS = 600.0  # between two sweeps


class Due:
    """Of one server."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        cursors: Cursors,
        sockets: Sockets,
        retention: Retention,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._cursors = cursors
        self._sockets = sockets
        self._retention = retention

    async def sweep(self, delivery: DeliveryConfig) -> None:
        """Ends the sockets of expired keys, and throws away what nobody can ask for any more."""
        self._sockets.end_expired()
        await self._store.sweep(delivery.publish_key_hours, delivery.pair_seconds)
        await self._cursors.sweep()

    async def all(self, delivery: DeliveryConfig) -> None:
        """The same, keys of a Moqui to be checked, and retention: all that is due is done after it."""
        await self.sweep(delivery)
        if self._accounts.growerp is not None:
            await self._accounts.growerp.check_due()
        await self._retention.run()
