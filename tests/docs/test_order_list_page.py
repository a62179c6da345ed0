"""docs/reference/plugins/order_list.md names every field, key and number."""

import base64
import hmac
import json
import re
import time
import tomllib
from pathlib import Path
from textwrap import indent

import pytest
from tornado_chat_plugins.order_list import orders, polling, provider
from tornado_chat_plugins.order_list.settings import OrderListSchema, PollSchema
from tornado_chat_plugins.order_list.wording import notice

from support.orders import started
from tornado_chat.config import check_section
from tornado_chat.web import signatures

TEXT = (Path(__file__).parents[2] / "docs/reference/plugins/order_list.md").read_text()
CONVENTION = {
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "delivery": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "timestamp": 1614265330,
    "body": b'{"test": 2432232314}',
}


def example(language, number=0):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)[number]


@pytest.mark.parametrize("field", orders.OrderSchema().fields)
def test_field_of_an_order(field):
    assert f"| `{field}` |" in TEXT


@pytest.mark.parametrize("key", [*OrderListSchema().fields, *PollSchema().fields])
def test_setting(key):
    assert f"`{key}`" in TEXT or key == "poll"


def test_numbers():
    assert f"at most {orders.ORDERS_MAX}," in TEXT
    assert f"at most {orders.ORDER_KEYS} fields and {orders.ORDER_BYTES:,} bytes" in TEXT
    assert f"{polling.CHUNK} changes in one" in TEXT
    assert provider.KEEP_DELIVERIES == 7 * provider.DAY and "for seven days" in TEXT
    assert provider.OrderList.tombstone_days == 30 and "for 30 days" in TEXT
    assert signatures.TOLERANCE_SECONDS == 5 * 60 and "at most five minutes" in TEXT
    assert f"at most {signatures.ID_MAX} characters" in TEXT


def test_the_lines_that_sign_do():
    names = {"base64": base64, "hmac": hmac, **CONVENTION}
    exec(example("python"), names)
    assert names["signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_notification_is_what_is_told():
    shown = json.loads(example("json"))
    told = notice("100455", {"status": "OrderApproved"}, new=False, settings=None)
    assert told["message"] == shown["message"] and told["sub_topic"] == shown["sub_topic"]


def test_the_section_is_good():
    section = tomllib.loads(example("toml"))["plugins"]["order_list"]
    checked = check_section("plugins.order_list", OrderListSchema, section)
    assert checked["poll"]["columns"] == {"placed": "placedAt", "id": "orderId"}


async def test_another_plugin_delivers(tmp_path):
    async with started({}, folder=tmp_path) as site:
        names = {"server": site.server, "time": time}
        lines = example("python", 1)
        exec(f"async def play():\n{indent(lines, '    ')}    return outcome", names)
        assert await names["play"]() == provider.Outcome(changed=1)
        orders = site.server.provider("orders")
        (found,) = await site.server.write(lambda tx: orders.items_in(tx, "SHOP"))
        assert found["orderId"] == "1" and found["status"] == "new"
