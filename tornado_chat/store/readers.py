"""The readers: threads that answer what only reads.

A hop to another thread and back costs more than a small query, so it is shared as the writer's is:
the loop is woken once for all that is answered before it comes to look.
"""

import asyncio
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import peewee

from tornado_chat.store.database import bearable, enter_thread

log = logging.getLogger("tornado_chat.store")


@dataclass(slots=True)
class Question:
    """Work that only reads, and what it found."""

    work: Callable[[], Any]
    future: "asyncio.Future[Any]"
    found: Any = None
    error: BaseException | None = None


class Readers:
    """`count` threads over one queue: a long answer holds up only what one of them has taken."""

    def __init__(self, database: peewee.Database, count: int) -> None:
        self._database = database
        self._loop = asyncio.get_running_loop()
        self._questions: queue.SimpleQueue[Question | None] = queue.SimpleQueue()
        self._answered: deque[Question] = deque()
        self._told = False  # the loop, that something is answered
        self._threads = [
            threading.Thread(target=self._run, name=f"tornado_chat.reader_{number}", daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[[], Any]) -> "asyncio.Future[Any]":
        """What `work` finds, or raises, in one of the threads; on the loop."""
        question = Question(work, self._loop.create_future())
        self._questions.put(question)
        return question.future

    def close(self) -> None:
        """Lets what was asked be answered, then ends the threads. Blocks."""
        for _ in self._threads:
            self._questions.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        try:
            while (question := self._questions.get()) is not None:
                self._answer(question)
                self._answered.append(question)
                if not self._told:
                    self._told = True
                    self._tell()
        finally:
            self._database.close()

    def _answer(self, question: Question) -> None:
        if question.future.cancelled():
            return
        try:
            if self._database.is_closed():  # in this thread
                enter_thread(self._database, read_only=True)
            question.found = question.work()
        except BaseException as error:  # noqa: BLE001 - whatever it raises is its asker's
            question.error = bearable(error)

    def _tell(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._finish)
        except RuntimeError:  # the loop has ended: nobody waits any more
            log.debug("database: nobody left to answer")

    def _finish(self) -> None:
        self._told = False  # before it looks: what comes now is told again
        while self._answered:
            question = self._answered.popleft()
            if question.future.done():  # its asker was cancelled
                continue
            if question.error is not None:
                question.future.set_exception(question.error)
            else:
                question.future.set_result(question.found)
