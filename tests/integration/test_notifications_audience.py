"""Who gets a notification, and who does not.

The tests of faults are named after section 6 of the GrowERP contract.
"""

import asyncio
from contextlib import AsyncExitStack

import pytest
import websockets

from support.mine import listening
from support.notices import BASE, ids, prefer, service, started
from support.queries import counted_queries
from support.server import users


@pytest.fixture
async def site():
    async with started() as running:
        yield running


async def reached(site, names, send):
    """Those of the people who get what `send` sends."""
    async with asyncio.TaskGroup() as group, AsyncExitStack() as stack:
        sockets = {name: await stack.enter_async_context(listening(site, name)) for name in names}
        sent = await send()
        # what comes after it shows that it did not come
        for tenant in ("SHOP", "OTHER"):
            await service(site).send(tenant, "Last", {})
        got = {name: group.create_task(first_id(socket)) for name, socket in sockets.items()}
        return {name for name, task in got.items() if await task == sent.id}


async def first_id(socket):
    return (await socket.next())["id"]


EVERYBODY = ["ann", "bob", "carl", "dora", "admin", "zoe"]
SHOP = {"ann", "bob", "carl", "dora", "admin"}


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ({}, SHOP),
        ({"group": "ALL_USERS"}, SHOP),
        ({"users": ["u-ann"]}, {"ann"}),
        ({"users": ["u-ann", "u-zoe", "nobody"]}, {"ann"}),
        ({"group": "GROWERP_M_ADMIN"}, {"admin"}),
        ({"group": "GROWERP_M_ADMIN", "users": ["u-bob", "u-admin"]}, {"admin", "bob"}),
        ({"group": "no such group"}, set()),
    ],
)
async def test_whom_it_is_addressed_to(site, to, expected):
    async def send():
        return await service(site).send("SHOP", "OrderUpdate", {}, **to)

    assert await reached(site, EVERYBODY, send) == expected
    listed = {name for name in EVERYBODY if await ids(site, name)}
    assert listed == expected


async def test_b29_a_group_reaches_the_group_and_not_the_whole_company(site):
    """adkJobUpdate is for those who run jobs, not for every customer of the tenant."""

    async def send():
        return await service(site).send(
            "SHOP", "adkJobUpdate", {"jobName": "j1"}, group="GROWERP_M_ADMIN"
        )

    assert await reached(site, EVERYBODY, send) == {"admin"}


async def test_b27a_all_ends_at_the_tenant_and_gives_way_to_receive_no(site):
    await prefer(site, "bob", "OrderUpdate", all=True)
    await prefer(site, "carl", "OrderUpdate", all=True, receive=False)
    await prefer(site, "dora", "OrderUpdate", all=True, receive=True)
    await prefer(site, "zoe", "OrderUpdate", all=True)
    assert (await site.fetch("GET", f"{BASE}/preferences", name="zoe")).json == {
        "preferences": {"OrderUpdate": {"receive": None, "all": True, "mute": False}}
    }

    async def send():
        return await service(site).send("SHOP", "OrderUpdate", {}, users=["u-ann"])

    assert await reached(site, EVERYBODY, send) == {"ann", "bob", "dora"}
    assert (await send()).audience.users == {"u-ann", "u-bob", "u-dora"}
    assert {name for name in EVERYBODY if await ids(site, name)} == {"ann", "bob", "dora"}

    async def other_topic():
        return await service(site).send("SHOP", "Other", {}, users=["u-ann"])

    assert await reached(site, EVERYBODY, other_topic) == {"ann"}


async def test_b27b_who_says_nothing_receives(site):
    async def send():
        return await service(site).send("SHOP", "OrderUpdate", {})

    assert await reached(site, EVERYBODY, send) == SHOP
    await prefer(site, "bob", "OrderUpdate", receive=False)
    assert await reached(site, EVERYBODY, send) == SHOP - {"bob"}
    await prefer(site, "bob", "OrderUpdate", receive=None)
    assert await reached(site, EVERYBODY, send) == SHOP


async def test_b27b_a_topic_may_be_for_those_who_ask(site):
    await prefer(site, "ann", "Quiet", receive=True)
    await prefer(site, "bob", "Quiet", all=True)
    await prefer(site, "carl", "Quiet", receive=False)

    async def send():
        return await service(site).send("SHOP", "Quiet", {})

    assert await reached(site, EVERYBODY, send) == {"ann", "bob"}
    assert {name for name in EVERYBODY if await ids(site, name)} == {"ann", "bob"}


async def test_b27b_what_cannot_be_stored_is_an_error_and_the_list_has_every_field(site):
    def failing(tx):
        service(site).send_in(tx, "SHOP", "OrderUpdate", {"amount": object()})

    with pytest.raises(TypeError):
        await site.server.write(failing)
    await service(site).send("SHOP", "OrderUpdate", {}, alert_no_auto_hide=True)
    answer = await site.fetch("GET", f"{BASE}/notifications", name="ann")
    assert [each["alert_no_auto_hide"] for each in answer.json["notifications"]] == [True]


async def test_b27c_a_send_costs_the_same_for_six_people_and_for_six_hundred():
    many = [
        {**users()[0], "user_id": f"u{n}", "login_name": f"l{n}", "api_key": f"k{n}"}
        for n in range(600)
    ]
    counts = []
    for people in (users(), [*users(), *many]):
        async with started({"users": people}) as site:
            costs = []
            for to in ({}, {"group": "GROWERP_M_EMPLOYEE"}):
                await service(site).send("SHOP", "OrderUpdate", {}, **to)
                with counted_queries() as queries:
                    await service(site).send("SHOP", "OrderUpdate", {}, **to)
                costs.append(len(queries.all))
            counts.append(costs)
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 7, queries.all


async def test_a_disabled_user_gets_nothing(site):
    async with listening(site, "bob") as bob:
        await site.server.accounts.disable("u-bob")
        await service(site).send("SHOP", "OrderUpdate", {}, users=["u-bob"])
        with pytest.raises(websockets.ConnectionClosed):
            await bob.next()
    assert (await site.fetch("GET", f"{BASE}/notifications", name="bob")).code == 401


async def test_b28_what_fails_here_is_told_to_nobody_else(site):
    """A failed request makes no notification of what it carried."""
    async with listening(site, "admin") as admin:
        for body in ({"topic": "OrderUpdate", "message": "password=secret"}, {"password": "x"}):
            answer = await site.fetch("POST", f"{BASE}/notifications", body, name="admin")
            assert answer.code == 400 and b"secret" not in answer.body
        await admin.quiet()
