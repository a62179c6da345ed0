"""Notifications over real sockets and REST: who gets what, what is listed, what people want.

The tests of faults are named after section 6 of the GrowERP contract.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from types import ModuleType

import pytest
import websockets
from tornado_chat_plugins import notifications

from support.mine import listening, mine
from support.queries import counted_queries
from support.server import merged, running_server, users
from tornado_chat import BadRequest, Conflict, Denied, TooLarge, Topic, hookimpl

BASE = "/plugins/notifications"
TOPICS = {
    "OrderUpdate": {
        "description": "Order changes",
        "title": "Order ${orderId} approved",
        "error_title": "Order ${orderId} failed",
        "link": "/orders/${orderId}",
        "type": "success",
        "show_alert": True,
        "persist": True,
    },
    "Quiet": {"receive": False, "persist": True},
}
ORDER = {"orderId": "100455", "status": "OrderApproved", "message": "Order 100455 approved"}


def started(tables=None, modules=(), **kwargs):
    plugins = [notifications, mine(), *modules]
    tables = merged({"topics": TOPICS}, tables or {})
    return running_server(tables, modules=plugins, entry_points=False, **kwargs)


@pytest.fixture
async def site():
    async with started() as running:
        yield running


def service(site):
    return site.server.service("notifications")


async def identity(site, name):
    return await site.server.accounts.identify(f"key-of-{name}", "127.0.0.1")


async def ids(site, name, query=""):
    answer = await site.fetch("GET", f"{BASE}/notifications{query}", name=name)
    assert answer.code == 200, answer.body
    return [each["id"] for each in answer.json["notifications"]]


async def prefer(site, name, topic, **wish):
    answer = await site.fetch("PUT", f"{BASE}/preferences/{topic}", wish, name=name)
    assert answer.code == 200, answer.body
    return answer.json["preference"]


# What is sent


async def test_e16_a_notification_that_is_not_persisted(site):
    message = {"imported": 48, "failed": 2, "message": "Import complete: 48 imported, 2 failed"}
    async with listening(site, "ann") as ann:
        sent = await service(site).send(
            "SHOP", "companyUserImport", message, title="Import complete", users=["u-ann"]
        )
        frame = await ann.next()
    assert frame["topic"] == "companyUserImport"
    assert frame["data"] == {
        "message": message,
        "sub_topic": None,
        "title": "Import complete",
        "link": None,
        "type": "info",
        "show_alert": False,
        "alert_no_auto_hide": False,
        "persist": False,
        "topic_description": None,
    }
    assert sent.data == frame["data"] and sent.sender is None
    assert await ids(site, "ann") == []


async def test_e17_a_persisted_notification_with_the_topics_defaults(site):
    async with listening(site, "ann") as ann:
        sent = await service(site).send("SHOP", "OrderUpdate", ORDER, sub_topic="approved")
        frame = await ann.next()
    assert frame["data"] == {
        "message": ORDER,
        "sub_topic": "approved",
        "title": "Order 100455 approved",
        "link": "/orders/100455",
        "type": "success",
        "show_alert": True,
        "alert_no_auto_hide": False,
        "persist": True,
        "topic_description": "Order changes",
    }
    assert await ids(site, "ann") == [sent.id]


async def test_e18_an_explicit_false_wins_over_the_topic(site):
    """DemoDataLoad is sent explicitly not persisted."""
    message = {"ownerPartyId": "100010", "loaded": True}
    async with listening(site, "ann") as ann:
        sent = await service(site).send(
            "SHOP", "OrderUpdate", message, title="Loaded", type="success", persist=False
        )
        assert (await ann.next())["data"]["message"] == message
    assert sent.data["persist"] is False and await ids(site, "ann") == []


async def test_e19_the_list_has_what_was_sent(site):
    sent = await service(site).send("SHOP", "OrderUpdate", ORDER)
    answer = await site.fetch("GET", f"{BASE}/notifications?limit=20", name="ann")
    assert answer.json == {
        "notifications": [
            {
                "id": sent.id,
                "topic": "OrderUpdate",
                "sender": None,
                "sender_name": None,
                "at": sent.time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{sent.at % 1000:03d}Z",
                "message": ORDER,
                "sub_topic": None,
                "title": "Order 100455 approved",
                "link": "/orders/100455",
                "type": "success",
                "show_alert": True,
                "alert_no_auto_hide": False,
                "persist": True,
                "topic_description": "Order changes",
                "sent": None,
                "viewed": None,
            }
        ]
    }


async def test_sending_is_part_of_a_transaction(site):
    def work(tx):
        service(site).send_in(tx, "SHOP", "OrderUpdate", {"orderId": "1"})
        service(site).send_in(tx, "SHOP", "OrderUpdate", {"orderId": "2"}, users=["u-ann"])

    def failing(tx):
        work(tx)
        raise RuntimeError("no")

    async with listening(site, "ann") as ann:
        with pytest.raises(RuntimeError):
            await site.server.write(failing)
        await ann.quiet()
        await site.server.write(work)
        assert [(await ann.next())["data"]["message"]["orderId"] for _ in "12"] == ["1", "2"]
    assert len(await ids(site, "ann")) == 2
    assert len(await ids(site, "bob")) == 1


@pytest.mark.parametrize(
    "said",
    [
        {"topic": "room:1"},
        {"topic": ""},
        {"topic": "ALL"},
        {"tenant": ""},
        {"message": "text"},
        {"type": "error"},
        {"link": "javascript:alert(1)"},
        {"link": "//evil.example"},
        {"users": []},
        {"users": ["u-ann\nt"]},
        {"group": "G\nt"},
    ],
)
async def test_what_cannot_be_meant_is_refused_and_nothing_is_sent(site, said):
    given = {"tenant": "SHOP", "topic": "OrderUpdate", "message": {}, **said}
    async with listening(site, "ann") as ann:
        with pytest.raises(BadRequest):
            await service(site).send(given.pop("tenant"), given.pop("topic"), **given)
        await ann.quiet(0.05)
    assert await ids(site, "ann") == []


async def test_a_notification_has_the_size_of_a_frame_at_most():
    async with started({"limits": {"frame_bytes": 1000}}) as site:
        with pytest.raises(TooLarge):
            await service(site).send("SHOP", "OrderUpdate", {"text": "x" * 1000})
        assert await ids(site, "ann") == []


async def test_a_retry_with_the_same_key_is_one_notification(site):
    ann = await identity(site, "ann")

    async def send(text, users=None):
        return await service(site).send(
            "SHOP", "OrderUpdate", {"text": text}, sender=ann, key="k1", users=users
        )

    first, again = await asyncio.gather(send("a"), send("a"))
    assert first.offset == again.offset and first.sender_name == "Ann Maas"
    assert await ids(site, "bob") == [first.id]
    with pytest.raises(Conflict):
        await send("b")


# Over the native socket


async def test_a_native_client_publishes_with_the_permission(site):
    async with site.connect("admin") as admin, listening(site, "ann") as ann:
        sent = await admin.ok(
            "publish", topic="OrderUpdate", data={"message": ORDER, "type": "info"}
        )
        frame = await ann.next()
        assert frame["id"] == sent["id"]
        assert frame["data"]["title"] == "Order 100455 approved"
        assert frame["data"]["type"] == "info"
    assert await ids(site, "ann") == [sent["id"]]  # persisted as the topic says


async def test_a_native_client_may_not_without(site):
    async with site.connect("ann") as ann:
        await ann.ok("subscribe", topic="OrderUpdate")
        assert await ann.refused("publish", topic="OrderUpdate", data={"message": {}}) == "denied"
        assert await ann.refused("signal", topic="OrderUpdate", name="x", data={}) == "denied"


@pytest.mark.parametrize(
    "data",
    [{}, {"message": "x"}, {"message": {}, "type": "error"}, {"message": {}, "users": ["a"]}],
)
async def test_what_a_native_client_posts_is_checked(site, data):
    async with site.connect("admin") as admin:
        assert await admin.refused("publish", topic="OrderUpdate", data=data) == "bad_request"


async def test_subscribing_a_name_filters_and_history_shows_only_ones_own(site):
    async with site.connect("ann") as ann, site.connect("bob") as bob:
        for client in (ann, bob):
            await client.ok("subscribe", topic="OrderUpdate")
        both = await service(site).send("SHOP", "OrderUpdate", {"n": 1})
        await service(site).send("SHOP", "Other", {"n": 2})
        anns = await service(site).send("SHOP", "OrderUpdate", {"n": 3}, users=["u-ann"])
        await service(site).send("OTHER", "OrderUpdate", {"n": 4})
        assert [(await ann.push())["id"] for _ in range(2)] == [both.id, anns.id]
        assert (await bob.push())["id"] == both.id
        await bob.quiet()
        page = await bob.ok("history", topic="OrderUpdate")
        assert [each["id"] for each in page["messages"]] == [both.id]
        assert await ann.refused("subscribe", topic="a,b") == "bad_request"


# Who gets it


async def reached(site, names, send):
    """Those of the people who get what `send` sends."""
    async with asyncio.TaskGroup() as group, AsyncExitStack() as stack:
        sockets = {name: await stack.enter_async_context(listening(site, name)) for name in names}
        sent = await send()
        # what comes after it shows that it did not come
        for tenant in ("SHOP", "OTHER"):
            await service(site).send(tenant, "Last", {})
        got = {name: group.create_task(first_id(socket)) for name, socket in sockets.items()}
        return {name for name, task in got.items() if await task == sent.id}


async def first_id(socket):
    return (await socket.next())["id"]


EVERYBODY = ["ann", "bob", "carl", "dora", "admin", "zoe"]
SHOP = {"ann", "bob", "carl", "dora", "admin"}


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ({}, SHOP),
        ({"group": "ALL_USERS"}, SHOP),
        ({"users": ["u-ann"]}, {"ann"}),
        ({"users": ["u-ann", "u-zoe", "nobody"]}, {"ann"}),
        ({"group": "GROWERP_M_ADMIN"}, {"admin"}),
        ({"group": "GROWERP_M_ADMIN", "users": ["u-bob", "u-admin"]}, {"admin", "bob"}),
        ({"group": "no such group"}, set()),
    ],
)
async def test_whom_it_is_addressed_to(site, to, expected):
    async def send():
        return await service(site).send("SHOP", "OrderUpdate", {}, **to)

    assert await reached(site, EVERYBODY, send) == expected
    listed = {name for name in EVERYBODY if await ids(site, name)}
    assert listed == expected


async def test_b29_a_group_reaches_the_group_and_not_the_whole_company(site):
    """adkJobUpdate is for those who run jobs, not for every customer of the tenant."""

    async def send():
        return await service(site).send(
            "SHOP", "adkJobUpdate", {"jobName": "j1"}, group="GROWERP_M_ADMIN"
        )

    assert await reached(site, EVERYBODY, send) == {"admin"}


async def test_b27a_all_ends_at_the_tenant_and_gives_way_to_receive_no(site):
    await prefer(site, "bob", "OrderUpdate", all=True)
    await prefer(site, "carl", "OrderUpdate", all=True, receive=False)
    await prefer(site, "dora", "OrderUpdate", all=True, receive=True)
    await prefer(site, "zoe", "OrderUpdate", all=True)
    assert (await site.fetch("GET", f"{BASE}/preferences", name="zoe")).json == {
        "preferences": {"OrderUpdate": {"receive": None, "all": True}}
    }

    async def send():
        return await service(site).send("SHOP", "OrderUpdate", {}, users=["u-ann"])

    assert await reached(site, EVERYBODY, send) == {"ann", "bob", "dora"}
    assert {name for name in EVERYBODY if await ids(site, name)} == {"ann", "bob", "dora"}

    async def other_topic():
        return await service(site).send("SHOP", "Other", {}, users=["u-ann"])

    assert await reached(site, EVERYBODY, other_topic) == {"ann"}


async def test_b27b_who_says_nothing_receives(site):
    async def send():
        return await service(site).send("SHOP", "OrderUpdate", {})

    assert await reached(site, EVERYBODY, send) == SHOP
    await prefer(site, "bob", "OrderUpdate", receive=False)
    assert await reached(site, EVERYBODY, send) == SHOP - {"bob"}
    await prefer(site, "bob", "OrderUpdate", receive=None)
    assert await reached(site, EVERYBODY, send) == SHOP


async def test_b27b_a_topic_may_be_for_those_who_ask(site):
    await prefer(site, "ann", "Quiet", receive=True)
    await prefer(site, "bob", "Quiet", all=True)
    await prefer(site, "carl", "Quiet", receive=False)

    async def send():
        return await service(site).send("SHOP", "Quiet", {})

    assert await reached(site, EVERYBODY, send) == {"ann", "bob"}
    assert {name for name in EVERYBODY if await ids(site, name)} == {"ann", "bob"}


async def test_b27b_what_cannot_be_stored_is_an_error_and_the_list_has_every_field(site):
    def failing(tx):
        service(site).send_in(tx, "SHOP", "OrderUpdate", {"amount": object()})

    with pytest.raises(TypeError):
        await site.server.write(failing)
    await service(site).send("SHOP", "OrderUpdate", {}, alert_no_auto_hide=True)
    answer = await site.fetch("GET", f"{BASE}/notifications", name="ann")
    assert [each["alert_no_auto_hide"] for each in answer.json["notifications"]] == [True]


async def test_b27c_a_send_costs_the_same_for_six_people_and_for_six_hundred():
    many = [
        {**users()[0], "user_id": f"u{n}", "login_name": f"l{n}", "api_key": f"k{n}"}
        for n in range(600)
    ]
    counts = []
    for people in (users(), [*users(), *many]):
        async with started({"users": people}) as site:
            costs = []
            for to in ({}, {"group": "GROWERP_M_EMPLOYEE"}):
                await service(site).send("SHOP", "OrderUpdate", {}, **to)
                with counted_queries() as queries:
                    await service(site).send("SHOP", "OrderUpdate", {}, **to)
                costs.append(len(queries.all))
            counts.append(costs)
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 7, queries.all


async def test_a_disabled_user_gets_nothing(site):
    async with listening(site, "bob") as bob:
        await site.server.accounts.disable("u-bob")
        await service(site).send("SHOP", "OrderUpdate", {}, users=["u-bob"])
        with pytest.raises(websockets.ConnectionClosed):
            await bob.next()
    assert (await site.fetch("GET", f"{BASE}/notifications", name="bob")).code == 401


async def test_b28_what_fails_here_is_told_to_nobody_else(site):
    """A failed request makes no notification of what it carried."""
    async with listening(site, "admin") as admin:
        for body in ({"topic": "OrderUpdate", "message": "password=secret"}, {"password": "x"}):
            answer = await site.fetch("POST", f"{BASE}/notifications", body, name="admin")
            assert answer.code == 400 and b"secret" not in answer.body
        await admin.quiet()


# The list


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

    def plan():
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
        }
        await prefer(site, "ann", "OrderUpdate", receive=True)
        await prefer(site, "ann", "OrderUpdate")
        answer = await site.fetch("GET", f"{BASE}/preferences", name="ann")
        assert answer.json == {"preferences": {"two words": {"receive": False, "all": True}}}
        answer = await site.fetch("GET", f"{BASE}/preferences/OrderUpdate", name="ann")
        assert answer.json == {"preference": {"receive": None, "all": None}}
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
        await service(site).send("SHOP", "OrderUpdate", {})
        await ann.quiet()
        await native.quiet(0.05)


# Filters and vetoes of other plugins hold here too


@hookimpl
def filter_message(message):
    if message.data.get("title") == "forbidden":
        raise Denied("not that word")
    return replace(message, data={**message.data, "checked": True})


@hookimpl
def authorize(action, topic):
    return not (action == "publish" and topic.key == "closed")


def careful():
    """A plugin that refuses a word, marks what passes, and closes one topic to senders."""
    module = ModuleType("careful")
    module.api = 1
    module.filter_message, module.authorize = filter_message, authorize
    return module


async def test_filters_and_vetoes_hold_for_notifications():
    async with started(modules=[careful()]) as site, site.connect("admin") as admin:
        sent = await service(site).send("SHOP", "OrderUpdate", {})
        assert sent.data["checked"] is True
        posted = await admin.ok("publish", topic="OrderUpdate", data={"message": {}})
        assert await ids(site, "ann") == [posted["id"], sent.id]
        with pytest.raises(Denied):
            await service(site).send("SHOP", "OrderUpdate", {}, title="forbidden")
        body = {"topic": "closed", "message": {}}
        assert (await site.fetch("POST", f"{BASE}/notifications", body, name="admin")).code == 403
        assert await admin.refused("publish", topic="closed", data={"message": {}}) == "denied"


async def test_the_house_may_publish_on_a_plain_topic_without_a_word_on_whom_for(site):
    async with listening(site, "ann") as ann:
        await site.server.publish(Topic("SHOP", "", "Bare"), {"message": {"a": 1}, "persist": True})
        assert (await ann.next())["data"]["message"] == {"a": 1}
    assert len(await ids(site, "bob")) == 1
