"""`/openapi.json`: valid, whole, written when it is asked for; and what plugins say of their routes."""

import asyncio
import subprocess
import sys
from types import ModuleType

import pytest
from jsonschema import Draft202012Validator
from marshmallow import Schema, fields
from openapi_spec_validator import OpenAPIV31SpecValidator

from support.described import inlined, routes_of
from support.server import running_server
from tornado_chat import PluginHandler, describe, hookimpl
from tornado_chat.errors import ALL
from tornado_chat.web.api import openapi, pages
from tornado_chat.web.api.pages import write

GROWERP = "/rest/s1/growerp/100/"
CODES = {each.code for each in ALL}


class Asked(Schema):
    word = fields.String(load_default="hello")
    times = fields.Integer(load_default=1)


class Said(Schema):
    text = fields.String(required=True)


class Heard(Schema):
    text = fields.String()
    loud = fields.Boolean(metadata={"optional": True})


class Echo(PluginHandler):
    """Says it again."""

    @describe("Says a word", query=Asked, answer=Heard)
    async def get(self, name):
        asked = self.query()
        self.answer({"text": f"{name}: {asked['word'] * asked['times']}"})

    @describe("Says a text", body=Said, answer=Heard, status=201, errors=("conflict",))
    async def post(self, name):
        self.answer({"text": self.body()["text"]}, 201)


class Silent(PluginHandler):
    async def get(self):
        """Nothing is described here."""
        self.answer({})


def echoing():
    module = ModuleType("echo")
    module.api = 1

    @hookimpl
    def register_routes():
        return [(r"/echo/([^/]+)", Echo), (r"/silent", Silent)]

    module.register_routes = register_routes
    return module


async def described(site):
    answer = await site.fetch("GET", "/openapi.json")
    assert answer.code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json


async def test_valid():
    async with running_server(modules=[echoing()]) as site:
        document = await described(site)
    assert not list(OpenAPIV31SpecValidator(document).iter_errors())
    ours = {name for name in document["components"]["schemas"] if not name[-1].isdigit()}
    assert len(ours) == len(document["components"]["schemas"]), "two schemas of ours have one name"


async def test_every_route_is_described():
    """Of ours and of our plugins: each method, by `describe`."""
    async with running_server() as site:
        document = await described(site)
        routes = routes_of(site.server)
    told = set()
    for owner, route in routes:
        for method in openapi.methods_of(route.handler_class):
            function = getattr(route.handler_class, method)
            assert hasattr(function, "described"), f"{owner} {route.regex.pattern} {method}"
            assert set(function.described.errors) <= CODES
            path = openapi.path_of(route)
            assert method in document["paths"][path]
            told.add((path, method))
    assert told == {(path, method) for path, item in document["paths"].items() for method in item}
    assert len([path for path in document["paths"] if path.startswith(GROWERP)]) == 17


async def test_examples_fit_their_schemas():
    async with running_server() as site:
        document = await described(site)

    def walk(value):
        if isinstance(value, list):
            for each in value:
                walk(each)
        elif isinstance(value, dict):
            for example in value.get("examples", []) if "type" in value else []:
                Draft202012Validator(value).validate(example)
            if "example" in value and "schema" in value:
                Draft202012Validator(value["schema"]).validate(value["example"])
            for each in value.values():
                walk(each)

    walk(inlined(document, document))


async def test_what_a_plugin_says_of_its_routes():
    async with running_server(modules=[echoing()]) as site:
        document = await described(site)
    item = inlined(document["paths"]["/plugins/echo/echo/{name}"], document)
    get, post = item["get"], item["post"]
    assert (get["summary"], get["tags"]) == ("Says a word", ["echo"])
    assert [(each["in"], each["name"]) for each in get["parameters"]] == [
        ("path", "name"),
        ("query", "word"),
        ("query", "times"),
    ]
    body = post["requestBody"]["content"]["application/json"]["schema"]
    assert (body["required"], body["additionalProperties"]) == (["text"], False)
    answer = post["responses"]["201"]["content"]["application/json"]["schema"]
    assert answer["required"] == ["text"]  # `loud` is optional
    assert {"400", "401", "403", "409", "413", "503"} <= set(post["responses"])
    assert post["responses"]["409"]["content"]["application/json"]["example"]["error"]["code"] == (
        "conflict"
    )
    silent = document["paths"]["/plugins/echo/silent"]["get"]
    assert silent["summary"] == "Nothing is described here."
    assert set(silent["responses"]) == {"default"}


