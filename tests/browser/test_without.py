"""A machine without Chromium skips these tests alone, and says so in one line; CI must have it."""

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
LINE = "the page is not tried, Chromium is missing: apt-get install chromium"


def tried(**env):
    """A run of some tests, of which those in test_keys.py need no browser."""
    tests = [FOLDER / "test_watched.py", FOLDER.parent / "unit/test_keys.py"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "2", *tests]
    known = {name: value for name, value in os.environ.items() if name != "CI"}
    env = {**known, "PATH": "/nonexistent", **env}
    return subprocess.run(command, cwd=FOLDER, env=env, capture_output=True, text=True, check=False)


def test_without_chromium_one_line_says_so():
    done = tried()
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(LINE) == 1
    assert " passed, 1 skipped" in done.stdout


def test_without_chromium_ci_fails():
    done = tried(CI="true")
    assert done.returncode == 1
    assert LINE in done.stdout
