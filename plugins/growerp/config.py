"""`[plugins.growerp]`: every key with its default."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates

ID = validate.Length(1, 64)
NAME = validate.Length(1, 255)


class CompanySchema(Schema):
    """`[plugins.growerp.companies.TENANT]`: what a front-end shows of a company. A company of
    which nothing is said bears the name of its tenant."""

    name = fields.String(validate=NAME)
    # What a front-end knows it by; the tenant by default.
    party_id = fields.String(validate=ID)
    email = fields.String(validate=NAME)
    # Three letters, "EUR".
    currency = fields.String(validate=validate.Length(1, 20))
    # Web addresses of its front-end, so that CompanyFromHost knows whose it is.
    hosts = fields.List(fields.String(validate=NAME), load_default=list)


class MenuItemSchema(Schema):
    """An entry of the menu: a widget that the front-end has registered, and where it is shown."""

    title = fields.String(required=True, validate=NAME)
    route = fields.String(required=True, validate=NAME)
    widget_name = fields.String(required=True, validate=NAME)
    icon_name = fields.String(load_default=None, allow_none=True)


class GrowerpSchema(Schema):
    """The face of GrowERP. Front-ends know its resources at the root, so they lie there."""

    mount = fields.String(load_default="/")
    # Whether strangers may make themselves an account, each in a company of its own.
    registration = fields.Boolean(load_default=True)
    # Whether they may enter a company that is there, by naming its id.
    join = fields.Boolean(load_default=False)
    # How many accounts one address may make in an hour; 0: no limit.
    registrations_per_hour = fields.Float(load_default=10.0, validate=validate.Range(0))
    # How often one address may ask in a minute whether an e-mail is known, which company this is,
    # or for a password reset; 0: no limit.
    questions_per_minute = fields.Float(load_default=60.0, validate=validate.Range(0))
    companies = fields.Dict(
        fields.String(validate=ID), fields.Nested(CompanySchema), load_default=dict
    )
    # Empty: a front-end is told that its application has no menu, as Moqui does.
    menu = fields.List(fields.Nested(MenuItemSchema), load_default=list)

    @validates("companies")
    def no_two_alike(self, companies: dict[str, dict[str, Any]], **_: Any) -> None:
        ids: dict[str, str] = {}
        hosts: dict[str, str] = {}
        for tenant, company in companies.items():
            if (first := ids.setdefault(company.get("party_id", tenant), tenant)) != tenant:
                raise ValidationError({tenant: {"party_id": [f"the same as of {first}"]}})
            for host in company["hosts"]:
                if (first := hosts.setdefault(host.casefold(), tenant)) != tenant:
                    raise ValidationError({tenant: {"hosts": [f"one of those of {first}"]}})
