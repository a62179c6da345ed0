"""Titles and links out of templates: `${field}` stands for a field of the message.

Replaced by a regular expression and never by `format`, which would hand out attributes of objects
(design section 5 rule 12). What a field holds is not looked at for further fields.
"""

import re
from collections.abc import Mapping
from typing import Any

FIELD = re.compile(r"\$\{\s*([^{}\s]{1,128})\s*\}")
TEMPLATE_MAX = 2000  # characters
TITLE_MAX = 500
LINK_MAX = 2000
# http(s) with a host, or a path with exactly one slash first. Browsers read a backslash as a slash
# and pass over tabs and ends of line, so `/\host` and `/<tab>/host` lead to another site too.
SAFE_LINK = re.compile(r"(?:https?://[^/\s\\]|/(?![/\\]))[^\s\\\x00-\x1f\x7f]*", re.IGNORECASE)
LINK_TEMPLATE = re.compile(r"https?://|/(?![/\\])|\$\{", re.IGNORECASE)


def expand(template: str, message: Mapping[str, Any]) -> str:
    """The template with its fields filled in; dots lead into objects, what is missing is empty."""
    return FIELD.sub(lambda found: _text(_field(message, found[1])), template)


def _field(message: Mapping[str, Any], path: str) -> Any:
    if path in message:
        return message[path]
    value: Any = message
    for step in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # cut, so that a template that says one field many times grows no further than it may
    return str(value)[: LINK_MAX + 1] if isinstance(value, str | int | float) else ""


def title(template: str | None, message: Mapping[str, Any]) -> str | None:
    """A title in one line; None where there is no template, or nothing comes of it."""
    text = " ".join(expand(template or "", message).split())
    return text[:TITLE_MAX] or None


def link(template: str | None, message: Mapping[str, Any]) -> str | None:
    """A link that leads where it says; None where there is none, or it would not be one."""
    text = expand(template or "", message).strip()
    return text if len(text) <= LINK_MAX and is_link(text) else None


def is_link(text: str) -> bool:
    """Whether it is http(s), or a path that begins with exactly one slash."""
    return SAFE_LINK.fullmatch(text) is not None


def may_be_link(template: str) -> bool:
    """Whether a link can come of the template: what has no fields must be one already."""
    if FIELD.search(template):
        return LINK_TEMPLATE.match(template) is not None
    return is_link(template)
