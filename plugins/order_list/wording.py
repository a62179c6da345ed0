"""What people are told of an order: the notification `OrderUpdate`."""

import re
from collections.abc import Mapping
from typing import Any

TOPIC = "OrderUpdate"


def word_of(status: object) -> str:
    """A status as one says it: OrderApproved is approved, InTransit in transit."""
    text = re.sub(r"^(?:Order|ORDER_)(?=[A-Z])", "", str(status or "").strip())
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_+", " ", text)
    return text.lower()


def notice(
    order_id: str, item: Mapping[str, Any] | None, *, new: bool, settings: Any
) -> dict[str, Any]:
    """The arguments of `send_in`, but for the tenant. `settings`: [topics.OrderUpdate] or None,
    whose title and link win over ours."""
    status = "deleted" if item is None else item.get("status")
    word = word_of(status) or ("received" if new else "changed")
    text = f"Order {order_id} {word}"
    link = None if item is None or (settings and settings.link) else "/orders/${orderId}"
    return {
        "topic": TOPIC,
        "message": {"message": text, "orderId": order_id, "status": status},
        "sub_topic": word,
        "title": None if settings and settings.title else "${message}",
        "link": link,
        "persist": True,
    }
