"""Behind a web server: whose address counts."""

import pytest

from tornado_chat.web.proxies import Proxies


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "1.2.3.4, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "1.2.3.4, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("198.51.100.1", "203.0.113.9", "198.51.100.1"),
        ("127.0.0.1", "not an address", "127.0.0.1"),
        ("::1", "2001:db8::5", "2001:db8::5"),
        ("", "203.0.113.9", ""),
    ],
)
def test_only_what_trusted_hops_say_counts(peer, forwarded, address):
    assert Proxies(["127.0.0.1", "::1", "10.0.0.0/8"]).address(peer, forwarded) == address
