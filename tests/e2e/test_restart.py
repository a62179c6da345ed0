"""A server is restarted under 2,000 clients: all come back, and nobody has lost or doubled a message.

Real processes on one port and one database, ended by SIGTERM and by SIGKILL. While it goes down
and comes up again people go on talking; what they could not send they send later.
"""

import asyncio
import contextlib
import json
import os
import random
import resource
import signal
import socket
import time

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from support.crowd import crowd_at
from support.process import serving, toml

USERS, SOCKETS, ROOMS = 250, 8, 50  # of each user; rooms of ten users each, and one of all
DRAIN = 3.0
TALKERS = 10
SEED = int(os.environ.get("RESTART_SEED", random.randrange(10**6)))


def key_of(user):
    return f"key-of-u{user}-0123456789"


def users_of(room):
    return [user for user in range(USERS) if room in rooms_of(user)]


def rooms_of(user):
    return {user % ROOMS, (user + 13) % ROOMS}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def files():
    """As many open ones as the machine allows; the server inherits it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 5000:
        pytest.skip(f"only {hard} open files are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def arguments(tmp_path, files):
    users = [
        {"user_id": f"u{user}", "tenant": "SHOP", "api_key": key_of(user)} for user in range(USERS)
    ]
    path = tmp_path / "tornado_chat.toml"
    path.write_text(toml({"users": users, "log": {"level": "warning"}}))
    sets = (f"server.port={free_port()}", f"server.drain_seconds={DRAIN}")
    return ("-c", path, *(part for each in sets for part in ("--set", each)))


async def make_rooms(server):
    """The topics of the rooms, the one of all last."""
    topics = []
    for members in [*map(users_of, range(ROOMS)), range(USERS)]:
        body = {"name": f"Room {len(topics)}", "members": [f"u{user}" for user in members]}
        request = HTTPRequest(
            f"http://127.0.0.1:{server.port}/plugins/chat_rooms/rooms",
            "POST",
            {"api_key": key_of(next(iter(members))), "Content-Type": "application/json"},
            json.dumps(body),
        )
        answer = await AsyncHTTPClient().fetch(request)
        topics.append(json.loads(answer.body)["room"]["topic"])
    return topics


async def talk(crowd, topics):
    """Some of the crowd publish, in their rooms and now and then in the one of all."""
    talkers = crowd.members[:: len(crowd.members) // TALKERS + 1]
    turn = 0
    while True:
        for talker in talkers:
            turn += 1
            room = topics[-1] if turn % 40 == 0 else topics[min(rooms_of(talker.user))]
            talker.publish(room, f"m{turn}")
            await asyncio.sleep(0.02)


def everything(crowd):
    """Whether everybody has as many messages as were answered for his rooms."""
    return all(
        len(member.seen.get(topic, ())) >= len(crowd.acked.get(topic, ()))
        for member in crowd.members
        for topic in member.rooms
    )


def assert_nothing_lost_or_doubled(crowd):
    crowd.check()
    expected = {topic: sorted(acked) for topic, acked in crowd.acked.items()}
    keys = [key for acked in crowd.acked.values() for key in acked.values()]
    assert len(keys) == len(set(keys)), "one publish became two messages"
    for member in crowd.members:
        for topic in member.rooms:
            assert member.seen.get(topic, []) == expected.get(topic, [])
        assert member.seen.keys() <= member.rooms


@pytest.mark.alone
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_restart_under_two_thousand_clients_loses_nothing(arguments, number, tell):
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(*arguments))
        topics = await make_rooms(server)
        crowd = await stack.enter_async_context(crowd_at(server.port, SEED))
        began = time.monotonic()
        for place in range(USERS * SOCKETS):
            user = place % USERS
            rooms = {topics[room] for room in rooms_of(user)}
            if place % 10 == 0 or place % 2:
                rooms.add(topics[-1])
            member = crowd.add(key_of(user), ["mine"] if place % 2 else sorted(rooms))
            member.user, member.rooms = user, rooms
        size = len(crowd.members)
        await crowd.until(lambda: crowd.at_home == size, 60, lambda: f"{crowd.at_home} of {size}")
        came = time.monotonic() - began

        talking = asyncio.create_task(talk(crowd, topics))
        await crowd.until(lambda: len(crowd.acked) > TALKERS // 2, 20, lambda: "nobody talks")
        await asyncio.sleep(1)
        began = time.monotonic()
        before = sum(map(len, crowd.acked.values()))
        status = await server.stop(number)
        went = time.monotonic() - began
        assert status == (0 if number == signal.SIGTERM else -signal.SIGKILL)
        while_leaving = sum(map(len, crowd.acked.values())) - before
        head = max(offset for acked in crowd.acked.values() for offset in acked)

        again = await stack.enter_async_context(serving(*arguments))
        listens = time.monotonic()
        back = [member for member in crowd.members if member.resumed]
        assert not back, "somebody was back before there was a server"
        await crowd.until(
            lambda: crowd.at_home == size and all(each.resumed for each in crowd.members),
            60,
            lambda: f"{crowd.at_home} of {size} are back, {crowd.refusals}",
        )
        await asyncio.sleep(0.5)
        talking.cancel()
        await crowd.until(
            lambda: not any(member.pending for member in crowd.members) and everything(crowd),
            30,
            lambda: "not all has arrived",
        )
        assert_nothing_lost_or_doubled(crowd)
        caught_up = max(
            max([member.resumed_at, *(at for offset, at in member.came.items() if offset <= head)])
            for member in crowd.members
        )
        messages = sum(map(len, crowd.acked.values()))
        assert messages > before + while_leaving, "nothing was said after the restart"
        if number == signal.SIGTERM:
            assert while_leaving > 0, "nothing was said while it left"
            assert {code for member in crowd.members for code in member.codes} == {1012}
            moments = sorted(at - began for member in crowd.members for at, _window in member.byes)
            assert len(moments) == size
            assert moments[-1] - moments[0] > DRAIN * 0.8
        assert await again.stop(signal.SIGKILL) == -signal.SIGKILL
        assert "Traceback" not in server.log + again.log
        tell(
            f"{number.name} under {size} clients (seed {SEED}): came in {came:.1f} s, "
            f"gone in {went:.1f} s, all back and caught up {caught_up - listens:.1f} s after "
            f"it listened again; {messages} messages, {before} before, {while_leaving} while "
            f"it left; refused {crowd.refusals}"
        )
