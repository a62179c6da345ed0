"""Lines for people and for programs, and nothing in them that is a secret."""

import io
import json
import logging
import sys
from types import SimpleNamespace

import pytest

from tornado_chat import logs


@pytest.fixture
def heard():
    """What `setup` writes; the loggers are left as they were."""
    root, ours = logging.getLogger(), logging.getLogger("tornado_chat")
    before = root.handlers[:], root.level, ours.level
    stream = io.StringIO()
    yield stream
    root.handlers[:], root.level, ours.level = before
    logging.captureWarnings(False)
    logging.getLogger().manager._clear_cache()


def test_text_line(heard):
    logs.setup("info", "text", heard)
    logs.SESSION.info("opened %s", "ws", extra={"session": "s7", "user": "100021"})
    line = heard.getvalue()
    assert line.endswith("Z INFO session: opened ws session=s7 user=100021\n")
    assert line[10] == "T" and line.count("\n") == 1


def test_json_line(heard):
    logs.setup("info", "json", heard)
    logs.STORE.warning("slow: %d ms", 7, extra={"group": 3, "what": {"a"}})
    line = json.loads(heard.getvalue())
    assert line["time"].endswith("Z")
    del line["time"]
    assert line == {
        "level": "warning",
        "logger": "tornado_chat.store",
        "message": "slow: 7 ms",
        "group": 3,
        "what": "{'a'}",
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_exception_is_told_whole_on_its_line(form, heard):
    logs.setup("info", form, heard)
    try:
        raise ValueError("api_key=hush")
    except ValueError:
        logs.BROKER.exception("failed")
    logs.BROKER.info("here", stack_info=True)
    said = heard.getvalue()
    assert "ValueError: api_key=***" in said and "Stack (most recent call last)" in said
    assert form == "text" or len(said.splitlines()) == 2


def test_level_is_for_our_loggers_and_libraries_are_heard_from_warning_on(heard):
    logs.setup("debug", "text", heard)
    logs.PLUGINS.debug("a")
    logging.getLogger("asyncio").info("b")
    logging.getLogger("tornado.general").warning("c")
    assert [line.rpartition(": ")[2] for line in heard.getvalue().splitlines()] == ["a", "c"]


def test_level_error_quiets_all_else(heard):
    logs.setup("error", "text", heard)
    logs.PLUGINS.warning("a")
    logging.getLogger("tornado.general").warning("b")
    assert heard.getvalue() == ""


def test_last_setup_holds(heard):
    logs.setup("info", "text", heard)
    logs.setup("info", "json", heard)
    logs.BROKER.info("once")
    assert len(heard.getvalue().splitlines()) == 1


def test_stderr_unless_told_otherwise(heard, monkeypatch):
    monkeypatch.setattr(sys, "stderr", heard)
    logs.setup()
    logs.BROKER.info("here")
    assert "here" in heard.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "400 GET /chat?api_key=hush&userId=7 (127.0.0.1)",
        "GET /chat?userId=7&apiKey=hush HTTP/1.1",
        "/x?login_key=hush",
        "/x?authUsername=hush&authPassword=hush",
        "HTTPServerRequest(protocol='http', uri='/ws?API_KEY=hush', version='HTTP/1.1')",
        '{"do": "auth", "key_": 1, "password": "hush"}',
        "{'api_key': 'hush'}",
        "Authorization: Bearer hu.sh-hush",
        "authorization: basic aHVzaDpodXNo",
        "moquiSessionToken: hush",
    ],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_no_credential_in_any_line(text, form, heard):
    logs.setup("info", form, heard)
    logging.getLogger("tornado.general").warning("seen %s", text, extra={"more": text})
    said = heard.getvalue()
    assert "hush" not in said and "aHVzaDpodXNo" not in said and "***" in said
    assert "userId" not in text or "userId=7" in said


def test_scrub_leaves_the_rest_alone():
    text = "in users[0].api_key: missing; key_days = 6, basic things, /rest?start=1&limit=2"
    assert (
        logs.scrub("in plugins.order_list.secret: missing")
        == "in plugins.order_list.secret: missing"
    )
    assert "key_days = 6" in logs.scrub(text) and "start=1&limit=2" in logs.scrub(text)


def request(path):
    return SimpleNamespace(
        method="GET",
        path=path,
        uri=f"{path}?api_key=hush",
        query="api_key=hush",
        remote_ip="10.0.0.1",
        request_time=lambda: 0.0123,
    )


@pytest.mark.parametrize(
    ("path", "status", "level"),
    [
        ("/rest/s1/growerp/100/ChatRoom", 200, "INFO"),
        ("/rest/s1/growerp/100/ChatRoom", 401, "INFO"),
        ("/rest/s1/growerp/100/ChatRoom", 500, "ERROR"),
        ("/health/live", 200, "DEBUG"),
        ("/metrics", 200, "DEBUG"),
        ("/health/ready", 503, "ERROR"),
    ],
)
def test_request_is_logged_by_its_path(path, status, level, heard):
    logs.setup("debug", "text", heard)
    logs.log_request(request(path), status, None)
    said = heard.getvalue()
    assert said.endswith(f" {level} access: GET {path} {status} 12.3 ms 10.0.0.1\n")


def test_request_names_the_person_and_keeps_its_line(heard):
    logs.setup("info", "text", heard)
    logs.log_request(request("/a\nb"), 200, SimpleNamespace(user_id="100021"))
    assert heard.getvalue().endswith("GET /a?b 200 12.3 ms 10.0.0.1 user=100021\n")


def test_upgrade_is_not_a_request(heard):
    logs.setup("debug", "text", heard)
    logs.log_request(request("/chat"), 101, None)
    assert heard.getvalue() == ""


def test_a_request_that_nobody_hears_of_costs_nothing(heard):
    logs.setup("warning", "text", heard)
    logs.log_request(None, 200, None)
    logs.log_request(request("/a"), 500, None)
    assert heard.getvalue().endswith("ERROR access: GET /a 500 12.3 ms 10.0.0.1\n")
