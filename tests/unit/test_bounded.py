from support.accounts import Clock
from tornado_chat.accounts.bounded import Bounded


def test_forgets_by_time():
    clock = Clock()
    table = Bounded(10, 60, clock)
    table.put("a", 1)
    clock.forward(59)
    assert table.get("a") == 1
    clock.forward(2)
    assert table.get("a") is None and len(table) == 0


def test_forgets_the_longest_unused():
    table = Bounded(2, 60, Clock())
    table.put("a", 1)
    table.put("b", 2)
    table.get("a")
    table.put("c", 3)
    assert (table.get("a"), table.get("b"), table.get("c")) == (1, None, 3)
    assert len(table) == 2


def test_forgets_what_it_is_told():
    table = Bounded(10, 60, Clock())
    for number in range(5):
        table.put(number, number)
    table.drop(0)
    table.drop("never there")
    table.drop_where(lambda value: value > 2)
    assert list(table.values()) == [1, 2]
    table.clear()
    assert not len(table)
