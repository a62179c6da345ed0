"""Orders by signed webhook: what is taken, what is passed over, and what people then see."""

import asyncio
import contextlib
import json
import random
import time
from types import ModuleType

import pytest

from support.orders import KEY, PATH, SECRET, Watcher, deliver, delivered, signed, started
from tornado_chat import Denied, hookimpl

SECTION = {"secret": SECRET, "tenant": "SHOP"}
ORDER = {
    "orderId": "100455",
    "status": "OrderApproved",
    "customer": "Maas",
    "total": "12.50",
    "currency": "EUR",
    "placedAt": "2026-08-22T09:41:00+02:00",
}


@pytest.fixture
async def site():
    async with started(SECTION) as running:
        yield running


async def state(site, name="ann"):
    async with site.connect(name) as client:
        tenant = client.hello["tenant"]
        return (await client.ok("subscribe", topic=f"orders:{tenant}"))["state"]["orders"]


async def notes(site, name="ann", query="?limit=200"):
    answer = await site.fetch("GET", f"/plugins/notifications/notifications{query}", name=name)
    return answer.json["notifications"]


async def test_an_order_reaches_those_who_watch_and_stays(site):
    async with site.connect("ann") as ann:
        watcher = Watcher(ann)
        assert await watcher.start() == []
        assert await delivered(site, {**ORDER, "version": 7, "note": {"a": [1]}}) == (1, 0)
        assert await watcher.next() == {**ORDER, "note": {"a": [1]}, "version": 7}
        assert await delivered(site, {"orderId": "100455", "deleted": True, "version": 8}) == (1, 0)
        assert await watcher.next() == {"orderId": "100455", "version": 8, "deleted": True}
    assert await state(site) == []


@pytest.mark.parametrize(
    ("topics", "expected"),
    [
        (
            {},
            {
                "title": "Order 100455 approved",
                "link": "/orders/100455",
                "type": "info",
                "show_alert": False,
                "topic_description": None,
            },
        ),
        (
            {
                "OrderUpdate": {
                    "description": "Order changes",
                    "title": "${orderId} is ${status}",
                    "link": "https://shop.example/${orderId}",
                    "type": "success",
                    "show_alert": True,
                }
            },
            {
                "title": "100455 is OrderApproved",
                "link": "https://shop.example/100455",
                "type": "success",
                "show_alert": True,
                "topic_description": "Order changes",
            },
        ),
    ],
)
async def test_e17_each_change_is_told_to_the_tenants_users(topics, expected):
    async with started(SECTION, {"topics": topics}) as site, site.connect("bob") as bob:
        await bob.ok("subscribe", topic="OrderUpdate")
        await delivered(site, ORDER)
        push = await bob.push()
        assert push["data"] == {
            "message": {
                "message": "Order 100455 approved",
                "orderId": "100455",
                "status": "OrderApproved",
            },
            "sub_topic": "approved",
            "alert_no_auto_hide": False,
            "persist": True,
            **expected,
        }
        assert [each["id"] for each in await notes(site, "ann")] == [push["id"]]
        assert await notes(site, "zoe") == []


async def test_what_changes_nothing_is_told_to_nobody(site):
    async with site.connect("ann") as ann:
        watcher = Watcher(ann)
        await watcher.start()
        assert await delivered(site, ORDER) == (1, 0)
        assert await delivered(site, ORDER) == (0, 1)
        assert await delivered(site, {**ORDER, "status": "OrderSent"}) == (1, 0)
        assert await delivered(site, {"orderId": "gone", "deleted": True}) == (0, 1)
        assert [(await watcher.next())["status"] for _ in "12"] == ["OrderApproved", "OrderSent"]
        await ann.quiet()
    assert [each["sub_topic"] for each in await notes(site)] == ["sent", "approved"]


async def test_a_repeated_id_does_nothing(site):
    first = await deliver(site, ORDER, delivery="msg_1")
    assert first.json == {"changed": 1, "unchanged": 0, "repeated": False}
    await delivered(site, {**ORDER, "status": "OrderSent"})
    for what in (ORDER, {"orderId": "2"}):
        again = await deliver(site, what, delivery="msg_1")
        assert (again.code, again.json) == (200, {"changed": 0, "unchanged": 0, "repeated": True})
    assert [order["status"] for order in await state(site)] == ["OrderSent"]


async def test_the_same_id_twenty_times_at_once_is_one_delivery(site):
    answers = await asyncio.gather(*(deliver(site, ORDER, delivery="msg_1") for _ in range(20)))
    assert [answer.code for answer in answers] == [200] * 20
    assert sum(answer.json["changed"] for answer in answers) == 1
    assert len(await notes(site)) == 1


