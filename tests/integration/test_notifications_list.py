"""The list of notifications that were persisted, what became of them, and what people want.

The tests of faults are named after section 6 of the GrowERP contract.
"""

import asyncio

import pytest
from tornado_chat_plugins import notifications

from support.growerp import until
from support.mine import listening
from support.notices import BASE, identity, ids, prefer, service, started
from support.queries import counted_queries
from tornado_chat.store.models import current_database

ORDER = {"orderId": "100455", "status": "OrderApproved", "message": "Order 100455 approved"}


@pytest.fixture
async def site():
    async with started() as running:
        yield running


async def test_b4_the_list_holds_ones_own_only(site):
    send = service(site).send
    everyone = await send("SHOP", "OrderUpdate", {})
    anns = await send("SHOP", "OrderUpdate", {}, users=["u-ann"])
    admins = await send("SHOP", "OrderUpdate", {}, group="GROWERP_M_ADMIN")
    zoes = await send("OTHER", "OrderUpdate", {})
    both = await send("SHOP", "OrderUpdate", {}, group="GROWERP_M_ADMIN", users=["u-ann", "u-zoe"])
    assert await ids(site, "ann") == [both.id, anns.id, everyone.id]
    assert await ids(site, "admin") == [both.id, admins.id, everyone.id]
    assert await ids(site, "bob") == [everyone.id]
    assert await ids(site, "zoe") == [zoes.id]


async def test_b10_who_was_away_finds_it_in_his_list_and_in_the_history(site):
    sent = await service(site).send("SHOP", "OrderUpdate", ORDER, users=["u-ann"])
    assert await ids(site, "ann") == [sent.id]
    async with site.connect("ann") as ann:
        page = await ann.ok("history", topic="OrderUpdate")
        assert [each["id"] for each in page["messages"]] == [sent.id]


async def test_b10_sent_is_what_was_proved_and_only_once(site):
    sent = [await service(site).send("SHOP", "OrderUpdate", {}) for _ in range(3)]
    await service(site).sent("u-ann", [sent[0].offset, sent[1].offset])
    await service(site).sent("u-bob", [sent[0].offset])
    assert [each.sent for each in await service(site).list(await identity(site, "ann"))] == [
        None
    ] * 3
    ann = await sent_times(site, "ann")
    assert ann[2] is None and ann[0] and ann[1]
    await service(site).sent("u-ann", [sent[0].offset])
    await asyncio.sleep(0.8)
    assert await sent_times(site, "ann") == ann
    assert await sent_times(site, "bob") != ann
    assert (await ids(site, "ann")) == [each.id for each in reversed(sent)]


async def sent_times(site, name):
    """Oldest first, once the first of them is written."""
    person = await identity(site, name)
    for _ in range(50):
        found = [each.sent for each in reversed(await service(site).list(person))]
        if found[0]:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(found)


async def test_proofs_of_many_share_a_write_and_are_not_lost_at_the_stop(tmp_path):
    async with started(folder=tmp_path) as site:
        sent = await service(site).send("SHOP", "OrderUpdate", {})
        with counted_queries() as queries:
            for n in range(1000):
                await service(site).sent(f"u{n}", [sent.offset])
            await service(site).sent("u-ann", [sent.offset])
            await asyncio.sleep(0.8)
        assert len(queries.of("INSERT")) <= 4
        await service(site).sent("u-bob", [sent.offset])
    async with started(folder=tmp_path) as site:
        assert await sent_times(site, "ann") and await sent_times(site, "bob")


async def test_b34_asking_consumes_nothing(site):
    sent = [(await service(site).send("SHOP", "OrderUpdate", {})).id for _ in range(25)]
    newest = sent[::-1]
    assert await ids(site, "ann") == newest[:20]
    assert await ids(site, "ann", "?limit=3") == newest[:3]
    assert await ids(site, "ann", "?limit=3") == newest[:3]
    assert await ids(site, "ann", "?limit=10&start=20") == newest[20:]
    assert await ids(site, "ann", "?limit=0") == []
    assert await ids(site, "ann", "?start=100") == []
    assert await ids(site, "ann") == newest[:20]
    for bad in ("limit=-1", "limit=x", "start=1.5"):
        answer = await site.fetch("GET", f"{BASE}/notifications?{bad}", name="ann")
        assert answer.code == 400


