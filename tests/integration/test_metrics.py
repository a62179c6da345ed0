"""/metrics and /health/ready from outside: who may ask, what they say, what it costs the others."""

import asyncio
import base64
import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from support.boards import Board, boards, plugin, plugin_of
from support.server import key_of, running_server
from support.stores import one_group
from tornado_chat import Topic, hookimpl, metrics

CROWD = 20
BOARD = Topic("SHOP", "board", "1")
REST = (Path(__file__).parents[2] / "docs" / "reference" / "rest.md").read_text()


@pytest.fixture
async def site():
    limits = {"limits": {"sockets_per_user": 0}}
    async with running_server(limits, [boards()], entry_points=False) as running:
        yield running


# Who may ask


@pytest.mark.parametrize("shown", ["api_key", "Bearer", "Basic"])
async def test_who_may_know_the_status_may_ask_however_he_shows_it(site, shown):
    await site.server.accounts.set_password("u-admin", "Very-secret-1")
    basic = base64.b64encode(b"admin@shop.example:Very-secret-1").decode()
    headers = {
        "api_key": {"api_key": key_of("admin")},
        "Bearer": {"Authorization": f"Bearer {key_of('admin')}"},
        "Basic": {"Authorization": f"Basic {basic}"},
    }
    assert (await site.fetch("GET", "/metrics", headers=headers[shown])).code == 200


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "unauthorized"),
        ({"api_key": "key-of-nobody"}, 401, "unauthorized"),
        ({"Authorization": "Bearer key-of-nobody"}, 401, "unauthorized"),
        ({"api_key": key_of("ann")}, 403, "denied"),
    ],
)
async def test_nobody_else_is_told_anything(site, headers, status, code):
    answer = await site.fetch("GET", "/metrics", headers=headers)
    assert (answer.code, answer.json["error"]["code"]) == (status, code)


async def test_a_wrong_password_is_refused_as_anywhere(site):
    basic = base64.b64encode(b"admin@shop.example:wrong").decode()
    answer = await site.fetch("GET", "/metrics", headers={"Authorization": f"Basic {basic}"})
    assert answer.code == 401


# What it says


@pytest.mark.parametrize(
    ("accept", "kind", "read"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8", plain),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8", plain),
        ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "openmetrics", openmetrics),
    ],
)
async def test_the_format_is_the_one_that_is_asked_for(site, accept, kind, read):
    answer = await site.fetch("GET", "/metrics", name="admin", headers={"Accept": accept})
    assert kind in answer.headers["Content-Type"]
    names = [each.name for each in read(answer.body.decode())]
    assert "tornado_chat_sessions" in names
    assert len(names) == len(set(names))
    assert answer.body.endswith(b"# EOF\n") == (read is openmetrics)


async def test_two_servers_of_one_process_have_figures_of_their_own():
    async with (
        running_server(entry_points=False) as one,
        running_server(entry_points=False) as other,
        one.connect("ann"),
    ):
        for site, count in ((one, b'{dialect="/ws"} 1.0'), (other, b'{dialect="/ws"} 0.0')):
            answer = await site.fetch("GET", "/metrics", name="admin")
            assert b"tornado_chat_sessions" + count in answer.body


async def test_no_topic_person_or_path_is_a_label(site):
    async with site.connect("ann") as ann:
        await ann.ok("subscribe", topic="board:secret")
        await ann.ok("publish", topic="board:secret", data={"n": 1})
        await site.fetch("GET", "/secret/path", name="ann")
        answer = await site.fetch("GET", "/metrics", name="admin")
    for word in (b"secret", b"u-ann", b"SHOP", b"key-of"):
        assert word not in answer.body


# How the plugins are


def board():
    """Hears of what is said, and fails at what it is told to."""

    @hookimpl
    def message_published(message):
        if message.data.get("fail"):
            raise KeyError("a plugin's slip")

    return plugin("board", message_published=message_published)


async def health(site):
    return (await site.fetch("GET", "/health/ready", name="admin")).json["plugin_health"]


async def test_how_each_plugin_is_stands_beside_their_names(logs):
    logs.expect("failed in message_published")
    async with running_server(modules=[boards(), board()], entry_points=False) as site:
        calls = (await health(site))["board"]["calls"]["message_published"]
        assert (calls["count"], calls["failures"]) == (0, 0)
        for fail in (False, True, False):
            await site.server.publish(BOARD, {"fail": fail})
        async with asyncio.timeout(5):
            while calls["count"] < 3:
                calls = (await health(site))["board"]["calls"]["message_published"]
        assert calls["failures"] == 1
        assert 0 < calls["longest"] <= calls["seconds"] < 5
        assert (await site.fetch("GET", "/health/ready")).json["plugins"] == ["boards", "board"]


