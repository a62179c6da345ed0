"""What the log holds for a person: by pages, whatever the windows, equal to looking at all of it."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.queries import counted_queries
from support.stores import Opened, draft
from tornado_chat.messages import EVERYONE, MEMBERS, Audience, Topic
from tornado_chat.store import Selection, addressed

ANN = Selection(addresses=("SHOP\x1ft", "SHOP\x1fu:ann", "SHOP\x1fg:STAFF"), member=("SHOP", "ann"))
UNREAD = Selection(addresses=ANN.addresses, member=ANN.member, unread_only=True)
ROOMS = [Topic("SHOP", "room", str(n)) for n in range(4)]

steps = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(0, 3), st.sampled_from(["ann", "bob"])),
        st.tuples(st.sampled_from(["join", "leave", "read", "remove"]), st.integers(0, 3)),
        st.tuples(
            st.just("note"),
            st.sampled_from(
                [
                    EVERYONE,
                    Audience(users=frozenset({"ann"})),
                    Audience(users=frozenset({"bob"})),
                    Audience(groups=frozenset({"STAFF"})),
                    Audience(users=frozenset({"ann"}), groups=frozenset({"STAFF"})),
                ]
            ),
        ),
    ),
    max_size=40,
)


def act(tx, steps):
    """What ann is to get in the end, and of it what she has not read: two lists of offsets."""
    joined, read, left, said = {}, {}, {}, []
    for verb, what, *more in steps:
        topic = ROOMS[what] if isinstance(what, int) else None
        if verb == "say":
            message = tx.append(draft(topic, sender=more[0])).message
            said.append((what, message.offset))
        elif verb == "note":
            message = tx.append(draft(Topic("SHOP", "", "Note"), audience=what)).message
            said.append((what, message.offset))
        elif verb == "join":
            tx.members.add(topic, ["ann"])
            joined.setdefault(what, tx.head)
        elif verb == "remove":
            tx.members.remove(topic, ["ann"])
            for each in (joined, read, left):
                each.pop(what, None)
        elif verb == "leave" and what in joined:
            if tx.members.leave(topic, "ann"):
                left[what] = tx.head
        elif verb == "read" and tx.members.read(topic, "ann"):
            read[what] = tx.head
    hers, unread = [], []
    for where, offset in said:
        if not isinstance(where, int):
            if "bob" not in where.users:
                hers.append(offset)
                unread.append(offset)
        elif where in joined and offset > joined[where]:
            hers.append(offset)
            if offset > max(read.get(where, 0), left.get(where, 0)):
                unread.append(offset)
    return hers, unread


def pages(log, selection, head, limit):
    """Page by page, as somebody who catches up."""
    found, position = [], 0
    while position < head:
        page = log.after(position, selection, limit, head)
        assert page.reached > position
        assert all(position < each.offset <= page.reached for each in page.messages)
        found += [each.offset for each in page.messages]
        position = page.reached
    return found


@pytest.mark.parametrize("width", [1, 4096])
async def test_pages_hold_what_is_for_a_person(tmp_path, monkeypatch, width):
    monkeypatch.setattr(addressed, "WINDOW", width)
    monkeypatch.setattr(addressed, "TOPICS", 2)
    opened = Opened(tmp_path / "log.db")
    async with opened:
        store = opened.store

        @given(steps, st.integers(1, 5))
        def check(steps, limit):
            def work(tx):
                expected = act(tx, steps)
                tx.flush()
                found = tuple(
                    pages(store.log, selection, tx.head, limit) for selection in (ANN, UNREAD)
                )
                raise Undo((found, expected))

            with pytest.raises(Undo) as caught:
                run(store, work)
            found, expected = caught.value.args[0]
            assert found == tuple(expected)

        import asyncio

        loop = asyncio.get_running_loop()

        def run(store, work):
            return asyncio.run_coroutine_threadsafe(written(store, work), loop).result()

        await asyncio.to_thread(check)


async def written(store, work):
    return await store.write(work)


class Undo(Exception):
    """Carries what was found; the savepoint undoes the rest."""


async def test_a_page_costs_as_many_queries_in_a_thousand_rooms_as_in_one(tmp_path):
    costs = {}
    async with Opened(tmp_path / "log.db") as opened:
        for count in (1, 1000):
            rooms = [Topic("SHOP", "room", f"{count}-{n}") for n in range(count)]

            def fill(tx, rooms=rooms, count=count):
                for room in rooms:
                    tx.members.add(room, [f"of{count}"])
                    tx.append(draft(room, sender="bob"))

            await opened.store.write(fill)
            selection = Selection(addresses=("SHOP\x1ft",), member=("SHOP", f"of{count}"))
            with counted_queries() as queries:
                page = await opened.store.after(0, selection, 50, 1001)
            assert len(page.messages) == min(count, 50)
            costs[count] = len(queries.all)
    assert costs[1] == costs[1000]


async def test_the_log_is_not_walked_for_each_room(tmp_path):
    """With a join SQLite looked at every message of the window once for each of his rooms."""
    async with Opened(tmp_path / "log.db") as opened:

        def fill(tx):
            for n in range(20):
                tx.members.add(Topic("SHOP", "room", str(n)), ["ann"])
                tx.append(draft(Topic("SHOP", "room", str(n)), sender="bob", audience=MEMBERS))

        await opened.store.write(fill)
        with counted_queries() as queries:
            await opened.store.after(0, ANN, 50, 20)
    with sqlite3.connect(tmp_path / "log.db") as database:
        for statement in queries.all:
            marks = [0] * statement.count("?")
            plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}", marks)]
            assert not [step for step in plan if step.startswith("SCAN")], (statement, plan)
            walks = [step for step in plan if "rowid>" in step]
            assert not walks, (statement, plan)
