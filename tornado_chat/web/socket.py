"""One open socket, whatever its dialect: who it is, what it says, how it ends.

Nothing awaits in `on_message` or `on_pong` unless the inbox is full: a slow commit must not keep
pongs from being read.
"""

import asyncio
import logging
import time

from tornado.httputil import HTTPServerRequest
from tornado.iostream import IOStream

from tornado_chat import protocol
from tornado_chat.errors import (
    NO_KEY,
    REVOKED,
    TOO_SLOW,
    TRY_LATER,
    ChatError,
    RateLimited,
    Unauthorized,
    Unavailable,
)
from tornado_chat.messages import Credentials, Identity
from tornado_chat.outbox import Outbox
from tornado_chat.schemas import id_of
from tornado_chat.session import Session
from tornado_chat.web.connection import Connection
from tornado_chat.web.credentials import check_user_id
from tornado_chat.web.dialect import Dialect
from tornado_chat.web.inbox import Inbox
from tornado_chat.web.sockets import EXPIRED, Entrance, Sockets

log = logging.getLogger("tornado_chat.session")

POSTS = 128  # publishes of one socket whose commit is waited for; then it is not read
AUTH_SECONDS = 5.0
AUTH_BYTES = 1024
ABSURD = 16  # times [limits] frame_bytes: 1009 instead of an answer


