"""Accounts: users, keys, passwords, and the back-ends that know them."""

from tornado_chat.accounts.models import ACCOUNT_MODELS
from tornado_chat.accounts.people import People
from tornado_chat.accounts.service import Accounts
from tornado_chat.accounts.values import (
    EXPIRED,
    NOT_VALID,
    WRONG_PASSWORD,
    Account,
    ApiKey,
    Login,
    Person,
)

__all__ = [
    "ACCOUNT_MODELS",
    "EXPIRED",
    "NOT_VALID",
    "WRONG_PASSWORD",
    "Account",
    "Accounts",
    "ApiKey",
    "Login",
    "People",
    "Person",
]
