"""What a socket of the house speaks: how frames are read and messages written.

A plugin's `register_dialects` returns objects of subclasses; the native protocol is one too.
"""

from typing import Any

from tornado_chat.errors import ChatError
from tornado_chat.messages import Identity, Message, Signal, Topic
from tornado_chat.session import Session
from tornado_chat.web.api import Frames


class Dialect:
    """One object for all sessions of a path; what differs by session belongs in `session.state`.

    Frames of one session are given to `receive` one after another, in order.
    """

    # Where its sockets are opened, for example "/chat".
    path: str = ""
    # True: its sessions are reached by person, group and tenant, and `wants` filters; what a peer
    # has not proved to have is sent again to the next socket of its key (design section 5 rule 6).
    addressed: bool = False
    # True: a socket may open without a credential and send it first; `receive` is then not
    # called before (native protocol only).
    first_frame_auth: bool = False
    # Of `addressed` sessions: nothing is written before the first frame was read or so many
    # seconds have passed, since front-ends drop what comes before they listen. Nothing is lost:
    # the session is behind for so long.
    settle_seconds: float = 0.0
    # True: its clients come back with a position of their own. A subscription that fell behind
    # what is kept is then ended, so that they know; else it goes on with what is there.
    resumes: bool = False
    # The close code for a binary frame; 0: such a frame is passed over in silence.
    binary_close: int = 0
    # Ours -> what this wire knows; codes that are not named here pass as they are.
    close_codes: dict[int, int] = {}  # noqa: RUF012 - a constant of the subclass

    async def enter(self, identity: Identity) -> Any:
        """Before the socket of this person is opened; what it answers is `session.state` at first.
        A ChatError refuses the socket."""
        return None

    def opened(self, session: Session) -> None:
        """The socket is open and its person known; nothing was received yet."""

    def closed(self, session: Session) -> None:
        """The socket is gone."""

    async def receive(self, session: Session, text: str) -> None:
        """One text frame. A ChatError goes to `refuse`; anything else is logged and refused."""
        raise NotImplementedError

    def refuse(self, session: Session, problem: ChatError) -> None:
        """Says what was wrong with a frame; on a foreign wire nothing, unless it has a word."""

    def encode(self, message: Message) -> bytes | None:
        """The payload of the text frame for everybody on this wire; None: never on it."""
        raise NotImplementedError

    def encode_signal(self, signal: Signal) -> bytes | None:
        """The same for a signal."""
        return None

    def wants(self, session: Session, message: Message) -> bool:
        """Whether this session is to get a message addressed to its person. Must be quick."""
        return True

    def sent(self, session: Session, message: Message) -> None:
        """Of `addressed` sessions: a frame of this message was put. Must be quick."""

    def proved(self, session: Session, position: int) -> None:
        """Of `addressed` sessions: the peer has everything up to this offset."""

    def ended(self, session: Session, topic: Topic | None, problem: ChatError) -> None:
        """The house has ended a subscription of this session (`topic` None: on all that is the
        person's), and why; say so where there is a word."""

    def close_code(self, code: int) -> int:
        """The close code this wire knows."""
        return self.close_codes.get(code, code)

    def farewell(self, session: Session, code: str, window_ms: tuple[int, int]) -> None:
        """Says `bye` where the wire has a word for it, before the house closes."""

    def frames(self) -> Frames | None:
        """What goes over this wire, for `/asyncapi.json`; None: it is not told."""
        return None
