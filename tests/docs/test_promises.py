"""docs/explanation/delivery.md and speed.md: each sentence that promises names a test that is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXPLANATION = ROOT / "docs" / "explanation"
TEXT = "\n".join((EXPLANATION / name).read_text() for name in ("delivery.md", "speed.md"))
SHOWN = re.compile(r"`(test_\w+\.py)::(test_\w+)`")


def promises():
    """The points of the parts that promise, each as one line."""
    for part in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        if title.startswith(("What is not", "What was measured")):
            continue
        for point in re.split(r"^- ", body, flags=re.MULTILINE)[1:]:
            yield " ".join(point.split())


@pytest.mark.parametrize("promise", list(promises()), ids=lambda text: text[:60])
def test_a_promise_names_what_shows_it(promise):
    assert SHOWN.search(promise), promise


@pytest.mark.parametrize(("file", "name"), sorted(set(SHOWN.findall(TEXT))))
def test_what_is_named_is_there(file, name):
    found = "\n".join(path.read_text() for path in (ROOT / "tests").rglob(file))
    assert re.search(rf"^\s*(async )?def {name}\(", found, re.MULTILINE)


def test_there_are_promises():
    assert len(list(promises())) > 30
