"""Notifications over real sockets: what is sent, by whom, and what becomes of its fields."""

import asyncio
from dataclasses import replace
from types import ModuleType

import pytest

from support.mine import listening
from support.notices import BASE, identity, ids, service, started
from tornado_chat import BadRequest, Conflict, Denied, TooLarge, Topic, hookimpl

ORDER = {"orderId": "100455", "status": "OrderApproved", "message": "Order 100455 approved"}


@pytest.fixture
async def site():
    async with started() as running:
        yield running


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
        ],
        "unviewed": 1,
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
