"""What a native client may say: one table from a word to its shape and what is done.

A command is a record: schema, method. One `run` does the checks for all of them and turns
whatever goes wrong into one error frame.
"""

import asyncio
import difflib
import functools
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, ValidationError

from tornado_chat import protocol, schemas
from tornado_chat.broker import Broker
from tornado_chat.errors import BadRequest, ChatError, Denied
from tornado_chat.gate import Gate
from tornado_chat.messages import Message, Posted, Signal, Topic
from tornado_chat.session import Session
from tornado_chat.store import Store
from tornado_chat.subscribing import Subscribing
from tornado_chat.topics import first_fault

log = logging.getLogger("tornado_chat.session")

HISTORY_READS = 20  # of a page each, for one command
HISTORY_PAGE = 1000

topic_named = functools.lru_cache(4096)(Topic.parse)  # it is the same few that are spoken of

Reply = Mapping[str, Any] | None  # None: the command answers by itself, later
Method = Callable[["Commands", Session, dict[str, Any]], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Command:
    """One word: the shape of its frame, and the method that carries it out. `is_plain`: tells of
    most frames, without the schema, that it would load them as they are."""

    schema: Schema
    method: Method
    is_plain: Callable[[dict[str, Any]], bool] = lambda _frame: False


class Commands:
    """Carries out the frames of native sessions."""

    def __init__(
        self,
        *,
        broker: Broker,
        gate: Gate,
        store: Store,
        subscribing: Subscribing,
    ) -> None:
        self._broker = broker
        self._gate = gate
        self._store = store
        self._subscribing = subscribing

    async def run(self, session: Session, frame: dict[str, Any]) -> None:
        """Carries out one frame and replies. Returns once the next one may be admitted: only the
        wait for a commit goes on meanwhile."""
        command_id = schemas.id_of(frame)
        try:
            command = self._find(frame)
            loaded = self._load(command, frame)
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
    def _load(command: Command, frame: dict[str, Any]) -> dict[str, Any]:
        if command.is_plain(frame):
            return frame
        try:
            loaded: dict[str, Any] = command.schema.load(frame)
        except ValidationError as error:
            raise BadRequest(first_fault(error.messages)) from None
        return loaded

    async def auth(self, session: Session, frame: dict[str, Any]) -> Reply:
        """Only as the first frame of a socket without a credential: see `web.native`."""
        del session, frame
        raise BadRequest("auth: only as the first frame")

    async def subscribe(self, session: Session, frame: dict[str, Any]) -> Reply:
        """Answers by itself: the reply goes before what was missed."""
        await self._subscribing.subscribe(session, frame)
        return None

    async def unsubscribe(self, session: Session, frame: dict[str, Any]) -> Reply:
        """Leaves a topic; leaving one that was not joined is no error."""
        return self._subscribing.unsubscribe(session, frame)

    async def publish(self, session: Session, frame: dict[str, Any]) -> Reply:
        """Answered after the commit, never before."""
        topic = topic_named(session.identity.tenant, frame["topic"])
        future = await self._broker.post(
            session.identity, topic, frame["data"], key=frame.get("key")
        )
        session.await_commit(future, lambda done: self._published(session, frame["id"], done))
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
        topic = topic_named(session.identity.tenant, frame["topic"])
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

    async def seen(self, session: Session, frame: dict[str, Any]) -> Reply:
        """He has read the topic up to this offset; his other sessions are told."""
        topic = topic_named(session.identity.tenant, frame["topic"])
        try:
            provider = await self._gate.check(session.identity, "history", topic)
        except Denied:
            raise Denied(f"seen {topic.name}: not allowed") from None
        read = await provider.seen(session.identity, topic, frame["offset"])
        return {"topic": topic.name, "offset": read.offset, "unread": read.unread}

    async def signal(self, session: Session, frame: dict[str, Any]) -> Reply:
        """Typing and the like: to those who listen now, best effort."""
        topic = topic_named(session.identity.tenant, frame["topic"])
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
    "publish": Command(schemas.Publish(), Commands.publish, schemas.is_plain_publish),
    "history": Command(schemas.History(), Commands.history),
    "seen": Command(schemas.Seen(), Commands.seen, schemas.is_plain_seen),
    "signal": Command(schemas.SendSignal(), Commands.signal, schemas.is_plain_signal),
    "ping": Command(schemas.Ping(), Commands.ping, schemas.is_plain_ping),
}
