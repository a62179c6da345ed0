"""What an order is, what is said of it, and what a database calls its columns."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from tornado_chat_plugins.order_list.orders import Change, change_of, changes_of
from tornado_chat_plugins.order_list.settings import OrderListSchema
from tornado_chat_plugins.order_list.source import plain
from tornado_chat_plugins.order_list.wording import notice, word_of

from tornado_chat import BadRequest, SetupError
from tornado_chat.config import build, check_section

ORDER = {
    "orderId": "100455",
    "status": "OrderApproved",
    "customer": "Maas",
    "total": "12.50",
    "currency": "EUR",
    "placedAt": "2026-08-22T09:41:00+02:00",
}


def test_an_order_stays_as_it_is_given():
    extra = {"lines": [{"productId": "P-1", "quantity": 2}], "note": None, "gift": True}
    assert change_of({**ORDER, **extra}) == Change("100455", {**ORDER, **extra})
    assert change_of({**ORDER, "version": 7}) == Change("100455", ORDER, 7)
    assert change_of({"orderId": 100455}) == Change("100455", {"orderId": "100455"})


def test_a_deletion_says_only_which():
    assert change_of({"orderId": "1", "deleted": True}) == Change("1", None)
    assert change_of({**ORDER, "deleted": True, "version": 3}) == Change("100455", None, 3)
    assert change_of({**ORDER, "deleted": False}) == Change("100455", ORDER)


@pytest.mark.parametrize("total", ["12.50", "-3", "+0.5", ".5", "5.", "0", 12.5, 12, -1, None])
def test_amounts_are_kept_as_given(total):
    kept = change_of({**ORDER, "total": total}).item["total"]
    assert kept == total and type(kept) is type(total)


@pytest.mark.parametrize(
    "total",
    ["", "12,50", "twelve", "1e3", "NaN", "Infinity", " 1", "1 ", "٣", True, [], {}, "9" * 99],
)
def test_what_is_no_amount(total):
    with pytest.raises(BadRequest, match=r"^total: "):
        change_of({**ORDER, "total": total})


@pytest.mark.parametrize(
    ("order", "fault"),
    [
        ({}, "orderId: missing"),
        ({"orderId": ""}, "orderId: "),
        ({"orderId": "x" * 129}, "orderId: "),
        ({"orderId": "a\nb"}, "orderId: "),
        ({"orderId": True}, "orderId: "),
        ({"orderId": None}, "orderId: "),
        ({**ORDER, "status": 5}, "status: "),
        ({**ORDER, "status": "x" * 65}, "status: "),
        ({**ORDER, "customer": {"name": "x"}}, "customer: "),
        ({**ORDER, "placedAt": "yesterday"}, "placedAt: not a date"),
        ({**ORDER, "placedAt": 5}, "placedAt: "),
        ({**ORDER, "version": "7"}, "version: "),
        ({**ORDER, "version": -1}, "version: "),
        ({**ORDER, "version": 1.5}, "version: "),
        ({**ORDER, "deleted": "yes"}, "deleted: "),
        ({**ORDER, "note": "x" * 17_000}, "more than 16384 bytes"),
        ({**ORDER, **{f"k{n}": n for n in range(100)}}, "more than 100 fields"),
        (["orderId"], "not an object"),
        (None, "not an object"),
    ],
)
def test_what_is_no_order_is_refused_by_its_field(order, fault):
    with pytest.raises(BadRequest) as caught:
        change_of(order)
    assert caught.value.message.startswith(fault)


def test_one_or_many():
    assert changes_of({"order": ORDER}) == [Change("100455", ORDER)]
    assert changes_of({"orders": [ORDER, {"orderId": "2", "deleted": True}], "type": "x"}) == [
        Change("100455", ORDER),
        Change("2", None),
    ]
    assert changes_of({"orders": []}) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, "give either"),
        ({"order": ORDER, "orders": [ORDER]}, "give either"),
        ({"orders": ORDER}, "orders: not a list"),
        ({"orders": [ORDER, {**ORDER, "total": "x"}]}, "orders.1.total: not an amount"),
        ({"orders": ["x"]}, "orders.0: not an object"),
        ({"orders": [{"orderId": "1"}] * 2001}, "orders: more than 2000, send them in parts"),
        ({"order": []}, "order: not an object"),
    ],
)
def test_the_order_at_fault_is_named(body, fault):
    with pytest.raises(BadRequest) as caught:
        changes_of(body)
    assert caught.value.message.startswith(fault)


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("OrderApproved", "approved"),
        ("OrderInTransit", "in transit"),
        ("ORDER_SHIPPED", "shipped"),
        ("Ordered", "ordered"),
        ("approved", "approved"),
        ("NEW", "new"),
        ("Order", "order"),
        (None, ""),
        ("", ""),
    ],
)
def test_a_status_in_words(status, word):
    assert word_of(status) == word


def test_what_people_are_told():
    told = notice("100455", ORDER, new=False, settings=None)
    assert told["message"] == {
        "message": "Order 100455 approved",
        "orderId": "100455",
        "status": "OrderApproved",
    }
    assert told["sub_topic"] == "approved" and told["persist"] is True
    assert notice("1", {}, new=True, settings=None)["message"]["message"] == "Order 1 received"
    assert notice("1", {}, new=False, settings=None)["message"]["message"] == "Order 1 changed"
    gone = notice("1", None, new=False, settings=None)
    assert gone["message"] == {"message": "Order 1 deleted", "orderId": "1", "status": "deleted"}
    assert gone["link"] is None


def test_the_topics_title_and_link_win():
    settings = build({"topics": {"OrderUpdate": {"title": "T", "link": "/x"}}}).topics[
        "OrderUpdate"
    ]
    told = notice("1", ORDER, new=True, settings=settings)
    assert told["title"] is None and told["link"] is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("12.50"), "12.50"),
        (Decimal("1E+3"), "1000"),
        (date(1996, 7, 4), "1996-07-04"),
        (datetime(1996, 7, 4, 10, 30, tzinfo=UTC), "1996-07-04T10:30:00+00:00"),
        (b"\x01\xff", "01ff"),
        (2**70, str(2**70)),
        ({"a": [Decimal("1.5"), (1, None)]}, {"a": ["1.5", [1, None]]}),
        (float("nan"), None),
        (None, None),
        (True, True),
        ("x", "x"),
        (1.5, 1.5),
    ],
)
def test_what_a_database_gives(value, expected):
    assert plain(value) == expected


def section(**tables):
    return check_section("plugins.order_list", OrderListSchema, tables)


POLL = {"url": "sqlite:///shop.db", "query": "SELECT 1"}


def test_an_empty_section_has_no_source():
    assert section()["secret"] is None
    assert section()["poll"]["url"] is None
    assert section()["snapshot"] == 1000


@pytest.mark.parametrize(
    ("poll", "columns"),
    [
        ({}, {}),
        ({"key": "id"}, {"id": "orderId"}),
        ({"columns": {"id": "orderId", "d": "placedAt"}}, {"id": "orderId", "d": "placedAt"}),
        ({"key": "id", "columns": {"id": "orderId"}}, {"id": "orderId"}),
        ({"key": "id", "columns": {"d": "placedAt"}}, {"d": "placedAt", "id": "orderId"}),
    ],
)
def test_columns_by_our_names(poll, columns):
    assert section(tenant="SHOP", poll={**POLL, **poll})["poll"]["columns"] == columns


@pytest.mark.parametrize(
    ("tables", "path"),
    [
        ({"secret": "x" * 16}, "plugins.order_list.tenant"),
        ({"secret": "", "tenant": "SHOP"}, "plugins.order_list.secret"),
        ({"secret": "whsec_", "tenant": "SHOP"}, "plugins.order_list.secret"),
        ({"poll": POLL}, "plugins.order_list.tenant"),
        ({"tenant": "SHOP", "poll": {"url": "sqlite:///x.db"}}, "plugins.order_list.poll.query"),
        ({"tenant": "SHOP", "poll": {"query": "SELECT 1"}}, "plugins.order_list.poll.url"),
        ({"poll": {**POLL, "url": "http://x"}}, "plugins.order_list.poll.url"),
        ({"poll": {**POLL, "key": "a", "columns": {"b": "orderId"}}}, "poll.columns"),
        ({"poll": {**POLL, "interval_seconds": 0}}, "plugins.order_list.poll.interval_seconds"),
        ({"snapshot": 0}, "plugins.order_list.snapshot"),
        ({"secrte": "x"}, "did you mean plugins.order_list.secret?"),
    ],
)
def test_a_section_that_means_nothing_is_refused(tables, path):
    with pytest.raises(SetupError) as caught:
        section(**tables)
    assert path in str(caught.value)
    assert "whsec_" not in str(caught.value).replace("after whsec_ there", "")
