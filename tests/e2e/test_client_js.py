"""The JavaScript client in Node against real servers: what it promises, and how it comes back."""

import asyncio
import contextlib
import json
import signal
from asyncio.subprocess import PIPE

import pytest
import websockets

from support.boards import Board, boards, plugin_of
from support.node import NODE, SCRIPTS, JavaScriptError, node
from support.process import serving, toml
from support.proxy import proxied
from support.server import key_of, merged, password_of, running_server, users
from tornado_chat import Topic
from tornado_chat.errors import TOO_SLOW, TRY_LATER, RateLimited

BOARD = "board:1"
SHOP_BOARD = Topic("SHOP", "board", "1")


def url(server):
    return f"http://127.0.0.1:{server.port}"


async def opened(js, server, name="ann", **options):
    """`it.<name>` is a chat that is open."""
    code = f"it.{name} = open(url, key, options); return await it.{name}.opened"
    return await js(code, url=url(server), key=key_of(name), options=options)


@pytest.fixture
async def site():
    async with running_server(modules=[boards()], entry_points=False) as running:
        yield running


@pytest.fixture
async def js():
    async with node() as running:
        yield running


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.test.mjs")), ids=lambda path: path.name)
async def test_its_parts(script):
    process = await asyncio.create_subprocess_exec(NODE, "--test", script, stdout=PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()


# What one asks of it


async def test_a_message_is_sent_and_comes(site, js):
    assert (await opened(js, site))["user"] == "u-ann"
    assert (await opened(js, site, "bob"))["user"] == "u-bob"
    told = await js("""
        it.board = it.ann.subscribe("board:1");
        const { complete, state, position } = await it.board.ready;
        return { complete, state, offset: position.offset };
    """)
    assert told == {"complete": False, "state": {"topic": "1"}, "offset": 0}
    sent, message, position = await js("""
        const sent = await it.bob.publish("board:1", { n: 1 }, { key: "mine" }).stored;
        const { value } = await it.board.next();
        return [sent, value, it.board.position];
    """)
    assert (sent["topic"], sent["duplicate"], sent["at"]) == (BOARD, False, message["at"])
    assert position == {"epoch": sent["epoch"], "offset": sent["offset"]}
    assert {name: message[name] for name in ("topic", "offset", "id", "sender", "sender_name")} == {
        "topic": BOARD,
        "offset": sent["offset"],
        "id": sent["id"],
        "sender": "u-bob",
        "sender_name": "Bob Prins",
    }
    assert message["data"] == {"n": 1}


async def test_the_same_key_is_the_same_message(site, js):
    await opened(js, site)
    first, again, other = await js("""
        const send = (n) => it.ann.publish("board:1", { n }, { key: "mine" }).stored;
        return [await send(1), await send(1), await refused(send(2))];
    """)
    assert (again["duplicate"], again["offset"]) == (True, first["offset"])
    assert other["code"] == "conflict"


async def test_several_topics_and_mine_at_once(site, js):
    await opened(js, site)
    numbers = await js("""
        const { ann } = it;
        const readers = ["board:1", "board:2", "mine"].map((topic) => ann.subscribe(topic));
        const [one, two] = await Promise.all(readers.map((each) => each.ready));
        for (const n of [0, 1, 2, 3]) await publish(ann, `board:${(n % 2) + 1}`, n);
        const first = [await take(one, 2), await take(two, 2)];
        two.close();
        await publish(ann, "board:2", 4);
        await publish(ann, "board:1", 5);
        const second = [await take(one, 1), await take(two, 9)];
        let twice;
        try { ann.subscribe("board:1"); } catch (error) { twice = error.message; }
        const again = ann.subscribe("board:2", { since: "start" });
        return [first, second, twice, await take(again, 3)];
    """)
    assert numbers == [[[0, 2], [1, 3]], [[5], []], "board:1: subscribed already", [1, 3, 4]]


async def test_a_loop_that_is_left_closes_its_subscription(site, js):
    await opened(js, site)
    numbers = await js("""
        const { ann } = it, numbers = [];
        await publish(ann, "board:1", 1, 2, 3);
        for await (const message of ann.subscribe("board:1", { since: "start" })) {
          numbers.push(message.data.n);
          if (numbers.length === 2) break;
        }
        const { complete } = await ann.subscribe("board:1", { since: "start" }).ready; // its place is free
        return [numbers, complete];
    """)
    assert numbers == [[1, 2], True]


async def test_who_gives_a_function_is_called_in_order(site, js):
    await opened(js, site)
    heard = await js("""
        const { ann } = it, heard = [];
        await publish(ann, "board:1", 1, 2);
        const reader = ann.subscribe("board:1", {
          since: "start",
          onMessage: ({ data }, subscription) => heard.push([data.n, subscription.position.offset]),
          onSnapshot: () => heard.push("snapshot"),
          onEnd: (error) => heard.push(error),
        });
        await publish(ann, "board:1", 3);
        await until(() => heard.length === 3);
        reader.close();
        const other = ann.subscribe("board:1", {
          onMessage: ({ data }) => heard.push(data.n),
          onSnapshot: ({ state, complete }) => heard.push([state, complete]),
        });
        await publish(ann, "board:1", 4);
        await until(() => heard.length === 6);
        return heard;
    """)
    assert heard == [[1, 1], [2, 2], [3, 3], None, [{"topic": "1"}, False], 4]


async def test_history_and_signals(site, js):
    await opened(js, site)
    await opened(js, site, "bob")
    pages = await js("""
        const sent = await publish(it.bob, "board:1", 0, 1, 2, 3, 4);
        const asked = [{ limit: 2 }, { before: sent[1].offset }, { after: sent[3].offset }];
        const pages = await Promise.all(asked.map((each) => it.ann.history("board:1", each)));
        return pages.map(({ messages, more }) => [messages.map(({ data }) => data.n), more]);
    """)
    assert pages == [[[3, 4], True], [[0], False], [[4], False]]
    signals = await js("""
        it.signals.length = 0;
        await it.ann.subscribe("board:1").ready;
        await it.ann.subscribe("typing:1").ready;
        await it.bob.signal("board:1", "typing", { on: true });
        const { offset, id, at } = await it.bob.publish("typing:1", { n: 1 }).stored;
        await until(() => it.signals.length === 2);
        return [...it.signals, offset, id, at];
    """)
    typing = {"topic": BOARD, "name": "typing", "sender": "u-bob", "data": {"on": True}}
    assert signals[0] == typing
    assert (signals[1]["name"], signals[2:]) == ("message", [None, None, None])


async def test_what_one_device_has_seen_the_other_hears(tmp_path, js):
    async with running_server(folder=tmp_path) as site:
        body = {"members": ["u-bob"]}
        made = await site.fetch("POST", "/plugins/chat_rooms/rooms", body, name="ann")
        room = made.json["room"]["topic"]
        for name in ("ann", "bob"):
            await opened(js, site, name)
        code = """
            const other = open(url, key);
            await other.opened;
            it.signals.length = 0;
            const [first] = await Promise.all(
              ["one", "two"].map((content) => it.ann.publish(room, { content }).stored));
            const seen = await it.bob.seen(room, first.offset);
            await until(() => it.signals.length === 2);
            return [seen.unread, it.signals.map(({ topic, name, data }) => [topic, name, data.unread])];
        """
        seen = await js(code, url=url(site), key=key_of("bob"), room=room)
        assert seen == [1, [[room, "seen", 1]] * 2]


async def test_what_is_refused_rejects(site, js):
    await opened(js, site)
    attempts = [
        'it.ann.subscribe("board:said").ready',
        'it.ann.subscribe("board:said").next()',
        'it.ann.publish("board:said", {}).stored',
        'it.ann.history("board:said")',
        'it.ann.signal("board:said", "typing")',
    ]
    for attempt in attempts:
        error = await js(f"return await refused({attempt})")
        assert (error["name"], error["code"]) == ("ChatError", "denied")
        assert "not a member" in error["message"]
    ended = await js("""
        const { error, subscription } = await new Promise((resolve) =>
          it.ann.subscribe("board:said", {
            onMessage: () => {},
            onEnd: (error, subscription) => resolve({ error, subscription }),
          }));
        return [error.code, subscription.topic];
    """)
    assert ended == ["denied", "board:said"]


async def test_the_house_ends_one_subscription_and_the_rest_go_on(site, js):
    await opened(js, site)
    await js("""
        [it.one, it.two] = ["board:1", "board:2"].map((topic) => it.ann.subscribe(topic));
        await Promise.all([it.one.ready, it.two.ready]);
    """)
    site.server.revoke(topic=SHOP_BOARD)
    assert (await js("return await refused(it.one.next())"))["code"] == "denied"
    assert await js('await publish(it.ann, "board:2", 1); return await take(it.two, 1)') == [1]


async def test_answers_find_who_asked(site, js):
    """A publish waits for its commit and lets others pass; whoever asked gets his own."""
    await opened(js, site)
    answers = await js("""
        const { ann } = it;
        await publish(ann, "board:2", 7);
        return await Promise.all(Array.from({ length: 40 }, async (_, n) => {
          if (n % 4 === 0) return (await ann.publish("board:1", { n }, { key: `${n}` }).stored).offset;
          if (n % 4 === 1) return (await ann.history("board:2")).messages[0].data.n;
          if (n % 4 === 2) return (await refused(ann.history("board:said"))).code;
          return (await ann.signal(`board:${n}`, "typing")).topic;
        }));
    """)
    assert answers[::4] == list(range(2, 12))
    assert answers[1::4] == [7] * 10
    assert answers[2::4] == ["denied"] * 10
    assert answers[3::4] == [f"board:{n}" for n in range(3, 40, 4)]


async def test_a_frame_that_no_server_takes_is_refused_here_and_harms_nobody(site, js):
    await opened(js, site)
    for size in (3_000_000, 66_000):
        code = 'return await refused(it.ann.publish("board:1", { text: "x".repeat(size) }).stored)'
        assert (await js(code, size=size))["code"] == "too_large"
    circle = "const data = {}; data.data = data;"
    error = await js(circle + 'return await refused(it.ann.publish("board:1", data).stored)')
    assert error["name"] == "TypeError"
    assert await js('await publish(it.ann, "board:1", 1); return it.states') == ["open"]


# Its key


NO_KEYS = [
    '"wrong"',
    "null",
    "() => null",
    'async () => "wrong"',
    'async () => { throw new ChatError("unauthorized", "log in again"); }',
]


@pytest.mark.parametrize("key", NO_KEYS)
async def test_a_key_that_is_none_ends_it_for_good(site, js, logs, key):
    async with proxied(site.port) as proxy:
        code = f"""
            it.chat = open(url, {key});
            const sent = it.chat.publish("board:1", {{}});
            const errors = [await refused(it.chat.opened), await refused(sent.stored)];
            return [it.chat.state, it.chat.nextTry, it.chat.error.code, errors.map(({{ code }}) => code)];
        """
        told = await js(code, url=url(proxy))
        assert told == ["closed", None, "unauthorized", ["unauthorized", "unauthorized"]]
        await asyncio.sleep(0.2)
        assert proxy.accepted <= 1


async def test_a_key_may_be_asked_for_before_each_connection(site, js):
    async with proxied(site.port) as proxy:
        code = """
            it.asked = 0;
            it.chat = open(url, async () => {
              it.asked += 1;
              if (it.asked === 2) throw new TypeError("the network is away");
              return key;
            });
            await it.chat.opened;
        """
        await js(code, url=url(proxy), key=key_of("ann"))
        proxy.cut()
        await js('await publish(it.chat, "board:1", 1)')
        assert await js("return it.asked") == 3
        proxy.cut()


async def test_who_is_closed_while_it_asks_for_the_key_does_not_connect(site, js):
    async with proxied(site.port) as proxy:
        code = """
            let give;
            const chat = open(url, () => new Promise((resolve) => (give = resolve)));
            chat.close();
            give(key);
            await new Promise((resolve) => setTimeout(resolve, 50));
            return chat.state;
        """
        assert await js(code, url=url(proxy), key=key_of("ann")) == "closed"
        assert proxy.accepted == 0


@pytest.mark.parametrize("how", ["revoked", "expired"])
async def test_a_key_that_ends_ends_it_for_good(site, js, how):
    async with proxied(site.port) as proxy:
        await opened(js, proxy)
        await js("""
            it.board = await it.ann.subscribe("board:1").ready;
            await publish(it.ann, "board:1", 1);
        """)
        if how == "revoked":
            site.server.revoke(user="u-ann")
        else:
            [session] = site.server.hub.all_sessions()
            session.close(4001, "key expired")
        assert await js("return await take(it.board, 1)") == [1]  # what had come is given
        for attempt in (
            "it.board.next()",
            'it.ann.publish("board:1", {}).stored',
            'it.ann.history("board:1")',
            'it.ann.subscribe("board:2").ready',
        ):
            assert (await js(f"return await refused({attempt})"))["code"] == "unauthorized"
        assert await js("return [it.ann.state, it.ann.nextTry, it.states.at(-1)]") == [
            "closed",
            None,
            "closed",
        ]
        assert proxy.accepted == 1


async def test_no_address_holds_the_key(site, js, logs):
    await opened(js, site)
    await js('await it.ann.subscribe("board:1").ready')
    assert "key-of-" not in logs.text
    for address in ("ftp://shop", "http://a:b@shop", "ws://shop?api_key=k", "shop:8080"):
        with pytest.raises(JavaScriptError, match=r"TypeError|SyntaxError"):
            await js('open(address, "key")', address=address)


# Coming back


async def test_without_a_server_messages_wait_in_order(site, js):
    async with proxied(1) as proxy:
        code = """
            it.chat = open(url, key, { queue: 3 });
            it.board = it.chat.subscribe("board:1", { since: "start" });
            it.sent = [0, 1, 2, 3].map((n) => it.chat.publish("board:1", { n }));
            it.asking = it.chat.history("board:1");
            const refusals = [it.sent[3].stored, it.chat.signal("board:1", "typing")].map(refused);
            await until(() => it.chat.state === "waiting");
            const { nextTry, error } = it.chat;
            return [(await Promise.all(refusals)).map(({ code }) => code), error.code,
              nextTry >= Date.now() - 1000 && nextTry <= Date.now() + 1000,
              it.sent.map(({ state }) => state), it.chat.unsent.map(({ data }) => data.n)];
        """
        told = await js(code, url=url(proxy), key=key_of("ann"))
        waiting = ["sending", "sending", "sending", "failed"]
        assert told == [["queue_full", "unavailable"], "unavailable", True, waiting, [0, 1, 2]]
        await proxy.until(lambda: proxy.accepted > 2)
        proxy.target = site.port
        assert await js("return await take(it.board, 3)") == [0, 1, 2]
        states = await js("""
            await it.asking;
            await Promise.all(it.chat.unsent.map(({ stored }) => stored));
            it.sent[3].retry();
            await it.sent[3].stored;
            return [it.board.complete, it.chat.unsent.length, it.sent.map(({ state }) => state)];
        """)
        assert states == [True, 0, ["stored"] * 4]
        states = await js("it.chat.close(); return it.states")
        assert states[:2] == ["waiting", "connecting"]  # it was connecting before one could listen
        assert states[-3:] == ["connecting", "open", "closed"]


async def test_what_becomes_of_a_message_can_be_watched(site, js):
    await opened(js, site)
    told = await js("""
        const watch = (topic) => {
          const sent = it.ann.publish(topic, { n: 1 });
          const told = [sent.state];
          sent.addEventListener("change", () => told.push(sent.state, sent.error?.code ?? null));
          return [sent, told];
        };
        const [good, ofGood] = watch("board:1"), [bad, ofBad] = watch("board:said");
        await good.stored;
        await refused(bad.stored);
        await refused(bad.retry());
        return [good.sent.offset, (await good.retry()).offset, ofGood, ofBad];
    """)
    failed = ["failed", "denied"]
    assert told == [
        1,
        1,
        ["sending", "stored", None],
        ["sending", *failed, "sending", None, *failed],
    ]


async def test_a_restart_of_the_server_is_slept_through(tmp_path, js):
    """It says when to come back; what is published meanwhile waits; nothing is missed or doubled."""
    tables = {"server": {"drain_seconds": 0.2}}
    start = {"modules": [boards()], "entry_points": False, "folder": tmp_path}
    async with proxied(1) as proxy:
        async with running_server(tables, **start) as site:
            proxy.target = site.port
            await opened(js, proxy)
            await js("""
                it.board = await it.ann.subscribe("board:1").ready;
                await publish(it.ann, "board:1", 0, 1);
            """)
        told = await js("""
            await until(() => it.ann.state === "waiting");
            it.sent = [2, 3].map((n) => it.ann.publish("board:1", { n }));
            return [it.ann.state, it.ann.nextTry - Date.now() > 0];
        """)
        assert told == ["waiting", True]
        accepted = proxy.accepted
        async with running_server(tables, **start) as site:
            proxy.target = site.port
            await site.server.publish(SHOP_BOARD, {"n": "house"})
            code = """
                await Promise.all(it.sent.map(({ stored }) => stored));
                return [await take(it.board, 5), it.board.gaps];
            """
            numbers, gaps = await js(code)
            assert (sorted(map(str, numbers)), gaps) == (["0", "1", "2", "3", "house"], 0)
            assert [each for each in numbers if each != "house"] == [0, 1, 2, 3]
            assert proxy.accepted == accepted + 1  # not before it was asked to
            await js("it.ann.close()")


async def test_a_server_killed_in_mid_conversation_loses_and_doubles_nothing(tmp_path, js):
    """kill -9, four times, while two people talk: each has all that was said, once, in one order."""
    room = {"name": "Lunch", "members": ["u-bob"]}
    (tmp_path / "tornado_chat.toml").write_text(toml({"users": users()}))
    count = 100
    async with proxied(1) as proxy:
        made = None
        talk = """
            const talkers = ["ann", "bob"].map((name) => {
              const chat = (it[name] = open(url, keys[name]));
              const heard = (it[`heardBy_${name}`] = []);
              chat.subscribe(topic, { since: "start", onMessage: ({ data }) => heard.push(data.content) });
              return { name, chat };
            });
            it.stored = 0;
            const say = async ({ name, chat }) => {
              for (let n = 0; n < count; n += 1) {
                const sent = chat.publish(topic, { content: `${name} ${n}` }).stored;
                sent.then(() => (it.stored += 1));
                await Promise.race([sent, new Promise((resolve) => setTimeout(resolve, 50))]);
              }
              await Promise.all(chat.unsent.map(({ stored }) => stored));
            };
            await Promise.all(talkers.map(say));
            await until(() => it.heardBy_ann.length >= 2 * count && it.heardBy_bob.length >= 2 * count);
            return [it.heardBy_ann, it.heardBy_bob, it.ann.unsent.length + it.bob.unsent.length];
        """
        talking = None
        for life in range(5):
            async with serving("-c", tmp_path / "tornado_chat.toml", cwd=tmp_path) as running:
                proxy.target = running.port
                if made is None:
                    code = 'return await new Rest(url, key).post("/plugins/chat_rooms/rooms", room)'
                    made = await js(code, url=url(proxy), key=key_of("ann"), room=room)
                    talking = js.begin(
                        talk,
                        seconds=50,
                        url=url(proxy),
                        keys={name: key_of(name) for name in ("ann", "bob")},
                        topic=made["room"]["topic"],
                        count=count,
                    )
                if life == 4:
                    by_ann, by_bob, unsent = await talking
                else:
                    target = (life + 1) * count // 4
                    await js("await until(() => it.stored >= target)", target=target, seconds=30)
                    await running.stop(signal.SIGKILL)
        assert by_ann == by_bob
        assert sorted(by_ann) == sorted(
            f"{name} {n}" for name in ("ann", "bob") for n in range(count)
        )
        for name in ("ann", "bob"):
            said = [int(each.split()[1]) for each in by_ann if each.startswith(name)]
            assert said == list(range(count))
        assert unsent == 0


@pytest.mark.parametrize("code", [TOO_SLOW, TRY_LATER, 1012, 1011, 1000])
async def test_other_ends_are_come_back_from(site, js, code):
    await opened(js, site)
    await js('it.board = await it.ann.subscribe("board:1").ready')
    [session] = site.server.hub.all_sessions()
    session.close(code, "for the test")
    numbers = await js('await publish(it.ann, "board:1", 1); return await take(it.board, 1)')
    assert numbers == [1]


@pytest.mark.parametrize("fault", ["cut", "stall", "strand"])
async def test_a_network_that_fails_is_noticed(site, js, fault):
    """What was on its way then arrives, once."""
    async with proxied(site.port) as proxy:
        await opened(js, proxy, pingTimeout=300)
        await js('it.board = await it.ann.subscribe("board:1").ready')
        getattr(proxy, fault)()
        sending = js.begin('await publish(it.ann, "board:1", 1, 2, 3)')
        if fault == "stall":
            await proxy.until(lambda: proxy.accepted > 1)
            proxy.restore()
        await sending
        assert await js("return await take(it.board, 3)") == [1, 2, 3]
        history = await js('return (await it.ann.history("board:1")).messages.length')
        assert history == 3


async def test_a_connection_cut_within_a_frame_loses_nothing(site, js):
    async with proxied(site.port) as proxy:
        await opened(js, proxy)
        await js('it.board = await it.ann.subscribe("board:1").ready')
        for number in range(6):
            proxy.cut_in_frame("up" if number % 2 else "down")
            await js('await publish(it.ann, "board:1", number)', number=number)
        assert await js("return await take(it.board, 6)") == list(range(6))
        assert proxy.accepted > 3


async def test_a_slow_network_is_no_dead_one(site, js):
    async with proxied(site.port) as proxy:
        proxy.delay(0.1)
        await opened(js, proxy, pingInterval=50, pingTimeout=1000)
        await js('it.board = await it.ann.subscribe("board:1").ready')
        await js('await publish(it.ann, "board:1", 1, 2, 3)')
        await asyncio.sleep(0.5)
        assert await js("return [await take(it.board, 3), it.states]") == [[1, 2, 3], ["open"]]
        assert proxy.accepted == 1


# Holes, and slow readers


async def test_a_hole_is_told_with_the_state(site, js):
    await opened(js, site)
    told = await js("""
        const told = [], { ann } = it;
        const onSnapshot = async ({ topic, state, position, gaps }) => {
          await null;
          told.push([topic, state, position.offset, gaps]);
        };
        await publish(ann, "board:1", 1, 2);
        const since = { epoch: "of another log", offset: 1 };
        const board = await ann.subscribe("board:1", { since, onSnapshot }).ready;
        await publish(ann, "board:1", 3);
        return [await take(board, 1), told, board.complete];
    """)
    assert told == [[3], [[BOARD, {"topic": "1"}, 2, 1]], False]


async def test_a_message_is_a_place_to_go_on_from(site, js):
    await opened(js, site)
    numbers = await js("""
        await publish(it.ann, "board:1", 1, 2, 3);
        const { messages } = await it.ann.history("board:1");
        const board = await it.ann.subscribe("board:1", { since: messages[0] }).ready;
        return [await take(board, 2), board.complete, board.gaps];
    """)
    assert numbers == [[2, 3], True, 0]


async def test_pruned_while_away_is_a_hole(tmp_path, js):
    tables = {"retention": {"messages": 2}}
    async with (
        running_server(tables, [boards()], entry_points=False, folder=tmp_path) as site,
        proxied(site.port) as proxy,
    ):
        await opened(js, proxy)
        await js("""
            it.heard = [];
            it.board = it.ann.subscribe("board:1", {
              onMessage: ({ data }) => it.heard.push(data.n),
              onSnapshot: ({ state, gaps }) => it.heard.push([state, gaps]),
            });
            await publish(it.ann, "board:1", 1);
            await until(() => it.heard.length === 2);
        """)
        proxy.refuse()
        proxy.cut()
        for number in range(2, 8):
            await site.server.publish(SHOP_BOARD, {"n": number})
        await site.server.retention.run()
        proxy.restore()
        heard = await js("""
            await publish(it.ann, "board:1", 8);
            await until(() => it.heard.at(-1) === 8);
            return it.heard;
        """)
        assert heard == [[{"topic": "1"}, 0], 1, [{"topic": "1"}, 1], 8]


async def test_a_slow_reader_gets_everything_and_holds_up_nobody(site, js):
    await opened(js, site, buffer=5)
    await js("""
        [it.slow, it.quick] = ["board:1", "board:2"].map((topic) => it.ann.subscribe(topic));
        await Promise.all([it.slow.ready, it.quick.ready]);
    """)
    for number in range(60):
        await site.server.publish(SHOP_BOARD, {"n": number})
    numbers = await js("""
        await publish(it.ann, "board:2", 60);
        const quick = await take(it.quick, 1);
        const slow = [];
        while (slow.length < 60) {
          slow.push(...(await take(it.slow, 1)));
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        return [quick, slow, it.slow.gaps];
    """)
    assert numbers == [[60], list(range(60)), 0]


async def test_a_refusal_that_passes_is_lived_through(js):
    class Moody(Board):
        busy = False

        async def snapshot(self, identity, topic):
            return {}

        async def authorize(self, identity, action, topic):
            if self.busy and action == "subscribe":
                raise RateLimited("too busy")
            return True

    board = Moody()
    async with running_server(modules=[plugin_of(board)], entry_points=False) as site:
        await opened(js, site)
        await js('it.board = await it.ann.subscribe("board:1").ready')
        board.busy = True
        [session] = site.server.hub.all_sessions()
        session.close(1012, "again")
        await js('await publish(it.ann, "board:1", 1)')
        board.busy = False
        assert await js("return await take(it.board, 1)") == [1]


# Ending


async def test_closing_tells_whoever_waits(site, js):
    async with proxied(site.port) as proxy:
        await opened(js, proxy)
        await js('it.board = await it.ann.subscribe("board:1").ready')
        proxy.stall()
        told = await js("""
            const sent = [1, 2].map((n) => it.ann.publish("board:1", { n }));
            const asked = it.ann.history("board:1");
            await new Promise((resolve) => setTimeout(resolve, 20));
            it.ann.close();
            it.ann.close();
            const errors = await Promise.all([...sent.map(({ stored }) => stored), asked].map(refused));
            const after = await refused(it.ann.publish("board:1", {}).stored);
            return [[...errors, after].map(({ code }) => code), (await it.board.next()).done,
              it.ann.state, it.ann.error.code, it.ann.unsent.map(({ data }) => data.n)];
        """)
        assert told == [["closed"] * 4, True, "closed", "closed", [1, 2]]


async def test_closing_says_goodbye(site, js):
    await opened(js, site)
    [handler] = site.server.sockets.handlers
    await js("it.ann.close()")
    async with asyncio.timeout(5):
        while handler.close_code is None:
            await asyncio.sleep(0.01)
    assert handler.close_code == 1000


async def test_a_fault_of_the_programs_own_ends_nothing(site, js):
    await opened(js, site)
    told = await js("""
        const fail = (where) => () => { throw new Error(where); };
        it.ann.addEventListener("signal", fail("signal"));
        it.ann.subscribe("board:1", { onMessage: fail("message"), onSnapshot: fail("snapshot") });
        await it.ann.signal("board:1", "typing");
        await publish(it.ann, "board:1", 1, 2);
        return it.ann.state;
    """)
    assert told == "open"
    async with asyncio.timeout(5):
        while len(js.uncaught) < 4:
            await asyncio.sleep(0.01)
    told = [each["message"] for each in js.uncaught]
    assert sorted(told) == ["message", "message", "signal", "snapshot"]
    js.uncaught.clear()


# What a browser tells


BROWSER = """
    const page = new EventTarget();
    page.visibilityState = "visible";
    globalThis.document = page;
    const window = new EventTarget();
    globalThis.addEventListener = window.addEventListener.bind(window);
    it.tell = (type) => (type === "visibilitychange" ? page : window).dispatchEvent(new Event(type));
"""


@pytest.mark.parametrize("hint", ["online", "visibilitychange"])
async def test_it_comes_back_at_once_when_a_browser_says_so(site, js, hint):
    await js(BROWSER)
    async with proxied(site.port) as proxy:
        await opened(js, proxy, backoffBase=1e9, backoffCap=1e9)
        proxy.cut()
        await js("""
            await until(() => it.ann.state === "waiting");
            document.visibilityState = "hidden";
            it.tell("visibilitychange");
        """)
        assert await js("return it.ann.state") == "waiting"  # nobody looks
        told = await js(
            """
            document.visibilityState = "visible";
            it.tell(hint);
            await until(() => it.ann.state === "open");
            return [it.ann.nextTry, it.ann.error];
            """,
            hint=hint,
        )
        assert told == [None, None]
        assert proxy.accepted == 2


@pytest.mark.parametrize("hint", ["online", "offline", "visibilitychange"])
async def test_a_connection_that_died_unseen_is_found_out_at_once(site, js, hint):
    await js(BROWSER)
    async with proxied(site.port) as proxy:
        await opened(js, proxy, pingInterval=1e9, pingTimeout=200)
        proxy.strand()
        await js("it.tell(hint); await until(() => it.states.length === 4)", hint=hint)
        assert await js("return it.states") == ["open", "waiting", "connecting", "open"]


async def test_what_the_server_asked_for_is_not_hurried_but_a_person_may(js):
    await js(BROWSER)
    tables = {"server": {"drain_seconds": 0.2}}
    async with proxied(1) as proxy:
        async with running_server(tables, [boards()], entry_points=False) as site:
            proxy.target = site.port
            await opened(js, proxy)
        states = await js("""
            await until(() => it.ann.state === "waiting");
            it.tell("online");
            const states = [it.ann.state];
            it.ann.reconnect();
            return [...states, it.ann.state, it.ann.nextTry];
        """)
        assert states == ["waiting", "connecting", None]


# Servers that are none of ours


@contextlib.asynccontextmanager
async def stranger(*frames, code=1000):
    """Says these after the first frame, and ends it with that code."""

    async def talk(socket):
        with contextlib.suppress(websockets.ConnectionClosed):
            await socket.recv()
            for frame in frames:
                await socket.send(frame)
            if code is None:
                await socket.wait_closed()
            await socket.close(code or 1000, "so there")

    async with websockets.serve(talk, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"


HELLO = json.dumps({"hello": {"protocol": 1}})
LATER = '{"id":0,"error":{"code":"unavailable","message":"later"}}'
DENIED = '{"id":0,"error":{"code":"denied","message":"not you"}}'


@pytest.mark.parametrize(
    ("frames", "code", "state", "said"),
    [
        ([], None, "waiting", "no hello in 100 ms"),
        (["hello"], None, "waiting", "a frame that is no object"),
        (['"hello"'], None, "waiting", "a frame that is no object"),
        ([b"hello"], None, "waiting", "a frame that is no object"),
        (['{"signal":{}}'], None, "waiting", "said no hello"),
        ([LATER], None, "waiting", "later"),
        ([], 4001, "waiting", "so there"),  # too late, as through a slow network
        ([DENIED], 4001, "closed", "not you"),
        ([HELLO], 4001, "closed", "so there"),
        ([HELLO], 4009, "closed", "so there"),
        ([HELLO], 4002, "waiting", "so there"),
        ([HELLO, "?"], None, "waiting", "a frame that is no object"),
    ],
)
async def test_how_it_takes_what_a_server_says(js, frames, code, state, said):
    script = """
        const chat = open(url, "key", { openTimeout, backoffBase: 1e6, backoffCap: 1e6 });
        await until(() => chat.error);
        return [chat.state, chat.error.message];
    """
    async with stranger(*frames, code=code) as address:
        silent = not frames and code is None
        told = await js(script, url=address, openTimeout=100 if silent else 5000)
        assert told == [state, said]


async def test_after_a_silence_it_pings_once(js):
    came = asyncio.Queue()

    async def talk(socket):
        for frame in (HELLO, *20 * ['{"new":1}']):
            await socket.send(frame)
        async for frame in socket:
            came.put_nowait(json.loads(frame)["do"])

    async with websockets.serve(talk, "127.0.0.1", 0) as server:
        address = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await js('open(url, "key", { pingInterval: 50, pingTimeout: 1e6 })', url=address)
        first = [await asyncio.wait_for(came.get(), 5) for _ in range(2)]
        await asyncio.sleep(0.2)
        assert (first, came.qsize()) == (["auth", "ping"], 0)


async def test_what_it_does_not_know_is_passed_over(js):
    frames = [
        '{"new":{}}',
        '{"id":null,"error":{"code":"bad_request","message":"what?"}}',
        '{"id":null,"topic":"nobody","error":{"code":"conflict","message":"?"}}',
        '{"id":77,"ok":{}}',
        '{"push":{"topic":"nobody","epoch":"e","offset":1,"data":{}}}',
        '{"signal":{"topic":"a","name":"b","sender":null,"data":{},"new":1}}',
    ]
    async with stranger(HELLO, *frames, code=None) as address:
        code = """
            it.chat = open(url, "key");
            await until(() => it.signals.length);
            const states = [...it.states];
            it.chat.close();
            return [it.signals[0].name, states];
        """
        assert await js(code, url=address) == ["b", ["open"]]


@pytest.mark.parametrize("window", [[300, 301], [0, 1]])
async def test_a_bye_says_when_to_come_back(js, window):
    bye = json.dumps({"bye": {"code": "restart", "reconnect_after_ms": window}})
    async with stranger(HELLO, bye, code=1012) as address:
        script = """
            const begin = Date.now();
            it.chat = open(url, "key", { backoffBase: 1e6, backoffCap: 1e6 });
            await until(() => it.states.length >= 3);
            it.chat.close();
            return [it.states.slice(0, 3), Date.now() - begin];
        """
        states, took = await js(script, url=address)
        assert states == ["open", "waiting", "connecting"]
        assert took >= window[0]


# REST


async def test_rest_has_the_key_and_its_errors_are_objects(tmp_path, js):
    async with running_server(folder=tmp_path) as site:
        code = """
            const chat = open(url, key);
            const { room } = await chat.rest.post("/plugins/chat_rooms/rooms", { members: ["u-bob"] });
            const { rooms } = await chat.rest.get("/plugins/chat_rooms/rooms", { limit: 1, search: "Bob & " });
            const path = `/plugins/chat_rooms/rooms/${room.id}`;
            const errors = await Promise.all([
              chat.rest.get("/plugins/chat_rooms/rooms/99"),
              chat.rest.put("/plugins/chat_rooms/rooms", {}),
              new Rest(url, null).get("/plugins/chat_rooms/rooms"),
              new Rest(url, async () => "wrong").get("/plugins/chat_rooms/rooms"),
              new Rest("http://127.0.0.1:1", null).get("/"),
            ].map(refused));
            const headers = { "Content-Type": "application/json" };
            const odd = async () => new Response('{"error":{"code":"odd"}}', { status: 418, headers });
            errors.push(await refused(new Rest(url, null, { fetch: odd }).get("/")));
            const text = await chat.rest.get("/client.js");
            return [room.topic, rooms.length, errors.map(({ name, code, status }) => [name, code, status ?? 0]),
              text.startsWith("// @ts-check")];
        """
        topic, rooms, errors, text = await js(code, url=url(site), key=key_of("ann"))
        assert (topic, rooms, text) == ("room:100000", 0, True)
        assert errors == [
            ["ChatError", "not_found", 404],
            ["ChatError", "bad_request", 405],
            ["ChatError", "unauthorized", 401],
            ["ChatError", "unauthorized", 401],
            ["ChatError", "unavailable", 0],
            ["ChatError", "odd", 418],
        ]


async def test_login_gives_a_key(tmp_path, js):
    people = [{**each, "password": password_of("ann")} for each in users()[:1]]
    async with running_server(merged({}, {"users": people}), folder=tmp_path) as site:
        code = """
            const { key, expires, user } = await login(url, "ann@shop.example", password);
            const chat = open(url, key);
            const { name } = await chat.opened;
            const error = await refused(login(url, "ann@shop.example", "wrong"));
            return [name, user.user_id, new Date(expires) > new Date(), error.code, error.status];
        """
        told = await js(code, url=url(site), password=password_of("ann"))
        assert told == ["Ann Maas", "u-ann", True, "unauthorized", 401]
