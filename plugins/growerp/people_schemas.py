"""People and companies: who am I, whom may I talk to, and what a front-end asks when it starts."""
# ruff: noqa: N815 - the names of the wire

from marshmallow import Schema, fields, validate

from .schemas import OPTIONAL, Loose, ident, perhaps, text
from .wire import USER_GROUPS

# People and companies


class PeopleAsked(Schema):
    search = fields.String(metadata={"description": "a part of a name, an id or an e-mail"})
    start = fields.Integer()
    limit = fields.Integer(metadata={"description": "20 where it is not given, at most 200"})
    isForDropDown = fields.String(metadata={"description": "passed over"})
    loginOnly = fields.String(metadata={"description": "passed over: all can log in"})


class CompanyName(Schema):
    """A company as strangers see it, and inside a person."""

    partyId = ident("100011")
    name = ident("Maas Shop")
    role = perhaps("OrgInternal")


class Person(Schema):
    """Somebody whom one may talk to. `company` is one of Moqui's where he is known there."""

    partyId = ident("100031")
    pseudoId = ident("7")
    firstName = ident("Bob")
    lastName = ident("Prins")
    company = fields.Dict(
        keys=fields.String(),
        metadata={**OPTIONAL, "example": {"partyId": "100011", "name": "Maas Shop"}},
    )
    userId = ident("100040")


class PeopleAnswer(Schema):
    """By last, first and company name."""

    users = fields.List(fields.Nested(Person))


class Currency(Schema):
    currencyId = ident("EUR")
    description = ident("Euro")


class Company(Schema):
    """A company; strangers are told its id and its name."""

    partyId = ident("100011")
    ownerPartyId = perhaps("100010")
    pseudoId = perhaps("100011")
    name = ident("Maas Shop")
    role = ident("OrgInternal")
    email = perhaps("info@shop.example")
    currency = fields.Nested(Currency, metadata=OPTIONAL)


class CompaniesAsked(Schema):
    searchString = fields.String(metadata={"description": "the whole id"})
    limit = fields.Integer()


class CompaniesAnswer(Schema):
    companies = fields.List(fields.Nested(Company))


class HostAsked(Schema):
    hostName = fields.String()


class CompanyAnswer(Schema):
    """Empty where nobody's front-end is there."""

    company = fields.Nested(CompanyName, metadata=OPTIONAL)


# Who am I


FORMS = ("application/x-www-form-urlencoded", "application/json")


class Credentials(Loose):
    username = fields.String(required=True, metadata={"example": "ann@shop.example"})
    password = fields.String(required=True)
    applicationId = text("AppAdmin")
    locale = text("nl")


class NewPassword(Loose):
    username = fields.String(required=True, metadata={"example": "ann@shop.example"})
    oldPassword = fields.String(required=True)
    newPassword = fields.String(required=True)
    applicationId = text("AppAdmin")


class Forgotten(Loose):
    username = text("ann@shop.example")


class Registration(Loose):
    firstName = fields.String(required=True, metadata={"example": "Ann"})
    lastName = fields.String(required=True, metadata={"example": "Maas"})
    email = fields.String(required=True, metadata={"example": "ann@shop.example"})
    newPassword = text()
    companyPartyId = text()
    userGroupId = text("GROWERP_M_EMPLOYEE")
    applicationId = text("AppAdmin")


class ApplicationAsked(Schema):
    """For the value `token` only a `moquiSessionToken` is answered."""

    applicationId = fields.String(metadata={"example": "AppAdmin"})
    classificationId = fields.String(metadata={"description": "its name of old"})


class Oneself(Loose):
    """Somebody as he sees himself."""

    partyId = perhaps("100012")
    pseudoId = perhaps("3")
    userId = ident("100021")
    firstName = perhaps("Ann")
    lastName = perhaps("Maas")
    fullName = perhaps("Ann Maas")
    loginName = perhaps("ann@shop.example")
    email = perhaps("ann@shop.example")
    userGroupId = fields.String(validate=validate.OneOf(USER_GROUPS), metadata=OPTIONAL)
    role = perhaps("OrgInternal")
    language = perhaps("nl")
    appsUsed = fields.List(fields.String(), metadata=OPTIONAL)
    company = fields.Nested(CompanyName, metadata=OPTIONAL)


class Statistics(Loose):
    admins = fields.Integer(metadata=OPTIONAL)
    employees = fields.Integer(metadata=OPTIONAL)


class Authenticated(Loose):
    """What a front-end lives on. Where a Moqui knows the person, its own answer, which has more."""

    ownerPartyId = perhaps("100010")
    applicationId = perhaps("AppAdmin")
    classificationId = perhaps("AppAdmin")
    loginStatus = perhaps()
    apiKey = perhaps()
    moquiSessionToken = perhaps()
    user = fields.Nested(Oneself, metadata=OPTIONAL)
    company = fields.Nested(Company, metadata=OPTIONAL)
    stats = fields.Nested(Statistics, metadata=OPTIONAL)


class AuthenticateAnswer(Loose):
    authenticate = fields.Nested(Authenticated)


class EmailAsked(Schema):
    email = fields.String(required=True)


class TakenAnswer(Schema):
    """Whether the address is taken."""

    ok = fields.Boolean()


# When a front-end starts


class BackendAnswer(Schema):
    """There is no other server to use, and no newer version to insist on."""

    forceUpdate = fields.Boolean()


class BackendAsked(Schema):
    """All passed over."""

    version = fields.String()
    applicationId = fields.String()
    platform = fields.String()


class UnitsAsked(Schema):
    uomTypes = fields.List(fields.String())


class Unit(Schema):
    uomId = ident("EUR")
    uomTypeId = ident("UT_CURRENCY_MEASURE")
    typeDescription = ident("Currency")
    abbreviation = ident("EUR")
    description = ident("Euro")


class UnitsAnswer(Schema):
    uoms = fields.List(fields.Nested(Unit))


class MenuAsked(Schema):
    appId = fields.String()
    userId = fields.String(metadata={"description": "passed over"})
    userVersion = fields.String(metadata={"description": "passed over"})


class MenuItem(Schema):
    menuItemId = fields.String()
    itemKey = fields.String()
    title = fields.String()
    route = perhaps()
    iconName = perhaps()
    widgetName = perhaps()
    sequenceNum = fields.Integer()
    isActive = fields.Boolean()
    children = fields.List(fields.Raw())


class MenuAnswer(Schema):
    """The menu of an application."""

    menuConfigurationId = fields.String()
    appId = fields.String()
    name = fields.String()
    isActive = fields.Boolean()
    menuItems = fields.List(fields.Nested(MenuItem))


class Used(Loose):
    applicationId = text("AppAdmin")


class StatusAnswer(Schema):
    status = fields.String(validate=validate.OneOf(("running", "starting")))
