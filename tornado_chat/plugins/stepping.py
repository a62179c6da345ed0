"""A coroutine that is stepped by hand, in the task of its caller, for so long as it may take."""

import asyncio
import contextlib
import time
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

clock = time.perf_counter

CANCEL_SECONDS = 1.0  # for what took too long to end


class Stuck(TimeoutError):
    """It took too long and did not end when it was cancelled either."""


class SelfCancelled(Exception):
    """It waited for something that was cancelled, and nobody has cancelled its caller."""


class Limit:
    """The time of a call that waits: cancels its task when it is over, and once more when it goes on
    all the same. `passed`: how many times."""

    __slots__ = ("_before", "_handle", "_task", "passed")

    def __init__(self, seconds: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._before = task.cancelling()
        self.passed = 0
        loop = task.get_loop()
        self._handle = loop.call_later(seconds, self._over) if seconds else None

    def _over(self) -> None:
        self.passed += 1
        self._handle = None
        self._task.cancel()
        if self.passed == 1:
            self._handle = self._task.get_loop().call_later(CANCEL_SECONDS, self._over)

    @property
    def ignored(self) -> bool:
        """Whether its end was asked for twice: by the limit, or by somebody else."""
        others = self._task.cancelling() - self._before - self.passed
        return self.passed > 1 or others > 1

    def end(self) -> bool:
        """Takes back what it has cancelled; whether somebody else wants the task to end."""
        if self._handle is not None:
            self._handle.cancel()
        for _ in range(self.passed):
            self._task.uncancel()
        return self._task.cancelling() > self._before


async def rest(
    coroutine: Coroutine[Any, Any, Any],
    waits_for: Any,
    seconds: float,
    look: Callable[[float], None],
) -> Any:
    """What a coroutine answers that has begun, and `waits_for` something, so many seconds later at
    the most; 0 for no limit. `look(seconds)`: told how long each step took.

    Raises TimeoutError; of it Stuck for one that did not end when it was cancelled: it is closed then,
    and nothing of it runs on. SelfCancelled where nobody has cancelled the caller.
    """
    limit = Limit(seconds)
    try:
        answer = await stepped(coroutine, waits_for, limit, look)
    except asyncio.CancelledError:
        if limit.end():
            raise
        if not limit.passed:
            raise SelfCancelled from None
        raise (Stuck if limit.passed > 1 else TimeoutError) from None
    except BaseException:
        limit.end()
        raise
    limit.end()
    if limit.passed:
        raise TimeoutError
    return answer


async def awaited(what: Awaitable[Any]) -> Any:
    """A coroutine of anything that can be awaited."""
    return await what


@types.coroutine
def stepped(
    coroutine: Coroutine[Any, Any, Any],
    waits_for: Any,
    limit: Limit,
    look: Callable[[float], None],
) -> Generator[Any, Any, Any]:
    """Goes on with a coroutine that waits, step by step in this task. `look(seconds)`: told how long
    each step took."""
    while True:
        thrown: BaseException | None = None
        try:
            yield waits_for
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as error:  # noqa: BLE001 - it is for the coroutine
            thrown = error
        if thrown is not None and limit.ignored:
            with contextlib.suppress(RuntimeError):  # it ignores even that, and is forgotten
                coroutine.close()
            raise thrown
        began = clock()
        try:
            waits_for = coroutine.send(None) if thrown is None else coroutine.throw(thrown)
        except StopIteration as stop:
            return stop.value
        finally:
            look(clock() - began)
