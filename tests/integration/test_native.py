"""The native protocol over a real socket: design section 3, frame by frame."""

import asyncio
import json
from dataclasses import replace

import pytest
import websockets

from support.boards import boards
from support.server import key_of, running_server
from tornado_chat import Audience, Topic, hookimpl


@pytest.fixture
async def site():
    async with running_server(modules=[boards()], entry_points=False) as running:
        yield running


async def test_hello_names_the_person_and_the_limits(site):
    async with site.connect("ann") as ann:
        assert ann.hello["protocol"] == 1
        assert ann.hello["user"] == "u-ann"
        assert ann.hello["name"] == "Ann Maas"
        assert ann.hello["tenant"] == "SHOP"
        assert ann.hello["key_ttl"] is None
        assert ann.hello["limits"]["frame_bytes"] == 65536


@pytest.mark.parametrize("name", ["api_key", "apiKey", "login_key"])
async def test_the_key_is_taken_from_query_and_header(site, name):
    async with websockets.connect(site.ws_url(f"/ws?{name}={key_of('ann')}")) as socket:
        assert "hello" in json.loads(await socket.recv())
    headers = {name: key_of("ann")}
    async with websockets.connect(site.ws_url("/ws"), additional_headers=headers) as socket:
        assert "hello" in json.loads(await socket.recv())


async def test_bearer_is_a_credential(site):
    headers = {"Authorization": f"Bearer {key_of('ann')}"}
    async with websockets.connect(site.ws_url("/ws"), additional_headers=headers) as socket:
        assert json.loads(await socket.recv())["hello"]["user"] == "u-ann"


async def test_a_bad_key_is_401_before_the_upgrade(site):
    with pytest.raises(websockets.InvalidStatus) as refused:
        await site.open("/ws", query="api_key=wrong")
    assert refused.value.response.status_code == 401
    assert "WWW-Authenticate" not in refused.value.response.headers
    assert json.loads(refused.value.response.body)["error"]["code"] == "unauthorized"


async def test_another_user_id_is_refused_with_a_text_of_its_own(site):
    with pytest.raises(websockets.InvalidStatus) as refused:
        await site.open("/ws", "ann", query="userId=u-bob")
    assert refused.value.response.status_code == 403
    assert b"Login key not valid" not in refused.value.response.body
    async with site.open("/ws", "ann", query="userId=u-ann") as socket:
        assert "hello" in json.loads(await socket.recv())


async def test_native_auth(site):
    async with site.open("/ws") as socket:
        await socket.send(json.dumps({"id": 1, "do": "auth", "key": key_of("ann")}))
        assert json.loads(await socket.recv())["hello"]["user"] == "u-ann"


@pytest.mark.parametrize(
    "frame",
    [
        {"id": 1, "do": "auth", "key": "wrong"},
        {"id": 1, "do": "subscribe", "topic": "board:1"},
        {"id": 1, "do": "auth", "key": "x" * 2000},
        {"id": 1, "do": "auth"},
    ],
)
async def test_a_bad_first_frame_is_4001(site, frame):
    async with site.open("/ws") as socket:
        await socket.send(json.dumps(frame))
        assert json.loads(await socket.recv())["error"]["code"] == "unauthorized"
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 4001


async def test_no_first_frame_is_4001(site, monkeypatch):
    monkeypatch.setattr("tornado_chat.web.socket.AUTH_SECONDS", 0.05)
    async with site.open("/ws") as socket:
        with pytest.raises(websockets.ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 5)
        assert socket.close_code == 4001


async def test_native_subscribe(site):
    async with site.connect("ann") as ann, site.connect("bob") as bob:
        reply = await ann.ok("subscribe", topic="board:1")
        assert reply == {
            "topic": "board:1",
            "epoch": reply["epoch"],
            "offset": 0,
            "complete": False,
            "state": {"topic": "1"},
        }
        posted = await bob.ok("publish", topic="board:1", data={"content": "Lunch?"})
        push = await ann.push()
        assert push == {
            "topic": "board:1",
            "epoch": posted["epoch"],
            "offset": posted["offset"],
            "id": posted["id"],
            "sender": "u-bob",
            "sender_name": "Bob Prins",
            "at": posted["at"],
            "data": {"content": "Lunch?"},
        }
        assert posted["duplicate"] is False
        await bob.quiet()


