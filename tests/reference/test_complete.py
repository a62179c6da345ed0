"""Whatever has a name has a heading in the reference and a test named after it.

The name of the test is the prefix and the name, in lower case, each run of other characters an
underscore. It stands anywhere in tests/, once; what is parametrized is one test. It shows what the
thing does, on a real server or with the installed command.

| what                 | heading, of level three               | test                          |
|----------------------|---------------------------------------|-------------------------------|
| a hook               | authorize(identity, action, topic)    | test_hook_authorize           |
| a key of the file    | limits.frame_bytes                    | test_limits_frame_bytes       |
| ... with free names  | retention.room.days                   | test_retention_room_days      |
| an error code        | rate_limited                          | test_code_rate_limited        |
| a close code         | 4008                                  | test_close_4008               |
| a command            | tornado-chat user add LOGIN_NAME      | test_command_user_add         |
| a native command     | publish                               | test_native_publish           |
| a metric             | tornado_chat_sessions                 | test_tornado_chat_sessions    |
"""

import ast
import re
from collections import Counter
from dataclasses import fields, is_dataclass, replace
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path

import click
import pytest
from prometheus_client.parser import text_string_to_metric_families

import tornado_chat
from support.server import running_server
from tornado_chat import ChatError, Dialect, commands, errors
from tornado_chat.cli import cli
from tornado_chat.config import build
from tornado_chat.config.reference import RELOADED, core_tables, tables
from tornado_chat.config.sources import join
from tornado_chat.plugins.checks import SPECS
from tornado_chat.reloading import taken_over
from tornado_chat.web import frames

TESTS = Path(__file__).parents[1]
REFERENCE = TESTS.parent / "docs" / "reference"
PACKAGE = Path(tornado_chat.__file__).parent

for point in distribution("tornado_chat").entry_points.select(group="tornado_chat"):
    import_module(point.value)  # so that their classes are known


def ours(cls):
    """Its subclasses in the package and in our plugins, itself included."""
    if cls.__module__.startswith(("tornado_chat.", "tornado_chat_plugins.")):
        yield cls
        for each in cls.__subclasses__():
            yield from ours(each)


def hooks():
    return {f"{hook}({', '.join(takes)})": f"hook_{hook}" for hook, takes in SPECS.items()}


def keys():
    paths = [join(table.path, key) for table in tables() for key in table.keys]
    return {path: path for path in paths}


def error_codes():
    return {error.code: f"code_{error.code}" for error in ours(ChatError)}


def close_codes():
    codes = {*errors.CLOSE_CODES, frames.PROTOCOL_ERROR, frames.NOT_UTF8, frames.TOO_BIG}
    for dialect in ours(Dialect):
        codes |= {dialect.binary_close, *dialect.close_codes.values()} - {0}
    return {str(code): f"close_{code}" for code in codes}


def typed(group, context):
    """Each command of the command line as it is typed, with the words of which it is named."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        inner = click.Context(command, parent=context, info_name=name)
        is_group = isinstance(command, click.Group)
        if not is_group or command.invoke_without_command:
            pieces = [] if is_group else command.collect_usage_pieces(inner)
            words = [each for each in pieces if each != "[OPTIONS]"]
            yield " ".join([inner.command_path, *words]), inner.command_path.partition(" ")[2]
        if is_group:
            yield from typed(command, inner)


def command_line():
    context = click.Context(cli, info_name="tornado-chat", obj=[])
    return {heading: f"command_{name}" for heading, name in typed(cli, context)}


def native_commands():
    return {name: f"native_{name}" for name in commands.TABLE}


def headings(page):
    text = (REFERENCE / page).read_text()
    return re.findall(r"^### (.+)$", text, re.MULTILINE)


def metrics():
    """Those of the page, which `test_metrics` holds equal to a scrape."""
    return {name: name for name in headings("metrics.md")}


PAGES = {
    "hooks.md": hooks(),
    "configuration.md": keys(),
    "errors.md": {**error_codes(), **close_codes()},
    "command-line.md": command_line(),
    "native.md": native_commands(),
    "metrics.md": metrics(),
}
NAMED = [
    pytest.param("test_" + re.sub(r"\W+", "_", name).lower(), id=heading)
    for page in PAGES.values()
    for heading, name in page.items()
]


def is_skipped(function):
    return any("skip" in ast.unparse(each) for each in function.decorator_list)


SHOWN = Counter(
    node.name
    for path in TESTS.rglob("test_*.py")
    for node in ast.parse(path.read_text()).body
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not is_skipped(node)
)


@pytest.mark.parametrize("page", PAGES)
def test_the_page_has_a_heading_for_each_and_no_other(page):
    assert sorted(headings(page)) == sorted(PAGES[page])


@pytest.mark.parametrize("test", NAMED)
def test_there_is_one_test_named_after_it(test):
    assert SHOWN[test] == 1, f"{test}: {SHOWN[test]} tests of this name in tests/"


def test_everything_is_found():
    """Of each kind more than a few, so that no page is complete because nothing was found."""
    least = {"hooks.md": 16, "configuration.md": 80, "errors.md": 19, "command-line.md": 20,
             "native.md": 8, "metrics.md": 30}  # fmt: skip
    assert {page: len(PAGES[page]) >= least[page] for page in PAGES} == dict.fromkeys(PAGES, True)


# What is found is all there is


def test_every_error_code_is_in_the_table():
    assert {error.code for error in ours(ChatError)} == {error.code for error in errors.ALL}


def first_arguments():
    """With what the sockets of the house are closed: of each `….close(code, …)`."""
    for path in PACKAGE.rglob("*.py"):
        if {"client", "bench", "testing"} & set(path.relative_to(PACKAGE).parts):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args:
                given = [ast.unparse(each) for each in node.args]
                if isinstance(node.func, ast.Attribute) and node.func.attr == "close":
                    yield given[0]
                elif "self.close" in given:  # later
                    yield given[given.index("self.close") + 1]


def test_every_close_code_that_is_sent_is_one_of_the_house_or_of_a_dialect():
    passed_on = {"code", "self.closed", "self.dialect.binary_close"}
    names = {name for name, value in vars(errors).items() if value in errors.CLOSE_CODES}
    for given in set(first_arguments()) - passed_on:
        words = set(re.findall(r"\b[A-Z][A-Z_]+\b", given))
        assert words, given
        assert words <= names, given


async def test_every_metric_of_a_scrape_has_its_heading():
    async with running_server() as site:
        text = (await site.fetch("GET", "/metrics", name="admin")).body.decode()
        found = [each for each in text_string_to_metric_families(text) if each.samples]
        names = {each.name + "_total" * (each.type == "counter") for each in found}
        assert names <= set(headings("metrics.md"))


def marked(config, mark):
    """The configuration with another object in the place of each value."""
    if is_dataclass(config) and not isinstance(config, type):
        return replace(
            config,
            **{each.name: marked(getattr(config, each.name), mark) for each in fields(config)},
        )
    return mark


@pytest.mark.parametrize(
    "path", [f"{table.path}.{key}" for table in core_tables() if table.live for key in table.keys]
)
def test_what_the_page_says_of_sighup_is_what_happens(path):
    before, wanted = marked(build({}), "before"), marked(build({}), "wanted")
    value = taken_over(before, wanted)
    for name in path.split("."):
        value = getattr(value, name)
    assert (value == "wanted") == path.startswith(RELOADED)
