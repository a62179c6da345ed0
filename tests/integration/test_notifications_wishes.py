"""What people want of topics and have seen, shown on all their devices: what a notification centre needs."""

import contextlib

import pytest
from tornado_chat_plugins.notifications import listing, preferences

from support.notices import BASE, TOPICS, identity, prefer, service, started
from support.queries import counted_queries
from tornado_chat.store.models import current_database


@pytest.fixture
async def site():
    async with started() as running:
        yield running


async def page(site, name, query=""):
    answer = await site.fetch("GET", f"{BASE}/notifications{query}", name=name)
    assert answer.code == 200, answer.body
    return answer.json


async def unviewed(site, name, query=""):
    return (await page(site, name, query))["unviewed"]


async def view(site, name, body):
    answer = await site.fetch("POST", f"{BASE}/viewed", body, name=name)
    assert answer.code == 200, answer.body
    return answer.json["viewed"]


@contextlib.asynccontextmanager
async def devices(site, *names):
    """Native sessions that have subscribed nothing."""
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(site.connect(name)) for name in names]


async def heard(client):
    await client.ok("ping")  # its answer comes last
    signals = [frame["signal"] for frame in client.pushed]
    client.pushed.clear()
    return [(each["topic"], each["name"], each["sender"], each["data"]) for each in signals]


# Seen


async def test_the_list_says_how_many_one_has_not_seen(site):
    send = service(site).send
    sent = [await send("SHOP", "OrderUpdate", {}) for _ in range(3)]
    await send("SHOP", "OrderUpdate", {}, users=["u-bob"])
    await send("SHOP", "OrderUpdate", {}, persist=False)
    await send("SHOP", "Quiet", {})
    assert (await unviewed(site, "ann"), await unviewed(site, "bob")) == (3, 4)
    assert await unviewed(site, "zoe") == 0
    await view(site, "ann", {"ids": [sent[0].id, sent[0].id]})
    assert await unviewed(site, "ann") == 2
    assert await unviewed(site, "ann", "?limit=0") == 2
    assert await unviewed(site, "ann", "?topic=Other&start=1") == 2  # of all, whatever is asked
    assert await unviewed(site, "bob") == 4
    await prefer(site, "ann", "OrderUpdate", receive=False)
    assert await unviewed(site, "ann") == 0
    await prefer(site, "ann", "OrderUpdate", mute=True)
    assert await unviewed(site, "ann") == 2


async def test_the_count_is_bounded_and_costs_the_same_however_many_there_are(site, monkeypatch):
    monkeypatch.setattr(listing, "VIEWED_MAX", 5)

    async def cost():
        with counted_queries() as queries:
            found = await unviewed(site, "ann")
        return found, len(queries.all)

    await service(site).send("SHOP", "OrderUpdate", {})
    await unviewed(site, "ann")
    few = await cost()
    for _ in range(9):
        await service(site).send("SHOP", "OrderUpdate", {})
    many = await cost()
    assert (few[0], many[0]) == (1, 5)
    assert few[1] == many[1] == 5
    assert len(await view(site, "ann", {"all": True})) == 5
    assert await unviewed(site, "ann") == 0


async def test_the_list_and_the_count_are_of_one_moment(site):
    """What came between them would be counted, and counted again by whoever is pushed it."""
    await unviewed(site, "ann")
    reads = site.server.store.reads
    await unviewed(site, "ann")
    assert site.server.store.reads == reads + 1


async def test_all_are_viewed_at_once_and_all_ones_devices_know(site):
    send = service(site).send
    first = await send("SHOP", "OrderUpdate", {})
    rest = [(await send("SHOP", topic, {}, persist=True)).id for topic in ("OrderUpdate", "Other")]
    await send("SHOP", "OrderUpdate", {}, users=["u-bob"])
    await send("SHOP", "Quiet", {})  # which ann does not get
    async with devices(site, "ann", "ann", "bob") as (ann, tablet, bob):
        await view(site, "ann", {"ids": [first.id]})
        told = [("OrderUpdate", "viewed", "u-ann", {"ids": [first.id]})]
        assert await heard(ann) == await heard(tablet) == told
        assert await view(site, "ann", {"all": True}) == rest
        told = [("mine", "viewed", "u-ann", {"all": True})]
        assert await heard(ann) == await heard(tablet) == told
        assert await view(site, "ann", {"all": True}) == []
        assert await heard(ann) == await heard(bob) == []
    assert await unviewed(site, "ann") == 0
    assert all(each["viewed"] for each in (await page(site, "ann"))["notifications"])
    assert await unviewed(site, "bob") == 4
    await prefer(site, "ann", "Quiet", receive=True)
    assert await unviewed(site, "ann") == 1  # it was none of hers


