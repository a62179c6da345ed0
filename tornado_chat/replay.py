"""Sending again what was not proved: where a new socket starts, when, and how much it gets.

Nothing is written to a GrowERP socket before its first frame or `settle_seconds`; until then its one
subscription is held at where it starts, and then it catches up like any other (design section 5
rules 3 and 6).
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from tornado_chat.catch_up import CatchUp
from tornado_chat.cursors import Cursors
from tornado_chat.errors import Unavailable
from tornado_chat.hub import Hub
from tornado_chat.session import Again, Session, Subscription
from tornado_chat.store import Store
from tornado_chat.write_behind import Cursor

log = logging.getLogger("tornado_chat.session")

PAGE = 200  # messages looked at together
RETRY_SECONDS = 1.0  # while the store cannot be read


class Replay:
    """`spawn(coroutine)`: runs it in the background."""

    def __init__(
        self,
        store: Store,
        hub: Hub,
        catch_up: CatchUp,
        cursors: Cursors,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._store = store
        self._hub = hub
        self._catch_up = catch_up
        self._cursors = cursors
        self._spawn = spawn

    def enter(self, session: Session, cursor: Cursor | None) -> None:
        """A session that is reached by person: behind at its start, and held."""
        start = self._hub.mark if cursor is None else cursor.start
        self._hub.subscribe(session, None, start).held = True

    def settle(self, session: Session) -> None:
        """The peer listens by now: what it has missed, what came meanwhile, then live."""
        subscription = session.subscriptions.get(None)
        if subscription is None or not subscription.held or subscription.again is not None:
            return
        cursor = session.cursor
        if cursor is None:
            self._release(subscription)
            return
        again = subscription.again = Again(cursor.head, self._cursors.oldest())
        if not cursor.unanswered():
            self._cursors.conclude(cursor)
            subscription.position = cursor.start
            if not self._may_be_too_much(subscription, again):
                self._release(subscription)
                return
        self._spawn(self._prepare(subscription, cursor, again))

    def _may_be_too_much(self, subscription: Subscription, again: Again) -> bool:
        return again.upto - subscription.position > self._cursors.replayed

    def _release(self, subscription: Subscription) -> None:
        subscription.held = False
        self._catch_up.start(subscription.session)

    async def _prepare(self, subscription: Subscription, cursor: Cursor, again: Again) -> None:
        """Finds out where to start; nothing is sent meanwhile."""
        await self._cursors.hear_siblings(cursor)
        subscription.position = cursor.start
        while not subscription.ended:
            try:
                if self._may_be_too_much(subscription, again):
                    subscription.position = await self._newest_after(subscription, again)
            except Unavailable as problem:
                session = subscription.session
                log.warning("session %d: cannot look back: %s", session.id, problem.message)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:  # whatever it is, the session must not stay deaf
                log.exception("session %d: cannot look back", subscription.session.id)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._release(subscription)
                return

    async def _newest_after(self, subscription: Subscription, again: Again) -> int:
        """The offset after which there are as many as may be sent again, by walking backwards."""
        selection, position = subscription.selection(), subscription.position
        before, left = again.upto + 1, self._cursors.replayed
        while not subscription.ended:
            page = await self._store.before(before, selection, PAGE, position)
            for message in reversed(page):
                before = message.offset
                if message.at < again.oldest:
                    return before
                check = self._hub.check_for(message.topic)
                left -= self._hub.is_for(subscription, message, check)
                if not left:
                    return before - 1
            if len(page) < PAGE:
                break
        return position
