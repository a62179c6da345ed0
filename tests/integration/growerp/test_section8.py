"""Every row of growerp-contract section 8, by its name: what is right where the real one is wrong."""

import asyncio
import base64

import pytest
import websockets
from websockets.exceptions import InvalidStatus

from support.growerp import FrontEnd, notify
from support.server import key_of, running_server

BASIC = {"Authorization": "Basic " + base64.b64encode(b"ann@shop.example:Right-one-7").decode()}


async def refused(site, path, query="", **kwargs):
    """The status of an upgrade that must not happen."""
    with pytest.raises(InvalidStatus) as caught:
        async with site.open(path, query=query, **kwargs):
            pass
    return caught.value.response


@pytest.mark.parametrize("path", ["/chat", "/notws"])
async def test_s8_bad_key_on_handshake(site, path):
    response = await refused(site, path, "api_key=wrong&userId=u-ann")
    assert response.status_code == 401
    assert b"Login key not valid" in response.body
    assert (await refused(site, path)).status_code == 401


@pytest.mark.parametrize("path", ["/chat", "/notws"])
async def test_s8_accepted_names(site, path):
    await site.server.accounts.set_password("u-ann", "Right-one-7")
    for name in ("api_key", "apiKey", "login_key"):
        async with site.open(path, query=f"{name}={key_of('ann')}"):
            pass
        async with site.open(path, additional_headers={name: key_of("ann")}):
            pass
    async with site.open(path, additional_headers=BASIC):
        pass
    cookie = {"Cookie": f"api_key={key_of('ann')}; JSESSIONID=1"}
    assert (await refused(site, path, additional_headers=cookie)).status_code == 401
    # `userId` is compared and never trusted; the text must not make the front-end forget its key
    answer = await refused(site, path, f"api_key={key_of('ann')}&userId=u-bob")
    assert answer.status_code == 403
    assert b"Login key not valid" not in answer.body


async def test_s8_client_frame_shape(ann, bob):
    room = await ann.room_with(bob)
    async with bob.chat() as listening, ann.chat() as chat:
        await chat.send({"chatRoom": {"chatRoomId": room}, "content": "bare"})
        await chat.send({"chatMessage": {"chatRoom": {"chatRoomId": room}, "content": "wrapped"}})
        await chat.send({"chatRoomId": room, "content": "neither"})
        await chat.say(room, "as it is sent")
        assert await listening.contents(3) == ["bare", "wrapped", "as it is sent"]
        await listening.quiet()


async def test_s8_relay_of_client_frames(ann, bob):
    room = await ann.room_with(bob)
    forged = {
        "fromUserId": "u-carl",
        "fromUserFullName": "The Boss",
        "chatMessageId": "1",
        "creationDate": "1999-01-01T00:00:00Z",
        "extra": {"html": "<b>"},
    }
    async with bob.chat() as listening, ann.chat() as chat:
        await chat.say(room, "Lunch?", **forged)
        frame = await listening.next()
        assert frame["fromUserId"] == "u-ann"
        assert frame["fromUserFullName"] == "Ann Maas"
        assert frame["chatMessageId"] != "1"
        assert "extra" not in frame
        # the same message, sent by REST too as older front-ends do, is one
        posted = await ann.say(room, "Lunch?")
        assert posted["chatMessageId"] == frame["chatMessageId"]
        await listening.quiet()
    assert await bob.history(room) == ["Lunch?"]


async def test_s8_sender_echo(ann, bob):
    room = await ann.room_with(bob)
    async with ann.chat() as one, ann.chat() as other, bob.chat() as listening:
        await one.say(room, "by frame")
        await ann.say(room, "by REST")
        assert await listening.contents(2) == ["by frame", "by REST"]
        await one.quiet()
        await other.quiet()


