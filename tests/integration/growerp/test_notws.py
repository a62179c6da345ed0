"""The grammar of /notws, row by row of growerp-contract section 2.1, and what it is bounded by."""

import asyncio
import json

import pytest

from support.growerp import FrontEnd, notify
from support.server import running_server


async def heard(site, commands, topics):
    """Which of these topics a new socket gets after these commands."""
    key = await site.server.accounts.issue_key("u-ann")
    ann = FrontEnd(site, "ann", key=key)
    async with ann.notws() as notes:
        for command in commands:
            await notes.send(command)
        await asyncio.sleep(0.05)
        for topic in topics:
            await notify(site, topic, {"message": topic})
        await notify(site, "the end", {}, users=["u-ann"])
        await notes.send("subscribe: the end")
        found = []
        while True:
            try:
                found.append((await notes.next(0.15))["topic"])
            except TimeoutError:
                return [topic for topic in found if topic != "the end"]


GRAMMAR = {
    "a name": (["subscribe: a"], ["a", "b"], ["a"]),
    "no space": (["subscribe:a,b"], ["a", "b"], ["a", "b"]),
    "trimmed": (["subscribe: \t a \r\n , \x00b\x1f"], ["a", "b"], ["a", "b"]),
    "empty parts": (["subscribe: ,a,, ,"], ["a"], ["a"]),
    "upper case": (["Subscribe: a"], ["a"], []),
    "a leading space": ([" subscribe: a"], ["a"], []),
    "a space before the colon": (["subscribe : a"], ["a"], []),
    "JSON": (['{"subscribe":"a"}'], ["a"], []),
    "empty frame": ([""], ["a"], []),
    "empty list": (["subscribe:", "subscribe: , ,"], ["a"], []),
    "empty list later": (["subscribe: a", "subscribe:", "subscribe: , ,"], ["a"], ["a"]),
    "ALL": (["subscribe: ALL"], ["a", "b"], ["a", "b"]),
    "all is a name": (["subscribe: all"], ["a", "all"], ["all"]),
    "repeated": (["subscribe: a, a", "subscribe: a"], ["a"], ["a"]),
    "case matters": (["subscribe: A"], ["a", "A"], ["A"]),
    "off": (["subscribe: a, b", "unsubscribe: a"], ["a", "b"], ["b"]),
    "off what was not on": (["subscribe: b", "unsubscribe: a"], ["a", "b"], ["b"]),
    "off by ALL alone": (["subscribe: ALL, a", "unsubscribe: ALL"], ["a", "b"], ["a"]),
    "off while ALL is on": (["subscribe: ALL", "unsubscribe: a"], ["a", "b"], ["a", "b"]),
    "inner spaces": (["subscribe: a b,ü"], ["a b", "ü", "a"], ["a b", "ü"]),
    "added up": (["subscribe: a", "subscribe: b"], ["a", "b"], ["a", "b"]),
}


@pytest.mark.parametrize("case", GRAMMAR)
async def test_grammar(site, case):
    commands, topics, expected = GRAMMAR[case]
    assert await heard(site, commands, topics) == expected


@pytest.fixture(autouse=True)
async def _nothing_remembered(request, site):
    """A new key of the same person falls back to his newest set; here it is none."""
    if "case" in request.fixturenames:
        async with FrontEnd(site, "ann").notws() as notes:
            await notes.send("subscribe:")
            await asyncio.sleep(0.02)


async def test_names_are_bounded(site):
    long = "x" * 128
    names = [f"topic {number}" for number in range(250)]
    topics = ["topic 0", "topic 199", "topic 200", "topic 249", long]
    commands = [f"subscribe: {long}", f"subscribe: {long}y, {','.join(names)}"]
    assert await heard(site, commands, topics) == ["topic 0", long]
    others = [name.replace("topic", "other") for name in names]
    commands = [f"subscribe: {','.join(others)}"]
    topics = ["other 0", "other 199", "other 200"]
    assert await heard(site, commands, topics) == ["other 0", "other 199"]


async def test_a_frame_over_the_size_is_dropped_in_silence():
    tables = {"plugins": {"disabled": ["order_list"]}, "limits": {"frame_bytes": 300}}
    async with running_server(tables) as site, FrontEnd(site, "ann").notws("a") as notes:
        await notes.send("subscribe: " + "b" * 300)
        await notes.socket.send(b"subscribe: c")
        for topic in ("c", "b" * 100, "a"):
            await notify(site, topic, {})
        assert (await notes.next())["topic"] == "a"
        await notes.quiet()


async def test_only_who_is_addressed_gets_it(site, ann, bob, admin, zoe):
    async with ann.notws("ALL") as his, bob.notws("ALL") as bobs, zoe.notws("ALL") as foreign:
        async with admin.notws("ALL") as admins:
            await notify(site, "T", {"message": "one"}, users=["u-bob", "u-zoe"])
            await notify(site, "T", {"message": "group"}, group="GROWERP_M_ADMIN")
            await notify(site, "T", {"message": "all"})
            assert (await admins.next())["message"]["message"] == "group"
            assert (await admins.next())["message"]["message"] == "all"
        assert (await bobs.next())["message"]["message"] == "one"
        assert (await bobs.next())["message"]["message"] == "all"
        assert (await his.next())["message"]["message"] == "all"
        await foreign.quiet()


async def test_the_two_sockets_do_not_mix(site, ann, bob):
    room = await ann.room_with(bob)
    async with bob.chat() as chat, bob.notws("ALL") as notes:
        await ann.say(room, "a message")
        await notify(site, "chatMessage", {"chatRoomId": room})
        await notify(site, f"room {room}", {})
        assert await chat.contents(1) == ["a message"]
        assert (await notes.next())["topic"] == "chatMessage"
        assert (await notes.next())["topic"] == f"room {room}"
        await chat.quiet(0.1)
        await notes.quiet(0.1)


async def test_times_and_languages(site, ann):
    async with ann.notws("ALL") as notes:
        said = {"message": "Grüße, 你好 🎉", "deep": {"a": [1, None, True, {"b": "ü"}]}}
        await notify(site, "T", said, title="${message}")
        frame = await notes.next()
        assert frame["message"] == said
        assert frame["title"] == "Grüße, 你好 🎉"
        assert json.dumps(frame)
