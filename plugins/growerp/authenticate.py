"""Who am I: the answer that a front-end lives on, and the resources that give it."""

import secrets
from typing import Any

from tornado_chat import BadRequest, Identity, RateLimited, Unauthorized, describe

from . import people_schemas as schemas
from .companies import Company
from .handler import Face, FaceHandler
from .persons import company_of, user_of

SHORT = "token"  # in place of an application: only whether the key still lives


def session_token() -> str:
    """What Moqui calls moquiSessionToken. It guards against forged forms and opens nothing."""
    return secrets.token_urlsafe(15)


class Authenticating(FaceHandler):
    """Those that answer with a whole `authenticate`."""

    async def answer_authenticated(
        self, identity: Identity | None, key: str | None, application: str, language: str = ""
    ) -> None:
        assert identity is not None  # only a Moqui's own answer names nobody
        company = await self.company_of(identity)
        body: dict[str, Any] = {
            "ownerPartyId": company.tenant,
            "applicationId": application,
            "classificationId": application,
            "apiKey": key,
            "moquiSessionToken": session_token(),
            "user": user_of(identity, company, application, language or "en"),
            "company": company_of(company),
            "stats": await self.face.statistics.of(identity.tenant),
        }
        self.answer({"authenticate": {name: body[name] for name in body if body[name] is not None}})

    async def company_of(self, identity: Identity) -> Company:
        if identity.tenant is None:
            return Company("", "", "no company")
        return await self.face.companies.of(identity.tenant)


class Login(Authenticating):
    """A name and a password for a key. Who is unknown and who is wrong hear the same, after the
    same work; where a Moqui knows the person, its answer is passed on as it is."""

    anonymous = True

    @describe(
        "A name and a password for a key",
        body=schemas.Credentials,
        body_types=schemas.FORMS,
        answer=schemas.AuthenticateAnswer,
    )
    async def post(self) -> None:
        form = self.form()
        username, password = form.get("username", "").strip(), form.get("password", "")
        if not username or not password:
            raise BadRequest("username and password are required")
        try:
            login = await self.server.accounts.login(username, password, self.address, form)
        except Unauthorized as problem:
            raise BadRequest(problem.message) from None
        if login.answer is not None:
            if login.identity is not None:
                await self.face.companies.note(login.identity, login.answer)
            self.answer(login.answer)
            return
        await self.answer_authenticated(
            login.identity, login.key, self.named_application(form), form.get("locale", "")[:32]
        )


class Authenticate(Authenticating):
    """The key that asked comes back, and no other is made. The short form only says that the key is
    still good."""

    @describe(
        "Who am I",
        query=schemas.ApplicationAsked,
        answer=schemas.AuthenticateAnswer,
    )
    async def get(self) -> None:
        application = self.named_application(self.parameters())
        if application == SHORT:
            self.answer({"authenticate": {"moquiSessionToken": session_token()}})
            return
        key = self.credentials.key if self.credentials is not None else None
        await self.answer_authenticated(self.identity, key, application)


class Logout(FaceHandler):
    """Ends the key that asks, and every socket it opened. The one answer that is no JSON."""

    anonymous = True

    @describe("Ends the key that asks", answer=("text/plain",))
    async def post(self) -> None:
        if self.caller is not None and self.caller.key is not None:
            await self.server.accounts.revoke_key(self.caller.key)
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.finish("successful" if self.caller is not None else "no_user")


class Password(Authenticating):
    """A new password for who knows the old one; all other keys of his end."""

    anonymous = True

    @describe(
        "A new password",
        body=schemas.NewPassword,
        body_types=schemas.FORMS,
        answer=schemas.AuthenticateAnswer,
    )
    async def post(self) -> None:
        form = self.form()
        username, old, new = (
            form.get(name, "") for name in ("username", "oldPassword", "newPassword")
        )
        if not username.strip() or not old or not new:
            raise BadRequest("username, oldPassword and newPassword are required")
        try:
            login = await self.server.accounts.change_password(
                username.strip(), old, new, self.address
            )
        except Unauthorized as problem:
            raise BadRequest(problem.message) from None
        await self.answer_authenticated(login.identity, login.key, self.named_application(form))


def is_limited(face: Face, address: str) -> bool:
    """Whether this address has asked too often; it is not told."""
    try:
        face.questions.take(address)
    except RateLimited:
        return True
    return False
