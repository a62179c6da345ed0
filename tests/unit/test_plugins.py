"""The plugin host: what it does with what hooks answer and raise; each hook itself is in tests/reference."""

import asyncio
from dataclasses import replace
from textwrap import dedent

import pytest

from tornado_chat import (
    Credentials,
    Denied,
    Draft,
    Identity,
    Message,
    SetupError,
    Topic,
    Unauthorized,
)
from tornado_chat.plugins.providers import Registry

ROOM = Topic("SHOP", "room", "1")

ANN = Identity("100021", "SHOP", "Ann Maas")


def message(offset=1, **data):
    return Message(offset, "e", ROOM, offset, 0, data)


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


SCHEMA = """
    from marshmallow import Schema, fields

    class Section(Schema):
        snapshot = fields.Integer(load_default=1000)
        tenant = fields.String()

    @hookimpl
    def register_config():
        return Section
"""

DRAFT = Draft(ROOM, {"content": "the text"}, sender="100021")

AUTHENTICATE = """
    @hookimpl
    {kind} authenticate(credentials):
        if credentials.key == "{key}":
            return Identity("{name}", "SHOP", "Somebody")
        if credentials.key == "ended":
            raise Unauthorized("over")
        if credentials.key == "crash":
            raise OSError(credentials.key)
        if credentials.key == "odd":
            return "Ann"
"""

SESSIONS = """
    seen = []

    @hookimpl
    def session_opened(session):
        seen.append(session)

    @hookimpl
    async def session_closed(session, code):
        seen.append((session, code))
"""


def test_a_section_is_checked_and_completed_by_its_schema(plugin_file, load_plugins):
    plugin_file("board", SCHEMA + "    @hookimpl\n    def startup(config): return config\n")
    plugin = load_plugins({"board": {"tenant": "SHOP"}}).get("board")
    assert plugin.config == {"snapshot": 1000, "tenant": "SHOP"}
    assert plugin.schema is plugin.module.Section
    assert load_plugins().get("board").config == {"snapshot": 1000}


def test_boot_hooks_get_what_they_declare_and_their_own_section(plugin_file, load_plugins):
    plugin_file("a", SCHEMA + "    @hookimpl\n    def register_routes(config): return [config]\n")
    plugin_file("b", "@hookimpl\ndef register_routes(server): return [server]\n")
    plugin_file("c", "@hookimpl\ndef register_routes(): return None\n")
    plugin_file("d")
    results = load_plugins({"a": {"snapshot": 7}}).call_each("register_routes", server="the server")
    assert [(plugin.name, result) for plugin, result in results] == [
        ("a", [{"snapshot": 7}]),
        ("b", ["the server"]),
        ("c", []),
    ]


def test_a_failure_at_boot_names_plugin_hook_file_and_line(plugin_file, load_plugins):
    path = plugin_file(
        "order_list",
        """
        from pathlib import Path

        @hookimpl
        def register_routes(server):
            return helper()

        def helper():
            return Path(None)
        """,
    )
    with pytest.raises(SetupError) as caught:
        load_plugins().call_each("register_routes", server=None)
    text = str(caught.value)
    assert text.startswith("plugin 'order_list' failed in register_routes: TypeError: ")
    assert text.endswith(f"({path}:11)")


def test_a_setup_error_of_a_plugin_keeps_its_text(plugin_file, load_plugins):
    path = plugin_file("a", "@hookimpl\ndef register_routes(): raise SetupError('no url')\n")
    with pytest.raises(SetupError) as caught:
        load_plugins().call_each("register_routes", server=None)
    assert str(caught.value) == f"plugin 'a' failed in register_routes: no url ({path}:4)"


@pytest.mark.parametrize(
    ("answer", "text"),
    [("'abc'", "gave str, expected a list"), ("asyncio.sleep(0)", "gave an awaitable")],
)
def test_boot_hooks_answer_lists(plugin_file, load_plugins, answer, text):
    plugin_file("a", f"import asyncio\n@hookimpl\ndef register_routes(): return {answer}\n")
    with pytest.raises(SetupError, match=text):
        load_plugins().call_each("register_routes", server=None)


MODEL = """
    import peewee

    class Note(StoreModel):
        text = peewee.TextField()
        class Meta:
            table_name = "board_note"

    @hookimpl
    def register_models():
        return [Note]
"""


def test_two_plugins_with_one_table_are_named(plugin_file, load_plugins):
    plugin_file("board", MODEL)
    plugin_file("other", MODEL)
    with pytest.raises(
        SetupError, match="plugins 'board' and 'other' both have a table board_note"
    ):
        load_plugins().models()


