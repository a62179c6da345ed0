"""Signatures of webhooks: the vector that the convention publishes, and what must not pass."""

import pytest
from marshmallow import ValidationError

from tornado_chat import Delivery, Unauthorized, check_secret
from tornado_chat.web.signatures import keys_of, sign, signed_by, verify

# https://docs.svix.com/receiving/verifying-payloads/how-manual and the tests of the libraries at
# https://github.com/standard-webhooks/standard-webhooks
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

HEADERS = {"webhook-id": ID, "webhook-timestamp": str(TIMESTAMP), "webhook-signature": SIGNATURE}
OTHER = sign(b"another key", ID, TIMESTAMP, BODY)


def check(secret=SECRET, body=BODY, now=TIMESTAMP, **headers):
    names = {f"webhook-{name}": value for name, value in headers.items()}
    given = {**HEADERS, **names}
    return verify(keys_of(secret), {k: v for k, v in given.items() if v is not None}, body, now)


def test_the_published_vector():
    assert sign(keys_of(SECRET)[0], ID, TIMESTAMP, BODY) == SIGNATURE
    assert check() == Delivery(ID, TIMESTAMP)


@pytest.mark.parametrize("apart", [-300, 300])
def test_clocks_may_differ_by_five_minutes(apart):
    assert check(now=TIMESTAMP + apart)


@pytest.mark.parametrize("apart", [-301, 301, 10**9])
def test_but_not_by_more(apart):
    with pytest.raises(Unauthorized, match="webhook-timestamp"):
        check(now=TIMESTAMP + apart)


@pytest.mark.parametrize("signatures", [f"{OTHER} {SIGNATURE}", f"{SIGNATURE} v1a,xyz", SIGNATURE])
def test_one_of_several_signatures_is_enough(signatures):
    assert check(signature=signatures)


@pytest.mark.parametrize(
    "headers",
    [
        {"id": None},
        {"id": ""},
        {"id": "msg_other"},
        {"id": "x" * 256},
        {"timestamp": None},
        {"timestamp": "soon"},
        {"timestamp": "-1614265330"},
        {"timestamp": "1614265330.0"},
        {"timestamp": "१६१४२६५३३०"},
        {"timestamp": str(TIMESTAMP + 1)},
        {"timestamp": "9" * 5000},
        {"signature": None},
        {"signature": ""},
        {"signature": OTHER},
        {"signature": SIGNATURE.removeprefix("v1,")},
        {"signature": SIGNATURE.replace("v1,", "v2,")},
        {"signature": SIGNATURE[:-1]},
        {"signature": "v1,é" + SIGNATURE},
    ],
)
def test_anything_else_is_refused(headers):
    with pytest.raises(Unauthorized):
        check(**headers)


def test_another_body_is_refused():
    with pytest.raises(Unauthorized):
        check(body=BODY + b" ")
    with pytest.raises(Unauthorized):
        check(secret="whsec_" + "A" * 32)


def test_a_secret_may_be_text():
    given = {**HEADERS, "webhook-signature": sign(b"top secret", ID, TIMESTAMP, BODY)}
    assert verify(keys_of("top secret"), given, BODY, TIMESTAMP)


def test_a_secret_of_the_convention_may_lack_its_prefix():
    assert check(secret=SECRET.removeprefix("whsec_"))


def test_a_short_word_that_happens_to_be_base64_is_text_alone():
    assert keys_of("secretly") == [b"secretly"]


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("", "not 16 or more"),
        ("fifteen-letters", "not 16 or more"),
        ("sixteen letters or more", "without spaces"),
        ("zestien-lettertjés", "ASCII"),
        ("sixteen-letters-\n", "not 16 or more"),
        ("whsec_not-base64-at-all!", "after whsec_ there is no base64"),
    ],
)
def test_what_is_no_secret(secret, text):
    with pytest.raises(ValidationError, match=text) as caught:
        check_secret(secret)
    assert not secret or secret not in str(caught.value)


@pytest.mark.parametrize("secret", [SECRET, "sixteen-letters-"])
def test_what_is_one(secret):
    check_secret(secret)


# RFC 4231, test case 2
DIGEST = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


@pytest.mark.parametrize("shown", [DIGEST, f"sha256={DIGEST}", DIGEST.upper()])
def test_a_body_signed_alone(shown):
    assert signed_by("Jefe", shown, b"what do ya want for nothing?")


@pytest.mark.parametrize("shown", ["", "é", DIGEST[:-1], f"sha1={DIGEST}", f"{DIGEST}0"])
def test_a_body_signed_otherwise(shown):
    assert not signed_by("Jefe", shown, b"what do ya want for nothing?")
