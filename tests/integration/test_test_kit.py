"""The test kit, as somebody uses it who writes a plugin."""

import asyncio
import base64
import logging

import pytest
import websockets

from support.boards import Board, Typing, boards, plugin, plugin_of
from tornado_chat import (
    Consumer,
    Dialect,
    PluginHandler,
    SetupError,
    StateProvider,
    Topic,
    WebhookHandler,
    hookimpl,
)
from tornado_chat.testing import chat_server as plain_chat_server
from tornado_chat.testing import password_of

BOARD = Topic("SHOP", "board", "1")


async def test_a_note_arrives(chat_server):
    async with chat_server(plugins=[boards()]) as chat:
        ann = await chat.connect("ann")
        bob = await chat.connect("bob")
        reply = await ann.ok("subscribe", topic="board:1")
        assert reply["state"] == {"topic": "1"}
        await bob.ok("publish", topic="board:1", data={"text": "hi"})
        assert (await ann.push())["data"] == {"text": "hi"}
        assert await bob.refused("publish", topic="board:closed", data={}) == "denied"
        await ann.quiet()


async def test_signals_and_what_comes_out_of_order(chat_server):
    async with chat_server(plugins=[boards()]) as chat:
        ann = await chat.connect("ann")
        await ann.ok("subscribe", topic="board:1")
        await ann.ok("subscribe", topic="typing:1")
        await ann.ok("publish", topic="board:1", data={"n": 1})
        await ann.ok("publish", topic="typing:1", data={"n": 2})
        await ann.ok("ping")  # by now both are there
        with pytest.raises(AssertionError, match="expected nothing"):
            await ann.quiet()
        assert (await ann.push())["data"] == {"n": 1}
        assert (await ann.signal())["data"] == {"n": 2}
        with pytest.raises(AssertionError, match="expected 'error', came"):
            await ann.refused("ping")
        with pytest.raises(AssertionError, match=r"no frame within 0\.05 s"):
            await ann.push(0.05)


async def test_a_room(chat_server):
    async with chat_server(plugins=["chat_rooms"]) as chat:
        topic = await chat.room("ann", "bob", "carl", name="Lunch")
        bob = await chat.connect("bob")
        room = (await bob.ok("subscribe", topic=topic))["state"]["room"]
        assert (room["name"], room["created_by"], room["member_count"]) == ("Lunch", "u-ann", 3)
        with pytest.raises(AssertionError, match=r"no room: 400 .*nobody"):
            await chat.room("ann", "nobody")


class Shelf(StateProvider):
    kind, item_name, state_name, id_key = "shelf", "book", "books", "isbn"

    async def authorize(self, identity, action, topic):
        return True


async def test_who_is_here_is_passed_over(chat_server):
    """It comes when it comes, so it would be in the way of what a test waits for."""
    async with chat_server(plugins=["chat_rooms"]) as chat:
        topic = await chat.room("ann", "bob", "carl", name="Lunch")
        ann = await chat.connect("ann")
        await ann.ok("subscribe", topic=topic)
        bob = await chat.connect("bob")
        while (heard := await ann.next()) != here(topic, "u-bob"):
            assert heard == here(topic, "u-ann")
        ann.pushed = [here(topic, "u-bob")]
        await ann.quiet(0.01)
        ann.pushed = [here(topic, "u-bob")]
        await bob.ok("signal", topic=topic, name="typing")
        assert (await ann.signal())["name"] == "typing"
        ann.pushed = [here(topic, "u-bob")]
        await bob.ok("publish", topic=topic, data={"content": "Soup"})
        assert (await ann.push())["data"] == {"content": "Soup"}
        await bob.ok("signal", topic=topic, name="here", data={"user_id": "u-carl"})
        assert (await ann.signal())["sender"] == "u-bob"


def here(topic, user):
    data = {"user_id": user, "here": True}
    return {"signal": {"topic": topic, "name": "here", "sender": None, "data": data}}


