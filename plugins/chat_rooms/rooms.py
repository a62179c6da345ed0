"""The rooms of this server: what other plugins get by `server.service("chat_rooms")`.

Every method takes the caller's identity and acts inside his tenant and his rooms alone: a room that
is not there, of another tenant, or not his, answers alike with NotFound.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from tornado_chat import Audience, BadRequest, Denied, Identity, NotFound, Server, Topic, Tx

from . import queries
from .models import NAME_MAX, Room, pair_of, topic_of
from .reading import RoomReader, not_found
from .views import RoomView, is_computed

EXTRA_BYTES = 4096
NO_TEXT = {"Cc", "Cs", "Zl", "Zp"}  # control characters, half characters, ends of lines


class _Keep:
    """Stands for what is not to be changed, where None means something."""


KEEP: Final = _Keep()


class Rooms(RoomReader):
    """`max_members`: in one room; `max_rooms`: that one person may have made."""

    def __init__(self, server: Server, max_members: int, max_rooms: int) -> None:
        super().__init__(server)
        self._max_members = max_members
        self._max_rooms = max_rooms

    def as_house(self) -> "House":
        """The same rooms for the person who runs the server."""
        return House(self._server, self._max_members, self._max_rooms)

    async def create(
        self,
        identity: Identity,
        *,
        name: str | None = None,
        private: bool = False,
        members: Iterable[str] = (),
        left: Iterable[str] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> tuple[RoomView, bool]:
        """A new room of these people and the caller, who alone has read it; and whether it is new:
        a private room of two that nobody named is there once for the two of them, and comes back for
        the caller where he left it. `left`: those of the members who see it with the first message
        only.

        Raises BadRequest that names a member who is nobody of this tenant.
        """
        if identity.tenant is None:
            raise BadRequest("room: you belong to no tenant")
        tenant, caller = identity.tenant, self._viewer(identity)
        name = clean_name(name)
        others = [user for user in dict.fromkeys(members) if user != caller]
        away = frozenset(left).intersection(others)
        ids = [*([caller] if caller else []), *others]
        self._check_count(len(ids))
        names = await self._check_people(identity, others)
        if private and name in names:
            name = None
        kept = clean_extra(extra or {})

        def work(tx: Tx) -> tuple[str, bool]:
            pair = pair_of(private=private, name=name, members=frozenset(ids))
            found = pair and Room.get_or_none(Room.tenant == tenant, Room.pair == pair)
            if found:
                if caller and caller in queries.who_left(found.topic_id):
                    topic = topic_of(tenant, str(found.id))
                    tx.members.restore(topic, [caller])
                    self._tell(tx, topic, caller, [caller])
                return str(found.id), False
            self._check_made(caller)
            number = queries.next_id()
            topic = topic_of(tenant, str(number))
            Room.create(
                id=number,
                topic_id=tx.state(topic).id,
                tenant=tenant,
                name=name,
                private=private,
                pair=pair,
                created_by=caller,
                created=tx.now,
                born=tx.head,
                extra=kept,
            )
            if caller:
                tx.members.add(topic, [caller], read=True)
            tx.members.add(topic, ids)
            for user in away:
                tx.members.leave(topic, user)
            self._tell(tx, topic, caller, frozenset(ids) - away)
            return topic.key, True

        room_id, created = await self._server.write(work)
        return await self.get(identity, room_id), created

    async def change(
        self,
        identity: Identity,
        room_id: str,
        *,
        name: str | _Keep | None = KEEP,
        private: bool | None = None,
        add: Iterable[str] = (),
        active: Mapping[str, bool] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> RoomView:
        """What is not given stays, members who are not named stay.

        `name`: None or blank takes it away; a computed name that is sent back is not stored. `add`:
        people of the tenant; who is a member stays as he is, who has left comes back. `active`:
        True brings back a member who has left; False for the caller himself leaves, False for
        others changes nothing, and keeps `add` from bringing them back. `extra`: replaces what was kept. Nobody's unread state is touched.

        Raises NotFound, also for who has left and does not come back by this, and BadRequest that
        names a member who is nobody of this tenant.
        """
        before = await self.get(identity, room_id)
        present = frozenset(member.user_id for member in before.members)
        wanted = list(dict.fromkeys(add))
        newcomers = [user for user in wanted if user not in present]
        new_names = await self._check_people(identity, newcomers)
        names = new_names | {member.full_name for member in before.members}
        if not isinstance(name, _Keep):
            name = clean_name(name)
            if name is not None and is_computed(name, before, names):
                name = None if before.private else KEEP
        kept = None if extra is None else clean_extra(extra)
        flags = dict(active or {})
        caller = self._viewer(identity)

        def work(tx: Tx) -> None:
            row = self._find(tx, identity, room_id)
            topic = topic_of(row.tenant, str(row.id))
            columns: dict[str, Any] = {} if kept is None else {"extra": kept}
            columns |= {} if isinstance(name, _Keep) else {"name": name}
            columns |= {} if private is None else {"private": private}
            self._merge(tx, row, topic, newcomers)
            ids = tx.members.ids(row.topic_id)
            back = {user for user in [*wanted, *flags] if flags.get(user, True)}
            if caller is not None and row.gone and caller not in back:
                raise not_found(room_id)  # who has left changes nothing, unless he comes back
            moved = back & queries.who_left(row.topic_id)
            if moved:
                tx.members.restore(topic, moved)
            if caller and flags.get(caller) is False and tx.members.leave(topic, caller):
                moved = moved | {caller}
            for_all = update(row, columns, ids) or newcomers
            self._tell(tx, topic, caller, ids if for_all else moved)

        await self._server.write(work)
        return await self.get(identity, room_id)

    async def leave(self, identity: Identity, room_id: str) -> RoomView:
        """The caller does not see the room until its next message brings it back, unread or not.
        Leaving twice changes nothing. Raises NotFound."""
        caller = self._viewer(identity)

        def work(tx: Tx) -> None:
            row = self._find(tx, identity, room_id)
            topic = topic_of(row.tenant, str(row.id))
            if caller is not None and tx.members.leave(topic, caller):
                self._tell(tx, topic, caller, [caller])

        await self._server.write(work)
        return await self.get(identity, room_id)

    async def remove(self, identity: Identity, room_id: str, user: str) -> None:
        """Ends a membership for good, with the subscriptions of his open sessions, before this
        returns. One may remove oneself; others, who made the room or has the permission `rooms`.
        Nobody from a one-to-one room: it may be left.

        Raises NotFound for the room or the member, Denied, BadRequest.
        """

        def work(tx: Tx) -> None:
            row = self._find(tx, identity, room_id)
            topic = topic_of(row.tenant, str(row.id))
            if not self._may_remove(identity, row, user):
                raise Denied(
                    f"remove from {topic.name}: only who made the room, or the permission rooms"
                )
            members = tx.members.ids(row.topic_id)
            if user not in members:
                raise NotFound(f"member {user[:64]}: not in room {row.id}")
            if row.pair is not None:
                raise BadRequest(f"room {row.id}: is between two people, leave it instead")
            tx.members.remove(topic, [user])
            update(row, {}, members - {user})
            viewer = self._viewer(identity)
            self._tell(tx, topic, viewer, members, removed=user)  # before he hears no more of it
            tx.defer(lambda: self._server.revoke(user=user, topic=topic))

        await self._server.write(work)

    async def read(self, identity: Identity, room_id: str, upto: int | None = None) -> bool:
        """The caller has read all there is, or all up to the offset `upto`; written only where
        something was unread, or he never opened the room. False where nothing was. Raises NotFound."""
        caller = self._viewer(identity)
        row = await self._server.read(lambda _tx: queries.find_room(self._one(identity, room_id)))
        if caller is None or (row.read_count is not None and not row.unread):
            return False
        topic = topic_of(row.tenant, str(row.id))
        return await self._server.write(lambda tx: tx.members.read(topic, caller, upto)) is not None

    # Inside

    def _tell(self, tx: Tx, topic: Topic, doer: str | None, to: Iterable[str], **data: str) -> None:
        """To these the room has changed: their front-ends look again, once it is committed."""
        audience = Audience(users=frozenset(to))
        if audience.users:
            tx.defer(lambda: self._server.signal(topic, "changed", data, doer, audience=audience))

    def _may_remove(self, identity: Identity, row: Any, user: str) -> bool:
        return identity.user_id in {user, row.created_by} or identity.may("rooms")

    def _find(self, tx: Tx, identity: Identity, room_id: str) -> Any:
        """The room as this transaction sees it, checked again: membership may have ended."""
        tx.flush()
        return queries.find_room(self._one(identity, room_id))

    async def _check_people(self, identity: Identity, ids: list[str]) -> set[str]:
        """Their names. Raises BadRequest that names one who cannot be a member, alike for unknown,
        disabled and of another tenant."""
        self._check_count(len(ids))
        people = await self._server.people.get(identity, ids) if ids else {}
        for user in ids:
            if user not in people or people[user].disabled:
                raise BadRequest(f"members: {user[:64]}: nobody of this company has that id")
        return {person.full_name for person in people.values()}

    def _check_count(self, count: int) -> None:
        if count > self._max_members:
            raise BadRequest(f"members: at most {self._max_members} in one room")

    def _check_made(self, caller: str | None) -> None:
        if caller and Room.select().where(Room.created_by == caller).count() >= self._max_rooms:
            raise Denied(f"room: you have made {self._max_rooms} rooms, that is all there may be")

    def _merge(self, tx: Tx, row: Any, topic: Topic, newcomers: list[str]) -> None:
        if newcomers:
            self._check_count(len(tx.members.ids(row.topic_id).union(newcomers)))
            tx.members.add(topic, newcomers)


class House(Rooms):
    """The same for the person who runs the server: every room of the tenant is his, and he is in
    none of them. The identity names the tenant alone."""

    def _viewer(self, identity: Identity) -> str | None:
        del identity
        return None

    def _may_remove(self, identity: Identity, row: Any, user: str) -> bool:
        del identity, row, user
        return True


def update(row: Any, columns: Mapping[str, Any], members: frozenset[str]) -> bool:
    """Writes what differs; whether anybody sees it. The pair follows: a room that turns into the one-to-one of two people
    who have one already stays without."""
    name, private = columns.get("name", row.name), columns.get("private", bool(row.private))
    pair = pair_of(private=private, name=name, members=members)
    if pair != row.pair and pair is not None:
        taken = Room.select().where(Room.tenant == row.tenant, Room.pair == pair).exists()
        pair = None if taken else pair
    changed = {
        column: value
        for column, value in {**columns, "pair": pair}.items()
        if getattr(row, column) != value
    }
    if changed:
        Room.update(**changed).where(Room.id == row.id).execute()
    return bool(changed.keys() - {"extra"})


def clean_name(name: str | None) -> str | None:
    """A name that may be stored; None for one that shows nothing."""
    name = (name or "").strip()
    if len(name) > NAME_MAX or any(unicodedata.category(sign) in NO_TEXT for sign in name):
        raise BadRequest(f"name: at most {NAME_MAX} characters, on one line")
    return name if any(map(str.isprintable, name)) else None


def clean_extra(extra: Mapping[str, Any]) -> str:
    body = orjson.dumps(dict(extra))
    if len(body) > EXTRA_BYTES:
        raise BadRequest(f"extra: at most {EXTRA_BYTES} bytes")
    return body.decode()
