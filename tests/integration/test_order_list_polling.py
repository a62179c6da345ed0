"""Orders by polling a database of somebody else's: every change is found, whatever its clock says."""

import asyncio
import random
import threading
import time
from types import ModuleType

import pytest

from support.orders import SECRET, Shop, Watcher, delivered, eventually, started
from tornado_chat import Denied, hookimpl


@pytest.fixture
def shop(tmp_path):
    found = Shop(tmp_path)
    yield found
    found.db.close()


async def state(site):
    async with site.connect("ann") as client:
        found = (await client.ok("subscribe", topic="orders:SHOP"))["state"]["orders"]
    return {
        order["orderId"]: {key: value for key, value in order.items() if key != "version"}
        for order in found
    }


async def shows(site, expected):
    async def check():
        return await state(site) == expected

    await eventually(check)


async def notes(site, limit=200):
    path = f"/plugins/notifications/notifications?limit={limit}"
    return (await site.fetch("GET", path, name="ann")).json["notifications"]


async def some_polls(seconds=0.3):
    await asyncio.sleep(seconds)


async def test_what_is_there_at_the_start_and_every_change_after_it(shop):
    shop.put(1)
    shop.put(2, total=7)
    async with started({"poll": shop.section()}) as site, site.connect("ann") as ann:
        await shows(site, shop.table())
        watcher = Watcher(ann)
        await watcher.start()
        shop.put(3, status="OrderApproved")
        assert (await watcher.next())["orderId"] == "3"
        shop.put(1, status="OrderSent")
        assert (await watcher.next())["status"] == "OrderSent"
        shop.drop(2)
        item = await watcher.next()
        assert (item["orderId"], item["deleted"]) == ("2", True)
        assert watcher.table() == shop.table() == await state(site)
        assert [each["message"]["message"] for each in await notes(site)] == [
            "Order 2 deleted",
            "Order 1 sent",
            "Order 3 approved",
            "Order 2 placed",
            "Order 1 placed",
        ]


async def test_a_transaction_that_commits_late_is_found(shop):
    """Its numbers and times are lower than what was announced already."""
    slow = shop.connect()
    async with started({"poll": shop.section()}) as site:
        slow.execute("INSERT INTO orders VALUES (1, 'placed', 'Late', '1', 'EUR', '2026-01-01')")
        await some_polls()
        assert await state(site) == {}
        slow.commit()
        shop.put(9, day=20)
        await shows(site, shop.table())
        slow.execute("INSERT INTO orders VALUES (2, 'placed', 'Later', '1', 'EUR', '2026-01-01')")
        await some_polls()
        slow.commit()
        await shows(site, shop.table())
        assert set(await state(site)) == {"1", "2", "9"}
    slow.close()


async def test_830_orders_at_the_first_poll_are_a_few_transactions(shop):
    for n in range(830):
        shop.db.execute(
            "INSERT INTO orders VALUES (?,?,?,?,?,?)",
            (10248 + n, "placed", f"C{n % 89}", n / 4, "EUR", f"1996-07-{1 + n % 28:02d}"),
        )
    shop.db.commit()
    async with started({"poll": shop.section()}) as site, site.connect("bob") as bob:
        await bob.ok("subscribe", topic="OrderUpdate")
        told = {(await bob.push(10))["data"]["message"]["orderId"] for _ in range(830)}
        assert told == set(shop.table())
        assert site.server.store.writer.commits <= 10
        assert await state(site) == shop.table()
        commits = site.server.store.writer.commits
        await some_polls()
        assert site.server.store.writer.commits == commits  # nothing changed, nothing is written
        await bob.quiet(0.05)


async def test_a_restart_announces_only_what_changed_meanwhile(shop, tmp_path):
    for n in range(1, 6):
        shop.put(n)
    section = {"poll": shop.section()}
    async with started(section, folder=tmp_path) as site:
        await shows(site, shop.table())
        assert len(await notes(site)) == 5
    shop.put(2, status="OrderSent")
    shop.drop(3)
    shop.put(6)
    async with started(section, folder=tmp_path) as site:
        await shows(site, shop.table())
        assert sorted(each["message"]["message"] for each in (await notes(site))[:3]) == [
            "Order 2 sent",
            "Order 3 deleted",
            "Order 6 placed",
        ]
        assert len(await notes(site)) == 8


