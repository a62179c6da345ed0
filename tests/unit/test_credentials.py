"""Which credential a request carries: contract section 1.2, design section 3."""

import base64
from types import SimpleNamespace

import pytest
from tornado.httputil import HTTPHeaders

from tornado_chat.web.credentials import read_credentials


def shown(headers=None, query=None):
    arguments = {name: [value.encode()] for name, value in (query or {}).items()}
    request = SimpleNamespace(
        headers=HTTPHeaders(headers or {}), query_arguments=arguments, remote_ip="192.0.2.1"
    )
    return read_credentials(request)


def basic(text):
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize("name", ["api_key", "apiKey", "login_key", "API_KEY"])
def test_a_key_in_a_header(name):
    assert shown({name: " k1 "}).key == "k1"


@pytest.mark.parametrize("name", ["api_key", "apiKey", "login_key"])
def test_a_key_in_the_query(name):
    assert shown(query={name: "k1"}).key == "k1"


@pytest.mark.parametrize("nothing", ["", " ", "null", "undefined"])
def test_what_careless_clients_send_for_no_key(nothing):
    found = shown({"api_key": nothing, "Authorization": f"Bearer {nothing}"}, {"api_key": nothing})
    assert (found.key, found.username) == (None, None)


def test_the_header_goes_first_then_authorization_then_the_query():
    query = {"api_key": "of-query"}
    assert shown({"api_key": "of-header", "Authorization": "Bearer b"}, query).key == "of-header"
    assert shown({"Authorization": "bearer b"}, query).key == "b"
    assert shown({}, query).key == "of-query"


def test_basic_is_taken_where_it_is_offered():
    found = shown(basic("ann:a:b"))
    assert (found.username, found.password, found.key) == ("ann", "a:b", None)


@pytest.mark.parametrize(
    "value", ["Basic !!", "Basic " + base64.b64encode(b"nocolon").decode(), "Digest x"]
)
def test_a_broken_authorization_is_no_credential(value):
    found = shown({"Authorization": value})
    assert (found.key, found.username) == (None, None)


def test_headers_are_there_for_plugins_and_in_no_repr():
    found = shown({"X-Remote-User": "ann"})
    assert found.headers["x-remote-user"] == "ann"
    assert "ann" not in repr(found)
    assert found.address == "192.0.2.1"
