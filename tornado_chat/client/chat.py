"""The native client: one object over all the connections of its life."""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from tornado_chat.client.backoff import Backoff
from tornado_chat.client.errors import ChatError, Closed, Lost
from tornado_chat.client.link import Link, Manners, socket_address
from tornado_chat.client.outgoing import Outgoing
from tornado_chat.client.signals import Signals
from tornado_chat.client.subscription import OnGap, Since, Subscription
from tornado_chat.client.subscriptions import Subscriptions
from tornado_chat.client.values import Message, Page, Seen, Sent, Signal

log = logging.getLogger("tornado_chat.client")

ENVELOPE_BYTES = 4096  # what a frame may hold beside the data of its message


class State(StrEnum):
    """How the client stands, as `on_state` is told."""

    CONNECTING = "connecting"
    OPEN = "open"
    WAITING = "waiting"  # for the next attempt
    CLOSED = "closed"  # for good


OnState = Callable[[State], None]


class Chat:
    """What `connect` gives; an asynchronous context manager. Entering waits for the first
    connection and raises what hinders it, unless `offline`; leaving closes it. From then on it
    comes back by itself. After `Unauthorized` it does not: whatever is asked raises that."""

    def __init__(
        self,
        address: str,
        key: str,
        *,
        manners: Manners,
        backoff: Backoff,
        queue: int,
        buffer: int,
        offline: bool,
        on_gap: OnGap | None,
        on_state: OnState | None,
    ) -> None:
        self.state = State.WAITING
        self.hello: dict[str, Any] = {}  # of the newest connection; empty before the first
        self._address = address
        self._key = key
        self._manners = manners
        self._backoff = backoff
        self._offline = offline
        self._on_state = on_state
        self._outgoing = Outgoing(queue)
        self._subscriptions = Subscriptions(self._outgoing, size=buffer, on_gap=on_gap)
        self._signals: list[Signals] = []
        self._problem: ChatError | None = None
        self._entered: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    # What one asks of it

    def subscribe(
        self, topic: str, since: Since = None, *, on_gap: OnGap | None = None
    ) -> Subscription:
        """The messages of a topic, or of `mine`, as an asynchronous iterator that goes on across
        connections. `since`: a `Position` to go on from, "start" for all that is kept, None for
        what comes from now on. Each topic once; a ValueError for the second."""
        return self._subscriptions.add(topic, since, on_gap)

    async def publish(self, topic: str, data: Mapping[str, Any], *, key: str | None = None) -> Sent:
        """Returns once the server has it on the disk, over as many connections as it takes;
        without one the message waits its turn. `key` makes a retry safe, and is made up where none
        is given. Raises what the server answers, `QueueFull`, `Closed`."""
        key = uuid.uuid4().hex if key is None else key
        body = {"topic": topic, "key": key, "data": dict(data)}
        return Sent.read(await self._outgoing.ask("publish", body), key)

    async def history(
        self, topic: str, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> Page:
        """Up to `limit` messages before or after an offset, or the newest; waits for a connection."""
        body: dict[str, Any] = {"topic": topic, "limit": limit}
        if before is not None:
            body["before"] = before
        if after is not None:
            body["after"] = after
        return Page.read(await self._outgoing.ask("history", body))

    async def seen(self, topic: str, offset: int) -> Seen:
        """One has read up to there; never goes back. Waits for a connection."""
        return Seen.read(await self._outgoing.ask("seen", {"topic": topic, "offset": offset}))

    async def signal(self, topic: str, name: str, data: Mapping[str, Any] | None = None) -> None:
        """To those who listen now. Tried once: `unavailable` where there is no connection."""
        body = {"topic": topic, "name": name, "data": dict(data or {})}
        await self._outgoing.ask("signal", body, again=False)

    def signals(self, topic: str | None = None) -> Signals:
        """The signals of a topic that is subscribed too, or of all."""
        found = Signals(topic, self._leave_signals)
        if self._problem is not None:
            found.end(self._problem)
        else:
            self._signals.append(found)
        return found

    @property
    def waiting(self) -> int:
        """Publishes without an answer so far."""
        return self._outgoing.waiting

    async def close(self) -> None:
        """Ends it with 1000. Every publish without an answer raises `Closed`, iterators stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._end(Closed())

    async def __aenter__(self) -> Self:
        if self._task is not None or self._problem is not None:
            raise RuntimeError("entered twice: connect again")
        self._entered = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._live())
        if not self._offline:
            try:
                await self._entered
            except BaseException:
                await self.close()
                raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # One connection after another

    async def _live(self) -> None:
        problem: ChatError = Closed()
        try:
            while True:
                pause = await self._connection()
                self._become(State.WAITING)
                await asyncio.sleep(pause)
        except ChatError as end:
            problem = end
        except Exception as fault:
            log.exception("the client has failed")
            problem = ChatError("internal", f"the client has failed: {fault!r}")
        finally:
            self._end(problem)

    async def _connection(self) -> float:
        """One of them, from its beginning to its end; then how many seconds to wait."""
        self._become(State.CONNECTING)
        try:
            link = await Link.open(self._address, self._key, self._manners)
        except Lost as lost:
            if not self._offline:
                raise ChatError("unavailable", str(lost)) from None
            return self._backoff.pause(lost.window)
        loop = asyncio.get_running_loop()
        start = loop.time()
        writer = asyncio.create_task(self._write(link))
        try:
            self._opened(link)
            await self._read(link)
        except Lost as lost:
            self._backoff.lasted(loop.time() - start)
            pause = self._backoff.pause(lost.window)
        finally:
            writer.cancel()
            self._outgoing.lost("the connection ended")
            self._subscriptions.lost()
            await link.close()
        return pause

    def _opened(self, link: Link) -> None:
        self._offline = True  # from now on a lost connection is lived with
        self.hello = link.hello
        self._outgoing.connected = True
        self._subscriptions.opened()
        self._become(State.OPEN)
        if self._entered is not None and not self._entered.done():
            self._entered.set_result(None)

    async def _write(self, link: Link) -> None:
        most = link.hello.get("limits", {}).get("frame_bytes", 0)
        with contextlib.suppress(Lost):  # whoever reads finds out why
            while True:
                command = await self._outgoing.next()
                size = len(command.text.encode())
                if most and size > most + ENVELOPE_BYTES:
                    # the server would say so too, or end the connection and be sent it again
                    text = f"{command.do}: frame of {size} bytes, {most} are allowed"
                    self._outgoing.settle(command, ChatError("too_large", text))
                    continue
                await link.send(command.text)

    async def _read(self, link: Link) -> None:
        """Never waits for a reader longer than a moment: replies come on the same socket."""
        while True:
            frame = await link.next()
            if "push" in frame:
                await self._subscriptions.push(Message.read(frame["push"]))
            elif "signal" in frame:
                signal = Signal.read(frame["signal"])
                for reader in self._signals:
                    reader.take(signal)
            elif frame.get("id") is not None:
                self._outgoing.answer(frame)
            elif "error" in frame:
                self._subscriptions.ended_by_house(frame)

    def _leave_signals(self, signals: Signals) -> None:
        if signals in self._signals:
            self._signals.remove(signals)

    def _become(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            if self._on_state is not None:
                try:
                    self._on_state(state)
                except Exception:  # a fault of the program's, which must not end the connection
                    log.exception("on_state has failed")

    def _end(self, problem: ChatError) -> None:
        if self._problem is not None:
            return
        self._problem = problem
        if self._entered is not None and not self._entered.done() and not self._offline:
            self._entered.set_exception(problem)
        self._outgoing.end(problem)
        self._subscriptions.end(problem)
        for signals in self._signals:
            signals.end(problem)
        self._become(State.CLOSED)


def connect(
    url: str,
    key: str,
    *,
    on_gap: OnGap | None = None,
    on_state: OnState | None = None,
    offline: bool = False,
    queue: int = 1000,
    buffer: int = 1000,
    backoff_base: float = 0.5,
    backoff_cap: float = 30.0,
    open_timeout: float = 10.0,
    close_timeout: float = 5.0,
    ping_interval: float = 20.0,
    ping_timeout: float = 20.0,
    **options: Any,
) -> Chat:
    """A client of the server at `url` (http, https, ws or wss), for `async with`.

    `on_gap(subscription)`, which may be async, is called where something was missed; `on_state` at
    each change of `State`. `offline`: entering does not wait for the first connection. `queue`: how
    many publishes may wait; `buffer`: how many messages are kept for one reader. Times are in
    seconds. `options` are those of `websockets.connect`: `ssl`, `proxy`, `additional_headers` …
    Raises ValueError for a url that is none, or that holds a key."""
    return Chat(
        socket_address(url, "ws"),
        key,
        manners=Manners(open_timeout, close_timeout, ping_interval, ping_timeout, options),
        backoff=Backoff(backoff_base, backoff_cap),
        queue=queue,
        buffer=buffer,
        offline=offline,
        on_gap=on_gap,
        on_state=on_state,
    )
