"""docs/reference/native.md: its frames are those of the server, its tables those of the code."""

import ast
import re
from pathlib import Path

import tornado_chat
from support.server import key_of, running_server, users
from support.transcript import play, transcripts
from tornado_chat import commands, errors
from tornado_chat.web.native import NativeDialect

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "native.md").read_text()
PACKAGE = Path(tornado_chat.__file__).parent
PEOPLE = [
    {**user, "user_id": number} if user["user_id"] == old else user
    for user in users()
    for old, number in [("u-ann", "100021")]
]

CLOSE_CODES = {
    "TOO_SLOW": errors.TOO_SLOW,
    "REVOKED": errors.REVOKED,
    "self.dialect.close_code(REVOKED)": errors.REVOKED,
    "GOING_AWAY": errors.GOING_AWAY,
    "Unauthorized.close": errors.Unauthorized.close,
    "RateLimited.close": errors.RateLimited.close,
    "self.dialect.binary_close": NativeDialect.binary_close,
    # of the credential in the first frame: these two as they are, any other as Unauthorized
    "problem.close if known else Unauthorized.close": errors.Unavailable.close,
}


async def test_the_frames(tmp_path, logs):
    async with running_server({"users": PEOPLE}, folder=tmp_path) as site:
        await site.fetch("POST", "/plugins/chat_rooms/rooms", {"members": ["u-bob"]}, name="ann")
        async with site.open("/ws") as socket:
            for transcript in transcripts(TEXT):
                await play(socket, transcript, key_of("ann"))
    assert not logs.unexpected()


def test_the_table_of_errors():
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", TEXT, re.MULTILINE)
    assert {(code, int(status)) for code, status in rows} == {
        (error.code, error.status) for error in errors.ALL
    }
    assert len(rows) == len(errors.ALL)


def closes():
    """With what the sockets of the house are closed: the first arguments of `….close(code, …)`."""
    for path in PACKAGE.rglob("*.py"):
        if "client" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            given = [ast.unparse(each) for each in node.args]
            if isinstance(node.func, ast.Attribute) and node.func.attr == "close":
                yield given[0]
            elif "self.close" in given:  # later
                yield given[given.index("self.close") + 1]


def test_the_table_of_close_codes():
    passed_on = {"code", "self.closed"}
    assert set(closes()) - passed_on == set(CLOSE_CODES)
    rows = re.findall(r"^\| (\d{4}) \|", TEXT, re.MULTILINE)
    assert {int(code) for code in rows} == {*CLOSE_CODES.values(), errors.TooLarge.close}


def test_every_command_has_a_heading():
    assert sorted(re.findall(r"^### (\w+)$", TEXT, re.MULTILINE)) == sorted(commands.TABLE)
