"""docs/explanation/house.md names every module of the top floor, so that each is found."""

from pathlib import Path

import pytest

import tornado_chat

PACKAGE = Path(tornado_chat.__file__).parent
TEXT = (PACKAGE.parent / "docs" / "explanation" / "house.md").read_text()
ROOMS = [
    path.name
    for path in sorted(PACKAGE.iterdir())
    if path.suffix == ".py" and not path.name.startswith(("__", "cli"))
]
FOLDERS = [path.parent.name for path in sorted(PACKAGE.glob("*/__init__.py"))]


@pytest.mark.parametrize("name", ROOMS)
def test_every_module_has_its_line(name):
    assert name in TEXT


@pytest.mark.parametrize("name", FOLDERS)
def test_every_folder_has_its_line(name):
    assert f"{name}/" in TEXT
