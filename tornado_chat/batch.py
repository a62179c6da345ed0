"""What is handed out in one go: messages that follow one another in one topic, for the same people.

A burst costs each of its hearers one look and one write, and each dialect one encoding of each
message, whoever hears it. Knows no socket.
"""

import logging
from collections import deque
from collections.abc import Callable

from tornado_chat.messages import Identity, Message, Signal
from tornado_chat.protocol import text_frame
from tornado_chat.session import Subscription, Wire

log = logging.getLogger("tornado_chat.session")

BATCH = 64  # messages
BATCH_BYTES = 65536  # of their frames together: a reader that is not slow has room for them

Visible = Callable[[Identity, Message], bool]


class Batch:
    """`messages`: in the order of their offsets, at least one. `visible`: how their provider tells
    whether a person may see one of them; None where the audience alone says it."""

    __slots__ = ("_frames", "_joined", "encodings", "first", "last", "messages", "visible")

    def __init__(self, messages: list[Message], visible: Visible | None) -> None:
        self.messages = messages
        self.visible = visible
        self.first = messages[0].offset
        self.last = messages[-1].offset
        self.encodings = 0
        self._frames: dict[Wire, dict[int, bytes | None]] = {}
        self._joined: dict[Wire, bytes | None] = {}

    def whole_for(self, subscription: Subscription) -> bytes | None:
        """The frames of all, shared by all who get them all; None where they have to be handed one by
        one: it is not by name, or has to prove what it got, or may not see all, or they are many."""
        session = subscription.session
        if subscription.topic is None or session.cursor is not None:
            return None
        try:
            if not self._is_for(session.identity):
                return None
            if session.dialect not in self._joined:
                self._joined[session.dialect] = self._join(session.dialect)
            return self._joined[session.dialect]
        except Exception as error:  # noqa: BLE001 - said in full later, of the one message
            log.debug("session %d: one by one, for %r", session.id, error)
            return None

    def _is_for(self, identity: Identity) -> bool:
        """Whether somebody who subscribed the topic may see all of them. Raises what a provider
        raises."""
        if self.visible is None:
            return self.messages[0].audience.includes(identity)
        for message in self.messages:  # noqa: SIM110 - a generator costs twice as much
            if not self.visible(identity, message):
                return False
        return True

    def frame(self, dialect: Wire, message: Message) -> bytes | None:
        """The frame of one of them."""
        frames = self._frames.get(dialect)
        if frames is None:
            self.encodings += len(self.messages)
            frames = {each.offset: encoded(dialect, each) for each in self.messages}
            self._frames[dialect] = frames
        return frames[message.offset]

    def _join(self, dialect: Wire) -> bytes | None:
        found = [self.frame(dialect, each) for each in self.messages]
        if len(found) == 1:
            return found[0]
        frames = [each for each in found if each is not None]
        whole = len(frames) == len(found) and sum(map(len, frames)) <= BATCH_BYTES
        return b"".join(frames) if whole else None


def take_batch(waiting: deque[Message | Signal]) -> list[Message]:
    """The message that waits first, with those right behind it that have the same people."""
    first = waiting.popleft()
    assert isinstance(first, Message)
    taken = [first]
    while waiting and len(taken) < BATCH:
        following = waiting[0]
        if not isinstance(following, Message) or not first.has_same_people(following):
            break
        taken.append(following)
        waiting.popleft()
    return taken


def encoded(dialect: Wire, what: Message | Signal) -> bytes | None:
    """The frame of a dialect, None where its wire has none or its dialect cannot make one."""
    try:
        payload = dialect.encode(what) if isinstance(what, Message) else dialect.encode_signal(what)
        return None if payload is None else text_frame(payload)
    except Exception:  # a dialect that raises costs its own sessions this one message
        log.exception("dialect %s: cannot encode", type(dialect).__name__)
        return None
