"""docs/reference/command-line.md has every command with its arguments and options, and no other."""

import re
from pathlib import Path

import click
import pytest

from support.process import run
from tornado_chat import (  # they add theirs
    cli_accounts,
    cli_bench,
    cli_docs,
    cli_listen,
    cli_plugins,
)
from tornado_chat.cli import cli, config_option, set_option

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "command-line.md").read_text()
SECTIONS = dict(re.findall(r"^### ([^\n]+)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))
assert cli_accounts
assert cli_bench
assert cli_docs
assert cli_listen
assert cli_plugins


@config_option
@set_option
def shared(**_):
    """Has the options that nearly all commands share."""


SHARED = {
    name for option in shared.__click_params__ for name in (*option.opts, *option.secondary_opts)
}


def commands(group, context):
    """Each command, by what is typed for it."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        inner = click.Context(command, parent=context, info_name=name)
        if isinstance(command, click.Group):
            if command.invoke_without_command:
                yield inner.command_path, command
            yield from commands(command, inner)
        else:
            pieces = command.collect_usage_pieces(inner)
            words = [inner.command_path, *(each for each in pieces if each != "[OPTIONS]")]
            yield " ".join(words), command


COMMANDS = dict(commands(cli, click.Context(cli, info_name="tornado-chat", obj=[])))


def test_each_command_has_a_heading_with_its_arguments():
    assert sorted(SECTIONS) == sorted(COMMANDS)


@pytest.mark.parametrize("typed", COMMANDS)
def test_each_option_is_there(typed):
    for param in COMMANDS[typed].params:
        if isinstance(param, click.Option):
            for name in {*param.opts, *param.secondary_opts} - SHARED:
                assert f"`{name}`" in SECTIONS[typed], name


@pytest.mark.parametrize("typed", SECTIONS)
def test_no_option_is_there_that_the_command_does_not_take(typed):
    tables = "\n".join(re.findall(r"^\| `.*$", SECTIONS[typed], re.MULTILINE))
    names = re.findall(r"`(--[\w-]+)`", tables)
    taken = {name for each in COMMANDS[typed].params for name in (*each.opts, *each.secondary_opts)}
    assert taken.issuperset(names)


@pytest.mark.parametrize("typed", COMMANDS)
def test_which_commands_take_the_configuration(typed):
    taken = {name for each in COMMANDS[typed].params for name in each.opts}
    assert taken.issuperset(SHARED) != (typed.split()[1] in {"demo", "docs", "listen", "post"})


async def test_the_example_of_a_mistake():
    command, *said = re.search(r"```console\n\$ tornado-chat (.*?)```", TEXT, re.DOTALL)[1].split(
        "\n"
    )
    status, out, err = await run(*command.split())
    assert (status, out, err.splitlines()) == (1, "", [line for line in said if line])
