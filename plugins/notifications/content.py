"""What a notification holds: what its sender said, completed by `[topics.NAME]`.

No database, no loop. Whatever is wrong raises BadRequest that names the field.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from tornado_chat import EVERYONE, Audience, BadRequest

from . import templates

TYPES = ("info", "success", "warning", "danger")
ALL_USERS = "ALL_USERS"  # Moqui's group of everybody
# No colon, which would be another kind of topic, and nothing that `subscribe: a, b` takes apart.
NAME = re.compile(r"[^\s:,](?:[^:,]{0,126}[^\s:,])?")
ID_MAX = 64  # characters, as the accounts have them
USERS_MAX = 10_000
SUB_TOPIC_MAX = 128


def check_name(name: object) -> str:
    """The name of a notification topic."""
    if not isinstance(name, str) or not NAME.fullmatch(name) or not name.isprintable():
        raise BadRequest("topic: not a plain name of 1 to 128 characters without colon and comma")
    if name == "ALL":
        raise BadRequest("topic: ALL means every topic, it is no name of one")
    return name


def check_message(message: object) -> dict[str, Any]:
    """The message itself: an object, since templates and front-ends look into it."""
    if not isinstance(message, Mapping):
        raise BadRequest("message: not an object")
    return dict(message)


def digest_of(message: Mapping[str, Any], said: Mapping[str, Any], audience: Audience) -> str:
    """By which a retry is told from another notification: what was said and to whom, before the
    configuration completes the one and people's wishes the other."""
    whole = [message, said, audience.text()]
    return hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).hexdigest()


def complete(
    settings: Any,
    message: Mapping[str, Any],
    *,
    sub_topic: str | None = None,
    title: str | None = None,
    link: str | None = None,
    type: str | None = None,  # noqa: A002 - the word of the wire
    show_alert: bool | None = None,
    alert_no_auto_hide: bool | None = None,
    persist: bool | None = None,
) -> dict[str, Any]:
    """The data of the message that goes into the log.

    `settings`: the topic's `[topics.NAME]`, None where there is none. None leaves each of the
    others to them. A title or link of the sender wins over the topic's, which has another title
    for type danger.
    """
    kind = type or (settings.type if settings else TYPES[0])
    if kind not in TYPES:
        raise BadRequest(f"type: not one of {', '.join(TYPES)}")
    if sub_topic is not None and not (
        isinstance(sub_topic, str) and len(sub_topic) <= SUB_TOPIC_MAX
    ):
        raise BadRequest(f"sub_topic: not a text of at most {SUB_TOPIC_MAX} characters")
    _check_template("title", title)
    _check_template("link", link)
    if link and not templates.may_be_link(link):
        raise BadRequest("link: neither http(s) nor a path that begins with one /")
    if settings:
        title = title or (kind == "danger" and settings.error_title) or settings.title
        link = link or settings.link
    return {
        "message": dict(message),
        "sub_topic": sub_topic or None,
        "title": templates.title(title, message),
        "link": templates.link(link, message),
        "type": kind,
        "show_alert": _flag("show_alert", show_alert, settings),
        "alert_no_auto_hide": _flag("alert_no_auto_hide", alert_no_auto_hide, settings),
        "persist": _flag("persist", persist, settings),
        "topic_description": settings.description if settings else None,
    }


def _check_template(name: str, value: object) -> None:
    if value is not None and not isinstance(value, str):
        raise BadRequest(f"{name}: not a text")
    if value and len(value) > templates.TEMPLATE_MAX:
        raise BadRequest(f"{name}: longer than {templates.TEMPLATE_MAX} characters")


def _flag(name: str, value: bool | None, settings: Any) -> bool:
    if value is None:
        return bool(getattr(settings, name)) if settings else False
    if not isinstance(value, bool):
        raise BadRequest(f"{name}: neither true nor false")
    return value


def audience_of(users: Iterable[str] | None, group: str | None) -> Audience:
    """To whom: users and group added to one another; with neither of them the whole tenant."""
    if isinstance(users, str):
        raise BadRequest("users: not a list")
    named = None if users is None else frozenset(_check_id("users", user) for user in users)
    if named is not None and len(named) > USERS_MAX:
        raise BadRequest(f"users: more than {USERS_MAX}")
    group = _check_id("group", group) if group else None
    if group == ALL_USERS or (named is None and group is None):
        return EVERYONE
    if not named and group is None:
        raise BadRequest("users: nobody is named; leave it out to reach the whole tenant")
    return Audience(users=named or frozenset(), groups=frozenset([group] if group else []))


def _check_id(name: str, value: object) -> str:
    # printable: an end of line or a separator in an id would change what the log reads as address
    if not isinstance(value, str) or not 0 < len(value) <= ID_MAX or not value.isprintable():
        raise BadRequest(f"{name}: not an id of 1 to {ID_MAX} characters")
    return value
