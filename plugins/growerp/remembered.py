"""The topics that a person listened to last, so that a socket which comes back has them again.

A front-end subscribes once per login and never again, and reconnects in silence (growerp-contract
section 0, fact 3; design section 5 rule 7). Kept while the process lives.
"""

from collections import OrderedDict

from tornado_chat import Identity

KNOWN = 20_000  # keys, and as many people; the longest unused is forgotten

Names = frozenset[str]


class Remembered:
    """By key; somebody who comes with another one gets his newest set."""

    def __init__(self, known: int = KNOWN) -> None:
        self._known = known
        self._by_key: OrderedDict[str, Names] = OrderedDict()
        self._by_user: OrderedDict[tuple[str | None, str], Names] = OrderedDict()

    def of(self, identity: Identity) -> Names:
        """Nothing where nothing was ever said."""
        found = self._get(self._by_key, identity.key) if identity.key else None
        if found is None:
            found = self._get(self._by_user, (identity.tenant, identity.user_id))
        return found or frozenset()

    def keep(self, identity: Identity, names: Names) -> None:
        """An empty set is one, too: who unsubscribed from everything meant it."""
        if identity.key:
            self._put(self._by_key, identity.key, names)
        self._put(self._by_user, (identity.tenant, identity.user_id), names)

    @staticmethod
    def _get(table: OrderedDict, name: object) -> Names | None:
        if name in table:
            table.move_to_end(name)
        return table.get(name)

    def _put(self, table: OrderedDict, name: object, names: Names) -> None:
        table[name] = names
        table.move_to_end(name)
        if len(table) > self._known:
            table.popitem(last=False)
