import json
from pathlib import Path

import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

STOCK = Path(__file__).parents[1] / "plugins" / "stock.py"
SECRET = "between-the-two-of-us"
BOLT = {"id": "P-1", "name": "Bolt", "left": 3}
NUT = {"id": "P-2", "name": "Nut", "left": 9}


@pytest.fixture
async def shop():
    """A shop that says what it has."""
    products = []

    class Products(RequestHandler):
        def get(self):
            self.finish(json.dumps(products))

    socket, port = bind_unused_port()
    server = HTTPServer(Application([("/products", Products)]))
    server.add_socket(socket)
    yield products, f"http://127.0.0.1:{port}/products"
    server.stop()
    await server.close_all_connections()


def section(url):
    stock = {"tenant": "SHOP", "secret": SECRET, "url": url, "seconds": 0.05}
    return {"plugins": {"stock": stock}}


async def told(person, **said):
    """Waits for the push that says so; what was in the state may come once more before it."""
    while True:
        product = (await person.push())["data"]["product"]
        if said.items() <= product.items():
            return product


async def test_what_the_shop_has_is_the_list(chat_server, shop):
    products, url = shop
    products[:] = [BOLT]
    async with chat_server(plugins=[STOCK], config=section(url)) as chat:
        ann = await chat.connect("ann")
        state = (await ann.ok("subscribe", topic="stock:SHOP"))["state"]["products"]
        assert state == [{**BOLT, "version": 1}] or await told(ann, **BOLT)  # not asked yet
        products[:] = [{**BOLT, "left": 2}, NUT]
        await told(ann, id="P-1", left=2)
        await told(ann, id="P-2", left=9)
        products[:] = [NUT]
        await told(ann, id="P-1", deleted=True)


async def test_a_shop_that_is_away_is_asked_again(chat_server, shop):
    products, url = shop
    products[:] = [{"id": "P-1"}]  # no product at all
    async with chat_server(plugins=[STOCK], config=section(url)) as chat:
        chat.logs.expect("plugin 'stock'")  # it failed, is set aside, and started again
        ann = await chat.connect("ann")
        await ann.ok("subscribe", topic="stock:SHOP")
        products[:] = [BOLT]
        await told(ann, id="P-1", left=3)


async def test_the_webhook_is_believed_by_its_signature(chat_server, shop):
    products, url = shop
    products[:] = [NUT]
    config = section(url)
    config["plugins"]["stock"]["seconds"] = 3600
    async with chat_server(plugins=[STOCK], config=config) as chat:
        ann = await chat.connect("ann")
        if not (await ann.ok("subscribe", topic="stock:SHOP"))["state"]["products"]:
            await told(ann, **NUT)
        hook, sold = "/plugins/stock/changed", NUT | {"left": 8}
        answer = await chat.rest().post(hook, sold, signed=SECRET)
        assert (answer.status, answer.json) == (200, {"changed": True})
        await told(ann, id="P-2", left=8)
        assert (await chat.rest().post(hook, NUT, signed="of-somebody-else")).status == 401
