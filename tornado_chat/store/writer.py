"""The one writer: a thread that owns every write, and commits in groups.

What waits while a commit is under way shares the next transaction. After the commit the loop is
woken once for the whole group. A group whose commit fails is redone one job at a time, so that a
bad job harms only its sender; a job that raises is undone by its savepoint.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import peewee
from peewee import fn

from tornado_chat.errors import Unavailable
from tornado_chat.messages import Draft, Message, Signal
from tornado_chat.store.database import (
    bearable,
    data_version,
    enter_thread,
    first_cause,
    in_transaction,
)
from tornado_chat.store.models import LogHead, MessageRow
from tornado_chat.store.transaction import Rules, Tx, WriterMemory

T = TypeVar("T")
Work = Draft | Callable[[Tx], Any]  # a draft to append, or what is run under a savepoint

log = logging.getLogger("tornado_chat.store")

GROUP = 256  # jobs in one transaction
IDLE_SECONDS = 1.0  # how often an idle writer looks whether another process wrote


class Commit(asyncio.Future[T]):
    """What becomes of a job, done after its commit. `at_once(commit)`: told in that very turn of
    the loop, where a callback would cost a turn and a handle for each message of a group."""

    at_once: "Callable[[Commit[T]], object] | None" = None


@dataclass(slots=True)
class Job:
    """Something to be written: a draft to append, or work to run under a savepoint."""

    what: Work
    commit: Commit[Any]
    result: Any = None
    error: BaseException | None = None

    def answer(self) -> None:
        """On the loop: tells whoever waits for it what became of it."""
        commit = self.commit
        if not commit.done():  # else its caller was cancelled
            if self.error is not None:
                commit.set_exception(self.error)
            else:
                commit.set_result(self.result)
        if commit.at_once is not None:
            contained(commit.at_once, commit)


@dataclass(slots=True)
class Committed:
    """What one transaction has brought, handed to the loop in one piece."""

    jobs: list[Job]
    messages: list[Message] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    deferred: list[Callable[[], object]] = field(default_factory=list)
    foreign: bool = False  # another process has written since


class Writer(threading.Thread):
    """MUSTs: 1. numbers are given only inside its transactions; 2. nothing is answered or pushed
    before the commit returned; 3. every job is answered, in order, whatever happens."""

    def __init__(
        self, database: peewee.Database, rules: Rules, on_committed: Callable[[Committed], None]
    ) -> None:
        super().__init__(name="tornado_chat.writer", daemon=True)
        self._database = database
        self.rules = rules
        self._on_committed = on_committed
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._turn: list[Job] = []  # queued in this turn of the loop
        self._memory = WriterMemory()
        self._version = -1
        self._foreign = False  # another process has written, and the loop does not know yet
        self._open = True
        self.commits = 0  # transactions committed, for tests and metrics
        self.refused = 0  # jobs that the database did not take

    def submit(self, what: Work, commit: Commit[Any] | None = None) -> Commit[Any]:
        """Queues a job; on the loop. What comes in one turn of it is handed in together: one by one,
        the first would wake the thread, which would take the interpreter for a group of one."""
        commit = commit or Commit(loop=self._loop)
        if not self._turn:
            self._loop.call_soon(self.hand_in)
        self._turn.append(Job(what, commit))
        return commit

    @property
    def waiting(self) -> int:
        """How many jobs wait for the next transaction."""
        return len(self._turn) + self._jobs.qsize()

    def hand_in(self) -> None:
        """What was queued in this turn of the loop, now; on the loop."""
        jobs, self._turn = self._turn, []
        for job in jobs:
            if self._open:
                self._jobs.put(job)
            else:
                job.error = Unavailable("the store is closed")
                job.answer()

    def close(self) -> None:
        """Lets what is queued be committed, then ends the thread. Blocks."""
        self._jobs.put(None)
        if self.is_alive():
            self.join()

    def run(self) -> None:
        try:
            enter_thread(self._database, read_only=False)
            self._version = data_version(self._database)
            self._memory.head = max(read_head(), newest_message())  # heals one that was damaged
            while True:
                group = self._next_group()
                if group is None:
                    break
                if group:
                    self._commit_or_split(group)
                else:
                    self._look_around()
        finally:
            self._open = False
            self._refuse_rest()
            self._database.close()

    def _refuse_rest(self) -> None:
        """What was asked for after the end."""
        while not self._jobs.empty():
            job = self._jobs.get()
            if job is not None:
                self._refuse([job], Unavailable("the store is closed"))

    def _next_group(self) -> list[Job] | None:
        """What waits, at most a group; empty after an idle while; None at the end."""
        try:
            job = self._jobs.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            return []
        group: list[Job] = []
        while job is not None:
            group.append(job)
            if len(group) == GROUP:
                return group
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group
        if group:
            self._jobs.put(None)  # commit these first, then end
            return group
        return None

    def _look_around(self) -> None:
        try:
            self._others_wrote()
            if self._foreign:
                self._foreign = False
                self._hand_over(Committed([], foreign=True))
        except peewee.PeeweeException as error:
            log.warning("database: cannot be read: %s", error)

    def _others_wrote(self) -> None:
        """Looks whether another process has committed; then nothing that is remembered holds, and
        the loop is told with the next word, whatever becomes of this transaction."""
        version = data_version(self._database)
        if version != self._version:
            self._foreign = True
            self._memory.forget()
            self._memory.head = read_head()
            self._version = version

    def _commit_or_split(self, group: list[Job]) -> None:
        failed = self._commit(group)
        if failed is None:
            return
        if len(group) == 1:
            self._refuse(group, failed)
            return
        for index, job in enumerate(group):
            job.result = job.error = None
            failed = self._commit([job])
            if failed is not None:
                self._refuse([job], failed)
            if isinstance(failed, peewee.OperationalError):  # not the job: the database
                self._refuse(group[index + 1 :], failed)
                return

    def _commit(self, group: list[Job]) -> Exception | None:
        """One transaction; the error where it failed as a whole and nothing was answered."""
        tx = Tx(self._memory, self.rules)
        done = Committed(group)
        head: int | None = None
        try:
            with self._database.transaction("IMMEDIATE"):
                self._others_wrote()
                head = self._memory.head
                for job in group:
                    self._run_job(tx, job)
                tx.flush()
                self._check_open()
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for an answer
            if head is None:  # not even begun: there is nothing to redo
                self._refuse(group, error)
                return None
            self._memory.forget()
            self._memory.head = head
            return error
        self.commits += 1
        done.messages, done.signals, done.deferred = tx.messages, tx.signals, tx.deferred
        done.foreign, self._foreign = self._foreign, False
        self._hand_over(done)
        return None

    def _check_open(self) -> None:
        """Raises where the database has ended the transaction by itself, as SQLite does when the
        disk is full: nothing of the group has happened then, and nothing more may be written."""
        if not in_transaction(self._database):
            raise peewee.OperationalError("the transaction was ended by the database")

    def _run_job(self, tx: Tx, job: Job) -> None:
        if isinstance(job.what, Draft):
            try:
                job.result = tx.append(job.what)  # changes nothing where it raises
            except peewee.PeeweeException:
                raise
            except Exception as error:  # noqa: BLE001 - data that is no JSON is a plugin's mistake
                job.error = bearable(error)
            return
        tx.flush()
        mark = tx.mark()
        try:
            with self._database.savepoint():
                job.result = job.what(tx)
                tx.flush()
        except BaseException as error:  # noqa: BLE001 - whatever the work raises is its caller's
            self._check_open()
            tx.back_to(mark)
            job.error = bearable(error)

    def _refuse(self, jobs: list[Job], error: Exception) -> None:
        log.error("database: %s", first_cause(error))
        self.refused += len(jobs)
        for job in jobs:
            job.error = Unavailable("the store cannot write now, try again later")
        self._hand_over(Committed(jobs))

    def _hand_over(self, done: Committed) -> None:
        try:
            self._loop.call_soon_threadsafe(self._finish, done)
        except RuntimeError:  # the loop has ended: nobody waits any more
            log.debug("database: nobody left to answer")

    def _finish(self, done: Committed) -> None:
        """On the loop: first what the transaction changed, then those who wait for it."""
        for call in done.deferred:
            contained(call)
        contained(self._on_committed, done)
        for job in done.jobs:
            job.answer()


def contained(call: Callable[..., object], *given: Any) -> None:
    """Calls it; whatever it raises, who waits must be answered all the same."""
    try:
        call(*given)
    except Exception:
        log.exception("after a commit")


def read_head() -> int:
    """The last offset given, as this transaction sees it."""
    return int(LogHead.select(LogHead.offset).scalar())


def newest_message() -> int:
    """The highest offset in the log, 0 for none."""
    return int(MessageRow.select(fn.MAX(MessageRow.offset)).scalar() or 0)
