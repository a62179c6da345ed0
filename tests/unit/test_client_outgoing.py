"""What the client has asked: in order, again after a lost connection, never more than it may."""

import asyncio
import json

import pytest

from tornado_chat.client.errors import ChatError, Closed, QueueFull
from tornado_chat.client.outgoing import WINDOW, Outgoing


def publish(outgoing, number):
    """The list that its answer goes into."""
    heard = []
    outgoing.put("publish", {"topic": "room:1", "data": {"n": number}}, heard.append)
    return heard


async def sent(outgoing):
    """All that goes out now."""
    frames = []
    while True:
        try:
            async with asyncio.timeout(0.01):
                frames.append(json.loads((await outgoing.next()).text))
        except TimeoutError:
            return frames


def numbers(frames):
    return [frame["data"]["n"] for frame in frames if frame["do"] == "publish"]


@pytest.fixture
async def outgoing():
    found = Outgoing(100)
    found.connected = True
    return found


async def test_what_was_not_answered_goes_out_again_first_and_as_it_was(outgoing):
    heard = [publish(outgoing, number) for number in range(5)]
    first = await sent(outgoing)
    assert numbers(first) == [0, 1, 2, 3, 4]
    outgoing.answer({"id": first[1]["id"], "ok": {"offset": 1}})
    assert heard[1] == [{"offset": 1}]
    publish(outgoing, 5)
    outgoing.lost("cut")
    publish(outgoing, 6)
    again = await sent(outgoing)
    assert numbers(again) == [0, 2, 3, 4, 5, 6]
    assert again[0] == first[0]
    assert heard[0] == []


async def test_other_commands_go_before_the_queue(outgoing):
    publish(outgoing, 1)
    outgoing.put("history", {"topic": "room:1"}, print)
    outgoing.put("subscribe", {"topic": "room:1"}, print, again=False)
    assert [frame["do"] for frame in await sent(outgoing)] == ["history", "subscribe", "publish"]
    outgoing.lost("cut")
    assert [frame["do"] for frame in await sent(outgoing)] == ["history", "publish"]


async def test_what_is_asked_once_ends_with_its_connection(outgoing):
    heard = []
    for _ in range(2):  # on the wire, and still in line
        outgoing.put("signal", {"topic": "room:1"}, heard.append, again=False)
        await sent(outgoing)
    outgoing.put("signal", {"topic": "room:1"}, heard.append, again=False)
    outgoing.lost("cut")
    assert [(each.code, each.message) for each in heard] == [("unavailable", "signal: cut")] * 3
    with pytest.raises(ChatError, match="signal: not connected"):
        outgoing.put("signal", {"topic": "room:1"}, heard.append, again=False)


async def test_the_window_on_the_wire_is_bounded(outgoing):
    for number in range(WINDOW + 10):
        publish(outgoing, number)
    frames = await sent(outgoing)
    assert len(frames) == WINDOW
    for frame in frames[:3]:
        outgoing.answer({"id": frame["id"], "error": {"code": "denied", "message": "no"}})
    assert numbers(await sent(outgoing)) == [WINDOW, WINDOW + 1, WINDOW + 2]


async def test_a_full_queue_refuses_and_forgets_nothing(outgoing):
    for number in range(100):
        publish(outgoing, number)
    await sent(outgoing)
    assert outgoing.waiting == 100
    with pytest.raises(QueueFull, match="publish room:1: 100 messages wait already"):
        publish(outgoing, 100)
    outgoing.put("history", {"topic": "room:1"}, print)  # not of the queue
    outgoing.lost("cut")
    frames = await sent(outgoing)
    for frame in frames:
        outgoing.answer({"id": frame["id"], "ok": {}})
    assert numbers(frames) + numbers(await sent(outgoing)) == list(range(100))


async def test_an_answer_that_nobody_waits_for_frees_its_place(outgoing):
    asking = [asyncio.create_task(outgoing.ask("history", {"topic": "a"})) for _ in range(WINDOW)]
    frames = await sent(outgoing)
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    publish(outgoing, 1)
    assert await sent(outgoing) == []
    for frame in frames:
        outgoing.answer({"id": frame["id"], "ok": {}})
    outgoing.answer({"id": 12345, "ok": {}})  # never asked
    assert numbers(await sent(outgoing)) == [1]


@pytest.mark.parametrize("on_the_wire", [True, False])
async def test_who_gives_up_takes_his_command_back(outgoing, on_the_wire):
    body = {"topic": "room:1", "data": {"n": 0}}
    asking = asyncio.create_task(outgoing.ask("publish", body))
    await asyncio.sleep(0)
    if on_the_wire:
        await sent(outgoing)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    outgoing.lost("cut")
    publish(outgoing, 1)
    assert numbers(await sent(outgoing)) == [1]
    assert outgoing.waiting == 1


async def test_asking_gives_the_answer_or_raises_it(outgoing):
    good = asyncio.create_task(outgoing.ask("history", {"topic": "a"}))
    bad = asyncio.create_task(outgoing.ask("history", {"topic": "b"}))
    await asyncio.sleep(0)
    [one, two] = await sent(outgoing)
    outgoing.answer({"id": one["id"], "ok": {"more": False}})
    outgoing.answer({"id": two["id"], "error": {"code": "denied", "message": "no", "new": 1}})
    assert await good == {"more": False}
    with pytest.raises(ChatError) as problem:
        await bad
    assert (problem.value.code, problem.value.message) == ("denied", "no")


async def test_the_end_is_told_to_all_that_wait_and_all_that_come(outgoing):
    heard = [publish(outgoing, number) for number in range(WINDOW + 1)]
    await sent(outgoing)
    outgoing.end(Closed())
    assert all(isinstance(each, Closed) for [each] in heard)
    with pytest.raises(Closed, match="the client is closed"):
        publish(outgoing, 1)
    assert outgoing.waiting == 0


@pytest.mark.parametrize("data", [{"when": object()}, {"n": float("nan")}])
async def test_what_is_no_json_is_refused_and_not_queued(outgoing, data):
    with pytest.raises((TypeError, ValueError)):
        outgoing.put("publish", {"topic": "room:1", "data": data}, print)
    assert await sent(outgoing) == []
