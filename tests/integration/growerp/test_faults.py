"""The faults of growerp-contract section 6 that a front-end would see, by their number: none is here."""

import asyncio
import re

import pytest
from websockets.exceptions import InvalidStatus

from support.growerp import FrontEnd, notify, until
from support.server import key_of, merged, running_server
from tornado_chat import Topic

TABLES = {"plugins": {"disabled": ["order_list"]}}


def running(**tables):
    return running_server(merged(TABLES, tables))


def ours(logs):
    """What the house itself has logged; libraries are heard from warning on."""
    return "\n".join(
        record.getMessage() for record in logs.records if record.name.startswith("tornado_chat")
    )


async def test_b01_history_shows_the_newest(ann, bob):
    room = await ann.room_with(bob)
    for number in range(25):
        await ann.say(room, f"{number}")
    assert (await bob.history(room))[-1] == "24"


async def test_b02_only_members_write_into_a_room(ann, bob, carl, zoe):
    room = await ann.room_with(bob)
    body = {"chatMessage": {"chatRoom": {"chatRoomId": room}, "content": "x"}}
    await bob.history(room)
    for intruder in (carl, zoe):
        assert await intruder.bad(400, "POST", "ChatMessage", body)
    assert (await bob.room(room))["hasRead"] is True, "nobody's flags were touched"
    assert await ann.history(room) == []


async def test_b03_a_message_by_its_id_is_for_members(ann, bob, carl, zoe):
    room = await ann.room_with(bob)
    said = await ann.say(room, "secret")
    number = said["chatMessageId"]
    found = await bob.get("ChatMessage", chatMessageId=number)
    assert found == {"chatMessages": [said]}
    missing = f"Message {number} not found"
    for intruder in (carl, zoe):
        assert await intruder.bad(400, "GET", "ChatMessage", chatMessageId=number) == missing
    assert await bob.bad(400, "GET", "ChatMessage", chatMessageId=number, chatRoomId="100999")
    for odd in ("999999", "7", "x", "1" * 30, "100001'--"):
        assert await bob.bad(400, "GET", "ChatMessage", chatMessageId=odd)


async def test_b03_the_id_of_a_notification_is_none_of_a_message(site, ann):
    sent = await notify(site, "T", {"message": "x", "content": "y"}, persist=True)
    assert await ann.bad(400, "GET", "ChatMessage", chatMessageId=sent.id)


async def test_b04_notifications_are_ones_own(site, ann, bob, zoe):
    await notify(site, "T", {"message": "for bob"}, users=["u-bob"], persist=True)
    await notify(site, "T", {"message": "elsewhere"}, tenant="OTHER", persist=True)
    assert await ann.get("Notification") == {"notifications": []}
    assert len((await bob.get("Notification"))["notifications"]) == 1
    (row,) = (await zoe.get("Notification"))["notifications"]
    assert row["message"] == {"message": "elsewhere"}


async def test_b05_no_credential_is_logged(site, ann, logs):
    await site.server.accounts.set_password("u-ann", "Very-secret-1")
    await ann.login("Very-secret-1")
    async with ann.chat(), ann.notws("ALL"):
        pass
    await ann.get("ChatRoom", api_key=ann.key)
    bad = "bad-key-which-nobody-has"
    await FrontEnd(site, key=bad).bad(401, "GET", "ChatRoom")
    with pytest.raises(InvalidStatus):
        async with site.open("/chat", query=f"api_key={bad}"):
            pass
    headers = {"Authorization": "Basic not-base64-secret:x"}
    await FrontEnd(site).bad(401, "GET", "ChatRoom", headers=headers)
    await FrontEnd(site).bad(400, "POST", "Login", form={"username": "x", "password": "Wrong-77"})
    written = ours(logs)
    assert "opened by u-ann" in written
    for secret in ("Very-secret-1", ann.key, bad, "not-base64-secret", "Wrong-77"):
        assert secret not in written


