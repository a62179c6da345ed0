"""Starts a server for a test, and ends it."""

import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from argon2 import PasswordHasher

from tornado_chat import config as configuration
from tornado_chat.app import Server
from tornado_chat.testing.chat import Chat
from tornado_chat.testing.clock import Clock
from tornado_chat.testing.logs import Logs
from tornado_chat.testing.people import users

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # as weak as argon2 can be


@contextlib.asynccontextmanager
async def chat_server(
    plugins: Iterable[ModuleType] = (),
    config: Mapping[str, Any] | None = None,
    *,
    folder: Path | str | None = None,
    logs: Logs | None = None,
) -> AsyncIterator[Chat]:
    """A server on a free port, with a database of its own, and with these plugins and no others.

    `config`: tables over those of `base_config`; its users come beside ours. `folder`: keeps the
    database for another server after this one. `logs`: shared by several servers.
    """
    with contextlib.ExitStack() as stack:
        logs = stack.enter_context(logs if logs is not None else Logs())
        if folder is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
        clock = Clock()
        tables = merged(base_config(Path(folder)), config or {})
        tables["users"] = [*users(), *(config or {}).get("users", [])]
        server = Server(configuration.build(tables), plugins, entry_points=False)
        server.accounts._passwords._hasher = QUICK  # noqa: SLF001 - a second each would be too long
        await server.start()
        chat = Chat(server, clock, logs)
        try:
            yield chat
        finally:
            await chat.close()
            await server.stop()
        logs.check()


def base_config(folder: Path) -> dict[str, Any]:
    """What differs from the defaults of the server, so that a test does not wait."""
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
