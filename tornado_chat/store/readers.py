"""The readers: threads that answer what only reads.

A hop to another thread and back costs more than a small query, so it is shared as the writer's is:
what waits is answered one after another for a moment, and the loop is woken once for all of it.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import peewee

from tornado_chat.store.database import enter_thread

log = logging.getLogger("tornado_chat.store")

TURN_SECONDS = 0.002  # after which what was found is handed over, whatever else waits


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
                until = time.monotonic() + TURN_SECONDS
                answered = []
                while question is not None:
                    self._answer(question)
                    answered.append(question)
                    question = self._next(until)
                self._hand_over(answered)
        finally:
            self._database.close()

    def _next(self, until: float) -> Question | None:
        if time.monotonic() >= until:
            return None
        try:
            question = self._questions.get_nowait()
        except queue.Empty:
            return None
        if question is None:  # the end, once this is handed over
            self._questions.put(None)
        return question

    def _answer(self, question: Question) -> None:
        if question.future.cancelled():
            return
        try:
            if self._database.is_closed():  # in this thread
                enter_thread(self._database, read_only=True)
            question.found = question.work()
        except StopIteration as error:  # no future takes one
            question.error = RuntimeError(repr(error))
        except BaseException as error:  # noqa: BLE001 - whatever it raises is its asker's
            question.error = error

    def _hand_over(self, answered: list[Question]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._finish, answered)
        except RuntimeError:  # the loop has ended: nobody waits any more
            log.debug("database: nobody left to answer")

    @staticmethod
    def _finish(answered: list[Question]) -> None:
        for question in answered:
            if question.future.done():  # its asker was cancelled
                continue
            if question.error is not None:
                question.future.set_exception(question.error)
            else:
                question.future.set_result(question.found)
