"""The store: one log with one number, and the rows of everybody, in one database.

`Store` is what the rest of the house sees of it. It knows topics and offsets, never sockets.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import peewee

from tornado_chat.errors import SetupError, Unavailable
from tornado_chat.messages import Draft, Message, Posted, Topic
from tornado_chat.store.addressed import Selection
from tornado_chat.store.database import (
    CORE_MIGRATIONS,
    create_tables,
    enter_thread,
    keep_private,
    migrate,
    open_database,
    sizes,
)
from tornado_chat.store.log import Epochs, LogReader, Page
from tornado_chat.store.members import KnownMembers, members_of
from tornado_chat.store.models import EpochRow, LogHead, PairingRow, PublishKeyRow, StoreModel
from tornado_chat.store.readers import Readers
from tornado_chat.store.transaction import Rules, Tx
from tornado_chat.store.writer import Commit, Committed, Writer

T = TypeVar("T")

READERS = 2  # threads; more would only wait for one another on two cores

__all__ = ["Commit", "Committed", "Page", "ReadTx", "Rules", "Selection", "Store", "Tx"]


@dataclass(frozen=True, slots=True)
class ReadTx:
    """What work that only reads is given: Peewee models may be queried beside it. `now`:
    milliseconds since 1970, UTC."""

    log: LogReader
    now: int


class Store:
    """Opened by `start`, which also brings the tables up to date and begins an epoch."""

    def __init__(
        self, url: str, durability: str, rules: Rules, on_committed: Callable[[Committed], None]
    ) -> None:
        self.durability = durability
        self._database = open_database(url, durability)
        self._members = KnownMembers(lambda topic: self.read(lambda: members_of(topic)))
        self.thrown_away: Callable[[], object] = lambda: None  # told after the commit, on the loop
        self._rules = replace(
            rules,
            members_changed=self._members.forget,
            thrown_away=lambda: self.thrown_away(),  # noqa: PLW0108 - set later
        )
        self._on_committed = on_committed
        self._readers: Readers | None = None
        self.writer: Writer | None = None
        self.log = LogReader(Epochs([]))
        self.reads = 0  # reads asked for, counted for tests and metrics

    async def start(
        self,
        migrations: Sequence[tuple[str, Path]] = (),
        models: Sequence[type[StoreModel]] = (),
        *,
        begin_epoch: bool = True,
    ) -> int:
        """Answers with the head of the log. `migrations`: of the plugins, (name, folder);
        `models`: their tables, created where they are missing.

        `begin_epoch` False for a command that writes beside a running server: its messages
        belong to the server's stretch.
        """
        loop = asyncio.get_running_loop()
        folders = [("", CORE_MIGRATIONS), *migrations]
        epochs, head = await loop.run_in_executor(None, self._prepare, folders, models, begin_epoch)
        self.log.epochs = epochs
        self._rules = replace(self._rules, epochs=epochs)
        self._readers = Readers(self._database, READERS)
        self.writer = Writer(self._database, self._rules, self._committed)
        self.writer.start()
        return head

    def _prepare(
        self,
        folders: Sequence[tuple[str, Path]],
        models: Sequence[type[StoreModel]],
        begin_epoch: bool,
    ) -> tuple[Epochs, int]:
        keep_private(self._database)
        try:
            enter_thread(self._database, read_only=False)
        except (TypeError, peewee.PeeweeException) as error:
            raise SetupError(f"in store.url: cannot be opened: {error}") from error
        try:
            migrate(self._database, folders)
            create_tables(models)
            with self._database.atomic("IMMEDIATE"):
                head = int(LogHead.select(LogHead.offset).scalar())
                if begin_epoch or not EpochRow.select().exists():
                    EpochRow.create(
                        name=secrets.token_hex(4),
                        first_offset=head,
                        begun=int(self._rules.clock() * 1000),
                    )
                return Epochs.load(), head
        except peewee.PeeweeException as error:
            raise SetupError(f"in store.url: cannot be used: {error}") from error
        finally:
            self._database.close()

    async def stop(self) -> None:
        """Commits what is queued, then closes; nothing is lost that was accepted."""
        loop = asyncio.get_running_loop()
        if self.writer is not None:
            self.writer.hand_in()
            await loop.run_in_executor(None, self.writer.close)
        if self._readers is not None:
            readers, self._readers = self._readers, None
            await loop.run_in_executor(None, readers.close)

    def _committed(self, done: Committed) -> None:
        if done.foreign:
            self._members.forget_all()
            self.thrown_away()
        self._on_committed(done)

    def change_rules(self, **changes: Any) -> None:
        """For the transactions that begin from now on."""
        self._rules = replace(self._rules, **changes)
        if self.writer is not None:
            self.writer.rules = self._rules

    def append(self, draft: Draft, work: Callable[[Tx], Posted] | None = None) -> Commit[Posted]:
        """Numbers and stores; the future is done after the commit. Calls keep their order. `work`: does
        so, and more."""
        return self.submit(work or draft)

    def write(self, work: Callable[[Tx], T]) -> Commit[T]:
        """`work(tx)` in the writer's thread under a savepoint; done after the commit."""
        return self.submit(work)

    def submit(
        self, what: Draft | Callable[[Tx], Any], commit: Commit[Any] | None = None
    ) -> Commit[Any]:
        """Either of the two; `commit`: what is done after the commit, where there is one already."""
        if self.writer is None:
            raise Unavailable("the store is not open")
        return self.writer.submit(what, commit)

    async def read(self, work: Callable[[], T]) -> T:
        """`work()` in a reader's thread, where Peewee models may be queried."""
        if self._readers is None:
            raise Unavailable("the store is closed")
        self.reads += 1
        try:
            return await self._readers.submit(work)  # type: ignore[no-any-return]
        except peewee.OperationalError as error:
            raise Unavailable("the store cannot be read now, try again later") from error

    async def read_tx(self, work: Callable[[ReadTx], T]) -> T:
        """`work(tx)` in a reader's thread; all its queries see the database of one moment."""

        def in_one_moment() -> T:
            with self._database.atomic():
                return work(ReadTx(self.log, int(self._rules.clock() * 1000)))

        return await self.read(in_one_moment)

    async def after(self, offset: int, selection: Selection, limit: int, upto: int) -> Page:
        """A page of what is meant for a subscription after its position; see `LogReader.after`."""
        return await self.read_tx(lambda tx: tx.log.after(offset, selection, limit, upto))

    async def pruned(self, selection: Selection) -> int:
        """The highest offset of the selection that was thrown away, 0 for none."""
        return await self.read(lambda: self.log.pruned(selection))

    async def before(
        self, offset: int, selection: Selection, limit: int, position: int
    ) -> list[Message]:
        """The newest of what is meant for a subscription; see `LogReader.before`."""
        return await self.read(lambda: self.log.before(offset, selection, limit, position))

    async def everything_after(self, offset: int, limit: int) -> list[Message]:
        """The log itself, with the members that its messages are for: what heals a hub."""
        return await self.read(lambda: self.log.everything_after(offset, limit))

    async def members(self, topic: Topic) -> frozenset[str]:
        """Everybody who belongs to the topic, those who left until the next message included."""
        return self._members.get(topic) or await self._members.find(topic)

    @property
    def writable(self) -> bool:
        """Whether there is a writer at all."""
        return self.writer is not None and self.writer.is_alive()

    def sizes(self) -> dict[str, int]:
        """Bytes of the files on the disk, by what they are."""
        return sizes(self._database)

    async def head(self) -> int:
        """The last offset given, by asking the database."""
        return await self.read(self.log.head)

    async def page(
        self,
        topic: Topic,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int,
        skip: int = 0,
    ) -> tuple[list[Message], bool]:
        """A page of a topic's history, oldest first, and whether there is more that way."""
        return await self.read(
            lambda: self.log.page(topic, before=before, after=after, limit=limit, skip=skip)
        )

    async def get(self, offset: int) -> Message | None:
        """The message with that number; who may see it is the gate's word."""
        return await self.read(lambda: self.log.get(offset))

    async def sweep(self, publish_key_hours: float, pair_seconds: float) -> None:
        """Throws away keys and pairings that have outlived their use."""

        def work(tx: Tx) -> None:
            oldest = tx.now - int(publish_key_hours * 3_600_000)
            PublishKeyRow.delete().where(PublishKeyRow.at < oldest).execute()
            PairingRow.delete().where(PairingRow.at < tx.now - int(pair_seconds * 2000)).execute()

        await self.write(work)