# Wanted


async def test_a_preference_is_told_to_ones_own_devices(site):
    async with devices(site, "ann", "ann", "bob") as (ann, tablet, bob):
        wish = {"receive": None, "all": True, "mute": True}
        assert await prefer(site, "ann", "OrderUpdate", all=True, mute=True) == wish
        told = [("OrderUpdate", "preference", "u-ann", wish)]
        assert await heard(ann) == await heard(tablet) == told
        assert await heard(bob) == []
        await prefer(site, "ann", "OrderUpdate")  # taken back
        assert (await heard(ann))[0][3] == {"receive": None, "all": None, "mute": False}


async def test_a_muted_topic_comes_and_is_listed_and_stays_muted(tmp_path):
    async with started(folder=tmp_path) as site:
        await prefer(site, "ann", "OrderUpdate", receive=True)
        await prefer(site, "ann", "OrderUpdate", mute=True)
        async with site.connect("ann") as ann:
            await ann.ok("subscribe", topic="OrderUpdate")
            sent = await service(site).send("SHOP", "OrderUpdate", {})
            assert (await ann.push())["id"] == sent.id
        assert [each["id"] for each in (await page(site, "ann"))["notifications"]] == [sent.id]
    async with started(folder=tmp_path) as site:
        answer = await site.fetch("GET", f"{BASE}/preferences", name="ann")
        wish = {"receive": None, "all": None, "mute": True}
        assert answer.json == {"preferences": {"OrderUpdate": wish}}


async def topics(site, name):
    answer = await site.fetch("GET", f"{BASE}/topics", name=name)
    assert answer.code == 200, answer.body
    return answer.json["topics"]


async def test_topics_are_those_of_the_file_of_the_log_and_of_ones_own(site):
    await service(site).send("SHOP", "StockLow", {}, users=["u-bob"])
    await service(site).send("OTHER", "Secret", {})
    await prefer(site, "ann", "two%20words", receive=False, mute=True)
    await prefer(site, "bob", "bobs", receive=False)
    nothing = {"receive": None, "all": None, "mute": False}
    assert await topics(site, "ann") == [
        {"topic": "OrderUpdate", "description": "Order changes", "default": True, **nothing},
        {"topic": "Quiet", "description": None, "default": False, **nothing},
        {"topic": "StockLow", "description": None, "default": True, **nothing},
        {
            "topic": "two words",
            "description": None,
            "default": True,
            "receive": False,
            "all": None,
            "mute": True,
        },
    ]
    assert [each["topic"] for each in await topics(site, "zoe")] == [*sorted(TOPICS), "Secret"]
    assert (await site.fetch("GET", f"{BASE}/topics")).code == 401


async def test_topics_are_bounded_and_cost_one_query(site, monkeypatch):
    monkeypatch.setattr(preferences, "SENT_MAX", 3)
    for number in range(5):
        await service(site).send("SHOP", f"t{number}", {})
    await topics(site, "ann")
    with counted_queries() as queries:
        found = [each["topic"] for each in await topics(site, "ann")]
    assert found == [*sorted(TOPICS), "t2", "t3", "t4"]
    assert len(queries.all) == 1, queries.all


async def test_what_was_said_before_there_was_mute_is_kept(tmp_path):
    async with started(folder=tmp_path) as site:
        await prefer(site, "ann", "OrderUpdate", receive=False)

        def earlier(_tx):
            database = current_database.get()
            database.execute_sql("ALTER TABLE notifications_wish DROP COLUMN mute")
            database.execute_sql(
                "DELETE FROM notifications_schema_migration WHERE name = '0003_mute'"
            )

        await site.server.write(earlier)
    async with started(folder=tmp_path) as site:
        wish = (await service(site).preferences(await identity(site, "ann")))["OrderUpdate"]
        assert (wish.receive, wish.mute) == (False, False)
