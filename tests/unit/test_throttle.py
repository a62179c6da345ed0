import pytest

from support.accounts import Clock
from tornado_chat.accounts import throttle
from tornado_chat.accounts.throttle import Buckets, Throttle, network
from tornado_chat.errors import RateLimited


@pytest.fixture
def clock():
    return Clock()


def test_as_many_as_a_minute_brings_and_then_one_after_the_other(clock):
    buckets = Buckets(6, clock)
    assert [buckets.take("a") for _ in range(6)] == [0.0] * 6
    assert buckets.take("a") == pytest.approx(10)
    clock.forward(10.01)
    assert buckets.take("a") == 0.0
    assert buckets.take("a") > 0


def test_each_name_has_its_own(clock):
    buckets = Buckets(1, clock)
    assert buckets.take("a") == 0.0 and buckets.take("b") == 0.0 and buckets.take("a") > 0


def test_given_back_it_can_be_taken_again_but_never_more_than_full(clock):
    buckets = Buckets(1, clock)
    buckets.take("a")
    buckets.give_back("a")
    buckets.give_back("a")
    assert buckets.take("a") == 0.0 and buckets.take("a") > 0


def test_a_clock_that_goes_back_takes_nothing_away(clock):
    buckets = Buckets(2, clock)
    buckets.take("a")
    clock.forward(-1000)
    assert buckets.take("a") == 0.0


def test_zero_is_no_limit(clock):
    door = Throttle(0, clock)
    for _ in range(1000):
        door.key("192.0.2.1")
        door.login("192.0.2.1", "ann")


def test_the_table_is_bounded(clock, monkeypatch):
    monkeypatch.setattr(throttle, "TABLE_SIZE", 100)
    buckets = Buckets(10, clock)
    for number in range(1000):
        buckets.take(str(number))
    assert len(buckets) == 100


def test_an_address_has_one_bucket_for_keys_and_passwords(clock):
    door = Throttle(2, clock)
    door.key("192.0.2.1")
    door.login("192.0.2.1", "ann")
    with pytest.raises(RateLimited) as caught:
        door.key("192.0.2.1")
    assert caught.value.retry_after == pytest.approx(30)
    door.key("192.0.2.2")


def test_an_account_is_guarded_against_many_addresses_too(clock):
    door = Throttle(2, clock)
    for number in range(10):
        door.login(f"192.0.2.{number}", "ann")
    with pytest.raises(RateLimited):
        door.login("192.0.2.100", "ann")
    door.login("192.0.2.100", "bob")
    door.login("192.0.2.100", "carl")  # what was refused above cost this address nothing


def test_undone_it_has_cost_nothing(clock):
    door = Throttle(1, clock)
    for _ in range(50):
        door.login("192.0.2.1", "ann").undo()
    door.login("192.0.2.1", "ann")
    with pytest.raises(RateLimited):
        door.login("192.0.2.1", "ann")


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("", ""),
        ("unix socket", "unix socket"),
        ("x" * 1000, "x" * 255),
    ],
)
def test_whose_bucket_it_is(address, whose):
    assert network(address) == whose
