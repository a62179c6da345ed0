"""Api keys: how they are made, and what is kept of them."""

import hashlib
import re
import secrets

KEY_BYTES = 30  # 40 characters of URL-safe base64, as Moqui's; front-ends do not URL-encode them
KEY_MAX = 256

_SHAPE = re.compile(rf"[\x21-\x7e]{{1,{KEY_MAX}}}")


def new_key() -> str:
    """A key of 240 random bits: 40 characters that are safe in a URL."""
    return secrets.token_urlsafe(KEY_BYTES)


def new_key_id() -> str:
    """By which a key is spoken of: a number of its own, since a hash would let a short key of the
    file be guessed."""
    return secrets.token_hex(8)


def hash_key(key: str) -> str:
    """What is kept of a key. Plain SHA-256 will do: nobody guesses 240 random bits."""
    return hashlib.sha256(key.encode()).hexdigest()


def is_key(text: str) -> bool:
    """Whether this may be a key at all: printable ASCII without spaces, so safe in a header too."""
    return _SHAPE.fullmatch(text) is not None
