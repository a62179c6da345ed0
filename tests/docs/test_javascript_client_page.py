"""docs/reference/javascript-client.md: every public name is there, and its examples run in Node."""

import asyncio
import re
from pathlib import Path

import pytest

from support.growerp import FrontEnd
from support.node import node
from support.server import key_of, merged, password_of, running_server, users
from tornado_chat.web.files import FOLDER

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "javascript-client.md").read_text()
EXAMPLES = re.findall(r"```js\n(.*?)```", TEXT, re.DOTALL)
PUBLIC = re.findall(
    r"\w+", " ".join(re.findall(r"export {(.*?)}", (FOLDER / "client.js").read_text()))
)
CHAT = (FOLDER / "client" / "chat.js").read_text()
MEMBERS = """
    const names = (object) => [...Object.keys(object),
      ...Object.getOwnPropertyNames(Object.getPrototypeOf(object))].filter((name) => name !== "constructor");
    const chat = connect("http://127.0.0.1:1", "key", { WebSocket });
    const publication = chat.publish("a", {}), subscription = chat.subscribe("a");
    chat.close();
    return { Chat: names(chat), Publishing: names(publication), Subscriptions: names(subscription),
      Rest: names(chat.rest) };
"""
INSIDE = {"standing", "ended", "resumes", "body", "joined", "push", "end"}  # of a Subscription


def section(title):
    return re.search(rf"^##+ {title}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)[1]


def told(text):
    """The names in the first cells of its tables."""
    cells = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)", cell)}


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there(name):
    assert f"`{name}" in TEXT


async def test_what_each_can_do():
    async with node() as js:
        members = await js(MEMBERS)
    for title, names in members.items():
        assert set(names) - INSIDE <= told(section(title)), title
    words = {"state", "nextTry", "error", "open", "connecting", "waiting", "closed", "bye"}
    reader = {"since", "onMessage", "onSnapshot", "onJoined", "onEnd"}
    assert told(section("Chat")) - words <= set(members["Chat"])
    assert told(section("Subscriptions")) - reader <= set(members["Subscriptions"])
    assert told(section("Publishing")) == set(members["Publishing"])


def test_options_and_their_defaults():
    rows = re.findall(r"^\| (`[^|]*?) \| (`[^|]*?) \| ", section("connect"), re.MULTILINE)
    shown = {}
    for names, defaults in rows:
        names, defaults = re.findall(r"`(.*?)`", names), re.findall(r"`(.*?)`", defaults)
        shown |= dict(zip(names, defaults, strict=True))
    code = (CHAT + (FOLDER / "client" / "backoff.js").read_text()).replace("_", "")
    real = set(re.findall(r"@property \{.*?\} \[(\w+)\]", CHAT))
    assert set(shown) | {"WebSocket", "fetch"} == real
    for name, default in shown.items():
        plain = name.removeprefix("backoff").lower() if name.startswith("backoff") else name
        assert f"{plain} = {default}" in code, name


# The examples


@pytest.fixture
async def site(tmp_path):
    people = [{**each, "password": password_of(each["login_name"])} for each in users()]
    async with running_server(merged({}, {"users": people}), folder=tmp_path) as running:
        await FrontEnd(running, "ann").room_with(FrontEnd(running, "bob"))  # room:100000
        yield running


async def run(js, number, folder, call, **given):
    """`it.shown` is what the example has shown; its door is where a page would find it."""
    source = EXAMPLES[number].replace("/client.js", (FOLDER / "client.js").as_uri())
    (folder / "example.mjs").write_text(source)
    names = {"file": (folder / "example.mjs").as_uri(), "key": key_of("ann"), **given}
    setting = """
        globalThis.WebSocket ??= WebSocket;
        const { main } = await import(file);
        it.shown = [];
        const show = (...what) => it.shown.push(what.length === 1 ? what[0] : what);
    """
    return await js(setting + call, **names)


def test_there_are_as_many_examples_as_are_run():
    assert len(EXAMPLES) == 4


async def test_the_first_example(site, tmp_path):
    async with node() as js:
        call = "it.chat = main(url, key, show); await until(() => it.shown.length === 1); return it.shown[0]"
        _, *said = await run(js, 0, tmp_path, call, url=site.url(""))
        assert said == ["Ann Maas", "Lunch?"]


async def test_what_becomes_of_a_message(site, tmp_path):
    async with node() as js:
        call = "it.chat = main(url, key, show); await until(() => it.shown.length === 4); return it.shown"
        shown = await run(js, 1, tmp_path, call, url=site.url(""))
        assert sorted(shown) == ["publish room:100000: content: is empty", "…", "…", "✓"]


async def test_a_state_and_its_changes(site, tmp_path):
    orders = site.server.provider("orders")
    order = {"orderId": "D1", "status": "OrderApproved", "customer": "Maas", "total": "1.00",
             "currency": "EUR", "placedAt": "2026-11-23T10:00:00Z"}  # fmt: skip
    await orders.set("SHOP", "D1", order)
    async with node() as js:
        begin = "it.chat = main(url, key, show); await until(() => it.shown.length === 1)"
        await run(js, 2, tmp_path, begin, url=site.url(""))
        await orders.set("SHOP", "D2", {**order, "orderId": "D2"})
        await orders.delete("SHOP", "D1")
        shown = await js("await until(() => it.shown.length === 3); return it.shown")
        assert shown == [["D1"], ["D1", "D2"], ["D2"]]


async def test_logging_in(site, tmp_path):
    async with node() as js:
        call = """
            const [chat, rooms] = await main(url, name, password);
            const { user } = await chat.opened;
            chat.close();
            return [user, rooms.map(({ topic }) => topic)];
        """
        name = "ann@shop.example"
        given = {"url": site.url(""), "name": name, "password": password_of(name)}
        assert await run(js, 3, tmp_path, call, **given) == ["u-ann", ["room:100000"]]


async def test_the_folder_is_a_package_for_node(tmp_path):
    """As the page's shell lines make it, without npm: a link is what it would leave."""
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "tornado_chat").symlink_to(FOLDER)
    (tmp_path / "program.mjs").write_text(
        'import { connect } from "tornado_chat";\nconsole.log(typeof connect);\n'
    )
    process = await asyncio.create_subprocess_exec(
        "node", "program.mjs", cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert out == b"function\n"
