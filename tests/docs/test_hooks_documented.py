"""docs/reference/hooks.md and tornado_chat/hookspecs.py say the same, and the examples load."""

import inspect
import re
from pathlib import Path

import pytest

from tornado_chat import hookspecs
from tornado_chat.config import PluginsConfig
from tornado_chat.plugins import Plugins
from tornado_chat.plugins.checks import MAY_BE_ASYNC, SPECS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "hooks.md").read_text()
SECTIONS = dict(re.findall(r"^### (\w+)\([^)]*\)\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S))
HEADINGS = re.findall(r"^### (.+)$", PAGE, re.M)
EXAMPLE = re.compile(r"```python\n(.*?)```", re.S)


def test_each_hook_has_one_heading_with_its_exact_signature():
    assert [f"{name}({', '.join(arguments)})" for name, arguments in SPECS.items()] == HEADINGS


@pytest.mark.parametrize("name", SPECS)
def test_each_hook_says_what_it_is(name):
    assert inspect.getdoc(getattr(hookspecs, name))


@pytest.mark.parametrize("name", SPECS)
def test_the_page_says_who_may_be_async(name):
    says = re.search(r"\bMay be\s+async|An observer, as", SECTIONS[name]) is not None
    assert says == (name in MAY_BE_ASYNC)


@pytest.mark.parametrize("name", SPECS)
def test_the_example_of_a_hook_is_a_plugin_that_has_it(name, tmp_path):
    [example] = EXAMPLE.findall(SECTIONS[name])
    (tmp_path / "example.py").write_text(example)
    plugins = Plugins.load(PluginsConfig(tmp_path, (), {}), entry_points=False)
    [plugin] = plugins
    assert set(plugin.hooks) == {name}
    plugins.close()


def test_the_first_example_loads_where_its_requirement_is_there(tmp_path):
    (tmp_path / "board.py").write_text(EXAMPLE.search(PAGE)[1])
    (tmp_path / "notifications.py").write_text("api = 1\n")
    plugins = Plugins.load(PluginsConfig(tmp_path, (), {}), entry_points=False)
    assert [plugin.name for plugin in plugins] == ["notifications", "board"]
    plugins.close()
