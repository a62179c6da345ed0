"""New people, and those who have forgotten something. All of it is for strangers, so all of it is
bounded by address, and nothing of it tells more than it must."""

import logging
import re
import secrets
from typing import Any

from tornado_chat import BadRequest, Conflict, Denied, describe

from . import people_schemas as schemas
from .authenticate import is_limited
from .companies import Company
from .handler import FaceHandler
from .persons import user_group
from .schemas import Empty
from .wire import ADMIN, EMPLOYEE, OTHER, ROLE

log = logging.getLogger("tornado_chat.growerp")

EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,180}")
REGISTERED = "registered"  # what a front-end reads in `loginStatus` and `apiKey`


class Register(FaceHandler):
    """Somebody new, in a company of his own, which he administrates. A company that is there is
    entered only where the configuration lets people join, and never as its administrator."""

    anonymous = True

    @describe(
        "A new person",
        body=schemas.Registration,
        body_types=schemas.FORMS,
        answer=schemas.AuthenticateAnswer,
    )
    async def post(self) -> None:
        if not self.config["registration"]:
            raise Denied("registration is closed here, ask your administrator for an account")
        form = {name: value.strip() for name, value in self.form().items()}
        first, last, email = (form.get(name, "") for name in ("firstName", "lastName", "email"))
        if not first or not last or not EMAIL.fullmatch(email):
            raise BadRequest("firstName, lastName and an email address are required")
        joined = await self._joined(form.get("companyPartyId", ""))
        self.face.registrations.take(self.address)
        tenant = joined.tenant if joined else f"c{secrets.token_hex(6)}"
        password = form.get("newPassword") or None
        try:
            account = await self.server.accounts.create(
                tenant,
                login_name=email,
                password=password,
                first_name=first,
                last_name=last,
                email=email,
                groups=[joining_group(form.get("userGroupId", "")) if joined else ADMIN],
            )
        except Conflict:
            raise BadRequest(f"User with email {email[:64]} exists already") from None
        company = joined or Company(tenant, tenant, account.full_name, email)
        if not joined:
            await self.face.companies.keep(company)
        if password is None:
            log.warning(
                "%s of %s registered without a password: give one with `tornado-chat user`",
                account.user_id,
                tenant,
            )
        self._answer(form, account, company)

    async def _joined(self, party_id: str) -> Company | None:
        if not party_id:
            return None
        if not self.config["join"]:
            raise Denied("nobody may join a company here, ask its administrator for an account")
        company = await self.face.companies.by_party(party_id)
        if company is None:
            raise BadRequest("companyPartyId: there is no such company")
        return company

    def _answer(self, form: dict[str, str], account: Any, company: Company) -> None:
        application = self.named_application(form)
        self.answer(
            {
                "authenticate": {
                    "loginStatus": REGISTERED,
                    "apiKey": REGISTERED,
                    "ownerPartyId": company.tenant,
                    "applicationId": application,
                    "classificationId": application,
                    "user": {
                        "partyId": account.party_id or account.user_id,
                        "userId": account.user_id,
                        "firstName": account.first_name,
                        "lastName": account.last_name,
                        "fullName": account.full_name,
                        "loginName": account.login_name,
                        "email": account.email,
                        "userGroupId": user_group(frozenset(account.groups)),
                        "role": ROLE,
                        "company": {"partyId": company.party_id, "name": company.name},
                    },
                }
            }
        )


def joining_group(asked: str) -> str:
    """Who joins is an employee, or an outsider where he says so; never more."""
    return OTHER if asked == OTHER else EMPLOYEE


class ResetPassword(FaceHandler):
    """Always the same answer, whoever is named. There is no mail here: the administrator is told,
    and he sets a password."""

    anonymous = True

    @describe(
        "Asks the administrator for a new password",
        body=schemas.Forgotten,
        body_types=schemas.FORMS,
        answer=Empty,
    )
    async def post(self) -> None:
        username = self.form().get("username", "").strip()
        if username and not is_limited(self.face, self.address):
            account = await self.server.accounts.find_login(username[:255])
            if account is not None and not account.disabled:
                log.warning(
                    "%s of %s asks for a new password: set one with `tornado-chat user`",
                    account.user_id,
                    account.tenant,
                )
        self.answer({})


class CheckEmail(FaceHandler):
    """Whether an address is taken; front-ends ask before they register somebody."""

    anonymous = True

    @describe("Whether an address is taken", query=schemas.EmailAsked, answer=schemas.TakenAnswer)
    async def get(self) -> None:
        email = (self.text("email") or "").strip()
        if not email:
            raise BadRequest("email is required")
        self.face.questions.take(self.address)
        self.answer({"ok": await self.server.accounts.find_login(email[:255]) is not None})
