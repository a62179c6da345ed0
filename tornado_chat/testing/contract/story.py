"""What subscribers see while the topic changes, and after a restart."""

import asyncio
import contextlib
import copy
from collections.abc import Mapping
from typing import Any

from tornado_chat.testing.contract.case import Case
from tornado_chat.testing.contract.methods import check_messages
from tornado_chat.testing.contract.rules import broken, expect
from tornado_chat.testing.contract.states import difference, same, shortened
from tornado_chat.testing.contract.watching import Watcher, look


class Story:
    """Told on one server, gone on with on the next."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.signals = case.provider.history == 0
        self._away: Watcher
        self._kept: dict[str, Any] = {}

    async def tell(self) -> None:
        """All changes, with people who listen, one who goes away and comes back, and a stranger."""
        __tracebackhide__ = True
        case = self.case
        listeners = [
            await Watcher.begin(case, name)
            for name in case.people
            if await case.may(name, "subscribe")
        ]
        watcher = listeners[0]
        self._away = await Watcher.begin(case, case.who)
        elsewhere = await look(case, case.stranger)
        stranger = await case.chat.connect(case.stranger)
        await stranger.do("subscribe", topic=case.topic.name)
        await self._check_retry()
        for number, change in enumerate(case.changes):
            if number == len(case.changes) // 2:
                await self._away.catch_up()
                await self._away.leave()
            await self._check_change(watcher, listeners, number, change)
        await self._check_return("resume")
        for each in listeners:
            await each.catch_up()
            await self._check_history(each)
        await self._check_stranger(stranger, elsewhere)
        await self._keep()

    async def _check_retry(self) -> None:
        __tracebackhide__ = True
        case = self.case
        if not case.posts or self.signals:
            return
        await self._post(case.posts[0], key="contract")
        once = await look(case, case.who)
        again = await self._post(case.posts[0], key="contract")
        expect("retry", again["duplicate"], "the second post with the same key was no duplicate")
        twice = await look(case, case.who)
        self._compare("retry", once, twice, "the state after a post, and after its repetition:")

    async def _post(self, data: Mapping[str, Any], **more: Any) -> Any:
        __tracebackhide__ = True
        async with self.case.chat.connect(self.case.who) as session:
            frame = await session.do(
                "publish", topic=self.case.topic.name, data=copy.deepcopy(dict(data)), **more
            )
        if "ok" not in frame:
            broken("receive", f"the change {shortened(data)} was refused: {frame['error']}")
        return frame["ok"]

    async def _check_change(
        self, watcher: Watcher, listeners: list[Watcher], number: int, change: Any
    ) -> None:
        __tracebackhide__ = True
        case, what = self.case, f"after changes[{number}]"
        if isinstance(change, Mapping):
            reply = await self._post(change)
            numbered = reply["offset"] is not None
            expect("signals", numbered != self.signals, f"{what} its reply is {reply}")
        else:
            await change(case.chat)
        heard = [await each.catch_up() for each in listeners]
        expect("push", any(heard), f"{what} nobody who listens got anything")
        now = await look(case, case.who)
        if self.signals:
            text = f"{what} the state is another one, though signals may be lost:"
            self._compare("signals", watcher.began_with, now, text)
            return
        self._compare("snapshot", watcher.state, now, f"{what},")
        for each in heard[0]:
            twice = case.apply(watcher.state, each)
            self._compare("twice", twice, watcher.state, f"{what}, its push applied once more,")

    async def _check_return(self, rule: str) -> None:
        """Who went away is back, and has missed nothing."""
        __tracebackhide__ = True
        if self.signals or not self.case.changes:
            return
        reply = await self._away.come_back(self.case)
        expect(
            rule, reply["complete"], f"what came after offset {self._away.offset} is not complete"
        )
        await self._away.catch_up()
        now = await look(self.case, self.case.who)
        self._compare(rule, self._away.state, now, "who came back has another state:")

    async def _check_history(self, watcher: Watcher) -> None:
        __tracebackhide__ = True
        case = self.case
        if not await case.may(watcher.name, "history"):
            return
        found = await watcher.history()
        if self.signals:
            expect("signals", not found, f"the history shows {shortened(found)}")
            return
        shown = {each["offset"]: each for each in watcher.pushes}
        kept = {each["offset"]: each for each in found}
        for offset in sorted(shown.keys() | kept.keys()):
            live, log = shown.get(offset), kept.get(offset)
            text = f"{watcher.name} was shown {shortened(live)} live, and {shortened(log)} by the history"
            expect("history", live == log, text)

    async def _check_stranger(self, stranger: Any, elsewhere: Any) -> None:
        __tracebackhide__ = True
        await stranger.ok("ping")
        expect("tenant", not stranger.pushed, f"{self.case.stranger} got {stranger.pushed}")
        now = await look(self.case, self.case.stranger)
        text = f"{self.case.stranger} was answered {shortened(elsewhere)}, then {shortened(now)}"
        expect("tenant", now == elsewhere, text)

    # On other servers

    async def at_once(self) -> None:
        """On a server of its own, where nothing has been posted."""
        __tracebackhide__ = True
        case = self.case
        watcher = await Watcher.begin(case, case.who)
        async with contextlib.AsyncExitStack() as stack:
            sessions = [
                await stack.enter_async_context(case.chat.connect(case.who)) for _ in case.posts
            ]
            await asyncio.gather(
                *(
                    session.ok("publish", topic=case.topic.name, data=dict(post))
                    for session, post in zip(sessions, case.posts, strict=True)
                )
            )
        await watcher.catch_up()
        now = await look(case, case.who)
        self._compare("at once", watcher.state, now, "after all posts at once,")

    async def _keep(self) -> None:
        for name in self.case.people:
            if await self.case.may(name, "subscribe"):
                self._kept[name] = await look(self.case, name)
        if self.case.changes and not self.signals:
            await self._away.catch_up()
            await self._away.leave()

    async def go_on(self, case: Case) -> None:
        """On a server that was started again."""
        __tracebackhide__ = True
        self.case = case
        for name, before in self._kept.items():
            self._compare("restart", before, await look(case, name), f"{name}, before and now:")
        await self._check_return("restart")
        if case.changes and not self.signals:
            watcher = await Watcher.begin(case, case.who)
            if isinstance(case.changes[0], Mapping):
                await self._post(case.changes[0])
            await watcher.catch_up()
            now = await look(case, case.who)
            self._compare("restart", watcher.state, now, "after one more change,")
        await check_messages(case)

    def _compare(self, rule: str, one: Any, other: Any, text: str) -> None:
        __tracebackhide__ = True
        if not same(self.case.provider, one, other):
            broken(rule, f"{text} {difference(one, other)}")
