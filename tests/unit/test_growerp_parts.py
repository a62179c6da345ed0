"""Parts of the face that need no server."""

import pytest
from marshmallow import ValidationError
from tornado_chat_plugins.growerp.config import GrowerpSchema
from tornado_chat_plugins.growerp.dialect import FaceDialect
from tornado_chat_plugins.growerp.limits import PerAddress, network
from tornado_chat_plugins.growerp.notws import bounded, names_of
from tornado_chat_plugins.growerp.persons import names_of as person_names
from tornado_chat_plugins.growerp.persons import user_group
from tornado_chat_plugins.growerp.wire import day, tidy

from tornado_chat import RateLimited


def test_names_of_a_command():
    assert names_of(" a ,b\x00, ,c\u00a0") == ["a", "b", "c\u00a0"]
    assert names_of("x" * 129) == []
    full = frozenset(map(str, range(199)))
    assert bounded(full, ["new", "newer"]) - full == {"new"}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_so_many_times_for_each_address():
    clock = Clock()
    limit = PerAddress(2, 60, clock)
    limit.take("10.0.0.1")
    limit.take("10.0.0.1")
    with pytest.raises(RateLimited) as caught:
        limit.take("10.0.0.1")
    assert caught.value.retry_after == 30
    limit.take("10.0.0.2")
    clock.now = 31
    limit.take("10.0.0.1")
    PerAddress(0, 60).take("10.0.0.1")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("", ""),
    ],
)
def test_whose_bucket_it_is(address, expected):
    assert network(address) == expected


def test_close_codes_that_the_wire_knows():
    codes = {ours: FaceDialect.close_codes.get(ours, ours) for ours in (4001, 4008, 4009, 1012)}
    assert codes == {4001: 1008, 4008: 1013, 4009: 1008, 1012: 1012}


def test_names_are_never_missing():
    assert person_names("Ann", "Maas", "x") == ("Ann", "Maas")
    assert person_names("", "Maas", "Ann Maas") == ("Ann", "Maas")
    assert person_names("", "", "ann@shop.example") == ("ann@shop.example", "")


def test_one_group_of_four():
    assert user_group(frozenset({"x", "GROWERP_M_EMPLOYEE", "GROWERP_M_ADMIN"})) == (
        "GROWERP_M_ADMIN"
    )
    assert user_group(frozenset({"x"})) == "GROWERP_M_EMPLOYEE"


def test_nulls_at_the_top_are_left_out():
    body = {"a": None, "b": [{"c": None, "d": {"e": None}}, None], "f": {"g": None}}
    assert tidy(body) == {"b": [{"d": {"e": None}}, None], "f": {"g": None}}


def test_days_are_of_utc():
    assert day(0) == "1970-01-01"


@pytest.mark.parametrize(
    "companies",
    [
        {"A": {"party_id": "X"}, "B": {"party_id": "X"}},
        {"A": {"party_id": "B"}, "B": {}},
        {"A": {"hosts": ["h.example"]}, "B": {"hosts": ["H.example"]}},
    ],
)
def test_two_companies_are_not_known_by_one_id(companies):
    with pytest.raises(ValidationError):
        GrowerpSchema().load({"companies": companies})
