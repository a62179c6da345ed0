"""Commands and words in rooms, for native front-ends, GrowERP's and the house."""

import re
from pathlib import Path

import pytest
from tornado_chat import SetupError, Topic

SLASH = Path(__file__).parents[1] / "plugins" / "slash.py"
PLUGINS = ["chat_rooms", SLASH]
CONFIG = {
    "plugins": {"slash": {"words": ["dam", "Damn", "straße", "gros mot", "\u0915", "\u00ad"]}}
}

MORE = """
from tornado_chat import Denied, hookimpl

api = 1
requires = ["slash"]


def loud(call):
    if not call.text:
        raise Denied("nothing to shout")
    return call.text.upper()


@hookimpl
def startup(server):
    async def after(call):
        await server.publish(call.topic, {"content": f"{call.user} shouted {call.text}"})

    server.service("slash").add("shout", "TEXT, loud", loud, after)
"""


async def pair(chat):
    """Two in a room, both listening."""
    topic = await chat.room("ann", "bob", name="Lunch")
    ann, bob = await chat.connect("ann"), await chat.connect("bob")
    for each in (ann, bob):
        await each.ok("subscribe", topic=topic)
    return topic, ann, bob


async def said(chat, topic):
    bob = await chat.connect("bob")
    messages = (await bob.ok("history", topic=topic))["messages"]
    return [message["data"]["content"] for message in messages]


async def test_a_command_is_said_as_its_result(chat_server):
    said = [
        ("/me waves", r"\* Ann Maas waves"),
        ("/ME  waves\nand waves ", r"\* Ann Maas waves\nand waves"),
        ("/roll", r"\* Ann Maas rolls 1d6: [1-6]"),
        ("/roll 2d6", r"\* Ann Maas rolls 2d6: [1-6] \+ [1-6] = \d+"),
        ("/topic Dinner", r"\* Ann Maas calls the room Dinner"),
        ("//me waves", "/me waves"),
        ("/etc/hosts is wrong", "/etc/hosts is wrong"),
        (" /me waves", " /me waves"),
        ("/", "/"),
        ("Lunch", "Lunch"),
    ]
    async with chat_server(plugins=PLUGINS) as chat:
        topic, ann, bob = await pair(chat)
        for typed, stored in said:
            await ann.ok("publish", topic=topic, data={"content": typed})
            for each in (ann, bob):
                assert re.fullmatch(stored, (await each.push())["data"]["content"]), typed


async def test_what_cannot_be_meant_is_refused(chat_server):
    async with chat_server(plugins=PLUGINS) as chat:
        topic, ann, bob = await pair(chat)
        for typed in (
            "/rol 2d6",
            "/me",
            "/roll d",
            "/roll 0d6",
            "/roll 2d0",
            "/topic",
            "/topic a\nb",
        ):
            reply = await ann.do("publish", topic=topic, data={"content": typed})
            assert reply["error"]["code"] == "bad_request", typed
            assert typed.split()[0] in reply["error"]["message"]  # /rol: did you mean /roll?
        await bob.quiet()


async def test_only_who_asks_is_helped(chat_server):
    async with chat_server(plugins=PLUGINS) as chat:
        topic, ann, bob = await pair(chat)
        reply = await ann.do("publish", topic=topic, data={"content": "/help"})
        assert "/roll 2d6" in reply["error"]["message"]
        await bob.quiet()
        rooms = await chat.rest("bob").get("/plugins/chat_rooms/rooms")
        assert rooms.json["rooms"][0]["unread"] == 0


async def test_a_room_is_named(chat_server):
    async with chat_server(plugins=PLUGINS) as chat:
        topic, _ann, bob = await pair(chat)
        await bob.ok("publish", topic=topic, data={"content": "/topic Dinner at 8"})
        await chat.settled()
        rooms = await chat.rest("ann").get("/plugins/chat_rooms/rooms")
        assert rooms.json["rooms"][0]["name"] == "Dinner at 8"
        assert await said(chat, topic) == ["* Bob Prins calls the room Dinner at 8"]


