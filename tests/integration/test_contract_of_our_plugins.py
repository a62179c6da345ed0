"""Our own providers keep the contract that we ask of everybody's."""

from support.orders import SECRET
from tornado_chat.testing import plugin_contract


async def lunch(chat):
    """A room of ann and bob; its name on the wire."""
    room, _ = await chat.server.service("chat_rooms").create(
        await chat.identity("ann"), name="Lunch", private=True, members=["u-ann", "u-bob"]
    )
    return f"room:{room.room_id}"


def said(state, data, push):
    """What ann's front-end makes of a message in her room."""
    room = state["room"]
    if push["offset"] <= room["last_offset"]:
        return state
    members = [
        {**each, "has_read": each["has_read"] and each["user_id"] == push["sender"]}
        for each in room["members"]
    ]
    unread = room["unread"] + (push["sender"] != "u-ann")
    news = {"last_offset": push["offset"], "unread": unread, "has_read": not unread}
    return {"room": {**room, **news, "members": members}, "unread": unread}


async def test_rooms():
    posts = [{"content": "at twelve?"}, {"content": "yes"}]
    await plugin_contract("chat_rooms", lunch, posts, said)


async def test_a_room_as_who_reads_it_only():
    async def bob_says(chat):
        async with chat.connect("bob") as bob:
            (room,) = await chat.server.service("chat_rooms").list(await chat.identity("bob"))
            await bob.ok("publish", topic=f"room:{room.room_id}", data={"content": "yes"})

    await plugin_contract("chat_rooms", lunch, [bob_says, bob_says], said)


def told(topic, message, **more):
    async def change(chat):
        await chat.server.service("notifications").send("SHOP", topic, message, **more)

    return change


async def test_notifications():
    to_all = told("OrderUpdate", {"orderId": "1"})
    to_some = told("OrderUpdate", {"orderId": "2"}, users=["u-ann"])
    to_few = told("OrderUpdate", {"orderId": "3"}, group="GROWERP_M_ADMIN")
    await plugin_contract("notifications", "OrderUpdate", [to_all, to_some, to_few])


async def test_notifications_that_are_posted():
    posts = [{"message": {"orderId": "1"}}, {"message": {}, "title": "Look"}]
    await plugin_contract("notifications", "OrderUpdate", posts, who="admin")


def order(order_id, **fields):
    async def change(chat):
        orders = chat.provider("orders")
        if fields:
            await orders.set("SHOP", order_id, fields)
        else:
            await orders.delete("SHOP", order_id)

    return change


async def test_orders():
    changes = [
        order("1", status="OrderPlaced", placedAt="2026-01-01T00:00:00Z"),
        order("2", status="OrderPlaced", placedAt="2026-01-02T00:00:00Z"),
        order("1", status="OrderApproved", placedAt="2026-01-01T00:00:00Z"),
        order("2"),
    ]
    tables = {"plugins": {"order_list": {"secret": SECRET, "tenant": "SHOP"}}}
    await plugin_contract("order_list", "orders:SHOP", changes, config=tables)
