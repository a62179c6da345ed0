"""Which credential a request carries: the same rules for all sockets and for REST.

Order: header, then `Authorization`, then query. Names after contract section 1.2; `userId` is
compared, never trusted; cookies are no credential.
"""

import base64
import binascii

from tornado.httputil import HTTPServerRequest

from tornado_chat.errors import Denied
from tornado_chat.messages import Credentials, Identity

NAMES = ("api_key", "apiKey", "login_key")
NOTHING = ("", "null", "undefined")  # what careless clients send for no key


def read_credentials(request: HTTPServerRequest) -> Credentials | None:
    """None where there is none. Basic is taken where a client offers it unasked."""
    key = _from_headers(request)
    if key:
        return Credentials(key=key, address=request.remote_ip or "")
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip() not in NOTHING:
        return Credentials(key=value.strip(), address=request.remote_ip or "")
    if scheme.lower() == "basic":
        return _basic(value.strip(), request.remote_ip or "")
    for name in NAMES:
        values = request.query_arguments.get(name)
        key = values[0].decode("utf-8", "replace").strip() if values else ""
        if key not in NOTHING:
            return Credentials(key=key, address=request.remote_ip or "")
    return None


def _from_headers(request: HTTPServerRequest) -> str:
    for name in NAMES:
        value = request.headers.get(name, "").strip()
        if value not in NOTHING:
            return value
    return ""


def _basic(value: str, address: str) -> Credentials | None:
    try:
        username, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    if not colon or not username:
        return None
    return Credentials(username=username, password=password, address=address)


def check_user_id(request: HTTPServerRequest, identity: Identity) -> None:
    """Raises Denied where the request names another user than its credential. The text is not
    that of a bad key, which would make a front-end forget a good one."""
    named = request.query_arguments.get("userId")
    if named and named[0].decode("utf-8", "replace") not in (*NOTHING, identity.user_id):
        raise Denied("userId is not that of the credential")
