"""One open socket, as the hub sees it: who, in which dialect, subscribed to what, up to where.

A subscription is live, or behind at a position; that is all the state there is. Knows no Tornado
and no loop.
"""

import itertools
from asyncio import Future
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tornado_chat.errors import ChatError
from tornado_chat.messages import Identity, Message, Posted, Signal, Topic
from tornado_chat.outbox import Outbox, Transport
from tornado_chat.protocol import text_frame
from tornado_chat.store import Commit, Selection
from tornado_chat.store.transaction import qualified

if TYPE_CHECKING:
    from tornado_chat.write_behind import Cursor

_serials = itertools.count(1)


class Gone:
    """Stands in for the transport of a socket that is gone."""

    def write(self, data: bytes, drained: Callable[[], None]) -> bool:
        """There is nobody to take it, and nothing to wait for."""
        del data, drained
        return True

    def accepted(self) -> int:
        """Nothing any more."""
        return 0

    def close(self, code: int, reason: str) -> None:
        """It is."""

    def abort(self) -> None:
        """The same."""


GONE = Gone()


class Wire(Protocol):
    """What the hub must know of a dialect. One object for all its sessions.

    `resumes`: its clients come back with a position of their own, and can be told to.
    """

    resumes: bool

    def encode(self, message: Message) -> bytes | None:
        """The payload of a text frame, the same for everybody; None: never on this wire."""

    def encode_signal(self, signal: Signal) -> bytes | None:
        """The same for a signal."""

    def wants(self, session: "Session", message: Message) -> bool:
        """Whether this session wants a message that is addressed to its person."""

    def sent(self, session: "Session", message: Message) -> None:
        """A frame of this message was put for a session that has a cursor."""

    def proved(self, session: "Session", position: int) -> None:
        """The peer of such a session has everything up to there."""

    def ended(self, session: "Session", topic: Topic | None, problem: ChatError) -> None:
        """The house has ended a subscription of this session, and why."""

    def close_code(self, code: int) -> int:
        """The close code this wire knows for one of ours."""

    def farewell(self, session: "Session", code: str, window_ms: tuple[int, int]) -> None:
        """Says that the house is leaving, where the wire has a word for it."""


@dataclass(frozen=True, slots=True)
class Again:
    """What a socket that came back is sent again: up to the offset `upto`, nothing that was said
    before `oldest` (milliseconds since 1970, UTC), nothing that its person knows already."""

    upto: int
    oldest: int


class Subscription:
    """One session on one topic (`topic` None: on all that is addressed to its person).

    `position`: everything up to this offset has been considered. `live`: what comes next comes
    from the hub; else it is behind and reads the log. `held`: its subscriber has not been answered
    yet, so nothing may be sent. `pending`: what came from the hub while the last page was read,
    None where nothing is kept. `first`: it is about what comes after this offset. `told`: the
    subscriber knows that what was thrown away up to here is missing. `again`: what of it is sent
    again, None for nothing. `stale`: the page it has may hold what its person may not have any more.
    """

    __slots__ = (
        "again",
        "ended",
        "first",
        "held",
        "live",
        "pending",
        "position",
        "session",
        "stale",
        "told",
        "topic",
    )

    def __init__(self, session: "Session", topic: Topic | None, position: int) -> None:
        self.session = session
        self.topic = topic
        self.position = position
        self.first = position
        self.told = 0
        self.live = False
        self.held = False
        self.ended = False
        self.stale = False
        self.pending: list[Message] | None = None
        self.again: Again | None = None

    def keep(self, message: Message, bound: int) -> None:
        """Remembers what it will need right after its page; too much of it, and it reads on."""
        if self.pending is not None:
            if len(self.pending) < bound:
                self.pending.append(message)
            else:
                self.pending = None

    def begin_at(self, position: int, told: int) -> None:
        """Before its subscriber is answered: it is about what comes after `position`."""
        self.position = self.first = position
        self.told = told

    def missed(self, pruned: int) -> bool:
        """Whether something was thrown away up to `pruned` that it has not considered and its
        subscriber was not told of."""
        return pruned > max(self.position, self.told)

    def fall_behind(self, position: int) -> None:
        """From now on it reads the log, after `position`."""
        self.live = False
        self.pending = None
        self.position = max(self.position, position)

    def next_end(self, mark: int) -> int:
        """How far its next page goes at most; what is sent again is a stretch of its own."""
        if self.again is not None and self.position >= self.again.upto:
            self.again = None
        return mark if self.again is None else min(mark, self.again.upto)

    def selection(self) -> Selection:
        """What the log is asked for while behind."""
        if self.topic is not None:
            return Selection(topic=self.topic)
        identity = self.session.identity
        tenant = identity.tenant or ""
        addresses = ["t", f"u:{identity.user_id}", *(f"g:{group}" for group in identity.groups)]
        return Selection(
            addresses=tuple(qualified(tenant, address) for address in addresses),
            member=(tenant, identity.user_id),
            unread_only=self.again is not None,
        )