async def test_what_can_never_be_done_holds_up_nobody(chat_server):
    async with chat_server(plugins=PLUGINS) as chat:
        topic, ann, _bob = await pair(chat)
        late = {"content": "* Carl", "command": {"name": "topic", "text": "Mine"}}  # no member
        await chat.server.publish(Topic.parse("SHOP", topic), late, sender="u-carl")
        await ann.ok("publish", topic=topic, data={"content": "/topic Ours"})
        await chat.settled()
        rooms = await chat.rest("bob").get("/plugins/chat_rooms/rooms")
        assert rooms.json["rooms"][0]["name"] == "Ours"


async def test_a_retry_throws_no_dice(chat_server):
    async with chat_server(plugins=PLUGINS) as chat:
        topic, ann, _bob = await pair(chat)
        data = {"content": "/roll 9d999"}
        once = await ann.ok("publish", topic=topic, key="k", data=data)
        again = await ann.ok("publish", topic=topic, key="k", data=data)
        assert (again["id"], again["duplicate"]) == (once["id"], True)


async def test_words_are_whole_and_of_any_case(chat_server):
    refused = ["DAMN!", "_damn_", "damned dam", "/me says damn", "//damn it", "d\u00ada\u200bmn"]
    refused += ["\uff44\uff41\uff4d\uff4e", "STRASSE", "un Gros Mot", "\u0926 \u0915"]
    said = ["damned", "madam", "Straßen", "grosmot", "damn2"]
    said += ["\u0915\u093e"]  # a letter and its vowel sign
    async with chat_server(plugins=PLUGINS, config=CONFIG) as chat:
        topic, ann, bob = await pair(chat)
        for content in refused:
            reply = await ann.do("publish", topic=topic, data={"content": content})
            assert "error" in reply, content
            assert reply["error"]["code"] == "denied"
            assert reply["error"]["message"] == "content: has a word that is not said here"
        await bob.quiet()
        for content in said:
            await ann.ok("publish", topic=topic, data={"content": content})
            assert (await bob.push())["data"]["content"] == content


async def test_growerp_front_ends(chat_server):
    plugins = ["growerp", *PLUGINS]
    async with chat_server(plugins=plugins, config=CONFIG) as chat:
        topic = await chat.room("ann", "bob", name="Lunch")
        room = topic.removeprefix("room:")
        ann, bob = await chat.growerp("ann"), await chat.growerp("bob")
        answer = await ann.say(room, "/me waves")
        assert answer.json["chatMessage"]["content"] == "* Ann Maas waves"
        assert (await bob.chat.next())["content"] == "* Ann Maas waves"
        for content, status, text in (
            ("/rol", 400, "did you mean /roll?"),
            ("/help", 403, "/roll 2d6"),
            ("damn", 403, "has a word"),
        ):
            answer = await ann.say(room, content)
            assert (answer.status, text in answer.json["errors"]) == (status, True)
            await ann.chat.send({"chatRoom": {"chatRoomId": room}, "content": content})
        await bob.chat.quiet()
        frame = {"chatRoom": {"chatRoomId": room}, "content": "/roll 9d999"}
        await ann.chat.send(frame)  # older ones send each message twice
        rolled = await ann.say(room, "/roll 9d999")
        assert (await bob.chat.next())["content"] == rolled.json["chatMessage"]["content"]
        await bob.chat.quiet()


async def test_the_house_says_what_it_likes(chat_server):
    async with chat_server(plugins=PLUGINS, config=CONFIG) as chat:
        topic, _ann, bob = await pair(chat)
        for content in ("damn", "/me waves"):
            await chat.server.publish(Topic.parse("SHOP", topic), {"content": content})
            assert (await bob.push())["data"] == {"content": content}


async def test_other_plugins_add_commands(chat_server, tmp_path):
    more = tmp_path / "more.py"
    more.write_text(MORE)
    async with chat_server(plugins=[*PLUGINS, more]) as chat:
        topic, ann, bob = await pair(chat)
        await ann.ok("publish", topic=topic, data={"content": "/shout hello"})
        for content in ("HELLO", "u-ann shouted hello"):
            assert (await bob.push())["data"]["content"] == content
        assert await ann.refused("publish", topic=topic, data={"content": "/shout"}) == "denied"


async def test_words_that_are_none_stop_the_start(chat_server):
    words = ["damn", " "]
    with pytest.raises(SetupError, match="words"):
        async with chat_server(plugins=PLUGINS, config={"plugins": {"slash": {"words": words}}}):
            pass