def refusing(word):
    """A plugin that refuses orders of that customer, as long as its list is not empty."""
    module = ModuleType("refusing")
    module.api, words = 1, [word]

    @hookimpl
    def filter_message(message):
        order = message.data.get("order", {})
        if order.get("customer") in words:
            raise Denied("not this one")

    module.filter_message = filter_message
    return module, words


async def test_the_id_commits_with_the_change():
    plugin, words = refusing("Prins")
    async with started(SECTION, modules=[plugin]) as site:
        what = [ORDER, {**ORDER, "orderId": "2", "customer": "Prins"}]
        assert (await deliver(site, what, delivery="msg_1")).code == 403
        assert await state(site) == [] and await notes(site) == []  # all of it or nothing
        words.clear()
        answer = await deliver(site, what, delivery="msg_1")
        assert answer.json == {"changed": 2, "unchanged": 0, "repeated": False}


async def test_ids_and_orders_survive_a_restart(tmp_path):
    async with started(SECTION, folder=tmp_path) as site:
        await delivered(site, {**ORDER, "version": 3}, delivery="msg_1")
    async with started(SECTION, folder=tmp_path) as site:
        assert (await deliver(site, {"orderId": "2"}, delivery="msg_1")).json["repeated"] is True
        assert await state(site) == [{**ORDER, "version": 3}]
        assert await delivered(site, {**ORDER, "status": "old", "version": 2}) == (0, 1)


# Older ones


async def statuses(site):
    return {order["orderId"]: order.get("status") for order in await state(site)}


async def test_an_older_version_does_nothing(site):
    for version, expected in [(5, 5), (4, 5), (5, 5), (6, 6), (0, 6)]:
        await delivered(site, {**ORDER, "status": f"v{version}", "version": version})
        assert await statuses(site) == {"100455": f"v{expected}"}
    assert [order["version"] for order in await state(site)] == [6]


async def test_an_order_whose_version_begins_at_nothing(site):
    await delivered(site, {**ORDER, "version": 0})
    await delivered(site, {**ORDER, "status": "next", "version": 1})
    assert await statuses(site) == {"100455": "next"}
    assert [order["version"] for order in await state(site)] == [1]


async def test_a_version_counts_more_than_a_time(site):
    """A delivery that is tried again has a new time and an old version."""
    now = int(time.time())
    await delivered(site, {**ORDER, "status": "new", "version": 2}, at=now - 60)
    assert await delivered(site, {**ORDER, "status": "old", "version": 1}, at=now) == (0, 1)
    assert await delivered(site, {**ORDER, "status": "newest", "version": 3}, at=now - 90) == (1, 0)
    assert await statuses(site) == {"100455": "newest"}


async def test_without_a_version_the_time_counts(site):
    now = int(time.time())
    await delivered(site, {**ORDER, "status": "b"}, at=now - 10)
    assert await delivered(site, {**ORDER, "status": "a"}, at=now - 11) == (0, 1)
    assert await delivered(site, {**ORDER, "status": "c"}, at=now - 10) == (1, 0)  # the same second
    assert await delivered(site, {**ORDER, "status": "d"}, at=now) == (1, 0)
    assert await delivered(site, {"orderId": "100455", "deleted": True}, at=now - 5) == (0, 1)
    assert await statuses(site) == {"100455": "d"}


async def test_a_late_version_does_not_turn_back_the_time(site):
    now = int(time.time())
    await delivered(site, {**ORDER, "status": "a", "version": 1}, at=now)
    await delivered(site, {**ORDER, "status": "b", "version": 2}, at=now - 60)
    assert await delivered(site, {**ORDER, "status": "old"}, at=now - 30) == (0, 1)
    assert await statuses(site) == {"100455": "b"}


async def test_with_and_without_versions_the_published_ones_rise(site):
    async with site.connect("ann") as ann:
        watcher = Watcher(ann)
        await watcher.start()
        for version in (100, None, 101, None, 500, None):
            given = {} if version is None else {"version": version}
            status = f"after {version} and {len(watcher.seen)}"
            assert await delivered(site, {**ORDER, **given, "status": status}) == (1, 0)
            assert (await watcher.next())["status"] == status  # asserts that versions rise
        assert watcher.seen[0]["version"] == 100 and watcher.seen[4]["version"] == 500


async def test_a_late_older_word_does_not_bring_back_what_is_gone(site):
    now = int(time.time())
    await delivered(site, {"orderId": "1", "deleted": True, "version": 9})  # before it ever came
    assert await delivered(site, {**ORDER, "orderId": "1", "version": 8}) == (0, 1)
    await delivered(site, {**ORDER, "orderId": "2"}, at=now - 20)
    await delivered(site, {"orderId": "2", "deleted": True}, at=now - 10)
    assert await delivered(site, {**ORDER, "orderId": "2"}, at=now - 15) == (0, 1)
    assert await state(site) == []
    await delivered(site, [{**ORDER, "orderId": "1", "version": 10}, {**ORDER, "orderId": "2"}])
    assert set(await statuses(site)) == {"1", "2"}


