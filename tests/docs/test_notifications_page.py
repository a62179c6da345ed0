"""docs/reference/plugins/notifications.md names every field, route, option and method."""

import inspect
import json
import re
from pathlib import Path

import pytest
from tornado_chat_plugins.notifications import (
    Notifications,
    commands,
    content,
    listing,
    preferences,
    register_routes,
    schemas,
)

from tornado_chat.config import build

TEXT = (Path(__file__).parents[2] / "docs/reference/plugins/notifications.md").read_text()
METHODS = [
    "send", "list", "page", "viewed", "viewed_all", "topics", "sent", "preferences", "prefer",
]  # fmt: skip


def routes():
    for pattern, handler in register_routes():
        for method in ("get", "post", "put", "patch", "delete"):
            if method in vars(handler):
                yield method.upper(), pattern.replace("([^/]+)", "<topic>")


@pytest.mark.parametrize(("method", "path"), list(routes()))
def test_route(method, path):
    assert f"| {method} | `{path}` |" in TEXT


@pytest.mark.parametrize(
    "field",
    [
        name
        for shape in (schemas.Sending, schemas.Viewed, schemas.Preferred)
        for name in shape().fields
    ],
)
def test_field_of_a_body(field):
    assert f"`{field}`" in TEXT


@pytest.mark.parametrize("option", [name for p in commands.notify.params for name in p.opts])
def test_option(option):
    assert option in {"-c", "--config", "--set"} or option in TEXT or option == "topic"


@pytest.mark.parametrize("method", METHODS)
def test_method_with_its_defaults(method):
    line = re.search(rf"`await {method}\((.*?)\)` \|", TEXT)
    assert line is not None
    parameters = list(inspect.signature(getattr(Notifications, method)).parameters.values())[1:]
    said = [part.strip() for part in line[1].replace("*, ", "").split(",")]
    assert said == [
        p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters
    ]


def test_numbers():
    assert f"at most {listing.LIST_MAX})" in TEXT
    assert f"at most {listing.START_MAX:,})" in TEXT
    assert f"`ids`: at most {schemas.IDS_MAX}" in TEXT
    assert f"of the newest {listing.VIEWED_MAX} |" in TEXT
    assert f"newest {preferences.SENT_MAX} on which" in TEXT
    assert f"of {preferences.WISHES_MAX} topics" in TEXT
    assert f"at most {content.SUB_TOPIC_MAX} characters" in TEXT


def test_the_example_is_what_is_sent():
    example = json.loads(re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)[1])
    topics = {
        "OrderUpdate": {
            "description": "Order changes",
            "title": "${message}",
            "link": "/orders/${orderId}",
            "type": "success",
            "show_alert": True,
            "persist": True,
        }
    }
    settings = build({"topics": topics}).topics["OrderUpdate"]
    found = content.complete(settings, example["message"], sub_topic="approved")
    assert found == example
    for field in found:
        assert f"| `{field}` |" in TEXT
