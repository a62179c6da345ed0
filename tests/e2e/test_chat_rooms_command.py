"""`tornado-chat room …`, also beside a running server."""

import pytest

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
