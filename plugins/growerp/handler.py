"""What all resources of the face share: who asks, in which words errors are told, parameters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tornado_chat import (
    BadRequest,
    ChatError,
    Identity,
    NotFound,
    PluginHandler,
    Server,
    Unauthorized,
)

from .companies import Companies
from .limits import PerAddress
from .schemas import FaceError
from .statistics import Statistics
from .wire import APPLICATION, tidy

VERBS = {"GET": "get", "POST": "create", "PATCH": "update", "DELETE": "delete"}
NUMBER_MAX = 1_000_000_000


@dataclass
class Face:
    """What the resources work with."""

    server: Server
    companies: Companies
    rooms: Any
    notifications: Any
    statistics: Statistics
    registrations: PerAddress
    questions: PerAddress


class FaceHandler(PluginHandler):
    """`anonymous`: answers to strangers too; a bad key is refused there all the same, as Moqui
    does. Answers and errors are shaped as growerp-contract section 3.1 has them."""

    public = True  # who asks is found out by `let_in`, in Moqui's words
    anonymous = False
    error_schema = FaceError
    face: Face
    caller: Identity | None = None

    def initialize(  # type: ignore[override]
        self, server: Server, config: Mapping[str, Any], face: Face
    ) -> None:
        super().initialize(server, config)
        self.face = face

    async def let_in(self) -> None:
        self.caller = await self.identify_if_shown()
        if self.caller is not None:
            self.identity = self.caller
        elif not self.anonymous:
            verb = VERBS.get(self.request.method or "", "call")
            raise Unauthorized(f"User must be logged in to call service {verb}#{self.resource}")

    @property
    def resource(self) -> str:
        """`ChatRoom`, of the path."""
        return re.sub(r"[^A-Za-z0-9]", "", self.request.path.rpartition("/")[2])[:64]

    @property
    def address(self) -> str:
        return self.request.remote_ip or ""

    @classmethod
    def asks_key(cls) -> bool | None:
        return None if cls.anonymous else True

    @classmethod
    def error_body(cls, problem: ChatError) -> dict[str, Any]:
        return {"errorCode": problem.status, "errors": problem.message}

    @classmethod
    def encoded(cls, body: Mapping[str, Any]) -> bytes:
        return super().encoded(tidy(body))

    # Parameters

    def text(self, name: str) -> str | None:
        """As it came, blanks and all; None where it was not sent."""
        return self.get_query_argument(name, None, strip=False)

    def number(self, name: str) -> int | None:
        """None where it was not sent, or empty. Raises BadRequest for what is no number."""
        text = (self.text(name) or "").strip()
        if not text:
            return None
        if not (text.isascii() and text.isdigit()) or int(text[:12]) > NUMBER_MAX:
            raise BadRequest(f"{name}: not a number")
        return int(text)

    def flag(self, name: str) -> bool | None:
        """`true` or `false` in any case, `Y` or `N`; None for anything else."""
        return {"true": True, "y": True, "false": False, "n": False}.get(
            (self.text(name) or "").strip().lower()
        )

    def named_application(self, fields: Mapping[str, Any]) -> str:
        """Which front-end asks, under its old name and its new one."""
        for name in ("applicationId", "classificationId"):
            value = fields.get(name)
            if isinstance(value, str) and value.strip():
                return value.strip()[:64]
        return APPLICATION

    def parameters(self) -> dict[str, str]:
        """Those of the address, as they came."""
        return {name: self.text(name) or "" for name in self.request.query_arguments}

    @property
    def idempotency_key(self) -> str | None:
        return self.request.headers.get("Idempotency-Key") or None


class NoSuchResource(FaceHandler):
    """Everything below /rest/ that is not there, told in the words of this face."""

    async def let_in(self) -> None:
        """Whoever asks."""
        raise NotFound(f"Resource {self.request.path[:200]} not found")