@pytest.mark.parametrize("seed", range(4))
async def test_snapshot_and_updates_are_the_table_whatever_the_shop_does(shop, seed):
    """Inserts, updates and deletions, several at once, some undone before anybody looks."""
    chance, watchers = random.Random(seed), []
    async with started({"poll": shop.section(interval_seconds=0.05)}) as site:
        async with asyncio.TaskGroup() as group:
            stop = asyncio.Event()
            for name, delay in (("ann", 0), ("bob", 0.5), ("carl", 1.0)):
                group.create_task(watch(site, name, delay, watchers, stop))
            for _ in range(120):
                for _ in range(chance.choice([1, 1, 5])):
                    order_id = chance.randint(1, 12)
                    if chance.random() < 0.35:
                        shop.db.execute("DELETE FROM orders WHERE order_id = ?", (order_id,))
                    else:
                        row = (order_id, chance.choice("abc"), "C", chance.choice([1, 2.5]), "EUR",
                               f"2026-08-{order_id:02d}")  # fmt: skip
                        shop.db.execute("REPLACE INTO orders VALUES (?,?,?,?,?,?)", row)
                shop.db.commit()
                await asyncio.sleep(chance.choice([0, 0, 0.03]))
            await shows(site, shop.table())
            stop.set()
        assert [watcher.table() for watcher in watchers] == [shop.table()] * 3
        assert len(watchers[0].seen) > 20


async def watch(site, name, delay, watchers, stop):
    await asyncio.sleep(delay)
    async with site.connect(name) as client:
        watcher = Watcher(client)
        await watcher.start()
        watchers.append(watcher)
        await stop.wait()
        while True:
            try:
                await watcher.next(0.3)
            except AssertionError:  # no more
                return


# What the source may look like


async def test_columns_keep_their_names_or_get_ours(shop):
    shop.put(7, day=2)
    query = "SELECT order_id AS No, status, placed_at, 'x' AS \"note\", NULL AS empty FROM orders"
    poll = shop.section(query=query, columns={"placed_at": "placedAt"}, key="No")
    async with started({"poll": poll, "tenant": "SHOP"}) as site:
        expected = {
            "orderId": "7",
            "status": "placed",
            "placedAt": "2026-08-02",
            "note": "x",
            "empty": None,
        }
        await shows(site, {"7": expected})


async def test_our_names_in_lower_case_are_ours(shop):
    """PostgreSQL folds names that are not quoted."""
    shop.put(7, day=2)
    query = "SELECT order_id AS orderid, placed_at AS PLACEDAT FROM orders"
    async with started({"poll": shop.section(query=query, columns={})}) as site:
        await shows(site, {"7": {"orderId": "7", "placedAt": "2026-08-02"}})


async def test_a_version_of_the_source_is_not_trusted_and_deleted_means_gone(shop):
    shop.db.executescript(
        "CREATE TABLE t (orderId TEXT, status TEXT, version, deleted INTEGER);"
        "INSERT INTO t VALUES ('1', 'a', 9, 0), ('2', 'a', 'nine', 1)"
    )
    poll = shop.section(query="SELECT * FROM t", columns={})
    async with started({"poll": poll}) as site:
        await shows(site, {"1": {"orderId": "1", "status": "a"}})
        shop.db.execute("UPDATE t SET status = 'b', version = '3rd', deleted = 0")
        shop.db.commit()
        await shows(site, {k: {"orderId": k, "status": "b"} for k in "12"})
        shop.db.execute("UPDATE t SET deleted = 1 WHERE orderId = '1'")
        shop.db.commit()
        await shows(site, {"2": {"orderId": "2", "status": "b"}})


