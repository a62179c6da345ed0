"""A room as one person sees it: frozen values, and the name it bears for him."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tornado_chat import Topic

from .models import topic_of

NAMED = 3  # people whose names make up that of a room without one


@dataclass(frozen=True, slots=True)
class MemberView:
    """Somebody in a room. `has_read`: he has opened it, and nothing of others came since.
    `active`: False while he has left; the next message brings him back."""

    user_id: str
    full_name: str  # never empty
    first_name: str
    last_name: str
    login_name: str
    email: str
    party_id: str
    has_read: bool
    active: bool


@dataclass(frozen=True, slots=True)
class RoomView:
    """A room. `name`: as displayed for the viewer, never empty; `stored_name`: what somebody
    called it, None where the name is computed. `has_read`, `unread`, `active`: the viewer's own.
    `last_offset`: of its last message, 0 for none. `pair`: it is the one-to-one room of its two
    people. `created_by` None: the house made it. `members`: the viewer and those who left
    included, by user id; all `member_count` of them, unless fewer were asked for."""

    room_id: str
    tenant: str
    name: str
    stored_name: str | None
    private: bool
    pair: bool
    has_read: bool
    unread: int
    active: bool
    last_offset: int
    created_by: str | None
    created: int  # milliseconds since 1970, UTC
    member_count: int
    members: tuple[MemberView, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def topic(self) -> Topic:
        return topic_of(self.tenant, self.room_id)


def display_name(
    stored: str | None,
    room_id: str,
    viewer: str | None,
    members: Sequence[MemberView],
    count: int,
) -> str:
    """What the room is called for the viewer: by its name, else by the other people in it, of whom
    the first `NAMED + 1` members must be given; `count`: how many members there are."""
    if stored is not None:
        return stored
    others = [member.full_name for member in members if member.user_id != viewer][:NAMED]
    more = count - (viewer is not None) - len(others)
    if more > 0:
        return f"{', '.join(others)} +{more}"
    return ", ".join(others) or f"Room {room_id}"


def is_computed(name: str, view: RoomView, people: Iterable[str]) -> bool:
    """Whether a name that was sent back is none of the room's own: it is what we display, or in a
    private room the name of somebody in it."""
    if view.stored_name is None and name == view.name:
        return True
    return view.private and name in people
