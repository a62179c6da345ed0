"""Old messages are thrown away under a running server, and everybody copes.

By count, since the clock of a server is nobody's to move; by age is in tests/unit/test_retention.py
and, by what is stored, here once.
"""

import asyncio
from dataclasses import replace

from tornado_chat_plugins.notifications.models import Listing, Note, Wish

from support.boards import boards, plugin, plugin_of
from support.growerp import FrontEnd
from support.notices import identity, ids, prefer, service
from support.queries import explained
from support.server import running_server
from tornado_chat import (
    Consumer,
    StateProvider,
    Topic,
    TopicProvider,
    config,
    hookimpl,
    retention,
)
from tornado_chat.reloading import Reloading
from tornado_chat.store.models import AddressRow, MessageRow, TopicRow

BOARD = Topic("SHOP", "board", "1")


def policy(**said):
    return {"retention": said}


async def run(site):
    return await site.server.retention.run()


async def post(site, count, topic=BOARD, **given):
    data = given.pop("data", {"text": "hello"})
    await asyncio.gather(*(site.server.publish(topic, data, **given) for _ in range(count)))


async def count(site, model):
    return await site.server.read(lambda _tx: model.select().count())


async def numbers(client, topic, **more):
    page = await client.ok("history", topic=topic, **more)
    return [each["data"]["n"] for each in page["messages"]], page["more"]


async def say_numbers(site, count, topic=BOARD):
    for n in range(1, count + 1):
        await site.server.publish(topic, {"n": n})


# Histories and sockets


async def test_a_history_has_fewer_and_says_that_there_is_no_more():
    async with running_server(policy(board={"messages": 4}), [boards()]) as site:
        await say_numbers(site, 10)
        async with site.connect("ann") as ann:
            assert await numbers(ann, "board:1", limit=5) == ([6, 7, 8, 9, 10], True)
            await run(site)
            assert await numbers(ann, "board:1", limit=5) == ([7, 8, 9, 10], False)
            assert await numbers(ann, "board:1", limit=4) == ([7, 8, 9, 10], False)
            assert await numbers(ann, "board:1", before=7, limit=4) == ([], False)
            assert await numbers(ann, "board:1", after=0, limit=3) == ([7, 8, 9], True)


async def test_who_comes_back_is_told_whether_he_missed_what_is_gone():
    async with running_server(policy(board={"messages": 4}), [boards()]) as site:
        await say_numbers(site, 10)
        async with site.connect("ann") as ann:
            since = await ann.ok("subscribe", topic="board:1")
            epoch, head = since["epoch"], since["offset"]
            await run(site)
            for back, complete in ((5, False), (4, True), (0, True)):
                position = {"epoch": epoch, "offset": head - back}
                again = await ann.ok("subscribe", topic="board:1", since=position)
                assert again["complete"] is complete, back
                if complete:
                    assert [(await ann.push())["data"]["n"] for _ in range(back)] == list(
                        range(11 - back, 11)
                    )
                await ann.ok("unsubscribe", topic="board:1")


async def test_a_live_subscriber_notices_nothing():
    tables = policy(board={"messages": 1})
    async with running_server(tables, [boards()]) as site, site.connect("ann") as ann:
        await ann.ok("subscribe", topic="board:1")
        await say_numbers(site, 10)
        await run(site)
        await site.server.publish(BOARD, {"n": 11})
        assert [(await ann.push())["data"]["n"] for _ in range(11)] == list(range(1, 12))


async def test_a_state_outlives_the_messages_that_made_it():
    class Machines(StateProvider):
        kind = "machines"
        history = 2

        def topic(self, key):
            return Topic(key, self.kind, key)

        async def authorize(self, identity, action, topic):
            return True

    machines = Machines()
    async with running_server(modules=[plugin_of(machines)]) as site:
        for n in range(6):
            await machines.set("SHOP", f"m{n}", {"n": n})
        await machines.delete("SHOP", "m0")
        await run(site)
        assert await count(site, MessageRow) == 2
        async with site.connect("ann") as ann:
            state = (await ann.ok("subscribe", topic="machines:SHOP"))["state"]
            assert [item["n"] for item in state["items"]] == [5, 4, 3, 2, 1]
            changed = await machines.set("SHOP", "m1", {"n": 10})
            assert changed.data["item"]["version"] == 8  # it rises, whatever was thrown away


# Rooms, by the front-end of GrowERP


async def test_a_room_keeps_its_counts_its_readers_and_its_place():
    async with running_server(policy(room={"messages": 2})) as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        room = await ann.room_with(bob)
        other = await ann.room_with(bob, name="Other", private=False)
        said = [(await ann.say(room, f"text {n}"))["chatMessageId"] for n in range(5)]
        await ann.say(other, "newest")
        before = await bob.rooms(), await ann.rooms()
        await run(site)
        assert (await bob.rooms(), await ann.rooms()) == before
        assert (await bob.room(room))["hasRead"] is False
        native = await unread(site, "bob", room)
        assert native == 5  # so many came since he read, kept or not
        assert await bob.history(room) == ["text 3", "text 4"]
        assert await bob.history(room, start=0, limit=10) == ["text 3", "text 4"]
        assert await bob.history(room, search="text") == ["text 3", "text 4"]
        assert (await bob.room(room))["hasRead"] is True
        assert await unread(site, "bob", room) == 0
        gone = await bob.bad(400, "GET", "ChatMessage", chatMessageId=said[0])
        assert gone == f"Message {said[0]} not found"
        await ann.say(room, "text 5")
        assert await unread(site, "bob", room) == 1
        await run(site)
        assert await bob.history(room) == ["text 4", "text 5"]


