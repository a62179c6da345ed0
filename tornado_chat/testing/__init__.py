"""The test kit for plugins: a real server on a free port, and people who talk to it.

    async with chat_server(plugins=[board]) as chat:
        ann = await chat.connect("ann")

What is listed here is public. The names are looked up when they are first used: pytest imports this
package at its start.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tornado_chat.testing.chat import Chat as Chat
    from tornado_chat.testing.clock import Clock as Clock
    from tornado_chat.testing.contract import RULES as RULES
    from tornado_chat.testing.contract import plugin_contract as plugin_contract
    from tornado_chat.testing.growerp import GrowErp as GrowErp
    from tornado_chat.testing.logs import Logs as Logs
    from tornado_chat.testing.native import Native as Native
    from tornado_chat.testing.people import key_of as key_of
    from tornado_chat.testing.people import password_of as password_of
    from tornado_chat.testing.people import user_id_of as user_id_of
    from tornado_chat.testing.people import users as users
    from tornado_chat.testing.rest import Answer as Answer
    from tornado_chat.testing.rest import Rest as Rest
    from tornado_chat.testing.running import chat_server as chat_server
    from tornado_chat.testing.socket import Socket as Socket
    from tornado_chat.testing.watched import Watched as Watched

_HOMES = {
    "RULES": "contract",
    "plugin_contract": "contract",
    "Chat": "chat",
    "Clock": "clock",
    "GrowErp": "growerp",
    "Logs": "logs",
    "Native": "native",
    "key_of": "people",
    "password_of": "people",
    "user_id_of": "people",
    "users": "people",
    "Answer": "rest",
    "Rest": "rest",
    "chat_server": "running",
    "Socket": "socket",
    "Watched": "watched",
}

__all__ = [
    "RULES",
    "Answer",
    "Chat",
    "Clock",
    "GrowErp",
    "Logs",
    "Native",
    "Rest",
    "Socket",
    "Watched",
    "chat_server",
    "key_of",
    "password_of",
    "plugin_contract",
    "user_id_of",
    "users",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
