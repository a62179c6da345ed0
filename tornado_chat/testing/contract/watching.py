"""Somebody who listens to the topic, with the state that he makes of what he gets."""

import asyncio
from typing import Any

from tornado_chat.testing.contract.case import Case
from tornado_chat.testing.native import Frame, Native, of


class Watcher:
    """`state`: with every push applied. `pushes`: all so far. `began_with`, `began`: the state and
    the head when he joined; `offset`: up to where he has all. Where the topic is signals, these count as pushes without an offset."""

    def __init__(self, case: Case, name: str) -> None:
        self.name = name
        self.pushes: list[Frame] = []
        self.state: Any = None
        self.began_with: Any = None
        self.began = 0
        self.offset = 0
        self._epoch = ""
        self._case = case
        self._session: Native

    @classmethod
    async def begin(cls, case: Case, name: str) -> "Watcher":
        """He subscribes, and takes the state."""
        watcher = cls(case, name)
        await watcher._join(case)
        return watcher

    async def _join(self, case: Case, **since: Any) -> Frame:
        self._case = case
        self._session = await case.chat.connect(self.name)
        reply: Frame = await self._session.ok("subscribe", topic=case.topic.name, **since)
        self._epoch = reply["epoch"]
        if not since:
            self.state = self.began_with = reply["state"]
            self.began = self.offset = reply["offset"]
        return reply

    async def come_back(self, case: Case) -> Frame:
        """On whatever server it is by now; the reply."""
        return await self._join(case, since={"epoch": self._epoch, "offset": self.offset})

    async def leave(self) -> None:
        """His socket is closed."""
        await self._session.close()

    async def catch_up(self) -> list[Frame]:
        """Takes all that is there for him; what was new, in order."""
        chat = self._case.chat
        await chat.settled()
        while any(session.behind() for session in chat.server.hub.all_sessions()):  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        await self._session.ok("ping")
        frames, self._session.pushed = self._session.pushed, []
        kind = "signal" if self._case.provider.history == 0 else "push"
        new = [frame[kind] for frame in frames if kind in frame]
        for each in new:
            self.state = self._case.apply(self.state, each)
            if "offset" in each:
                self.offset, self._epoch = each["offset"], each["epoch"]
        self.pushes += new
        return new

    async def history(self) -> list[Frame]:
        """The messages since he joined, as he may see them."""
        found: list[Frame] = []
        after, more = self.began, True
        while more:
            page = await self._session.ok("history", topic=self._case.topic.name, after=after)
            found += page["messages"]
            more = page["more"] and bool(page["messages"])
            after = found[-1]["offset"] if found else after
        return found


async def look(case: Case, name: str) -> Any:
    """The state that somebody gets who subscribes now, or the code with which he is refused."""
    await case.chat.settled()
    async with case.chat.connect(name) as session:
        frame = await session.do("subscribe", topic=case.topic.name)
        return frame["ok"]["state"] if "ok" in frame else of(frame, "error")["code"]
