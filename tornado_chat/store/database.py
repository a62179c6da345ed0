"""The database behind the store: how it is opened, prepared, and told apart by kind.

Nothing here writes messages; it opens connections for the threads of the store and brings the
tables to the shape of this version.
"""

import inspect
import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from traceback import extract_tb
from typing import Any

import peewee
from playhouse import db_url
from playhouse.migrations import MigrationError, Runner

from tornado_chat.errors import SetupError
from tornado_chat.store.models import current_database

log = logging.getLogger("tornado_chat.store")

CORE_MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 5.0  # how long a writer of another process is waited for

SYNCHRONOUS = {"full": 2, "relaxed": 1}  # https://sqlite.org/pragma.html#pragma_synchronous


def open_database(url: str, durability: str) -> peewee.Database:
    """The database that `[store] url` names, not connected yet.

    `durability` "full": a commit has reached the disk when it returns; "relaxed": a power cut may
    take the last commits, never the soundness of the file.
    """
    if not url.startswith("sqlite:"):
        scheme = url.partition(":")[0]
        raise SetupError(f"in store.url: {scheme}: this version stores in sqlite:/// files only")
    pragmas = {
        "journal_mode": "wal",
        "synchronous": SYNCHRONOUS[durability],
        # Pages of the journal: copying them back holds up the commit that does it, so not one in 200
        "wal_autocheckpoint": 4000,
        "cache_size": -32 * 1024,  # 32 MiB, for each connection: one who is in 1,000 rooms needs 20
        "temp_store": "memory",
    }
    try:
        database: Any = db_url.connect(url, pragmas=pragmas, timeout=BUSY_SECONDS)
    except (RuntimeError, ValueError) as error:
        raise SetupError(f"in store.url: {error}") from error
    assert isinstance(database, peewee.Database)
    if database.database == ":memory:":
        raise SetupError(
            "in store.url: name a file: sqlite:///tornado_chat.db (memory is no store)"
        )
    file = Path(str(database.database)).resolve()
    if not file.parent.is_dir():
        raise SetupError(f"in store.url: the folder {file.parent} is not there")
    return database


def keep_private(database: Any) -> None:
    """Makes a new file that only its owner can read: it will hold what people say to one another.
    SQLite gives the files beside it the same mode."""
    try:
        Path(str(database.database)).touch(mode=0o600)
    except OSError as error:
        text = (error.strerror or "error").lower()
        raise SetupError(f"in store.url: cannot be opened: {text}") from None


def enter_thread(database: Any, *, read_only: bool) -> None:
    """Makes the calling thread one of this store's: models mean this database in it."""
    current_database.set(database)
    database.connect(reuse_if_open=True)
    if read_only:
        database.execute_sql("PRAGMA query_only = 1")


def migrate(database: peewee.Database, folders: Sequence[tuple[str, Path]]) -> list[str]:
    """Applies what is not applied yet; answers with the names.

    `folders`: (owner, folder of numbered scripts); each owner has its own history table, so that
    a plugin that is added or removed later disturbs nobody. The owner "" is the core.
    """
    applied = []
    for owner, folder in folders:
        table = f"{owner}_schema_migration" if owner else "schema_migration"
        try:
            done = Runner(database, str(folder), table_name=table).up()
        except (MigrationError, peewee.PeeweeException) as error:
            raise SetupError(f"database: migration of {owner or 'the core'}: {error}") from error
        except (Exception, SystemExit) as error:
            places = [
                f"{frame.filename}:{frame.lineno}" for frame in extract_tb(error.__traceback__)
            ]
            place = [each for each in places if each.startswith(str(folder))] or places
            what = f"{type(error).__name__}: {error} ({place[-1]})"
            raise SetupError(f"database: migration of {owner or 'the core'}: {what}") from error
        applied += [f"{owner or 'core'}/{name}" for name in done]
    if applied:
        log.info("database: applied %s", ", ".join(applied))
    return applied


def create_tables(models: Sequence[type[peewee.Model]]) -> None:
    """Those that are missing. Raises SetupError that says where the model at fault is defined."""
    for model in peewee.sort_models(models):  # type: ignore[attr-defined]
        try:
            model.create_table(safe=True)
        except (AttributeError, TypeError, ValueError, peewee.PeeweeException) as error:
            if isinstance(error, peewee.OperationalError) and not is_mistake(error):
                raise
            line = inspect.getsourcelines(model)[1]
            at = f"{inspect.getsourcefile(model)}:{line}"
            name = f"table {model._meta.table_name} of {model.__module__}"  # noqa: SLF001
            raise SetupError(f"database: {name}: {error} ({at})") from error


def is_mistake(error: BaseException) -> bool:
    """Whether the database was asked for what cannot be, and not that it could not: SQLite has one
    class for both."""
    return getattr(first_cause(error), "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR


def first_cause(error: BaseException) -> BaseException:
    """What went wrong at first: undoing it may have failed as well."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def bearable(error: BaseException) -> Exception:
    """What a future can hold, and ends neither a thread nor the loop."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    other = RuntimeError(f"{type(error).__name__} was raised in work on the database")
    other.__cause__ = error
    return other


def data_version(database: Any) -> int:
    """A number that changes when another connection has committed (SQLite)."""
    row: Any = database.execute_sql("PRAGMA data_version").fetchone()
    return int(row[0])


def sizes(database: Any) -> dict[str, int]:
    """Bytes of the database, and of the journal that is copied into it now and then (SQLite)."""
    file = str(database.database)
    return {"database": size(file), "journal": size(f"{file}-wal")}


def size(file: str) -> int:
    """0 where it is not there."""
    try:
        return Path(file).stat().st_size
    except FileNotFoundError:
        return 0


def in_transaction(database: Any) -> bool:
    """Whether the calling thread's transaction is still open (SQLite)."""
    return bool(database.connection().in_transaction)
