"""Plugins that fail while they filter, veto or authenticate."""

from dataclasses import replace

import pytest

from tornado_chat import (
    Audience,
    Credentials,
    Draft,
    Identity,
    Topic,
    Unavailable,
)

ROOM = Topic("SHOP", "room", "1")

ANN = Identity("100021", "SHOP", "Ann Maas")


DRAFT = Draft(ROOM, {"content": "the text"}, sender="100021")


def test_nobody_filters_nothing(load_plugins):
    plugins = load_plugins()
    assert plugins.filters == plugins.vetoes == plugins.authenticators == ()
    assert plugins.filter(DRAFT) is DRAFT


def test_a_filter_that_crashes_refuses_the_message_and_not_the_next(
    plugin_file, load_plugins, caplog
):
    path = plugin_file(
        "broken",
        """
        @hookimpl
        def filter_message(message):
            int(message.data["content"])
        """,
    )
    plugins = load_plugins()
    for _ in range(3):
        with pytest.raises(Unavailable, match="publish room:1: plugin 'broken' could not check it"):
            plugins.filter(DRAFT)
    assert plugins.filter(replace(DRAFT, data={"content": "7"})).data == {"content": "7"}
    assert plugins.describe()[0]["failures"] == {"filter_message": 3}
    assert caplog.text.count("failed in filter_message") == 1
    assert f"ValueError ({path}:6), 1 so far" in caplog.text
    assert "the text" not in caplog.text


@pytest.mark.parametrize(
    "answer",
    [
        "{}",
        "replace(message, topic=message.topic._replace(tenant='OTHER'))",
        "replace(message, key='k')",
    ],
)
def test_a_filter_may_not_change_where_or_who(plugin_file, load_plugins, caplog, answer):
    plugin_file(
        "odd",
        f"""
        from dataclasses import replace

        @hookimpl
        def filter_message(message):
            return {answer}
        """,
    )
    with pytest.raises(Unavailable):
        load_plugins().filter(DRAFT)


@pytest.mark.parametrize("body", ["raise OSError", "await asyncio.sleep(60)"])
async def test_a_veto_that_fails_or_hangs_lets_nobody_in(plugin_file, load_plugins, caplog, body):
    plugin_file("hours", f"import asyncio\n@hookimpl\nasync def authorize(topic):\n    {body}\n")
    plugins = load_plugins(call_seconds=0.02)
    with pytest.raises(Unavailable, match="subscribe room:1: plugin 'hours' could not check it"):
        await plugins.veto(ANN, "subscribe", ROOM)
    assert plugins.get("hours").failures == {"authorize": 1}


AUTHENTICATE = """
    @hookimpl
    {kind} authenticate(credentials):
        if credentials.key == "{key}":
            return Identity("{name}", "SHOP", "Somebody")
        if credentials.key == "ended":
            raise Unauthorized("over")
        if credentials.key == "crash":
            raise OSError(credentials.key)
        if credentials.key == "odd":
            return "Ann"
"""


async def test_an_authenticator_that_fails_has_no_opinion(plugin_file, load_plugins, caplog):
    plugin_file("a", AUTHENTICATE.format(kind="async def", key="of-a", name="a"))
    plugins = load_plugins()
    for key in ("crash", "odd"):
        with pytest.raises(Unavailable):
            await plugins.authenticate(Credentials(key=key))
    assert await plugins.authenticate(Credentials(key="else")) is None
    assert plugins.get("a").failures == {"authenticate": 2}
    assert "crash" not in caplog.text


def test_credentials_show_no_secret():
    shown = repr(Credentials("k-secret", "ann", "p-secret", headers={"authorization": "h-secret"}))
    assert "secret" not in shown


def test_audience_of_a_filtered_draft_may_change(plugin_file, load_plugins):
    plugin_file(
        "narrow",
        """
        from dataclasses import replace

        @hookimpl
        def filter_message(message):
            return replace(message, audience=Audience(users=frozenset({"1"})))
        """,
    )
    assert load_plugins().filter(DRAFT).audience == Audience(users=frozenset({"1"}))
