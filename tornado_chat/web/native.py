"""The native protocol as a dialect: `/ws`."""

from collections.abc import Callable
from typing import Any

from tornado_chat import protocol
from tornado_chat.commands import Commands
from tornado_chat.config import LimitsConfig
from tornado_chat.errors import NOT_TEXT, ChatError, TooLarge
from tornado_chat.messages import MINE, Message, Signal, Topic
from tornado_chat.schemas import id_of
from tornado_chat.session import Session
from tornado_chat.web.api import Frames
from tornado_chat.web.dialect import Dialect

ENVELOPE_BYTES = 4096  # what a frame may hold beside the data of its message


class NativeDialect(Dialect):
    path = "/ws"
    first_frame_auth = True
    resumes = True
    binary_close = NOT_TEXT

    def __init__(
        self, commands: Commands, limits: LimitsConfig, clock: Callable[[], float]
    ) -> None:
        self._commands = commands
        self._limits = limits
        self._clock = clock

    def opened(self, session: Session) -> None:
        identity = session.identity
        ttl = None if identity.expires is None else max(0, int(identity.expires - self._clock()))
        limits = {
            "frame_bytes": self._limits.frame_bytes,
            "frames_per_second": self._limits.frames_per_second,
            "subscriptions_per_socket": self._limits.subscriptions_per_socket,
        }
        session.send(
            protocol.hello(
                user=identity.user_id,
                name=identity.name,
                tenant=identity.tenant,
                key_ttl=ttl,
                limits=limits,
            )
        )

    async def receive(self, session: Session, text: str) -> None:
        frame = protocol.decode(text, 0)
        try:
            self._check_size(text, frame)
        except TooLarge as problem:
            session.send(protocol.error(id_of(frame), problem))
        else:
            await self._commands.run(session, frame)

    def _check_size(self, text: str, frame: dict[str, Any]) -> None:
        allowed = self._limits.frame_bytes
        if allowed and len(text) > allowed + ENVELOPE_BYTES:
            raise TooLarge(f"frame of {len(text)} characters, limits.frame_bytes = {allowed}")
        protocol.check_depth(text, frame, self._limits.json_depth)

    def refuse(self, session: Session, problem: ChatError) -> None:
        session.send(protocol.error(None, problem))

    def encode(self, message: Message) -> bytes | None:
        return protocol.push(message)

    def encode_signal(self, signal: Signal) -> bytes | None:
        return protocol.signal(signal.topic, signal.name, signal.sender, signal.data)

    def ended(self, session: Session, topic: Topic | None, problem: ChatError) -> None:
        session.send(protocol.error(None, problem, topic=topic.name if topic else MINE))

    def farewell(self, session: Session, code: str, window_ms: tuple[int, int]) -> None:
        session.send(protocol.bye(code, window_ms))

    def frames(self) -> Frames:
        from tornado_chat.web.api.frames import frames  # noqa: PLC0415 - few ask

        return frames()
