"""What the wall clock makes due: keys that expire, rows that have outlived their use, old messages.

Each has a timer of its own; here it is looked at by the clock, which may have been set, or moved by a
test.
"""

from tornado_chat.config import DeliveryConfig
from tornado_chat.cursors import Cursors
from tornado_chat.retention import Retention
from tornado_chat.store import Store
from tornado_chat.web.sockets import Sockets

SWEEP_SECONDS = 600.0  # between two sweeps


class Due:
    """Of one server."""

    def __init__(
        self, store: Store, cursors: Cursors, sockets: Sockets, retention: Retention
    ) -> None:
        self._store = store
        self._cursors = cursors
        self._sockets = sockets
        self._retention = retention

    async def sweep(self, delivery: DeliveryConfig) -> None:
        """Ends the sockets of expired keys, and throws away what nobody can ask for any more."""
        self._sockets.end_expired()
        await self._store.sweep(delivery.publish_key_hours, delivery.pair_seconds)
        await self._cursors.sweep()

    async def all(self, delivery: DeliveryConfig) -> None:
        """The same, and retention: all that is due now is done afterwards."""
        await self.sweep(delivery)
        await self._retention.run()
