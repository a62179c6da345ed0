"""POST /plugins/order_list/orders: orders from a shop that signs what it sends."""

import asyncio

from tornado_chat import WebhookHandler, describe

from .orders import ManyOrders, OneOrder, OutcomeAnswer, changes_of
from .provider import OrderList, shown


class Orders(WebhookHandler):
    """Open to whoever can sign; no key of a user is asked for."""

    signed = True

    @describe("Takes orders from a shop", body=(OneOrder, ManyOrders), answer=OutcomeAnswer)
    async def post(self) -> None:
        """200 where it was carried out, now or before; 401 where the signature is not right."""
        orders: OrderList = self.server.provider("orders")
        # thousands of orders are checked while the loop does other things
        changes = await asyncio.to_thread(changes_of, self.json(), orders.order_bytes)
        self.answer(shown(await orders.deliver(self.config["tenant"], self.delivery, changes)))
