"""The people of the company."""

from typing import Any

from tornado_chat.accounts import Account
from tornado_chat.accounts.values import CONFIG, GROWERP
from tornado_chat.errors import Conflict
from tornado_chat.protocol import iso
from tornado_chat.web.admin.door import PERMISSION, Door
from tornado_chat.web.admin.shapes import (
    NewUser,
    SearchedPage,
    UserAnswer,
    UserChange,
    UserPage,
)
from tornado_chat.web.api import describe

SAID_BY_THE_FILE = frozenset(
    {"login_name", "full_name", "first_name", "last_name", "email", "groups", "permissions"}
)
KEPT_BY_A_MOQUI = SAID_BY_THE_FILE | {"password"}


class UserDoor(Door):
    """Shows people."""

    def show(self, account: Account, status: int = 200) -> None:
        self.answer({"user": self.body_of(account)}, status)

    def body_of(self, account: Account) -> dict[str, Any]:
        return {
            "user_id": account.user_id,
            "login_name": account.login_name,
            "name": account.full_name,
            "first_name": account.first_name,
            "last_name": account.last_name,
            "email": account.email,
            "groups": list(account.groups),
            "permissions": list(account.permissions),
            "disabled": account.disabled,
            "source": account.source,
            "has_password": account.has_password,
            "online": self.server.online(self.tenant, account.user_id),
            "created": iso(account.created * 1000),
        }

    def check_local(self) -> None:
        """Raises Conflict where nobody could come in by what is given out here."""
        if "local" not in self.server.config.auth.backends:
            raise Conflict(
                "passwords and keys of our own open nothing here: in auth.backends: add local"
            )


class UserList(UserDoor):
    @describe("Lists the people of the company", query=SearchedPage, answer=UserPage)
    async def get(self) -> None:
        """By last and first name, those who are disabled among them."""
        wanted = self.query()
        limit = wanted["limit"]
        found = await self.server.accounts.search(
            self.tenant, wanted["search"], start=wanted["start"], limit=limit + 1
        )
        shown = [self.body_of(account) for account in found[:limit]]
        self.answer({"users": shown, "more": len(found) > limit})

    @describe("Adds a person", body=NewUser, answer=UserAnswer, status=201, errors=("conflict",))
    async def post(self) -> None:
        body = self.body()
        self.check_local()
        account = await self.server.accounts.create(self.tenant, full_name=body.pop("name"), **body)
        self.note(f"user {account.user_id} added")
        self.show(account, 201)


class OneUser(UserDoor):
    @describe("Shows a person", answer=UserAnswer, errors=("not_found",))
    async def get(self, user_id: str) -> None:
        self.show(await self.server.accounts.in_company(self.tenant, user_id))

    @describe(
        "Changes a person",
        body=UserChange,
        answer=UserAnswer,
        errors=("not_found", "conflict"),
    )
    async def patch(self, user_id: str) -> None:
        body = self.body()
        if "name" in body:
            body["full_name"] = body.pop("name")
        account = await self.server.accounts.in_company(self.tenant, user_id)
        self._check_source(account, body)
        self._check_self(user_id, body)
        if "password" in body:
            self.check_local()
        told = ", ".join(sorted(body)) or "nothing"
        password = body.pop("password", None)
        changed, became = await self.server.accounts.change(self.tenant, user_id, body, password)
        if became:
            self.server.revoking.come_again({user_id})
        self.note(f"user {user_id} changed: {told}")
        self.show(changed)

    def _check_source(self, account: Account, wanted: dict[str, Any]) -> None:
        """What somebody else says of a person would be said again, and is changed there."""
        config = self.server.config
        file = config.path.name if config.path else "the configuration"
        where, theirs = {
            CONFIG: (f"stands in {file}", SAID_BY_THE_FILE),
            GROWERP: ("comes from the GrowERP back-end", KEPT_BY_A_MOQUI),
        }.get(account.source, ("", frozenset()))
        if fixed := ", ".join(sorted(theirs & wanted.keys())):
            raise Conflict(f"user {account.user_id}: {where}, change there: {fixed}")
        gone = account.source == CONFIG and account.user_id not in {
            user.user_id for user in config.users
        }
        if gone and wanted.get("disabled") is False:
            raise Conflict(
                f"user {account.user_id}: has left {file}, and is enabled by being there"
            )

    def _check_self(self, user_id: str, wanted: dict[str, Any]) -> None:
        """An admin who locks himself out may have been the last."""
        if user_id != self.identity.user_id:
            return
        if wanted.get("disabled"):
            raise Conflict("you cannot disable yourself: ask another admin")
        kept = wanted.get("permissions")
        if kept is not None and not {PERMISSION, "*"} & set(kept):
            raise Conflict(f"you cannot take the permission {PERMISSION} from yourself")