async def test_b06_who_it_is_comes_from_the_key_alone(site, ann, bob, carl):
    room = await ann.room_with(bob)
    for path in ("/chat", "/notws"):
        with pytest.raises(InvalidStatus) as caught:
            async with site.open(path, query="userId=u-bob"):
                pass
        assert caught.value.response.status_code == 401
        with pytest.raises(InvalidStatus) as caught:
            async with site.open(path, query=f"api_key={key_of('carl')}&userId=u-bob"):
                pass
        assert caught.value.response.status_code == 403
    assert await carl.bad(403, "GET", "Notification", userId="u-bob")
    body = {"chatRoom": {"chatRoomId": room}, "content": "I am Bob", "fromUserId": "u-bob"}
    assert await carl.bad(400, "POST", "ChatMessage", {"chatMessage": body})
    said = await ann.post("ChatMessage", {"chatMessage": {**body, "fromUserFullName": "Bob"}})
    assert said["chatMessage"]["fromUserId"] == "u-ann"
    assert said["chatMessage"]["fromUserFullName"] == "Ann Maas"


async def test_b07_a_room_that_was_made_is_found_again(ann, bob):
    room = await ann.room_with(bob)
    assert [found["chatRoomId"] for found in await ann.rooms(chatRoomId=room)] == [room]


async def test_b08_no_socket_without_a_person_and_a_bound():
    async with running(limits={"sockets_per_user": 2}) as site:
        ann = FrontEnd(site, "ann")
        async with ann.chat(), ann.notws():
            with pytest.raises(InvalidStatus) as caught:
                async with ann.chat():
                    pass
            assert caught.value.response.status_code == 429
            assert "Retry-After" in caught.value.response.headers
            async with FrontEnd(site, "bob").chat():
                pass
        with pytest.raises(InvalidStatus) as caught:
            async with site.open("/chat"):
                pass
        assert caught.value.response.status_code == 401
        await until(lambda: not site.server.sockets.handlers)


async def test_b09_topics_outlive_a_reconnect(site, ann):
    async with ann.notws("ALL"):
        await asyncio.sleep(0.05)
    for _ in range(2):
        async with ann.notws() as again:
            await notify(site, "T", {"message": "after the reconnect"})
            assert (await again.next())["topic"] == "T"


async def test_b09_another_key_has_the_newest_topics_of_its_user(site, ann):
    other = FrontEnd(site, "ann", key=await site.server.accounts.issue_key("u-ann"))
    async with ann.notws("Old"):
        await asyncio.sleep(0.05)
    async with other.notws("New"):
        await asyncio.sleep(0.05)
    third = FrontEnd(site, "ann", key=await site.server.accounts.issue_key("u-ann"))
    async with ann.notws() as his, third.notws() as newest, FrontEnd(site, "bob").notws() as bob:
        await notify(site, "Old", {"message": "1"})
        await notify(site, "New", {"message": "2"})
        assert (await his.next())["topic"] == "Old"
        await his.quiet(0.1)
        assert (await newest.next())["topic"] == "New"
        await newest.quiet(0.1)
        await bob.quiet(0.1)


async def test_b12_a_push_is_found_by_whoever_refetches(ann, bob):
    room = await ann.room_with(bob)
    async with bob.chat() as chat:
        saying = asyncio.create_task(ann.say(room, "there"))
        frame = await chat.next()
        assert (await bob.history(room))[-1] == frame["content"]
        await saying


@pytest.mark.parametrize("first", ["frame", "post"])
async def test_b15_frame_and_post_are_one(site, ann, bob, first):
    room = await ann.room_with(bob)
    async with bob.chat() as chat, ann.chat() as mine:
        for path in ("frame", "post") if first == "frame" else ("post", "frame"):
            if path == "frame":
                await mine.say(room, "once")
                await asyncio.sleep(0.1)
            else:
                await ann.say(room, "once")
        assert await chat.contents(1) == ["once"]
        await chat.quiet()
    assert await bob.history(room) == ["once"]


async def test_b15_two_of_one_path_are_two(site, ann, bob):
    room = await ann.room_with(bob)
    other = FrontEnd(site, "ann", key=await site.server.accounts.issue_key("u-ann"))
    async with ann.chat() as mine, bob.chat() as chat:
        await mine.say(room, "ha")
        await mine.say(room, "ha")
        assert await chat.contents(2) == ["ha", "ha"]
        await ann.say(room, "ha")
        await ann.say(room, "ha")
        await chat.quiet(0.1)
        await ann.say(room, "ha")  # a third one has no frame left to be one with
        assert await chat.contents(1) == ["ha"]
        await mine.say(room, "ho")
        await chat.next()
        await other.say(room, "ho")  # of another key
        assert await chat.contents(1) == ["ho"]