async def test_the_list_of_one_topic(site):
    first = await service(site).send("SHOP", "OrderUpdate", {})
    other = await service(site).send("SHOP", "Other", {}, persist=True)
    assert await ids(site, "ann", "?topic=OrderUpdate") == [first.id]
    assert await ids(site, "ann", "?topic=Other") == [other.id]
    assert await ids(site, "ann", "?topic=Third") == []
    await prefer(site, "ann", "Other", receive=False)
    assert await ids(site, "ann") == [first.id]
    assert await ids(site, "ann", "?topic=Other") == []
    assert await ids(site, "bob") == [other.id, first.id]


async def test_the_list_takes_few_queries_and_reads_no_more_than_it_shows(site):
    for n in range(60):
        to = [{}, {"users": ["u-ann"]}, {"group": "GROWERP_M_ADMIN"}][n % 3]
        await service(site).send("SHOP", "OrderUpdate", {}, **to)
    person = await identity(site, "ann")
    with counted_queries() as queries:
        assert len(await service(site).list(person, limit=10)) == 10
    assert len(queries.all) == 3, queries.all

    newest = queries.all[0]
    assert newest.count("LIMIT") == 3  # the tenant, the person, his group

    def plan(_):
        database = notifications.models.Listing._meta.database
        rows = database.execute_sql(f"EXPLAIN QUERY PLAN {newest}", ["x", "y", 10] * 3)
        return [row[-1] for row in rows.fetchall()]

    steps = await site.server.read(plan)
    assert sum("notifications_listing" in step or "t1" in step for step in steps) >= 1, steps
    assert not [step for step in steps if "SCAN t" in step or "TEMP B-TREE FOR ORDER" in step], (
        steps
    )


async def test_viewed_is_ones_own_word_on_ones_own(site):
    sent = [await service(site).send("SHOP", "OrderUpdate", {}) for _ in range(2)]
    bobs = await service(site).send("SHOP", "OrderUpdate", {}, users=["u-bob"])
    body = {"ids": [sent[1].id, bobs.id, "nonsense", "1", "100999"]}
    answer = await site.fetch("POST", f"{BASE}/viewed", body, name="ann")
    assert answer.json == {"viewed": [sent[1].id]}
    found = await service(site).list(await identity(site, "ann"))
    assert [each.viewed is not None for each in found] == [True, False]
    when = found[0].viewed
    await asyncio.sleep(0.01)
    await site.fetch("POST", f"{BASE}/viewed", body, name="ann")
    again = await service(site).list(await identity(site, "ann"))
    assert again[0].viewed == when
    others = await service(site).list(await identity(site, "bob"))
    assert [each.viewed for each in others] == [None] * 3


async def test_viewed_and_sent_share_a_row(site):
    sent = await service(site).send("SHOP", "OrderUpdate", {})
    await service(site).viewed(await identity(site, "ann"), [sent.id])
    await service(site).sent("u-ann", [sent.offset])
    assert await sent_times(site, "ann")
    (found,) = await service(site).list(await identity(site, "ann"))
    assert found.sent and found.viewed and found.message.offset == sent.offset


# REST


async def test_post_sends_for_whom_it_may(site):
    body = {
        "topic": "OrderUpdate",
        "message": ORDER,
        "sub_topic": "approved",
        "title": "${message}!",
        "link": "https://shop.example/${orderId}",
        "type": "warning",
        "show_alert": False,
        "alert_no_auto_hide": True,
        "persist": False,
        "users": ["u-ann"],
        "group": None,
    }
    async with listening(site, "ann") as ann, listening(site, "bob") as bob:
        answer = await site.fetch("POST", f"{BASE}/notifications", body, name="admin")
        assert answer.code == 200, answer.body
        frame = await ann.next()
        await bob.quiet()
    shown = answer.json["notification"]
    assert shown["id"] == frame["id"] and shown["sender"] == "u-admin"
    assert frame["data"] == {
        **{name: body[name] for name in ("message", "sub_topic", "type", "show_alert")},
        "alert_no_auto_hide": True,
        "persist": False,
        "title": "Order 100455 approved!",
        "link": "https://shop.example/100455",
        "topic_description": "Order changes",
    }
    denied = await site.fetch("POST", f"{BASE}/notifications", body, name="ann")
    assert denied.code == 403 and denied.json["error"]["code"] == "denied"