async def test_a_list_is_watched(chat_server):
    shelf = Topic("SHOP", "shelf", "1")
    async with chat_server(plugins=[plugin_of(Shelf()), boards()]) as chat:
        provider = chat.provider("shelf")
        await provider.set(shelf, "1", {"title": "Ulysses"})
        ann = await chat.connect("ann")
        await ann.ok("subscribe", topic="board:1")
        books = await ann.watch("shelf:1", id_key="isbn")
        assert books.items == {"1": {"isbn": "1", "title": "Ulysses", "version": 1}}
        await ann.ok("publish", topic="board:1", data={"n": 1})
        await provider.set(shelf, "2", {"title": "Emma"})
        await provider.set(shelf, "1", {"title": "Dubliners"})
        items = await books.until(lambda items: items["1"]["title"] == "Dubliners")
        assert items is books.items
        assert {key: item["title"] for key, item in items.items()} == {
            "1": "Dubliners",
            "2": "Emma",
        }
        await provider.delete(shelf, "1")
        assert await books.until(lambda items: len(items) == 1) == {"2": items["2"]}
        assert (await ann.push())["topic"] == "board:1"  # in its place
        with pytest.raises(AssertionError, match=r"shelf:1: no frame within 0\.05 s; .*Emma"):
            await books.until(lambda items: "3" in items, 0.05)


async def test_who_is_refused_at_the_door(chat_server):
    async with chat_server() as chat:
        with pytest.raises(websockets.InvalidStatus) as caught:
            await chat.connect(None, key="wrong")
        assert caught.value.response.status_code == 401


async def test_a_session_is_closed_with_its_block(chat_server):
    async with chat_server(plugins=[boards()]) as chat:
        async with chat.connect("ann") as ann:
            assert ann.hello["user"] == "u-ann"
        assert ann.close_code == 1000


async def test_who_has_read_nothing_is_closed_as_well(chat_server):
    async with chat_server(plugins=[boards()]) as chat:
        async with chat.connect("ann") as ann, chat.connect("bob") as bob:
            await bob.ok("subscribe", topic="board:1")
            for _ in range(40):
                await ann.ok("publish", topic="board:1", data={"text": "much" * 10_000})
        assert bob.close_code == 1000


async def test_a_socket_of_any_dialect(chat_server):
    class Echo(Dialect):
        path = "/echo"

        async def receive(self, session, text):
            session.send(text.upper().encode())

    @hookimpl
    def register_dialects():
        return [Echo()]

    async with (
        chat_server(plugins=[plugin("echo", register_dialects=register_dialects)]) as chat,
        chat.open("/echo", "ann") as socket,
    ):
        await socket.send("hi")
        assert await socket.receive() == "HI"
        chat.server.revoke(user="u-ann")
        assert await socket.closed() == 4009


class Echoing(PluginHandler):
    async def put(self):
        self.answer({"user": self.identity.user_id, "got": self.json()})


@hookimpl
def register_routes():
    return [("/echo", Echoing)]


async def test_rest_of_somebody_and_of_nobody(chat_server):
    async with chat_server(plugins=[plugin("echo", register_routes=register_routes)]) as chat:
        live = await chat.rest().get("/health/live")
        assert live.status == 200 and live.headers["Content-Type"] and live.text
        answer = await chat.rest("ann").put("/plugins/echo/echo", {"a": 1})
        assert answer.json == {"user": "u-ann", "got": {"a": 1}}
        assert (await chat.rest().put("/plugins/echo/echo", {})).status == 401
        assert (await chat.rest(key="wrong").put("/plugins/echo/echo", {})).status == 401
        shown = base64.b64encode(f"bob@shop.example:{password_of('bob')}".encode()).decode()
        answer = await chat.rest().put(
            "/plugins/echo/echo", raw="{}", headers={"Authorization": f"Basic {shown}"}
        )
        assert answer.json == {"user": "u-bob", "got": {}}


class Delivered(WebhookHandler):
    signed = True

    def secret(self):
        return "whsec_" + base64.b64encode(b"between the two of us!!!").decode()

    def post(self):
        self.answer({"id": self.delivery.id, "body": self.raw_body.decode()})


