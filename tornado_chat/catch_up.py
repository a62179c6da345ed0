"""Catching up: the one way from behind to live, and the one way to heal a hub that missed a ring.

Joining, a slow reader and healing all end up here. Pages are read from the log, checked against
the gate again, and put as room allows. While the last page is read, the hub keeps what comes for
the subscription; a subscription turns live only in the turn of the loop in which it has considered
everything up to the hub's mark, with what was kept.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from tornado_chat.batch import Batch
from tornado_chat.errors import ChatError, Conflict, Denied, NotFound, Unavailable
from tornado_chat.hub import Hub
from tornado_chat.messages import MINE, Identity, Message, Topic
from tornado_chat.pages import Pages
from tornado_chat.session import Session, Subscription
from tornado_chat.store import Store

log = logging.getLogger("tornado_chat.session")

PAGE = 50  # messages read at a time for one subscription
HEAL_PAGE = 1000
RETRY_SECONDS = 1.0  # while the store cannot be read
BEHIND = "subscription {}: fell behind what is kept, subscribe again"


class CatchUp:
    """`allowed(identity, topic)`: raises where the person may not read the topic any more.
    `spawn(coroutine)`: runs it in the background."""

    def __init__(
        self,
        store: Store,
        allowed: Callable[[Identity, Topic], Awaitable[object]],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._store = store
        self._allowed = allowed
        self._spawn = spawn
        self.pages = Pages(store)
        self.behind = 0  # sessions that read the log
        self._healing = False
        self._missed_again = False

    @property
    def hub(self) -> Hub:
        """Set once it is built: each needs the other."""
        return self.pages.hub

    @hub.setter
    def hub(self, hub: Hub) -> None:
        self.pages.hub = hub

    def start(self, session: Session) -> None:
        """The session has a subscription that is behind: live at once where nothing was missed, else
        by one reader for all of a session's."""
        for subscription in session.subscriptions.values():
            if not subscription.held and subscription.position >= self.hub.mark:
                subscription.pending = None
                subscription.live = True
        if session.behind() and not session.catching_up and session.closed is None:
            session.catching_up = True
            self.behind += 1
            self._spawn(self._run(session))

    async def look(self, subscription: Subscription, position: int, mark: int) -> int:
        """The highest offset that was thrown away of what it is about, 0 for none. Of a topic its
        first page is read for that, which it will need, and others too."""
        selection = subscription.selection()
        if selection.topic is None:
            return await self._store.pruned(selection)
        return (await self.pages.after(position, selection, PAGE, mark)).pruned

    async def _run(self, session: Session) -> None:
        try:
            while (subscription := session.behind()) is not None and session.closed is None:
                try:
                    await self._round(subscription)
                except ChatError as problem:
                    log.warning("session %d: cannot catch up: %s", session.id, problem.message)
                    await asyncio.sleep(RETRY_SECONDS)
                except Exception:  # a provider's fault must not leave the session deaf
                    log.exception("session %d: cannot catch up", session.id)
                    await asyncio.sleep(RETRY_SECONDS)
                session.served(subscription)
        finally:
            session.catching_up = False
            self.behind -= 1

    async def _round(self, subscription: Subscription) -> None:
        """One page; live at its end if that was the last."""
        session = subscription.session
        await session.outbox.room()  # before a page is held in memory for it
        if subscription.position < self.hub.mark and not await self._may_go_on(subscription):
            return
        mark = self.hub.mark
        upto = subscription.next_end(mark)
        subscription.pending = []  # in the same turn: what comes after the mark is kept
        subscription.stale = False
        if subscription.position < upto:
            selection = subscription.selection()
            page = await self.pages.after(subscription.position, selection, PAGE, upto)
            if session.dialect.resumes and subscription.missed(page.pruned):
                self._end(subscription, Conflict(BEHIND.format(name_of(subscription.topic))))
                return
            for batch in page.batches:
                if not await self._put(subscription, batch):
                    return
            subscription.position = page.reached
        if not subscription.ended and subscription.position >= mark:
            self._go_live(subscription)

    def _go_live(self, subscription: Subscription) -> None:
        """Without a turn of the loop between, or something could be missed."""
        pending, subscription.pending = subscription.pending, None
        if pending is None:  # more came than is kept: another round
            return
        subscription.live = True
        for message in pending:
            check = self.hub.check_for(message.topic)
            if message.offset > subscription.position and not self.hub.deliver(
                subscription, message, check
            ):
                return

    async def _may_go_on(self, subscription: Subscription) -> bool:
        if subscription.topic is None:
            return not subscription.ended
        session = subscription.session
        try:
            await self._allowed(session.identity, subscription.topic)
        except (Denied, NotFound):
            self._end(subscription, Denied(f"subscription {subscription.topic.name}: has ended"))
        return not subscription.ended

    def _end(self, subscription: Subscription, problem: ChatError) -> None:
        if not subscription.ended:
            session = subscription.session
            self.hub.unsubscribe(session, subscription.topic)
            session.dialect.ended(session, subscription.topic, problem)

    async def _put(self, subscription: Subscription, batch: Batch) -> bool:
        """In one piece where the outbox has room for all, else as it gets room. False where that
        ends: the session or subscription has, or what was read may not hold any more."""
        session = subscription.session
        for place, message in enumerate(batch.messages):
            await session.outbox.room()
            if subscription.ended or subscription.stale or session.closed is not None:
                return False
            if not place and self._put_whole(subscription, batch):
                return True
            self._put_one(subscription, message, batch)
            subscription.position = message.offset
        return True

    @staticmethod
    def _put_whole(subscription: Subscription, batch: Batch) -> bool:
        """The same bytes for all who catch up with these messages."""
        frames = batch.whole_for(subscription)
        if frames is None or not subscription.session.outbox.put(frames, len(batch.messages)):
            return False
        subscription.position = batch.last
        return True

    def _put_one(self, subscription: Subscription, message: Message, batch: Batch) -> None:
        session = subscription.session
        if subscription.again is not None and message.at < subscription.again.oldest:
            return
        if self.hub.is_for(subscription, message, batch.visible):
            frame = batch.frame(session.dialect, message)
            if frame is not None:
                session.outbox.put_always(frame)
                if session.cursor is not None:
                    self.hub.note_sent(session, message)

    def heal(self) -> None:
        """The hub has missed something: it is read from the log, once the hub has room for it."""
        if self.hub.overflowed:  # it asks again
            return
        if self._healing:
            self._missed_again = True
            return
        self._healing = True
        self._spawn(self._heal())

    async def _heal(self) -> None:
        try:
            while True:
                self._missed_again = False
                try:
                    messages = await self._store.everything_after(self.hub.accepted, HEAL_PAGE)
                except Unavailable:
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                before = self.hub.accepted
                self.hub.advance(messages, from_log=True)
                if self.hub.overflowed:
                    return
                if not self._missed_again and (not messages or self.hub.accepted == before):
                    return
        finally:
            self._healing = False


def name_of(topic: Topic | None) -> str:
    """As the native protocol calls what is subscribed."""
    return topic.name if topic else MINE
