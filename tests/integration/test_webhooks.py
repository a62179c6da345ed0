"""Routes for programs: who has the secret is heard, in each of the four ways to prove it."""

import hashlib
import hmac
from types import ModuleType

import pytest
from marshmallow import Schema, fields

from support.orders import signed
from support.server import running_server
from tornado_chat import WebhookHandler, check_secret, describe, hookimpl

SECRET = "between-the-two-of-us"
BODY = b'{"text":"hi"}'
HEX = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()


class Said(Schema):
    text = fields.String(required=True)


class Settings(Schema):
    secret = fields.String(load_default=None, validate=check_secret)


class Shown(WebhookHandler):
    heard = 0

    @describe("Hears", body=Said, answer=Said)
    async def post(self):
        type(self).heard += 1
        self.answer(self.body())

    def put(self):  # a plain function
        self.answer({})


class ShownAlone(Shown):
    header = "X-Token"


class Standard(Shown):
    signed = True

    async def post(self):
        self.answer({"id": self.delivery.id})


class BodySigned(Shown):
    signed = True
    header = "X-Signature"


class Another(Shown):
    def secret(self):
        return {"a": "the-secret-of-the-first", "b": None}[self.path_args[0]]

    async def post(self, key):
        self.answer({"key": key})


def hooks():
    module = ModuleType("hooks")
    module.api = 1

    @hookimpl
    def register_config():
        return Settings

    @hookimpl
    def register_routes():
        return [
            ("/shown", Shown),
            ("/alone", ShownAlone),
            ("/standard", Standard),
            ("/body", BodySigned),
            (r"/another/(\w)", Another),
        ]

    module.register_config, module.register_routes = register_config, register_routes
    return module


@pytest.fixture
async def site():
    tables = {"plugins": {"hooks": {"secret": SECRET}}}
    async with running_server(tables, modules=[hooks()], entry_points=False) as running:
        Shown.heard = 0
        yield running


async def post(site, path, headers=None, method="POST", **more):
    if callable(headers):
        headers = headers()  # what is signed has the time of the test
    return await site.fetch(
        method, f"/plugins/hooks/{path}", raw=BODY, headers=headers or {}, **more
    )


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("shown", {"Authorization": f"Bearer {SECRET}"}),
        ("shown", {"Authorization": f"bearer {SECRET}"}),
        ("alone", {"X-Token": SECRET}),
        ("standard", lambda: signed(BODY, key=SECRET.encode())),
        ("body", {"X-Signature": HEX}),
        ("body", {"X-Signature": f"sha256={HEX}"}),
        ("another/a", {"Authorization": "Bearer the-secret-of-the-first"}),
    ],
)
async def test_who_proves_it_is_heard(site, path, headers):
    assert (await post(site, path, headers)).code == 200


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("shown", {}),
        ("shown", {"Authorization": "Bearer "}),
        ("shown", {"Authorization": f"Bearer {SECRET}x"}),
        ("shown", {"Authorization": f"Basic {SECRET}"}),
        ("shown", {"Authorization": SECRET}),
        ("shown", {"api_key": SECRET}),
        ("alone", {}),
        ("alone", {"X-Token": "another-secret"}),
        ("alone", {"Authorization": f"Bearer {SECRET}"}),
        ("standard", {"Authorization": f"Bearer {SECRET}"}),
        ("standard", lambda: signed(BODY, key=b"another-secret-of-them")),
        ("standard", lambda: signed(BODY + b" ", key=SECRET.encode())),
        ("body", {}),
        ("body", {"X-Signature": SECRET}),
        ("body", {"X-Signature": HEX[:-1] + ("0" if HEX[-1] != "0" else "1")}),
        ("another/a", {"Authorization": f"Bearer {SECRET}"}),
    ],
)
async def test_who_does_not_is_not(site, path, headers, logs):
    for method in ("POST", "PUT"):
        answer = await post(site, path, headers, method, name="ann" if not headers else None)
        assert (answer.code, answer.json["error"]["code"]) == (401, "unauthorized")
        assert SECRET not in answer.body.decode()
    assert Shown.heard == 0
    assert SECRET not in logs.text


async def test_without_a_secret_there_is_none():
    async with running_server(modules=[hooks()], entry_points=False) as site:
        for path in ("shown", "alone", "standard", "body", "another/b"):
            for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer None"}):
                answer = await post(site, path, headers)
                assert answer.code == 404
                assert answer.json["error"]["message"].endswith("no secret is set in plugins.hooks")


async def test_what_was_signed_long_ago_is_refused_by_the_clock_of_the_server(site):
    headers = signed(BODY, key=SECRET.encode())
    assert (await post(site, "standard", headers)).json == {"id": headers["webhook-id"]}
    site.server.clock = lambda: int(headers["webhook-timestamp"]) + 301
    assert (await post(site, "standard", headers)).code == 401


async def test_a_page_may_ask_whether_it_may(site):
    """A preflight shows no secret."""
    assert (await site.fetch("OPTIONS", "/plugins/hooks/shown")).code == 200


def test_what_is_asked_without_a_handler_cannot_be_a_webhook():
    async def accept(caller, body, key):
        """Would be asked before the secret is."""

    with pytest.raises(TypeError, match="a WebhookHandler has no accept"):
        type("Accepting", (WebhookHandler,), {"accept": staticmethod(accept)})


async def test_a_fault_in_the_secret_is_the_plugins(site, logs):
    logs.expect("plugin 'hooks' failed in route: KeyError")
    logs.expect("POST /plugins/hooks/another/c 500")
    assert (await post(site, "another/c")).code == 500


async def test_a_section_with_a_weak_secret_stops_the_start():
    from tornado_chat import SetupError

    tables = {"plugins": {"hooks": {"secret": "short"}}}
    with pytest.raises(SetupError, match=r"plugins\.hooks\.secret: not 16 or more"):
        async with running_server(tables, modules=[hooks()], entry_points=False):
            pass


async def test_how_it_is_described(site):
    document = (await site.fetch("GET", "/openapi.json")).json
    schemes = document["components"]["securitySchemes"]

    def of(path):
        operation = document["paths"][f"/plugins/hooks/{path}"]["post"]
        names = [each["name"] for each in operation.get("parameters", [])]
        return operation, [schemes[name] for need in operation["security"] for name in need], names

    operation, needs, names = of("shown")
    assert [(need["type"], need["scheme"]) for need in needs] == [("http", "bearer")]
    assert names == [] and {"400", "401", "404", "413"} <= set(operation["responses"])
    _, needs, names = of("alone")
    assert needs == [{"type": "apiKey", "in": "header", "name": "X-Token"}]
    _, needs, names = of("standard")
    assert (needs, names) == ([], ["webhook-id", "webhook-timestamp", "webhook-signature"])
    _, needs, names = of("body")
    assert (needs, names) == ([], ["X-Signature"])
