"""A firm at work: people, conversations of two days, orders, notifications; for whoever looks at all
of the page.

    async with lively() as site: ...     # Ann may everything in her company; zoe is of another one

All is invented once and the same each time, but for ids of notifications and the day of today.
"""

import contextlib
import time

from support.orders import SECRET, delivered
from support.rooms import RoomSite
from support.server import merged, running_server, users

DAY = 86_400.0
TABLES = {
    "plugins": {"order_list": {"secret": SECRET, "tenant": "SHOP"}},
    "topics": {
        "OrderUpdate": {"description": "Changes of orders", "persist": True, "link": "/orders"},
        "Stock": {"description": "What runs low", "persist": True, "show_alert": True},
        "Import": {"description": "Files that were read", "persist": True, "show_alert": True},
    },
}
YESTERDAY = [
    ("dora", "The new shelves are there. Who helps me on Thursday?"),
    ("carl", "I do."),
    ("bob", "Me too, after two o'clock."),
]
TODAY = [
    ("carl", "Good morning! The coffee machine works again."),
    (
        "ann",
        "Hurray. This is what I changed in its settings:\n```\nboiler  = 93\npre_infusion = 4\n```",
    ),
    ("bob", "The manual says so too: https://example.com/manual.pdf"),
    ("dora", "Delivery at four:\n* 12 boxes of paper\n* 3 boxes of ink\nWho is there?"),
    ("ann", "I am."),
    ("bob", "Then I take the truck."),
]
STATUSES = ["OrderPlaced", "OrderApproved", "OrderShipped", "OrderCompleted", "OrderCancelled"]
CUSTOMERS = ["Maas Shop", "Prins & Son", "Café Smit", "Bakery Vos", "De Jong B.V.", "Zee Boats"]
NOTIFICATIONS = [
    ("Import", "info", "412 articles were read from the supplier's file.", "Import is complete"),
    ("Stock", "warning", "3 boxes of paper are left.", "Paper runs low"),
    ("Import", "danger", "prices.csv: line 17 has no price.", "Import has failed"),
    ("Stock", "success", "40 boxes of ink have come.", "Ink is back"),
]


class Lively(RoomSite):
    """`floor`, `party`: rooms of all; `bob`, `dora`: one-to-one with Ann."""

    def __init__(self, site):
        super().__init__(site)
        self.url = site.url

    async def begin(self):
        clock = self.server.clock
        clock.ahead = -DAY
        self.floor = await self.make("ann", "bob", "carl", "dora", name="Shop floor")
        self.party = await self.make("dora", "ann", "bob", "carl", "admin", name="Christmas party")
        self.dora = await self.make("dora", "ann", private=True)
        self.bob = await self.make("ann", "bob", private=True)
        await self.talk(self.floor, YESTERDAY)
        await self.talk(self.dora, [("dora", "Could you look at the invoice of De Jong?")])
        clock.ahead = -900.0
        await self.talk(self.floor, TODAY)
        await self.read("ann", self.floor)
        await self.talk(self.party, [("dora", "Friday the 18th, at seven?"), ("carl", "Fine!")])
        await self.talk(self.bob, [("ann", "Did the truck start?"), ("bob", "At the third try.")])
        clock.ahead = -60.0
        await delivered(self, [order(number) for number in range(1, 14)])
        await self.notify()
        clock.ahead = 0.0

    async def talk(self, room, lines):
        for name, text in lines:
            self.server.clock.ahead += 20
            await self.say(name, room, text)

    async def notify(self, some=NOTIFICATIONS):
        send = self.server.service("notifications").send
        for topic, kind, text, title in some:
            await send(
                "SHOP", topic, {"message": text}, title=title, type=kind, link="/orders/1009"
            )


def order(number):
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3000 * (14 - number)))
    return {
        "orderId": str(1000 + number),
        "status": STATUSES[number * 7 % len(STATUSES)],
        "customer": CUSTOMERS[number % len(CUSTOMERS)],
        "total": f"{number * 37 % 500 + 5}.{number * 13 % 100:02d}",
        "currency": "EUR",
        "placedAt": at,
    }


def staff():
    """As in every test; Ann may everything in her company."""
    return [
        {**each, "permissions": ["admin"]} if each["user_id"] == "u-ann" else each
        for each in users()
    ]


@contextlib.asynccontextmanager
async def lively(tables=None):
    async with running_server(merged(merged(TABLES, {"users": staff()}), tables or {})) as running:
        site = Lively(running)
        await site.begin()
        yield site
