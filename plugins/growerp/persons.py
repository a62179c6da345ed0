"""People and companies as GrowERP shows them: what front-ends dereference is never missing."""

from typing import Any

from tornado_chat import Identity

from .companies import Company
from .currencies import currency
from .wire import EMPLOYEE, ROLE, USER_GROUPS


def names_of(first: str, last: str, full: str) -> tuple[str, str]:
    """First and last name of somebody of whom perhaps only the full one is known."""
    if first:
        return first, last
    first, _, last = full.partition(" ")
    return first, last


def user_group(groups: frozenset[str]) -> str:
    """The one group of GrowERP's four that somebody is shown with."""
    return next((group for group in USER_GROUPS if group in groups), EMPLOYEE)


def user_of(
    identity: Identity, company: Company, application: str, language: str
) -> dict[str, Any]:
    """Somebody as he sees himself. `appsUsed` has the application that asks: a front-end that does
    not find itself there asks for the setup of a company, which is not ours."""
    about = identity.extra
    first, last = names_of(about.get("firstName", ""), about.get("lastName", ""), identity.name)
    return {
        "partyId": about.get("partyId") or identity.user_id,
        "pseudoId": about.get("pseudoId") or identity.user_id,
        "userId": identity.user_id,
        "firstName": first,
        "lastName": last,
        "fullName": identity.name,
        "loginName": identity.login_name or identity.user_id,
        "email": about.get("email") or None,
        "userGroupId": user_group(identity.groups),
        "role": ROLE,
        "language": about.get("language") or language,
        "appsUsed": [application],
        "company": company_in(company),
    }


def member_of(member: Any) -> dict[str, Any]:
    """Somebody in a room, from a MemberView."""
    first, last = names_of(member.first_name, member.last_name, member.full_name)
    return {
        "user": {
            "userId": member.user_id,
            "partyId": member.party_id or member.user_id,
            "loginName": member.login_name or member.user_id,
            "firstName": first,
            "lastName": last,
            "email": member.email or None,
        },
        "hasRead": member.has_read,
        "isActive": member.active,
    }


def oneself(identity: Identity, room: Any) -> dict[str, Any]:
    """The caller as a member, where a room is so large that he is not among those shown."""
    about = identity.extra
    first, last = names_of(about.get("firstName", ""), about.get("lastName", ""), identity.name)
    return {
        "user": {
            "userId": identity.user_id,
            "partyId": about.get("partyId") or identity.user_id,
            "loginName": identity.login_name or identity.user_id,
            "firstName": first,
            "lastName": last,
            "email": about.get("email") or None,
        },
        "hasRead": room.has_read,
        "isActive": room.active,
    }


def company_in(company: Company) -> dict[str, Any]:
    """A company inside a user."""
    return {"partyId": company.party_id, "name": company.name, "role": ROLE}


def company_of(company: Company) -> dict[str, Any]:
    """A company as its own people see it."""
    return {
        "partyId": company.party_id,
        "ownerPartyId": company.tenant,
        "pseudoId": company.party_id,
        "name": company.name,
        "role": ROLE,
        "email": company.email or None,
        "currency": currency(company.currency),
    }