async def test_s8_errors_and_acks_on_chat(ann, bob):
    room = await ann.room_with(bob)
    async with ann.chat() as chat, bob.chat() as listening:
        for frame in ("", "nonsense", "[]", "null", "7", '{"chatRoom":null}', '{"chatRoom":[]}'):
            await chat.send(frame)
        await chat.send({"chatRoom": {"chatRoomId": "999999"}, "content": "no such room"})
        await chat.send({"chatRoom": {"chatRoomId": room}, "content": 7})
        await chat.send({"chatRoom": {"chatRoomId": 100000}, "content": "a number"})
        await chat.socket.send(b"binary")
        await chat.say(room, "good")
        assert await listening.contents(1) == ["good"]
        await chat.quiet()


async def test_s8_keep_alive():
    tables = {"plugins": {"disabled": ["order_list"]}, "delivery": {"ping_seconds": 0.2}}
    async with running_server(tables) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(
            f"GET /chat?api_key={key_of('ann')} HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        head = await asyncio.wait_for(reader.readexactly(2), 5)
        assert head[0] == 0x89, "a ping of the protocol, not a frame that the front-end would read"
        writer.close()
        async with FrontEnd(site, "bob").chat() as quiet_one:
            await quiet_one.quiet(1.5)
            assert quiet_one.socket.state is websockets.State.OPEN


async def test_s8_notws_new_connection(site, ann):
    async with ann.notws("OrderUpdate"):
        await asyncio.sleep(0.05)
    async with ann.notws() as again:  # says nothing, as the front-end does after a reconnect
        await notify(site, "OrderUpdate", {"message": "1"})
        await notify(site, "Other", {"message": "2"})
        assert (await again.next())["message"] == {"message": "1"}
        await again.quiet()
        await again.send("subscribe: Other")  # the first command replaces what was remembered
        await again.send("unsubscribe: nothing")
        await asyncio.sleep(0.05)
        await notify(site, "OrderUpdate", {"message": "3"})
        await notify(site, "Other", {"message": "4"})
        assert (await again.next())["message"] == {"message": "4"}
        await again.send("subscribe: OrderUpdate")  # later ones change it
        await asyncio.sleep(0.05)
        await notify(site, "OrderUpdate", {"message": "5"})
        await notify(site, "Other", {"message": "6"})
        assert (await again.next())["message"] == {"message": "5"}
        assert (await again.next())["message"] == {"message": "6"}


async def test_s8_missed_frames_until_it_listens():
    """What comes before a front-end listens is held back, not written, and not lost. (That what was
    lost on the way is sent again is the work of proof and replay.)"""
    tables = {"plugins": {"disabled": ["order_list"]}, "delivery": {"settle_seconds": 1.0}}
    async with running_server(tables) as site:
        ann, bob = FrontEnd(site, "ann"), FrontEnd(site, "bob")
        room = await ann.room_with(bob)
        async with bob.chat() as chat, bob.notws() as notes:
            await ann.say(room, "early")
            await notify(site, "T", {"message": "early"})
            await chat.quiet(0.4)
            await notes.send("subscribe: ALL")  # its first frame says that it listens
            assert (await notes.next(0.5))["message"] == {"message": "early"}
            assert await chat.contents(1) == ["early"]


async def test_s8_history_without_start_or_limit(ann, bob):
    room = await ann.room_with(bob)
    said = [f"message {number}" for number in range(30)]
    for content in said:
        await ann.say(room, content)
    assert await bob.history(room) == said[-20:]
    assert await bob.history(room, search="") == said[-20:]
    assert await bob.history(room, start=0) == said[:20]
    assert await bob.history(room, limit=5) == said[:5]
    assert await bob.history(room, start=25, limit=20) == said[25:]


async def test_s8_room_list(ann, bob, carl, dora):
    first = await ann.room_with(bob)
    second = await ann.room_with(carl)
    third = await ann.room_with(bob, dora, name="Planning", private=False)
    await ann.say(first, "hello")
    assert [room["chatRoomId"] for room in await ann.rooms()] == [first, third, second]
    assert [room["chatRoomId"] for room in await ann.rooms(search="")] == [first, third, second]
    assert [room["chatRoomId"] for room in await ann.rooms(search="pRINS")] == [first]
    assert [room["chatRoomId"] for room in await ann.rooms(search="plan")] == [third]
    assert [room["chatRoomId"] for room in await ann.rooms(search=second)] == [second]
    assert [room["chatRoomId"] for room in await ann.rooms(start=1, limit=1)] == [third]
    assert await ann.rooms(search="nobody") == []


async def test_s8_blank_chat_room_name_and_user_id(ann, bob, carl):
    await ann.room_with(bob, carl, name="Group", private=False)
    await ann.room_with(bob, carl, private=True)
    assert await ann.rooms(userId=bob.user_id, chatRoomName=" ") == []
    pair = await ann.room_with(bob)
    found = await ann.rooms(userId=bob.user_id, chatRoomName=" ")
    assert [room["chatRoomId"] for room in found] == [pair]
    await ann.good("DELETE", "ChatRoom", {"chatRoomId": pair})
    found = await ann.rooms(userId=bob.user_id, chatRoomName=" ")
    assert [room["chatRoomId"] for room in found] == [pair], "also when I have left it"
    assert len(await ann.rooms(userId=bob.user_id)) == 2  # any that we share, where I am


async def test_s8_duplicate_one_to_one_create(ann, bob):
    room = await ann.room_with(bob)
    assert await ann.room_with(bob) == room
    assert await bob.room_with(ann) == room
    both = await asyncio.gather(
        *(who.room_with(other) for who, other in [(ann, bob), (bob, ann)] * 5)
    )
    assert set(both) == {room}


async def test_s8_owner_of_a_new_room(ann, bob, zoe):
    room = await ann.room_with(bob)
    assert (await ann.room(room)) is not None, "what was made is listed"
    assert await zoe.room(room) is None
    assert await zoe.bad(400, "GET", "ChatMessage", chatRoomId=room) == f"Room {room} not found"


async def test_s8_member_changes(ann, bob, carl, dora, zoe):
    room = await ann.room_with(bob, carl, name="Planning", private=False)
    await ann.say(room, "unread by all")
    await bob.history(room)
    change = {
        "chatRoomId": room,
        "members": [
            {"user": {"userId": bob.user_id}, "hasRead": False, "isActive": True},
            {"user": {"userId": dora.user_id}, "hasRead": True, "isActive": True},
        ],
    }
    answer = await ann.good("PATCH", "ChatRoom", {"chatRoom": change})
    read = {member["user"]["userId"]: member["hasRead"] for member in answer["chatRoom"]["members"]}
    assert read[carl.user_id] is False, "who is left out stays"
    assert read[bob.user_id] is True, "what others have read is not set"
    assert set(read) == {who.user_id for who in (ann, bob, carl, dora)}
    change["members"] = [{"user": {"userId": zoe.user_id}, "isActive": True}]
    text = await ann.bad(400, "PATCH", "ChatRoom", {"chatRoom": change})
    assert "u-zoe" in text, "a member of another tenant"
    change["members"] = [{"user": {"userId": bob.user_id}, "isActive": False}]
    await ann.good("PATCH", "ChatRoom", {"chatRoom": change})
    assert await bob.room(room) is not None, "nobody is thrown out by another's flag"


async def test_s8_member_changes_by_oneself(ann, bob):
    """What one has read oneself may be said; who is not active at the start sees the room with its
    first message; who has left changes nothing."""
    members = [{"user": {"userId": bob.user_id}, "hasRead": True, "isActive": False}]
    body = {"chatRoomName": "Later", "isPrivate": False, "members": members}
    room = (await ann.post("ChatRoom", {"chatRoom": body}))["chatRoom"]["chatRoomId"]
    assert await bob.room(room) is None
    await ann.say(room, "now")
    assert (await bob.room(room))["hasRead"] is False
    mine = {"chatRoomId": room, "members": [{"user": {"userId": bob.user_id}, "hasRead": True}]}
    answer = await bob.good("PATCH", "ChatRoom", {"chatRoom": mine})
    assert answer["chatRoom"]["hasRead"] is True
    await bob.good("DELETE", f"ChatRoom?chatRoomId={room}")
    assert await bob.room(room) is None
    change = {"chatRoom": {"chatRoomId": room, "chatRoomName": "Hijacked"}}
    assert await bob.bad(400, "PATCH", "ChatRoom", change) == f"Room {room} not found"
    assert (await ann.room(room))["chatRoomName"] == "Later"


async def test_s8_message_to_a_room(ann, bob, carl, zoe):
    room = await ann.room_with(bob)
    body = {"chatMessage": {"chatRoom": {"chatRoomId": room}, "content": "intruder"}}
    async with bob.chat() as listening, carl.chat() as outside, zoe.chat() as foreign:
        for intruder in (carl, zoe):
            text = await intruder.bad(400, "POST", "ChatMessage", body)
            assert text == f"Room {room} not found", "as for one that is not there"
        await outside.say(room, "intruder")
        await foreign.say(room, "intruder")
        await listening.quiet()
    await bob.good("DELETE", "ChatRoom", {"chatRoomId": room})
    await bob.say(room, "back again")
    assert await bob.room(room) is not None
    assert await ann.history(room) == ["back again"]


async def test_s8_leave(ann, bob):
    room = await ann.room_with(bob)
    await ann.say(room, "unread")
    await bob.good("DELETE", "ChatRoom", {"chatRoomId": room})
    assert await bob.room(room) is None
    async with bob.chat() as chat:
        await ann.say(room, "come back")
        assert (await chat.next())["content"] == "come back"
    back = await bob.room(room)
    assert back is not None, "also when he left it unread"
    assert back["hasRead"] is False


async def test_s8_push_timing(ann, bob):
    room = await ann.room_with(bob)
    async with bob.chat() as chat:
        posts = [asyncio.create_task(ann.say(room, f"{number}")) for number in range(20)]
        for _ in posts:
            frame = await chat.next()
            found = await bob.get("ChatMessage", chatMessageId=frame["chatMessageId"])
            assert found["chatMessages"][0]["content"] == frame["content"]
        await asyncio.gather(*posts)


async def test_s8_name_in_from_user_full_name(ann, bob):
    room = await ann.room_with(bob)
    async with bob.chat() as chat:
        posted = await ann.say(room, "hello")
        assert (await chat.next())["fromUserFullName"] == "Ann Maas"
    assert posted["fromUserFullName"] == "Ann Maas"
    found = await bob.get("ChatMessage", chatRoomId=room)
    assert found["chatMessages"][0]["fromUserFullName"] == "Ann Maas"


async def test_s8_notification_list(site, ann, bob, zoe):
    for number in range(3):
        await notify(site, "Mine", {"message": f"{number}"}, users=["u-ann"], persist=True)
    await notify(site, "His", {"message": "for bob"}, users=["u-bob"], persist=True)
    await notify(site, "All", {"message": "for all"}, persist=True)
    await notify(site, "Gone", {"message": "not kept"})

    async def texts(who, **query):
        found = await who.get("Notification", **query)
        return [row["message"]["message"] for row in found["notifications"]]

    for _ in range(2):  # asking consumes nothing
        assert await texts(ann, limit=20) == ["for all", "2", "1", "0"]
    assert await texts(ann, limit=2) == ["for all", "2"]
    assert await texts(bob) == ["for all", "for bob"]
    assert await texts(zoe) == []


async def test_s8_notification_store(site, ann):
    sent = await notify(site, "OrderUpdate", {"message": "kept"}, persist=True)
    notifications = site.server.service("notifications")
    identity = await site.server.accounts.identify(ann.key, "")
    (row,) = await notifications.list(identity)
    assert (row.message.id, row.viewed) == (sent.id, None)
    await notifications.viewed(identity, [sent.id])
    (row,) = await notifications.list(identity)
    assert row.viewed is not None


async def test_s8_extra_notws_commands(site, ann):
    async with ann.notws("ALL") as notes:
        for frame in ("viewed: 100001", "ping", "{}", "SUBSCRIBE: x", " subscribe: x", ""):
            await notes.send(frame)
        await notify(site, "T", {"message": "still here"})
        assert (await notes.next())["message"] == {"message": "still here"}
        await notes.quiet()
