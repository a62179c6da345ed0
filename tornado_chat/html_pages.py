"""The documentation as HTML: files that link to one another, and to no other host."""

import html
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from importlib.resources import as_file
from itertools import pairwise
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tornado_chat.errors import SetupError
from tornado_chat.handbook import KINDS, Handbook, Page, root

STYLE = "style.css"
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · tornado_chat</title>
<link rel="stylesheet" href="{style}">
</head>
<body>
<nav>
{nav}
</nav>
<main>
{body}
</main>
<aside>
{contents}
</aside>
</body>
</html>
"""
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


def html_path(path: PurePosixPath) -> PurePosixPath:
    """Where a page lies among the HTML files."""
    return path.with_name("index.html") if path.stem == "README" else path.with_suffix(".html")


def anchor(heading: str) -> str:
    """The name of a heading in a link, the same as where the project is hosted."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def write(handbook: Handbook, folder: Path) -> None:
    """Every page, and the files that pages link to. Raises SetupError where that cannot be."""
    try:
        with as_file(root()) as source:
            for page in (handbook.index, *handbook.pages):
                target = folder / html_path(page.path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(_Writer(handbook, page, source, folder).html(), encoding="utf-8")
            shutil.copyfile(source / STYLE, folder / STYLE)
    except OSError as error:
        raise SetupError(f"docs --html {folder}: {error.strerror}: {error.filename}") from error


class _Writer:
    def __init__(self, handbook: Handbook, page: Page, source: Path, folder: Path) -> None:
        self.handbook = handbook
        self.page = page
        self.source = source
        self.folder = folder
        self.pages = {page.path for page in (handbook.index, *handbook.pages)}

    def html(self) -> str:
        tokens = _markdown.parse(self.page.text)
        headings = _name_headings(tokens)
        self._mend_links(tokens)
        return PAGE.format(
            title=html.escape(self.page.title),
            style=self._link(PurePosixPath(STYLE)),
            nav="\n".join(self._navigation()),
            contents="\n".join(
                f'<a class="{step}" href="#{name}">{html.escape(text)}</a>'
                for step, text, name in headings
            ),
            body=_markdown.renderer.render(tokens, _markdown.options, {}),
        )

    def _navigation(self) -> list[str]:
        """All pages by kind."""
        lines = [f'<a class="home" href="{self._link(self._at("README.md"))}">tornado_chat</a>']
        for kind in KINDS:
            lines.append(f"<h2>{kind.capitalize()}</h2>\n<ul>")
            for page in self.handbook.of(kind):
                here = ' aria-current="page"' if page == self.page else ""
                title = html.escape(page.title)
                link = self._link(html_path(page.path))
                lines.append(f'<li><a href="{link}"{here}>{title}</a></li>')
            lines.append("</ul>")
        return lines

    @staticmethod
    def _at(path: str) -> PurePosixPath:
        return html_path(PurePosixPath(path))

    def _link(self, target: PurePosixPath) -> str:
        return relpath(str(target), str(html_path(self.page.path).parent))

    def _mend_links(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            inside = token.children or []
            for place, child in enumerate(inside):
                if child.type == "link_open":
                    target = self._target(str(child.attrGet("href")))
                    if target is None:  # of the project, but not of the pages
                        _make_plain(inside, place)
                    else:
                        child.attrSet("href", target)
                elif child.type == "image" and (source := self._target(str(child.attrGet("src")))):
                    child.attrSet("src", source)

    def _target(self, link: str) -> str | None:
        if "://" in link or link.startswith(("#", "mailto:")):
            return link
        file, sharp, name = link.partition("#")
        path = PurePosixPath(normpath(str(self.page.path.parent / file)))
        if path in self.pages:
            return self._link(html_path(path)) + sharp + name
        if path.parts[0] == ".." or not (self.source / path).is_file():
            return None
        copy = self.folder / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.source / path, copy)
        return self._link(path)


def _name_headings(tokens: Sequence[Token]) -> list[tuple[str, str, str]]:
    """Gives each heading its anchor; answers those of the second and third step: step, text, anchor."""
    found = []
    taken: Counter[str] = Counter()
    for token, inline in pairwise(tokens):
        if token.type == "heading_open":
            name = anchor(inline.content)
            taken[name] += 1
            name += f"-{taken[name] - 1}" if taken[name] > 1 else ""
            token.attrSet("id", name)
            if token.tag in {"h2", "h3"}:
                text = "".join(child.content for child in inline.children or [])
                found.append((token.tag, text, name))
    return found


def _make_plain(inside: Sequence[Token], place: int) -> None:
    """Takes a link away and leaves its text."""
    for token in inside[place:]:
        if token.type in {"link_open", "link_close"}:
            closes = token.type == "link_close"
            token.type, token.tag, token.hidden = "text", "", True
            if closes:
                return