async def test_a_publisher_gets_his_own_push(site):
    async with site.connect("ann") as ann:
        await ann.ok("subscribe", topic="board:1")
        await ann.ok("publish", topic="board:1", data={"n": 1})
        assert (await ann.push())["data"] == {"n": 1}


async def test_a_list_of_topics_says_how_each_went(site):
    async with site.connect("ann") as ann:
        reply = await ann.ok(
            "subscribe", topics=["board:1", "board:closed", "nothing:1", "board:2"]
        )
        first, closed, nothing, second = reply["topics"]
        assert first["state"] == {"topic": "1"}
        assert second["state"] == {"topic": "2"}
        assert closed["error"]["code"] == "denied"
        assert nothing["error"]["code"] == "not_found"


async def test_native_unsubscribe(site):
    async with site.connect("ann") as ann:
        await ann.ok("subscribe", topic="board:1")
        await ann.ok("unsubscribe", topic="board:1")
        await ann.ok("unsubscribe", topic="board:never")
        await ann.ok("publish", topic="board:1", data={})
        await ann.quiet()


async def test_native_history(site):
    async with site.connect("ann") as ann:
        for number in range(7):
            await ann.ok("publish", topic="board:1", data={"n": number})

        async def page(**arguments):
            answer = await ann.ok("history", topic="board:1", **arguments)
            return [each["data"]["n"] for each in answer["messages"]], answer["more"]

        assert await page() == ([0, 1, 2, 3, 4, 5, 6], False)
        assert await page(limit=3) == ([4, 5, 6], True)
        assert await page(before=5, limit=3) == ([1, 2, 3], True)
        assert await page(before=2, limit=3) == ([0], False)
        assert await page(after=0, limit=3) == ([0, 1, 2], True)
        assert await page(after=5, limit=3) == ([5, 6], False)
        assert await ann.refused("history", topic="board:closed") == "denied"


async def test_pages_of_history_are_filled_with_what_one_may_see(site):
    """`more` speaks of that alone: what is for others is not even counted."""
    topic = Topic("SHOP", "board", "1")
    for_bob = Audience(users=frozenset({"u-bob"}))
    await site.server.publish(topic, {"n": 0})
    for number in range(1, 120):
        audience = None if number % 30 == 0 else for_bob
        await site.server.publish(topic, {"n": number}, audience=audience)

    async def page(client, **arguments):
        answer = await client.ok("history", topic="board:1", **arguments)
        return [each["data"]["n"] for each in answer["messages"]], answer["more"]

    async with site.connect("ann") as ann, site.connect("bob") as bob:
        assert await page(ann) == ([0, 30, 60, 90], False)
        assert await page(ann, after=0) == ([0, 30, 60, 90], False)
        assert await page(ann, limit=3) == ([30, 60, 90], True)
        assert await page(ann, limit=4) == ([0, 30, 60, 90], False)
        assert await page(ann, after=0, limit=3) == ([0, 30, 60], True)
        assert await page(ann, after=62, limit=3) == ([90], False)
        assert await page(ann, before=62, limit=2) == ([30, 60], True)
        assert await page(ann, before=31, limit=2) == ([0], False)
        assert await page(bob, limit=2) == ([118, 119], True)


async def test_a_history_of_what_is_for_others_alone_is_empty(site):
    topic = Topic("SHOP", "board", "1")
    for number in range(10):
        await site.server.publish(
            topic, {"n": number}, audience=Audience(users=frozenset({"u-bob"}))
        )
    async with site.connect("ann") as ann:
        for arguments in ({}, {"limit": 1}, {"after": 0}, {"after": 0, "limit": 1}):
            answer = await ann.ok("history", topic="board:1", **arguments)
            assert answer == {"messages": [], "more": False}


async def test_an_audience_of_nobody_stays_nobody(site):
    topic = Topic("SHOP", "board", "1")
    async with site.connect("ann") as ann:
        await ann.ok("subscribe", topic="board:1")
        posted = await site.server.publish(topic, {"for": "nobody"}, audience=Audience())
        await site.server.publish(topic, {"for": "members"})
        assert (await ann.push())["data"] == {"for": "members"}
        history = await ann.ok("history", topic="board:1")
        assert [each["data"] for each in history["messages"]] == [{"for": "members"}]
        assert (await site.server.store.get(posted.offset)).audience == Audience()


