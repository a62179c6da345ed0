"""Who asks what time it is: the server's clock, which a test can move, and nobody by himself."""

import ast
from pathlib import Path

import pytest

import tornado_chat

PACKAGE = Path(tornado_chat.__file__).parent
WALL = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "date.today"}
# What is of this machine's moment, whatever a test says: the header Date, and programs beside a server
MAY = {"web/fast_path.py", "demo.py", "testing/clock.py"}
SERVING = [
    path
    for folder in (PACKAGE, PACKAGE.parent / "plugins")
    for path in sorted(folder.rglob("*.py"))
    if not {"bench", "client"} & set(path.parts) and path.relative_to(folder).as_posix() not in MAY
]


@pytest.mark.parametrize("path", SERVING, ids=lambda path: str(path.relative_to(PACKAGE.parent)))
def test_nobody_looks_at_the_wall_clock_by_himself(path):
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert not [node.lineno for node in calls if ast.unparse(node.func) in WALL]
