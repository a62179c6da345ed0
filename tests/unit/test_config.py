"""Every key by every way in, every fault with its path, and no value in any error."""

import dataclasses
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from marshmallow import Schema, fields, validate

from tornado_chat.config import build, check_section, load
from tornado_chat.config.reference import core_tables, default, toml
from tornado_chat.config.schema import ConfigSchema
from tornado_chat.errors import SetupError

# A value for each key that is neither its default nor wrong; numbers need none.
OTHER = {
    "server.address": "0.0.0.0",
    "server.trusted_proxies": ["10.0.0.0/8"],
    "server.allowed_origins": ["https://shop.example"],
    "server.tls_certificate": "/tls/a.pem",
    "server.tls_key": "/tls/b.pem",
    "server.page": False,
    "store.url": "postgresql://h/d",
    "store.durability": "relaxed",
    "engine.url": "redis://h/1",
    "auth.backends": [],
    "auth.growerp.url": "https://moqui.example",
    "log.level": "debug",
    "log.format": "json",
    "plugins.directory": "/ours",
    "plugins.disabled": ["order_list"],
}
KEYS = {
    f"{table.header[1:-1]}.{key}": field
    for table in core_tables()
    if table.live
    for key, field in table.keys.items()
}
NUMBERS = [key for key, field in KEYS.items() if isinstance(field, fields.Number)]


def other(key):
    return OTHER[key] if key in OTHER else (default(KEYS[key]) or 0) + 1


def beside(key):
    """What else has to stand there for the key to be allowed."""
    pair = {"server.tls_certificate": "server.tls_key", "server.tls_key": "server.tls_certificate"}
    return [f"{pair[key]}=/tls/other.pem"] if key in pair else []


def at(config, key):
    value = config
    for name in key.split("."):
        value = getattr(value, name)
    return value


def same(value):
    """As the tree holds it: tuples and paths."""
    return (
        tuple(value)
        if isinstance(value, list)
        else str(value)
        if isinstance(value, Path)
        else value
    )


def faults(*sets, data=None, environ=None):
    with pytest.raises(SetupError) as caught:
        build(data or {}, sets=sets, environ=environ or {})
    return str(caught.value)


def test_every_table_of_the_design_is_there():
    names = [field.name for field in dataclasses.fields(load(None, [], {}))]
    assert [name for name in names if name not in {"path", "outside"}] == list(
        ConfigSchema().fields
    )


def test_an_empty_file_is_all_defaults(tmp_path):
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    config = load(empty, [], {})
    assert config.server.address == "127.0.0.1"
    assert config.server.port == 8080
    assert config.server.allowed_origins == ("*",)
    assert config.auth.backends == ("local",)
    assert config.auth.key_days == 6
    assert config.limits.frame_bytes == 65536
    assert config.users == ()
    assert config.path == empty
    assert config.folder == tmp_path


@pytest.mark.parametrize("key", KEYS)
def test_key_has_its_default(key):
    value, expected = at(load(None, [], {}), key), default(KEYS[key])
    if key in ("store.url", "plugins.directory"):
        assert str(Path.cwd()) in str(value)
    else:
        assert value == expected
    assert same(other(key)) != same(expected)


@pytest.mark.parametrize("key", KEYS)
def test_key_from_file(key, tmp_path):
    table, _, name = key.rpartition(".")
    file = tmp_path / "chat.toml"
    file.write_text(f"[{table}]\n{name} = {toml(other(key))}\n")
    assert same(at(load(file, beside(key), {}), key)) == same(other(key))


@pytest.mark.parametrize("key", KEYS)
def test_key_from_environment(key):
    name = f"TORNADO_CHAT__{key.upper().replace('.', '__')}"
    value = other(key)
    environ = {name: value if isinstance(value, str) else toml(value)}
    assert same(at(load(None, beside(key), environ), key)) == same(value)


@pytest.mark.parametrize("key", KEYS)
def test_key_from_set(key):
    value = other(key)
    written = value if isinstance(value, str) else toml(value)
    assert same(at(build({}, sets=[f"{key}={written}", *beside(key)]), key)) == same(value)


@pytest.mark.parametrize("key", KEYS)
def test_key_from_secret(key, tmp_path):
    table, _, name = key.rpartition(".")
    value = other(key)
    (tmp_path / "secret").write_text((value if isinstance(value, str) else toml(value)) + "\n")
    file = tmp_path / "chat.toml"
    file.write_text(f"[{table}]\n{name} = {{ file = 'secret' }}\n")
    assert same(at(load(file, beside(key), {}), key)) == same(value)


