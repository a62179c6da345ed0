"""The resource User: the people one may talk to."""

from .handler import FaceHandler
from .persons import company_in, names_of

LIMIT, LIMIT_MAX = 20, 200


class User(FaceHandler):
    """People of one's own company who can log in, by last, first and company name."""

    async def get(self) -> None:
        limit = self.number("limit")
        people = await self.server.people.search(
            self.identity,
            (self.text("search") or "").strip()[:255],
            self.number("start") or 0,
            min(LIMIT if limit is None else limit, LIMIT_MAX),
        )
        tenant = self.identity.tenant
        company = company_in(await self.face.companies.of(tenant)) if tenant else None
        users = []
        for person in people:
            first, last = names_of(person.first_name, person.last_name, person.full_name)
            said = person.extra.get("company")
            users.append(
                {
                    "partyId": person.party_id or person.user_id,
                    "pseudoId": person.pseudo_id or person.user_id,
                    "firstName": first,
                    "lastName": last,
                    "fullName": person.full_name,
                    "loginName": person.login_name or person.user_id,
                    "email": person.email or None,
                    "company": said if isinstance(said, dict) else company,
                    "userId": person.user_id,
                }
            )
        self.answer({"users": users})