async def test_what_is_signed_by_the_clock_of_the_server(chat_server):
    routes = hookimpl(lambda: [("/hook", Delivered)])
    async with chat_server(plugins=[plugin("shop", register_routes=routes)]) as chat:
        hook, secret = "/plugins/shop/hook", Delivered.secret(None)
        await chat.clock.move(hours=25)
        first = await chat.rest().post(hook, {"n": 1}, signed=secret)
        second = await chat.rest().post(hook, {"n": 1}, signed=secret)
        assert (first.status, first.json["body"]) == (200, '{"n": 1}')
        assert first.json["id"] != second.json["id"]
        again = {"webhook-id": "msg_1"}
        assert (await chat.rest().post(hook, raw="x", headers=again, signed=secret)).json == {
            "id": "msg_1",
            "body": "x",
        }
        assert (await chat.rest().post(hook, {"n": 1}, signed="another-secret")).status == 401


async def test_a_front_end_of_growerp(chat_server):
    async with chat_server(plugins=["growerp"]) as chat:
        ann, bob = await chat.growerp("ann"), await chat.growerp("bob")
        rooms = chat.server.service("chat_rooms")
        room, _ = await rooms.create(
            await chat.identity("ann"), name="Lunch", private=True, members=["u-ann", "u-bob"]
        )
        answer = await ann.say(room.room_id, "at twelve?")
        assert answer.status == 200
        assert (await bob.chat.next())["content"] == "at twelve?"
        notifications = chat.server.service("notifications")
        await notifications.send("SHOP", "OrderUpdate", {"orderId": "1"})
        assert (await ann.notws.next())["topic"] == "OrderUpdate"


async def test_nothing_installed_unless_it_is_named(chat_server):
    async with chat_server() as chat:
        assert not list(chat.server.plugins)
    async with chat_server(plugins=["chat_rooms"]) as chat:
        assert [each.name for each in chat.server.plugins] == ["chat_rooms"]
    async with chat_server(plugins=["growerp"]) as chat:
        assert {each.name for each in chat.server.plugins} > {"notifications", "growerp"}
    needy = plugin("needy", requires=["notifications"])
    async with chat_server(plugins=[needy]) as chat:
        assert [each.name for each in chat.server.plugins] == ["notifications", "needy"]
    with pytest.raises(SetupError, match="no plugin 'nothing' is installed, there are: chat_rooms"):
        async with chat_server(plugins=["nothing"]):
            pass


async def test_a_drop_in_by_its_path(chat_server, tmp_path):
    (tmp_path / "_shared.py").write_text("NAME = 'from beside'\n")
    (tmp_path / "one.py").write_text("from ._shared import NAME\napi = 1\n")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "__init__.py").write_text("from .inner import NAME\napi = 1\n")
    (tmp_path / "two" / "inner.py").write_text("NAME = 'from within'\n")
    async with chat_server(plugins=[tmp_path / "one.py", str(tmp_path / "two")]) as chat:
        found = {each.name: each.module.NAME for each in chat.server.plugins}
        assert found == {"one": "from beside", "two": "from within"}
    with pytest.raises(SetupError, match=r"three\.py: no plugin: neither"):
        async with chat_server(plugins=[tmp_path / "three.py"]):
            pass


async def test_a_folder_keeps_the_database(chat_server, tmp_path):
    folder = tmp_path / "not" / "there yet"
    async with chat_server(plugins=[boards()], folder=folder) as chat, chat.connect("ann") as ann:
        await ann.ok("publish", topic="board:1", data={"n": 1})
    async with chat_server(plugins=[boards()], folder=folder) as chat, chat.connect("ann") as ann:
        assert len((await ann.ok("history", topic="board:1"))["messages"]) == 1
    async with chat_server(plugins=[boards()]) as chat, chat.connect("ann") as ann:
        assert (await ann.ok("history", topic="board:1"))["messages"] == []


async def test_people_of_ones_own(chat_server):
    eve = {"user_id": "u-eve", "tenant": "SHOP", "full_name": "Eve", "api_key": "eves-own"}
    async with chat_server(config={"users": [eve]}) as chat:
        assert (await chat.connect("eve")).hello["name"] == "Eve"
        assert (await chat.connect("u-eve")).hello["name"] == "Eve"
        assert (await chat.connect("ann")).hello["name"] == "Ann Maas"
        assert (await chat.identity("zoe")).tenant == "OTHER"


