"""What a notification holds: templates, defaults of the topic, and whom it is addressed to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado_chat_plugins.notifications import content, templates

from tornado_chat import EVERYONE, Audience, BadRequest
from tornado_chat.config import build


def topic(**settings):
    return build({"topics": {"OrderUpdate": settings}}).topics["OrderUpdate"]


@pytest.mark.parametrize(
    ("template", "message", "expected"),
    [
        ("Order ${orderId} ${status}", {"orderId": "7", "status": "new"}, "Order 7 new"),
        ("${a.b.c}", {"a": {"b": {"c": 3}}}, "3"),
        ("${a.b}", {"a.b": "flat", "a": {"b": "deep"}}, "flat"),
        ("${ a }", {"a": "x"}, "x"),
        ("[${gone}] [${a.gone}] [${a.b.gone}]", {"a": {"b": "text"}}, "[] [] []"),
        ("${yes} ${no} ${none} ${list}", {"yes": True, "no": False, "none": None, "list": [1]},
         "true false  "),
        ("${n} ${f}", {"n": 0, "f": 1.5}, "0 1.5"),
        ("${a}", {"a": "${b}", "b": "never"}, "${b}"),  # what a field holds is no template
        ("{a} %(a)s $a $${a}", {"a": "x"}, "{a} %(a)s $a $x"),
        ("${}${", {}, "${}${"),
    ],
)  # fmt: skip
def test_fields_are_filled_in(template, message, expected):
    assert templates.expand(template, message) == expected


@pytest.mark.parametrize("path", ["__class__", "m.__class__", "m.keys", "m.__init__.__globals__"])
def test_a_template_reaches_no_attributes(path):
    assert templates.expand("${" + path + "}", {"m": {"keys2": 1}}) == ""


@given(st.text(max_size=60), st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=4))
def test_no_template_fails(template, message):
    templates.title(template, message)
    found = templates.link(template, message)
    assert found is None or templates.is_link(found)


def test_a_title_is_one_line_of_some_length():
    assert templates.title("a\n\t b ${c}", {"c": "x\ny"}) == "a b x y"
    assert len(templates.title("${c}", {"c": "x" * 9999})) == templates.TITLE_MAX
    assert templates.title("${c}", {}) is None
    assert templates.title(None, {}) is None


def test_a_field_that_is_said_often_does_not_grow():
    message = {"a": "x" * 60_000}
    assert len(templates.expand("${a}" * 400, message)) < 1_000_000
    assert templates.link("${a}", {"a": "/" + "x" * 60_000}) is None
    assert len(templates.link("/${a}", {"a": "x" * 1999})) == 2000


SAFE = ["https://shop.example/a?b=c#d", "HTTP://shop.example", "/orders/7", "/", "/a//b"]
UNSAFE = [
    "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "javascript:alert(1)",
    "JaVaScRiPt:alert(1)", " javascript:alert(1)", "data:text/html,x", "https:evil", "https://",
    "https:///x", "ftp://x/", "orders/7", "", "/a b", "/a\nb", "https://a\\b", "mailto:a@b.example",
]  # fmt: skip


@pytest.mark.parametrize("link", SAFE)
def test_a_link_is_http_or_a_path(link):
    assert templates.link(link, {}) == link
    assert content.complete(None, {}, link=link)["link"] == link


@pytest.mark.parametrize("link", UNSAFE)
def test_what_is_no_link_is_refused_or_dropped(link):
    """Said in full by the sender it is refused; where it came of a field it is left out."""
    assert templates.link("${to}", {"to": link}) is None
    assert content.complete(topic(link="${to}"), {"to": link})["link"] is None
    if link:
        with pytest.raises(BadRequest, match="link"):
            content.complete(None, {}, link=link)


@pytest.mark.parametrize("value", ["/evil.example", "\\evil.example", "\t/evil"])
def test_a_field_cannot_turn_a_path_into_another_site(value):
    assert content.complete(topic(link="/${to}"), {"to": value})["link"] is None


@pytest.mark.parametrize("link", ["//${x}", "x${y}", "javascript:${x}"])
def test_a_template_that_leads_nowhere_good_is_refused(link):
    with pytest.raises(BadRequest, match="link: neither http"):
        content.complete(None, {"x": "1"}, link=link)


def test_what_the_sender_leaves_out_is_as_the_topic_says():
    settings = topic(
        description="Order changes",
        title="Order ${orderId} ${status}",
        error_title="Order ${orderId} failed",
        link="/orders/${orderId}",
        type="success",
        show_alert=True,
        alert_no_auto_hide=True,
        persist=True,
    )
    message = {"orderId": "7", "status": "new"}
    assert content.complete(settings, message) == {
        "message": message,
        "sub_topic": None,
        "title": "Order 7 new",
        "link": "/orders/7",
        "type": "success",
        "show_alert": True,
        "alert_no_auto_hide": True,
        "persist": True,
        "topic_description": "Order changes",
    }


def test_the_sender_wins_over_the_topic():
    settings = topic(title="a", link="/a", type="success", show_alert=True, persist=True)
    said = {
        "title": "${x} b",
        "link": "/b/${x}",
        "type": "warning",
        "show_alert": False,
        "alert_no_auto_hide": True,
        "persist": False,
        "sub_topic": "part",
    }
    found = content.complete(settings, {"x": 1}, **said)
    assert {name: found[name] for name in said} == {**said, "title": "1 b", "link": "/b/1"}


def test_danger_has_a_title_of_its_own():
    settings = topic(title="fine ${x}", error_title="bad ${x}")
    assert content.complete(settings, {"x": 1}, type="danger")["title"] == "bad 1"
    assert content.complete(settings, {"x": 1}, type="warning")["title"] == "fine 1"
    assert content.complete(topic(title="fine"), {}, type="danger")["title"] == "fine"
    assert content.complete(settings, {"x": 1}, type="danger", title="mine")["title"] == "mine"


def test_a_topic_of_which_nothing_is_said():
    assert content.complete(None, {"a": 1}) == {
        "message": {"a": 1},
        "sub_topic": None,
        "title": None,
        "link": None,
        "type": "info",
        "show_alert": False,
        "alert_no_auto_hide": False,
        "persist": False,
        "topic_description": None,
    }


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"type": "error"}, "type"),
        ({"type": 5}, "type"),
        ({"title": 5}, "title"),
        ({"title": "x" * 2001}, "title"),
        ({"link": ["/x"]}, "link"),
        ({"persist": "Y"}, "persist"),
        ({"show_alert": 1}, "show_alert"),
        ({"sub_topic": "x" * 129}, "sub_topic"),
        ({"sub_topic": {}}, "sub_topic"),
    ],
)
def test_what_cannot_be_meant_is_refused(said, field):
    with pytest.raises(BadRequest, match=field):
        content.complete(None, {}, **said)


@pytest.mark.parametrize("message", ["text", None, ["x"], 5])
def test_a_message_is_an_object(message):
    with pytest.raises(BadRequest, match="message: not an object"):
        content.check_message(message)


@pytest.mark.parametrize("name", ["OrderUpdate", "a", "two words", "x" * 128, "über", "all"])
def test_plain_names(name):
    assert content.check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", " ", " a", "a ", "a,b", "room:1", "a:b", "ALL", "a\nb", "x" * 129, None, 5, "a\x1f"],
)
def test_what_is_no_plain_name(name):
    with pytest.raises(BadRequest, match="topic"):
        content.check_name(name)


def test_audiences():
    assert content.audience_of(None, None) == EVERYONE
    assert content.audience_of(None, "ALL_USERS") == EVERYONE
    assert content.audience_of(["a"], "ALL_USERS") == EVERYONE
    assert content.audience_of(["a", "b", "a"], None) == Audience(users=frozenset("ab"))
    assert content.audience_of(None, "G") == Audience(groups=frozenset("G"))
    assert content.audience_of(("a",), "G") == Audience(groups=frozenset("G"), users=frozenset("a"))
    assert content.audience_of([], "G") == Audience(groups=frozenset("G"))


@pytest.mark.parametrize(
    ("users", "group"),
    [
        ([], None),  # somebody who computed nobody must not reach all
        ("u-ann", None),
        ([""], None),
        (["a\nt"], None),  # would be read as the whole tenant
        (["a\x1fb"], None),
        ([5], None),
        (["x" * 65], None),
        (None, "g\nt"),
        (None, 5),
        (map(str, range(10_001)), None),
    ],
)
def test_addresses_that_are_none(users, group):
    with pytest.raises(BadRequest, match=r"users|group"):
        content.audience_of(users, group)
