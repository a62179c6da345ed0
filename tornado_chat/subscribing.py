"""Joining topics: where a subscription begins, what its subscriber is told, and what follows.

The state that a subscriber has and the pushes that follow must be the topic, whatever happens
meanwhile (design section 5 rules 3 and 10).
"""

import logging
from typing import Any

import orjson

from tornado_chat import protocol
from tornado_chat.catch_up import CatchUp
from tornado_chat.errors import BadRequest, ChatError, Denied, RateLimited
from tornado_chat.gate import Gate
from tornado_chat.hub import Hub
from tornado_chat.messages import MINE, Topic
from tornado_chat.plugins.providers import Asked
from tornado_chat.schemas import START
from tornado_chat.session import Session, Subscription
from tornado_chat.store import Store

log = logging.getLogger("tornado_chat.session")

Since = tuple[str, int] | str | None  # an epoch and an offset in it, or "start"


class Subscribing:
    """`most`: subscriptions of one socket, 0 for no limit."""

    def __init__(self, *, hub: Hub, gate: Gate, store: Store, catch_up: CatchUp, most: int) -> None:
        self._hub = hub
        self._gate = gate
        self._store = store
        self._catch_up = catch_up
        self._most = most

    async def subscribe(self, session: Session, frame: dict[str, Any]) -> None:
        """Joins a topic, or each of a list; of a list every item says how it went. The reply goes
        first, then what was missed since, then what came meanwhile."""
        since: Since = frame["since"]
        joined: list[Subscription] = []
        try:
            if "topic" in frame:
                reply = await self._join(session, frame["topic"], since, joined)
            else:
                items = [
                    await self._join_or_say(session, each, since, joined)
                    for each in frame["topics"]
                ]
                reply = {"topics": items}
            payload = protocol.ok(frame["id"], reply)
        except BaseException:
            for subscription in joined:
                self._undo(subscription)
            raise
        session.send(payload)
        for subscription in joined:
            subscription.held = False
        self._catch_up.start(session)

    async def _join_or_say(
        self, session: Session, name: str, since: Since, joined: list[Subscription]
    ) -> dict[str, Any]:
        try:
            return await self._join(session, name, since, joined)
        except ChatError as problem:
            return {"topic": name, "error": problem.body()}
        except Exception:  # the others of the list may go well
            log.exception("session %d: subscribe failed", session.id)
            return {"topic": name, "error": ChatError("something failed here").body()}

    async def _join(
        self, session: Session, name: str, since: Since, joined: list[Subscription]
    ) -> dict[str, Any]:
        """The mark, then the state, then every message after the mark (rule 10); or what was missed
        since, without a state. Registered before the gate is asked, so that a revocation meanwhile
        finds something to end."""
        topic = self._topic(session, name)
        self._check_count(session, topic, name)
        mark = self._hub.mark
        subscription = self._hub.subscribe(session, topic, mark)
        subscription.held = True
        try:
            provider = topic and await self._gate.check(session.identity, "subscribe", topic)
            complete = await self._resume(subscription, since, provider, mark)
            state = b"null"
            if provider and topic and not complete:
                state = await provider.snapshot(session.identity, topic)
            if subscription.ended:
                raise Denied(f"subscribe {name}: has ended")
        except BaseException:
            self._undo(subscription)
            raise
        joined.append(subscription)
        return {
            "topic": name,
            "epoch": self._store.log.epochs.today,
            "offset": mark,
            "complete": complete,
            "state": orjson.Fragment(state),
        }

    @staticmethod
    def _topic(session: Session, name: str) -> Topic | None:
        """None for `mine`."""
        if name != MINE:
            return Topic.parse(session.identity.tenant, name)
        if not session.identity.tenant:
            raise BadRequest(f"topic {MINE}: you belong to no tenant")
        return None

    async def _resume(
        self,
        subscription: Subscription,
        since: Since,
        provider: Asked | None,
        mark: int,
    ) -> bool:
        """Sets where it begins; whether what follows completes what the subscriber has. So it is
        where the log agrees at that offset, and nothing after it was thrown away."""
        if since is None or (provider and provider.history == 0):
            return False
        epoch, offset = ("", 0) if isinstance(since, str) else since  # "start": of all that is kept
        pruned = await self._catch_up.look(subscription, offset, mark)
        agrees = self._store.log.epochs.agree(epoch, offset, self._hub.accepted)
        if not agrees or (pruned > offset and since != START):
            return False
        subscription.begin_at(offset, pruned)
        return pruned <= offset

    def _check_count(self, session: Session, topic: Topic | None, name: str) -> None:
        most = self._most
        if most and topic not in session.subscriptions and len(session.subscriptions) >= most:
            raise RateLimited(f"subscribe {name}: limits.subscriptions_per_socket = {most}")

    def _undo(self, subscription: Subscription) -> None:
        session, topic = subscription.session, subscription.topic
        if session.subscriptions.get(topic) is subscription:
            self._hub.unsubscribe(session, topic)

    def unsubscribe(self, session: Session, frame: dict[str, Any]) -> dict[str, Any]:
        """Leaves a topic; leaving one that was not joined is no error."""
        self._hub.unsubscribe(session, self._topic(session, frame["topic"]))
        return {"topic": frame["topic"]}
