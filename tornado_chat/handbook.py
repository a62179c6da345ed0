"""The documentation as it was installed: its pages, and what stands in them.

The index, README.md, says which pages there are and what each is about.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

from tornado_chat.errors import SetupError
from tornado_chat.plugins.checks import nearest

KINDS = {
    "tutorial": "to learn by doing",
    "how-to": "to get something done",
    "reference": "to look something up",
    "explanation": "to understand",
}
INDEX = PurePosixPath("README.md")

_ENTRY = re.compile(r"^\* \[([^\]]+)\]\(([\w/.-]+\.md)\): (.+(?:\n  .+)*)", re.MULTILINE)
_MARKER = re.compile(r"^<!--.*?-->\n", re.MULTILINE | re.DOTALL)  # for `make docs`
_HEADING = re.compile(r"^#+ (.+)$")
_NUMBER = re.compile(r"^\d+-")


@dataclass(frozen=True)
class Page:
    """One page. `path`: below docs/, as links have it; `about`: one line."""

    path: PurePosixPath
    title: str
    about: str

    @property
    def kind(self) -> str:
        """One of KINDS; of the index README.md."""
        return self.path.parts[0]

    @property
    def name(self) -> str:
        """What one types for it."""
        return _NUMBER.sub("", self.path.stem)

    @cached_property
    def text(self) -> str:
        """Its Markdown."""
        return _MARKER.sub("", _read(self.path))

    def sections(self) -> Iterator[tuple[str, list[str]]]:
        """Each heading, with its own line and those down to the next one."""
        heading, lines, code = "", list[str](), False
        for line in self.text.splitlines():
            code ^= line.startswith("```")
            if (found := _HEADING.match(line)) and not code:  # where # is a comment
                if lines:
                    yield heading, lines
                heading, lines = found[1], []
            lines.append(line)
        yield heading, lines


@dataclass(frozen=True)
class Found:
    """A section in which all that was sought stands. `lines`: those that have most of the words."""

    page: Page
    heading: str
    lines: list[str]


class Handbook:
    """All pages, in the order of the index. Raises SetupError where they are not installed."""

    def __init__(self) -> None:
        self.index = Page(INDEX, "Documentation", "where to look for what")
        self.pages = [
            Page(PurePosixPath(path), title, " ".join(about.split()))
            for title, path, about in _ENTRY.findall(self.index.text)
        ]

    def of(self, kind: str) -> list[Page]:
        """The pages of one of KINDS."""
        return [page for page in self.pages if page.kind == kind]

    def search(self, text: str) -> list[Found]:
        """The sections that have all words of the text, in any case. First those with all of them in
        the heading, then those that have the text as it is, then those with most on one line."""
        words = text.casefold().split()
        phrase = " ".join(words)
        found = []
        for page in self.pages:
            for heading, lines in page.sections():
                whole = " ".join(" ".join(lines).casefold().split())
                if not all(word in whole for word in words):
                    continue
                counts = [sum(word in line.casefold() for word in words) for line in lines]
                most = max(counts)
                best = [line for line, count in zip(lines, counts, strict=True) if count == most]
                head = heading.casefold()
                rank = (all(word in head for word in words), phrase in whole, most)
                found.append((rank, Found(page, heading, best)))
        found.sort(key=lambda each: each[0], reverse=True)
        return [each for _rank, each in found]

    def examples(self) -> list[PurePosixPath]:
        """The files of whole plugins, with their tests."""
        return sorted(_python_files(root(), PurePosixPath("examples")))

    def find(self, name: str) -> Page:
        """The page of that name; a path, with or without its `.md`, is as good, also of an
        example."""
        wanted = name.strip("/").removeprefix("docs/").removesuffix(".md")
        if wanted in {"index", INDEX.stem}:
            return self.index
        for page in self.pages:
            if wanted in {page.name, page.path.stem, str(page.path.with_suffix(""))}:
                return page
        if path := next((each for each in self.examples() if str(each) == wanted), None):
            return Page(path, path.name, "")
        names = [page.name for page in self.pages]
        raise SetupError(
            f"no page is named {name!r}{nearest(wanted, names)} (all: tornado-chat docs)"
        )


def root() -> Traversable:
    """Where the pages lie."""
    try:
        return files("tornado_chat_docs")
    except ModuleNotFoundError:
        raise SetupError("the documentation is not installed: install tornado_chat anew") from None


def _python_files(top: Traversable, folder: PurePosixPath) -> Iterator[PurePosixPath]:
    for each in top.joinpath(str(folder)).iterdir():
        path = folder / each.name
        if each.is_dir():
            yield from _python_files(top, path)
        elif path.suffix == ".py":
            yield path


def _read(path: PurePosixPath) -> str:
    return root().joinpath(str(path)).read_text(encoding="utf-8")
