"""Routes for programs that have a secret, and are no person."""

from functools import wraps
from typing import Any, ClassVar

from marshmallow import Schema, fields

from tornado_chat.errors import NotFound, Unauthorized
from tornado_chat.web.base import Method, PluginHandler
from tornado_chat.web.signatures import Delivery, keys_of, same, signed_by, verify


class Signed(Schema):
    """The headers of a signed call: https://www.standardwebhooks.com"""

    id = fields.String(required=True, data_key="webhook-id", metadata={"example": "msg_2Kq8"})
    at = fields.String(
        required=True, data_key="webhook-timestamp", metadata={"example": "1787385600"}
    )
    signature = fields.String(
        required=True,
        data_key="webhook-signature",
        metadata={"description": "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`"},
    )


class WebhookHandler(PluginHandler):
    """Whoever asks must prove that he has the secret; no method of a subclass is run before that.

    The secret itself is shown, as `Authorization: Bearer SECRET`, or alone in the header `header`.
    Or the body is `signed`: as Standard Webhooks has it; or, with `header`, by the hexadecimal
    HMAC-SHA256 of the body there, in which no time is.

    `delivery`: what a call says of itself that is signed as Standard Webhooks has it.
    """

    public = True
    signed: ClassVar[bool] = False
    header: ClassVar[str] = ""
    delivery: Delivery

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if cls.accept is not None:  # it is asked before a handler is made, and so before any proof
            raise TypeError(f"{cls.__name__}: a WebhookHandler has no accept")

    def secret(self) -> str | None:
        """What both sides know; None where there is no such route. By default `secret` of the
        plugin's section."""
        return self.config.get("secret")

    async def called(self, method: Method, *args: str, **named: str) -> None:
        async def proven() -> None:
            self._prove()
            answer = method(*args, **named)
            if answer is not None:
                await answer

        await super().called(wraps(method)(proven))

    def _prove(self) -> None:
        """Raises NotFound where there is no secret, Unauthorized where it is not proved."""
        secret = self.secret()
        if not secret:
            name = self.server.plugin.name
            raise NotFound(f"there is no webhook: no secret is set in plugins.{name}")
        headers = self.request.headers
        if self.signed and not self.header:
            now = self.server.now()
            self.delivery = verify(keys_of(secret), headers, self.raw_body, now)
        elif self.signed:
            if not signed_by(secret, headers.get(self.header, ""), self.raw_body):
                raise Unauthorized(f"{self.header}: missing, or does not fit the body")
        elif self.header:
            if not same(headers.get(self.header, ""), secret):
                raise Unauthorized(f"{self.header}: the secret is missing or wrong")
        else:
            scheme, _, shown = headers.get("Authorization", "").partition(" ")
            if not same(shown, secret) or scheme.lower() != "bearer":
                raise Unauthorized("the secret is missing or wrong: Authorization: Bearer")

    # What `/openapi.json` tells

    @classmethod
    def scheme(cls) -> dict[str, str] | None:
        """How the secret is shown, as OpenAPI has it; None where it is not."""
        if cls.signed:
            return None
        if cls.header:
            return {"type": "apiKey", "in": "header", "name": cls.header}
        return {"type": "http", "scheme": "bearer", "description": "The secret of the webhook."}

    @classmethod
    def signature(cls) -> type[Schema] | None:
        """The headers by which a body is signed; None where it is not."""
        if not cls.signed or not cls.header:
            return Signed if cls.signed else None
        about = {"description": "The hexadecimal HMAC-SHA256 of the body."}
        field = fields.String(required=True, data_key=cls.header, metadata=about)
        return Schema.from_dict({"signature": field}, name="Signature")