@pytest.mark.parametrize("key", KEYS)
def test_key_of_the_wrong_kind_is_refused_by_path(key):
    *tables, name = key.split(".")
    data = {name: {"a": 1}}
    for table in reversed(tables):
        data = {table: data}
    expected = "neither true nor false" if other(key) is False else "not a valid "
    assert faults(data=data).startswith(f"in {key}: {expected}")


@pytest.mark.parametrize("key", KEYS)
def test_near_miss_names_the_key(key):
    wrong = key[:-1] + key[-1] * 2
    assert f"in {wrong}: unknown key, did you mean {key}?" in faults(f"{wrong}=1")


@pytest.mark.parametrize("key", NUMBERS)
def test_number_is_never_negative_nor_text_nor_infinite(key):
    for value in ("-1", "many", "inf", "nan", "true"):
        assert faults(f"{key}={value}").startswith(f"in {key}: ")


@pytest.mark.parametrize(
    "key",
    [
        "auth.key_days",
        "auth.growerp.recheck_minutes",
        "auth.growerp.timeout_seconds",
        "auth.growerp.calls_at_once",
        "delivery.ping_seconds",
        "delivery.publish_key_hours",
    ],
)
def test_number_that_may_not_be_zero(key):
    assert faults(f"{key}=0").startswith(f"in {key}: must be greater than")


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("server.port=65536", "less than or equal to 65535"),
        ("server.port=80.5", "not a valid integer"),
        ("server.address=", "empty"),
        ("server.trusted_proxies=nginx", "not an ip address or network"),
        ("server.allowed_origins=shop.example", "neither"),
        ("server.allowed_origins=https://shop.example/", "neither"),
        ("server.allowed_origins=https://*.example", "neither"),
        ("store.url=mysql://h/d", "begins with sqlite, postgresql"),
        ("store.url=sqlite://[", "begins with sqlite, postgresql"),
        ("store.durability=none", "must be one of: full, relaxed"),
        ("engine.url=amqp://h", "begins with memory, redis"),
        ("auth.backends=ldap", "must be one of: local, growerp"),
        ("auth.growerp.url=moqui.example", "begins with http, https"),
        ("log.level=loud", "must be one of: debug"),
        ("log.format=xml", "must be one of: text, json"),
        ("plugins.directory=", "not a path"),
        ("plugins.directory=a\0b", "not a path"),
        ("topics.A.type=loud", "must be one of: info, success, warning, danger"),
        ("topics.A.link=//evil.example", "neither http(s) nor a path"),
        ("topics.A.link=javascript:alert(1)", "neither http(s) nor a path"),
        ("topics.A.receive=yes", "neither true nor false"),
        ("topics.'a:b'.title=x", "not a topic name"),
        ("topics.ALL.title=x", "not a topic name"),
        ("retention.room=3", "unknown key"),
        ("retention.room.days=-1", "must be greater than or equal to 0"),
        ("plugins.order_list=3", "unknown key"),
    ],
)
def test_bounds(setting, text):
    said = faults(setting)
    assert said.startswith("in ")
    assert text in said


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("server.prot", "server.port"),
        ("server.PORT", "server.port"),
        ("sever.port", "server"),
        ("port", "server.port"),
        ("server.level", "log.level"),
        ("auth.growerp.uri", "auth.growerp.url"),
        ("retention.room.mesages", "retention.room.messages"),
        ("topics.OrderUpdate.show_alerts", "topics.OrderUpdate.show_alert"),
        ("plugins.disable", "plugins.disabled"),
    ],
)
def test_near_miss_anywhere(written, meant):
    assert f": unknown key, did you mean {meant}?" in faults(f"{written}=1")


def test_near_miss_in_a_user():
    said = faults(data={"users": [{"user_id": "1", "pasword": "hush"}]})
    assert said == "in users[0].pasword: unknown key, did you mean users[0].password?"


def test_unknown_key_far_from_all_tells_what_there_is():
    assert "known are level, format" in faults("log.xyzzy=1")


def test_all_faults_at_once_each_with_what_set_it():
    said = faults(
        "server.port=-1",
        data={"store": {"durability": "x"}, "users": [{}]},
        environ={"TORNADO_CHAT__LOG__LEVEL": "loud"},
    ).splitlines()
    assert len(said) == 4
    assert "in server.port: " in said[0] and said[0].endswith("(set by --set)")
    assert "in users[0].user_id: missing" in said
    assert any(line.endswith("(set by TORNADO_CHAT__LOG__LEVEL)") for line in said)


