"""The resource User: the people one may talk to."""

from tornado_chat import describe

from . import people_schemas as schemas
from .handler import FaceHandler
from .persons import names_of

LIMIT, LIMIT_MAX = 20, 200


class User(FaceHandler):
    """People of one's own company who can log in, by last, first and company name."""

    @describe("Finds people", query=schemas.PeopleAsked, answer=schemas.PeopleAnswer)
    async def get(self) -> None:
        limit = self.number("limit")
        people = await self.server.people.search(
            self.identity,
            (self.text("search") or "").strip()[:255],
            self.number("start") or 0,
            min(LIMIT if limit is None else limit, LIMIT_MAX),
        )
        tenant = self.identity.tenant
        own = await self.face.companies.of(tenant) if tenant else None
        company = {"partyId": own.party_id, "name": own.name} if own else None
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
                    "company": said if isinstance(said, dict) else company,
                    "userId": person.user_id,
                }
            )
        self.answer({"users": users})
