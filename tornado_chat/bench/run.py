"""One run: connections are opened, then all loads, one after another, over the same connections."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial

from tornado_chat.bench import loads
from tornado_chat.bench.device import ANSWER_SECONDS, Device
from tornado_chat.bench.figures import Figures
from tornado_chat.bench.place import Place
from tornado_chat.bench.poster import Poster
from tornado_chat.bench.verdict import Memory
from tornado_chat.errors import SetupError

SETTLE_SECONDS = 0.5  # what is only of the opening has gone by then
GOODBYE_SECONDS = 10.0  # for connections and rooms, where the server may have gone
BURST = 20
POSTERS = 32

Bar = Callable[[str], contextlib.AbstractContextManager[loads.Progress]]


class Run:
    """`count`: connections, at least two; `rate`: messages a second that are offered; `seconds`: of
    each load. `bar(label)`: shows how far a load is. `found` and `memory` are what came out."""

    def __init__(self, place: Place, count: int, rate: float, seconds: float, bar: Bar) -> None:
        self._place = place
        self._rate = rate
        self._seconds = seconds
        self._bar = bar
        self._keys = [place.keys[number % len(place.keys)] for number in range(count)]
        self._devices = [Device(place.url, key) for key in self._keys]
        self._rooms: list[tuple[str, Sequence[int]]] = []
        self.found: list[Figures] = []
        self.memory: Memory | None = None

    async def measure(self) -> None:
        """All of it. Raises SetupError where the server refuses something or goes away."""
        async with self._leaving():
            await self._connect()
            await self._one_to_all(await self._talk(range(len(self._devices))))
            pairs = [
                await self._talk((first, first + 1))
                for first in range(0, len(self._devices) - 1, 2)
            ]
            await self._in_pairs(pairs)

    async def _one_to_all(self, talk: loads.Talk) -> None:
        for mark, name, say, at_once in (
            ("signal", "signals", loads.Talk.signal, 1),
            ("message", "messages", loads.Talk.say, 1),
            ("burst", f"bursts of {BURST}", loads.Talk.say, BURST),
        ):
            load = partial(loads.fan_out, name, talk.anew(mark), say, at_once)
            await self._load(name, load)

    async def _in_pairs(self, pairs: Sequence[loads.Talk]) -> None:
        talks = [pair.anew("durable") for pair in pairs]
        await self._load("durable messages", partial(loads.talking, talks))
        if self._place.rest:
            talks = [pair.anew("rest") for pair in pairs[:POSTERS]]
            posters = [Poster(self._place.url, key) for key in self._keys[0::2][:POSTERS]]
            await self._load("REST", partial(loads.posting, talks, posters))
        talks = [pair.anew("offered") for pair in pairs]
        await self._load(f"{self._rate:g} a second", partial(loads.offered, talks, self._rate))

    async def _load(
        self, label: str, load: Callable[[float, loads.Progress], Awaitable[Figures]]
    ) -> None:
        """Raises SetupError where the server says nothing any more."""
        try:
            with self._bar(label) as progress:
                async with asyncio.timeout(self._seconds + ANSWER_SECONDS):
                    self.found.append(await load(self._seconds, progress))
        except TimeoutError:
            said = f"no answer for up to {ANSWER_SECONDS:g} s"
            raise SetupError(f"{self._place.url}: {label}: {said}") from None

    async def _connect(self) -> None:
        before = self._place.memory()
        with self._bar("connections") as progress:
            self.found.append(await loads.open_all(self._devices, progress))
        await asyncio.sleep(SETTLE_SECONDS)
        after = self._place.memory()
        if before is not None and after is not None:
            self.memory = Memory(before, after, len(self._devices))

    async def _talk(self, numbers: Sequence[int]) -> loads.Talk:
        """The first of these devices talks in a room of their own, the others hear."""
        users = sorted({self._devices[number].user for number in numbers})
        topic = await self._place.make_room(self._keys[numbers[0]], users)
        self._rooms.append((topic, numbers))
        talker, *hearers = (self._devices[number] for number in numbers)
        await loads.together(device.do("subscribe", topic=topic) for device in hearers)
        return loads.Talk("", talker, topic, hearers)

    @contextlib.asynccontextmanager
    async def _leaving(self) -> AsyncIterator[None]:
        """Leaves the rooms, so that nobody keeps them in his list, and closes everything."""
        try:
            yield
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_SECONDS):
                    for topic, numbers in [] if self._place.own else self._rooms:
                        for key in {self._keys[number] for number in numbers}:
                            await self._place.leave_room(key, topic)
                    closing = (device.close() for device in self._devices)
                    await asyncio.gather(*closing, return_exceptions=True)