def test_set_goes_over_environment_goes_over_file(tmp_path):
    file = tmp_path / "chat.toml"
    file.write_text("[server]\nport = 1\naddress = 'a'\n[log]\nlevel = 'error'\n")
    environ = {"TORNADO_CHAT__SERVER__PORT": "2", "tornado_chat__server__address": "b"}
    config = load(file, ["server.port=3"], environ)
    assert (config.server.port, config.server.address, config.log.level) == (3, "b", "error")


def test_environment_finds_names_in_any_case(tmp_path):
    file = tmp_path / "chat.toml"
    file.write_text("[topics.OrderUpdate]\ntitle = 'a'\n")
    environ = {"TORNADO_CHAT__TOPICS__ORDERUPDATE__TITLE": "b"}
    assert load(file, [], environ).topics["OrderUpdate"].title == "b"


def test_environment_is_that_of_the_process_unless_given(monkeypatch):
    monkeypatch.setenv("TORNADO_CHAT__SERVER__PORT", "9000")
    assert load().server.port == 9000
    assert load(None, [], {}).server.port == 8080


@pytest.mark.parametrize("name", ["TORNADO_CHAT__", "TORNADO_CHAT__SERVER__", "TORNADO_CHAT____X"])
def test_environment_name_without_a_key(name):
    assert faults(environ={name: "1"}) == f"{name}: expected TORNADO_CHAT__SECTION__KEY"


@pytest.mark.parametrize("item", ["", "server.port", "=1", "server..port=1", "a b=1", "a\nb=1"])
def test_set_that_is_no_setting(item):
    assert "expected section.key=value" in faults(item)


def test_set_with_quoted_name():
    config = build({}, sets=['retention."room:100205".days=3'])
    assert config.retention.per["room:100205"].days == 3


@given(st.text(), st.text())
@example("#", "")
@example("[server]#", "")
def test_no_text_does_more_than_be_refused(key, value):
    with suppress(SetupError):
        build({}, sets=[f"{key}={value}"])


@given(st.sampled_from(list(KEYS)), st.text())
def test_no_value_does_more_than_be_refused(key, value):
    with suppress(SetupError):
        build({}, sets=[f"{key}={value}"])


@pytest.mark.parametrize("value", ["9000", "0123", "true", "1.5", "[1]", "'a'", "{a=1}"])
def test_text_stays_text_whatever_it_looks_like(value):
    users = [{"user_id": "1", "password": {"env": "PASSWORD"}}]
    assert build({"users": users}, environ={"PASSWORD": value}).users[0].password == value


def test_lists_with_commas():
    config = build(
        {},
        environ={"TORNADO_CHAT__AUTH__BACKENDS": "local, growerp"},
        sets=["auth.growerp.url=http://m"],
    )
    assert config.auth.backends == ("local", "growerp")


def test_secrets_in_lists_and_in_sections_of_plugins(tmp_path):
    (tmp_path / "secret").write_text("whsec_1\r\n")
    data = {
        "server": {"allowed_origins": [{"env": "SHOP"}]},
        "plugins": {"order_list": {"secret": {"file": "secret"}, "deep": {"er": [{"env": "N"}]}}},
    }
    config = build(data, path=tmp_path / "x.toml", environ={"SHOP": "https://s.example", "N": "7"})
    assert config.server.allowed_origins == ("https://s.example",)

    class Deep(Schema):
        er = fields.List(fields.Integer(strict=True))

    class OrderList(Schema):
        secret = fields.String()
        deep = fields.Nested(Deep)

    section = check_section("plugins.order_list", OrderList, config.plugins.section("order_list"))
    assert section == {"secret": "whsec_1", "deep": {"er": [7]}}


def test_missing_secrets_name_their_key_once(tmp_path):
    users = [{"user_id": {"env": "WHO"}, "password": {"file": "none"}}]
    said = faults(data={"users": users, "plugins": {"x": {"key": {"env": "WHAT"}}}}).splitlines()
    assert said[0] == "in users[0].user_id: no WHO in the environment"
    assert said[1].startswith("in users[0].password: ")
    assert said[1].endswith("none cannot be read: no such file or directory")
    assert said[2] == "in plugins.x.key: no WHAT in the environment"
    assert len(said) == 3


