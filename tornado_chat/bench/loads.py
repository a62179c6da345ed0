"""What is done: connections are opened, one speaks to many, many speak to one each, many post.

A message says who said it and its number, so that what is lost or comes twice is seen.
"""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tornado_chat.bench.device import Device
from tornado_chat.bench.figures import Figures, Hearing
from tornado_chat.bench.poster import Poster
from tornado_chat.errors import SetupError

AT_ONCE = 16  # connections that are opened at once
WINDOW = 16  # messages of one talker that are not acknowledged yet
PATIENCE = 10.0  # seconds for what is still under way
PADDING = "." * 60

Progress = Callable[[float], None]  # the share that is done
Answer = asyncio.Future[dict[str, Any]]


async def open_all(devices: Sequence[Device], progress: Progress) -> Figures:
    """All connections, each until the server has said hello."""
    times: list[float] = []
    waiting = iter(devices)

    async def some() -> None:
        for device in waiting:
            times.append(await device.open())
            progress(len(times) / len(devices))

    begun = Busy()
    await together(some() for _ in range(AT_ONCE))
    return Figures("connections", len(times) / begun.seconds, sorted(times), busy=begun.share())


async def together(work: Any) -> None:
    """All of it; the first failure ends the rest."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Busy:
    """How long it takes; which shares of that the bench itself uses of a core, and these talkers,
    all together, wait because of the server's limit."""

    def __init__(self, talks: "Sequence[Talk]" = ()) -> None:
        self._used, self._begun = time.process_time(), time.perf_counter()
        self._talkers = [talk.talker for talk in talks]
        self._held = self._all_held()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._begun

    def share(self) -> float:
        return (time.process_time() - self._used) / self.seconds

    def held(self) -> float:
        return (self._all_held() - self._held) / self.seconds

    def _all_held(self) -> float:
        return sum(talker.held for talker in self._talkers)


@dataclass
class Talk:
    """One who says numbered things in a topic, and those who hear him there."""

    name: str
    talker: Device
    topic: str
    hearers: Sequence[Device]

    def __post_init__(self) -> None:
        self.said: list[float] = []  # when each was due
        self.times: list[float] = []  # until each hearer had it
        self.answered = 0
        self.all_heard = asyncio.Event()
        self._hearings = {device: Hearing() for device in self.hearers}

    def anew(self, mark: str) -> "Talk":
        """The same people, who begin from 0; a mark without spaces tells what they say apart."""
        return Talk(f"{self.topic}/{mark}", self.talker, self.topic, self.hearers)

    def listen(self) -> None:
        """From now on its hearers are its own."""
        for device in self.hearers:
            device.on_data = functools.partial(self._hear, device)

    def _hear(self, device: Device, data: dict[str, Any], at: float) -> None:
        name, number = str(data.get("content", "")).partition(" ")[::2]
        if name != self.name:
            return
        place = int(number.partition(" ")[0])
        self._hearings[device].hear(place)
        self.times.append(at - self.said[place])
        if len(self.times) >= len(self.said) * len(self.hearers):
            self.all_heard.set()

    def next(self, due: float | None = None) -> str:
        """What is said next. Its time begins when it was due."""
        content = f"{self.name} {len(self.said)} {PADDING}"
        self.all_heard.clear()
        self.said.append(time.perf_counter() if due is None else due)
        return content

    async def say(self, due: float | None = None) -> Answer:
        data = {"content": self.next(due)}
        return await self.talker.say("publish", topic=self.topic, data=data)

    async def signal(self) -> Answer:
        """The same as a signal: nobody keeps it."""
        data = {"content": self.next()}
        return await self.talker.say("signal", topic=self.topic, name="bench", data=data)

    def answer(self, frame: dict[str, Any]) -> None:
        if "error" in frame:
            raise SetupError(f"{self.topic}: {frame['error']['message']}")
        self.answered += 1

    async def settle(self) -> None:
        """Waits for what is under way, a while."""
        if len(self.times) < len(self.said) * len(self.hearers):
            try:
                await asyncio.wait_for(self.all_heard.wait(), PATIENCE)
            except TimeoutError:
                return

    @property
    def lost(self) -> int:
        return sum(hearing.lost(len(self.said)) for hearing in self._hearings.values())

    @property
    def doubled(self) -> int:
        return sum(hearing.doubled for hearing in self._hearings.values())