async def test_a_row_that_is_no_order_is_passed_over_and_its_state_stays(shop, logs):
    logs.expect("rows that are no orders are passed over: 1, total: not an amount")
    shop.put(1)
    shop.put(2)
    async with started({"poll": shop.section()}) as site:
        await shows(site, shop.table())
        before = shop.table()
        shop.put(1, total="a lot", status="OrderSent")
        shop.put(3)
        await shows(site, {**shop.table(), "1": before["1"]})
        await some_polls()
        assert len([r for r in logs.records if "no orders" in r.getMessage()]) == 1
        shop.put(1, total=5, status="OrderSent")
        await shows(site, shop.table())


# A source that fails


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"query": "SELECT orderId FROM nowhere"}, "OperationalError: no such table: nowhere"),
        ({"query": "SELECT 1 AS one"}, "the query has no column of the key"),
        ({"query": "SELECT NULL AS orderId"}, "a row has nothing in the column of the key"),
        ({"query": "SELECT 1 AS orderId UNION ALL SELECT 1"}, "two rows are of one order"),
        (
            {"query": "SELECT 1 AS orderId, 2 AS a, 3 AS a"},
            "two columns of the query have one name",
        ),
        ({"query": "DELETE FROM orders"}, "attempt to write a readonly database"),
        ({"url": "sqlite:///nowhere.db"}, "is not there"),
        ({"max_rows": 2}, "more than plugins.order_list.poll.max_rows = 2"),
        ({"url": "postgresql://user:secret@127.0.0.1:1/x"}, ""),
    ],
)
async def test_a_source_that_fails_changes_nothing_and_stops_nobody(
    shop, logs, tmp_path, change, text
):
    shop.put(1)
    async with started({"poll": shop.section()}, folder=tmp_path) as site:
        await shows(site, shop.table())
    expected = shop.table()
    shop.put(2)
    shop.put(3)
    logs.expect("the source fails, its orders stay as they are")
    async with started({"poll": shop.section(**change)}, folder=tmp_path) as site:
        await eventually(lambda: [r for r in logs.records if "the source fails" in r.getMessage()])
        await some_polls()
        assert await state(site) == expected
        assert (await site.fetch("GET", "/health/ready")).code == 200
    said = [r.getMessage() for r in logs.records if "the source fails" in r.getMessage()]
    assert len(said) == 1 and text in said[0]
    assert "secret" not in said[0]
    assert shop.db.execute("SELECT count(*) FROM orders").fetchone() == (3,)
    assert not (tmp_path / "nowhere.db").exists()


async def test_a_source_that_recovers_is_polled_on(shop, logs):
    logs.expect("the source fails")
    shop.put(1)
    async with started({"poll": shop.section()}) as site:
        await shows(site, shop.table())
        shop.db.execute("ALTER TABLE orders RENAME TO away")
        await eventually(lambda: [r for r in logs.records if "the source fails" in r.getMessage()])
        assert set(await state(site)) == {"1"}
        shop.db.execute("ALTER TABLE away RENAME TO orders")
        shop.put(2)
        await shows(site, shop.table())
        assert [r for r in logs.records if "polled again after" in r.getMessage()]


async def test_a_source_that_hangs_is_asked_once_and_keeps_nobody(shop, logs):
    logs.expect("no answer within 0.2 seconds")
    hang = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 20000000) "
    poll = shop.section(query=hang + "SELECT max(n) AS orderId FROM c", timeout_seconds=0.2)
    begun = time.monotonic()
    async with started({"poll": poll}) as site:
        await some_polls(1.0)
        threads = [thread.name for thread in threading.enumerate()]
        assert threads.count("order_list.poll") == 1
        async with site.connect("ann") as ann:
            await ann.ok("ping")
        stopped = time.monotonic()
    assert time.monotonic() - stopped < 2
    assert time.monotonic() - begun < 6


