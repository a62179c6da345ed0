"""docs/reference/python-client.md: every public name is there and no other, and its examples run."""

import asyncio
import contextlib
import dataclasses
import inspect
import re
from pathlib import Path

import pytest

from support.growerp import FrontEnd, notify
from support.server import key_of, running_server
from tornado_chat import client

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "python-client.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
# what the parts of the client ask of one another; not for programs
INSIDE = {
    "Subscription": {
        "body", "end", "ended", "fall_behind", "full", "joined", "push", "resumes", "room",
        "standing",
    },
    "Signals": {"end", "take"},
    "Stream": {"ended", "put"},
    "Message": {"read"}, "Sent": {"read"}, "Page": {"read"}, "Seen": {"read"}, "Signal": {"read"},
}  # fmt: skip


def section(title):
    return re.search(rf"^##+ {title}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)[1]


def members(cls):
    own = {name for name in vars(cls) if not name.startswith("_")}
    source = inspect.getsource(cls.__init__) if "__init__" in vars(cls) else ""
    own |= set(re.findall(r"self\.([a-z]\w*)\b(?::[^=]*)? = ", source))
    return own - INSIDE.get(cls.__name__, set())


@pytest.mark.parametrize("name", client.__all__)
def test_every_public_name_is_there(name):
    assert re.search(rf"`{name}\b", TEXT) or re.search(rf"^## {name}$", TEXT, re.MULTILINE)


@pytest.mark.parametrize(
    ("title", "cls", "beside"),
    [
        ("Chat", client.Chat, set()),
        ("Subscriptions", client.Subscription, {"ready", "close"}),  # these in the text before
        ("The GrowERP sockets", client.WsClient, set()),
    ],
)
def test_what_it_can_do(title, cls, beside):
    table = section(title).partition("| option |")[0]
    cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    told = {name for cell in cells for name in re.findall(r"`(?:await )?(\w+)", cell)}
    assert told | beside == members(cls)
    assert all(f"{name}()" in section(title) for name in beside)


@pytest.mark.parametrize("cls", [client.Chat, client.WsClient])
def test_signatures_of_methods(cls):
    for name, method in inspect.getmembers(cls, inspect.isfunction):
        if name.startswith("_"):
            continue
        parameters = [
            str(each.replace(annotation=inspect.Parameter.empty)).replace("'", '"')
            for each in inspect.signature(method).parameters.values()
            if each.name != "self"
        ]
        first = next(
            (
                number
                for number, each in enumerate(
                    list(inspect.signature(method).parameters.values())[1:]
                )
                if each.kind is each.KEYWORD_ONLY
            ),
            None,
        )
        if first is not None:
            parameters.insert(first, "*")
        awaited = "await " * inspect.iscoroutinefunction(method)
        assert f"| `{awaited}{name}({', '.join(parameters)})` |" in TEXT


@pytest.mark.parametrize(
    ("title", "call", "given"),
    [
        ("connect", client.connect, {"url", "key", "options"}),
        ("The GrowERP sockets", client.WsClient, {"url_base", "path", "options"}),
    ],
)
def test_options_and_their_defaults(title, call, given):
    rows = re.findall(r"^\| (`[^|]*?) \| (`[^|]*?) \| ", section(title), re.MULTILINE)
    told = {}
    for names, defaults in rows:
        names, defaults = re.findall(r"`(.*?)`", names), re.findall(r"`(.*?)`", defaults)
        told |= dict(zip(names, defaults, strict=True))
    real = {
        name: repr(parameter.default)
        for name, parameter in inspect.signature(call).parameters.items()
        if name not in given
    }
    assert told == real


@pytest.mark.parametrize(
    "cls",
    [client.Message, client.Position, client.Sent, client.Page, client.Seen, client.Signal],
)
def test_fields_of_values(cls):
    row = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", section("Values"), re.MULTILINE))[
        cls.__name__
    ]
    told = set(re.findall(r"`(\w+)`", row)) - {"str", "None"}
    properties = {"position"} if cls is client.Message else set()
    assert told == {field.name for field in dataclasses.fields(cls)} | properties


