"""What is unread, read and left, against a model that keeps the list of messages itself."""

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.rooms import ids, member, rooms_server
from tornado_chat import Denied, NotFound

PEOPLE = ("ann", "bob", "carl")  # ann made the room, so she may remove the others
DEEDS = ("post", "read", "leave", "back", "add", "remove")


@dataclass
class Person:
    joined: int
    read: int | None = None  # messages there were when he last read, None: never opened
    left: bool = False


class Model:
    """A room as a naive program would keep it."""

    def __init__(self):
        self.senders = []
        self.people = {"ann": Person(0, read=0), "bob": Person(0)}

    def post(self, name):
        self.senders.append(name)
        for person in self.people.values():
            person.left = False

    def read(self, name):
        self.people[name].read = len(self.senders)

    def leave(self, name):
        self.people[name].left = True

    def back(self, name):
        self.people[name].left = False

    def add(self, name):
        if name in self.people:
            self.back(name)
        else:
            self.people[name] = Person(len(self.senders))

    def remove(self, name):
        del self.people[name]

    def unread(self, name):
        person = self.people[name]
        since = person.joined if person.read is None else person.read
        return sum(sender != name for sender in self.senders[since:])

    def has_read(self, name):
        return self.people[name].read is not None and self.unread(name) == 0


async def do(site, room_id, name, deed):
    """The same on the server."""
    match deed:
        case "post":
            await site.say(name, room_id)
        case "read":
            await site.read(name, room_id)
        case "leave":
            await site.leave(name, room_id)
        case "back":
            await site.change(name, room_id, active={f"u-{name}": True})
        case "add":
            await site.change("ann", room_id, add=ids(name))
        case "remove":
            await site.remove("ann", room_id, f"u-{name}")


async def compare(site, room_id, model):
    for name in PEOPLE:
        if name not in model.people:
            with pytest.raises(NotFound):
                await site.get(name, room_id)
            assert room_id not in await site.list(name, include_left=True)
            continue
        room = await site.get(name, room_id)
        assert (room.unread, room.has_read) == (model.unread(name), model.has_read(name)), name
        assert room.active is not model.people[name].left
        assert {each.user_id for each in room.members} == {f"u-{each}" for each in model.people}
        for other in model.people:
            seen = member(room, other)
            assert seen.has_read is model.has_read(other)
            assert seen.active is not model.people[other].left
        listed = room_id in await site.list(name)
        assert listed is room.active
        unread = room_id in await site.list(name, unread_only=True)
        assert unread is (room.active and not room.has_read)


async def play(site, deeds):
    room_id = await site.make("ann", "bob", name="Lunch")
    model = Model()
    for name, deed in deeds:
        if name not in model.people and deed != "add":
            with pytest.raises((Denied, NotFound)):
                await do(site, room_id, name, deed)
        elif deed == "add" and name != "ann" and model.people["ann"].left:
            with pytest.raises(NotFound):  # who has left adds nobody
                await do(site, room_id, name, deed)
        elif (name, deed) != ("ann", "remove"):
            await do(site, room_id, name, deed)
            getattr(model, deed)(name)
        await compare(site, room_id, model)


@pytest.fixture(scope="module")
def played():
    """Plays on one server for all examples."""
    with asyncio.Runner() as runner:
        running = rooms_server()
        site = runner.run(running.__aenter__())
        yield lambda deeds: runner.run(play(site, deeds))
        runner.run(running.__aexit__(None, None, None))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    deeds=st.lists(
        st.tuples(st.sampled_from(PEOPLE), st.sampled_from(DEEDS)), min_size=1, max_size=15
    )
)
def test_unread_is_what_a_naive_model_counts(played, deeds):
    played(deeds)


def test_a_reader_who_leaves_writes_and_is_added_again(played):
    played(
        [
            ("bob", "post"), ("ann", "post"), ("bob", "leave"), ("carl", "post"), ("carl", "add"),
            ("carl", "post"), ("bob", "read"), ("bob", "leave"), ("bob", "back"), ("bob", "post"),
            ("carl", "remove"), ("ann", "post"), ("carl", "add"), ("carl", "post"),
        ]
    )  # fmt: skip
