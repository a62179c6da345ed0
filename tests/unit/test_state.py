"""State topics on a real store: rows, versions, messages and snapshot never part."""

import itertools
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tornado_chat import Audience, Denied, Identity, StateProvider, Topic
from tornado_chat.store import Rules, Store
from tornado_chat.store.state import StateItem

ANN = Identity("100021", "SHOP", "Ann Maas")
DAY = 86_400


class Orders(StateProvider):
    kind = "orders"
    item_name = "order"
    state_name = "orders"
    id_key = "orderId"

    def topic(self, key):
        return Topic(key, self.kind, key)


class Follower(dict):
    """A subscriber: the state it was given, and what it made of the pushes."""

    def __init__(self, state):
        super().__init__({item["orderId"]: item for item in state["orders"]})

    def apply(self, item):
        if item.get("deleted"):
            self.pop(item["orderId"], None)
        else:
            self[item["orderId"]] = item


@pytest.fixture
async def house(tmp_path):
    """A real store; `pushed` are the data of what it committed, `clock` its time in seconds."""
    house = SimpleNamespace(pushed=[], clock=1_000_000.0, refuse=False)

    def committed(done):
        house.pushed += [message.data for message in done.messages]

    def filtered(draft):
        if house.refuse:
            raise Denied("not now")
        return draft

    rules = Rules(clock=lambda: house.clock, filter_draft=filtered)
    store = Store(f"sqlite:///{tmp_path}/test.db", "relaxed", rules, committed)
    await store.start()
    house.write, house.read, house.store = store.write, store.read_tx, store
    yield house
    await store.stop()


@pytest.fixture
def orders(house):
    provider = Orders()
    provider.server = house
    return provider


async def state(orders, key="SHOP"):
    return await orders.snapshot(ANN, orders.topic(key))


async def table(orders, key="SHOP"):
    return await orders.server.read(lambda _: orders.items_in(None, key))


def order(status="new", **more):
    return {"status": status, **more}


async def test_set_stores_publishes_and_numbers_in_one(orders, house):
    message = await orders.set("SHOP", "100", order(total="9.50"))
    expected = {"orderId": "100", "status": "new", "total": "9.50", "version": 1}
    assert message.data == {"order": expected}
    assert message.topic == Topic("SHOP", "orders", "SHOP")
    assert house.pushed == [{"order": expected}]
    assert await state(orders) == {"orders": [expected]}


async def test_delete_publishes_and_takes_it_out(orders, house):
    await orders.set("SHOP", "100", order())
    message = await orders.delete("SHOP", "100")
    assert message.data == {"order": {"orderId": "100", "version": 2, "deleted": True}}
    assert house.pushed[-1] == message.data
    assert await state(orders) == {"orders": []}


async def test_the_same_content_again_publishes_nothing(orders, house):
    await orders.set("SHOP", "100", {"a": 1, "b": {"c": 2, "d": 3}})
    assert await orders.set("SHOP", "100", {"b": {"d": 3, "c": 2}, "a": 1}) is None
    assert await orders.set("SHOP", "100", {"a": 1, "b": {"c": 2, "d": 3}, "version": 9}) is None
    assert len(house.pushed) == 1


async def test_an_older_or_equal_version_does_nothing(orders, house):
    await orders.set("SHOP", "100", order("paid"), version=7)
    assert await orders.set("SHOP", "100", order("late"), version=6) is None
    assert await orders.set("SHOP", "100", order("same"), version=7) is None
    assert await orders.delete("SHOP", "100", version=7) is None
    assert await table(orders) == [{"orderId": "100", "status": "paid", "version": 7}]
    assert len(house.pushed) == 1


async def test_a_newer_version_of_the_same_content_is_remembered_in_silence(orders, house):
    await orders.set("SHOP", "100", order("paid"), version=4)
    assert await orders.set("SHOP", "100", order("paid"), version=6) is None
    assert await orders.set("SHOP", "100", order("late"), version=5) is None
    assert await table(orders) == [{"orderId": "100", "status": "paid", "version": 4}]
    assert len(house.pushed) == 1


async def test_a_late_older_set_does_not_bring_back_what_was_deleted(orders, house):
    await orders.set("SHOP", "100", order(), version=1)
    await orders.delete("SHOP", "100", version=3)
    assert await orders.set("SHOP", "100", order("late"), version=2) is None
    assert await table(orders) == []
    await orders.set("SHOP", "100", order("again"), version=4)
    assert await table(orders) == [{"orderId": "100", "status": "again", "version": 4}]


async def test_a_deletion_that_comes_first_holds(orders, house):
    assert await orders.delete("SHOP", "100", version=3) is None
    assert await orders.set("SHOP", "100", order("late"), version=2) is None
    assert house.pushed == []


async def test_deleting_what_is_not_there_does_nothing(orders, house):
    assert await orders.delete("SHOP", "100") is None
    await orders.set("SHOP", "100", order())
    await orders.delete("SHOP", "100")
    assert await orders.delete("SHOP", "100") is None
    assert len(house.pushed) == 2


async def test_tombstones_are_cleared_away_by_age(orders, house):
    def rows(_):
        return StateItem.select().count()

    await orders.delete("SHOP", "100", version=5)
    house.clock += 29 * DAY
    await orders.delete("SHOP", "200", version=5)
    assert await house.read(rows) == 2
    house.clock += 2 * DAY
    await orders.delete("SHOP", "300", version=5)
    assert await house.read(rows) == 2


