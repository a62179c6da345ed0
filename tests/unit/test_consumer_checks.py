"""What can be no consumer stops the start, with plugin, file and line."""

import functools

import pytest

from tornado_chat import Consumer, SetupError
from tornado_chat.consumers import Consumers


async def handle(message):
    """Takes a message."""


def write(tx, message):
    """Takes a message."""


class Mailer:
    async def __call__(self, message):
        """Takes a message."""

    async def send(self, message):
        """Takes a message."""


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"name": ""}, "consumer '': no name"),
        ({"name": 7}, "consumer 7: no name"),
        ({"name": "a.b"}, "consumer 'a.b': no name: letters, digits and underscores"),
        ({"name": "a" * 65}, "longer than 64 characters"),
        ({}, "consumer 'mail': give handle, write, or both"),
        ({"handle": write}, "handle must be an async function"),
        ({"handle": "send"}, "handle must be an async function"),
        ({"write": handle}, "write must be a function that is not async"),
        ({"write": 7}, "write must be a function that is not async"),
        ({"write": write, "kinds": "room"}, "kinds must be a list of kinds of topic"),
        ({"write": write, "kinds": []}, "kinds must be a list of kinds of topic"),
        ({"write": write, "kinds": [7]}, "kinds must be a list of kinds of topic"),
        ({"write": write, "start": "end"}, 'start must be "now" or "start"'),
    ],
)
def test_what_can_be_no_consumer(given, text):
    with pytest.raises(SetupError) as caught:
        Consumer(**{"name": "mail", **given})
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [handle, Mailer(), Mailer().send, functools.partial(handle)],
    ids=["function", "object", "method", "partial"],
)
def test_whatever_is_async_may_handle(given):
    assert Consumer("mail", given).handle is given


def refusal(plugin_file, load_plugins, text):
    path = plugin_file("mail", text)
    with pytest.raises(SetupError) as caught:
        Consumers(load_plugins().call_each("register_consumers", server=None), None, ())
    return path, str(caught.value)


def test_a_faulty_consumer_is_told_with_its_line(plugin_file, load_plugins):
    text = "@hookimpl\ndef register_consumers(server, config):\n    return [\n        Consumer('mail')]\n"
    path, error = refusal(plugin_file, load_plugins, text)
    assert error == (
        "plugin 'mail' failed in register_consumers: consumer 'mail': give handle, write, or both "
        f"({path}:6)"
    )


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("['mail']", "gave 'mail', expected Consumers"),
        ("[Consumer]", "gave <class 'tornado_chat.consumers.Consumer'>, expected Consumers"),
        (
            "[Consumer('mail', write=print), Consumer('mail', write=print)]",
            "gave two consumers of the name 'mail'",
        ),
    ],
)
def test_what_is_none_and_a_name_twice_are_told_with_the_hooks_line(
    plugin_file, load_plugins, given, text
):
    hook = f"@hookimpl\ndef register_consumers(server):\n    return {given}\n"
    path, error = refusal(plugin_file, load_plugins, hook)
    assert error == f"plugin 'mail' failed in register_consumers: {text} ({path}:3)"


def test_one_consumer_without_its_list(plugin_file, load_plugins):
    hook = "@hookimpl\ndef register_consumers():\n    return Consumer('mail', write=print)\n"
    _path, error = refusal(plugin_file, load_plugins, hook)
    assert "failed in register_consumers: gave Consumer, expected a list" in error


def test_two_plugins_may_use_one_name(plugin_file, load_plugins):
    hook = "@hookimpl\ndef register_consumers():\n    return [Consumer('mail', write=print)]\n"
    plugin_file("first", hook)
    plugin_file("second", hook)
    consumers = Consumers(load_plugins().call_each("register_consumers"), None, ())
    assert [each.name for each in consumers.runners] == ["first.mail", "second.mail"]


def test_a_kind_that_nobody_has_is_warned_of(plugin_file, load_plugins, caplog):
    plugin_file(
        "mail",
        "@hookimpl\ndef register_consumers():\n"
        "    return [Consumer('mail', write=print, kinds=['rooms', ''])]\n",
    )
    Consumers(load_plugins().call_each("register_consumers"), None, ["room", ""])
    [record] = caplog.records
    assert record.getMessage() == (
        "plugin 'mail' consumer mail: no plugin has topics of the kind 'rooms', "
        "did you mean 'room'?"
    )
