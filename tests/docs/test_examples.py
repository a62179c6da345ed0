"""Configurations and tests that pages show are good ones."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from support.server import running_server
from tornado_chat.config import load
from tornado_chat.plugins import Plugins

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TOML = [
    pytest.param(page, block, id=f"{page.relative_to(ROOT)}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL))
]


LINKED = re.compile(r"\.\./(examples/\w+/plugins/(\w+\.py))")
SAVED = re.compile(r"Save\s+this\s+as\s+`plugins/(\w+\.py)`.*?```python\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize(("page", "block"), TOML)
def test_a_configuration_passes_the_check(page, block, tmp_path):
    """With the plugins that its page says to save beside it, and those it leads to that it sets."""
    (tmp_path / "plugins").mkdir()
    for path, name in LINKED.findall(page.read_text()):
        if f"plugins.{name.removesuffix('.py')}" in block:
            shutil.copy(ROOT / "docs" / path, tmp_path / "plugins" / name)
    for name, plugin in SAVED.findall(page.read_text()):
        (tmp_path / "plugins" / name).write_text(plugin)
    (tmp_path / "tornado_chat.toml").write_text(block)
    for name in re.findall(r'file = "([\w.]+)"', block):
        (tmp_path / name).write_text("a-secret-of-a-file")
    environ = dict.fromkeys(re.findall(r'env = "(\w+)"', block), "a-value-of-the-environment")
    config = load(tmp_path / "tornado_chat.toml", [], environ)
    plugins = Plugins.load(replace(config.plugins, directory=tmp_path / "plugins"))
    assert len(plugins) >= 4
    plugins.close()


async def test_the_test_that_develop_shows_passes():
    text = (ROOT / "docs" / "how-to" / "develop.md").read_text()
    names = {}
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], names)
    assert names["running_server"] is running_server
    await names["test_a_room_is_for_its_members"]()
