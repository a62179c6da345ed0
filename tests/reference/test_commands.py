"""The installed command: what each of its commands does, mostly beside a running server.

The rest of these tests stands where more is tried of a command: `test_command_bench` beside others of
it. docs/reference/command-line.md has each command with its arguments and options, and no other.
"""

import json
import re
from pathlib import Path

import click
import pytest
import pytest_asyncio
import websockets
from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from support.orders import eventually
from support.process import run, serving, toml
from support.server import Native
from tornado_chat.cli import cli, config_option, set_option

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "command-line.md").read_text()
SECTIONS = dict(re.findall(r"^### ([^\n]+)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))
ALONE = {"demo", "docs", "listen", "post"}  # need no configuration


class Office:
    """A server that runs, and somebody at a terminal beside it."""

    def __init__(self, server, config):
        self.server = server
        self.config = config

    async def type(self, *words, stdin=""):
        """What the command prints; it must go well."""
        status, out, err = await run(*words, "-c", self.config, stdin=stdin)
        assert (status, err) == (0, ""), err
        return out

    async def refused(self, *words, stdin=""):
        """What it says where it cannot be done: one line."""
        status, out, err = await run(*words, "-c", self.config, stdin=stdin)
        assert (status, out) == (1, ""), out
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        return err

    def connect(self, key):
        return websockets.connect(f"ws://127.0.0.1:{self.server.port}/ws?api_key={key}")

    async def status(self, **headers):
        """With which the server answers somebody who asks for his rooms."""
        url = f"{self.server.url}/plugins/chat_rooms/rooms"
        answer = await AsyncHTTPClient().fetch(HTTPRequest(url, headers=headers), raise_error=False)
        return answer.code

    async def logs_in(self, name, password):
        url = f"{self.server.url}/rest/s1/growerp/100/Login"
        request = HTTPRequest(url, "POST", body=f"username={name}&password={password}")
        return (await AsyncHTTPClient().fetch(request, raise_error=False)).code == 200


def person(name):
    return {
        "user_id": f"u-{name}",
        "login_name": f"{name}@shop.example",
        "full_name": name.title(),
        "tenant": "SHOP",
        "api_key": f"key-of-{name}",
    }


PEOPLE = ["ann", "bob", "carl", "dora", "emil", "fred", "gina", "hugo"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(tmp_path_factory):
    folder = tmp_path_factory.mktemp("office")
    config = folder / "tornado_chat.toml"
    config.write_text(toml({"users": [person(name) for name in PEOPLE]}))
    async with serving("-c", config, "--set", "server.drain_seconds=0") as server:
        yield Office(server, config)
    assert "Traceback" not in server.log


# The server


async def test_command_serve(tmp_path):
    """An empty file serves."""
    (tmp_path / "tornado_chat.toml").write_text("")
    async with serving(cwd=tmp_path) as server:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", server.url)
        answer = await AsyncHTTPClient().fetch(f"{server.url}/health/ready")
        assert json.loads(answer.body)["ready"] is True
        assert await server.stop() == 0
    assert (tmp_path / "tornado_chat.db").exists()


async def test_command_check_config(office, tmp_path):
    assert "good; plugins: chat_rooms, notifications" in await office.type("check-config")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[server]\nprot = 1\n")
    said = "error: in server.prot: unknown key, did you mean server.port?\n"
    assert await run("check-config", "-c", wrong) == (1, "", said)
    for url in ("engine.url=redis://127.0.0.1/1", "store.url=postgresql://h/d"):
        refused = await run("check-config", "--set", url, cwd=tmp_path)
        assert refused == await run("serve", "--set", url, cwd=tmp_path)
        assert refused[2].startswith(f"error: in {url.partition('=')[0]}: ")


# People and keys


async def test_command_user_add(office):
    out = await office.type(
        "user", "add", "ida@shop.example", "--tenant", "SHOP", "--user-id", "u-ida",
        "--full-name", "Ida Prins", "--group", "SALES", "--permission", "notify",
        stdin="a-long-password\n",
    )  # fmt: skip
    assert out == "user u-ida added to SHOP\n"
    assert await office.logs_in("ida@shop.example", "a-long-password")


async def test_command_user_list(office):
    lines = (await office.type("user", "list", "--tenant", "SHOP")).splitlines()
    assert "u-ann\tSHOP\tann@shop.example\tAnn" in lines
    assert len((await office.type("user", "list", "--limit", "2")).splitlines()) == 2


async def test_command_user_show(office):
    out = await office.type("user", "show", "bob@shop.example")
    shown = dict(re.findall(r"^(.+?) {2,}(.+)$", out, re.MULTILINE))
    assert shown["user id"] == "u-bob"
    assert shown["state"] == "enabled"
    assert "user nobody: not there" in await office.refused("user", "show", "nobody")


async def test_command_user_password(office):
    assert not await office.logs_in("carl@shop.example", "Apple-pie-7")
    out = await office.type("user", "password", "u-carl", stdin="Apple-pie-7\n")
    assert out == "password of u-carl set\n"
    assert await office.logs_in("carl@shop.example", "Apple-pie-7")


async def test_command_user_disable(office):
    async with office.connect("key-of-dora") as socket:
        await socket.recv()
        assert await office.type("user", "disable", "u-dora") == "user u-dora disabled\n"
        await socket.wait_closed()
        assert socket.close_code == 4009
    assert await office.status(api_key="key-of-dora") == 401


async def test_command_user_enable(office):
    await office.type("user", "disable", "u-emil")
    assert await office.type("user", "enable", "u-emil") == "user u-emil enabled\n"
    key = (await office.type("key", "issue", "u-emil")).strip()
    async with office.connect(key) as socket:
        assert json.loads(await socket.recv())["hello"]["user"] == "u-emil"


async def test_command_key_issue(office):
    key = (await office.type("key", "issue", "fred@shop.example", "--days", "2")).strip()
    async with office.connect(key) as socket:
        hello = json.loads(await socket.recv())["hello"]
        assert hello["user"] == "u-fred"
        assert 2 * 86400 - 60 < hello["key_ttl"] <= 2 * 86400
    assert key not in office.server.log


async def test_command_key_revoke(office):
    key = await office.type("key", "issue", "u-gina")
    async with office.connect(key.strip()) as socket:
        await socket.recv()
        assert await office.type("key", "revoke", stdin=key) == "key revoked\n"
        await socket.wait_closed()
        assert socket.close_code == 4009
    assert await office.status(api_key=key.strip()) == 401
    assert await office.status(api_key="key-of-gina") == 200
    out = await office.type("key", "revoke", "--user", "u-gina")
    assert out == "keys of u-gina revoked\n"

    async def ended():
        return await office.status(api_key="key-of-gina") == 401

    await eventually(ended)
    assert "there is no such key" in await office.refused("key", "revoke", stdin="guess\n")


# Rooms


async def made(office, name, *others):
    """The id of a new room of ann and these."""
    body = json.dumps({"name": name, "members": list(others)})
    headers = {"api_key": "key-of-ann", "Content-Type": "application/json"}
    url = f"{office.server.url}/plugins/chat_rooms/rooms"
    answer = await AsyncHTTPClient().fetch(url, method="POST", headers=headers, body=body)
    return json.loads(answer.body)["room"]["room_id"]


async def test_command_room_create(office):
    pair = ("create", "--tenant", "SHOP", "--private", "--member", "u-ann", "--member", "u-bob")
    first = await office.type("room", *pair)
    assert re.fullmatch(r"\d{6}\n", first)
    said = "these two have that room already\n"
    assert await run("room", *pair, "-c", office.config) == (0, first, said)


async def test_command_room_list(office):
    room = await made(office, "Breakfast", "u-bob")
    out = await office.type("room", "list", "--tenant", "SHOP", "--search", "BREAK")
    assert out == f"{room}  group          2  Breakfast\n"
    assert await office.type("room", "list", "--tenant", "OTHER") == "no rooms of tenant OTHER\n"


async def test_command_room_show(office):
    room = await made(office, "Dinner")
    out = await office.type("room", "show", room, "--tenant", "SHOP")
    assert out == f"{room}  group          1  Dinner\n  u-ann  Ann\n"


async def test_command_room_add(office):
    room = await made(office, "Tea")
    out = await office.type("room", "add", room, "u-hugo", "--tenant", "SHOP")
    assert out == f"{room}  group          2  Tea\n  u-ann  Ann\n  u-hugo  Hugo\n"


async def test_command_room_remove(office):
    """Who has it open may not say anything there any more."""
    room = await made(office, "Supper", "u-hugo")
    async with office.connect("key-of-hugo") as socket:
        hugo = Native(socket)
        await hugo.next()
        await hugo.ok("subscribe", topic=f"room:{room}")
        out = await office.type("room", "remove", room, "u-hugo", "--tenant", "SHOP")
        assert out == f"{room}  group          1  Supper\n  u-ann  Ann\n"

        async def refused():
            data = {"content": "still here"}
            reply = await hugo.do("publish", topic=f"room:{room}", data=data)
            return reply.get("error", {}).get("code") == "denied"

        await eventually(refused)


# The page


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


async def test_each_command_has_a_heading_with_its_arguments():
    assert sorted(SECTIONS) == sorted(COMMANDS)


@pytest.mark.parametrize("typed", COMMANDS)
async def test_each_option_is_there(typed):
    for param in COMMANDS[typed].params:
        if isinstance(param, click.Option):
            for name in {*param.opts, *param.secondary_opts} - SHARED:
                assert f"`{name}`" in SECTIONS[typed], name


@pytest.mark.parametrize("typed", SECTIONS)
async def test_no_option_is_there_that_the_command_does_not_take(typed):
    tables = "\n".join(re.findall(r"^\| `.*$", SECTIONS[typed], re.MULTILINE))
    names = re.findall(r"`(--[\w-]+)`", tables)
    taken = {name for each in COMMANDS[typed].params for name in (*each.opts, *each.secondary_opts)}
    assert taken.issuperset(names)


@pytest.mark.parametrize("typed", COMMANDS)
async def test_which_commands_take_the_configuration(typed):
    taken = {name for each in COMMANDS[typed].params for name in each.opts}
    assert taken.issuperset(SHARED) != (typed.split()[1] in ALONE)


async def test_the_example_of_a_mistake():
    command, *said = re.search(r"```console\n\$ tornado-chat (.*?)```", TEXT, re.DOTALL)[1].split(
        "\n"
    )
    status, out, err = await run(*command.split())
    assert (status, out, err.splitlines()) == (1, "", [line for line in said if line])
