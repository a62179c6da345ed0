"""Which credential a request carries: the same rules for all sockets and for REST.

Order: header, then `Authorization`, then query. Names after contract section 1.2; `userId` is
compared, never trusted; cookies are no credential.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from tornado.httputil import HTTPHeaders, HTTPServerRequest

from tornado_chat.errors import Denied, Unauthorized
from tornado_chat.messages import Credentials, Identity

NAMES = ("api_key", "apiKey", "login_key")
NOTHING = ("", "null", "undefined")  # what careless clients send for no key


def read_credentials(request: HTTPServerRequest) -> Credentials:
    """What the request shows; without key and name where that is nothing but its headers, by which
    a plugin may know somebody all the same. Basic is taken where a client offers it unasked."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    key, address = key_in(request.headers), request.remote_ip or ""
    if not key:
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            return _basic(Credentials(address=address, headers=headers), value.strip())
        key = _first(_in_query(request, name) for name in NAMES)
    return Credentials(key=key or None, address=address, headers=headers)


def header(headers: HTTPHeaders, name: str) -> str:
    """Its value, empty where it is missing; `HTTPHeaders.get` raises and catches for each that is."""
    return ",".join(headers.get_list(name))


def key_in(headers: HTTPHeaders) -> str | None:
    """The key that the headers show, None for none."""
    key = _first(header(headers, name) for name in NAMES)
    if key is None:
        scheme, _, value = header(headers, "Authorization").partition(" ")
        key = _first([value]) if scheme.lower() == "bearer" else None
    return key


def _in_query(request: HTTPServerRequest, name: str) -> str:
    values = request.query_arguments.get(name)
    return values[0].decode("utf-8", "replace") if values else ""


def _first(values: Iterable[str]) -> str | None:
    return next((found for value in values if (found := value.strip()) not in NOTHING), None)


def _basic(bare: Credentials, value: str) -> Credentials:
    try:
        username, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return bare
    return replace(bare, username=username, password=password) if colon and username else bare


async def who_asks(
    request: HTTPServerRequest,
    credentials: Credentials,
    identify: Callable[[Credentials], Awaitable[Identity]],
    *,
    claims_user: bool = True,
) -> Identity | None:
    """Whoever shows these; None where nothing was shown that anybody knows, Unauthorized for a bad
    credential, Denied where the request's `userId` claims somebody else."""
    try:
        identity = await identify(credentials)
    except Unauthorized:
        if credentials.key is None and credentials.username is None:
            return None
        raise
    if claims_user:
        check_user_id(request, identity)
    return identity


def check_user_id(request: HTTPServerRequest, identity: Identity) -> None:
    """Raises Denied where the request names another user than its credential. The text is not
    that of a bad key, which would make a front-end forget a good one."""
    named = request.query_arguments.get("userId")
    if named and named[0].decode("utf-8", "replace") not in (*NOTHING, identity.user_id):
        raise Denied("userId is not that of the credential")
