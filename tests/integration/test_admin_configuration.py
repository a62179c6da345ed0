"""The configuration as an admin sees it: all of it, but no secret and nothing of another company."""

import json
from types import ModuleType

import pytest
from marshmallow import INCLUDE, Schema, fields

from support.server import running_server, users
from tornado_chat import hookimpl
from tornado_chat.config import Config, build
from tornado_chat.config.shown import HIDDEN, shown, without_secrets
from tornado_chat.config.values import PluginsConfig

ZED = {"user_id": "u-zed", "tenant": "OTHER", "permissions": ["admin"], "api_key": "key-of-zed"}
CANARY = "canary-4711"


def canary(number):
    """A secret that nothing else holds."""
    return f"{CANARY}-{number}"


class Inner(Schema):
    name = fields.String()
    api_token = fields.String()
    tenant = fields.String(load_default=None)


class Section(Schema):
    """Secrets by their names, by what is said of them, and by where they are kept."""

    class Meta:
        unknown = INCLUDE

    greeting = fields.String(load_default="hello")
    pause = fields.TimeDelta(load_default=None)
    webhook_secret = fields.String()
    password = fields.String()
    passphrase = fields.String()
    access = fields.String(data_key="signingKey")
    key = fields.String()
    dsn = fields.String()
    pin = fields.Integer()
    phrase = fields.String(metadata={"secret": True})
    column_key = fields.String(metadata={"secret": False})
    plain_looking = fields.String()
    kept_elsewhere = fields.String()
    database = fields.String()
    source = fields.String()
    urls = fields.List(fields.String())
    header = fields.String()
    tokens = fields.Dict(keys=fields.String(), values=fields.String())
    deep = fields.List(fields.Nested(Inner))
    by_name = fields.Dict(keys=fields.String(), values=fields.Nested(Inner))
    renamed = fields.String(data_key="client-secret")


SECRETS = {
    "webhook_secret": canary(1),
    "password": canary(2),
    "passphrase": canary(3),
    "signingKey": canary(4),
    "key": canary(5),
    "dsn": canary(6),
    "pin": 471147114711,
    "phrase": canary(7),
    "kept_elsewhere": {"env": "KEPT"},
    "database": f"postgresql://chat:{canary(8)}@db.example/chat?sslpassword={canary(9)}",
    "source": f"host=db.example password='{canary(10)} x' dbname=chat",
    "urls": [f"https://{canary(11)}@shop.example/x", f"https://a.example/?api_key={canary(12)}"],
    "header": f"Authorization: Bearer {canary(13)}",
    "tokens": {canary(14): canary(15)},
    "deep": [{"name": "one", "api_token": canary(16)}],
    "by_name": {"two": {"name": "two", "api_token": canary(17)}},
    "client-secret": canary(18),
    "unknown_secret": canary(19),
    "unknown": {"deeper": [{"Password": canary(20)}], "text": f"whsec_{canary(21)}"},
    "column_key": "order_id",
    "pause": 5,
    "plain_looking": "as it is",
}


def plugin():
    module = ModuleType("vault")
    module.api = 1

    @hookimpl
    def register_config():
        return Section

    module.register_config = register_config
    return module


def tables():
    return {
        "auth": {"growerp": {"url": f"https://me:{canary(30)}@moqui.example"}},
        "users": [
            *users(),
            ZED,
            {"user_id": "u-1", "tenant": "SHOP", "api_key": canary(31), "password": canary(32)},
        ],
        "topics": {"OrderUpdate": {"title": "Order ${orderId}", "link": "/orders/${orderId}"}},
        "retention": {"room": {"days": 3}},
        "plugins": {
            "vault": {key: value for key, value in SECRETS.items() if key != "kept_elsewhere"},
            "order_list": {
                "secret": canary("the-secret-of-the-shop"),
                "tenant": "SHOP",
                "poll": {"url": "sqlite:///shop.db", "query": "SELECT 1", "key": "order_id"},
            },
            "growerp": {"companies": {"SHOP": {"name": "Maas"}, "OTHER": {"name": "Zee"}}},
        },
    }


async def asked(site, name):
    answer = await site.fetch("GET", "/admin/configuration", name=name)
    assert answer.code == 200
    return answer


@pytest.fixture
async def site(logs):
    logs.expect("the source fails")  # there is no shop.db
    async with running_server(tables(), modules=[plugin()]) as running:
        yield running


async def test_no_secret_is_in_the_answer(site):
    text = (await asked(site, "admin")).text
    assert CANARY not in text
    assert "471147114711" not in text
    for name in ("ann", "admin", "zed", "zoe"):
        assert f"key-of-{name}" not in text


