"""`tornado-chat docs`: the pages as they were installed, as text and as HTML."""

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath

import pytest

from support.process import run
from tornado_chat.handbook import KINDS, Handbook, Page
from tornado_chat.html_pages import html_path, write

DOCS = Path(__file__).parents[2] / "docs"
HANDBOOK = Handbook()


class Reader(HTMLParser):
    """What an HTML page links to, and what can be linked to in it."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids, self.open = [], Counter(), []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.links += [attrs[name] for name in ("href", "src") if name in attrs]
        self.ids.update([attrs["id"]] if "id" in attrs else [])
        if tag not in {"meta", "link", "hr", "br", "img"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)  # only of those that hold nothing

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("html")
    write(HANDBOOK, folder)
    return {path: Reader(path.read_text()) for path in folder.rglob("*.html")}


async def test_command_docs():
    status, out, err = await run("docs")
    assert (status, err) == (0, "")
    assert [line for line in out.splitlines() if line.startswith(tuple(map(str.title, KINDS)))]
    for page in HANDBOOK.pages:
        assert re.search(rf"^  {page.name} +{re.escape(page.about)}$", out, re.MULTILINE)
    there = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}
    assert {str(page.path) for page in HANDBOOK.pages} == there - {"README.md"}


def test_every_page_is_of_a_kind_and_has_a_name_of_its_own():
    assert {page.kind for page in HANDBOOK.pages} == set(KINDS)
    assert max(Counter(page.name for page in HANDBOOK.pages).values()) == 1


@pytest.mark.parametrize("name", ["hooks", "reference/hooks", "docs/reference/hooks.md"])
async def test_it_shows_a_page(name):
    status, out, err = await run("docs", name)
    assert (status, err) == (0, "")
    assert out.strip() == (DOCS / "reference" / "hooks.md").read_text().strip()


async def test_it_lists_and_shows_the_examples():
    _, out, _ = await run("docs")
    files = [str(path.relative_to(DOCS)) for path in (DOCS / "examples").rglob("*.py")]
    assert [line.strip() for line in out.splitlines() if line.endswith(".py")] == sorted(files)
    for name in files[:1]:
        status, out, _ = await run("docs", name)
        assert (status, out.strip()) == (0, (DOCS / name).read_text().strip())


def test_what_is_only_for_make_docs_is_not_shown():
    assert not [page.name for page in HANDBOOK.pages if "\n<!--" in page.text]


async def test_a_page_that_is_not_there_names_the_nearest():
    status, out, err = await run("docs", "hoks")
    said = "error: no page is named 'hoks', did you mean 'hooks'? (all: tornado-chat docs)\n"
    assert (status, out, err) == (1, "", said)


async def test_it_finds_text_in_any_case():
    status, out, err = await run("docs", "--search", "CONTIGUOUS OR NOT, Finds Nothing")
    assert (status, out) == (1, "")
    assert err == "error: no page has 'CONTIGUOUS OR NOT, Finds Nothing' in one section\n"
    status, out, _ = await run("docs", "--search", "REGISTER_TOPICS(SERVER")
    assert status == 0
    assert (
        "hooks: register_topics(server, config)\n    ### register_topics(server, config)\n" in out
    )


def test_it_finds_words_that_stand_in_one_section_the_best_first():
    page = Page(PurePosixPath("how-to/keys.md"), "Keys", "")
    text = (
        "# Far\nkeys\n\nred\n# Near\nkeys that are red\n# As it is\nall Red\nKeys\n# Blue\nkeys\n"
    )
    vars(page)["text"] = text + "# Keys: red\nthese\n"
    handbook = Handbook()
    handbook.pages = [page]
    found = [(each.heading, each.lines) for each in handbook.search("RED  keys")]
    assert found == [
        ("Keys: red", ["# Keys: red"]),
        ("As it is", ["all Red", "Keys"]),
        ("Near", ["keys that are red"]),
        ("Far", ["keys", "red"]),
    ]


def test_a_comment_in_code_is_no_heading():
    headings = {heading for page in HANDBOOK.pages for heading, _lines in page.sections()}
    assert "mkdir /etc/tornado-chat" not in headings


async def test_it_writes_all_pages_as_html(tmp_path):
    status, out, err = await run("docs", "hooks", "--html", tmp_path / "new")
    assert (status, err) == (0, "")
    assert Path(out.strip()) == tmp_path / "new" / "reference" / "hooks.html"
    for page in (HANDBOOK.index, *HANDBOOK.pages):
        assert (tmp_path / "new" / html_path(page.path)).is_file()


async def test_a_folder_that_cannot_be_written_is_said_in_one_line(tmp_path):
    (tmp_path / "file").touch()
    status, _out, err = await run("docs", "--html", tmp_path / "file" / "below")
    assert status == 1
    assert err.startswith(f"error: docs --html {tmp_path}/file/below: Not a directory")
    assert err.count("\n") == 1


async def test_it_opens_the_browser(tmp_path):
    """The one that the environment names."""
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    folder = tmp_path / "html"
    status, _out, err = await run(
        "docs", "--html", folder, "--open", env={"BROWSER": f"{browser} %s"}
    )
    assert (status, err) == (0, "")
    assert (tmp_path / "opened").read_text().strip() == (folder / "index.html").as_uri()


def test_every_link_of_the_html_leads_somewhere(site):
    for path, page in site.items():
        for link in page.links:
            if link.startswith(("http://", "https://")):
                continue
            file, _, name = link.partition("#")
            target = (path.parent / file).resolve() if file else path
            assert target.is_file(), f"{path.name}: {link}"
            assert not name or name in site[target].ids, f"{path.name}: {link}"


def test_the_html_asks_no_other_host_and_names_each_place_once(site):
    for path, page in site.items():
        text = path.read_text()
        assert not re.search(r"<(script|iframe)\b|<(link|img)[^>]+//", text), path.name
        for picture in re.findall(r'<img src="([^"]+)"', text):
            assert (path.parent / picture).stat().st_size > 1000, picture
        assert max(page.ids.values()) == 1, path.name
    assert any("<img" in path.read_text() for path in site)
    [style] = {path.parent for path in site if path.name == "index.html"}
    assert "//" not in (style / "style.css").read_text()


def test_every_page_leads_to_every_other(site):
    for path, page in site.items():
        files = {(path.parent / link.partition("#")[0]).resolve() for link in page.links}
        assert set(site) <= files | {path}, path.name


def test_tables_and_code_are_what_they_are(site):
    [page] = [path.read_text() for path in site if path.name == "command-line.html"]
    assert "<th>option</th>" in page
    assert '<code class="language-console">$ tornado-chat docs house' in page
