"""Starts a server for a test, and ends it."""

import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from tornado_chat import config as configuration
from tornado_chat.app import Server
from tornado_chat.testing.chat import Chat
from tornado_chat.testing.clock import Clock
from tornado_chat.testing.finding import Found, Named, find
from tornado_chat.testing.leaks import Leaks
from tornado_chat.testing.logs import Logs
from tornado_chat.testing.people import users

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # as weak as argon2 can be


@contextlib.asynccontextmanager
async def chat_server(
    plugins: Iterable[Named] = (),
    config: Mapping[str, Any] | None = None,
    *,
    folder: Path | str | None = None,
    logs: Logs | None = None,
) -> AsyncIterator[Chat]:
    """A server on a free port, with a database of its own, and with these plugins and no others.

    `plugins`: modules, paths of drop-in files or folders, names of installed plugins; what they
    require of installed ones comes with them. `config`: tables over the defaults; its users come
    beside ann, bob and the others. `folder`: keeps the database for a server after this one. `logs`:
    one for several servers.

    AssertionError at the end of the block for a task that still runs, a session that is still open,
    and a line at WARNING or above that `logs.expect` was not told of. Where the block has failed
    itself nothing is checked; its error gets such lines as notes.
    """
    __tracebackhide__ = True  # what is shown of a failure is the test
    tables = {**(config or {})}
    tables["users"] = [*users(), *tables.get("users", [])]
    with logs if logs is not None else Logs() as kept, find(plugins) as found:
        leaks = Leaks()
        left: list[str] = []
        try:
            async with running(found, tables, folder=folder, logs=kept) as chat:
                yield chat
                await chat.close()
                left += await leaks.sessions(chat.server)
        except Exception as error:
            for line in kept.unexpected():
                error.add_note(f"in the log: {line}")
            raise
        left += await leaks.tasks()
        if left:
            raise AssertionError("\n".join(left))
        kept.check()


@contextlib.asynccontextmanager
async def running(
    found: Found,
    tables: Mapping[str, Any],
    *,
    folder: Path | str | None = None,
    logs: Logs,
    weak: bool = True,
) -> AsyncIterator[Chat]:
    """The same without the checks, and with no users but those of the tables. `weak`: passwords are
    hashed in no time."""
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
        config = configuration.build(merged(base_config(Path(folder)), tables))
        clock = Clock()
        server = Server(config, found.modules, entry_points=found.installed, clock=clock)
        if weak:
            server.accounts._passwords._hasher = QUICK  # noqa: SLF001 - a real one takes its time
        await server.start()
        chat = Chat(server, clock, logs)
        try:
            yield chat
        finally:
            await chat.close()
            await server.stop()


def base_config(folder: Path) -> dict[str, Any]:
    """What differs from the defaults of the server, so that a test does not wait; in a folder that is
    made where it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "server": {"port": 0, "drain_seconds": 0},
        "store": {"url": f"sqlite:///{folder / 'chat.db'}"},
        "delivery": {"settle_seconds": 0.05},
        "limits": {"auth_attempts_per_minute": 0},
        "plugins": {"directory": str(folder / "plugins")},
    }


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Tables over tables; anything else replaces."""
    result = dict(base)
    for key, value in changes.items():
        known = result.get(key)
        both = isinstance(value, Mapping) and isinstance(known, Mapping)
        result[key] = merged(known, value) if both else value  # type: ignore[arg-type]
    return result