# Many


def generated(count):
    return [
        {
            "orderId": str(10248 + n),
            "status": ["OrderPlaced", "OrderApproved", "OrderSent"][n % 3],
            "customer": f"Customer {n % 89}",
            "total": f"{n * 7 % 1000}.{n % 100:02d}",
            "currency": "EUR",
            "placedAt": f"2026-{1 + n % 12:02d}-{1 + n % 28:02d}",
        }
        for n in range(count)
    ]


async def test_830_orders_in_one_call_are_one_transaction(site):
    orders = generated(830)
    async with site.connect("ann") as ann, site.connect("bob") as bob:
        watcher = Watcher(ann)
        await watcher.start()
        await bob.ok("subscribe", topic="OrderUpdate")
        commits = site.server.store.writer.commits
        assert await delivered(site, orders) == (830, 0)
        assert site.server.store.writer.commits == commits + 1
        await watcher.until({order["orderId"]: order for order in orders})
        told = [(await bob.push())["data"]["message"]["orderId"] for _ in range(830)]
        assert told == [order["orderId"] for order in orders]
    found = await state(site)
    assert {order["orderId"]: {**order, "version": 0} for order in found} == {
        order["orderId"]: {**order, "version": 0} for order in orders
    }
    days = [order["placedAt"] for order in found]
    assert days == sorted(days, reverse=True)  # newest first


async def test_one_order_many_times_in_one_call(site):
    what = [
        {**ORDER, "status": "a"},
        {"orderId": "100455", "deleted": True},
        {**ORDER, "status": "c"},
    ]
    async with site.connect("ann") as ann:
        watcher = Watcher(ann)
        await watcher.start()
        assert await delivered(site, what) == (3, 0)
        for _ in what:
            await watcher.next()
    assert await statuses(site) == {"100455": "c"}


async def test_an_order_without_a_date_is_ordered_by_its_coming(site):
    await delivered(site, [{"orderId": "a"}, {"orderId": "b", "placedAt": None}, {"orderId": "c"}])
    await delivered(site, {"orderId": "d", "placedAt": "1996-07-04"})
    assert [order["orderId"] for order in await state(site)] == ["d", "c", "b", "a"]


class Model:
    """What a shop means by what it says: versions decide, a delivery of this instant else."""

    def __init__(self):
        self.orders, self.versions = {}, {}

    def say(self, order_id, what, status, version):
        known = self.versions.get(order_id)
        if version is not None and known is not None and version <= known:
            return
        self.versions[order_id] = known if version is None else version
        if what == "delete":
            self.orders.pop(order_id, None)
        else:
            self.orders[order_id] = {"orderId": order_id, "status": status}


@pytest.mark.parametrize("seed", range(4))
async def test_snapshot_and_updates_are_the_table_whatever_the_shop_says(site, seed):
    """Some watch from the start, some join in between; all have what the shop means."""
    chance, model = random.Random(seed), Model()
    async with contextlib.AsyncExitStack() as stack:
        watchers = []

        async def join():
            client = await stack.enter_async_context(site.connect(chance.choice(["ann", "bob"])))
            watchers.append(Watcher(client))
            await watchers[-1].start()

        await join()
        for _ in range(150):
            if chance.random() < 0.03:
                await join()
            what = []
            for _ in range(chance.choice([1, 1, 1, 4])):
                order_id, status = chance.choice("12345"), chance.choice("abc")
                kind = chance.choice(["set", "set", "delete"])
                version = chance.choice([None, chance.randint(0, 30)])
                said = {"deleted": True} if kind == "delete" else {"status": status}
                what.append({"orderId": order_id, **said})
                if version is not None:
                    what[-1]["version"] = version
                model.say(order_id, kind, status, version)
            await delivered(site, what)
        await delivered(site, {"orderId": "last"})
        model.orders["last"] = {"orderId": "last"}
        for watcher in watchers:
            await watcher.until_told_of("last")
            assert watcher.table() == model.orders
        found = {o["orderId"]: o for o in await state(site, "carl")}
        assert found == watchers[0].orders == watchers[-1].orders
        assert len(watchers) > 2 and len(watchers[0].seen) > 40


# Who may


async def test_everybody_of_the_tenant_watches_and_nobody_posts(site):
    await delivered(site, ORDER)
    async with (
        site.connect("ann") as ann,
        site.connect("zoe") as zoe,
        site.connect("admin") as admin,
    ):
        await ann.ok("subscribe", topic="orders:SHOP")
        page = await ann.ok("history", topic="orders:SHOP")
        assert [each["data"]["order"]["orderId"] for each in page["messages"]] == ["100455"]
        for client, topic in ((zoe, "orders:SHOP"), (ann, "orders:OTHER"), (ann, "orders:x")):
            assert await client.refused("subscribe", topic=topic) == "not_found"
            assert await client.refused("history", topic=topic) == "not_found"
        reply = await zoe.ok("subscribe", topic="orders:OTHER")
        assert reply["state"] == {"orders": []}
        for data in ({"order": ORDER}, {}):
            assert await admin.refused("publish", topic="orders:SHOP", data=data) == "denied"
        assert await admin.refused("signal", topic="orders:SHOP", name="x", data={}) == "denied"