async def test_an_idempotency_key_makes_a_retry_safe(site):
    body, headers = {"topic": "OrderUpdate", "message": ORDER}, {"Idempotency-Key": "abc"}

    async def post(body):
        return await site.fetch(
            "POST", f"{BASE}/notifications", body, name="admin", headers=dict(headers)
        )

    first, second = await post(body), await post(body)
    assert first.json == second.json
    assert (await post({**body, "message": {}})).code == 409
    assert len(await ids(site, "ann")) == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/notifications", {}),
        ("POST", "/notifications", {"topic": "x"}),
        ("POST", "/notifications", {"topic": "x", "message": "text"}),
        ("POST", "/notifications", {"topic": "room:1", "message": {}}),
        ("POST", "/notifications", {"topic": "x", "message": {}, "users": "u-ann"}),
        ("POST", "/notifications", {"topic": "x", "message": {}, "users": []}),
        ("POST", "/notifications", {"topic": "x", "message": {}, "persist": "Y"}),
        ("POST", "/notifications", {"topic": "x", "message": {}, "showAlert": True}),
        ("POST", "/viewed", {}),
        ("POST", "/viewed", {"ids": "100001"}),
        ("POST", "/viewed", {"ids": ["100001"], "all": True}),
        ("POST", "/viewed", {"all": False}),
        ("PUT", "/preferences/OrderUpdate", {"mute": None}),
        ("PUT", "/preferences/OrderUpdate", {"receive": "N"}),
        ("PUT", "/preferences/OrderUpdate", {"received": True}),
        ("PUT", "/preferences/a:b", {"receive": True}),
        ("PUT", "/preferences/ALL", {"receive": True}),
    ],
)
async def test_rest_names_what_is_wrong(site, method, path, body):
    answer = await site.fetch(method, BASE + path, body, name="admin")
    assert answer.code == 400
    assert answer.json["error"]["code"] == "bad_request"


async def test_rest_asks_for_a_key(site):
    for path in ("/notifications", "/preferences", "/preferences/x"):
        assert (await site.fetch("GET", BASE + path)).code == 401


async def test_preferences_are_said_shown_taken_back_and_kept(tmp_path):
    async with started(folder=tmp_path) as site:
        assert await prefer(site, "ann", "two%20words", receive=False, all=True) == {
            "receive": False,
            "all": True,
            "mute": False,
        }
        await prefer(site, "ann", "OrderUpdate", receive=True)
        await prefer(site, "ann", "OrderUpdate")
        answer = await site.fetch("GET", f"{BASE}/preferences", name="ann")
        assert answer.json == {
            "preferences": {"two words": {"receive": False, "all": True, "mute": False}}
        }
        answer = await site.fetch("GET", f"{BASE}/preferences/OrderUpdate", name="ann")
        assert answer.json == {"preference": {"receive": None, "all": None, "mute": False}}
        assert (await site.fetch("GET", f"{BASE}/preferences", name="bob")).json[
            "preferences"
        ] == {}
    async with (
        started(folder=tmp_path) as site,
        listening(site, "ann") as ann,
        listening(site, "bob") as bob,
    ):
        await service(site).send("SHOP", "two words", {})
        await bob.next()
        await ann.quiet()


async def test_preferences_of_one_person_are_bounded(site, monkeypatch):
    monkeypatch.setattr(notifications.preferences, "WISHES_MAX", 3)
    for n in range(3):
        await prefer(site, "ann", f"t{n}", receive=False)
    await prefer(site, "ann", "t1", receive=True)  # said anew, not said more
    answer = await site.fetch("PUT", f"{BASE}/preferences/t3", {"receive": False}, name="ann")
    assert answer.code == 409
    await prefer(site, "ann", "t0")
    await prefer(site, "ann", "t3", receive=False)


async def test_who_says_no_gets_no_more_on_an_open_socket(site):
    async with listening(site, "ann") as ann, site.connect("ann") as native:
        await native.ok("subscribe", topic="OrderUpdate")
        await prefer(site, "ann", "OrderUpdate", receive=False)
        assert (await native.signal())["name"] == "preference"
        await service(site).send("SHOP", "OrderUpdate", {})
        await ann.quiet()
        await native.quiet(0.05)


async def test_sent_times_that_cannot_be_written_are_written_later(monkeypatch, logs):
    """Whatever the error is: here the table is away for a moment."""
    logs.expect("sent times cannot be written")
    monkeypatch.setattr(notifications.notes, "WAIT_SECONDS", 0.05)

    async def rename(site, old, new):
        statement = f'ALTER TABLE "{old}" RENAME TO "{new}"'
        await site.server.write(lambda _tx: current_database.get().execute_sql(statement))

    async with started() as site:
        sent = await service(site).send("SHOP", "OrderUpdate", ORDER, users=["u-ann"])
        await rename(site, "notifications_note", "aside")
        await service(site).sent("u-ann", [sent.offset])
        await until(lambda: logs.text.count("sent times cannot be written") > 1)
        await rename(site, "aside", "notifications_note")
        await until(lambda: not service(site)._sent._waiting)
        [listed] = await service(site).list(await identity(site, "ann"))
        assert listed.sent
