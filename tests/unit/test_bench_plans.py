"""What the load client is told, and how frames are made as long as one another."""

import json
import os

import pytest

from support.bench import PEERS, Bench, Ours, client, machine, process, sizes


@pytest.fixture
def bench(tmp_path):
    return Bench(sizes.SIZES["tiny"], 0.1, tmp_path, None, None)


def test_a_plan_is_a_line_a_setting():
    conns = [
        client.Conn("p", "/pub", ("?hello",), say='{"id":%I}'),
        client.Conn("s", "/sub", source=3),
    ]
    plan = client.Plan("fanout", 8080, conns, {"window": 20, "pad": None})
    assert plan.text().splitlines() == [
        "mode fanout",
        "port 8080",
        "window 20",
        "conn p\t0\t/pub\t?hello",
        'say {"id":%I}',
        "conn s\t3\t/sub",
    ]


def pushed(bench, content):
    """The frames that our hearers get, as the house writes them."""
    from tornado_chat import protocol
    from tornado_chat.messages import MEMBERS, Message, Topic

    topic = Topic("BENCH", "room", "100000")
    message = Message(
        offset=1000, epoch="5d0c8e1f", topic=topic, number=1, at=1_790_000_000_000,
        data={"content": content}, audience=MEMBERS, sender="u0", sender_name="u0",
    )  # fmt: skip
    ticks = Topic("BENCH", "ticks", "0")
    return protocol.push(message), protocol.signal(ticks, "message", "u0", {"content": content})


def test_frames_of_ours_are_padded_to_their_size(bench):
    ours = Ours(bench)
    for stored in (True, False):
        content = "~" + "0" * 12 + "~" + "x" * ours.pad(200, stored=stored)
        assert len(pushed(bench, content)[0 if stored else 1]) == 200


def test_frames_of_the_others_are_too(bench):
    mark = "~" + "0" * 12 + "~"
    padded = mark + "x" * PEERS["socket.io"](bench).pad(200, stored=False)
    assert len(f'42["m","{padded}"]') == 200
    padded = mark + "x" * PEERS["centrifuge"](bench).pad(200, stored=False)
    assert len(f'{{"push":{{"channel":"all","pub":{{"data":"{padded}"}}}}}}') == 200
    padded = mark + "x" * PEERS["plain"](bench).pad(200, stored=False)
    push = {"room": "r0", "sender": "u0", "content": padded}
    assert len(json.dumps({"push": push})) == 200
    padded = mark + "x" * PEERS["plain"](bench).pad(200, stored=True)
    push = {"room": "r0", "sender": "u0", "content": padded, "message": 1000}
    assert len(json.dumps({"push": push})) == 200


def test_what_is_started_inside_runs_on_the_core_alone():
    before = os.sched_getaffinity(0)
    core = min(before)
    with machine.pinned(core):
        assert os.sched_getaffinity(0) == {core}
    assert os.sched_getaffinity(0) == before
    with machine.pinned(None):
        assert os.sched_getaffinity(0) == before


def test_no_compiler_is_said_in_one_line(bench, monkeypatch):
    monkeypatch.setattr(client.shutil, "which", lambda _name: None)
    source = bench.folder / "nothing.c"
    source.write_text("int main(void) { return 0; }")
    with pytest.raises(machine.Missing, match=r"^no C compiler: on Debian apt-get install gcc"):
        client.compiled(bench.folder / "nothing", [source])


def test_a_server_that_does_not_start_is_said_in_one_line(bench):
    command = ["sh", "-c", "echo first >&2; echo no such library >&2; exit 1"]
    with pytest.raises(machine.Missing, match=r"^sh did not start: no such library$"):
        process.start(command, core=None, log=bench.log)


def test_a_server_is_found_where_it_says_and_is_gone_after_the_block(bench):
    command = ["sh", "-c", "echo listening on http://127.0.0.1:4711; exec sleep 60"]
    with process.serving(command, core=None, log=bench.log) as running:
        assert running.port == 4711
        assert machine.memory(running.pid) > 0
        assert machine.cpu_seconds(running.pid) >= 0
    assert running.process.poll() is not None
