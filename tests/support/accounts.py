"""Accounts on a real SQLite file, without the rest of the server."""

import contextlib

from tornado_chat.accounts import Accounts
from tornado_chat.config import build
from tornado_chat.config.values import UserConfig
from tornado_chat.store import Rules, Store

START = 1_790_000_000.0  # seconds since 1970


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now=START):
        self.now = now

    def __call__(self):
        return self.now

    def forward(self, seconds):
        self.now += seconds


def user(user_id="u1", **fields):
    """An entry of [[users]] as the configuration makes it."""
    about = {
        "login_name": user_id,
        "full_name": user_id.title(),
        "first_name": "",
        "last_name": "",
        "email": "",
        "tenant": "SHOP",
        "groups": (),
        "permissions": (),
        "api_key": None,
        "password": None,
        **fields,
    }
    return UserConfig(user_id=user_id, **about)


class Ended(list):
    """What listeners are told, in order."""

    def __call__(self, user_id, key_hash):
        self.append((user_id, key_hash))


@contextlib.asynccontextmanager
async def open_accounts(folder, users=(), *, settings=None, clock=None, synchronise=True, **more):
    """Started; `accounts.told` is what `on_revoked` has told. `settings`: tables of the file."""
    config = build(settings or {})
    rules = Rules(clock=clock) if clock else Rules()
    store = Store(f"sqlite:///{folder}/chat.db", "full", rules, lambda done: None)
    await store.start(begin_epoch=synchronise)
    if clock:
        more["clock"] = clock
    accounts = Accounts(store, config.auth, users, config.limits, **more)
    accounts.told = Ended()
    accounts.on_revoked(accounts.told)
    try:
        await accounts.start(synchronise=synchronise)
        yield accounts
    finally:
        await accounts.stop()
        await store.stop()
