"""docs/reference/test-kit.md has every public name of the kit as the code has it, and what it shows runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.signatures import signature
from tornado_chat import testing

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "test-kit.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
PUBLIC = {name: getattr(testing, name) for name in testing.__all__}
CLASSES = {name: value for name, value in PUBLIC.items() if isinstance(value, type)}
PLUGIN, TEST = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def headings(text):
    return re.findall(r"^### (.+)$", text, re.MULTILINE)


def public(kind):
    return {name: value for name, value in vars(kind).items() if not name.startswith("_")}


def test_each_function_has_a_heading_with_its_exact_signature():
    functions = {
        signature(value)
        for name, value in PUBLIC.items()
        if callable(value) and name not in CLASSES
    }
    assert functions <= set(headings(PAGE))


@pytest.mark.parametrize("name", CLASSES)
def test_each_class_has_a_section_with_its_methods(name):
    methods = {signature(value) for value in public(CLASSES[name]).values() if callable(value)}
    assert set(headings(SECTIONS[name])) == methods


@pytest.mark.parametrize("name", CLASSES)
def test_each_attribute_is_named_in_its_section(name):
    kind = CLASSES[name]
    properties = {each for each, value in public(kind).items() if isinstance(value, property)}
    for each in properties | set(getattr(kind, "__annotations__", {})):
        assert re.search(rf"`(\w+\.)?{each}`", SECTIONS[name]), each


def test_each_rule_of_the_contract_is_there_word_for_word():
    rows = dict(re.findall(r"^\| `(.+?)` \| (.+) \|$", PAGE.split("### RULES")[1], re.MULTILINE))
    assert rows == testing.RULES


def test_what_it_shows_runs(tmp_path):
    (tmp_path / "board.py").write_text(PLUGIN)
    (tmp_path / "test_board.py").write_text(TEST)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\npythonpath = .\n"
    )
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "3 passed" in done.stdout, done.stdout
