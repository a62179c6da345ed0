"""Where a new socket starts and what it strikes off, row by row (design section 5 rule 6)."""

import pytest

from support.queries import explained
from support.stores import Opened
from tornado_chat.store.cursor_rows import (
    ASKED_MS,
    KEY,
    OPEN,
    ORPHAN,
    Owner,
    leave_behind,
    rows_of,
    sweep_cursors,
)
from tornado_chat.store.cursors import (
    SPARE_MS,
    Change,
    Known,
    Start,
    find_start,
    open_cursors,
    write_changes,
)
from tornado_chat.store.models import CursorRow

NOW = 1_700_000_000_000
HOUR = 3_600_000
OLDEST = NOW - 72 * HOUR
ANN = Owner("/chat", "SHOP", "ann", "k1")
HEAD = 1000


@pytest.fixture
async def store(tmp_path):
    async with Opened(tmp_path / "s.db", clock=lambda: NOW / 1000) as opened:
        yield opened.store


def rows(*given):
    """(state, position) of ann's first key, or with what is different; their ids."""
    made = []
    for state, position, *more in given:
        columns = {"at": NOW, "until": None, **vars_of(ANN), **(more[0] if more else {})}
        made.append(CursorRow.create(state=state, position=position, **columns).id)
    return made


def vars_of(owner):
    return {name: getattr(owner, name) for name in ("path", "tenant", "user_id", "key")}


def kept():
    query = CursorRow.select().order_by(CursorRow.position)
    return [(row.state, row.position, row.key) for row in query]


async def start(store, *given, known=None, owner=ANN):
    def work(_tx):
        rows(*given)
        found = rows_of([owner.person], NOW, OLDEST)[owner.person]
        return find_start(owner, known or Known(), found, HEAD)

    return await store.write(work)


OTHER = {"key": "k2"}


@pytest.mark.parametrize(
    ("given", "known", "position"),
    [
        ([], Known(), HEAD),
        ([(ORPHAN, 5)], Known(), 5),
        ([(ORPHAN, 5), (ORPHAN, 9), (KEY, 20), (OPEN, 30)], Known(of_key=31), 5),
        ([(KEY, 20), (OPEN, 10)], Known(), 20),
        ([(KEY, 20), (OPEN, 10)], Known(of_key=25), 25),
        ([(KEY, 20, OTHER), (ORPHAN, 3, OTHER)], Known(of_key=25), 25),
        ([(ORPHAN, 9)], Known(half_open=[(7, None), (12, None)]), 7),
        ([(KEY, 9)], Known(half_open=[(7, None)]), 7),
        # a key that has nothing
        ([(ORPHAN, 5, OTHER), (ORPHAN, 4, {"key": "k3"}), (KEY, 2, OTHER)], Known(of_user=30), 4),
        ([(KEY, 20, OTHER), (KEY, 25, {"key": "k3"}), (OPEN, 7, OTHER)], Known(), 25),
        ([(KEY, 20, OTHER)], Known(of_user=30), 30),
        # not his
        ([(ORPHAN, 5, {"path": "/notws"}), (ORPHAN, 5, {"tenant": "OTHER"})], Known(), HEAD),
        ([(ORPHAN, 5, {"user_id": "bob"})], Known(), HEAD),
        # too old, or over
        ([(ORPHAN, 5, {"at": OLDEST - 1}), (KEY, 6, {"at": OLDEST - 1})], Known(), HEAD),
        ([(ORPHAN, 5, {"until": NOW}), (ORPHAN, 8, {"until": NOW + 1})], Known(), 8),
        ([(OPEN, 6, {"at": OLDEST - 1})], Known(), 6),
        # never beyond the log, whatever a row says
        ([(KEY, HEAD + 5)], Known(), HEAD),
        ([(ORPHAN, HEAD + 5)], Known(), HEAD),
    ],
)
async def test_where_a_socket_starts(store, given, known, position):
    assert (await start(store, *given, known=known)).position == position


async def test_it_strikes_off_the_highest_and_spares_the_one_it_starts_from(store):
    found = await start(store, (ORPHAN, 9), (ORPHAN, 5), (ORPHAN, 7))
    strike = await store.write(lambda _tx: CursorRow.get(CursorRow.position == 9).id)
    spare = await store.write(lambda _tx: CursorRow.get(CursorRow.position == 5).id)
    assert found == Start(5, struck=9, strike=strike, spare=spare)