async def test_a_signal_reaches_only_whom_it_names(site):
    topic = Topic("SHOP", "typing", "1")
    async with site.connect("ann") as ann, site.connect("bob") as bob:
        await ann.ok("subscribe", topic="typing:1")
        await bob.ok("subscribe", topic="typing:1")
        for_bob = Audience(users=frozenset({"u-bob"}))
        await site.server.publish(topic, {"for": "bob"}, audience=for_bob)
        await site.server.publish(topic, {"for": "nobody"}, audience=Audience())
        await site.server.publish(topic, {"for": "all"})
        assert (await ann.next())["signal"]["data"] == {"for": "all"}
        assert (await bob.next())["signal"]["data"] == {"for": "bob"}
        assert (await bob.next())["signal"]["data"] == {"for": "all"}


async def test_native_publish(site):
    async with site.connect("ann") as ann, site.connect("bob") as bob:
        await bob.ok("subscribe", topic="board:1")
        first = await ann.ok("publish", topic="board:1", key="k1", data={"n": 1})
        again = await ann.ok("publish", topic="board:1", key="k1", data={"n": 1})
        assert again == {**first, "duplicate": True}
        assert await ann.refused("publish", topic="board:1", key="k1", data={"n": 2}) == "conflict"
        other = await bob.ok("publish", topic="board:1", key="k1", data={"n": 1})
        assert other["offset"] == first["offset"] + 1
        assert [(await bob.push())["offset"] for _ in range(2)] == [
            first["offset"],
            other["offset"],
        ]


async def test_a_retry_is_safe_though_a_filter_stamps_what_is_posted():
    """What was sent is compared, not what became of it."""
    stamps = iter(range(100))

    @hookimpl
    def filter_message(message):
        return replace(message, data={**message.data, "stamp": next(stamps)})

    module = boards()
    module.filter_message = filter_message
    async with (
        running_server(modules=[module], entry_points=False) as site,
        site.connect("ann") as ann,
    ):
        first = await ann.ok("publish", topic="board:1", key="k1", data={"n": 1})
        again = await ann.ok("publish", topic="board:1", key="k1", data={"n": 1})
        assert again == {**first, "duplicate": True}
        assert await ann.refused("publish", topic="board:1", key="k1", data={"n": 2}) == "conflict"
        history = await ann.ok("history", topic="board:1")
        assert [each["data"] for each in history["messages"]] == [{"n": 1, "stamp": 0}]


async def test_native_signal(site):
    async with site.connect("ann") as ann, site.connect("bob") as bob:
        await ann.ok("subscribe", topic="board:1")
        await bob.ok("signal", topic="board:1", name="typing", data={"on": True})
        assert await ann.next() == {
            "signal": {
                "topic": "board:1",
                "name": "typing",
                "sender": "u-bob",
                "data": {"on": True},
            }
        }
        assert (await ann.ok("history", topic="board:1"))["messages"] == []
        assert await bob.refused("signal", topic="board:closed", name="typing") == "denied"


async def test_a_topic_without_history_publishes_signals(site):
    async with site.connect("ann") as ann:
        await ann.ok("subscribe", topic="typing:1")
        reply = await ann.ok("publish", topic="typing:1", data={"n": 1})
        assert reply["offset"] is None
        frame = await ann.next()
        assert frame["signal"]["data"] == {"n": 1}


async def test_native_ping(site):
    async with site.connect("ann") as ann:
        assert await ann.ok("ping") == {}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("not json", "bad_request"),
        ("[1]", "bad_request"),
        ('{"id":1}', "bad_request"),
        ('{"id":1,"do":"sing"}', "bad_request"),
        ('{"id":1,"do":"publish","topic":"board:1"}', "bad_request"),
        ('{"id":1,"do":"publish","topic":"board:1","data":[]}', "bad_request"),
        ('{"id":1,"do":"publish","topic":"board:1","data":{},"odd":1}', "bad_request"),
        ('{"id":1,"do":"subscribe","topic":":"}', "bad_request"),
        ('{"id":1,"do":"subscribe"}', "bad_request"),
        ('{"id":1,"do":"auth","key":"again"}', "bad_request"),
        ('{"id":[1],"do":"ping"}', "bad_request"),
        ('{"id":1,"do":"publish","topic":"board:closed","data":{}}', "denied"),
        ('{"id":1,"do":"publish","topic":"nothing:1","data":{}}', "not_found"),
        (
            '{"id":1,"do":"publish","topic":"board:1","data":' + '{"a":' * 40 + "1" + "}" * 41,
            "too_large",
        ),
        (
            '{"id":1,"do":"publish","topic":"board:1","data":{"a":"' + "x" * 66000 + '"}}',
            "too_large",
        ),
        (
            '{"id":1,"do":"publish","topic":"board:1","data":{"a":"' + "x" * 80000 + '"}}',
            "too_large",
        ),
    ],
)
async def test_what_is_wrong_gets_its_code_and_the_socket_stays(site, text, code):
    async with site.connect("ann") as ann:
        await ann.send(text)
        frame = await ann.next()
        assert frame["error"]["code"] == code
        assert await ann.ok("ping") == {}


