"""The database that is polled: one query, in a thread of its own, its rows as plain values.

It never writes there, and nothing of ours waits for it: a source that hangs keeps one thread.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import peewee
from playhouse import db_url

T = TypeVar("T")
Row = Mapping[str, Any]

OURS = {
    name.lower(): name
    for name in ("orderId", "status", "customer", "total", "currency", "placedAt")
}
TEXT_MAX = 200  # characters of what a database says, in our log


class SourceProblem(Exception):
    """The source gives no answer that can be used; the text says why, without data of it."""


class Source:
    """`folder`: from where a file of SQLite is looked for. `columns`: by which name a column goes,
    where it is not its own; databases may write `orderId` in lower or upper case."""

    def __init__(
        self,
        url: str,
        query: str,
        *,
        folder: Path,
        columns: Mapping[str, str],
        max_rows: int,
        timeout_seconds: float,
    ) -> None:
        self._url = url
        self._query = query
        self._folder = folder
        self._columns = columns
        self._max_rows = max_rows
        self._timeout_seconds = timeout_seconds
        self._asked: asyncio.Future[list[Row]] | None = None

    async def rows(self) -> list[Row]:
        """Everything that the query gives. Raises SourceProblem: no answer, or too many rows."""
        if self._asked is None:
            self._asked = in_thread(self._ask)
        try:
            await asyncio.wait([self._asked], timeout=self._timeout_seconds)
        except asyncio.CancelledError:
            self._asked.cancel()  # what it still brings is for nobody
            raise
        if not self._asked.done():  # waited for again the next time, never asked twice at once
            raise SourceProblem(f"no answer within {self._timeout_seconds:g} seconds")
        asked, self._asked = self._asked, None
        return asked.result()

    def _ask(self) -> list[Row]:
        try:
            database = self._open()
            try:
                return self._fetch(database.cursor())  # type: ignore[no-untyped-call]
            finally:
                database.close()
        except SourceProblem:
            raise
        except Exception as error:  # noqa: BLE001 - each driver has errors of its own
            first = (str(error).splitlines() or [""])[0][:TEXT_MAX]
            raise SourceProblem(f"{type(error).__name__}: {first}") from None

    def _fetch(self, cursor: Any) -> list[Row]:
        cursor.execute(self._query)  # without parameters, so that a % in it is one
        if cursor.description is None:
            raise SourceProblem("the query gives no rows: it is no SELECT")
        names = [self._name(column[0]) for column in cursor.description]
        if len(set(names)) < len(names):
            raise SourceProblem("two columns of the query have one name")
        found = cursor.fetchmany(self._max_rows + 1)
        if len(found) > self._max_rows:
            raise SourceProblem(f"more than plugins.order_list.poll.max_rows = {self._max_rows}")
        return [dict(zip(names, map(plain, row), strict=True)) for row in found]

    def _name(self, column: str) -> str:
        return self._columns.get(column) or OURS.get(column.lower(), column)

    def _open(self) -> peewee.Database:
        database = db_url.connect(self._url)
        if not isinstance(database, peewee.SqliteDatabase):
            database.connect()
            return database
        file = self._folder / database.database
        if not file.is_file():  # connecting would leave an empty one there
            raise SourceProblem(f"the file {file} is not there")
        database.init(str(file), pragmas={"query_only": 1})
        database.connect()
        return database


def plain(value: Any) -> Any:
    """What a database gives, as JSON knows it: no amount is rounded, no moment shifted."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return str(value)


def in_thread(work: Callable[[], T]) -> "asyncio.Future[T]":
    """Runs it in a thread that keeps nobody from leaving, as those of an executor would."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, problem = None, None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it
            problem = error
        try:
            loop.call_soon_threadsafe(settle, result, problem)
        except RuntimeError:  # the loop has ended: nobody waits any more
            return

    Thread(target=run, name="order_list.poll", daemon=True).start()
    return future
