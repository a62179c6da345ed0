"""The one way into a plugin: each call counted, timed, contained.

A call runs in the task of its caller. Its coroutine is stepped by hand, so that one that answers
at once costs two looks at the clock, and how long each step held the loop is known. Only a call
that waits gets a timer. One that does not end when it is cancelled is closed: nothing of it runs on.
"""

import asyncio
import inspect
import logging
import time
from collections.abc import Callable
from pathlib import Path
from types import CoroutineType, NoneType
from typing import TYPE_CHECKING, Any

import peewee

from tornado_chat.errors import ChatError, Unavailable
from tornado_chat.plugins.stepping import awaited, rest
from tornado_chat.store.database import is_mistake

if TYPE_CHECKING:
    from tornado_chat.plugins.source import Plugin

trace = logging.getLogger("tornado_chat.trace")
trace.setLevel(logging.INFO)  # who asks for it by the environment has it, whatever log.level is
clock = time.perf_counter

HOUSE = str(Path(__file__).parents[1]) + "/"
HOLD_SECONDS = 0.1  # of the loop in one step; more is named in the log
WRITER_SECONDS = 1.0  # the same of the writer's thread
NAMES: dict[type, str] = {NoneType: "None", dict: "a dict"}


class PluginFailed(ChatError):
    """A plugin raised what is no word of the house, or gave what cannot be used. `cause`: what it
    was; its text may quote a message, so it goes nowhere."""

    def __init__(self, message: str, cause: BaseException) -> None:
        super().__init__(message)
        self.cause = cause


class TookTooLong(PluginFailed, Unavailable):
    """It did not answer in its time."""


class WrongType(TypeError):
    """What a plugin gave is not what was asked for. The text holds names of types alone."""


