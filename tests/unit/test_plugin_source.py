"""Where plugins are found: real files, in the order of the places."""

import importlib
import logging
import sys

import pytest

from tornado_chat import SetupError
from tornado_chat.config import PluginsConfig
from tornado_chat.plugins import Plugins

LOG = "tornado_chat.plugins"

OURS = ("chat_rooms", "notifications", "order_list", "growerp")


def names(plugins):
    return [plugin.name for plugin in plugins]


def test_files_and_packages_of_the_directory_are_plugins(plugin_file, load_plugins):
    plugin_file("board")
    plugin_file("orders/__init__.py", "from .rows import count\n")
    plugin_file("orders/rows.py", "count = 3\n")
    plugin_file("_shared", "word = 'both'\n")
    plugin_file(".hidden", "raise RuntimeError\n")
    plugin_file("notes", "from ._shared import word\n")
    board = plugin_file("readme")
    board.rename(board.with_suffix(".txt"))
    (board.parent / "empty").mkdir()
    plugins = load_plugins()
    assert names(plugins) == ["board", "notes", "orders"]
    assert {plugin.place for plugin in plugins} == {"directory"}
    assert plugins.get("notes").module.word == "both"
    assert plugins.get("orders").file.endswith("plugins/orders/__init__.py")
    assert plugins.get("nobody") is None
    assert len(plugins) == 3


def test_no_directory_is_no_plugins(load_plugins):
    assert list(load_plugins()) == []


def test_a_directory_that_cannot_be_read_is_said(tmp_path):
    directory = tmp_path / ("x" * 300)  # as good as one that is closed to us, also for root
    with pytest.raises(SetupError, match=r"in plugins.directory: .*: file name too long"):
        Plugins.load(PluginsConfig(directory, (), {}), entry_points=False)


def test_two_servers_share_no_module(plugin_file, load_plugins):
    plugin_file("orders/__init__.py", "from .rows import seen\n")
    plugin_file("orders/rows.py", "seen = []\n")
    first, second = load_plugins(), load_plugins()
    first.get("orders").module.seen.append(1)
    assert second.get("orders").module.seen == []
    assert "orders" not in sys.modules


def test_close_takes_the_modules_out_of_the_interpreter(plugin_file, load_plugins):
    plugin_file("board")
    before = set(sys.modules)
    plugins = load_plugins()
    assert set(sys.modules) - before
    plugins.close()
    assert set(sys.modules) == before


def test_a_load_that_fails_leaves_no_module_behind(plugin_file, refusal):
    plugin_file("board", "raise RuntimeError('no')\n")
    before = set(sys.modules)
    refusal()
    assert not [name for name in set(sys.modules) - before if name.startswith("_tornado_chat")]


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """An installed distribution with the entry point `board`."""
    site = tmp_path / "site"
    info = site / "acme_board-2.5.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-board\nVersion: 2.5\n")
    (info / "entry_points.txt").write_text("[tornado_chat]\nacme = acme_board\n")
    (site / "acme_board.py").write_text("api = 1\n")
    monkeypatch.syspath_prepend(str(site))
    yield "acme"
    sys.modules.pop("acme_board", None)


def test_entry_points_are_plugins(distribution, load_plugins, tmp_path):
    plugins = load_plugins(entry_points=True, disabled=OURS)
    plugin = plugins.get(distribution)
    assert plugin.place == "entry point"
    assert plugin.version == "2.5"
    assert plugin.file == str(tmp_path / "site" / "acme_board.py")


def test_modules_in_code_are_plugins(tmp_path, monkeypatch, load_plugins):
    (tmp_path / "in_code.py").write_text("api = 1\n__version__ = '0.7'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    (plugin,) = load_plugins(modules=[importlib.import_module("in_code")])
    assert (plugin.name, plugin.place, plugin.version) == ("in_code", "code", "0.7")
    del sys.modules["in_code"]


def test_the_first_place_wins_with_one_log_line(distribution, plugin_file, load_plugins, caplog):
    caplog.set_level(logging.INFO, LOG)
    path = plugin_file("acme")
    plugins = load_plugins(entry_points=True, disabled=OURS)
    assert plugins.get("acme").file == str(path)
    (record,) = caplog.records
    assert record.getMessage() == (
        f"plugin 'acme' found twice: loaded from directory ({path}), "
        "passed over in entry point (acme_board)"
    )


def test_a_disabled_plugin_is_not_even_imported(plugin_file, load_plugins, caplog):
    plugin_file("board", "raise RuntimeError\n")
    assert names(load_plugins(disabled=["board"], sections={"board": {"any": 1}})) == []
    assert not caplog.records


def test_disabling_nobody_is_said(load_plugins, caplog):
    load_plugins(disabled=["bord"])
    assert "in plugins.disabled: no plugin 'bord' is there" in caplog.text


@pytest.mark.parametrize("name", ["my-board", "directory", "disabled"])
def test_names_that_cannot_be_named(plugin_file, refusal, name):
    plugin_file(name)
    assert f"{name!r} is no name for a plugin" in refusal()


def test_a_plugin_that_cannot_be_imported_stops_the_start(plugin_file, refusal):
    path = plugin_file("board", "x = 1\nimport nothing_of_this_name\n")
    assert refusal() == (
        "plugin 'board' failed to load: ModuleNotFoundError: "
        f"No module named 'nothing_of_this_name' ({path}:4)"
    )


def test_a_syntax_error_is_named_with_its_line(plugin_file, refusal):
    path = plugin_file("board", "x = \n")
    assert refusal() == f"plugin 'board' failed to load: SyntaxError: invalid syntax ({path}:3)"


def test_a_plugin_may_not_end_the_process_silently(plugin_file, refusal):
    plugin_file("board", "raise SystemExit(0)\n")
    assert "plugin 'board' failed to load: SystemExit: 0" in refusal()
