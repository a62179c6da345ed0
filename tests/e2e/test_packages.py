"""What is built and installed: our wheel, and beside it the packages of others, found by their entry
points and served over real sockets, in an environment that has never seen this checkout."""

import asyncio
import json
import tarfile
import urllib.request
import zipfile

import pytest
import websockets

from support.installed import PLUGINS
from support.process import serving, toml
from support.server import Native

pytestmark = pytest.mark.timeout(300)  # whoever comes first builds it all

KEY = "key-of-ann-0123456789"
SECRET = "the-secret-of-this-test"
OURS = ("chat_rooms", "notifications", "order_list", "growerp")
ANN = {
    "user_id": "u-ann",
    "login_name": "ann@shop.example",
    "full_name": "Ann Maas",
    "tenant": "SHOP",
    "permissions": ["notify"],
    "api_key": KEY,
}
SECTION = {"secret": SECRET, "tenant": "SHOP"}
CONFIG = {
    "users": [ANN],
    "plugins": {"machines": SECTION, "notices": SECTION, "order_list": SECTION},
}


@pytest.fixture
async def server(installed, tmp_path):
    """The installed command, in a folder with nothing but a configuration."""
    (tmp_path / "tornado_chat.toml").write_text(toml(CONFIG))
    command = installed.bin("tornado-chat")
    async with serving(cwd=tmp_path, env={"PYTHONPATH": ""}, command=command) as running:
        yield running


def native(server):
    return websockets.connect(f"ws://127.0.0.1:{server.port}/ws?api_key={KEY}", compression=None)


async def call(server, method, path, body=None, headers=None):
    """The status and what the answer says."""
    data = json.dumps(body).encode() if body is not None else None
    headers = {"api_key": KEY, "Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(server.url + path, data, headers, method=method)

    def fetch():
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read())

    return await asyncio.to_thread(fetch)


def test_what_is_in_the_wheel(installed):
    with zipfile.ZipFile(installed.wheel) as wheel:
        names = wheel.namelist()
    for name in (
        "tornado_chat/py.typed",
        "tornado_chat/scaffold/templates/list/plugin.py.tmpl",
        "tornado_chat/scaffold/templates/package/workflow.yml.tmpl",
        "tornado_chat/web/static/client.js",
        "tornado_chat/web/static/client/chat.js",
        "tornado_chat_plugins/order_list/migrations/0001_order_list.py",
        "tornado_chat_docs/README.md",
        "tornado_chat_docs/how-to/package-a-plugin.md",
        "tornado_chat_docs/reference/plugins/chat_rooms.md",
    ):
        assert name in names
    for end in ("share/tornado_chat/conf/tornado_chat.toml", "conf/tornado-chat.service"):
        assert any(name.endswith(end) for name in names), end
    first = {name.split("/")[0].partition("-")[0] for name in names}
    assert first == {"tornado_chat", "tornado_chat_plugins", "tornado_chat_docs"}
    assert not [name for name in names if "__pycache__" in name or name.endswith((".db", ".pyc"))]


def test_what_is_in_the_source_distribution(installed):
    """The wheel was built from it."""
    with tarfile.open(installed.sdist) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    for name in ("setup.cfg", "Makefile", "CHANGELOG.md", "LICENSE", "tests/e2e/test_packages.py"):
        assert name in names
    assert "plugins/order_list/__init__.py" in names
    assert "conf/tornado_chat.toml" in names


def test_the_environment_knows_nothing_of_this_checkout(installed, tmp_path):
    script = (
        "import tornado_chat, tornado_chat_plugins as p; print(tornado_chat.__file__, p.__file__)"
    )
    for file in installed.check("python", "-c", script, cwd=tmp_path).split():
        assert file.startswith(str(installed.folder / "venv"))


def test_plugins_are_found_by_their_entry_points(installed, tmp_path):
    said = installed.check("tornado-chat", "plugins", cwd=tmp_path)
    for name in PLUGINS.values():
        lines = said.split(f"\n{name} 0.1.0\n")[1].splitlines()
        assert "entry point" in lines[0]
        assert f"site-packages/tornado_chat_{name}/__init__.py" in lines[0]
    assert not [name for name in OURS if f"{name} " not in said]


def test_the_documentation_is_there(installed, tmp_path):
    assert "register_topics" in installed.check("tornado-chat", "docs", "hooks", cwd=tmp_path)


async def test_a_package_of_the_scaffold_serves_its_topic(server):
    hook = {"Authorization": f"Bearer {SECRET}"}
    async with native(server) as socket:
        ann = Native(socket)
        assert "hello" in await ann.next()
        joined = await ann.ok("subscribe", topic="machines:SHOP")
        assert joined["state"] == {"items": []}
        press = {"id": "press-1", "title": "The press", "status": "running"}
        answer = await call(server, "POST", "/plugins/machines/items", press, hook)
        assert answer == (200, {"changed": True})
        item = (await ann.push())["data"]["item"]
        assert (item["id"], item["status"]) == ("press-1", "running")
        await ann.ok("subscribe", topic="notices:news")
        await ann.ok("publish", topic="notices:news", data={"text": "Lunch"})
        assert (await ann.push())["data"]["text"] == "Lunch"


async def test_our_own_four_serve_theirs(server):
    async with native(server) as socket:
        ann = Native(socket)
        assert "hello" in await ann.next()
        _, made = await call(server, "POST", "/plugins/chat_rooms/rooms", {"name": "Lunch"})
        room = f"room:{made['room']['room_id']}"
        await ann.ok("subscribe", topic=room)
        await ann.ok("publish", topic=room, data={"content": "Soup?"})
        assert (await ann.push())["data"]["content"] == "Soup?"
        orders = await ann.ok("subscribe", topic="orders:SHOP")
        assert orders["state"] == {"orders": []}
        await ann.ok("subscribe", topic="OrderUpdate")
        url = f"ws://127.0.0.1:{server.port}/notws?api_key={KEY}&userId=u-ann"
        async with websockets.connect(url, compression=None) as growerp:
            await growerp.send("subscribe: OrderUpdate")
            sent = {"notification": {"topic": "OrderUpdate", "message": {"orderId": "7"}}}
            status, _ = await call(server, "POST", "/rest/s1/growerp/100/Notification", sent)
            assert status == 200
            assert (await ann.push())["topic"] == "OrderUpdate"
            frame = json.loads(await asyncio.wait_for(growerp.recv(), 20))
            assert frame["topic"] == "OrderUpdate"