async def test_the_mark_moves_with_the_publishing_or_not_at_all(shop, logs):
    """An order that a filter refuses is not known as published: it comes when it may, and does
    not hold up the others."""
    logs.expect("order refused: denied")
    words = ["Prins"]
    module = ModuleType("refusing")
    module.api = 1

    @hookimpl
    def filter_message(message):
        if message.data.get("order", {}).get("customer") in words:
            raise Denied("not this one")

    module.filter_message = filter_message
    shop.put(1)
    shop.put(2, customer="Prins")
    shop.put(3)
    async with started({"poll": shop.section()}, modules=[module]) as site:
        table = shop.table()
        await shows(site, {key: table[key] for key in ("1", "3")})
        assert len(await notes(site)) == 2
        words.clear()
        await shows(site, table)
        await some_polls()
        assert len(await notes(site)) == 3


# Both sources


async def test_each_order_is_of_the_source_that_brought_it(shop):
    shop.put(1, status="polled")
    section = {"secret": SECRET, "tenant": "SHOP", "poll": shop.section(tenant=None)}
    section["poll"].pop("tenant")
    async with started(section) as site:
        await shows(site, shop.table())
        hooked = {"orderId": "2", "status": "hooked"}
        assert await delivered(site, hooked) == (1, 0)
        polled = shop.table()["1"]

        # the webhook has no say in what is polled
        assert await delivered(site, [{"orderId": "1", "status": "no"}]) == (0, 1)
        assert await delivered(site, {"orderId": "1", "deleted": True}) == (0, 1)
        # and polling takes away nothing of the webhook's, nor changes it
        shop.put(2, status="polled")
        await some_polls()
        commits = site.server.store.writer.commits
        await some_polls()
        assert site.server.store.writer.commits == commits
        assert await state(site) == {"1": polled, "2": hooked}
        shop.drop(2)
        await some_polls()
        assert await state(site) == {"1": polled, "2": hooked}

        # what the one lets go the other may have
        shop.put(2, status="polled")
        await some_polls()
        assert await delivered(site, {"orderId": "2", "deleted": True}) == (1, 0)
        await shows(site, shop.table())
        shop.drop(1)
        await shows(site, shop.table())
        assert await delivered(site, {"orderId": "1", "status": "hooked", "version": 1}) == (1, 0)
        expected = {**shop.table(), "1": {"orderId": "1", "status": "hooked"}}
        assert await state(site) == expected
        await some_polls()
        assert await state(site) == expected


async def test_two_tenants_have_two_lists(shop):
    shop.put(1)
    section = {"secret": SECRET, "tenant": "OTHER", "poll": shop.section()}
    async with started(section) as site, site.connect("zoe") as zoe:
        await delivered(site, {"orderId": "1", "status": "hooked"})
        await shows(site, shop.table())
        watcher = Watcher(zoe, "orders:OTHER")
        await watcher.start()
        assert watcher.table() == {"1": {"orderId": "1", "status": "hooked"}}
        assert [each["sub_topic"] for each in await notes(site)] == ["placed"]


async def test_orders_of_another_tenant_are_another_list(shop, tmp_path):
    shop.put(1)
    async with started({"poll": shop.section()}, folder=tmp_path) as site:
        await shows(site, shop.table())
    async with started({"poll": shop.section(tenant="OTHER")}, folder=tmp_path) as site:
        shop.put(2)
        async with site.connect("zoe") as zoe:
            watcher = Watcher(zoe, "orders:OTHER")
            await watcher.start()
            await watcher.until(shop.table())
        assert set(await state(site)) == {"1"}


async def test_a_command_beside_the_server_does_not_poll(shop):
    """`startup` is of servers that serve."""
    from tornado_chat_plugins import notifications, order_list

    from tornado_chat import config as configuration
    from tornado_chat.app import Server

    shop.put(1)
    tables = {
        "store": {"url": f"sqlite:///{shop.file.parent / 'chat.db'}"},
        "plugins": {"order_list": {"poll": shop.section()}},
    }
    server = Server(
        configuration.build(tables), modules=[notifications, order_list], entry_points=False
    )
    await server.open(begin_epoch=False)
    await some_polls()
    origins = order_list.models.Origin
    assert await server.read(lambda _: origins.select().count()) == 0
    await server.close()
