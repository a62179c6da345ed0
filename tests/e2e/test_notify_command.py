"""`tornado-chat notify …`: alone, and beside a running server."""

import json

import pytest
import websockets

from support.process import run, serving

CONFIG = """
[server]
port = 0

[plugins]
disabled = ["chat_rooms", "order_list", "growerp"]

[topics.OrderUpdate]
title = "Order ${orderId}"
persist = true

[[users]]
user_id = "u-ann"
tenant = "SHOP"
groups = ["SALES"]
api_key = "key-of-ann"

[[users]]
user_id = "u-bob"
tenant = "SHOP"
api_key = "key-of-bob"
"""


@pytest.fixture
async def config(tmp_path):
    path = tmp_path / "tornado_chat.toml"
    path.write_text(f'[store]\nurl = "sqlite:///{tmp_path / "chat.db"}"\n{CONFIG}')
    return path


async def notify(*arguments, config):
    return await run("notify", *arguments, "--tenant", "SHOP", "-c", config)


async def next_push(socket):
    while "push" not in (frame := json.loads(await socket.recv())):
        pass
    return frame["push"]


async def test_command_notify(config):
    async with serving("-c", config) as server:
        sockets = [
            await websockets.connect(f"ws://127.0.0.1:{server.port}/ws?api_key=key-of-{name}")
            for name in ("ann", "bob")
        ]
        ann = sockets[0]
        for socket in sockets:
            await socket.send('{"id":1,"do":"subscribe","topic":"OrderUpdate"}')
            while "ok" not in json.loads(await socket.recv()):
                pass
        status, out, err = await notify(
            "OrderUpdate",
            "--message",
            '{"orderId":"7","message":"It came"}',
            *("--type", "warning", "--group", "SALES", "--link", "/orders/${orderId}"),
            *("--sub-topic", "came", "--alert", "--no-persist"),
            config=config,
        )
        assert (status, err) == (0, "")
        push = await next_push(ann)
        assert out == f"sent {push['id']}\n"
        assert push["data"] == {
            "message": {"orderId": "7", "message": "It came"},
            "sub_topic": "came",
            "title": "Order 7",
            "link": "/orders/7",
            "type": "warning",
            "show_alert": True,
            "alert_no_auto_hide": False,
            "persist": False,
            "topic_description": None,
        }
        status, out, _err = await notify("OrderUpdate", "--text", "All", config=config)
        assert status == 0
        for socket in sockets:  # bob is not of the group: this is his first
            push = await next_push(socket)
            assert push["data"]["message"] == {"message": "All"} and push["data"]["persist"] is True
            await socket.close()


async def test_without_a_server_it_waits_in_the_list(config):
    status, out, _err = await notify(
        "OrderUpdate", "--text", "x", "--user", "u-ann", "--user", "u-bob", config=config
    )
    assert status == 0 and out == "sent 100001\n"


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["OrderUpdate"], "give either --message or --text"),
        (["OrderUpdate", "--text", "x", "--message", "{}"], "give either --message or --text"),
        (["OrderUpdate", "--message", "{"], "not JSON"),
        (["OrderUpdate", "--message", "[]"], "not a JSON object"),
        (["room:1", "--text", "x"], "error: topic: not a plain name"),
        (["OrderUpdate", "--text", "x", "--type", "bad"], "error: type: not one of info"),
        (["OrderUpdate", "--text", "x", "--link", "//x"], "error: link: neither http(s)"),
    ],
)
async def test_what_is_wrong_is_said_on_stderr(config, arguments, fault):
    status, out, err = await notify(*arguments, config=config)
    assert status != 0 and out == "" and fault in err, err
    assert "Traceback" not in err


async def test_a_tenant_must_be_named(config):
    status, _out, err = await run("notify", "OrderUpdate", "--text", "x", "-c", config)
    assert status == 2 and "--tenant" in err
