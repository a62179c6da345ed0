"""`tornado-chat room …`, also beside a running server."""

import asyncio
import json

import pytest
import websockets

from support.process import run, serving

CONFIG = """
[server]
port = 0

[plugins]
disabled = ["notifications", "order_list", "growerp"]

[[users]]
user_id = "u-ann"
full_name = "Ann Maas"
tenant = "SHOP"
api_key = "key-of-ann"

[[users]]
user_id = "u-bob"
full_name = "Bob Prins"
tenant = "SHOP"
api_key = "key-of-bob"

[[users]]
user_id = "u-zoe"
full_name = "Zoe Zee"
tenant = "OTHER"
"""


@pytest.fixture
async def config(tmp_path):
    path = tmp_path / "tornado_chat.toml"
    path.write_text(f'[store]\nurl = "sqlite:///{tmp_path / "chat.db"}"\n{CONFIG}')
    return path


async def room(*arguments, config):
    return await run("room", *arguments, "--tenant", "SHOP", "-c", config)


async def test_rooms_are_made_listed_shown_and_changed_beside_a_running_server(config):
    async with serving("-c", config) as server:
        status, out, err = await room("list", config=config)
        assert (status, out) == (0, "no rooms of tenant SHOP\n"), err
        made = ("create", "--name", "Lunch", "--member", "u-ann", "--member", "u-bob")
        assert await room(*made, config=config) == (0, "100000\n", "")
        pair = ("create", "--private", "--member", "u-ann", "--member", "u-bob")
        assert await room(*pair, config=config) == (0, "100001\n", "")
        status, out, err = await room(*pair, config=config)
        assert (status, out, err) == (0, "100001\n", "these two have that room already\n")
        status, out, _ = await room("list", config=config)
        assert out == (
            "100001  one-to-one     2  Ann Maas, Bob Prins\n100000  group          2  Lunch\n"
        )
        status, out, _ = await room("list", "--search", "LUN", config=config)
        assert out == "100000  group          2  Lunch\n"

        url = f"ws://127.0.0.1:{server.port}/ws?api_key=key-of-bob"
        async with websockets.connect(url) as bob:
            await bob.recv()
            await bob.send(json.dumps({"id": 1, "do": "subscribe", "topic": "room:100000"}))
            assert json.loads(await bob.recv())["ok"]["state"]["room"]["name"] == "Lunch"

            status, out, _ = await room("remove", "100000", "u-bob", config=config)
            assert (status, out) == (0, "100000  group          1  Lunch\n  u-ann  Ann Maas\n")
            frame = {"do": "publish", "topic": "room:100000", "data": {"content": "still here"}}
            for attempt in range(2, 50):
                await bob.send(json.dumps({"id": attempt, **frame}))
                while (reply := json.loads(await bob.recv())).get("id") != attempt:
                    pass  # his own message, as long as the server has not looked
                if "error" in reply:
                    break
                await asyncio.sleep(0.1)
            assert reply["error"]["message"] == "publish room:100000: not a member"

        status, out, _ = await room("add", "100000", "u-bob", config=config)
        assert out == "100000  group          2  Lunch\n  u-ann  Ann Maas\n  u-bob  Bob Prins\n"
        assert await room("show", "100000", config=config) == (0, out, "")


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("show", "100009"), "error: room 100009: not found"),
        (("add", "100000", "u-zoe"), "error: members: u-zoe: nobody of this company has that id"),
        (("remove", "100000", "u-zoe"), "error: member u-zoe: not in room 100000"),
        (("create", "--member", "u-nobody"), "error: members: u-nobody: nobody of this company"),
        (("create", "--name", "Lunch"), "Missing option '--member'"),
        (("remove", "100000"), "Missing argument 'USER_IDS...'"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_line(config, arguments, fault):
    async with serving("-c", config):  # brings the users of the file in
        assert await room("create", "--member", "u-ann", config=config) == (0, "100000\n", "")
    status, out, err = await room(*arguments, config=config)
    assert status != 0 and out == ""
    assert fault in err
    assert "Traceback" not in err


async def test_a_room_of_another_tenant_is_not_found(config):
    async with serving("-c", config):
        await room("create", "--member", "u-ann", config=config)
    status, _, err = await run("room", "show", "100000", "--tenant", "OTHER", "-c", config)
    assert (status, err) == (1, "error: room 100000: not found\n")