def test_states_and_codes():
    row = next(row for name, row in re.findall(r"^\| `(\w+)` \| (.*) \|$", TEXT, re.MULTILINE)
               if name == "on_state")  # fmt: skip
    assert set(re.findall(r"`(\w+)`", row)) - {"None", "State"} == {
        each.value for each in client.State
    }
    for name, code in [
        ("Unauthorized", "unauthorized"),
        ("QueueFull", "queue_full"),
        ("Closed", "closed"),
    ]:
        assert re.search(rf"^\| `{name}` \| .*; `{code}` \|$", TEXT, re.MULTILINE)


# The examples


@pytest.fixture
async def site(tmp_path):
    async with running_server(folder=tmp_path) as running:
        await FrontEnd(running, "ann").room_with(FrontEnd(running, "bob"))  # room:100000
        yield running


def main_of(number):
    names = {}
    exec(EXAMPLES[number], names)
    return names["main"]


@contextlib.asynccontextmanager
async def under_way(coroutine):
    task = asyncio.create_task(coroutine)
    try:
        yield task
        assert not task.done() or task.exception() is None
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def printed(capsys, text, seconds=5.0):
    """Waits until it is, and gives all that was."""
    out = ""
    async with asyncio.timeout(seconds):
        while text not in out:
            await asyncio.sleep(0.01)
            out += capsys.readouterr().out
    return out


def test_there_are_as_many_examples_as_are_run():
    assert len(EXAMPLES) == 5


async def test_the_first_example(site, capsys):
    async with under_way(main_of(0)(site.url(""), key_of("ann"))):
        assert "Ann Maas Lunch?" in await printed(capsys, "Lunch?")


async def test_publishing_with_a_key(site, capsys):
    for said in ("is new", "was there already"):
        await main_of(1)(site.url(""), key_of("ann"))
        assert f"100001 {said}" in capsys.readouterr().out


async def test_going_on_from_a_position(site, capsys, tmp_path):
    async with client.connect(site.url(""), key_of("bob")) as bob:
        for text in ("one", "two", "three"):
            await bob.publish("room:100000", {"content": text})
            example = main_of(2)(site.url(""), key_of("ann"), tmp_path / "position")
            async with under_way(example):
                out = await printed(capsys, text)
                assert out.count("room:100000") == 1  # and nothing a second time
                async with asyncio.timeout(5):
                    while not (tmp_path / "position").exists():
                        await asyncio.sleep(0.01)


async def test_a_state_and_its_changes(site):
    shown = asyncio.Queue()
    orders = site.server.provider("orders")
    order = {"orderId": "D1", "status": "OrderApproved", "customer": "Maas", "total": "1.00",
             "currency": "EUR", "placedAt": "2026-11-23T10:00:00Z"}  # fmt: skip
    await orders.set("SHOP", "D1", order)
    async with under_way(main_of(3)(site.url(""), key_of("ann"), shown.put_nowait)):
        assert await asyncio.wait_for(shown.get(), 5) == ["D1"]
        await orders.set("SHOP", "D2", {**order, "orderId": "D2"})
        assert await asyncio.wait_for(shown.get(), 5) == ["D1", "D2"]
        await orders.delete("SHOP", "D1")
        assert await asyncio.wait_for(shown.get(), 5) == ["D2"]


async def test_the_grow_erp_socket(site, capsys):
    async with under_way(main_of(4)(site.url(""), key_of("ann"), "u-ann")):
        async with asyncio.timeout(5):
            while not site.server.sockets.handlers:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        await notify(site, "OrderUpdate", {"message": "D1"})
        assert "OrderUpdate {'message': 'D1'}" in await printed(capsys, "D1")