def counted(name: str, talks: Sequence[Talk], rate: float, **more: Any) -> Figures:
    times = sorted(each for talk in talks for each in talk.times)
    lost, doubled = sum(talk.lost for talk in talks), sum(talk.doubled for talk in talks)
    return Figures(name, rate, times, lost, doubled, **more)


async def fan_out(
    name: str,
    talk: Talk,
    say: Callable[[Talk], Awaitable[Answer]],
    at_once: int,
    seconds: float,
    progress: Progress,
) -> Figures:
    """So many at once: the next are said when all have heard the last. The rate is of
    deliveries."""
    talk.listen()
    begun = Busy([talk])
    while begun.seconds < seconds:
        for answer in [await say(talk) for _ in range(at_once)]:
            talk.answer(await answer)
        await talk.settle()
        if not talk.all_heard.is_set():
            break  # it will be seen as lost
        progress(begun.seconds / seconds)
    rate, share = len(talk.times) / begun.seconds, begun.share()
    name = f"{name} to {len(talk.hearers)} sockets"
    return counted(name, [talk], rate, busy=share, held=begun.held())


async def talking(talks: Sequence[Talk], seconds: float, progress: Progress) -> Figures:
    """Each as quickly as answers come. The rate is of what was acknowledged."""
    begun = Busy(talks)

    async def one(talk: Talk) -> None:
        talk.listen()
        waiting: list[Answer] = []
        while begun.seconds < seconds:
            waiting.append(await talk.say())
            if len(waiting) >= WINDOW:
                talk.answer(await waiting.pop(0))
            progress(begun.seconds / seconds)
        for each in waiting:
            talk.answer(await each)

    await together(one(talk) for talk in talks)
    rate, share = sum(talk.answered for talk in talks) / begun.seconds, begun.share()
    held = begun.held() / len(talks)  # they wait at the same time
    await together(talk.settle() for talk in talks)
    name = f"durable messages of {len(talks)} people"
    return counted(name, talks, rate, busy=share, held=held)


async def posting(
    talks: Sequence[Talk], posters: Sequence[Poster], seconds: float, progress: Progress
) -> Figures:
    """By REST, each the next when the last is answered. The rate is of what was answered."""
    begun = Busy()

    async def one(talk: Talk, poster: Poster) -> None:
        talk.listen()
        while begun.seconds < seconds:
            await poster.post(talk.topic, talk.next())
            talk.answered += 1
            progress(begun.seconds / seconds)

    try:
        await together(one(*each) for each in zip(talks, posters, strict=True))
        rate, share = sum(talk.answered for talk in talks) / begun.seconds, begun.share()
        await together(talk.settle() for talk in talks)
    finally:
        for poster in posters:
            poster.close()
    return counted(f"REST, messages of {len(talks)} people", talks, rate, busy=share)


async def offered(
    talks: Sequence[Talk], rate: float, seconds: float, progress: Progress
) -> Figures:
    """An even pace, whatever becomes of it: who comes late is counted as late."""
    for talk in talks:
        talk.listen()
    begun, start = Busy(talks), time.perf_counter()
    waiting = []
    for number in range(max(1, int(rate * seconds))):
        due = start + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        talk = talks[number % len(talks)]
        waiting.append((talk, await talk.say(due)))
        progress((due - start) / seconds)
    for talk, each in waiting:
        talk.answer(await each)
    took, share, held = max(seconds, begun.seconds), begun.share(), begun.held()
    await together(talk.settle() for talk in talks)
    name = f"{rate:g} messages a second offered"
    return counted(name, talks, len(waiting) / took, offered=rate, busy=share, held=held)
