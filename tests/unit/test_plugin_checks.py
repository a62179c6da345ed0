"""What must be right about a plugin, and what is said where it is not."""

import sys

import pytest

from tornado_chat import (
    Unauthorized,
)
from tornado_chat.plugins.checks import MAY_BE_ASYNC, SPECS

OURS = ("chat_rooms", "notifications", "order_list", "growerp")


def names(plugins):
    return [plugin.name for plugin in plugins]


async def unknown():
    raise Unauthorized("key not known")


def test_missing_api_says_which_line_to_add(plugin_file, refusal):
    path = plugin_file("board", head="")
    assert refusal() == (
        f"plugin 'board' ({path}): it does not say for which interface it is made; "
        "add the line: api = 1"
    )


def test_another_api_stops_the_start(plugin_file, refusal):
    path = plugin_file("board", head="api = 2\n")
    assert refusal() == f"plugin 'board' ({path}): made for api 2, this server has api 1"


def test_requires_orders_and_keeps_the_order_else(plugin_file, load_plugins):
    plugin_file("a", 'requires = ["d"]')
    plugin_file("b")
    plugin_file("c", 'requires = ["a", "b"]')
    plugin_file("d")
    assert names(load_plugins()) == ["d", "a", "b", "c"]


def test_a_missing_requirement_names_both(plugin_file, refusal):
    plugin_file("orders", 'requires = ["notification"]')
    plugin_file("notifications")
    assert refusal() == (
        "plugin 'orders' requires 'notification', which is not installed, "
        "did you mean 'notifications'?"
    )


def test_a_disabled_requirement_says_so(plugin_file, refusal):
    plugin_file("orders", 'requires = ["notifications"]')
    plugin_file("notifications")
    text = refusal(disabled=["notifications"])
    assert text == "plugin 'orders' requires 'notifications', which is disabled"


def test_a_ring_of_requirements_is_named(plugin_file, refusal):
    plugin_file("a", 'requires = ["b"]')
    plugin_file("b", 'requires = ["c"]')
    plugin_file("c", 'requires = ["b"]')
    assert refusal() == "plugins 'c' and 'b' require each other: b -> c -> b"


def test_requires_must_be_a_list(plugin_file, refusal):
    path = plugin_file("a", 'requires = "b"')
    assert refusal() == f"plugin 'a' ({path}): requires: expected a list of names"


def test_a_misspelt_hook_names_plugin_and_nearest(plugin_file, refusal):
    path = plugin_file("board", "@hookimpl\ndef register_topcis():\n    return []\n")
    assert refusal() == (
        f"plugin 'board' ({path}:3): no such hook: register_topcis, did you mean 'register_topics'?"
    )


def test_an_optional_hook_may_be_unknown(plugin_file, load_plugins):
    plugin_file("board", "@hookimpl(optionalhook=True)\ndef of_api_2():\n    return []\n")
    assert load_plugins().get("board").hooks == {}


def test_a_hook_without_its_mark_is_not_passed_over(plugin_file, refusal):
    path = plugin_file("board", "def startup(server):\n    pass\n")
    assert refusal() == f"plugin 'board' ({path}:3): startup() lacks its @hookimpl"


def test_an_argument_nobody_gives_is_named(plugin_file, refusal):
    path = plugin_file("board", "@hookimpl\ndef startup(srever):\n    pass\n")
    assert refusal() == (
        f"plugin 'board' ({path}:3): startup is given server, config, it has no argument 'srever'"
    )


def test_wrappers_are_refused(plugin_file, refusal):
    plugin_file("board", "@hookimpl(wrapper=True)\ndef startup():\n    yield\n")
    assert "startup may not be a wrapper" in refusal()


@pytest.mark.parametrize("hook", sorted(set(SPECS) - MAY_BE_ASYNC))
def test_only_some_hooks_may_be_async(plugin_file, refusal, hook):
    plugin_file("board", f"@hookimpl\nasync def {hook}():\n    pass\n")
    assert f"{hook} may not be async" in refusal()


@pytest.mark.parametrize("hook", sorted(SPECS))
def test_every_hook_may_declare_all_or_nothing(plugin_file, load_plugins, hook):
    plugin_file("all", f"@hookimpl\ndef {hook}({', '.join(SPECS[hook])}): pass\n")
    plugin_file("nothing", f"@hookimpl\ndef {hook}(): pass\n")
    plugin_file("rest", f"@hookimpl\ndef {hook}(**rest): pass\n")
    plugin_file("star", f"@hookimpl\ndef {hook}(*, mine=1): pass\n")
    plugins = load_plugins()
    assert [plugin.hooks[hook].arguments for plugin in plugins] == [
        SPECS[hook],
        (),
        SPECS[hook],
        (),
    ]


def test_a_specname_may_be_given(plugin_file, load_plugins):
    plugin_file("board", "@hookimpl(specname='startup')\ndef begin(server): pass\n")
    assert list(load_plugins().get("board").hooks) == ["startup"]


def test_one_module_cannot_be_two_plugins(tmp_path, monkeypatch, refusal, plugin_file):
    (tmp_path / "twin.py").write_text("api = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    info = tmp_path / "twins-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: twins\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[tornado_chat]\none = twin\ntwo = twin\n")
    assert "plugin 'two'" in refusal(entry_points=True, disabled=OURS)
    del sys.modules["twin"]


SCHEMA = """
    from marshmallow import Schema, fields

    class Section(Schema):
        snapshot = fields.Integer(load_default=1000)
        tenant = fields.String()

    @hookimpl
    def register_config():
        return Section
"""


def test_an_unknown_key_of_a_section_is_named(plugin_file, refusal):
    plugin_file("board", SCHEMA)
    text = refusal({"board": {"snapshots": 5}})
    assert "in plugins.board.snapshots: unknown key, did you mean plugins.board.snapshot?" in text


def test_a_section_for_nobody_names_the_nearest(plugin_file, refusal):
    plugin_file("board", SCHEMA)
    assert refusal({"bord": {}}) == (
        "in plugins.bord: no such plugin is installed, did you mean 'board'?"
    )


def test_a_section_for_a_plugin_without_settings(plugin_file, refusal):
    plugin_file("board")
    text = refusal({"board": {"snapshot": 5}})
    assert text == "in plugins.board: this plugin has no settings, but for mount"


def test_what_is_no_schema_is_refused(plugin_file, refusal):
    plugin_file("board", "@hookimpl\ndef register_config(): return {}\n")
    text = refusal()
    assert (
        "plugin 'board' failed in register_config: gave {}, expected a marshmallow schema" in text
    )


def test_the_configuration_may_grant_the_root(plugin_file, load_plugins, refusal):
    plugin_file("board")
    assert load_plugins().get("board").mount == "/plugins/board"
    assert load_plugins({"board": {"mount": "/"}}).get("board").mount == ""
    assert refusal({"board": {"mount": "/erp"}}) == (
        'in plugins.board.mount: only "/" or "/plugins/board" may stand here'
    )


def test_no_plugin_gives_itself_the_root(plugin_file, load_plugins):
    plugin_file(
        "board",
        """
        from marshmallow import Schema, fields
        class Settings(Schema):
            mount = fields.String(load_default="/")
        @hookimpl
        def register_config(): return Settings
        """,
    )
    assert load_plugins().get("board").mount == "/plugins/board"


def test_the_default_configuration_grants_the_root_to_growerp(plugin_file, load_plugins):
    plugin_file("growerp")
    assert load_plugins().get("growerp").mount == ""
    assert load_plugins({"growerp": {"mount": "/plugins/growerp"}}).get("growerp").mount == (
        "/plugins/growerp"
    )
