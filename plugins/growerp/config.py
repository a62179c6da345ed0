"""`[plugins.growerp]`: every key with its default."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates

ID = validate.Length(1, 64)
NAME = validate.Length(1, 255)


class CompanySchema(Schema):
    """What front-ends show of a company, by its tenant. One of which nothing is said bears the name
    of its tenant, or what it gave when it registered."""

    name = fields.String(
        validate=NAME, metadata={"doc": "As people read it.", "example": "Maas Shop"}
    )
    party_id = fields.String(
        validate=ID,
        metadata={
            "doc": "The id that front-ends know it by, as Moqui's was; the tenant by default.",
            "example": "100011",
        },
    )
    email = fields.String(
        validate=NAME, metadata={"doc": "Of the company.", "example": "info@shop.example"}
    )
    currency = fields.String(
        validate=validate.Length(1, 20),
        metadata={"doc": "By its code of ISO 4217; EUR by default.", "example": "EUR"},
    )
    hosts = fields.List(
        fields.String(validate=NAME),
        load_default=list,
        metadata={
            "doc": "Web addresses of its front-end: who comes by one is shown this company before "
            "he has logged in.",
            "example": ["app.shop.example"],
        },
    )


class MenuItemSchema(Schema):
    """An entry of the menu of front-ends that ask for one. Without any they are told that there is
    none, as Moqui does for an application that it does not know."""

    title = fields.String(
        required=True, validate=NAME, metadata={"doc": "As people read it.", "example": "Chat"}
    )
    route = fields.String(
        required=True, validate=NAME, metadata={"doc": "Its path.", "example": "/chat"}
    )
    widget_name = fields.String(
        required=True,
        validate=NAME,
        metadata={"doc": "As the front-end registers it.", "example": "ChatRoomListDialog"},
    )
    icon_name = fields.String(
        load_default=None,
        allow_none=True,
        metadata={"doc": "One of the front-end's icons.", "example": "chat"},
    )


class GrowerpSchema(Schema):
    """The face of GrowERP: /chat, /notws and the resources below /rest/s1/growerp/100."""

    mount = fields.String(
        load_default="/",
        metadata={
            "doc": 'Front-ends know its resources at the root. "/plugins/growerp" takes them away '
            "from there; the two sockets stay."
        },
    )
    registration = fields.Boolean(
        load_default=True,
        metadata={
            "doc": "Whether strangers may make themselves an account, each in a company of his own "
            "that sees nothing of the others."
        },
    )
    join = fields.Boolean(
        load_default=False,
        metadata={
            "doc": "Whether they may enter a company that is there, by naming its id; they are "
            "employees then, never administrators."
        },
    )
    registrations_per_hour = fields.Float(
        load_default=10.0,
        validate=validate.Range(0),
        metadata={"doc": "Accounts that one address may make; 0: no limit."},
    )
    questions_per_minute = fields.Float(
        load_default=60.0,
        validate=validate.Range(0),
        metadata={
            "doc": "How often one address may ask whether an e-mail is known, which company an id "
            "belongs to, or for a new password; 0: no limit."
        },
    )
    menu = fields.List(fields.Nested(MenuItemSchema), load_default=list)
    companies = fields.Dict(
        fields.String(validate=ID),
        fields.Nested(CompanySchema),
        load_default=dict,
        metadata={"example": "SHOP", "by_tenant": True},
    )

    @validates("companies")
    def no_two_alike(self, companies: dict[str, dict[str, Any]], **_: Any) -> None:
        ids: dict[str, str] = {}
        hosts: dict[str, str] = {}
        for tenant, company in companies.items():
            if (first := ids.setdefault(company.get("party_id", tenant), tenant)) != tenant:
                raise ValidationError({tenant: {"party_id": [f"the same as of {first}"]}})
            for host in company.get("hosts", ()):
                if (first := hosts.setdefault(host.casefold(), tenant)) != tenant:
                    raise ValidationError({tenant: {"hosts": [f"one of those of {first}"]}})
