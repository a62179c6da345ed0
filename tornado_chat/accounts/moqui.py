"""The REST calls to a Moqui with GrowERP: bounded in number, time and size.

Paths and answers: growerp-contract sections 3.4 and 7. An answer is never trusted to be well formed,
a key is never put into an address or a log.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson
from tornado.httpclient import HTTPError, HTTPRequest
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from tornado_chat.accounts.keys import is_key
from tornado_chat.accounts.values import (
    EXPIRED,
    GROWERP,
    NOT_VALID,
    WRONG_PASSWORD,
    Account,
    fits,
)
from tornado_chat.errors import Unauthorized, Unavailable

log = logging.getLogger("tornado_chat.accounts.growerp")

BASE = "/rest/s1/growerp/100/"
APPLICATION = "AppAdmin"
ANSWER_BYTES = 2 * 1024 * 1024
WAITING_MAX = 200  # calls that wait for their turn; more are answered `unavailable`
PAUSE_SECONDS = 1.0  # after a call that nobody answered, the next one waits as long
DEAD = "the server that knows your login does not answer, try again later"


@dataclass(frozen=True, slots=True)
class Answer:
    """Who an answer of Login or Authenticate names, and the key that it gives."""

    account: Account
    key: str | None = field(repr=False)


class Moqui:
    """One Moqui. Calls raise Unauthorized for what it refuses, Unavailable where it does not
    answer, or nothing that can be understood."""

    def __init__(
        self, url: str, timeout_seconds: float, calls_at_once: int, clock: Callable[[], float]
    ) -> None:
        self._url = url.rstrip("/") + BASE
        self._timeout = timeout_seconds
        self._waiting_max = calls_at_once + WAITING_MAX
        self._clock = clock
        self._pause_until = 0.0
        self._is_ill = False
        self._under_way = 0
        self._http = SimpleAsyncHTTPClient(
            force_instance=True,
            max_clients=calls_at_once,
            max_buffer_size=2 * ANSWER_BYTES,
            max_body_size=ANSWER_BYTES,
        )

    def close(self) -> None:
        self._http.close()

    async def authenticate(self, key: str) -> Mapping[str, Any]:
        """The long form: it names the owner of the key. The Moqui makes a new key each time
        (fault B30b of the contract), so a key is asked about in this way once."""
        return self._key_answer(
            await self._call("Authenticate", key, {"applicationId": APPLICATION})
        )

    async def check(self, key: str) -> None:
        """The short form: that the key still lives."""
        self._key_answer(await self._call("Authenticate", key, {"classificationId": "token"}))

    async def login(self, fields: Mapping[str, str]) -> Mapping[str, Any]:
        """The form as a front-end sends it. Raises Unauthorized with our own text, since that of
        a Moqui tells who exists (fault B30)."""
        status, body = await self._call("Login", None, {}, fields)
        if status in {400, 401, 403}:
            self._well()
            raise Unauthorized(WRONG_PASSWORD)
        return self._good(status, body)

    async def users(self, key: str, search: str, start: int, limit: int) -> list[Any]:
        """People of the tenant of the key's owner who can log in, as the partner picker asks."""
        wanted = {"start": str(start), "limit": str(limit)}
        wanted |= {"isForDropDown": "true", "loginOnly": "true"}
        if search:
            wanted["search"] = search
        users = self._key_answer(await self._call("User", key, wanted)).get("users")
        return users if isinstance(users, list) else []

    def _key_answer(self, answer: tuple[int, Any]) -> Mapping[str, Any]:
        status, body = answer
        if status in {401, 403}:
            text = body.get("errors") if isinstance(body, dict) else None
            expired = isinstance(text, str) and text.strip() == EXPIRED
            self._well()
            raise Unauthorized(EXPIRED if expired else NOT_VALID)
        return self._good(status, body)

    def _good(self, status: int, body: Any) -> Mapping[str, Any]:
        if status != 200 or not isinstance(body, dict):
            raise self._ill(f"an answer that cannot be understood, status {status}")
        self._well()
        return body

    async def _call(
        self,
        resource: str,
        key: str | None,
        query: Mapping[str, str],
        form: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        if self._under_way >= self._waiting_max or self._clock() < self._pause_until:
            raise Unavailable(DEAD)
        request = HTTPRequest(
            self._url + resource + (f"?{urlencode(query, errors='replace')}" if query else ""),
            method="GET" if form is None else "POST",
            headers={"Accept": "application/json", **({"api_key": key} if key else {})},
            body=None if form is None else urlencode(form, errors="replace"),
            connect_timeout=self._timeout,
            request_timeout=self._timeout,
            follow_redirects=False,  # the key is for this server alone
            decompress_response=False,  # a small answer could become a huge one
            user_agent="tornado_chat",
        )
        self._under_way += 1
        try:
            response = await self._http.fetch(request, raise_error=False)
        except (HTTPError, OSError, ValueError) as error:
            self._pause_until = self._clock() + PAUSE_SECONDS
            raise self._ill(f"no answer: {error}") from None
        finally:
            self._under_way -= 1
        return response.code, _json(response.body)

    def _ill(self, what: str) -> Unavailable:
        """One line in the log for each illness, not for each call."""
        if not self._is_ill:
            self._is_ill = True
            log.warning("growerp: %s", what)
        return Unavailable(DEAD)

    def _well(self) -> None:
        if self._is_ill:
            self._is_ill = False
            log.warning("growerp: answers again")


def named(answer: Mapping[str, Any]) -> Answer | None:
    """Who an answer of Login or the long form of Authenticate names; None for nobody.

    Nobody: without `user.userId`, or a login that is not finished: `loginStatus` says so, and
    there is no key, or `apiKey` repeats the status. `setupInProgress` comes with a real key.
    """
    inside = answer.get("authenticate", answer)
    user = inside.get("user") if isinstance(inside, dict) else None
    if not isinstance(user, dict):
        return None
    user_id, tenant = text_in(user, "userId", None), text_in(inside, "ownerPartyId", None) or None
    status, key = text_in(inside, "loginStatus", None), text_in(inside, "apiKey", None)
    if (status and key in {"", status}) or not fits(user_id, tenant):
        return None
    company = user.get("company") or inside.get("company")
    first, last, login = (text_in(user, name) for name in ("firstName", "lastName", "loginName"))
    group = text_in(user, "userGroupId")
    extra: dict[str, Any] = {"userGroupId": group} if group else {}
    if isinstance(company, dict):
        extra["company"] = {name: text_in(company, name) for name in ("partyId", "name")}
    account = Account(
        user_id=user_id,
        tenant=tenant,
        full_name=text_in(user, "fullName") or f"{first} {last}".strip() or login or user_id,
        login_name=login,
        first_name=first,
        last_name=last,
        email=text_in(user, "email"),
        groups=(group,) if group else (),
        source=GROWERP,
        party_id=text_in(user, "partyId", 64),
        pseudo_id=text_in(user, "pseudoId", 64),
        language=text_in(user, "language", 32),
        extra=extra,
    )
    return Answer(account, key if is_key(key) else None)


def text_in(table: Mapping[str, Any], name: str, longest: int | None = 255) -> str:
    """Ids and names are strings; whatever else stands there is none. `longest`: a name is cut, an
    id (None) never."""
    value = table.get(name)
    if not isinstance(value, str):
        return ""
    return value if longest is None else "".join(filter(str.isprintable, value))[:longest]


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
