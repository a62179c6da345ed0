"""Which keys of a configuration are taken over under way, and that the unit for systemd agrees."""

import re
from pathlib import Path

import pytest

from tornado_chat import leaving
from tornado_chat.config import build
from tornado_chat.reloading import differences, taken_over

UNIT = Path(__file__).parents[2] / "conf" / "tornado-chat.service"
USER = {"user_id": "u-ann", "tenant": "SHOP", "api_key": "key-of-ann-0123456789"}


def changed(before, wanted):
    """(taken over, waits for a restart), as paths."""
    one, other = build(before), build(wanted)
    after = taken_over(one, other)
    return list(differences(one, after)), list(differences(after, other))


@pytest.mark.parametrize(
    ("tables", "path"),
    [
        ({"log": {"level": "debug"}}, "log.level"),
        ({"users": [USER]}, "users"),
        ({"topics": {"OrderUpdate": {"title": "x"}}}, "topics.OrderUpdate"),
        ({"retention": {"days": 3}}, "retention.days"),
        ({"retention": {"room:1": {"days": 3}}}, 'retention."room:1"'),
        ({"delivery": {"pair_seconds": 3}}, "delivery.pair_seconds"),
        ({"delivery": {"settle_seconds": 3}}, "delivery.settle_seconds"),
        ({"server": {"drain_seconds": 3}}, "server.drain_seconds"),
        ({"server": {"allowed_origins": ["http://a.example"]}}, "server.allowed_origins"),
    ],
)
def test_what_is_safe_is_taken_over(tables, path):
    assert changed({}, tables) == ([path], [])


@pytest.mark.parametrize(
    ("tables", "path"),
    [
        ({"server": {"port": 1}}, "server.port"),
        ({"server": {"trusted_proxies": []}}, "server.trusted_proxies"),
        ({"store": {"url": "sqlite:///other.db"}}, "store.url"),
        ({"engine": {"url": "redis://x"}}, "engine.url"),
        ({"auth": {"key_days": 1}}, "auth.key_days"),
        ({"auth": {"growerp": {"timeout_seconds": 1}}}, "auth.growerp.timeout_seconds"),
        ({"limits": {"frame_bytes": 1}}, "limits.frame_bytes"),
        ({"delivery": {"ping_seconds": 3}}, "delivery.ping_seconds"),
        ({"plugins": {"disabled": ["x"]}}, "plugins.disabled"),
        ({"plugins": {"growerp": {"mount": "/g"}}}, "plugins.growerp"),
    ],
)
def test_the_rest_waits_for_a_restart(tables, path):
    assert changed({}, tables) == ([], [path])


def test_a_key_of_a_plugin_is_named_by_its_path():
    one, other = ({"plugins": {"growerp": {"a": 1, "b": {"c": value}}}} for value in (1, 2))
    assert changed(one, other) == ([], ["plugins.growerp.b.c"])


def test_tls_is_renewed_and_does_not_come_or_go():
    first, second = ({"tls_certificate": name, "tls_key": "/k"} for name in ("/a", "/b"))
    assert changed({"server": first}, {"server": second}) == (["server.tls_certificate"], [])
    both = ["server.tls_certificate", "server.tls_key"]
    assert changed({}, {"server": first}) == ([], both)
    assert changed({"server": first}, {}) == ([], both)


def test_the_unit_gives_the_house_the_time_it_needs_and_can_reload_it():
    unit = UNIT.read_text()
    [seconds] = map(float, re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE))
    waits = leaving.ANSWER_SECONDS + leaving.CLOSE_SECONDS + leaving.REQUEST_SECONDS
    assert waits < 15  # what the pages say
    assert seconds >= build({}).server.drain_seconds + 15
    assert "\nExecReload=/bin/kill -HUP $MAINPID\n" in unit