def ignore(_post: "Future[Posted]") -> None:
    """Nobody waits for an answer."""


class Session:
    """Opened and closed by the web; the hub puts frames into its outbox."""

    __slots__ = (
        "__weakref__",
        "address",
        "catching_up",
        "closed",
        "cursor",
        "dialect",
        "ended_by",
        "id",
        "identity",
        "last_post",
        "on_close",
        "opened_at",
        "outbox",
        "posts",
        "state",
        "subscriptions",
        "transport",
    )

    def __init__(
        self,
        identity: Identity,
        dialect: Wire,
        transport: Transport,
        outbox: Outbox,
        *,
        opened_at: float = 0.0,
        address: str = "",
    ) -> None:
        self.id = next(_serials)
        self.identity = identity
        self.dialect = dialect
        self.transport = transport
        self.outbox = outbox
        self.opened_at = opened_at
        self.address = address
        self.state: Any = None  # the dialect's own
        self.subscriptions: dict[Topic | None, Subscription] = {}
        self.catching_up = False
        self.cursor: Cursor | None = None  # where its peer proves what it has
        self.closed: int | None = None  # the close code, once it is decided
        self.ended_by: int | None = None  # our own code for it, where the house ended it
        self.posts = 0  # publishes whose commit is waited for
        self.last_post: Future[Posted] | None = None  # the newest of them
        self.on_close: Callable[[], None] | None = None  # when the house ends it

    def send(self, payload: bytes) -> None:
        """A text frame that is owed: a reply, or what a face has to say. Never refused."""
        if self.closed is None:
            self.outbox.put_always(text_frame(payload))

    def close(self, code: int, reason: str = "") -> None:
        """Ends the session from our side, at once; `code` is ours, the dialect translates it. The
        peer may take a while to answer: meanwhile it gets nothing and says nothing any more."""
        if self.closed is not None:
            return
        self.ended_by = code
        self.closed = self.dialect.close_code(code)
        self.outbox.flush()  # what was said last goes before the goodbye
        self.transport.close(self.closed, reason)
        if self.on_close is not None:
            self.on_close()

    def let_go(self) -> None:
        """Its socket is gone. What it held is free at once: no circle of references is left that
        only the garbage collector would find, and that looks seldom."""
        self.on_close = self.outbox.too_slow = None
        self.transport = self.outbox.transport = GONE

    def await_commit(
        self, post: "Future[Posted]", answer: Callable[["Future[Posted]"], object] = ignore
    ) -> None:
        """A post of this session was admitted: with too many of them the socket is not read.
        `answer(post)` once it is done."""

        def done(post: "Future[Posted]") -> None:
            self.posts -= 1
            if not post.cancelled():
                answer(post)

        self.posts += 1
        self.last_post = post
        if isinstance(post, Commit) and not post.done():
            post.at_once = done
        else:
            post.add_done_callback(done)

    def behind(self) -> Subscription | None:
        """A subscription that has something to catch up with."""
        for subscription in self.subscriptions.values():
            if not subscription.live and not subscription.held:
                return subscription
        return None

    def served(self, subscription: Subscription) -> None:
        """It has had its page, now the others: a long way to go holds nobody else up."""
        if self.subscriptions.get(subscription.topic) is subscription:
            self.subscriptions[subscription.topic] = self.subscriptions.pop(subscription.topic)

    def by_name(self, topic: Topic, offset: int) -> bool:
        """Whether a message of the topic comes by the topic's own subscription, and so not once
        more by the one on all that is the person's."""
        named = self.subscriptions.get(topic)
        return named is not None and not named.held and offset > named.first