async def unread(site, name, room):
    answer = await site.fetch("GET", f"/plugins/chat_rooms/rooms/{room}", name=name)
    return answer.json["room"]["unread"]


async def test_one_room_may_be_kept_longer_than_the_others():
    async with running_server() as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        rooms = [await ann.room_with(bob, name=name, private=False) for name in ("a", "b")]
        for room in rooms:
            for n in range(4):
                await ann.say(room, f"text {n}")
        say(site, room={"messages": 1}, **{f"room:{rooms[1]}": {"messages": 3}})
        await run(site)
        assert [len(await ann.history(room)) for room in rooms] == [1, 3]


def say(site, **said):
    """The policy as a reload would change it."""
    new = config.build({"retention": said}).retention
    site.server.config = replace(site.server.config, retention=new)


# Notifications


async def test_a_notification_goes_with_its_list_and_notes_and_preferences_stay():
    tables = {"topics": {"OrderUpdate": {"persist": True}}, **policy(OrderUpdate={"messages": 2})}
    async with running_server(tables) as site:
        notifications = service(site)
        audiences = [
            {},
            {"users": ["u-ann", "u-bob"]},
            {"group": "GROWERP_M_EMPLOYEE", "users": ["u-admin"]},
            {},
            {"users": ["u-ann"]},
        ]
        sent = [
            await notifications.send("SHOP", "OrderUpdate", {"message": "m"}, **audience)
            for audience in audiences
        ]
        other = await notifications.send("SHOP", "Other", {"message": "m"}, persist=True)
        await notifications.send("OTHER", "OrderUpdate", {"message": "m"})
        await prefer(site, "bob", "OrderUpdate", receive=True, all=None)
        for name in ("ann", "bob"):
            who = await identity(site, name)
            await notifications.viewed(who, [each.id for each in sent])
        before = await count(site, Wish), await ids(site, "zoe")
        assert await count(site, Note) == 9
        with explained() as plans:
            done = await run(site)
        assert done.messages == 3
        tables = {"message", "address", "topic", "notifications_listing", "notifications_note"}
        assert not plans.walked(tables)
        by_key = {"address=? AND offset=?"}
        assert plans.searched('DELETE FROM "notifications_listing"') == by_key
        assert plans.searched('DELETE FROM "notifications_note"') == {"offset=?"}
        assert sum(text.startswith("DELETE") for text in plans.statements) == 4
        assert await ids(site, "ann") == [other.id, sent[4].id, sent[3].id]
        assert await ids(site, "bob") == [other.id, sent[3].id]
        assert await count(site, Note) == 3
        assert await count(site, Listing) == 4
        assert await count(site, AddressRow) == 4
        assert (await count(site, Wish), await ids(site, "zoe")) == before
        page = FrontEnd(site, "ann")
        assert len((await page.get("Notification"))["notifications"]) == 3


async def test_a_retry_of_a_notification_that_is_gone_does_not_list_it_again():
    async with running_server(policy(OrderUpdate={"messages": 1})) as site:
        ann = await identity(site, "ann")

        async def send(key):
            return await service(site).send(
                "SHOP", "OrderUpdate", {"message": "m"}, persist=True, sender=ann, key=key
            )

        first, second = await send("a"), await send("b")
        await run(site)
        assert (await send("a")).id == first.id
        assert await ids(site, "ann") == [second.id]
        assert await count(site, Listing) == 1


async def test_a_busy_topic_of_a_large_company_costs_as_many_statements():
    """500 notifications with a note of each of twenty people: four deletions a step."""
    tables = {"topics": {"OrderUpdate": {"persist": True}}, **policy(OrderUpdate={"messages": 1})}
    async with running_server(tables) as site:
        notifications = service(site)
        sent = await asyncio.gather(
            *(notifications.send("SHOP", "OrderUpdate", {"message": "m"}) for _ in range(497))
        )
        rows = [(f"u-{n}", each.offset) for each in sent for n in range(20)]

        def note(_tx):
            for start in range(0, len(rows), 1000):
                Note.insert_many(
                    rows[start : start + 1000], fields=[Note.user_id, Note.offset]
                ).execute()

        await site.server.write(note)
        with explained() as plans:
            done = await run(site)
        deletes = [text for text in plans.statements if text.startswith("DELETE")]
        assert (done.messages, len(deletes)) == (496, 4 * done.steps)
        assert (await count(site, Note), await count(site, Listing)) == (20, 1)


# By itself