def test_models_are_of_the_store(plugin_file, load_plugins):
    plugin_file("board", MODEL.replace("(StoreModel)", "(peewee.Model)"))
    with pytest.raises(SetupError, match="plugin 'board' failed in register_models: gave"):
        load_plugins().models()


def test_a_folder_of_migrations_must_be_there(plugin_file, load_plugins, tmp_path):
    plugin_file("board/__init__.py", "@hookimpl\ndef register_migrations(): return 'migrations'\n")
    plugin_file("none", "@hookimpl\ndef register_migrations(): return None\n")
    with pytest.raises(SetupError, match="gave migrations, which is no folder"):
        load_plugins().migrations()
    folder = tmp_path / "plugins" / "board" / "migrations"
    folder.mkdir()
    assert load_plugins().migrations() == [("board", folder)]


TOPICS = """
    class Board(TopicProvider):
        kind = "board"

    @hookimpl
    def register_topics(server, config):
        return [Board()]
"""


def test_a_kind_claimed_twice_names_both(plugin_file, load_plugins):
    plugin_file("board", TOPICS)
    plugin_file("other", TOPICS)
    with pytest.raises(SetupError, match="plugins 'board' and 'other' both claim topics of the"):
        load_plugins().provide_topics(None, Registry())


def test_a_provider_is_an_object_not_a_class(plugin_file, load_plugins):
    plugin_file("board", TOPICS.replace("Board()", "Board"))
    with pytest.raises(SetupError, match="plugin 'board': register_topics gave <class"):
        load_plugins().provide_topics(None, Registry())


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (
            "async def authorize(self, identity, topic): ...",
            r"given identity, action, topic: too many",
        ),
        (
            "async def receive(self, identity, topic, data, key): ...",
            r"data: missing a required .*key",
        ),
        ("async def append_in(self, tx, draft): ...", r"append_in may not be async"),
        ("async def start(self, server): ...", r"start is given nothing: missing a required"),
        ("data_schema = 7", r"data_schema is 7, expected None or a marshmallow schema"),
    ],
)
def test_a_provider_that_cannot_be_called_is_refused(plugin_file, load_plugins, line, text):
    kind = 'kind = "board"'
    assert kind in TOPICS
    plugin_file("board", TOPICS.replace(kind, f"{kind}\n        {line}"))
    with pytest.raises(SetupError, match=rf"plugin 'board'.*: Board\..*{text}"):
        load_plugins().provide_topics(None, Registry())


SHUTDOWN = """
    import asyncio

    @hookimpl
    async def startup(server):
        server.append("+{name}")

    @hookimpl
    async def shutdown(server):
        server.append("-{name}")
        {then}
"""


async def test_shutdown_is_in_reverse_order_and_once(plugin_file, load_plugins, caplog):
    plugin_file("a", SHUTDOWN.format(name="a", then=""))
    plugin_file("b", SHUTDOWN.format(name="b", then="raise RuntimeError('secret')"))
    plugin_file("c", SHUTDOWN.format(name="c", then="").replace("async ", ""))
    plugins, calls = load_plugins(), []
    await plugins.acall_each("startup", server=calls)
    await plugins.acall_each("shutdown", server=calls)
    assert calls == ["+a", "+b", "+c", "-c", "-b", "-a"]
    assert "plugin 'b' failed in shutdown: RuntimeError" in caplog.text
    assert "secret" not in caplog.text
    await plugins.acall_each("shutdown", server=calls)
    assert len(calls) == 6


async def test_a_shutdown_that_hangs_does_not_keep_the_others(
    plugin_file, load_plugins, caplog, monkeypatch
):
    monkeypatch.setattr("tornado_chat.plugins.SHUTDOWN_SECONDS", 0.02)
    plugin_file("a", SHUTDOWN.format(name="a", then=""))
    plugin_file("b", SHUTDOWN.format(name="b", then="await asyncio.sleep(60)"))
    plugins, calls = load_plugins(), []
    await plugins.acall_each("startup", server=calls)
    await plugins.acall_each("shutdown", server=calls)
    assert calls[-1] == "-a"
    assert "plugin 'b' failed in shutdown: TimeoutError" in caplog.text


