"""Who exists, on a real SQLite file; people of a Moqui are in test_growerp_backend.py."""

import pytest

from support.accounts import Clock, open_accounts, user
from support.queries import counted_queries
from tornado_chat.messages import Identity

ANN = Identity("ann", "SHOP", "Ann Maas")
PEOPLE = [
    user("ann", first_name="Ann", last_name="Maas", email="ann@shop.example"),
    user("bob", first_name="Bob", last_name="Prins", email="bob@mail.example"),
    user("zoe", first_name="Zo\u00eb", last_name="\u00c5berg"),
    user("eve", tenant="OTHER", first_name="Eve", last_name="Maas"),
    user("nil", tenant=None, first_name="Nil", last_name="Maas"),
]


def ids(people):
    return [person.user_id for person in people]


@pytest.fixture
async def accounts(tmp_path):
    async with open_accounts(tmp_path, PEOPLE) as opened:
        await opened.create(
            "SHOP",
            "carl",
            pseudo_id="X77",
            first_name="Carl",
            last_name="Maas",
            party_id="P3",
            groups=["ADMIN"],
            extra={"company": {"partyId": "C1", "name": "100%_Sure"}},
        )
        yield opened


async def test_people_by_id(accounts):
    found = await accounts.people.get(ANN, ["carl", "bob", "carl", "never"])
    assert sorted(found) == ["bob", "carl"]
    assert await accounts.people.get(ANN, ["", "\0", "\ud800", "x" * 10_000]) == {}
    carl = found["carl"]
    assert (carl.full_name, carl.party_id, carl.pseudo_id) == ("Carl Maas", "P3", "X77")
    assert (carl.company, carl.groups, carl.disabled) == ("100%_Sure", {"ADMIN"}, False)


async def test_only_those_of_the_tenant(accounts):
    assert await accounts.people.get(ANN, ["eve", "nil"]) == {}
    nobody = Identity("nil", None, "Nil")
    assert await accounts.people.get(nobody, ["nil", "ann"]) == {}
    assert await accounts.people.search(nobody, "") == []
    eve = Identity("eve", "OTHER", "Eve")
    assert ids(await accounts.people.search(eve, "maas")) == ["eve"]
    assert sorted(await accounts.people.get(eve, ["ann", "eve"])) == ["eve"]


async def test_whoever_was_disabled_has_a_name_and_is_not_found(accounts):
    await accounts.people.get(ANN, ["bob"])
    await accounts.disable("bob")
    assert (await accounts.people.get(ANN, ["bob"]))["bob"].disabled
    assert await accounts.people.search(ANN, "bob") == []
    await accounts.enable("bob")
    assert not (await accounts.people.get(ANN, ["bob"]))["bob"].disabled


async def test_any_number_of_ids_is_one_query_and_then_none(tmp_path):
    users = [user(f"u{n}") for n in range(5000)]
    async with open_accounts(tmp_path, users) as accounts:
        wanted = [*(each.user_id for each in users), *(f"never-{n}" for n in range(100))]
        with counted_queries() as queries:
            assert len(await accounts.people.get(ANN, wanted)) == 5000
            assert len(queries.all) == 1
            assert len(await accounts.people.get(ANN, wanted)) == 5000
            assert len(queries.all) == 1


async def test_somebody_new_is_seen_though_he_was_asked_for_before(tmp_path):
    clock = Clock()
    async with open_accounts(tmp_path, PEOPLE, clock=clock) as accounts:
        assert await accounts.people.get(ANN, ["dora"]) == {}
        await accounts.create("SHOP", "dora", full_name="Dora")
        assert (await accounts.people.get(ANN, ["dora"]))["dora"].full_name == "Dora"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["carl", "ann", "bob", "zoe"]),
        ("  ", ["carl", "ann", "bob", "zoe"]),
        ("MAAS", ["carl", "ann"]),
        ("\u00e5BERG", ["zoe"]),
        ("zo\u00cb", ["zoe"]),
        ("x7", ["carl"]),
        ("sure", ["carl"]),
        ("100%_s", ["carl"]),
        ("%", ["carl"]),
        ("_", ["carl"]),
        ("\\", []),
        ("shop.example", ["ann"]),
        ("s\tb", []),  # no text goes over the edge of a field
        ("\x00", ["carl", "ann", "bob", "zoe"]),
        ("nobody", []),
        ("'; DROP TABLE account", []),
    ],
)
async def test_e6_search_is_contains_in_any_case(accounts, text, found):
    assert sorted(ids(await accounts.people.search(ANN, text))) == sorted(found)


async def test_by_a_whole_name_and_where_there_is_no_other(accounts):
    await accounts.create("SHOP", "till", full_name="The Till")
    assert ids(await accounts.people.search(ANN, "carl maas")) == ["carl"]
    assert ids(await accounts.people.search(ANN, "the t")) == ["till"]


async def test_in_the_order_of_last_name_first_name_company(accounts):
    await accounts.create(
        "SHOP", "ann2", first_name="ANN", last_name="maas", extra={"company": {"name": "Aa"}}
    )
    assert ids(await accounts.people.search(ANN, "")) == ["ann", "ann2", "carl", "bob", "zoe"]


async def test_search_by_the_page(accounts):
    everybody = ids(await accounts.people.search(ANN, ""))
    pages = [ids(await accounts.people.search(ANN, "", start, 2)) for start in range(0, 6, 2)]
    assert [each for page in pages for each in page] == everybody
    assert ids(await accounts.people.search(ANN, "", -5, 1)) == everybody[:1]
    assert await accounts.people.search(ANN, "", 0, 0) == []
    assert await accounts.people.search(ANN, "", 0, -1) == []
    assert await accounts.people.search(ANN, "", 10**9, 10**9) == []


async def test_a_search_is_one_query(accounts):
    with counted_queries() as queries:
        await accounts.people.search(ANN, "a", 0, 1000)
    assert len(queries.all) == 1