class Odd(Board):
    """Does with a post what the post says."""

    kind = "odd"

    async def receive(self, identity, topic, data):
        if data["how"] == "raises":
            raise KeyError("a plugin's slip")
        if data["how"] == "hangs":
            await asyncio.sleep(60)
        if data["how"] == "holds the loop":
            time.sleep(0.3)
        if data["how"] == "floods":
            await asyncio.gather(*(self.server.publish(topic, {}) for _ in range(200)))
        return [] if data["how"] == "gives the wrong type" else data


FAILED = 'plugin_failures_total{hook="topic.receive",plugin="given"} 1.0'
NAMED = {
    "raises": FAILED,
    "hangs": FAILED,
    "gives the wrong type": FAILED,
    "holds the loop": 'plugin_held_total{hook="topic.receive",plugin="given"} 1.0',
    "floods": 'plugin_delayed_writes_total{plugin="given"} 136.0',  # 64 of 200 go at once
}


@pytest.mark.parametrize("how", NAMED)
async def test_a_plugin_that_is_a_burden_is_named(how, logs):
    logs.expect("plugin 'given'")
    tables = {"plugins": {"call_seconds": 0.2 if how == "hangs" else 10}}
    async with running_server(tables, [boards(), plugin_of(Odd())], entry_points=False) as site:
        quiet = await site.fetch("GET", "/metrics", name="admin")
        async with site.connect("ann") as ann:
            await ann.do("publish", topic="odd:1", data={"how": how})
        loud = await site.fetch("GET", "/metrics", name="admin")
    assert f"tornado_chat_{NAMED[how]}" in loud.body.decode().splitlines()
    assert f"tornado_chat_{NAMED[how]}" not in quiet.body.decode().splitlines()


async def test_the_page_shows_what_is_told():
    section = REST[REST.index("## How it is") :]
    shown = json.loads(re.search(r"```json\n(.*?)```", section, re.DOTALL)[1])
    async with running_server(modules=[board()], entry_points=False) as site:
        told = (await site.fetch("GET", "/health/ready", name="admin")).json
    calls = told["plugin_health"]["board"]["calls"]
    for hook in calls.keys() - {"message_published"}:
        del calls[hook]  # the page shows one
    assert shape(told) == shape(shown)


def shape(value):
    """The keys and types of it."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    return "number" if type(value) in {int, float} else type(value)


# What it costs


def work_of(site):
    """How many functions are called to read what is of the loop."""
    calls = []

    def count(_frame, event, _argument):
        if event in {"call", "c_call"}:
            calls.append(event)

    sys.setprofile(count)
    try:
        list(metrics.figures_of(site.server, site.server.listener._house))
    finally:
        sys.setprofile(None)
    return len(calls)


async def test_a_scrape_does_the_same_for_a_crowd_as_for_nobody(site):
    async with site.connect("ann") as ann:
        await ann.ok("subscribe", topic="board:0")
        await site.fetch("GET", "/metrics", name="admin")
        alone = work_of(site)
        async with contextlib.AsyncExitStack() as stack:
            for number in range(CROWD):
                each = await stack.enter_async_context(site.connect("bob"))
                await each.ok("subscribe", topics=[f"board:{number}", "mine"])
            assert site.server.hub.session_count == CROWD + 1
            assert work_of(site) == alone


async def test_what_walks_the_open_files_is_no_work_of_the_loop(site, monkeypatch):
    seen, listdir = [], os.listdir

    def noted(path="."):
        seen.append(threading.current_thread())
        return listdir(path)

    monkeypatch.setattr(os, "listdir", noted)
    await site.fetch("GET", "/metrics", name="admin")
    assert seen
    assert threading.main_thread() not in seen


ASKED = """
import asyncio, json, sys
from tornado.httpclient import AsyncHTTPClient
from tornado_chat import config
from tornado_chat.app import Server

async def ask(server, path):
    headers = {"api_key": "key-of-admin"}
    url = f"http://127.0.0.1:{server.port}{path}"
    return (await AsyncHTTPClient().fetch(url, headers=headers)).code

async def main():
    admin = {"user_id": "admin", "permissions": ["status"], "api_key": "key-of-admin"}
    server = Server(config.build({"server": {"port": 0, "drain_seconds": 0}, "users": [admin]}))
    await server.start()
    told = []
    for path in ("/health/ready", "/metrics"):
        status = await ask(server, path)
        told.append([status, "prometheus_client" in sys.modules])
    print(json.dumps(told))
    await server.stop()

asyncio.run(main())
"""


def test_the_library_is_imported_at_the_first_scrape_and_not_before(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", ASKED], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [[200, False], [200, True]], done.stderr


async def test_it_is_answered_while_the_store_is_busy(site):
    """Figures are wanted most when something hangs."""
    async with one_group(site.server.store), asyncio.timeout(5):
        assert (await site.fetch("GET", "/metrics", name="admin")).code == 200
