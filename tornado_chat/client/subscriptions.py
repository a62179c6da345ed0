"""All the subscriptions of a client: what is asked for them, and whose a message is."""

import asyncio
import logging
import random
from collections.abc import Mapping
from typing import Any

from tornado_chat.client.errors import ChatError
from tornado_chat.client.outgoing import Outgoing, Reply
from tornado_chat.client.subscription import OnGap, Since, Standing, Subscription
from tornado_chat.client.values import Message

log = logging.getLogger("tornado_chat.client")

MINE = "mine"
ROOM_SECONDS = 0.1  # how long one slow reader may hold up the others before he falls behind
PASSING = frozenset({"unavailable", "internal", "rate_limited"})  # asked again, it may go well
AGAIN_SECONDS = (1.0, 3.0)  # until then, from and to


class Subscriptions:
    def __init__(self, outgoing: Outgoing, *, size: int, on_gap: OnGap | None) -> None:
        self._outgoing = outgoing
        self._size = size
        self._on_gap = on_gap
        self._all: dict[str, Subscription] = {}
        self._problem: ChatError | None = None

    def add(self, topic: str, since: Since, on_gap: OnGap | None) -> Subscription:
        """A new one. A ValueError where the topic has one."""
        if topic in self._all:
            raise ValueError(f"{topic}: subscribed already")
        found = Subscription(
            topic, since, wire=self, size=self._size, on_gap=on_gap or self._on_gap
        )
        if self._problem is not None:
            found.end(self._problem)
        else:
            self._all[topic] = found
            self.ask(found)
        return found

    # What the connection tells

    def opened(self) -> None:
        for subscription in self._all.values():
            self.ask(subscription)

    def lost(self) -> None:
        for subscription in self._all.values():
            subscription.standing = Standing.OFF

    def end(self, problem: ChatError) -> None:
        self._problem = problem
        for subscription in [*self._all.values()]:
            self._drop(subscription, problem)

    async def push(self, message: Message) -> None:
        """A topic that is subscribed by name comes by its name, all else is of `mine`. Holds up the
        connection for a moment where its reader has no room; then he falls behind."""
        found = self._all.get(message.topic)
        if found is None or (found.standing is not Standing.ON and not found.resumes):
            found = self._all.get(MINE)
        while found is not None and found.standing is Standing.ON and not found.push(message):
            if not await found.room(ROOM_SECONDS):
                found.fall_behind()

    def ended_by_house(self, frame: Mapping[str, Any]) -> None:
        """An error that answers no command. `conflict`: it fell behind what is kept, and learns
        what is left by asking again; anything else is the end of that subscription."""
        error = frame["error"]
        if "topic" not in frame:
            log.warning("the server says %s", error["code"])
        found = self._all.get(frame.get("topic", ""))
        if found is None:
            return
        if error["code"] != "conflict":
            self._drop(found, ChatError(error["code"], error["message"]))
        elif found.standing is Standing.ON:  # else it is about to ask, or has asked
            self.ask(found)

    # What a subscription asks

    def ask(self, subscription: Subscription) -> None:
        """Subscribes it from where it is, once there is a connection."""
        if self._outgoing.connected and not subscription.ended:
            subscription.standing = Standing.ASKED
            self._outgoing.put(
                "subscribe",
                subscription.body(),
                lambda reply: self._answered(subscription, reply),
                again=False,
            )

    def leave(self, subscription: Subscription, *, forget: bool) -> None:
        """Unsubscribes it; `forget`: its topic may be subscribed anew."""
        if forget and self._all.get(subscription.topic) is subscription:
            del self._all[subscription.topic]
        if self._outgoing.connected:
            body = {"topic": subscription.topic}
            self._outgoing.put("unsubscribe", body, lambda _reply: None, again=False)

    def _answered(self, subscription: Subscription, reply: Reply) -> None:
        if subscription.ended:
            return
        if not isinstance(reply, ChatError):
            subscription.joined(reply)
            return
        subscription.standing = Standing.OFF
        if not self._outgoing.connected:
            return
        if subscription.complete is None or reply.code not in PASSING:
            self._drop(subscription, reply)
            return
        pause = random.uniform(*AGAIN_SECONDS)  # noqa: S311, spreads a crowd and guards nothing
        asyncio.get_running_loop().call_later(pause, self._ask_again, subscription)

    def _ask_again(self, subscription: Subscription) -> None:
        if subscription.standing is Standing.OFF:
            self.ask(subscription)

    def _drop(self, subscription: Subscription, problem: ChatError) -> None:
        subscription.end(problem)
        if self._all.get(subscription.topic) is subscription:
            del self._all[subscription.topic]