async def test_one_alone_is_struck_and_not_spared(store):
    found = await start(store, (ORPHAN, 9))
    assert (found.struck, found.spare) == (9, None)
    assert found.strike is not None


async def test_of_the_same_position_one_is_struck_and_one_is_spared(store):
    found = await start(store, (ORPHAN, 5), (ORPHAN, 5))
    assert found.strike != found.spare
    assert None not in (found.strike, found.spare)


async def test_a_half_open_one_that_is_the_highest_is_taken(store):
    found = await start(store, (ORPHAN, 5), known=Known(half_open=[(3, 77), (8, 78)]))
    assert (found.position, found.struck, found.strike, found.takes) == (3, 8, 78, 1)
    assert found.spare is None  # the lowest is an open socket


async def test_another_keys_orphans_are_left_alone(store):
    found = await start(store, (ORPHAN, 5, OTHER))
    assert found == Start(5)


async def test_opening_writes_all_of_it(store):
    def work(tx):
        rows((ORPHAN, 5), (ORPHAN, 9), (ORPHAN, 7, OTHER))
        tx._memory.head = HEAD
        [opened] = open_cursors(tx, [(ANN, Known())], OLDEST)
        spared = CursorRow.get(CursorRow.state == ORPHAN, CursorRow.key == "k1")
        return opened, kept(), spared.until

    opened, left, until = await store.write(work)
    assert (opened.start.position, opened.head) == (5, HEAD)
    assert left == [(ORPHAN, 5, "k1"), (OPEN, 5, "k1"), (ORPHAN, 7, "k2")]
    assert until == NOW + SPARE_MS


async def test_who_comes_with_others_starts_as_if_they_had_come_before(store):
    """Of one transaction: what one strikes off or spares, the next one of that person finds so."""
    beside = Owner("/chat", "SHOP", "ann", "k2")
    bob = Owner("/chat", "SHOP", "bob", "k3")

    def at_once(tx):
        rows((ORPHAN, 5), (ORPHAN, 7), (ORPHAN, 9), (KEY, 3, OTHER))
        sockets = [
            (ANN, Known()),
            (beside, Known()),
            (ANN, Known()),
            (bob, Known()),
            (ANN, Known()),
        ]
        return [each.start for each in open_cursors(tx, sockets, OLDEST)], kept()

    def in_turn(tx):
        CursorRow.delete().execute()
        rows((ORPHAN, 5), (ORPHAN, 7), (ORPHAN, 9), (KEY, 3, OTHER))
        owners = (ANN, beside, ANN, bob, ANN)
        found = [open_cursors(tx, [(owner, Known())], OLDEST)[0].start for owner in owners]
        return found, kept()

    def named(found):  # their rows have other ids
        starts, left = found
        return [(each.position, each.struck, each.until) for each in starts], left

    together = await store.write(at_once)
    assert named(together) == named(await store.write(in_turn))
    assert [each.struck for each in together[0]] == [9, None, 7, None, 5]


async def test_many_who_come_back_together_share_their_statements(store):
    owners = [Owner("/chat", "SHOP", f"u{number}", "k") for number in range(64)]
    await store.write(lambda _tx: None)  # the writer has read where the log ends
    with explained() as plans:

        def work(tx):
            return open_cursors(tx, [(owner, Known()) for owner in owners], OLDEST)

        opened = await store.write(work)
    assert len({each.row for each in opened}) == 64
    verbs = [text.split(" ", 1)[0] for text in plans.statements]
    assert verbs == ["SELECT", "INSERT"]
    assert plans.searched("SELECT") == {"tenant=? AND user_id=? AND path=?"}


async def test_starting_again_from_one_that_is_spared_gives_it_no_more_time(store):
    def work(tx):
        rows((ORPHAN, 5, {"until": NOW + 1}), (ORPHAN, 9))
        open_cursors(tx, [(ANN, Known())], OLDEST)
        return CursorRow.get(CursorRow.state == ORPHAN).until

    assert await store.write(work) == NOW + 1


async def test_one_that_was_struck_off_too_soon_comes_back_with_the_time_it_had(store):
    found = await start(store, (ORPHAN, 9, {"until": NOW + 7}))
    assert found.until == NOW + 7

    def work(_tx):
        CursorRow.delete().execute()
        write_changes([Change(None, ANN, 9, ORPHAN, False, NOW, found.until)])
        return CursorRow.get().until

    assert await store.write(work) == NOW + 7


def change(row, position, state, *, taken=False):
    return Change(row, ANN, position, state, taken, NOW)


