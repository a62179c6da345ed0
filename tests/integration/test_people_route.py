"""`/people`: whom one may talk to, on a real server. What is found is tested in test_people.py."""

import pytest

from support.moqui import playing_moqui
from support.queries import counted_queries
from support.server import merged, running_server, users

TABLES = {"plugins": {"disabled": ["order_list"]}}
BOB = {
    "user_id": "u-bob",
    "name": "Bob Prins",
    "first_name": "Bob",
    "last_name": "Prins",
    "email": "bob@shop.example",
    "company": "",
    "online": False,
}


@pytest.fixture
async def site():
    async with running_server(TABLES) as running:
        yield running


async def find(site, query="", name="ann"):
    answer = await site.fetch("GET", f"/people?{query}", name=name)
    assert answer.code == 200
    return answer.json


def names(page):
    return [person["user_id"].removeprefix("u-") for person in page["people"]]


async def test_people_of_ones_own_company_without_oneself(site):
    assert names(await find(site)) == ["admin", "bob", "carl", "dora"]
    assert await find(site, "search=PRI") == {"people": [BOB], "more": False}
    assert names(await find(site, "search=maas")) == []
    assert names(await find(site, "search=maas", "bob")) == ["ann"]
    assert (await site.fetch("GET", "/people")).code == 401


async def test_nobody_of_another_company(site):
    assert names(await find(site, "search=zee")) == []
    assert names(await find(site, "ids=u-zoe,u-bob")) == ["bob"]
    assert names(await find(site, "", "zoe")) == []
    assert names(await find(site, "ids=u-zoe,u-bob,u-ann", "zoe")) == ["zoe"]


async def test_nobody_for_who_is_in_no_company():
    alone = [{**each, "tenant": None} if each["user_id"] == "u-ann" else each for each in users()]
    async with running_server(merged(TABLES, {"users": alone})) as site:
        assert names(await find(site)) == names(await find(site, "ids=u-bob,u-ann")) == []
        assert names(await find(site, "ids=u-ann", "bob")) == []


async def test_who_is_disabled_keeps_a_name_and_is_not_found(site):
    await site.server.accounts.disable("u-bob")
    assert names(await find(site)) == ["admin", "carl", "dora"]
    assert await find(site, "ids=u-bob") == {"people": [BOB], "more": False}


async def test_by_ids_in_their_order_and_by_one_query(site):
    assert names(await find(site, "ids=u-dora,nobody,u-ann,u-dora,,%00")) == ["dora", "ann"]
    many = ",".join([*(f"u{number}" for number in range(99)), "u-bob", "u-carl"])
    with counted_queries() as queries:
        assert names(await find(site, f"ids={many}")) == ["bob"]
    assert len(queries.of("SELECT")) == 1


async def test_page_by_page(site):
    found, start, more = [], 0, True
    while more:
        page = await find(site, f"limit=2&start={start}")
        assert len(page["people"]) <= 2
        found, start, more = found + names(page), start + 2, page["more"]
    assert (found, start) == (["admin", "bob", "carl", "dora"], 6)
    assert [(await find(site, f"limit={each}"))["more"] for each in (4, 5)] == [True, False]
    assert await find(site, "start=1000") == {"people": [], "more": False}


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "start=-1", "limit=x", "search=%ff"])
async def test_what_is_no_question(site, query):
    answer = await site.fetch("GET", f"/people?{query}", name="ann")
    assert (answer.code, answer.json["error"]["code"]) == (400, "bad_request")


async def test_who_has_a_socket_open_is_online(site):
    async with site.connect("bob"), site.connect("zoe"):
        page = await find(site)
        assert [each["online"] for each in page["people"]] == [False, True, False, False]


async def test_people_whom_a_moqui_knows():
    async with playing_moqui() as moqui:
        for number, first in ((1, "Ann"), (2, "Bea")):
            login = f"{first}@moqui.example"
            moqui.person(f"10000{number}", "100010", login, firstName=first, lastName=f"M{number}")
        auth = {"backends": ["growerp"], "growerp": {"url": moqui.url}}
        async with running_server(merged(TABLES, {"auth": auth})) as site:
            key = {"api_key": moqui.key("100001", "k" * 40)}
            for query in ("search=bea", "ids=100002"):
                page = (await site.fetch("GET", f"/people?{query}", headers=key)).json
                (bea,) = page["people"]
                assert (bea["user_id"], bea["name"]) == ("100002", "Bea M2")
                assert (bea["company"], bea["online"]) == ("Maas Shop", False)