async def test_a_server_that_starts_throws_away_what_is_too_old(tmp_path, monkeypatch, logs):
    monkeypatch.setattr(retention, "FIRST_SECONDS", 0.05)
    async with running_server(modules=[boards()], folder=tmp_path) as site:
        await say_numbers(site, 5)

        def long_ago(_tx):
            MessageRow.update(at=MessageRow.at - 40 * retention.DAY).where(
                MessageRow.number <= 3
            ).execute()

        await site.server.write(long_ago)
    async with running_server(policy(days=30), [boards()], folder=tmp_path) as site:
        async with asyncio.timeout(10):
            while "retention: deleted 3 messages" not in logs.text:
                await asyncio.sleep(0.01)
        async with site.connect("ann") as ann:
            assert await numbers(ann, "board:1") == ([4, 5], False)


async def test_a_stop_in_the_midst_of_it_loses_nothing(tmp_path, monkeypatch):
    """And the next start goes on where it was."""
    monkeypatch.setattr(retention, "STEP_MAX", 8)  # so that it takes its time

    class Told(TopicProvider):
        kind = "told"
        history = 5

        def pruned_in(self, tx, messages):
            tx.defer(reached.set)

    reached = asyncio.Event()
    topic = Topic("SHOP", "told", "1")
    async with running_server(modules=[plugin_of(Told())], folder=tmp_path) as site:
        await post(site, 3000, topic)
        site.server.retention.soon()
        await asyncio.wait_for(reached.wait(), 10)
    monkeypatch.undo()
    async with running_server(modules=[plugin_of(Told())], folder=tmp_path) as site:
        left = await count(site, MessageRow)
        assert 5 < left < 3000
        row = await site.server.read(lambda _tx: TopicRow.get(TopicRow.kind == "told"))
        assert row.pruned == row.last_offset - left
        await run(site)
        assert await count(site, MessageRow) == 5


async def test_a_policy_that_is_changed_while_it_serves_holds_at_the_next_run():
    async with running_server(modules=[boards()]) as site, site.connect("ann") as ann:
        await say_numbers(site, 5)
        await run(site)
        assert len((await numbers(ann, "board:1"))[0]) == 5
        say(site, board={"messages": 2})
        await run(site)
        assert (await numbers(ann, "board:1"))[0] == [4, 5]


async def test_a_policy_that_is_read_again_holds_at_once(logs):
    """SIGHUP: what the file says now is carried out, rather than in ten minutes."""
    async with running_server(modules=[boards()]) as site, site.connect("ann") as ann:
        await say_numbers(site, 5)
        new = config.build({"retention": {"board": {"messages": 2}}}).retention
        read = replace(site.server.config, retention=new)
        await Reloading(site.server, lambda: read).reload()
        async with asyncio.timeout(10):
            while "retention: deleted 3 messages" not in logs.text:
                await asyncio.sleep(0.01)
        assert (await numbers(ann, "board:1"))[0] == [4, 5]


async def test_what_a_consumer_has_not_handled_is_kept():
    go_on, seen = asyncio.Event(), []

    async def handle(message):
        await go_on.wait()
        seen.append(message.data["n"])

    @hookimpl
    def register_consumers():
        return [Consumer("slow", handle=handle)]

    slow = plugin("slow", register_consumers=register_consumers)
    async with running_server(policy(messages=1), [boards(), slow]) as site:
        await say_numbers(site, 6)
        await run(site)
        assert await count(site, MessageRow) == 6
        go_on.set()
        async with asyncio.timeout(10):
            while site.server.consumers.lowest() < 6:
                await asyncio.sleep(0.01)
        await run(site)
        assert await count(site, MessageRow) == 1
        assert seen == [1, 2, 3, 4, 5, 6]


async def test_nothing_is_thrown_away_that_the_hub_has_not_begun_to_hand_out():
    async with running_server(policy(messages=1), [boards()]) as site:
        await say_numbers(site, 6)
        mark = site.server.hub.mark
        site.server.hub.mark = mark - 3
        await run(site)
        assert await count(site, MessageRow) == 3
        site.server.hub.mark = mark
        await run(site)
        assert await count(site, MessageRow) == 1


async def test_people_go_on_talking_while_much_is_deleted():
    """Over sockets: each publish is answered, in order, and pushed, between the steps."""
    old = Topic("SHOP", "board", "old")
    named = {f"board:{old.key}": {"messages": 10}}
    async with running_server(policy(**named), [boards()]) as site:
        for _ in range(4):
            await post(site, 5000, old)
        async with site.connect("ann") as ann, site.connect("bob") as bob:
            await bob.ok("subscribe", topic="board:1")
            pruning = asyncio.create_task(run(site))
            answered = []
            while not pruning.done():
                answered.append((await ann.ok("publish", topic="board:1", data={}))["offset"])
            done = await pruning
            assert done.messages == 19_990
            assert len(answered) > done.steps / 2
            assert [(await bob.push())["offset"] for _ in answered] == answered
            assert answered == list(range(20_001, 20_001 + len(answered)))