async def test_a_user_key_is_neither_asked_for_nor_enough(site):
    answer = await site.fetch("POST", PATH, {"order": ORDER}, name="admin")
    assert answer.code == 401 and answer.json["error"]["code"] == "unauthorized"


BODY = json.dumps({"order": ORDER}).encode()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(BODY, key=b"another"),
        signed(BODY + b" "),
        signed(BODY, at=int(time.time()) - 3600),
        signed(BODY, at=int(time.time()) + 3600),
        {**signed(BODY), "webhook-id": "msg_other"},
        {**signed(BODY), "webhook-timestamp": "soon"},
        {**signed(BODY), "webhook-signature": "v1,"},
        {k: v for k, v in signed(BODY).items() if k != "webhook-id"},
    ],
)
async def test_what_is_not_signed_right_is_401(site, headers):
    answer = await site.fetch("POST", PATH, raw=BODY, headers=headers)
    assert answer.code == 401
    assert SECRET not in answer.body.decode()
    assert await state(site) == []


async def test_several_signatures_while_the_secret_changes(site):
    headers = signed(BODY)
    other = signed(BODY, key=b"the next one")["webhook-signature"]
    headers["webhook-signature"] = f"{other} {headers['webhook-signature']} v1a,asymmetric"
    assert (await site.fetch("POST", PATH, raw=BODY, headers=headers)).code == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "give either order or orders"),
        (b'{"order":{"status":"x"}}', "order.orderId: missing"),
        (b'{"orders":[{"orderId":"1"},{"orderId":"2","total":"x"}]}', "orders.1.total: not an amount"),
        (b'{"order":{"orderId":"1","note":"' + b"x" * 20_000 + b'"}}', "order: more than 16384"),
    ],
)  # fmt: skip
async def test_what_is_no_order_is_400_and_its_id_not_taken(site, body, message):
    headers = signed(body, delivery="msg_1")
    answer = await site.fetch("POST", PATH, raw=body, headers=headers)
    assert answer.code == 400, answer.body
    assert answer.json["error"]["message"].startswith(message), answer.json
    assert (await deliver(site, ORDER, delivery="msg_1")).json["repeated"] is False


async def test_an_order_that_its_push_cannot_carry_is_refused():
    async with started(SECTION, {"limits": {"frame_bytes": 1000}}) as site:
        answer = await deliver(site, {**ORDER, "note": "x" * 900})
        assert answer.code == 400 and "more than 900 bytes" in answer.json["error"]["message"]
        assert await delivered(site, {**ORDER, "note": "x" * 600}) == (1, 0)


async def test_a_body_that_is_too_large_is_413():
    async with started(SECTION, {"limits": {"body_bytes": 5000}}) as site:
        assert (await deliver(site, generated(100))).code == 413


async def test_deliveries_are_forgotten_after_some_days(site, monkeypatch):
    from tornado_chat_plugins.order_list import provider

    await delivered(site, ORDER, delivery="msg_1")
    monkeypatch.setattr(provider, "KEEP_DELIVERIES", 0)
    await asyncio.sleep(0.01)
    assert (await deliver(site, ORDER, delivery="msg_1")).json["repeated"] is False


async def test_what_went_is_forgotten_after_some_days(site, monkeypatch):
    from tornado_chat_plugins.order_list.models import Origin

    await delivered(site, [ORDER, {"orderId": "2"}, {"orderId": "3"}])
    await delivered(site, {"orderId": "2", "deleted": True})
    orders = site.server.provider("orders")

    def kept():
        return site.server.read(lambda _: sorted(row.order_id for row in Origin.select()))

    await orders.clean()
    assert await kept() == ["100455", "2", "3"]
    monkeypatch.setattr(orders, "tombstone_days", 0)
    await asyncio.sleep(0.01)
    await orders.clean()
    assert await kept() == ["100455", "3"]


async def test_no_secret_and_no_order_in_the_log(site, logs):
    await delivered(site, {**ORDER, "note": "confidential"})
    await site.fetch("POST", PATH, raw=BODY, headers=signed(BODY, key=b"another"))
    ours = [r.getMessage() for r in logs.records if not r.name.startswith("peewee")]
    assert not [text for text in ours if "confidential" in text or SECRET in text]
    assert KEY.decode() not in "".join(ours)
