"""Whom one may talk to: `/people`, people of one's own company by a search or by their ids."""

from typing import Any

from marshmallow import Schema, fields, validate

from tornado_chat.accounts.values import Person
from tornado_chat.web.api import describe
from tornado_chat.web.base import Handler

PAGE, PAGE_MAX = 20, 100


class PeopleQuery(Schema):
    search = fields.String(
        load_default="",
        validate=validate.Length(max=255),
        metadata={
            "description": "a part of a name, a company, a pseudo id or an e-mail, in any case"
        },
    )
    start = fields.Integer(load_default=0, validate=validate.Range(0, 2**31))
    limit = fields.Integer(load_default=PAGE, validate=validate.Range(1, PAGE_MAX))
    ids = fields.String(
        metadata={"description": f"instead of a search: user ids, up to {PAGE_MAX}, with commas"}
    )


class PersonBody(Schema):
    """Texts are empty where nobody said."""

    user_id = fields.String(metadata={"example": "100040"})
    name = fields.String(metadata={"example": "Bob Prins"})
    first_name = fields.String()
    last_name = fields.String()
    email = fields.String()
    company = fields.String(metadata={"example": "Maas Shop"})
    online = fields.Boolean()


class PeoplePage(Schema):
    people = fields.List(fields.Nested(PersonBody))
    more = fields.Boolean()


class AllPeople(Handler):
    @describe("Finds people", query=PeopleQuery, answer=PeoplePage)
    async def get(self) -> None:
        """Of one's own company. By a search: who can log in, without oneself, by last name. By ids:
        also who cannot log in any more, in the order of the ids; others are left out."""
        wanted = self.query()
        if "ids" in wanted:
            ids = wanted["ids"].split(",")[:PAGE_MAX]
            found = list((await self.server.people.get(self.identity, ids)).values())
            self.answer({"people": [self._shown(person) for person in found], "more": False})
            return
        limit = wanted["limit"]
        found = await self.server.people.search(
            self.identity, wanted["search"], wanted["start"], limit + 1
        )
        others = [each for each in found[:limit] if each.user_id != self.identity.user_id]
        self.answer({"people": list(map(self._shown, others)), "more": len(found) > limit})

    def _shown(self, person: Person) -> dict[str, Any]:
        return {
            "user_id": person.user_id,
            "name": person.full_name,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "email": person.email,
            "company": person.company,
            "online": self.server.online(person.tenant, person.user_id),
        }
