"""One run: connections are opened, then all loads, one after another, over the same connections."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from tornado_chat.bench import loads
from tornado_chat.bench.device import Device
from tornado_chat.bench.figures import Figures
from tornado_chat.bench.place import Place
from tornado_chat.bench.verdict import Memory

SETTLE_SECONDS = 0.5  # what is only of the opening has gone by then

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
            everybody = await self._talk("all", range(len(self._devices)))
            with self._bar("fan-out") as progress:
                self.found.append(await loads.fan_out(everybody, self._seconds, progress))
            pairs = [
                await self._talk(f"pair-{first}", (first, first + 1))
                for first in range(0, len(self._devices) - 1, 2)
            ]
            with self._bar("durable messages") as progress:
                self.found.append(await loads.talking(pairs, self._seconds, progress))
            pairs = [pair.again() for pair in pairs]
            with self._bar(f"{self._rate:g} a second") as progress:
                figures = await loads.offered(pairs, self._rate, self._seconds, progress)
                self.found.append(figures)

    async def _connect(self) -> None:
        before = self._place.memory()
        with self._bar("connections") as progress:
            self.found.append(await loads.open_all(self._devices, progress))
        await asyncio.sleep(SETTLE_SECONDS)
        after = self._place.memory()
        if before is not None and after is not None:
            self.memory = Memory(before, after, len(self._devices))

    async def _talk(self, name: str, numbers: Sequence[int]) -> loads.Talk:
        """The first of these devices talks in a room of their own, the others hear."""
        users = sorted({self._devices[number].user for number in numbers})
        topic = await self._place.make_room(self._keys[numbers[0]], users)
        self._rooms.append((topic, numbers))
        talker, *hearers = (self._devices[number] for number in numbers)
        await loads.together(device.do("subscribe", topic=topic) for device in hearers)
        return loads.Talk(name, talker, topic, hearers)

    @contextlib.asynccontextmanager
    async def _leaving(self) -> AsyncIterator[None]:
        """Closes everything, and leaves the rooms, so that nobody keeps them in his list."""
        try:
            yield
        finally:
            closing = (device.close() for device in self._devices)
            await asyncio.gather(*closing, return_exceptions=True)
            for topic, numbers in [] if self._place.own else self._rooms:
                for key in {self._keys[number] for number in numbers}:
                    await self._place.leave_room(key, topic)
