"""What the client has asked and not yet heard the answer of; kept while there is no connection.

1. Publishes go out in the order they were given, and after a lost connection again in that order:
   those that were not answered first, as they were, so that their keys make one message of two.
2. Whatever was asked once only (a subscribe, a signal) ends with its connection.
3. No more than WINDOW commands are unanswered on the wire: behind more than that, a server that
   reads slowly would be late with its pongs.
4. At most `size` publishes wait; the next one is refused, nothing is forgotten.
5. An answer is handed over in the turn in which its frame is read: what follows it may need it.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tornado_chat.client.errors import ChatError, QueueFull

WINDOW = 64

Reply = dict[str, Any] | ChatError
Answered = Callable[[Reply], None]


@dataclass(slots=True, eq=False)
class Command:
    """One thing asked. `again`: asked anew on the next connection until it is answered."""

    id: int
    do: str
    text: str
    answered: Answered
    again: bool


class Outgoing:
    def __init__(self, size: int) -> None:
        self._size = size
        self._first: deque[Command] = deque()
        self._publishes: deque[Command] = deque()
        self._open: dict[int, Command] = {}  # on the wire, by id
        self._gone: set[int] = set()  # nobody waits for these any more
        self._wake = asyncio.Event()
        self._last_id = 0
        self._problem: ChatError | None = None
        self.connected = False

    def put(
        self, do: str, body: Mapping[str, Any], answered: Answered, *, again: bool = True
    ) -> Command:
        """Takes a command. Raises `QueueFull`, what has ended the client, TypeError or ValueError
        for what is no JSON, and `unavailable` for what is asked once only and has no connection."""
        if self._problem is not None:
            raise self._problem
        if not again and not self.connected:
            raise ChatError("unavailable", f"{do}: not connected")
        if do == "publish" and self.waiting >= self._size:
            raise QueueFull(f"publish {body['topic']}: {self._size} messages wait already")
        self._last_id += 1
        frame = {"id": self._last_id, "do": do, **body}
        text = json.dumps(frame, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        command = Command(self._last_id, do, text, answered, again)
        (self._publishes if do == "publish" else self._first).append(command)
        self._wake.set()
        return command

    async def ask(self, do: str, body: Mapping[str, Any], *, again: bool = True) -> dict[str, Any]:
        """Puts a command and waits for its answer; raises what was answered instead. Whoever is
        cancelled takes his command back, if it has not left."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        command = self.put(
            do, body, lambda reply: None if future.done() else future.set_result(reply), again=again
        )
        try:
            reply = await future
        except asyncio.CancelledError:
            self._forget(command)
            raise
        if isinstance(reply, ChatError):
            raise reply
        return reply

    @property
    def waiting(self) -> int:
        """Publishes without an answer."""
        sent = sum(each.do == "publish" for each in self._open.values())
        return len(self._publishes) + sent

    # For the connection

    async def next(self) -> Command:
        """The next command to send, once there is one and the window has room."""
        while True:
            if len(self._open) < WINDOW:
                for line in (self._first, self._publishes):
                    if line:
                        command = line.popleft()
                        self._open[command.id] = command
                        return command
            self._wake.clear()
            await self._wake.wait()

    def answer(self, frame: Mapping[str, Any]) -> None:
        """A reply has come."""
        command = self._open.get(frame["id"])
        if command is not None:
            error = frame.get("error")
            self.settle(command, ChatError(**_plain(error)) if error is not None else frame["ok"])

    def settle(self, command: Command, reply: Reply) -> None:
        """Hands over what became of a command on the wire."""
        self._open.pop(command.id, None)
        self._wake.set()
        if command.id in self._gone:
            self._gone.discard(command.id)
        else:
            command.answered(reply)

    def lost(self, reason: str) -> None:
        """The connection has ended: what may be asked again goes back in line, in order."""
        self.connected = False
        sent = [each for each in self._open.values() if each.id not in self._gone]
        self._open.clear()
        self._gone.clear()
        kept = [each for each in [*sent, *self._first, *self._publishes] if each.again]
        once = [each for each in [*sent, *self._first] if not each.again]
        self._first = deque(each for each in kept if each.do != "publish")
        self._publishes = deque(each for each in kept if each.do == "publish")
        for command in once:
            command.answered(ChatError("unavailable", f"{command.do}: {reason}"))

    def end(self, problem: ChatError) -> None:
        """Nothing goes out any more; all that waits is told, and all that comes."""
        self._problem = problem
        self.lost(problem.message)
        for command in [*self._first, *self._publishes]:
            command.answered(problem)
        self._first.clear()
        self._publishes.clear()

    def _forget(self, command: Command) -> None:
        if command.id in self._open:
            self._gone.add(command.id)
            return
        for line in (self._first, self._publishes):
            if command in line:
                line.remove(command)


def _plain(error: Mapping[str, Any]) -> dict[str, str]:
    return {"code": error["code"], "message": error["message"]}