async def test_it_needs_no_pytest():
    async with plain_chat_server(plugins=[boards()]) as chat, chat.connect("zoe") as zoe:
        assert zoe.hello["tenant"] == "OTHER"


# All is done


async def test_settled_waits_for_observers_and_consumers(chat_server):
    told, handled, go, later = [], [], asyncio.Event(), asyncio.Event()

    @hookimpl
    async def message_published(message):
        await go.wait()
        told.append(message.offset)

    async def handle(message):
        await later.wait()
        handled.append(message.offset)

    @hookimpl
    def register_consumers():
        return [Consumer("noted", handle=handle, kinds=["board"])]

    module = plugin_of(
        Board(),
        Typing(),
        message_published=message_published,
        register_consumers=register_consumers,
    )
    async with chat_server(plugins=[module]) as chat, chat.connect("ann") as ann:
        for n in range(3):
            await ann.ok("publish", topic="board:1", data={"n": n})
        asyncio.get_running_loop().call_later(0.05, go.set)
        asyncio.get_running_loop().call_later(0.1, later.set)
        await chat.settled()
        assert len(told) == len(handled) == 3


async def test_settled_says_what_is_not_done(chat_server):
    go = asyncio.Event()

    @hookimpl
    async def message_published(message):
        await go.wait()

    async with chat_server(
        plugins=[plugin_of(Board(), Typing(), message_published=message_published)]
    ) as chat:
        await chat.server.publish(BOARD, {})
        with pytest.raises(AssertionError, match=r"not settled after 0\.1 s: observers of given"):
            await chat.settled(0.1)
        go.set()


# What fails a block


async def test_a_warning_that_nobody_expects_fails_the_block(logs):
    logs.expect("no plugin 'nobody'")  # of this suite's own check
    tables = {"plugins": {"disabled": ["nobody"]}}
    with pytest.raises(AssertionError, match="no plugin 'nobody' is there"):
        async with plain_chat_server(config=tables):
            pass
    async with plain_chat_server(config={}) as chat:
        chat.logs.expect("meant to be")
        logging.getLogger("tornado_chat").warning("no plugin 'nobody': meant to be")
        assert "meant to be" in chat.logs.text


async def test_who_holds_the_loop_for_a_moment_may_have_had_a_busy_machine(logs):
    said = "plugin 'board' held everybody up for %.1f s in topic.receive"
    logs.expect("held everybody up for 1.2 s")  # of this suite's own check
    with pytest.raises(AssertionError) as caught:  # noqa: PT012
        async with plain_chat_server():
            logging.getLogger("tornado_chat.plugins").error(said, 0.4)
            logging.getLogger("tornado_chat.plugins").error(said, 1.2)
    assert "1.2 s" in str(caught.value) and "0.4 s" not in str(caught.value)


async def test_a_block_that_fails_itself_shows_its_own_error_and_the_log(logs):
    logs.expect("no plugin 'nobody'")
    with pytest.raises(ValueError, match="mine") as caught:  # noqa: PT012
        async with plain_chat_server(config={"plugins": {"disabled": ["nobody"]}}) as chat:
            await chat.connect("ann")
            raise ValueError("mine")
    assert any("no plugin 'nobody' is there" in note for note in caught.value.__notes__)


async def test_a_task_that_is_left_fails_the_block():
    async def forgotten():
        await asyncio.Event().wait()

    started = []

    @hookimpl
    def startup(server):
        started.append(asyncio.create_task(forgotten(), name="poll the shop"))
        server.spawn(forgotten())  # which the server ends

    with pytest.raises(AssertionError) as caught:
        async with plain_chat_server(plugins=[plugin("leaky", startup=startup)]):
            pass
    assert str(caught.value).startswith("task still running: poll the shop, ")
    assert "forgotten" in str(caught.value) and "test_test_kit.py" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert started[0].cancelled()


async def test_a_session_that_is_left_fails_the_block():
    with pytest.raises(AssertionError, match="session still open: /ws of u-ann"):  # noqa: PT012
        async with plain_chat_server() as chat:
            address = chat.url.replace("http", "ws") + "/ws?api_key=key-of-ann"
            socket = await websockets.connect(address)
            await socket.recv()
    await socket.wait_closed()
