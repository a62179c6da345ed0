"""The list of persisted notifications: rows by address, read newest first without a scan.

Each address of a person (his own, his groups', his tenant's) is walked backwards in its index
no further than the answer needs.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from peewee import Select, Tuple, ValuesList, chunked

from tornado_chat import Identity, Message, Read, ReadTx, Topic, Tx, public_id

from .models import Listing, Note, address_of

ROWS = 500  # in one INSERT
VIEWED_MAX = 1000  # listed notifications, the newest, among which unseen ones are looked for
MINE = "mine"  # the name of all that is addressed to a person
TERMS = 200  # addresses in one query; SQLite takes 500
LIST_MAX = 200  # notifications in one answer
START_MAX = 10_000  # how far back one can leaf


@dataclass(frozen=True, slots=True)
class Listed:
    """A persisted notification as one person finds it in his list.

    `sent`: when his front-end is known to have got it, `viewed`: when he has seen it;
    milliseconds since 1970, UTC, None for not yet.
    """

    message: Message
    sent: int | None = None
    viewed: int | None = None


def list_in(tx: Tx, message: Message) -> None:
    """Lists a message that is to be, for all it is addressed to; once, however often it is said,
    and never one that was thrown away before a retry of it came: those have no number."""
    del tx  # its thread is what counts
    if not message.data.get("persist") or not message.number:
        return
    topic = message.topic
    rows = [
        (address_of(topic.tenant, address), topic.key, message.offset)
        for address in message.audience.addresses()
    ]
    for some in chunked(rows, ROWS):
        fields = [Listing.address, Listing.topic, Listing.offset]
        Listing.insert_many(some, fields=fields).on_conflict_ignore().execute()


def forget_in(tx: Tx, messages: Collection[Message]) -> None:
    """Unlists messages that are thrown away, with what became of them for everybody."""
    del tx
    Note.delete().where(Note.offset.in_([each.offset for each in messages])).execute()
    pairs = [
        (address_of(each.topic.tenant, address), each.offset)
        for each in messages
        for address in each.audience.addresses()
        if each.data.get("persist")
    ]
    for some in chunked(pairs, ROWS):
        values = ValuesList(some, alias="gone")
        # cast, or SQLite compares with what has no type, and walks the table for it
        columns = [values.c.column1.cast("TEXT"), values.c.column2.cast("BIGINT")]
        pair = Tuple(Listing.address, Listing.offset)
        Listing.delete().where(pair.in_(Select([values], columns))).execute()


def addresses_of(identity: Identity) -> list[str]:
    """All by which this person is reached."""
    parts = ["t", f"u:{identity.user_id}", *(f"g:{group}" for group in sorted(identity.groups))]
    return [address_of(identity.tenant or "", part) for part in parts]


def listed(
    tx: ReadTx,
    identity: Identity,
    unwanted: Collection[str],
    *,
    limit: int = 20,
    start: int = 0,
    topic: str | None = None,
) -> list[Listed]:
    """Newest first; three queries whatever there is."""
    limit, start = max(0, min(limit, LIST_MAX)), max(0, start)
    if not limit or start >= START_MAX or topic in unwanted:
        return []
    offsets = newest(addresses_of(identity), start + limit, topic, unwanted)[start:]
    query: Any = Note.select(Note.offset, Note.sent, Note.viewed).where(
        Note.user_id == identity.user_id, Note.offset.in_(offsets)
    )
    notes = {offset: (sent, viewed) for offset, sent, viewed in query.tuples()}
    messages = reversed(tx.log.get_many(offsets))
    return [Listed(each, *notes.get(each.offset, (None, None))) for each in messages]


def newest(
    addresses: list[str], count: int, topic: str | None, unwanted: Collection[str]
) -> list[int]:
    """The highest offsets that are listed under any of the addresses, highest first."""
    found: set[int] = set()
    for some in chunked(addresses, TERMS):
        terms = [_newest_of(address, count, topic, unwanted) for address in some]
        found.update(offset for (offset,) in reduce(or_, terms).tuples())
    return sorted(found, reverse=True)[:count]


def _newest_of(address: str, count: int, topic: str | None, unwanted: Collection[str]) -> Any:
    query = Listing.select(Listing.offset).where(Listing.address == address)
    if topic is not None:
        query = query.where(Listing.topic == topic)
    elif unwanted:
        query = query.where(Listing.topic.not_in(list(unwanted)))
    inner = query.order_by(Listing.offset.desc()).limit(count).alias("newest")
    return Listing.select(inner.c.offset).from_(inner)


def mark_viewed(tx: Tx, identity: Identity, offsets: Collection[int]) -> set[int]:
    """Notes that he has seen them, and tells his native sessions; gives those of them that are
    his."""
    own: Any = Listing.select(Listing.offset, Listing.topic).where(
        Listing.address.in_(addresses_of(identity)), Listing.offset.in_(list(offsets))
    )
    his: dict[int, str] = dict(own.tuples())
    _note_viewed(tx, identity, his)
    for name in sorted(set(his.values())):
        ids = [public_id(offset) for offset in sorted(his) if his[offset] == name]
        topic = Topic(identity.tenant or "", "", name)
        tx.tell(topic, "viewed", {"ids": ids}, identity.user_id)
    return set(his)


class Unviewed(NamedTuple):
    """Of the newest thousand: all that are listed, and those of them that he has not seen."""

    listed: set[int]
    unviewed: set[int]


def unviewed_of(identity: Identity, topic: str | None, unwanted: Collection[str]) -> Unviewed:
    """What he has not seen yet, of one topic or of all but the unwanted."""
    listed_here = newest(addresses_of(identity), VIEWED_MAX, topic, unwanted)
    notes: Any = Note.select(Note.offset).where(
        Note.user_id == identity.user_id,
        Note.offset.in_(listed_here),
        Note.viewed.is_null(False),
    )
    viewed = {offset for (offset,) in notes.tuples()}
    return Unviewed(set(listed_here), set(listed_here) - viewed)


def view_upto(tx: Tx, identity: Identity, topic: Topic, last: int) -> Read:
    """He has seen what is listed of the topic up to the offset."""
    listed_here, unviewed = unviewed_of(identity, topic.key, ())
    seen = {offset for offset in unviewed if offset <= last}
    if seen:
        mark_viewed(tx, identity, seen)
    left = unviewed - seen
    return Read(max(listed_here - left, default=0), len(left))


def view_all(tx: Tx, identity: Identity, unwanted: Collection[str]) -> list[int]:
    """He has seen all; one signal for them, on what is all of his. Gives what he had not."""
    found = sorted(unviewed_of(identity, None, unwanted).unviewed)
    if found:
        _note_viewed(tx, identity, found)
        tx.tell(Topic(identity.tenant or "", "", MINE), "viewed", {"all": True}, identity.user_id)
    return found


def _note_viewed(tx: Tx, identity: Identity, offsets: Collection[int]) -> None:
    now = tx.now
    for some in chunked(sorted(offsets), ROWS):
        rows = [(identity.user_id, offset, now) for offset in some]
        fields = [Note.user_id, Note.offset, Note.viewed]
        Note.insert_many(rows, fields=fields).on_conflict(
            conflict_target=[Note.user_id, Note.offset],
            update={Note.viewed: now},
            where=Note.viewed.is_null(),
        ).execute()
