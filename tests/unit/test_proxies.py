"""Behind a web server: whose address counts."""

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from tornado_chat.web.proxies import Proxies


START = RequestStartLine("GET", "/", "HTTP/1.1")


class Connection:
    class context:  # noqa: N801 - as Tornado calls it
        protocol = "http"
        remote_ip = ""

    def set_close_callback(self, callback):
        pass


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "1.2.3.4, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "1.2.3.4, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("198.51.100.1", "203.0.113.9", "198.51.100.1"),
        ("127.0.0.1", "not an address", "127.0.0.1"),
        ("::1", "2001:db8::5", "2001:db8::5"),
    ],
)
def test_only_what_trusted_hops_say_counts(peer, forwarded, address):
    headers = HTTPHeaders({"X-Forwarded-For": forwarded} if forwarded else {})
    request = HTTPServerRequest(start_line=START, headers=headers, connection=Connection())
    request.remote_ip = peer
    assert Proxies(["127.0.0.1", "::1", "10.0.0.0/8"]).address(request) == address
