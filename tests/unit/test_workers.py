"""How tests share a machine: `tests/conftest.py` beside a few tests of its own."""

import shutil
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).parents[1] / "conftest.py"
TESTS = """
import time
from pathlib import Path

import pytest


@pytest.fixture
def noted(request):
    began = time.monotonic()
    yield
    with Path(__file__).with_name("noted.txt").open("a") as file:
        file.write(f"{request.node.name} {began} {time.monotonic()}\\n")


@pytest.mark.alone
@pytest.mark.parametrize("number", [1, 2])
def test_alone(noted, tell, number):
    time.sleep(0.05)
    tell(f"measured {number}")


@pytest.mark.parametrize("number", range(8))
def test_other(noted, tell, number):
    time.sleep(0.05)
    if number == 3:
        tell("seed of what fails")
        assert number == 4
"""


def test_who_measures_is_alone_and_what_is_told_is_heard(tmp_path):
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = alone\n")
    command = (sys.executable, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider", tmp_path)
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 1
    said = done.stdout.partition("told by tests")[2]
    assert all(text in said for text in ("measured 1", "measured 2", "seed of what fails"))
    assert "1 failed, 9 passed" in said
    ran = [line.split() for line in (tmp_path / "noted.txt").read_text().splitlines()]
    spans = [(name, float(began), float(ended)) for name, began, ended in ran]
    assert len(spans) == 10
    for name, began, ended in spans:
        if name.startswith("test_alone"):
            beside = [other for other, start, end in spans if start < ended and end > began]
            assert beside == [name]
    assert spans[0][0].startswith("test_other")
