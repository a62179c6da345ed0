"""The names a plugin author uses: one list, and cheap to import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tornado_chat

SOURCE = ast.parse(Path(tornado_chat.__file__).read_text())


def test_all_three_lists_of_names_are_one():
    typed = {
        alias.asname or alias.name: node.module.removeprefix("tornado_chat.")
        for block in SOURCE.body
        if isinstance(block, ast.If)
        for node in block.body
        for alias in node.names
    }
    assert typed == tornado_chat._HOMES
    assert set(tornado_chat.__all__) == set(typed)
    assert dir(tornado_chat) == sorted(tornado_chat.__all__)


@pytest.mark.parametrize("name", tornado_chat.__all__)
def test_every_public_name_is_there(name):
    assert getattr(tornado_chat, name) is not None


def test_what_is_not_public_is_not_there():
    with pytest.raises(AttributeError, match="module 'tornado_chat' has no attribute 'Nobody'"):
        tornado_chat.Nobody  # noqa: B018


def test_importing_the_package_imports_nothing_else():
    script = "import sys, tornado_chat; print([n for n in sys.modules if n.startswith('tornado')])"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "['tornado_chat']"