async def test_b15_only_within_seconds():
    async with running(delivery={"pair_seconds": 0.2}) as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        room = await ann.room_with(bob)
        async with ann.chat() as mine, bob.chat() as chat:
            await mine.say(room, "yes")
            await chat.next()
            await asyncio.sleep(0.4)
            await ann.say(room, "yes")
            assert await chat.contents(1) == ["yes"]


async def test_b16_leaving_lasts_until_the_next_message(ann, bob, carl):
    room = await ann.room_with(bob, carl, name="Planning", private=False)
    await ann.say(room, "one")
    await bob.good("DELETE", "ChatRoom", {"chatRoomId": room})
    assert await bob.room(room) is None
    await carl.history(room)  # reading is no message
    await ann.good("PATCH", "ChatRoom", {"chatRoom": {"chatRoomId": room, "chatRoomName": "Plan"}})
    assert await bob.room(room) is None
    await ann.say(room, "two")
    assert (await bob.room(room))["hasRead"] is False


async def test_b17_a_change_merges(ann, bob, carl):
    room = await ann.room_with(bob, carl, name="Planning", private=False)
    await ann.say(room, "hello")
    await bob.history(room)
    alone = {
        "chatRoomId": room,
        "chatRoomName": "Plans",
        "members": [{"user": {"userId": "u-ann"}, "isActive": True}],
    }
    answer = await ann.good("PATCH", "ChatRoom", {"chatRoom": alone})
    assert answer["chatRoom"]["chatRoomName"] == "Plans"
    members = {
        member["user"]["userId"]: (member["hasRead"], member["isActive"])
        for member in answer["chatRoom"]["members"]
    }
    assert members == {"u-ann": (True, True), "u-bob": (True, True), "u-carl": (False, True)}


async def test_b18_one_to_one_is_there_once(ann, bob, carl):
    group = await ann.room_with(bob, name="The two of us", private=False)
    three = await ann.room_with(bob, carl)
    assert await ann.rooms(userId="u-bob", chatRoomName=" ") == []
    pair = await ann.room_with(bob)
    assert pair not in {group, three}
    await ann.good("DELETE", "ChatRoom", {"chatRoomId": pair})
    (found,) = await ann.rooms(userId="u-bob", chatRoomName=" ")
    assert found["chatRoomId"] == pair
    found["members"] = [{**member, "isActive": True} for member in found["members"]]
    await ann.good("PATCH", "ChatRoom", {"chatRoom": found})  # what the front-end does next
    assert await ann.room(pair) is not None
    made = await asyncio.gather(*(carl.room_with(bob) for _ in range(8)))
    assert len(set(made)) == 1


async def test_b19_start_limit_search_and_flags(ann, bob, carl, dora):
    pair = await ann.room_with(bob)
    group = await ann.room_with(carl, name="Planning", private=False)
    other = await ann.room_with(dora, name="Stock", private=False)
    await bob.say(pair, "unread")

    async def ids(**query):
        return [room["chatRoomId"] for room in await ann.rooms(**query)]

    assert await ids() == [pair, other, group]
    assert await ids(start=1) == [other, group]
    assert await ids(limit=2) == [pair, other]
    assert await ids(search="plan") == await ids(filter="LANN") == [group]
    assert await ids(namePrefix="sto") == [other]
    assert await ids(isPrivate="true") == [pair]
    assert await ids(isPrivate="false") == [other, group]
    assert await ids(hasRead="false") == [pair], "rooms, not names"
    assert await ids(hasRead="true") == [other, group]
    names = [room["chatRoomName"] for room in await ann.rooms()]
    assert names == ["Bob Prins", "Stock", "Planning"], "no name leaks into the next room"
    for number in range(12):
        await ann.say(group, f"apple {number}" if number % 3 else f"Pear {number}")
    assert await ann.history(group, search="PEAR") == ["Pear 0", "Pear 3", "Pear 6", "Pear 9"]
    assert await ann.history(group, search="pear", limit=2) == ["Pear 6", "Pear 9"]
    for query in ({"start": "x"}, {"limit": "-1"}, {"limit": "1e3"}):
        assert await ann.bad(400, "GET", "ChatRoom", **query)


async def test_b20_room_list_is_ordered_and_bounded(ann, bob):
    made = [await ann.room_with(bob, name=f"Room {n}", private=False) for n in range(25)]
    assert [room["chatRoomId"] for room in await ann.rooms()] == made[::-1]
    assert len(await ann.rooms(limit=1000000)) == 25
    await bob.say(made[3], "now the newest")
    assert (await ann.rooms(limit=1))[0]["chatRoomId"] == made[3]


