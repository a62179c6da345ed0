import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado_chat.accounts.directory import person_in
from tornado_chat.accounts.moqui import named

ANSWER = {  # contract E2, shortened
    "ownerPartyId": "100010",
    "apiKey": "q3J0-Zk_8uTn5wYbM2rLxA7vPdHsEo1fKc9GiN4t",
    "moquiSessionToken": "k8Vb2nQe0xLr5TzW1uYd",
    "user": {
        "partyId": "100012",
        "pseudoId": "3",
        "userId": "100021",
        "firstName": "Ann",
        "lastName": "Maas",
        "fullName": "Ann Maas",
        "loginName": "ann@shop.example",
        "email": "ann@shop.example",
        "userGroupId": "GROWERP_M_ADMIN",
        "language": "nl",
        "company": {"partyId": "100011", "name": "Maas Shop", "role": "OrgInternal"},
    },
}


def answer(user=None, **more):
    about = {**ANSWER, **more}
    about["user"] = {**ANSWER["user"], **(user or {})}
    return {"authenticate": about}


def test_e2_login_names_its_user():
    found = named(answer())
    account = found.account
    assert found.key == ANSWER["apiKey"] and found.key not in repr(found)
    assert (account.user_id, account.tenant, account.full_name) == ("100021", "100010", "Ann Maas")
    assert (account.login_name, account.groups) == ("ann@shop.example", ("GROWERP_M_ADMIN",))
    assert (account.party_id, account.pseudo_id, account.language) == ("100012", "3", "nl")
    assert account.extra["company"] == {"partyId": "100011", "name": "Maas Shop"}
    assert account.extra["userGroupId"] == "GROWERP_M_ADMIN"


def test_the_wrapper_is_optional():
    assert named(answer()["authenticate"]).account.user_id == "100021"


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ({"fullName": None}, "Ann Maas"),
        ({"fullName": "", "firstName": None}, "Maas"),
        ({"fullName": None, "firstName": None, "lastName": None}, "ann@shop.example"),
        ({"fullName": 1, "firstName": 2, "lastName": [], "loginName": None}, "100021"),
    ],
)
def test_a_name_is_never_empty(user, name):
    assert named(answer(user)).account.full_name == name


@pytest.mark.parametrize(
    "nobody",
    [
        {},
        {"authenticate": None},
        {"authenticate": {"moquiSessionToken": "k8Vb2nQe0xLr5TzW1uYd"}},  # E5, the short form
        {"authenticate": {"user": None}},
        answer({"userId": None}),
        answer({"userId": ""}),
        answer({"userId": 100021}),
        answer({"userId": "x" * 65}),
        answer({"userId": "1\x002"}),
        answer(ownerPartyId="\n"),
        answer(loginStatus="passwordChange", apiKey="passwordChange"),
        answer(loginStatus="setupRequired", apiKey="setupRequired"),
        answer(loginStatus="subscriptionExpired", apiKey="subscriptionExpired"),
        answer(loginStatus="registered", apiKey="registered"),
        answer(loginStatus="registered", apiKey=None),
    ],
)
def test_who_is_not_named_is_nobody(nobody):
    assert named(nobody) is None


def test_a_setup_in_progress_has_a_real_key():
    assert named(answer(loginStatus="setupInProgress")).key == ANSWER["apiKey"]


@pytest.mark.parametrize("key", [None, "", 1, "a b", "x\r\ny", "x" * 300])
def test_what_cannot_be_a_key_is_none(key):
    assert named(answer(apiKey=key)).key is None


def test_without_an_owner_there_is_no_tenant():
    assert named(answer(ownerPartyId=None)).account.tenant is None


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from(["authenticate", "user", "userId", "ownerPartyId", "company", "name"]),
            below,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(json.filter(lambda value: isinstance(value, dict)))
def test_whatever_comes_is_somebody_or_nobody(body):
    found = named(body)
    assert found is None or found.account.user_id


@given(json)
def test_whatever_stands_in_a_list_of_people(user):
    found = person_in(user, "SHOP")
    assert found is None or (found.user_id and found.tenant == "SHOP" and found.full_name)


def test_a_person_of_another_owner_is_not_taken():
    assert person_in({"userId": "1", "ownerPartyId": "OTHER"}, "SHOP") is None
    assert person_in({"userId": "1", "ownerPartyId": "SHOP"}, "SHOP").user_id == "1"
    assert person_in({"userId": "1", "loginDisabled": True}, "SHOP") is None
