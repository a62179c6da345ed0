"""What is in stock, in a list that people watch: asked for now and then, and told by a webhook."""

import asyncio

from marshmallow import Schema, fields
from tornado.escape import json_decode
from tornado.httpclient import AsyncHTTPClient
from tornado_chat import StateProvider, Topic, WebhookHandler, check_secret, hookimpl

api = 1


class Settings(Schema):
    tenant = fields.String(required=True, metadata={"doc": "Whose stock it is."})
    secret = fields.String(
        required=True, validate=check_secret, metadata={"doc": "Signs what the shop sends."}
    )
    url = fields.Url(require_tld=False, required=True, metadata={"doc": "Lists all products."})
    seconds = fields.Float(load_default=60.0, metadata={"doc": "Between two questions."})


class Product(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)
    left = fields.Integer(required=True)


class Stock(StateProvider):
    kind, item_name, state_name = "stock", "product", "products"

    def topic(self, key):
        return Topic(key, self.kind, key)  # stock:SHOP, the key is the company

    async def authorize(self, identity, action, topic):
        return action != "publish" and topic.key == identity.tenant

    async def take(self, tenant, products):
        """Makes the list what the shop says it is: all of it in one transaction."""

        def work(tx):
            gone = {product["id"] for product in self.items_in(tx, tenant)}
            for product in products:
                self.set_in(tx, tenant, product["id"], product)  # nothing where nothing changed
                gone.discard(product["id"])
            for product_id in gone:
                self.delete_in(tx, tenant, product_id)

        await self.server.write(work)


class Poll:
    def __init__(self, stock, config):
        self.stock = stock
        self.config = config

    async def run(self, _lease):
        while True:
            answer = await AsyncHTTPClient().fetch(self.config["url"], request_timeout=20)
            products = Product(many=True).load(json_decode(answer.body))
            await self.stock.take(self.config["tenant"], products)
            await asyncio.sleep(self.config["seconds"])


class Hook(WebhookHandler):
    signed = True  # by the secret in the settings, as Standard Webhooks has it

    async def post(self):
        product = self.body(Product)
        stock = self.server.provider("stock")
        message = await stock.set(self.config["tenant"], product["id"], product)
        self.answer({"changed": message is not None})


@hookimpl
def register_config():
    return Settings


@hookimpl
def register_topics():
    return [Stock()]


@hookimpl
def register_routes():
    return [(r"/changed", Hook)]


@hookimpl
def startup(server, config):
    server.run_once("poll", Poll(server.provider("stock"), config).run)