@pytest.mark.parametrize(
    "data",
    ['{"a":' * 40 + "1" + "}" * 40, '{"a":"' + "x" * 66000 + '"}', '{"a":"' + "x" * 80000 + '"}'],
)
async def test_too_large_names_the_frame_that_was(site, data):
    async with site.connect("ann") as ann:
        await ann.send('{"id":"seven","do":"publish","topic":"board:1","data":' + data + "}")
        frame = await ann.next()
        assert (frame["id"], frame["error"]["code"]) == ("seven", "too_large")


async def test_tenants_never_see_each_other(site):
    async with site.connect("ann") as ann, site.connect("zoe") as zoe:
        await zoe.ok("subscribe", topic="board:1")
        await ann.ok("publish", topic="board:1", data={"n": 1})
        await zoe.quiet()
        assert (await zoe.ok("history", topic="board:1"))["messages"] == []


async def test_revoking_ends_sockets_and_subscriptions_at_once(site):
    async with site.connect("ann") as ann, site.connect("bob") as bob:
        await ann.ok("subscribe", topic="board:1")
        topic = next(iter(site.server.hub.sessions("SHOP", "u-ann")[0].subscriptions))
        site.server.revoke(user="u-ann", topic=topic)
        assert "has ended" in (await ann.next())["error"]["message"]
        await bob.ok("publish", topic="board:1", data={})
        await ann.quiet()
        await site.server.accounts.revoke_keys("u-ann")
        with pytest.raises(websockets.ConnectionClosed):
            await ann.next()
        assert ann.socket.close_code == 4009
        assert await bob.ok("ping") == {}


async def test_many_writers_give_everybody_one_order(site):
    async def write(name, number):
        async with site.connect(name) as client:
            for each in range(50):
                await client.send(
                    {
                        "id": each,
                        "do": "publish",
                        "topic": "board:1",
                        "data": {"w": number, "n": each},
                    }
                )
            for each in range(50):
                assert "ok" in await client.reply(each)

    async with site.connect("ann") as ann, site.connect("bob") as bob:
        await ann.ok("subscribe", topic="board:1")
        await bob.ok("subscribe", topic="board:1")
        await asyncio.gather(
            *(write(name, i) for i, name in enumerate(["ann", "bob", "carl", "dora"]))
        )
        seen = [await ann.push() for _ in range(200)]
        assert [each["offset"] for each in seen] == list(range(1, 201))
        assert [await bob.push() for _ in range(200)] == seen
        for writer in range(4):
            mine = [each["data"]["n"] for each in seen if each["data"]["w"] == writer]
            assert mine == list(range(50))
        await ann.quiet()


async def test_a_snapshot_that_hangs_holds_nobody_else(site, logs):
    site.server.plugins.get("boards").calls["topic.snapshot"].limit = 0.3
    logs.expect("plugin 'boards' failed in topic.snapshot: TimeoutError")
    async with site.connect("ann") as ann, site.connect("bob") as bob:
        waiting = asyncio.create_task(ann.do("subscribe", topic="board:slow"))
        await bob.ok("subscribe", topic="board:1")
        await bob.ok("publish", topic="board:1", data={})
        await bob.push()
        assert (await waiting)["error"]["code"] == "unavailable"
        await bob.ok("publish", topic="board:slow", data={})
        await ann.quiet()


async def test_what_was_sent_before_a_close_is_still_read(site):
    async with site.connect("ann") as ann, site.connect("bob") as bob:
        await bob.ok("subscribe", topic="board:1")
        for number in range(10):
            frame = {"id": number, "do": "publish", "topic": "board:1", "data": {"n": number}}
            await ann.send(frame)
        await ann.socket.close()
        assert [(await bob.push())["data"]["n"] for _ in range(10)] == list(range(10))
