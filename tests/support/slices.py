"""Fills the fences of the documentation from the files that tests run: `make docs`.

A line before a fence says what belongs into it; a path is one of the project:

    <!-- slice docs/examples/board/plugins/board.py -->            the whole file
    <!-- slice docs/examples/board/plugins/board.py Board Hook --> these classes, functions, names
"""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SLICE = re.compile(r"^(<!-- slice (\S+)((?: \w+)*) -->\n```\w*\n)(.*?)(^```$)", re.M | re.S)


def pages():
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def filled(text):
    """The page as it must be."""
    return SLICE.sub(lambda found: found[1] + cut(found[2], found[3].split()) + found[5], text)


def cut(path, names):
    """What the file has, or what these names mean in it, in the order in which they are given."""
    source = (ROOT / path).read_text()
    if not names:
        return source
    parts = {name: part for part in ast.parse(source).body for name in named(part)}
    unknown = [name for name in names if name not in parts]
    if unknown:
        raise SystemExit(f"{path} has no {', '.join(unknown)}")
    return "\n\n".join(lines_of(source, parts[name]) for name in names)


def named(part):
    """The names that a statement of a module gives."""
    if isinstance(part, ast.Assign):
        return [target.id for target in part.targets if isinstance(target, ast.Name)]
    return [part.name] if hasattr(part, "name") else []


def lines_of(source, part):
    first = min([part.lineno, *(each.lineno for each in getattr(part, "decorator_list", []))])
    return "".join(source.splitlines(keepends=True)[first - 1 : part.end_lineno])


def main():
    for page in pages():
        text = page.read_text()
        if (new := filled(text)) != text:
            page.write_text(new)
            print(f"{page.relative_to(ROOT)} written")


if __name__ == "__main__":
    sys.exit(main())
