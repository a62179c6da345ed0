"""What is left behind when a server has ended: tasks and sessions that nobody owns."""

import asyncio

from tornado_chat.app import Server

GRACE_SECONDS = 1.0  # for what is just ending


class Leaks:
    """Taken before the server starts."""

    def __init__(self) -> None:
        self._before = asyncio.all_tasks()

    async def tasks(self) -> list[str]:
        """The tasks that were begun since and have not ended; they are cancelled now."""
        mine = asyncio.current_task()
        left = {task for task in asyncio.all_tasks() - self._before if task is not mine}
        if left:
            _done, left = await asyncio.wait(left, timeout=GRACE_SECONDS)
        for task in left:
            task.cancel()
        found = [f"task still running: {told(task)}" for task in left]
        if left:
            await asyncio.wait(left, timeout=GRACE_SECONDS)
        return found

    @staticmethod
    async def sessions(server: Server) -> list[str]:
        """Sockets that are open though whatever the kit opened is closed."""
        await server.sockets.gone(GRACE_SECONDS)
        return [
            f"session still open: {handler.dialect.path} of "
            + (handler.session.identity.user_id if handler.session else "nobody yet")
            for handler in server.sockets.handlers
        ]


def told(task: "asyncio.Task[object]") -> str:
    """Its name, what it runs, and where it stands."""
    coroutine = task.get_coro()
    name = getattr(coroutine, "__qualname__", repr(coroutine))
    frame = next(iter(task.get_stack(limit=1)), None)
    where = f" ({frame.f_code.co_filename}:{frame.f_lineno})" if frame else ""
    return f"{task.get_name()}, {name}{where}"