async def test_a_startup_that_fails_stops_and_those_before_it_are_shut_down(
    plugin_file, load_plugins
):
    plugin_file("a", SHUTDOWN.format(name="a", then=""))
    path = plugin_file(
        "b", SHUTDOWN.format(name="b", then="").replace("server.append(", "server.add(", 1)
    )
    plugin_file("c", SHUTDOWN.format(name="c", then=""))
    plugins, calls = load_plugins(), []
    with pytest.raises(SetupError) as caught:
        await plugins.acall_each("startup", server=calls)
    assert str(caught.value).startswith("plugin 'b' failed in startup: AttributeError: ")
    assert str(caught.value).endswith(f"({path}:8)")
    await plugins.acall_each("shutdown", server=calls)
    assert calls == ["+a", "-a"]


def test_a_filter_leaves_changes_or_refuses(plugin_file, load_plugins):
    plugin_file(
        "polite",
        """
        from dataclasses import replace

        @hookimpl
        def filter_message(message):
            if "rude" in message.data["content"]:
                raise Denied("be kind")
            if message.data["content"] == "loud":
                return replace(message, data={"content": "soft"})
        """,
    )
    plugins = load_plugins()
    assert plugins.filter(DRAFT) is DRAFT
    assert plugins.filter(replace(DRAFT, data={"content": "loud"})).data == {"content": "soft"}
    with pytest.raises(Denied, match="be kind"):
        plugins.filter(replace(DRAFT, data={"content": "rude"}))
    assert plugins.get("polite").failures == {}


async def test_only_false_and_denied_veto(plugin_file, load_plugins):
    plugin_file(
        "hours",
        """
        @hookimpl
        async def authorize(identity, action, topic):
            if topic.key == "said":
                raise Denied("closed at night")
            return {"open": True, "shut": False, "none": None, "empty": []}[topic.key]
        """,
    )
    plugins = load_plugins()
    for key in ("open", "none", "empty"):
        await plugins.veto(ANN, "publish", Topic("SHOP", "room", key))
    with pytest.raises(Denied, match="publish room:shut: not allowed"):
        await plugins.veto(ANN, "publish", Topic("SHOP", "room", "shut"))
    with pytest.raises(Denied, match="closed at night"):
        await plugins.veto(ANN, "publish", Topic("SHOP", "room", "said"))


async def test_the_first_who_knows_the_credentials_wins(plugin_file, load_plugins):
    plugin_file("a", AUTHENTICATE.format(kind="async def", key="of-a", name="a"))
    plugin_file("b", AUTHENTICATE.format(kind="def", key="of-b", name="b"))
    plugins = load_plugins()

    async def who(key):
        identity = await plugins.authenticate(Credentials(key=key))
        return identity and identity.user_id

    assert [await who(key) for key in ("of-a", "of-b", "else")] == ["a", "b", None]
    with pytest.raises(Unauthorized, match="over"):
        await who("ended")


async def test_observers_are_told_after_the_answer_and_in_order(plugin_file, load_plugins):
    plugin_file("a", "seen = []\n@hookimpl\ndef message_published(message): seen.append(message)\n")
    plugin_file(
        "b", "seen = []\n@hookimpl\nasync def message_published(message): seen.append(message)\n"
    )
    plugins = load_plugins()
    messages = [message(offset) for offset in range(1, 50)]
    for each in messages:
        plugins.observers.tell("message_published", message=each)
    assert plugins.get("a").module.seen == []  # after the answer, not before
    await until(lambda: all(plugin.module.seen == messages for plugin in plugins))


async def test_sessions_and_messages_are_told_in_one_order(plugin_file, load_plugins):
    plugin_file("a", SESSIONS)
    plugins = load_plugins()
    plugins.observers.tell("session_opened", session="s1")
    plugins.observers.tell("session_closed", session="s1", code=1001)
    plugins.observers.tell("session_opened", session="s2")
    plugins.observers.tell("message_published", message=message())
    await until(lambda: plugins.get("a").module.seen == ["s1", ("s1", 1001), "s2"])


def test_describe_says_all_that_the_command_shows(plugin_file, load_plugins):
    path = plugin_file("board", "__version__ = '1.2'\n" + dedent(TOPICS))
    assert load_plugins().describe() == [
        {
            "name": "board",
            "version": "1.2",
            "place": "directory",
            "file": str(path),
            "requires": [],
            "hooks": ["register_topics"],
            "kinds": [],
            "mount": "/plugins/board",
            "failures": {},
            "calls": {},
            "lost_events": 0,
            "waiting_events": 0,
            "delayed_writes": 0,
            "waiting_writes": 0,
        }
    ]
