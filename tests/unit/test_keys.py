import hashlib
import re

import pytest

from tornado_chat.accounts.keys import KEY_MAX, hash_key, is_key, new_key


def test_a_key_is_forty_characters_that_need_no_encoding_in_a_url():
    keys = {new_key() for _ in range(200)}
    assert len(keys) == 200
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{40}", key) for key in keys)


def test_what_is_kept_is_sha256():
    assert hash_key("abc") == hashlib.sha256(b"abc").hexdigest()


@pytest.mark.parametrize(
    "odd", ["", " ", "a b", "a\r\nX: y", "\0", "ë", "\ud800", "x" * (KEY_MAX + 1), "a\n"]
)
def test_what_cannot_be_a_key(odd):
    assert not is_key(odd)


def test_what_can_be_a_key():
    assert is_key("x") and is_key("x" * KEY_MAX) and is_key(new_key()) and is_key("a.b~c/d+e=")
