"""A server with the plugin notifications, and what its tests ask of it."""

from tornado_chat_plugins import notifications

from support.mine import mine
from support.server import merged, running_server

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


def started(tables=None, modules=(), **kwargs):
    plugins = [notifications, mine(), *modules]
    base = {"topics": TOPICS, "delivery": {"replay_messages": 0}}  # each socket starts at now
    tables = merged(base, tables or {})
    return running_server(tables, modules=plugins, entry_points=False, **kwargs)


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
