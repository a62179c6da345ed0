"""What pages show of files that run is what those files have; examples lie where users have theirs."""

import re
from pathlib import Path

import pytest

from support.slices import SLICE, cut, filled, pages
from tornado_chat.config import load

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_the_page_is_as_generated(page):
    text = page.read_text()
    assert filled(text) == text, "run `make docs`"
    assert len(SLICE.findall(text)) == text.count("\n<!-- slice "), "a slice without its fence"


def test_a_slice_is_the_file_or_what_is_named_in_it():
    board = "docs/examples/board/plugins/board.py"
    assert cut(board, []) == (ROOT / board).read_text()
    both = "api = 1\n\n\n@hookimpl\ndef register_topics():\n    return [Board()]\n"
    assert cut(board, ["api", "register_topics"]) == both
    with pytest.raises(SystemExit, match="has no register_nothing"):
        cut(board, ["register_nothing"])
    page = f"before\n<!-- slice {board} api -->\n```python\nold\n```\nafter\n"
    assert filled(page) == page.replace("old", "api = 1")


def test_the_plugin_of_the_tutorial_has_at_most_25_lines():
    page = (ROOT / "docs" / "tutorial" / "02-first-plugin.md").read_text()
    shown = [found[4] for found in SLICE.finditer(page) if found[2].endswith("/board.py")]
    whole = (EXAMPLES / "board" / "plugins" / "board.py").read_text()
    assert whole in shown
    count = len([line for line in whole.splitlines() if line.strip()])
    assert count <= 25
    assert f" {count} lines" in page
    assert f" {count} lines" in (ROOT / "docs" / "tutorial" / "01-first-look.md").read_text()


@pytest.mark.parametrize(
    "folder",
    [each.parent for each in sorted(EXAMPLES.glob("*/plugins"))],
    ids=lambda each: each.name,
)
def test_each_example_is_tested_and_shown(folder):
    """A folder with `plugins`, as it lies beside a configuration, and `tests`."""
    assert list(folder.glob("plugins/**/*.py"))
    assert list(folder.glob("tests/test_*.py"))
    text = "\n".join(page.read_text() for page in pages())
    assert f"examples/{folder.name}/" in text


def test_the_tests_of_examples_are_run():
    found = re.search(r"^testpaths = (.*)$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert '"docs/examples"' in found[1]


@pytest.mark.parametrize("file", sorted(EXAMPLES.rglob("tornado_chat.toml")), ids=str)
def test_the_configuration_of_an_example_is_good(file):
    assert load(file, [], {})