def test_secret_that_is_no_text(tmp_path):
    (tmp_path / "raw").write_bytes(b"\xff")
    with pytest.raises(SetupError, match=r"in log\.level: .*raw is not utf-8"):
        build({"log": {"level": {"file": "raw"}}}, path=tmp_path / "x.toml")


def test_secret_in_a_file_that_cannot_be_named():
    assert faults(data={"log": {"level": {"file": "a\0b"}}}) == "in log.level: not a path"
    assert "in log.level: " in faults(data={"log": {"level": {"file": "~nobody0/x"}}})


def test_table_named_like_a_secret_is_a_table():
    assert "in file: unknown key" in faults(data={"file": {"env": "HOME"}})
    assert "in server.env: unknown key" in faults(data={"server": {"env": "HOME"}})


def test_no_value_in_errors_nor_in_repr():
    users = [
        {"user_id": "1", "api_key": "hush-1", "password": "hush-2"},
        {"user_id": "2", "api_key": "hush-1", "password": 1234567},
        {"user_id": "3", "api_key": "hush 3", "full_name": ""},
    ]
    data = {
        "users": users,
        "store": {"url": "mysql://hush:hush@h/d"},
        "engine": {"url": "hush"},
        "auth": {"backends": "hush", "growerp": {"url": "hush"}},
    }
    assert "hush" not in faults(data=data)
    assert "1234567" not in faults(data=data)
    config = build(
        {
            "users": users[:1],
            "store": {"url": "postgresql://u:hush@h/d"},
            "engine": {"url": "redis://u:hush@h/1"},
            "plugins": {"p": {"secret": "hush"}},
        }
    )
    assert "hush" not in repr(config)


@pytest.mark.parametrize(
    ("name", "one", "two"),
    [("user_id", "7", "7"), ("login_name", "Ann@x", "ann@X"), ("api_key", "k-1", "k-1")],
)
def test_two_users_share_nothing(name, one, two):
    users = [{"user_id": "1", name: one}, {"user_id": "2"}, {"user_id": "3", name: two}]
    assert f"in users[2].{name}: the same as of users[0]" in faults(data={"users": users})


def test_a_login_name_left_out_is_the_user_id():
    users = [{"user_id": "ann"}, {"user_id": "2", "login_name": "ann"}]
    assert "in users[1].login_name: the same as of users[0]" in faults(data={"users": users})


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ({}, "7"),
        ({"login_name": "ann@x"}, "ann@x"),
        ({"login_name": "ann@x", "last_name": "Maas"}, "Maas"),
        ({"first_name": "Ann", "last_name": "Maas"}, "Ann Maas"),
        ({"first_name": "Ann", "full_name": "Annie"}, "Annie"),
    ],
)
def test_a_user_always_has_a_name(user, name):
    assert build({"users": [{"user_id": "7", **user}]}).users[0].full_name == name


@pytest.mark.parametrize("user_id", ["", " ", "a b", "a\n", "x" * 65, 7])
def test_user_id_is_a_name(user_id):
    assert faults(data={"users": [{"user_id": user_id}]}).startswith("in users[0].user_id: not ")


@pytest.mark.parametrize("key", ["a b", "", "k%", "é", "k/1", "a\n"])
def test_api_key_fits_into_a_url(key):
    assert "in users[0].api_key: not" in faults(data={"users": [{"user_id": "1", "api_key": key}]})


def test_tls_needs_both():
    assert faults("server.tls_key=k") == (
        "in server.tls_certificate: missing, since tls_key is given"
    )
    assert "in server.tls_key: missing" in faults("server.tls_certificate=c")


def test_growerp_needs_its_url():
    said = faults("auth.backends=growerp")
    assert said == "in auth.growerp.url: missing, since backends names growerp"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///a.db", "sqlite:///{folder}/a.db"),
        ("sqlite:///data/a.db?timeout=5", "sqlite:///{folder}/data/a.db?timeout=5"),
        ("sqlite:////var/a.db", "sqlite:////var/a.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql:///chat", "postgresql:///chat"),
    ],
)
def test_paths_start_from_the_folder_of_the_file(url, expected, tmp_path):
    sets = [f"store.url={url}", "server.tls_key=k.pem", "server.tls_certificate=/c.pem"]
    config = build({}, path=tmp_path / "chat.toml", sets=sets)
    assert config.store.url == expected.format(folder=tmp_path)
    assert config.server.tls_key == tmp_path / "k.pem"
    assert config.server.tls_certificate == Path("/c.pem")
    assert config.plugins.directory == tmp_path / "plugins"


