"""POST /plugins/order_list/orders: orders from a shop that signs what it sends."""

import asyncio

from tornado_chat import NotFound, PluginHandler, describe

from .orders import Headers, ManyOrders, OneOrder, OutcomeAnswer, changes_of
from .provider import OrderList, shown
from .signatures import keys_of, verify


class Orders(PluginHandler):
    """Open to whoever can sign; no key of a user is asked for."""

    public = True

    @describe(
        "Takes orders from a shop",
        headers=Headers,
        body=(OneOrder, ManyOrders),
        answer=OutcomeAnswer,
        errors=("unauthorized", "not_found"),
    )
    async def post(self) -> None:
        """200 where it was carried out, now or before; 401 where the signature is not right."""
        secret, tenant = self.config["secret"], self.config["tenant"]
        if not secret or not tenant:
            raise NotFound("there is no webhook: plugins.order_list.secret is not set")
        body = self.raw_body
        delivery = verify(keys_of(secret), self.request.headers, body, self.server.now())
        orders: OrderList = self.server.provider("orders")
        # thousands of orders are checked while the loop does other things
        changes = await asyncio.to_thread(changes_of, self.json(), orders.order_bytes)
        self.answer(shown(await orders.deliver(tenant, delivery, changes)))
