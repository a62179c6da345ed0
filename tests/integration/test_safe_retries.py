"""A retry is safe, natively and by REST, also over a restart of the server (rule 8)."""

import asyncio
import json

import pytest

from support.rooms import PATH
from support.server import running_server

GROWERP = "/rest/s1/growerp/100"


async def make_room(site):
    made = await site.fetch("POST", PATH, {"members": ["u-bob"]}, name="ann")
    return made.json["room"]["room_id"]


async def post(site, room, content, key=None):
    headers = {"Idempotency-Key": key} if key else {}
    body = {"chatMessage": {"chatRoom": {"chatRoomId": room}, "content": content}}
    return await site.fetch("POST", f"{GROWERP}/ChatMessage", body, name="ann", headers=headers)


async def said(site, room):
    """All that is in the room."""
    async with site.connect("bob") as bob:
        page = await bob.ok("history", topic=f"room:{room}", limit=200)
    return [each["data"]["content"] for each in page["messages"]]


async def test_natively(tmp_path):
    async with running_server(folder=tmp_path) as site, site.connect("ann") as ann:
        room = await make_room(site)
        frame = {"topic": f"room:{room}", "key": "k1", "data": {"content": "once"}}
        first = await ann.ok("publish", **frame)
    async with running_server(folder=tmp_path) as site, site.connect("ann") as ann:
        again = await ann.ok("publish", **frame)
        assert again == {**first, "duplicate": True}
        frame["data"] = {"content": "other"}
        assert await ann.refused("publish", **frame) == "conflict"
        assert await said(site, room) == ["once"]


async def test_by_rest(tmp_path):
    async with running_server(folder=tmp_path) as site:
        room = await make_room(site)
        first = await post(site, room, "once", "k1")
    async with running_server(folder=tmp_path) as site:
        again = await post(site, room, "once", "k1")
        assert again.json == first.json
        assert (await post(site, room, "other", "k1")).code == 409
        assert (await post(site, room, "once", "k2")).json != first.json
        assert await said(site, room) == ["once", "once"]


async def test_a_native_key_and_an_idempotency_key_are_one(tmp_path):
    """Who posts by the socket and tries again by REST has posted once."""
    async with running_server(folder=tmp_path) as site, site.connect("ann") as ann:
        room = await make_room(site)
        first = await ann.ok("publish", topic=f"room:{room}", key="k1", data={"content": "once"})
    async with running_server(folder=tmp_path) as site:
        again = await post(site, room, "once", "k1")
        assert again.json["chatMessage"]["chatMessageId"] == first["id"]
        assert await said(site, room) == ["once"]


async def test_of_notifications(tmp_path):
    body = {"notification": {"topic": "Stock", "message": {"left": 3}, "persistOnSend": True}}

    async def notify(site):
        answer = await site.fetch(
            "POST",
            f"{GROWERP}/Notification",
            body,
            name="admin",
            headers={"Idempotency-Key": "n1"},
        )
        return answer.json["notification"]["notificationMessageId"]

    async with running_server(folder=tmp_path) as site:
        first = await notify(site)
    async with running_server(folder=tmp_path) as site:
        assert await notify(site) == first
        found = await site.fetch("GET", f"{GROWERP}/Notification", name="bob")
        assert len(found.json["notifications"]) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"userIds": ["u-bob"]},
        {"userGroupId": "GROWERP_M_ADMIN"},
        {},
        {"userIds": ["u-ann", "u-bob"]},
    ],
)
async def test_a_notification_to_others_is_another(other):
    """The same text under the same key, to somebody else: it must not be lost in silence."""
    said = {"topic": "Lunch", "message": {"message": "ready"}}
    async with running_server() as site:

        async def notify(to):
            body = {"notification": {**said, **to}}
            headers = {"Idempotency-Key": "n1"}
            path = f"{GROWERP}/Notification"
            return (await site.fetch("POST", path, body, name="admin", headers=headers)).code

        assert await notify({"userIds": ["u-ann"]}) == 200
        assert await notify({"userIds": ["u-ann"]}) == 200
        assert await notify(other) == 409


async def test_a_frame_and_its_post_are_one_over_a_restart(tmp_path):
    """An older front-end sends by both; the server is restarted between the two."""
    async with running_server(folder=tmp_path) as site:
        room = await make_room(site)
        async with site.open("/chat", "ann") as chat:
            frame = {"chatRoom": {"chatRoomId": room}, "content": "once"}
            await chat.send(json.dumps(frame))
            while await said(site, room) != ["once"]:
                await asyncio.sleep(0.01)
    async with running_server(folder=tmp_path) as site:
        assert (await post(site, room, "once")).code == 200
        assert await said(site, room) == ["once"]
        await post(site, room, "once")  # said again, and meant so
        assert await said(site, room) == ["once", "once"]
