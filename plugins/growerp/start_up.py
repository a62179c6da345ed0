"""What a front-end asks when it starts, before and after the login: which company, which currencies,
which menu. Little of it is ours to say, but each needs a clean answer."""

from typing import Any

from tornado_chat import describe

from . import people_schemas as schemas
from .currencies import MEASURE, units
from .handler import FaceHandler
from .persons import company_of
from .schemas import Empty
from .wire import ROLE


class Companies(FaceHandler):
    """The company with exactly this id. A stranger learns the name that belongs to an id he has,
    and no id that he has not; one's own company is told whole."""

    anonymous = True

    @describe("The company of an id", query=schemas.CompaniesAsked, answer=schemas.CompaniesAnswer)
    async def get(self) -> None:
        party_id = (self.text("searchString") or "").strip()
        if not party_id:
            own = self.caller.tenant if self.caller else None
            companies = [await self.face.companies.of(own)] if own else []
        else:
            self.face.questions.take(self.address)
            found = await self.face.companies.by_party(party_id[:64])
            companies = [found] if found else []
        limit = self.number("limit")
        self.answer({"companies": [self._shown(each) for each in companies][:limit]})

    def _shown(self, company: Any) -> dict[str, Any]:
        if self.caller is not None and self.caller.tenant == company.tenant:
            return company_of(company)
        return {"partyId": company.party_id, "name": company.name, "role": ROLE}


class CompanyFromHost(FaceHandler):
    """Whose front-end is at this web address, as the configuration says; else nobody's."""

    anonymous = True

    @describe(
        "Whose front-end is at a web address", query=schemas.HostAsked, answer=schemas.CompanyAnswer
    )
    async def get(self) -> None:
        self.face.questions.take(self.address)
        host = (self.text("hostName") or "").strip()[:255]
        company = await self.face.companies.by_host(host) if host else None
        if company is None:
            self.answer({})
            return
        shown = {"partyId": company.party_id, "name": company.name, "role": ROLE}
        self.answer({"company": shown})


class BackendUrl(FaceHandler):
    """Which server to use: this one, so there is nothing to say, and no newer version to insist on."""

    anonymous = True

    @describe("Which server to use", query=schemas.BackendAsked, answer=schemas.BackendAnswer)
    def get(self) -> None:
        self.answer({"forceUpdate": False})


class Uoms(FaceHandler):
    """Units of measure; of these only currencies."""

    anonymous = True

    @describe("Lists currencies", query=schemas.UnitsAsked, answer=schemas.UnitsAnswer)
    def get(self) -> None:
        asked = [
            value
            for name in ("uomTypes", "uomTypes[]")
            for value in self.get_query_arguments(name)
            if value
        ]
        wanted = not asked or any(MEASURE in value for value in asked)
        self.answer({"uoms": units() if wanted else []})


class MenuConfiguration(FaceHandler):
    """The menu of an application, as configured; an empty one is what Moqui answers for an
    application that it does not know."""

    claims_user = False

    @describe("The menu of an application", query=schemas.MenuAsked, answer=schemas.MenuAnswer)
    def get(self) -> None:
        application = (self.text("appId") or "").strip()[:64]
        items = [
            {
                "menuItemId": f"{application}_{number}",
                "itemKey": item["widget_name"],
                "title": item["title"],
                "route": item["route"],
                "iconName": item["icon_name"],
                "widgetName": item["widget_name"],
                "sequenceNum": number * 10,
                "isActive": True,
                "children": [],
            }
            for number, item in enumerate(self.config["menu"], 1)
        ]
        self.answer(
            {
                "menuConfigurationId": application,
                "appId": application,
                "name": application,
                "isActive": True,
                "menuItems": items,
            }
        )


class AppUsed(FaceHandler):
    """Somebody has used an application. `appsUsed` has whichever asks, so there is nothing to keep."""

    @describe("An application was used", body=schemas.Used, answer=Empty)
    def post(self) -> None:
        self.answer({})


class Status(FaceHandler):
    """Whether the server is up; asked by GrowERP's own test scripts."""

    anonymous = True

    @describe("Whether the server is up", answer=schemas.StatusAnswer, status=(200, 503))
    def get(self) -> None:
        ready = self.server.ready
        self.answer({"status": "running" if ready else "starting"}, 200 if ready else 503)
