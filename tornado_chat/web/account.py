"""Signing in and out over REST, and who one is: `/account`.

The GrowERP face has its own wording of the same; both ask `Accounts`.
"""

from typing import Any

from marshmallow import Schema, fields

from tornado_chat import protocol
from tornado_chat.accounts.values import Login
from tornado_chat.errors import Denied, Unauthorized
from tornado_chat.messages import Identity
from tornado_chat.web.api import Done, describe
from tornado_chat.web.base import Handler


class SignIn(Schema):
    username = fields.String(required=True, metadata={"example": "ann@shop.example"})
    password = fields.String(required=True)


class PasswordChange(Schema):
    old = fields.String(required=True)
    new = fields.String(required=True)


class AccountUser(Schema):
    """Somebody as he sees himself; texts are empty where nobody said."""

    user_id = fields.String(metadata={"example": "100021"})
    name = fields.String(metadata={"example": "Ann Maas"})
    login_name = fields.String(metadata={"example": "ann@shop.example"})
    first_name = fields.String()
    last_name = fields.String()
    email = fields.String()
    language = fields.String(metadata={"example": "nl"})
    tenant = fields.String(allow_none=True, metadata={"example": "SHOP"})
    groups = fields.List(fields.String())
    permissions = fields.List(fields.String(metadata={"example": "notify"}))


class SignedIn(Schema):
    """`key` is shown here alone; `expires` is null for a key that stays, or a Moqui's."""

    key = fields.String()
    expires = fields.String(allow_none=True, metadata={"example": "2026-11-28T10:00:00.000Z"})
    user = fields.Nested(AccountUser)


class AccountAnswer(Schema):
    """`plugins`: the names of those that run here."""

    user = fields.Nested(AccountUser)
    plugins = fields.List(fields.String(metadata={"example": "chat_rooms"}))


class SigningIn(Handler):
    """What answers with a new key."""

    @property
    def address(self) -> str:
        return self.request.remote_ip or ""

    def answer_signed_in(self, login: Login) -> None:
        """Raises Denied for a login at a Moqui that is not finished."""
        if login.identity is None:
            raise Denied(
                "login: not finished, a password has to be changed or a company set up; "
                "finish it in the GrowERP front-end"
            )
        expires = None if login.expires is None else protocol.iso(int(login.expires * 1000))
        self.answer({"key": login.key, "expires": expires, "user": oneself(login.identity)})


class SigningInByPassword(SigningIn):
    public = True

    @describe(
        "Signs in by name and password",
        body=SignIn,
        answer=SignedIn,
        errors=("unauthorized", "denied"),
    )
    async def post(self) -> None:
        """A new key. Who is unknown and who is wrong hear the same, after the same work."""
        said = self.body()
        name = said["username"].strip()
        self.answer_signed_in(
            await self.server.accounts.login(name, said["password"], self.address)
        )


class SigningOut(Handler):
    @describe("Ends the key that asks", answer=Done)
    async def post(self) -> None:
        """And every socket that it opened. Who shows name and password has none to end."""
        if self.identity.key is not None:
            await self.server.accounts.revoke_key(self.identity.key)
        self.answer({})


class ChangingPassword(SigningIn):
    @describe("A new password", body=PasswordChange, answer=SignedIn)
    async def post(self) -> None:
        """For who knows the old one. A new key; all others end, and all sockets, but a key that stands
        in the configuration stays good."""
        said = self.body()
        accounts, caller = self.server.accounts, self.identity
        try:
            login = await accounts.change_password(
                caller.login_name, said["old"], said["new"], self.address
            )
        except Unauthorized:  # 401 would say that the key is bad
            account = await accounts.get(caller.user_id)
            here = account is not None and account.has_password
            raise Denied(
                "password: the old one is wrong"
                if here
                else "password: yours is not kept here, change it where it is"
            ) from None
        self.answer_signed_in(login)


class WhoAmI(Handler):
    @describe("Who one is", answer=AccountAnswer)
    def get(self) -> None:
        plugins = [plugin.name for plugin in self.server.plugins]
        self.answer({"user": oneself(self.identity), "plugins": plugins})


def oneself(identity: Identity) -> dict[str, Any]:
    """As `AccountUser` has it; what a plugin said of somebody may be anything."""
    about = {name: str(identity.extra.get(name) or "") for name in ABOUT.values()}
    return {
        "user_id": identity.user_id,
        "name": identity.name,
        "login_name": identity.login_name,
        **{shown: about[name] for shown, name in ABOUT.items()},
        "tenant": identity.tenant,
        "groups": sorted(identity.groups),
        "permissions": sorted(identity.permissions),
    }


# As it is shown, and as `Identity.extra` has it.
ABOUT = {
    "first_name": "firstName",
    "last_name": "lastName",
    "email": "email",
    "language": "language",
}
