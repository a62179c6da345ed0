"""What a native client may say: one table from a word to its shape and what is done.

A command is a record: schema, method. One `run` does the checks for all of them and turns
whatever goes wrong into one error frame.
"""

import asyncio
import difflib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from marshmallow import Schema, ValidationError

from tornado_chat import protocol, schemas
from tornado_chat.broker import Broker
from tornado_chat.catch_up import CatchUp
from tornado_chat.errors import BadRequest, ChatError, Denied, RateLimited, Unavailable
from tornado_chat.gate import Gate
from tornado_chat.hub import Hub
from tornado_chat.messages import Message, Posted, Topic
from tornado_chat.session import Session, Subscription
from tornado_chat.store import Signal, Store
from tornado_chat.topics import first_fault

log = logging.getLogger("tornado_chat.session")

HISTORY_READS = 20  # of a page each, for one command
HISTORY_PAGE = 1000
SNAPSHOT_SECONDS = 10.0  # a provider whose snapshot takes longer is answered for: unavailable

Reply = Mapping[str, Any] | None  # None: the command answers by itself, later
Method = Callable[["Commands", Session, dict[str, Any]], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Command:
    """One word: the shape of its frame, and the method that carries it out."""

    schema: Schema
    method: Method


class Commands:
    """Carries out the frames of native sessions. `subscriptions`: at most so many a socket."""

    def __init__(
        self,
        *,
        broker: Broker,
        hub: Hub,
        gate: Gate,
        store: Store,
        catch_up: CatchUp,
        subscriptions: int,
    ) -> None:
        self._broker = broker
        self._hub = hub
        self._gate = gate
        self._store = store
        self._catch_up = catch_up
        self._subscriptions = subscriptions

    async def run(self, session: Session, frame: dict[str, Any]) -> None:
        """Carries out one frame and replies. Returns once the next one may be admitted: only the
        wait for a commit goes on meanwhile."""
        command_id = schemas.id_of(frame)
        try:
            command = self._find(frame)
            loaded = self._load(command.schema, frame)
            reply = await command.method(self, session, loaded)
        except ChatError as problem:
            session.send(protocol.error(command_id, problem))
        except Exception:  # one door, one place: a client gets a code, the log the trace
            log.exception("session %d: command failed", session.id)
            session.send(protocol.error(command_id, ChatError("something failed here")))
        else:
            if reply is not None:
                session.send(protocol.ok(command_id, reply))

    @staticmethod
    def _find(frame: dict[str, Any]) -> Command:
        word = frame.get("do")
        found = TABLE.get(word) if isinstance(word, str) else None
        if found is None:
            near = difflib.get_close_matches(str(word)[:32], TABLE, 1)
            hint = f", did you mean {near[0]}?" if near else f", one of {', '.join(TABLE)}"
            raise BadRequest(f"do: not a command{hint}")
        return found

    @staticmethod
    def _load(schema: Schema, frame: dict[str, Any]) -> dict[str, Any]:
        try:
            loaded: dict[str, Any] = schema.load(frame)
        except ValidationError as error:
            raise BadRequest(first_fault(error.messages)) from None
        return loaded

    async def auth(self, session: Session, frame: dict[str, Any]) -> Reply:
        """Only as the first frame of a socket without a credential: see `web.native`."""
        del session, frame
        raise BadRequest("auth: only as the first frame")

    async def subscribe(self, session: Session, frame: dict[str, Any]) -> Reply:
        """Joins a topic, or each of a list; of a list every item says how it went. The reply goes
        first, then what came meanwhile."""
        joined: list[Subscription] = []
        try:
            if "topic" in frame:
                reply = await self._join(session, frame["topic"], joined)
            else:
                items = [await self._join_or_say(session, each, joined) for each in frame["topics"]]
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
        return None

    async def _join_or_say(
        self, session: Session, name: str, joined: list[Subscription]
    ) -> dict[str, Any]:
        try:
            return await self._join(session, name, joined)
        except ChatError as problem:
            return {"topic": name, "error": problem.body()}
        except Exception:  # the others of the list may go well
            log.exception("session %d: subscribe failed", session.id)
            return {"topic": name, "error": ChatError("something failed here").body()}

    async def _join(
        self, session: Session, name: str, joined: list[Subscription]
    ) -> dict[str, Any]:
        """The mark, then the state, then every message after the mark (rule 10). Registered before
        the gate is asked, so that a revocation meanwhile finds something to end."""
        topic = Topic.parse(session.identity.tenant, name)
        self._check_count(session, topic)
        mark = self._hub.mark
        subscription = self._hub.subscribe(session, topic, mark)
        subscription.held = True
        try:
            provider = await self._gate.check(session.identity, "subscribe", topic)
            async with asyncio.timeout(SNAPSHOT_SECONDS):
                state = await provider.snapshot(session.identity, topic)
            if subscription.ended:
                raise Denied(f"subscribe {name}: has ended")
            written = orjson.Fragment(orjson.dumps(state))  # here, where it fails for itself alone
        except TimeoutError:
            self._undo(subscription)
            raise Unavailable(f"subscribe {name}: its state takes too long") from None
        except BaseException:
            self._undo(subscription)
            raise
        joined.append(subscription)
        return {
            "topic": topic.name,
            "epoch": self._store.log.epochs.today,
            "offset": mark,
            "complete": False,
            "state": written,
        }

    def _check_count(self, session: Session, topic: Topic) -> None:
        most = self._subscriptions
        if most and topic not in session.subscriptions and len(session.subscriptions) >= most:
            raise RateLimited(f"subscribe {topic.name}: limits.subscriptions_per_socket = {most}")

    def _undo(self, subscription: Subscription) -> None:
        session, topic = subscription.session, subscription.topic
        if session.subscriptions.get(topic) is subscription:
            self._hub.unsubscribe(session, topic)

    async def unsubscribe(self, session: Session, frame: dict[str, Any]) -> Reply:
        """Leaves a topic; leaving one that was not joined is no error."""
        topic = Topic.parse(session.identity.tenant, frame["topic"])
        self._hub.unsubscribe(session, topic)
        return {"topic": topic.name}

    async def publish(self, session: Session, frame: dict[str, Any]) -> Reply:
        """Answered after the commit, never before."""
        topic = Topic.parse(session.identity.tenant, frame["topic"])
        future = await self._broker.post(
            session.identity, topic, frame["data"], key=frame.get("key")
        )
        session.await_commit(future)
        future.add_done_callback(lambda done: self._published(session, frame["id"], done))
        return None

    def _published(self, session: Session, command_id: Any, done: "asyncio.Future[Posted]") -> None:
        problem = done.exception()
        if problem is not None:
            if not isinstance(problem, ChatError):
                log.error("session %d: publish failed", session.id, exc_info=problem)
                problem = ChatError("something failed here")
            session.send(protocol.error(command_id, problem))
            return
        posted = done.result()
        message = posted.message
        body = {
            "topic": message.topic.name,
            "epoch": message.epoch or None,
            "offset": message.offset or None,
            "id": message.id if message.offset else None,
            "at": protocol.iso(message.at) if message.offset else None,
            "duplicate": posted.duplicate,
        }
        session.send(protocol.ok(command_id, body))

    async def history(self, session: Session, frame: dict[str, Any]) -> Reply:
        """A page, oldest first, of what this person may see; `more` speaks of that alone."""
        topic = Topic.parse(session.identity.tenant, frame["topic"])
        provider = await self._gate.check(session.identity, "history", topic)
        limit, after, before = frame["limit"], frame.get("after"), frame.get("before")
        seen: list[Message] = []
        more, size = True, limit + 1  # one more than is asked for tells whether there is more
        for _ in range(HISTORY_READS):
            page, more = await self._store.page(topic, before=before, after=after, limit=size)
            visible = [each for each in page if provider.visible(session.identity, each)]
            seen = seen + visible if after is not None else visible + seen
            if page and after is not None:
                after = page[-1].offset
            elif page:
                before = page[0].offset
            if not more or len(seen) > limit:
                break
            size = HISTORY_PAGE  # much of it is not for these eyes
        shown = seen[:limit] if frame.get("after") is not None else seen[-limit:]
        bodies = [protocol.push_body(each) for each in shown]
        return {"messages": bodies, "more": len(seen) > limit or more}

    async def signal(self, session: Session, frame: dict[str, Any]) -> Reply:
        """Typing and the like: to those who listen now, best effort."""
        topic = Topic.parse(session.identity.tenant, frame["topic"])
        provider = await self._gate.check(session.identity, "publish", topic)
        self._broker.check_size(topic, frame["data"])
        self._broker.signal(
            Signal(
                topic,
                frame["name"],
                frame["data"],
                session.identity.user_id,
                provider.audience(topic),
            )
        )
        return {"topic": topic.name}

    async def ping(self, session: Session, frame: dict[str, Any]) -> Reply:
        """For clients that cannot see RFC 6455 pings: browsers."""
        del session, frame
        return {}


TABLE: dict[str, Command] = {
    "auth": Command(schemas.Auth(), Commands.auth),
    "subscribe": Command(schemas.Subscribe(), Commands.subscribe),
    "unsubscribe": Command(schemas.Unsubscribe(), Commands.unsubscribe),
    "publish": Command(schemas.Publish(), Commands.publish),
    "history": Command(schemas.History(), Commands.history),
    "signal": Command(schemas.SendSignal(), Commands.signal),
    "ping": Command(schemas.Ping(), Commands.ping),
}
