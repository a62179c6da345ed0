"""The second source: whole answers of a query, compared with what is known, published as changes.

Comparing answers whole finds inserts, updates, deletions, and what was committed late: no clock
and no counter of the source is trusted. The mark (which rows are known, by their digests) moves in
the transaction of the publishing.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Sequence

import orjson

from tornado_chat import BadRequest, ChatError, Server, Unavailable

from .models import polled
from .orders import Change, change_of
from .provider import OrderList
from .source import Row, Source, SourceProblem

log = logging.getLogger("tornado_chat.plugins.order_list")

CHUNK = 200  # changes in one transaction: others want to write too
SLOWEST_SECONDS = 60.0  # between two tries while the source fails
QUIET_SECONDS = 300.0  # between two log lines about the same

Found = tuple[Change, str]  # a change, and the digest that becomes its mark


class Poller:
    """Runs on one process alone."""

    def __init__(
        self,
        server: Server,
        orders: OrderList,
        source: Source,
        *,
        tenant: str,
        interval_seconds: float,
    ) -> None:
        self._server = server
        self._orders = orders
        self._source = source
        self._tenant = tenant
        self._interval = interval_seconds
        self._known: dict[str, str] = {}  # orders of ours, with their digests
        # Orders of the webhook and rows that are no orders, with the digests that were looked at.
        self._passed: dict[str, str] = {}
        self._turn = -1  # of the webhook, when `_passed` was true
        self._failures = 0
        self._said: tuple[str, float] = ("", 0.0)

    async def run(self, lease: int) -> None:
        """Polls until it is cancelled. A failing source is asked less and less often."""
        del lease
        loaded = False
        while True:
            try:
                if not loaded:
                    self._known = await self._server.read(lambda _tx: polled(self._tenant))
                    loaded = True
                await self.once()
            except SourceProblem as problem:
                self._failed(f"the source fails, its orders stay as they are: {problem}")
            except ChatError as problem:
                self._failed(f"orders cannot be stored: {problem.message}")
            except Exception as error:  # a source that dies is worse than one that complains
                log.debug("poll failed", exc_info=True)
                self._failed(f"polling fails: {type(error).__name__}")
            else:
                self._went_well()
            wait = self._interval * 2 ** min(self._failures, 10)
            await asyncio.sleep(max(self._interval, min(wait, SLOWEST_SECONDS)))

    async def once(self) -> int:
        """Asks the source and publishes what has changed; gives how many orders that were."""
        rows = await self._source.rows()
        turn = self._orders.turns
        if turn != self._turn:
            self._passed.clear()  # the webhook may have let one go
            self._turn = turn
        # the loop has other things to do than to check thousands of rows
        found = await asyncio.to_thread(self._compare, rows)
        for start in range(0, len(found), CHUNK):
            await self._write(found[start : start + CHUNK])
        return len(found)

    def _compare(self, rows: Sequence[Row]) -> list[Found]:
        """The changes that turn what is known into what the rows say."""
        found: list[Found] = []
        seen: set[str] = set()
        faults: list[str] = []
        for row in rows:
            order_id = id_of(row)
            if order_id in seen:
                raise SourceProblem("two rows are of one order: plugins.order_list.poll.key")
            seen.add(order_id)
            digest = digest_of(row)
            if digest in (self._known.get(order_id), self._passed.get(order_id)):
                continue
            try:
                # ours counts: the source's table is right even where its versions go backwards
                change = change_of({**row, "version": None}, self._orders.order_bytes)
            except BadRequest as problem:  # what is known of it stays
                faults.append(problem.message)
                self._passed[order_id] = digest
                continue
            if change.item is None:
                seen.discard(order_id)
            else:
                found.append((change, digest))
        if faults:
            self._complain(f"rows that are no orders are passed over: {len(faults)}, {faults[0]}")
        return [(Change(known, None), "") for known in self._known if known not in seen] + found

    async def _write(self, found: Sequence[Found]) -> None:
        """Publishes a chunk. One that is refused is tried order by order, so that the others do
        not suffer from what a filter says of one."""
        try:
            others = await self._server.write(
                lambda tx: self._orders.take_over_in(tx, self._tenant, found)
            )
        except Unavailable:
            raise
        except ChatError as problem:
            if len(found) == 1:
                self._complain(f"order refused: {problem.code}")
                return
            for each in found:
                await self._write([each])
            return
        for change, digest in found:
            self._known.pop(change.order_id, None)
            if change.order_id in others:
                self._passed[change.order_id] = digest
            elif change.item is not None:
                self._known[change.order_id] = digest

    def _failed(self, text: str) -> None:
        self._failures += 1
        self._complain(text)

    def _went_well(self) -> None:
        if self._failures:
            log.info("orders are polled again after %d failures", self._failures)
            self._failures, self._said = 0, ("", 0.0)

    def _complain(self, text: str) -> None:
        """A line in the log, unless it is the same as a while ago."""
        now = time.monotonic()
        if text != self._said[0] or now - self._said[1] > QUIET_SECONDS:
            self._said = text, now
            log.error("in plugins.order_list.poll: %s", text)


def id_of(row: Row) -> str:
    """The order that a row is of."""
    if "orderId" not in row:
        raise SourceProblem("the query has no column of the key: plugins.order_list.poll.key")
    value = row["orderId"]
    if value is None or value == "":
        raise SourceProblem("a row has nothing in the column of the key")
    return str(value)


def digest_of(row: Row) -> str:
    """Equal for equal content."""
    return hashlib.blake2b(
        orjson.dumps(row, option=orjson.OPT_SORT_KEYS), digest_size=16
    ).hexdigest()
