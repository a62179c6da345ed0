"""One handler for every socket, whatever its dialect: who opens it, what it says, how it ends.

Nothing awaits in `on_message` or `on_pong` unless the inbox is full: a slow commit must not keep
pongs from being read.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable
from typing import Any

from tornado.web import HTTPError, stream_request_body
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from tornado_chat import protocol
from tornado_chat.errors import (
    GOING_AWAY,
    REVOKED,
    TOO_SLOW,
    BadRequest,
    ChatError,
    RateLimited,
    Unauthorized,
    Unavailable,
)
from tornado_chat.messages import Credentials, Identity
from tornado_chat.outbox import Outbox
from tornado_chat.schemas import id_of
from tornado_chat.session import Session
from tornado_chat.web.credentials import check_user_id, read_credentials, who_asks
from tornado_chat.web.dialect import Dialect
from tornado_chat.web.inbox import Inbox
from tornado_chat.web.sockets import Entrance, Sockets
from tornado_chat.web.transport import StreamTransport, close_reason

log = logging.getLogger("tornado_chat.session")

POSTS = 128  # publishes of one socket whose commit is waited for; then it is not read
AUTH_SECONDS = 5.0
STRANGERS = 1000  # sockets that have not said who they are; beyond that the house is busy
AUTH_BYTES = 1024
ABSURD = 16  # times [limits] frame_bytes: 1009 instead of an answer


@stream_request_body
class SocketHandler(WebSocketHandler):
    """`session` is None until somebody is known."""

    def initialize(self, sockets: Sockets, dialect: Dialect) -> None:
        self.sockets = sockets
        self.dialect = dialect
        self.session: Session | None = None
        self._identity: Identity | None = None
        self._entrance = Entrance()
        self._gone = False
        self.inbox = Inbox(self._read, sockets.config.limits.frames_per_second)
        self._timer: asyncio.TimerHandle | None = None

    def data_received(self, chunk: bytes) -> None:
        """An upgrade has no body."""

    # Opening

    async def get(self, *args: Any, **kwargs: Any) -> None:
        try:
            self.sockets.check_open()
            self._identity = await self._identify()
            self.sockets.check_open()  # that may have taken a while
            if self._identity is not None:
                self.sockets.make_room(self._identity)
                if self._asks_rightly():
                    self._entrance = await self.sockets.prepare(self.dialect, self._identity)
                self.sockets.make_room(self._identity)  # that may have taken a while, too
                self.sockets.check_open()
        except ChatError as problem:
            self._drop_entrance()
            self._refuse(problem)
            return
        if self._gone:  # meanwhile
            self._drop_entrance()
            return
        try:
            await super().get(*args, **kwargs)
        finally:
            self._drop_entrance()

    async def _identify(self) -> Identity | None:
        shown = read_credentials(self.request)
        identity = await who_asks(self.request, shown, self.sockets.identify)
        if identity is None and not self.dialect.first_frame_auth:
            raise Unauthorized("a key is missing: api_key, or Authorization: Bearer")
        if identity is None and self.sockets.strangers() >= STRANGERS:
            raise Unavailable("too many sockets wait for their key, try again in a moment")
        return identity

    def _asks_rightly(self) -> bool:
        """Else the upgrade will be refused."""
        origin = self.request.headers.get("Origin")
        upgrade = self.request.headers.get("Upgrade", "").lower()
        return upgrade == "websocket" and (origin is None or self.check_origin(origin))

    def _drop_entrance(self) -> None:
        """Of a socket that was not opened after all."""
        if self.session is None and self._entrance.cursor is not None:
            self.sockets.cursors.abandon(self._entrance.cursor)

    def _refuse(self, problem: ChatError) -> None:
        self.set_status(problem.status)
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.set_header("Cache-Control", "no-store")
        for name, value in problem.headers().items():
            self.set_header(name, value)
        self.finish({"error": problem.body()})

    def check_origin(self, origin: str) -> bool:
        return self.sockets.origins.allow(origin, self.request.host)

    def get_compression_options(self) -> None:
        """None: a shared frame cannot be compressed, its compressor keeps state per connection."""

    @property
    def max_message_size(self) -> int:
        """Above this the connection is ended with 1009; below, the dialect answers."""
        limit = self.sockets.config.limits.frame_bytes
        return limit * ABSURD if limit else 2**31

    def open(self, *_args: str, **_kwargs: str) -> None:
        self.set_nodelay(True)
        assert self.ws_connection is not None
        assert self.ws_connection.stream is not None
        self.transport = StreamTransport(self, self.ws_connection.stream)
        self.sockets.add(self)
        if self.sockets.refusing:
            self.close(GOING_AWAY, "restart")
        elif self._identity is not None:
            self._enter(self._identity)
        else:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(
                AUTH_SECONDS, self.close, Unauthorized.close, "no key within 5 s"
            )

    def _enter(self, identity: Identity) -> None:
        sockets = self.sockets
        if sockets.has_ended(identity):  # between learning who it is and here
            self.close(self.dialect.close_code(REVOKED), "ended by the house")
            return
        outbox = Outbox(
            self.transport, sockets.config.limits.outbox_bytes, sockets.budget, sockets.hub.dirty
        )
        session = Session(
            identity,
            self.dialect,
            self.transport,
            outbox,
            opened_at=time.monotonic(),
            address=self.request.remote_ip or "",
        )
        outbox.too_slow = lambda: session.close(TOO_SLOW, "too slow")
        session.on_close = lambda: self._ended_by_house(session)
        self.session = session
        session.state = self._entrance.state
        if self._entrance.cursor is not None:
            sockets.cursors.entered(self._entrance.cursor, session)
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
        loop = asyncio.get_running_loop()
        if self.dialect.addressed:
            sockets.replay.enter(session, self._entrance.cursor)
            loop.call_later(self.dialect.settle_seconds, sockets.replay.settle, session)
        self.dialect.opened(session)
        if identity.expires is not None:
            self._timer = loop.call_later(
                max(0.0, identity.expires - time.time()),
                session.close,
                Unauthorized.close,
                "key expired",
            )
        sockets.observers.tell("session_opened", session=session)

    def _ended_by_house(self, session: Session) -> None:
        """From now on it gets nothing and nothing of it is read."""
        self.inbox.close(forget=True)
        self.sockets.cursors.closed(session, session.ended_by or 1006)
        self.sockets.hub.leave(session)

    # Frames

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        if self.session is not None:
            if self.session.closed is not None:
                return None
            self.sockets.heartbeat.heard(self.session)
        if isinstance(message, str):
            return self.inbox.put(message)
        if self.dialect.binary_close:
            self.close(self.dialect.binary_close, "binary frame")
        return None

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
        command_id = None
        try:
            if len(text) > AUTH_BYTES:
                raise Unauthorized("auth: at most 1 KiB")
            frame = protocol.decode(text, 4)
            command_id = id_of(frame)
            key = frame.get("key")
            if frame.get("do") != "auth" or not isinstance(key, str) or not key:
                raise Unauthorized('the first frame is {"id":1,"do":"auth","key":"…"}')
            address = self.request.remote_ip or ""
            self.sockets.check_open()
            identity = await self.sockets.identify(Credentials(key=key, address=address))
            self.sockets.check_open()
            check_user_id(self.request, identity)
            self.sockets.make_room(identity)
            self._entrance = await self.sockets.prepare(self.dialect, identity)
            self.sockets.check_open()
        except ChatError as problem:
            known = isinstance(problem, Unavailable | RateLimited)
            with contextlib.suppress(WebSocketClosedError):
                await self.write_message(protocol.error(command_id, problem))
            self.close(
                problem.close if known else Unauthorized.close, close_reason(problem.message)
            )
            return
        if self.ws_connection is None or self.ws_connection.is_closing():
            return
        if self._timer is not None:
            self._timer.cancel()
        self._enter(identity)

    def on_pong(self, data: bytes) -> None:
        if self.session is not None:
            self.sockets.heartbeat.pong(self.session, data)

    # Closing

    def on_close(self) -> None:
        self._gone = True
        self.sockets.remove(self)
        if self._timer is not None:
            self._timer.cancel()
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
        self.sockets.observers.tell("session_closed", session=session, code=code)
        log.info(
            "session %d: closed %d after %.1f s, %d frames in, %d out",
            session.id,
            code,
            time.monotonic() - session.opened_at,
            self.inbox.frames_in,
            session.outbox.frames_out,
        )

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A refused upgrade: never a stack trace."""
        error = kwargs.get("exc_info", (None, None))[1]
        text = error.log_message if isinstance(error, HTTPError) and error.log_message else ""
        self.finish({"error": BadRequest(text or self._reason.lower()).body()})
