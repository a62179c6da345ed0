"""How a program proves that it has a secret: it shows it, or signs what it sends.

Signed after the Standard Webhooks convention, https://www.standardwebhooks.com, is `id.timestamp.body`,
by HMAC-SHA256; a header may carry several signatures, so that the secret can be changed. Nothing is
compared in a time that depends on where it differs.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from marshmallow import ValidationError

from tornado_chat.errors import Unauthorized

PREFIX = "whsec_"
TOLERANCE_SECONDS = 300  # between the sender's clock and ours, as the convention has it
STANDARD_BYTES = 24  # the shortest secret of the convention
ID_MAX = 255  # characters
SECRET = re.compile(r"[!-~]{16,}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the headers of a signed call say. `timestamp`: seconds since 1970."""

    id: str
    timestamp: int


def check_secret(value: str) -> None:
    """For a field of a plugin's section: a text that is long enough, and can stand in a header. Raises
    ValidationError, which never quotes it."""
    if not SECRET.fullmatch(value):
        raise ValidationError("not 16 or more characters of ASCII, without spaces")
    if value.startswith(PREFIX) and not _decode(value.removeprefix(PREFIX)):
        raise ValidationError("after whsec_ there is no base64")


def keys_of(secret: str) -> list[bytes]:
    """The keys that a secret may mean for who signs.

    With `whsec_` the rest is base64. Without it the text itself is the key, and what it decodes
    to as well where it can be a key of the convention, whose libraries leave out the prefix.
    """
    decoded = _decode(secret.removeprefix(PREFIX)) or b""
    if secret.startswith(PREFIX) and decoded:
        return [decoded]
    return [secret.encode(), *([decoded] if len(decoded) >= STANDARD_BYTES else [])]


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def sign(key: bytes, delivery_id: str, timestamp: int | str, body: bytes) -> str:
    """One signature of the convention, as the header has it."""
    content = f"{delivery_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


def verify(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: float) -> Delivery:
    """What was delivered, where one of the signatures is right and of now. Raises Unauthorized."""
    delivery_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split()
    if not (delivery_id and timestamp and given):
        raise Unauthorized("webhook-id, webhook-timestamp or webhook-signature is missing")
    if len(delivery_id) > ID_MAX:
        raise Unauthorized(f"webhook-id: longer than {ID_MAX} characters")
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise Unauthorized("webhook-timestamp: not seconds since 1970")
    right = [sign(key, delivery_id, timestamp, body) for key in keys]
    matches = [same(one, good) for one in given for good in right]
    if not any(matches):
        raise Unauthorized("webhook-signature: none of them is right")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise Unauthorized(f"webhook-timestamp: more than {TOLERANCE_SECONDS} seconds away")
    return Delivery(delivery_id, int(timestamp))


def signed_by(secret: str, signature: str, body: bytes) -> bool:
    """Whether it is the hexadecimal HMAC-SHA256 of the body, with or without `sha256=` before it."""
    made = hmac.digest(secret.encode(), body, hashlib.sha256).hex()
    return same(signature.removeprefix("sha256=").lower(), made)


def same(given: str, right: str) -> bool:
    """In a time that depends on the lengths alone."""
    return hmac.compare_digest(given.encode(), right.encode())
