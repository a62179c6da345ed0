"""Real-time chat and notification server for one box: the names a plugin author uses.

What is listed here, the hooks (docs/reference/hooks.md) and what these names document is public;
anything else may change without a word. The names are looked up when they are first used, so that
`import tornado_chat` costs nothing and the modules of the house may import one another freely;
they never import from here.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tornado_chat.accounts.models import AccountRow as AccountRow
    from tornado_chat.app import Server as Server
    from tornado_chat.cli import server_command as server_command
    from tornado_chat.consumers import Consumer as Consumer
    from tornado_chat.errors import BadRequest as BadRequest
    from tornado_chat.errors import ChatError as ChatError
    from tornado_chat.errors import Conflict as Conflict
    from tornado_chat.errors import Denied as Denied
    from tornado_chat.errors import NotFound as NotFound
    from tornado_chat.errors import RateLimited as RateLimited
    from tornado_chat.errors import SetupError as SetupError
    from tornado_chat.errors import TooLarge as TooLarge
    from tornado_chat.errors import Unauthorized as Unauthorized
    from tornado_chat.errors import Unavailable as Unavailable
    from tornado_chat.hookspecs import hookimpl as hookimpl
    from tornado_chat.messages import EVERYONE as EVERYONE
    from tornado_chat.messages import MEMBERS as MEMBERS
    from tornado_chat.messages import Audience as Audience
    from tornado_chat.messages import Credentials as Credentials
    from tornado_chat.messages import Draft as Draft
    from tornado_chat.messages import Identity as Identity
    from tornado_chat.messages import Message as Message
    from tornado_chat.messages import Posted as Posted
    from tornado_chat.messages import Topic as Topic
    from tornado_chat.messages import offset_of as offset_of
    from tornado_chat.messages import public_id as public_id
    from tornado_chat.session import Session as Session
    from tornado_chat.state import StateProvider as StateProvider
    from tornado_chat.store import ReadTx as ReadTx
    from tornado_chat.store.members import Read as Read
    from tornado_chat.store.members import has_left as has_left
    from tornado_chat.store.members import unread as unread
    from tornado_chat.store.models import MemberRow as MemberRow
    from tornado_chat.store.models import MessageRow as MessageRow
    from tornado_chat.store.models import StoreModel as StoreModel
    from tornado_chat.store.models import TopicRow as TopicRow
    from tornado_chat.store.transaction import Tx as Tx
    from tornado_chat.topics import Action as Action
    from tornado_chat.topics import TopicProvider as TopicProvider
    from tornado_chat.web.api import Frames as Frames
    from tornado_chat.web.api import describe as describe
    from tornado_chat.web.base import PluginHandler as PluginHandler
    from tornado_chat.web.dialect import Dialect as Dialect
    from tornado_chat.web.signatures import Delivery as Delivery
    from tornado_chat.web.signatures import check_secret as check_secret
    from tornado_chat.web.webhook import WebhookHandler as WebhookHandler

_HOMES = {
    "AccountRow": "accounts.models",
    "ReadTx": "store",
    "Read": "store.members",
    "has_left": "store.members",
    "unread": "store.members",
    "MemberRow": "store.models",
    "MessageRow": "store.models",
    "TopicRow": "store.models",
    "BadRequest": "errors",
    "ChatError": "errors",
    "Conflict": "errors",
    "Denied": "errors",
    "NotFound": "errors",
    "RateLimited": "errors",
    "SetupError": "errors",
    "TooLarge": "errors",
    "Unauthorized": "errors",
    "Unavailable": "errors",
    "Server": "app",
    "Consumer": "consumers",
    "server_command": "cli",
    "hookimpl": "hookspecs",
    "EVERYONE": "messages",
    "MEMBERS": "messages",
    "Audience": "messages",
    "Credentials": "messages",
    "Draft": "messages",
    "Identity": "messages",
    "Message": "messages",
    "Posted": "messages",
    "Topic": "messages",
    "offset_of": "messages",
    "public_id": "messages",
    "Session": "session",
    "StateProvider": "state",
    "StoreModel": "store.models",
    "Tx": "store.transaction",
    "Action": "topics",
    "TopicProvider": "topics",
    "Frames": "web.api",
    "describe": "web.api",
    "PluginHandler": "web.base",
    "Dialect": "web.dialect",
    "Delivery": "web.signatures",
    "check_secret": "web.signatures",
    "WebhookHandler": "web.webhook",
}

__all__ = [
    "EVERYONE",
    "MEMBERS",
    "AccountRow",
    "Action",
    "Audience",
    "BadRequest",
    "ChatError",
    "Conflict",
    "Consumer",
    "Credentials",
    "Delivery",
    "Denied",
    "Dialect",
    "Draft",
    "Frames",
    "Identity",
    "MemberRow",
    "Message",
    "MessageRow",
    "NotFound",
    "PluginHandler",
    "Posted",
    "RateLimited",
    "Read",
    "ReadTx",
    "Server",
    "Session",
    "SetupError",
    "StateProvider",
    "StoreModel",
    "TooLarge",
    "Topic",
    "TopicProvider",
    "TopicRow",
    "Tx",
    "Unauthorized",
    "Unavailable",
    "WebhookHandler",
    "check_secret",
    "describe",
    "has_left",
    "hookimpl",
    "offset_of",
    "public_id",
    "server_command",
    "unread",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