async def written(store, *changes):
    return await store.write(lambda _tx: (write_changes(changes), kept()))


async def test_a_row_follows_its_socket(store):
    [row], left = await written(store, change(None, 3, OPEN))
    assert left == [(OPEN, 3, "k1")]
    assert (await written(store, change(row, 4, OPEN))) == ([row], [(OPEN, 4, "k1")])
    assert (await written(store, change(row, 5, ORPHAN))) == ([row], [(ORPHAN, 5, "k1")])


async def test_a_close_by_the_peer_folds_and_only_rises(store):
    [first, second], _ = await written(store, change(None, 3, OPEN), change(None, 2, OPEN))
    assert (await written(store, change(first, 7, KEY))) == (
        [None],
        [(OPEN, 2, "k1"), (KEY, 7, "k1")],
    )
    assert (await written(store, change(second, 6, KEY)))[1] == [(KEY, 7, "k1")]
    assert (await written(store, change(None, 8, KEY)))[1] == [(KEY, 8, "k1")]


async def test_what_many_prove_at_once_is_found_by_row_in_a_few_statements(store):
    many, _ = await written(store, *(change(None, 3, OPEN) for _ in range(400)))
    with explained() as plans:
        kept_rows, left = await written(store, *(change(row, 4, OPEN) for row in many))
    assert (kept_rows, left) == (many, [(OPEN, 4, "k1")] * 400)
    # by powers of two: 256, 128 and 16
    assert len([text for text in plans.statements if text.startswith("UPDATE")]) == 3
    assert plans.searched("UPDATE") == {"rowid=?"}


async def test_what_somebody_took_over_leaves_nothing(store):
    [row], _ = await written(store, change(None, 3, OPEN))
    assert (await written(store, change(row, 3, OPEN, taken=True))) == ([None], [])
    assert (await written(store, change(None, 3, ORPHAN, taken=True))) == ([None], [])
    [row], left = await written(store, change(None, 4, OPEN))  # it lives after all
    assert left == [(OPEN, 4, "k1")]
    assert (await written(store, change(row, 4, ORPHAN, taken=True))) == ([None], [])


async def test_what_was_struck_off_does_not_come_back_by_ending(store):
    [row], _ = await written(store, change(None, 3, OPEN))
    await store.write(lambda _tx: CursorRow.delete().execute())
    assert (await written(store, change(row, 4, ORPHAN)))[1] == []
    [row], left = await written(store, change(row, 4, OPEN))  # but by living
    assert left == [(OPEN, 4, "k1")]


async def test_a_start_of_the_server_makes_orphans_of_all_who_were_open(store):
    def work(tx):
        rows((OPEN, 3, {"at": 5}), (KEY, 4), (ORPHAN, 5))
        leave_behind(tx)
        return kept(), CursorRow.get(CursorRow.position == 3).at

    assert await store.write(work) == (
        [(ORPHAN, 3, "k1"), (KEY, 4, "k1"), (ORPHAN, 5, "k1")],
        NOW,
    )


async def test_one_that_was_asked_and_did_not_answer_is_waited_for_a_moment_only(store):
    """A connection that hangs, its peer back on a new one, and a kill before that is known: the new
    one has its place, and the old one must not be started from again and again."""

    def work(tx):
        hangs, lives, _other = rows((OPEN, 3), (OPEN, 4), (OPEN, 5))
        [opened] = open_cursors(tx, [(ANN, Known(asked=[hangs, lives], of_key=5))], OLDEST)
        write_changes([Change(lives, ANN, 6, OPEN, False, NOW)])
        leave_behind(tx)
        return {
            row.position: row.until for row in CursorRow.select() if row.id != opened.row
        }, CursorRow.get_by_id(opened.row).until

    assert await store.write(work) == ({3: NOW + ASKED_MS, 6: None, 5: None}, None)


async def test_the_sweep_leaves_what_may_still_be_started_from(store):
    def work(tx):
        rows(
            (OPEN, 1, {"at": OLDEST - 1}),
            (ORPHAN, 2, {"at": OLDEST - 1}),
            (KEY, 3, {"at": OLDEST - 1}),
            (ORPHAN, 4, {"until": NOW}),
            (ORPHAN, 5, {"until": NOW + 1}),
            (KEY, 6, {"at": OLDEST}),
        )
        sweep_cursors(tx, OLDEST)
        return [position for _state, position, _key in kept()]

    assert await store.write(work) == [1, 5, 6]