class Socket(Connection):
    """`session` is None until somebody is known."""

    __slots__ = ("__weakref__", "_request", "dialect", "inbox", "session", "sockets")

    def __init__(
        self, stream: IOStream, sockets: Sockets, dialect: Dialect, request: HTTPServerRequest
    ) -> None:
        limits = sockets.config.limits
        super().__init__(stream, limits.frame_bytes * ABSURD if limits.frame_bytes else 2**31)
        stream.set_nodelay(True)
        self.sockets = sockets
        self.dialect = dialect
        self.session: Session | None = None
        self.inbox = Inbox(self._read, limits.frames_per_second)
        # Kept only until somebody is known: a third of what an idle socket would hold
        self._request: HTTPServerRequest | None = request

    def open(self, identity: Identity | None, entrance: Entrance) -> None:
        """The peer knows that it is open. `identity` None: it has to say who it is."""
        self.sockets.add(self)
        if identity is not None:
            self._enter(identity, entrance)
        else:
            self.call_later(AUTH_SECONDS, self.close, NO_KEY, "no key within 5 s")
        self.listen()

    def _enter(self, identity: Identity, entrance: Entrance) -> None:
        sockets, request = self.sockets, self._request
        assert request is not None
        self._request = None
        if sockets.has_ended(identity):  # between learning who it is and here
            sockets.abandon(entrance)
            self.close(self.dialect.close_code(REVOKED), "ended by the house")
            return
        limit = sockets.config.limits.outbox_bytes
        outbox = Outbox(self, limit, sockets.budget, sockets.dirty)
        session = self.session = Session(
            identity,
            self.dialect,
            self,
            outbox,
            opened_at=time.monotonic(),
            address=request.remote_ip or "",
        )
        outbox.too_slow = self._too_slow
        session.on_close = self._ended_by_house
        session.state = entrance.state
        if entrance.cursor is not None:
            sockets.cursors.entered(entrance.cursor, session)
        sockets.hub.enter(session)
        sockets.heartbeat.add(session)
        log.info(
            "session %d: %s opened by %s of %s from %s",
            session.id,
            self.dialect.path,
            identity.user_id,
            identity.tenant,
            session.address,
        )
        if self.dialect.addressed:
            sockets.replay.enter(session, entrance.cursor)
            loop = asyncio.get_running_loop()
            loop.call_later(self.dialect.settle_seconds, sockets.replay.settle, session)
        try:
            self.dialect.opened(session)
        except Exception:
            log.exception("session %d: could not be opened", session.id)
            self.abort()  # it ends when nothing more can be read
            return
        if identity.expires is not None:
            seconds = max(0.0, identity.expires - sockets.clock())
            self.call_later(seconds, session.close, NO_KEY, EXPIRED)
        sockets.observers.tell("session_opened", session=session)

    def _too_slow(self) -> None:
        if self.session is not None:
            self.session.close(TOO_SLOW, "too slow")

    def _ended_by_house(self) -> None:
        """From now on it gets nothing and nothing of it is read."""
        session = self.session
        assert session is not None
        self.inbox.close(forget=True)
        self.sockets.cursors.closed(session, session.ended_by or 1006)
        self.sockets.hub.leave(session)

    # Frames

    def on_message(self, text: str) -> "asyncio.Future[None] | None":
        if self.session is not None:
            if self.session.closed is not None:
                return None
            self.sockets.heartbeat.heard(self.session)
        elif self.leaving:
            return None
        return self.inbox.put(text)

    def on_binary(self) -> None:
        if self.session is not None:
            if self.session.closed is not None:
                return
            self.sockets.heartbeat.heard(self.session)
        if self.dialect.binary_close:
            self.close(self.dialect.binary_close, "binary frame")

    def on_pong(self, payload: bytes) -> None:
        if self.session is not None:
            self.sockets.heartbeat.pong(self.session, payload)

    async def _read(self, text: str) -> None:
        if self.session is None:
            await self._authenticate(text)
        else:
            await self._receive(self.session, text)

    async def _receive(self, session: Session, text: str) -> None:
        try:
            await self.dialect.receive(session, text)
        except ChatError as problem:
            self.dialect.refuse(session, problem)
        except Exception:  # a dialect's fault is not the client's, and not the server's end
            log.exception("session %d: frame failed", session.id)
            self.dialect.refuse(session, ChatError("something failed here"))
        self.sockets.replay.settle(session)
        await session.outbox.room()  # who does not read his replies is not served on
        if session.posts >= POSTS and session.last_post is not None:
            await asyncio.wait([session.last_post])

    async def _authenticate(self, text: str) -> None:
        """The key as the first frame, so that no URL needs to hold one."""
        if self.leaving:
            return
        command_id = None
        sockets, entrance = self.sockets, Entrance()
        try:
            if len(text) > AUTH_BYTES:
                raise Unauthorized("auth: at most 1 KiB")
            frame = protocol.decode(text, 4)
            command_id = id_of(frame)
            identity = await self._identify(frame)
            sockets.make_room(identity)
            entrance = await sockets.prepare(self.dialect, identity)
            sockets.check_open()
        except ChatError as problem:
            sockets.abandon(entrance)
            self._refuse(command_id, problem)
            return
        if self.leaving or self.stream.closed():
            sockets.abandon(entrance)
            return
        self._stop_timer()
        self._enter(identity, entrance)

    async def _identify(self, frame: dict[str, object]) -> Identity:
        key, request = frame.get("key"), self._request
        if frame.get("do") != "auth" or not isinstance(key, str) or not key:
            raise Unauthorized('the first frame is {"id":1,"do":"auth","key":"…"}')
        assert request is not None
        self.sockets.check_open()
        address = request.remote_ip or ""
        identity = await self.sockets.identify(Credentials(key=key, address=address))
        self.sockets.check_open()
        check_user_id(request, identity)
        return identity

    def _refuse(self, command_id: object, problem: ChatError) -> None:
        later = isinstance(problem, Unavailable | RateLimited)
        self.write(protocol.text_frame(protocol.error(command_id, problem)), nothing)
        self.close(TRY_LATER if later else NO_KEY, problem.message)

    # Closing

    def on_close(self) -> None:
        self.sockets.remove(self)
        session = self.session
        self.inbox.close(forget=session is None or session.closed is not None)
        if session is None:
            return
        code = session.closed or self.close_code or 1006
        session.closed = code
        self.sockets.heartbeat.remove(session)
        self.sockets.cursors.closed(session, code)
        self.sockets.hub.leave(session)
        self.dialect.closed(session)
        self.sockets.count_end(self.dialect.path, session.ended_by or code)
        self.sockets.observers.tell("session_closed", session=session, code=code)
        log.info(
            "session %d: closed %d after %.1f s, %d frames in, %d out",
            session.id,
            code,
            time.monotonic() - session.opened_at,
            self.inbox.frames_in,
            session.outbox.frames_out,
        )
        session.let_go()


def nothing() -> None:
    """For who does not ask when it is gone."""
