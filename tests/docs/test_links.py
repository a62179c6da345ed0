"""Every link of the documentation leads to a file of the project, and to a heading where it says so."""

import re
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def named(path):
    return str(path.relative_to(ROOT))


def anchors(page):
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links(page):
    for target in LINK.findall(page.read_text()):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        assert path.is_relative_to(ROOT), f"{named(page)}: {target} leads out of the project"
        assert path.exists(), f"{named(page)}: {target} is not there"
        if anchor:
            assert anchor in anchors(path), f"{named(page)}: {target}"


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text()
    for page in PAGES[2:]:
        name = str(page.relative_to(ROOT / "docs"))
        assert name == "README.md" or f"]({name})" in index, name


def test_the_distribution_takes_every_page_and_nothing_but_files():
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    taken = {
        path
        for folder, patterns in [
            *((ROOT, each) for each in setup["options.data_files"].values()),
            (ROOT / "docs", setup["options.package_data"]["tornado_chat_docs"]),
            (ROOT / "docs", setup["options.package_data"]["*"]),
        ]
        for pattern in patterns.replace(",", " ").split()
        for path in folder.glob(pattern)
    }
    assert all(path.is_file() for path in taken)
    files = (ROOT / "docs").rglob("*")
    pages = {path for path in files if path.is_file() and "__pycache__" not in path.parts}
    assert pages | {ROOT / "README.md", ROOT / "CHANGELOG.md"} <= taken | {
        ROOT / "docs/__init__.py"
    }