async def test_b21_change_by_somebody_else_is_a_plain_no(ann, bob, carl, zoe):
    room = await ann.room_with(bob)
    body = {"chatRoomId": room, "chatRoomName": "Mine now"}
    for intruder in (carl, zoe):
        text = await intruder.bad(400, "PATCH", "ChatRoom", {"chatRoom": body})
        assert text == f"Room {room} not found"
        text = await intruder.bad(400, "DELETE", "ChatRoom", {"chatRoomId": room})
        assert text == f"Room {room} not found"
    assert (await bob.room(room))["chatRoomName"] == "Ann Maas"
    await bob.good("DELETE", "ChatRoom", {"chatRoomId": room})
    left = await bob.good("DELETE", "ChatRoom", {"chatRoomId": room})
    assert left["chatRoom"]["chatRoomId"] == room, "leaving twice is no error"
    assert await ann.bad(400, "PATCH", "ChatRoom", {"chatRoom": {"chatRoomName": "no id"}})


async def test_b22_times_have_seconds_and_order_has_a_number(ann, bob):
    room = await ann.room_with(bob)
    said = [await ann.say(room, f"{number}") for number in range(15)]
    found = (await bob.get("ChatMessage", chatRoomId=room))["chatMessages"]
    assert found == said
    assert all(re.fullmatch(r"[\d-]{10} \d\d:\d\d:\d\d", each["creationDate"]) for each in found)
    numbers = [int(each["chatMessageId"]) for each in found]
    assert numbers == sorted(numbers)


async def test_b23_a_name_is_no_login_name(ann, bob):
    room = await ann.room_with(bob)
    async with bob.chat() as chat:
        await ann.say(room, "hello")
        assert "@" not in (await chat.next())["fromUserFullName"]
    (message,) = (await bob.get("ChatMessage", chatRoomId=room))["chatMessages"]
    assert "@" not in message["fromUserFullName"]


async def test_b30_guessing_is_bounded_and_tells_nothing(logs):
    async with running(limits={"auth_attempts_per_minute": 3}) as site:
        stranger = FrontEnd(site)
        for username in ("ann@shop.example", "nobody@shop.example", "ann@shop.example"):
            form = {"username": username, "password": "Guess-77"}
            text = await stranger.bad(400, "POST", "Login", form=form)
            assert "ann" not in text and "nobody" not in text
        answer = await stranger.ask("POST", "Login", form=form)
        assert answer.code == 429
        assert "Retry-After" in answer.headers
        assert (await FrontEnd(site, "ann").ask("GET", "ChatRoom")).code == 200, "good keys go on"
        username = {"username": "ann@shop.example"}
        answer = await stranger.ask("GET", "TempResetPassword", **username)
        assert answer.code == 404
        logs.expect("asks for a new password")
        known = await stranger.ask("POST", "ResetPassword", username)
        unknown = await stranger.ask("POST", "ResetPassword", {"username": "nobody@shop.example"})
        assert known.json == unknown.json == {}
        assert ours(logs).count("u-ann of SHOP asks for a new password") == 1
        assert await site.server.accounts.find_login("SystemSupport") is None


async def test_b30b_logout_ends_the_key_and_authenticate_makes_none(site, ann):
    await site.server.accounts.set_password("u-ann", "Right-one-7")
    said = await ann.login("Right-one-7")
    other = FrontEnd(site, "ann")
    again = await ann.get("Authenticate", applicationId="AppAdmin")
    assert again["authenticate"]["apiKey"] == said["apiKey"]
    async with ann.chat() as chat, ann.notws("ALL") as notes, other.chat() as others:
        answer = await ann.ask("POST", "Logout", {})
        assert answer.body == b"successful"
        assert await chat.closed() == 1008
        assert await notes.closed() == 1008
        await others.quiet(0.1)
    assert await ann.bad(401, "GET", "Authenticate") == "Login key not valid"
    assert (await other.ask("GET", "Authenticate")).code == 200, "only the key that asked"


async def test_b31_a_stale_cookie_makes_nobody_anonymous(site, ann, bob):
    room = await ann.room_with(bob)
    cookie = {"Cookie": "JSESSIONID=stale"}
    address = f"api_key={key_of('bob')}"
    async with site.open("/chat", query=address, additional_headers=cookie) as socket:
        await ann.say(room, "hello")
        assert "hello" in await asyncio.wait_for(socket.recv(), 5)


