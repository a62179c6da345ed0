"""SIGHUP: the configuration is read again. What is safe to change under way is taken over, all of
it or nothing; for the rest the log names the keys that wait for a restart.

Whoever needs a key that is taken over reads it from `server.config` when he needs it.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from tornado_chat import logs
from tornado_chat.config import Config, ServerConfig, join
from tornado_chat.errors import ChatError, SetupError
from tornado_chat.web.listener import tls_context

if TYPE_CHECKING:
    from tornado_chat.app import Server

log = logging.getLogger("tornado_chat")

FREE = ("per", "sections")  # fields whose keys stand beside the others in the file


class Reloading:
    """`read()`: the configuration as the options of the command mean it now."""

    def __init__(self, server: "Server", read: Callable[[], Config]) -> None:
        self._server = server
        self._read = read
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """From the signal."""
        self._asked.set()

    async def forever(self) -> None:
        """Reads it again whenever it was asked to."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                await self.reload()
            except (SetupError, ChatError) as problem:
                log.error("configuration: not read again, nothing is changed: %s", problem)  # noqa: TRY400 - the person's, not ours
            except Exception:  # the next signal is to be heard all the same
                log.exception("configuration: not read again")

    async def reload(self) -> None:
        """Once. Raises SetupError for a file that is wrong, and Unavailable where its users cannot
        be written; nothing is changed then."""
        server, before = self._server, self._server.config
        wanted = await asyncio.to_thread(self._read)
        after = taken_over(before, wanted)
        certificate = tls_context(after.server)  # read anew, it may have been renewed in its place
        if after.users != before.users:
            server.revoking.come_again(await server.accounts.bring_in(after.users))
        server.config = server.sockets.config = after
        server.listener.renew(certificate)
        server.origins.allow_only(after.server.allowed_origins)
        server.store.change_rules(pair_seconds=after.delivery.pair_seconds)
        if after.log != before.log:
            logs.setup(after.log.level, after.log.format)
        if after.retention != before.retention:
            server.retention.soon()
        changed = ", ".join(differences(before, after)) or "nothing has changed"
        log.info("configuration: read again: %s", changed)
        for key in differences(after, wanted):
            log.warning("configuration: %s: needs a restart", key)


def taken_over(before: Config, wanted: Config) -> Config:
    """As before, but for what may change under way."""
    return replace(
        before,
        log=wanted.log,
        users=wanted.users,
        topics=wanted.topics,
        retention=wanted.retention,
        delivery=replace(wanted.delivery, ping_seconds=before.delivery.ping_seconds),
        server=_server(before.server, wanted.server),
    )


def _server(before: ServerConfig, wanted: ServerConfig) -> ServerConfig:
    server = replace(
        before, allowed_origins=wanted.allowed_origins, drain_seconds=wanted.drain_seconds
    )
    if before.tls_certificate and wanted.tls_certificate:  # TLS itself does not come and go
        server = replace(server, tls_certificate=wanted.tls_certificate, tls_key=wanted.tls_key)
    return server


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """The keys in which two configurations differ, by their paths, and no values."""
    if is_dataclass(one) and type(one) is type(other):
        for field in (each for each in fields(one) if each.compare):
            below = path if field.name in FREE else join(path, field.name)
            yield from differences(getattr(one, field.name), getattr(other, field.name), below)
    elif isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted({*one, *other}):
            yield from differences(one.get(key), other.get(key), join(path, key))
    elif one != other:
        yield path