async def test_our_own_count_rises_also_after_the_tombstone_is_gone(orders, house):
    await orders.set("SHOP", "100", order())
    deleted = await orders.delete("SHOP", "100")
    house.clock += 31 * DAY
    await orders.delete("SHOP", "other", version=1)
    again = await orders.set("SHOP", "100", order())
    assert again.data["order"]["version"] > deleted.data["order"]["version"]


async def test_the_newest_come_first_and_an_update_does_not_move(orders):
    for item_id in ("1", "2", "3"):
        await orders.set("SHOP", item_id, order())
    await orders.set("SHOP", "1", order("paid"))
    assert [item["orderId"] for item in await table(orders)] == ["3", "2", "1"]


async def test_newest_by_orders_by_a_field(orders):
    orders.newest_by = "placedAt"
    for item_id, placed in (("1", "2026-03"), ("2", "2026-05"), ("3", "2026-04"), ("4", None)):
        await orders.set("SHOP", item_id, {"placedAt": placed} if placed else {})
    assert [item["orderId"] for item in await table(orders)] == ["2", "3", "1", "4"]


async def test_a_snapshot_is_bounded(orders):
    orders.snapshot_limit = 2
    for item_id in ("1", "2", "3"):
        await orders.set("SHOP", item_id, order())
    assert [item["orderId"] for item in (await state(orders))["orders"]] == ["3", "2"]


async def test_two_keys_and_two_tenants_are_two_lists(orders):
    await orders.set("SHOP", "100", order("ours"))
    await orders.set("OTHER", "100", order("theirs"))
    assert [item["status"] for item in await table(orders)] == ["ours"]
    assert [item["status"] for item in await table(orders, "OTHER")] == ["theirs"]
    assert await state(orders, "NOBODY") == {"orders": []}


async def test_it_commits_with_whatever_else_the_work_writes(orders, house):
    def work(tx):
        orders.set_in(tx, "SHOP", "100", order())
        orders.set_in(tx, "SHOP", "200", order())
        assert orders.get_in(tx, "SHOP", "100")["version"] == 1
        orders.delete_in(tx, "SHOP", "100")
        assert orders.get_in(tx, "SHOP", "100") is None
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await house.write(work)
    assert await table(orders) == []
    assert house.pushed == []


async def test_a_message_that_is_refused_leaves_no_row(orders, house):
    house.refuse = True
    with pytest.raises(Denied):
        await orders.set("SHOP", "100", order())
    assert await table(orders) == []


async def test_the_audience_is_that_of_the_topic(orders):
    orders.audience = lambda topic: Audience(everyone=True)
    message = await orders.set("SHOP", "100", order())
    assert message.audience == Audience(everyone=True)


@pytest.mark.parametrize("item_id", ["", "x" * 129, 100, None])
async def test_an_id_is_a_text_of_bounded_length(orders, item_id):
    with pytest.raises(ValueError, match="orders:SHOP: an item's id is a text of 1 to 128"):
        await orders.set("SHOP", item_id, order())


async def test_posts_by_persons_are_refused_by_default(orders):
    with pytest.raises(Denied):
        await orders.receive(ANN, orders.topic("SHOP"), {})


def test_a_state_is_never_made_of_signals():
    with pytest.raises(TypeError, match="Typing: history = 0"):

        class Typing(StateProvider):
            history = 0


async def test_it_survives_a_restart(orders, house, tmp_path):
    await orders.set("SHOP", "100", order())
    await house.store.stop()
    store = Store(f"sqlite:///{tmp_path}/test.db", "relaxed", Rules(), lambda done: None)
    await store.start()
    house.write, house.read = store.write, store.read_tx
    assert await table(orders) == [{"orderId": "100", "status": "new", "version": 1}]
    message = await orders.set("SHOP", "100", order("paid"))
    assert message.data["order"]["version"] == 2
    await store.stop()


keys = (f"K{number}" for number in itertools.count())
changes = st.lists(
    st.tuples(
        st.sampled_from(["set", "set", "delete"]),
        st.sampled_from(["1", "2", "3"]),
        st.sampled_from(["new", "paid", "sent"]),
        st.none() | st.integers(1, 12),
    ),
    max_size=25,
)


@given(changes, st.integers(0, 25))
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_state_and_pushes_equal_the_table(orders, house, made, joined_after):
    """Whatever order changes come in; a follower that joins in the middle gets some of them twice."""
    key = next(keys)
    house.pushed.clear()
    follower = Follower(await state(orders, key))
    for count, (what, item_id, status, version) in enumerate(made):
        if count == joined_after:
            mark = max(0, len(house.pushed) - 2)  # the mark is taken before the snapshot
            late = Follower(await state(orders, key))
        if what == "set":
            await orders.set(key, item_id, order(status), version=version)
        else:
            await orders.delete(key, item_id, version=version)
    if joined_after >= len(made):
        mark, late = len(house.pushed), Follower(await state(orders, key))
    versions = {}
    for push in house.pushed:
        item = push["order"]
        assert item["version"] > versions.get(item["orderId"], 0)
        versions[item["orderId"]] = item["version"]
        follower.apply(item)
    for push in house.pushed[mark:]:
        late.apply(push["order"])
    now = {item["orderId"]: item for item in await table(orders, key)}
    assert follower == late == now