async def test_the_rest_is_there_as_it_is_in_force(site):
    found = (await asked(site, "admin")).json
    assert found["file"] is None
    whole = found["configuration"]
    assert list(whole) == list(build({}).__dataclass_fields__)[: len(whole)]
    assert whole["server"]["port"] == 0
    assert whole["store"]["url"].startswith("sqlite:///")
    assert whole["auth"]["growerp"]["url"] == "https://***@moqui.example"
    assert whole["retention"]["room"] == {"messages": 0, "days": 3.0}
    assert whole["topics"]["OrderUpdate"]["title"] == "Order ${orderId}"
    one = next(user for user in whole["users"] if user["user_id"] == "u-1")
    assert (one["api_key"], one["password"], one["login_name"]) == (HIDDEN, HIDDEN, "u-1")
    vault = whole["plugins"]["vault"]
    assert (vault["greeting"], vault["plain_looking"]) == ("hello", "as it is")
    assert (vault["column_key"], vault["pause"]) == ("order_id", 5.0)
    assert vault["client-secret"] == vault["pin"] == vault["tokens"] == HIDDEN
    assert vault["database"] == "postgresql://chat:***@db.example/chat?sslpassword=***"
    assert vault["deep"] == [{"name": "one", "api_token": HIDDEN, "tenant": None}]
    orders = whole["plugins"]["order_list"]
    assert (orders["secret"], orders["poll"]["key"]) == (HIDDEN, "order_id")
    assert orders["snapshot"] == 1000
    assert whole["plugins"]["notifications"] == {}


async def test_of_other_companies_there_is_nothing(site):
    admins = (await asked(site, "admin")).json["configuration"]
    zeds = (await asked(site, "zed")).json["configuration"]
    assert {user["tenant"] for user in admins["users"]} == {"SHOP"}
    assert [user["user_id"] for user in zeds["users"]] == ["u-zoe", "u-zed"]
    assert list(admins["plugins"]["growerp"]["companies"]) == ["SHOP"]
    assert zeds["plugins"]["growerp"]["companies"]["OTHER"]["name"] == "Zee"
    assert "SHOP" not in json.dumps(zeds)
    assert zeds["plugins"]["order_list"] == {}


def section(environ, data, sets=()):
    """Of the plugin vault, as an admin of SHOP sees it."""
    config = build({"plugins": {"vault": data}}, environ=environ, sets=sets)
    values = Section().load(
        {key: str(value) for key, value in config.plugins.section("vault").items()}
    )
    return shown(config, [("vault", Section, values)], "SHOP")["plugins"]["vault"]


def test_what_was_kept_outside_of_the_file_is_a_secret():
    environ = {
        "KEPT": canary(1),
        "TORNADO_CHAT__PLUGINS__VAULT__PLAIN_LOOKING": canary(2),
    }
    data = {"kept_elsewhere": {"env": "KEPT"}, "column_key": {"env": "KEPT"}, "phrase": "x"}
    found = section(environ, data, [f"plugins.vault.header={canary(3)}"])
    assert found["kept_elsewhere"] == found["plain_looking"] == found["header"] == HIDDEN
    assert found["column_key"] == canary(1)  # whose plugin says that it is none


def test_every_secret_of_our_own_keys_is_known():
    """What is left out of a repr is hidden, or looked through."""
    config = build(
        {
            "store": {"url": f"postgresql://u:{canary(1)}@h/d"},
            "engine": {"url": f"redis://:{canary(2)}@h/0"},
            "users": [{"user_id": "u", "tenant": "T", "api_key": "k-0", "password": canary(3)}],
        }
    )
    assert isinstance(config, Config) and isinstance(config.plugins, PluginsConfig)
    found = shown(config, [], "T")
    assert CANARY not in json.dumps(found) and "k-0" not in json.dumps(found)
    assert found["store"]["url"] == "postgresql://u:***@h/d"
    assert found["engine"]["url"] == "redis://:***@h/0"
    assert list(found["plugins"]) == ["directory", "disabled", "call_seconds"]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("postgresql://u:p@ss:w/rd@h/d", "postgresql://u:***@h/d"),
        ("nats://token@h:4222", "nats://***@h:4222"),
        ("http://h:8080/x", "http://h:8080/x"),
        ("https://h/?page=2&token=abc&x=1", "https://h/?page=2&token=***&x=1"),
        ("Server=h;Pwd=abc;Port=1", "Server=h;Pwd=***;Port=1"),
        ('password = "two words"; x', "password = ***; x"),
        ("-----BEGIN PRIVATE KEY-----\nabc", "***"),
        ("Order ${orderId} for ann@shop.example", "Order ${orderId} for ann@shop.example"),
        ("SELECT key FROM orders", "SELECT key FROM orders"),
    ],
)
def test_secrets_in_texts(text, seen):
    assert without_secrets(text) == seen
