"""Who is there in a test: ann, bob, carl, dora and admin of SHOP, zoe of OTHER.

Of each the user id is `u-NAME`, the key `key-of-NAME`, the password `secret-of-NAME`; admin may
everything.
"""

from typing import Any

PEOPLE = {
    "ann": ("Maas", "SHOP"),
    "bob": ("Prins", "SHOP"),
    "carl": ("Smit", "SHOP"),
    "dora": ("Vos", "SHOP"),
    "admin": ("Baas", "SHOP"),
    "zoe": ("Zee", "OTHER"),
}


def user_id_of(name: str) -> str:
    """The user id of one of these people."""
    return f"u-{name}"


def key_of(name: str) -> str:
    """The api key of one of these people."""
    return f"key-of-{name}"


def password_of(name: str) -> str:
    """The password of one of these people; the login name is `NAME@shop.example`."""
    return f"secret-of-{name}"


def users(*, passwords: bool = True) -> list[dict[str, Any]]:
    """These people as the configuration has them."""
    found = [described(name, surname, tenant) for name, (surname, tenant) in PEOPLE.items()]
    if passwords:
        for each in found:
            each["password"] = password_of(each["user_id"].removeprefix("u-"))
    return found


def described(name: str, surname: str, tenant: str) -> dict[str, Any]:
    """One of them."""
    address = f"{name}@{tenant.lower()}.example"
    return {
        "user_id": user_id_of(name),
        "login_name": address,
        "first_name": name.title(),
        "last_name": surname,
        "full_name": f"{name.title()} {surname}",
        "email": address,
        "tenant": tenant,
        "groups": ["GROWERP_M_ADMIN" if name == "admin" else "GROWERP_M_EMPLOYEE"],
        "permissions": ["*"] if name == "admin" else [],
        "api_key": key_of(name),
    }