async def test_a_description_checks_the_query_and_the_body():
    async with running_server(modules=[echoing()]) as site:

        async def fetch(method, path, body=None):
            answer = await site.fetch(method, f"/plugins/echo/echo/{path}", body, name="ann")
            return answer.code, answer.json.get("text") or answer.json["error"]["message"]

        assert await fetch("GET", "x?word=a&times=3&api_key=key-of-ann") == (200, "x: aaa")
        assert await fetch("GET", "x?times=") == (200, "x: hello")
        assert await fetch("GET", "x?times=many") == (400, "times: not a valid integer")
        assert await fetch("GET", "x?word=%FF") == (400, "the query is not UTF-8")
        assert await fetch("POST", "x", {"text": "a"}) == (201, "a")
        assert await fetch("POST", "x", {"txt": "a"}) == (
            400,
            "text: missing data for required field",
        )


async def test_security_says_who_must_show_what():
    async with running_server() as site:
        paths = (await described(site))["paths"]
    schemes = [{"header": []}, {"bearer": []}, {"basic": []}, {"query": []}]
    assert paths["/plugins/chat_rooms/rooms"]["get"]["security"] == schemes
    assert paths[f"{GROWERP}ChatRoom"]["get"]["security"] == schemes
    assert paths[f"{GROWERP}Login"]["post"]["security"] == [*schemes, {}]
    assert paths["/health/live"]["get"]["security"] == []


async def test_errors_are_told_in_the_manner_of_each_door():
    async with running_server() as site:
        paths = (await described(site))["paths"]
    house = paths["/plugins/chat_rooms/rooms/{room_id}"]["get"]["responses"]["404"]
    growerp = paths[f"{GROWERP}ChatRoom"]["get"]["responses"]["401"]
    assert set(house["content"]["application/json"]["example"]["error"]) == {"code", "message"}
    assert growerp["content"]["application/json"]["example"]["errorCode"] == 401


LIES = {
    "say=more": "'more' was unexpected",
    "say=less": "'text' is a required property",
    "say=other": "1 is not of type 'string'",
    "say=status": r"answered 202, not one of \['200', ",
    "tell=it": "'tell'} in the query",
}


class What(Schema):
    say = fields.String()


class Lying(PluginHandler):
    @describe("Says one thing, does another", query=What, answer=Heard)
    async def get(self):
        said = self.get_query_argument("say", "")
        answers = {"more": {"text": "", "more": 1}, "less": {}, "other": {"text": 1}}
        self.answer(answers.get(said, {"text": ""}), 202 if said == "status" else 200)


async def test_an_answer_that_is_not_described_fails_the_test():
    """The check of all others."""
    module = ModuleType("lying")
    module.api = 1
    module.register_routes = hookimpl(lambda: [("/lying", Lying)])
    async with running_server(modules=[module]) as site:
        await site.fetch("GET", "/plugins/lying/lying?say=truth", name="ann")
        for query, fault in LIES.items():
            with pytest.raises(AssertionError, match=fault):
                await site.fetch("GET", f"/plugins/lying/lying?{query}", name="ann")


def test_a_server_that_serves_imports_nothing_of_it():
    script = "import sys, tornado_chat.app; print([n for n in sys.modules if 'apispec' in n])"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


async def test_who_asks_while_it_is_written_waits_for_the_same(monkeypatch):
    written = []

    def counted(module, about):
        written.append(module)
        return write(module, about)

    monkeypatch.setattr(pages, "write", counted)
    async with running_server() as site:
        asked = [site.fetch("GET", path) for path in ("/openapi.json", "/asyncapi.json") * 4]
        answers = await asyncio.gather(*asked)
    assert sorted(written) == ["asyncapi", "openapi"]
    assert len({answer.body for answer in answers}) == 2
