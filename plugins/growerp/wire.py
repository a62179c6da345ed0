"""How GrowERP writes things: times, ids, errors, what is left out, what is wrapped.

Sources: growerp-contract sections 2.2, 3.1, 3.4 and 3.5.
"""

import functools
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

BASE = "/rest/s1/growerp/100"
APPLICATION = "AppAdmin"  # where a front-end does not say which it is
USER_GROUPS = ("GROWERP_M_SYSTEM", "GROWERP_M_ADMIN", "GROWERP_M_EMPLOYEE", "GROWERP_M_OTHER")
ADMIN, EMPLOYEE, OTHER = USER_GROUPS[1:]
ROLE = "OrgInternal"


def date_time(at: int) -> str:
    """Milliseconds since 1970 as `yyyy-MM-dd HH:mm:ss`, UTC; a date alone would not be read."""
    return _date_time(at // 1000)


@functools.lru_cache(1024)
def _date_time(second: int) -> str:
    """Written once for all messages of a second."""
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%S}"


def sent_date(at: int) -> str:
    """As Groovy's JsonOutput writes it: `yyyy-MM-dd'T'HH:mm:ss+0000`."""
    return f"{_moment(at):%Y-%m-%dT%H:%M:%S}+0000"


def day(at: int) -> str:
    """`yyyy-MM-dd`, as the list of notifications has it."""
    return f"{_moment(at):%Y-%m-%d}"


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)


def tidy(body: Mapping[str, Any]) -> dict[str, Any]:
    """An answer as Moqui gives it: nulls at the top and in the maps of a list at the top are left
    out, deeper ones stay."""
    return {
        name: [_without_nulls(item) for item in value] if isinstance(value, list) else value
        for name, value in body.items()
        if value is not None
    }


def _without_nulls(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    return {name: value for name, value in item.items() if value is not None}


def encoded(frame: Mapping[str, Any]) -> bytes:
    """The payload of a text frame."""
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode()


def unwrapped(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """What stands under `name`, or the object itself: front-ends send both."""
    inner = body.get(name)
    return inner if isinstance(inner, Mapping) else body


def text_of(table: Mapping[str, Any], name: str) -> str | None:
    """A text that is not blank; None for anything else."""
    value = table.get(name)
    return value if isinstance(value, str) and value.strip() else None


def room_id_of(message: Mapping[str, Any]) -> str | None:
    """`chatRoom.chatRoomId`, or nothing."""
    room = message.get("chatRoom")
    return text_of(room, "chatRoomId") if isinstance(room, Mapping) else None
