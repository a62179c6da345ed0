"""The table of `make bench`: medians, ratios, verdicts, from outcomes that were never measured."""

import json
from typing import ClassVar

import pytest
from click import UsageError

from support.bench import PEERS, base, chosen, loads, results


def entry(name, *values, **more):
    outcomes = [base.Outcome(value, more) for value in values]
    return results.Entry(name, "1.0", outcomes)


class Told(base.PeerLoad):
    """Its outcomes are given to it."""

    def measure(self, entry, bench):
        raise NotImplementedError


class Faster(Told):
    name, title, unit = "faster", "Faster", "things/s"
    against: ClassVar = {"other": 0.9}
    bound = 100.0


class Cheaper(Told):
    name, title, unit, most = "cheaper", "Cheaper", "KiB", False
    against: ClassVar = {"other": 3.0}
    bound = 12.0


class Growing(Told):
    name, title, unit, most = "growing", "Growing", "µs", False
    flat = 1.5
    limits: ClassVar = {"longest_turn_ms": 50.0}


def verdicts(measured):
    return {each.target: (each.met, round(each.reached, 3)) for each in measured.verdicts()}


def test_a_median_is_not_moved_by_one_bad_run():
    assert entry("ours", 100, 1, 110).value == 100
    assert entry("ours", 100, 1, 110).spread == (1, 110)


def test_more_is_better_against_a_peer_and_a_bound():
    measured = results.Measured(Faster(), [entry("ours", 95), entry("other", 100)])
    assert verdicts(measured) == {
        "≥ 0.9 times other": (True, 1.056),
        "≥ 100 things/s": (False, 0.95),
    }


def test_less_is_better_against_a_peer_and_a_bound():
    measured = results.Measured(Cheaper(), [entry("ours", 15), entry("other", 10)])
    assert verdicts(measured) == {"≤ 3 times other": (True, 2.0), "≤ 12 KiB": (False, 0.8)}


def test_a_peer_that_is_missing_has_no_verdict():
    gone = results.Entry("other", missing="no compiler")
    measured = results.Measured(Faster(), [entry("ours", 120), gone])
    assert verdicts(measured) == {"≥ 100 things/s": (True, 1.2)}
    assert "other           skipped: no compiler" in "\n".join(results.lines_of(measured))


def test_without_ours_nothing_is_met():
    gone = results.Entry("ours", missing="did not start")
    measured = results.Measured(Faster(), [gone, entry("other", 120)])
    assert not any(each.target.startswith("≥ 0.9") for each in measured.verdicts())


@pytest.mark.parametrize(("dear", "met"), [(1.5, True), (1.6, False)])
def test_flat_compares_the_dearest_step_with_the_cheapest(dear, met):
    measured = results.Measured(Growing(), [entry("10", 1.0), entry("100", dear)])
    assert verdicts(measured)["flat within 1.5 times"][0] is met


def test_the_worst_turn_of_all_steps_and_runs_counts():
    steps = [entry("10", 1.0, longest_turn_ms=3.0), entry("100", 1.0, longest_turn_ms=60.0)]
    met, reached = verdicts(results.Measured(Growing(), steps))["longest_turn_ms ≤ 50"]
    assert (met, reached) == (False, 0.833)


def test_nothing_may_be_lost_and_nothing_is():
    class Whole(Told):
        name, title, unit, most = "whole", "Whole", "s", False
        limits: ClassVar = {"lost": 0.0}

    kept = results.Measured(Whole(), [entry("killed", 1.0, lost=0)])
    assert "  target lost ≤ 0: met" in list(results.lines_of(kept))
    assert kept.as_json()["targets"][0] == {"target": "lost ≤ 0", "reached": None, "met": True}
    lost = results.Measured(Whole(), [entry("killed", 1.0, lost=1)])
    assert "  target lost ≤ 0: MISSED" in list(results.lines_of(lost))


def test_a_client_that_is_nearly_busy_is_told():
    busy = results.Measured(Faster(), [entry("ours", 95, client_cpu=0.93, server_cpu=1.0)])
    idle = results.Measured(Faster(), [entry("ours", 95, client_cpu=0.3, server_cpu=1.0)])
    assert "client  93% (the client may be the limit)" in "\n".join(results.lines_of(busy))
    assert "may be the limit" not in "\n".join(results.lines_of(idle))


def test_what_was_lost_doubled_or_refused_stands_in_the_row():
    measured = results.Measured(Faster(), [entry("ours", 95, lost=3, errors=1, error="denied")])
    assert "lost 3  errors 1: denied" in "\n".join(results.lines_of(measured))


def test_text_and_json_say_the_same():
    measured = [results.Measured(Faster(), [entry("ours", 95), entry("other", 190)])]
    machine = {"cores": "2"}
    body = json.loads(json.dumps(results.as_json(machine, measured)))
    assert body["machine"] == machine
    [load] = body["loads"]
    assert [each["median"] for each in load["entries"]] == [95, 190]
    assert load["entries"][1]["ratio"] == 0.5
    assert [each["met"] for each in load["targets"]] == [False, False]
    text = results.as_text(machine, measured)
    assert "ours  0.50 times" in text
    assert "0 of 2 targets met" in text


@pytest.mark.parametrize(
    ("value", "shown"), [(123456.7, "123,457"), (99.94, "99.9"), (12.34, "12.3"), (0.4449, "0.44")]
)
def test_a_number_has_three_figures(value, shown):
    assert results.number(value) == shown


def test_only_names_loads_and_peers():
    assert chosen("") == (list(loads.LOADS.values()), None)
    assert chosen("rooms, plain") == ([loads.LOADS["rooms"]], {"ours", "plain"})
    found, peers = chosen("picows")
    assert (len(found), peers) == (len(loads.LOADS), {"ours", "picows"})
    with pytest.raises(UsageError, match="ONLY=rums: neither a load nor a peer"):
        chosen("rums")


def test_each_target_names_a_peer_that_is_measured():
    for load in loads.LOADS.values():
        if isinstance(load, base.PeerLoad):
            assert set(load.against) <= set(load.peers), load.name
            assert set(load.peers) - {"native", "commits"} <= set(PEERS), load.name