class Calls:
    """The calls of one hook of one plugin. They are counted where they are made, so a reader may
    see a moment in between.

    `count`: that have ended; `failures`: of them; `seconds`: of all together, from beginning to
    end; `longest`: of them, in seconds; `held`: steps that held the loop, or the writer, for too
    long; `set_aside`: it is left alone for a while. `limit`: seconds for one call, 0 for no limit.
    `words`: what the plugin may raise, which passes to the caller. `expects`: the type of an
    answer, None for any. `on_writer`: it runs in the writer's thread.
    """

    __slots__ = (
        *("count", "expects", "failures", "held", "limit", "longest", "seconds", "set_aside"),
        *("_hook", "_ordinary", "_plugin", "on_writer", "words"),
    )

    def __init__(
        self,
        plugin: "Plugin",
        hook: str,
        limit: float = 0.0,
        *,
        words: tuple[type[BaseException], ...] = (ChatError,),
        expects: type | tuple[type, ...] | None = None,
        on_writer: bool = False,
    ) -> None:
        self._plugin = plugin
        self._hook = hook
        self.limit = limit
        self.words = words
        self.expects = expects
        self.on_writer = on_writer
        self.count = self.failures = self.held = 0
        self.seconds = self.longest = 0.0
        self._ordinary = -1.0  # seconds; a call that is not longer needs no second look
        self.set_aside = False

    async def run(self, function: Callable[..., Any], *args: Any, **given: Any) -> Any:
        """What the function answers, async or not. Raises its `words` as they are, TookTooLong, and
        PluginFailed for anything else, which is counted and logged."""
        waited = False
        began = clock()
        try:
            answer = function(*args, **given)
            kind = type(answer)
            if kind is not CoroutineType and hasattr(kind, "__await__"):
                answer, kind = awaited(answer), CoroutineType
            if kind is CoroutineType:
                try:
                    first = answer.send(None)
                except StopIteration as stop:
                    answer = stop.value
                else:
                    self._look(clock() - began)
                    waited = True
                    answer = await rest(answer, first, self.limit, self._look)
            if self.expects is not None and not isinstance(answer, self.expects):
                raise self._wrong(answer)
        except BaseException as error:
            problem = self._ended_badly(error, function, clock() - began, waited=waited)
            if problem is error:
                raise
            raise problem from error
        took = clock() - began
        self.count += 1
        self.seconds += took
        if took > self._ordinary:
            self._look_closer(took, waited=waited)
        return answer

    def run_now(self, function: Callable[..., Any], *args: Any, **given: Any) -> Any:
        """The same for a function that may not be async; on any thread. The database's own trouble
        passes as it is: it is nobody's fault."""
        began = clock()
        try:
            answer = function(*args, **given)
            if type(answer) is CoroutineType:
                answer.close()
                raise WrongType("gave an awaitable, it may not be async")
            if self.expects is not None and not isinstance(answer, self.expects):
                raise self._wrong(answer)
        except BaseException as error:
            if is_trouble(error):
                raise
            problem = self._ended_badly(error, function, clock() - began, waited=False)
            if problem is error:
                raise
            raise problem from error
        took = clock() - began
        self.count += 1
        self.seconds += took
        if took > self._ordinary:
            self._look_closer(took, waited=False)
        return answer

    def note(self, took: float) -> None:
        """Counts a call whose failure is its caller's own."""
        self.count += 1
        self.seconds += took
        self._look_closer(took, waited=False, how="ended")

    def _look_closer(self, took: float, *, waited: bool, how: str = "ok") -> None:
        """At a call that was longer than any before, or for too long, or where each is looked at."""
        self.longest = max(self.longest, took)
        if not waited:
            self._look(took)
        self._ordinary = min(self.longest, self._hold)
        if self._plugin.traced:
            self._ordinary = -1.0
            name = self._plugin.name
            trace.info("plugin %r %s %.3f ms %s", name, self._hook, took * 1000, how)

    @property
    def _hold(self) -> float:
        return WRITER_SECONDS if self.on_writer else HOLD_SECONDS

    def _look(self, took: float) -> None:
        """At a step that took so many seconds."""
        if took > self._hold:
            self.held += 1
            whom = "the writer" if self.on_writer else "everybody"
            text = f"held {whom} up for {took:.1f} s in {self._hook}"
            self._plugin.say(f"held {self._hook}", text)

    def _ended_badly(
        self, error: BaseException, function: Callable[..., Any], took: float, *, waited: bool
    ) -> BaseException:
        """Counts a call that raised; what its caller is to be told."""
        self.count += 1
        self.seconds += took
        self._look_closer(took, waited=waited, how=type(error).__name__)
        if isinstance(error, self.words) or not is_fault(error):
            return error
        self._plugin.failed(self._hook, error, line_of(function))
        name = self._plugin.name
        if isinstance(error, TimeoutError):
            return TookTooLong(f"plugin {name!r} took too long in {self._hook}", error)
        return PluginFailed(f"plugin {name!r} failed in {self._hook}", error)

    def _wrong(self, answer: object) -> WrongType:
        expects = self.expects if isinstance(self.expects, tuple) else (self.expects,)
        names = " or ".join(NAMES.get(each, each.__name__) for each in expects if each is not None)
        return WrongType(f"gave {type(answer).__name__}, expected {names}")

    def describe(self) -> dict[str, Any]:
        """As the command line and the health page show it; seconds with microseconds."""
        return {
            "count": self.count,
            "failures": self.failures,
            "seconds": round(self.seconds, 6),
            "longest": round(self.longest, 6),
            "held": self.held,
            "set_aside": self.set_aside,
        }


def is_fault(error: BaseException) -> bool:
    """Whether it is the plugin's mistake, and not somebody's who wants the task or all to end."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and not task.cancelling()
    return isinstance(error, Exception | SystemExit)


def is_trouble(error: BaseException) -> bool:
    """Whether the database could not, and not that it was asked for what is not there, for which
    SQLite has the same class."""
    return isinstance(error, peewee.OperationalError) and not is_mistake(error)


def line_of(function: Callable[..., Any]) -> str | None:
    """`file:line` where it is defined, None where that cannot be told or is ours."""
    function = inspect.unwrap(getattr(function, "function", function))
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None or code.co_filename.startswith(HOUSE):
        return None
    return f"{code.co_filename}:{code.co_firstlineno}"