async def test_b32_a_foreign_page_has_nothing_to_use():
    evil = "https://evil.example"
    async with running() as site:
        headers = {"Cookie": f"api_key={key_of('ann')}"}
        with pytest.raises(InvalidStatus) as caught:
            async with site.open("/chat", origin=evil, additional_headers=headers):
                pass
        assert caught.value.response.status_code == 401
        answer = await FrontEnd(site).ask("GET", "ChatRoom", headers={**headers, "Origin": evil})
        assert answer.code == 401
        assert "WWW-Authenticate" not in answer.headers, "a browser would make it ambient"
    async with running(server={"allowed_origins": ["https://shop.example"]}) as site:
        with pytest.raises(InvalidStatus) as caught:
            async with site.open("/chat", "ann", origin=evil):
                pass
        assert caught.value.response.status_code == 403
        async with site.open("/chat", "ann", origin="https://shop.example"):
            pass
        ann = FrontEnd(site, "ann")
        assert await ann.bad(401, "GET", "ChatRoom", headers={"Origin": evil})


async def test_b33_what_front_ends_do_is_harmless(site, ann, bob):
    room = await ann.room_with(bob)
    for number in range(25):
        await ann.say(room, f"{number}")
    first = await bob.get("ChatMessage", chatRoomId=room, search="")
    assert await bob.get("ChatMessage", chatRoomId=room, search="") == first, "scrolling up"
    left = await ann.good("DELETE", "ChatRoom", {"chatRoomId": room})
    assert left["chatRoom"]["chatRoomName"] == "Bob Prins", "or it shows: left chatroom null"
    async with ann.chat() as chat, ann.notws("ALL") as notes:
        await site.server.publish(Topic("SHOP", "room", room), {"content": "of the house"})
        frame = await chat.next()
        assert (frame["fromUserId"], frame["fromUserFullName"]) == (None, "")
        await notify(site, "T", {})
        assert (await notes.next())["message"] == {}
    (listed,) = [row for row in await ann.rooms() if row["chatRoomId"] == room]
    assert listed["hasRead"] is False


async def test_b34_asking_for_notifications_changes_nothing(site, ann):
    for number in range(5):
        await notify(site, "T", {"message": f"{number}"}, persist=True)
    one, other = FrontEnd(site, "ann"), FrontEnd(site, "ann")
    for front_end in (one, other, one):
        rows = (await front_end.get("Notification", limit=2))["notifications"]
        assert [row["message"]["message"] for row in rows] == ["4", "3"]
    rows = (await one.get("Notification"))["notifications"]
    assert len(rows) == 5


async def test_b38_content_is_bounded_and_not_empty():
    async with running(limits={"frame_bytes": 2000, "body_bytes": 5000}) as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        room = await ann.room_with(bob)

        def body(content):
            return {"chatMessage": {"chatRoom": {"chatRoomId": room}, "content": content}}

        for empty in ("", "   \n", None, 7, ["x"], {"a": 1}):
            assert await ann.bad(400, "POST", "ChatMessage", body(empty))
        assert await ann.bad(413, "POST", "ChatMessage", body("x" * 2000))
        assert await ann.bad(413, "POST", "ChatMessage", body("x" * 6000))
        async with ann.chat() as chat, bob.chat() as listening:
            await chat.say(room, "x" * 2000)
            await chat.say(room, "  ")
            await chat.say(room, "good")
            assert await listening.contents(1) == ["good"]
            await chat.quiet(0.1)


async def test_b40_no_text_is_logged(site, ann, bob, logs):
    room = await ann.room_with(bob)
    async with ann.chat() as chat, ann.notws() as notes, bob.chat() as listening:
        await notes.send("Bogus: secret-one\nFAKE LINE")
        await notes.send("subscribe: secret-topic")
        await chat.send("secret-two\r\nFAKE LINE")
        await chat.say("999999", "secret-three")
        await chat.say(room, "secret-four")
        await listening.next()
        await ann.say(room, "secret-five")
        await listening.next()
        await ann.bad(400, "POST", "ChatMessage", raw='{"chatMessage": "secret-six')
        await ann.get("ChatRoom", search="secret-seven")
        await notify(site, "T", {"message": "secret-eight"})
        await notes.quiet(0.1)
    written = ours(logs)
    assert "was dropped: bad_request" in written
    assert "secret-" not in written
    assert "FAKE LINE" not in written
