"""Catching up: the one way from behind to live, and the one way to heal a hub that missed a ring.

Joining, a slow reader and healing all end up here. Pages are read from the log, checked against
the gate again, and put as room allows; a subscription turns live only in the turn of the loop in
which its position equals the hub's mark.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from tornado_chat.errors import ChatError, Denied, NotFound, Unavailable
from tornado_chat.hub import Hub
from tornado_chat.messages import Identity, Message, Topic
from tornado_chat.protocol import text_frame
from tornado_chat.session import Session, Subscription
from tornado_chat.store import Store

log = logging.getLogger("tornado_chat.session")

PAGE = 100  # messages read at a time for one subscription
HEAL_PAGE = 1000
RETRY_SECONDS = 1.0  # while the store cannot be read


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
        self.hub: Hub  # set once the hub is built: each needs the other
        self._healing = False
        self._missed_again = False

    def start(self, session: Session) -> None:
        """The session has a subscription that is behind. One reader for all of a session's."""
        if not session.catching_up and session.closed is None:
            session.catching_up = True
            self._spawn(self._run(session))

    async def _run(self, session: Session) -> None:
        try:
            while (subscription := session.behind()) is not None and session.closed is None:
                if subscription.position == self.hub.mark:
                    subscription.position = None  # live, in this very turn
                    continue
                try:
                    await self._page(subscription)
                except ChatError as problem:
                    log.warning("session %d: cannot catch up: %s", session.id, problem.message)
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            session.catching_up = False

    async def _page(self, subscription: Subscription) -> None:
        session, position = subscription.session, subscription.position
        assert position is not None
        if not await self._may_go_on(subscription):
            return
        upto = self.hub.mark
        page = await self._store.after(position, subscription.selection(), PAGE, upto)
        for message in page.messages:
            if subscription.ended or session.closed is not None:
                return
            await session.outbox.room()
            self._put(subscription, message)
            subscription.position = message.offset
        subscription.position = page.reached

    async def _may_go_on(self, subscription: Subscription) -> bool:
        if subscription.topic is None:
            return True
        session = subscription.session
        try:
            await self._allowed(session.identity, subscription.topic)
        except (Denied, NotFound):
            if not subscription.ended:
                self.hub.unsubscribe(session, subscription.topic)
                session.dialect.ended(session, subscription.topic)
        return not subscription.ended

    def _put(self, subscription: Subscription, message: Message) -> None:
        session = subscription.session
        if subscription.ended or session.closed is not None:
            return
        if self.hub.is_for(subscription, message, self.hub.check_for(message.topic)):
            payload = session.dialect.encode(message)
            if payload is not None:
                session.outbox.put_always(text_frame(payload))

    def heal(self) -> None:
        """The hub has missed something: it is read from the log."""
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
                self.hub.advance(messages, from_log=True)
                if not messages and not self._missed_again:
                    return
        finally:
            self._healing = False