def test_retention_fills_gaps_and_takes_the_closest_word():
    retention = build(
        {"retention": {"days": 30, "room": {"messages": 9}, "room:1": {"days": 0}}}
    ).retention
    assert (retention.of("orders", "orders:A").messages, retention.of("", "X").days) == (0, 30)
    assert (retention.of("room", "room:2").messages, retention.of("room", "room:2").days) == (9, 30)
    assert (retention.of("room", "room:1").messages, retention.of("room", "room:1").days) == (0, 0)


def test_topics_are_read_whole():
    topic = build({"topics": {"Order Update": {"title": "${a}", "persist": True}}}).topics[
        "Order Update"
    ]
    assert (topic.title, topic.persist, topic.receive, topic.type) == ("${a}", True, True, "info")
    assert (topic.link, topic.description, topic.show_alert) == (None, None, False)


def test_a_plugin_may_be_called_sections():
    config = build({"plugins": {"sections": {"a": 1}}})
    assert config.plugins.section("sections") == {"a": 1}
    assert config.plugins.section("none") == {}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"[server\nport = 1", "not toml: "),
        (b"\xff\xfe", "not utf-8"),
        (None, "cannot be read: no such file or directory"),
    ],
)
def test_file_that_is_none(content, text, tmp_path):
    file = tmp_path / "chat.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SetupError) as caught:
        load(file, [], {})
    assert str(caught.value).startswith(f"{file}: {text}")


def test_file_with_a_mark_of_byte_order(tmp_path):
    file = tmp_path / "chat.toml"
    file.write_bytes(b"\xef\xbb\xbf[server]\nport = 1\n")
    assert load(file, [], {}).server.port == 1


class Part(Schema):
    size = fields.Integer(required=True, validate=validate.Range(min=1))


class Whole(Schema):
    name = fields.String(required=True)
    parts = fields.Dict(fields.String(), fields.Nested(Part))
    rows = fields.List(fields.Nested(Part))
    many = fields.Nested(Part, many=True)
    keep = fields.String(data_key="keep-it", load_default="yes")


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({}, "in plugins.p.name: missing"),
        ({"name": "a", "nam": 1}, "in plugins.p.nam: unknown key, did you mean plugins.p.name?"),
        ({"name": 1}, "in plugins.p.name: not a valid string"),
        ({"name": "a", "parts": {"x": {}}}, "in plugins.p.parts.x.size: missing"),
        ({"name": "a", "parts": {"x y": 3}}, 'in plugins.p.parts."x y": not a table'),
        (
            {"name": "a", "rows": [{"size": 1}, {"siz": 1, "size": 1}]},
            "in plugins.p.rows[1].siz: unknown key, did you mean plugins.p.rows[1].size?",
        ),
        (
            {"name": "a", "many": [{"size": 0}]},
            "in plugins.p.many[0].size: must be greater than or equal to 1",
        ),
        (
            {"name": "a", "keep-i": "b"},
            "in plugins.p.keep-i: unknown key, did you mean plugins.p.keep-it?",
        ),
    ],
)
def test_section_of_a_plugin_is_told_its_faults_in_the_same_way(section, said):
    with pytest.raises(SetupError) as caught:
        check_section("plugins.p", Whole, section)
    assert str(caught.value) == said


def test_section_of_a_plugin_is_given_its_defaults():
    assert check_section("plugins.p", Whole(), {"name": "a"}) == {"name": "a", "keep": "yes"}


def test_section_of_a_plugin_without_a_schema():
    assert check_section("plugins.p", None, {}) == {}
    with pytest.raises(SetupError, match=r"^in plugins\.p\.a: unknown key$"):
        check_section("plugins.p", None, {"a": 1})


def test_values_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        load(None, [], {}).server.port = 1


class Digits(Schema):
    secret = fields.String()
    port = fields.Integer(strict=True)


def test_what_comes_from_outside_for_a_plugin_is_read_as_its_schema_says():
    """A password of digits stays a text."""
    pointed = {"secret": {"env": "CODE"}, "port": {"env": "CODE"}}
    config = build({"plugins": {"shop": pointed}}, environ={"CODE": "12345678"})
    section = check_section("plugins.shop", Digits, config.plugins.section("shop"))
    assert section == {"secret": "12345678", "port": 12345678}
