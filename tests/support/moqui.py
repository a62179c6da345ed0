"""A small server that plays a Moqui with GrowERP, with faults that can be switched on.

It answers as growerp-contract sections 3.4 and 7 say: Login, both forms of Authenticate, User. As the
real one does, it makes a new key at every Login and at every long form of Authenticate.
"""

import asyncio
import contextlib
import json
from collections import Counter

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

BASE = "/rest/s1/growerp/100/"


class Moqui:
    """`fault`: None, or "500", "garbage", "array", "huge", "slow", "nobody", "keyless",
    "redirect", "404", "400".

    `calls`: how often each was asked: Login, long, token, User. `seen`: what was asked, as
    (resource, address, headers).
    """

    def __init__(self):
        self.people = {}
        self.keys = {}
        self.calls = Counter()
        self.seen = []
        self.fault = None
        self.slow = asyncio.Event()  # set: the slow ones go on
        self.at_once = self.most_at_once = 0
        self.login_status = None
        self.fields = {}  # of the last Login
        self.port = 0
        self._server = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def person(self, user_id, tenant, login_name, password="Secret99!", **more):
        self.people[user_id] = {
            "userId": user_id,
            "tenant": tenant,
            "loginName": login_name,
            "password": password,
            "partyId": f"P{user_id}",
            "pseudoId": user_id[-1:],
            "firstName": "Ann",
            "lastName": "Maas",
            "email": login_name,
            "userGroupId": "GROWERP_M_ADMIN",
            "company": {"partyId": "C1", "name": "Maas Shop"},
            **more,
        }
        return self.people[user_id]

    def key(self, user_id, key):
        self.keys[key] = user_id
        return key

    def mint(self, user_id):
        return self.key(user_id, f"minted-{len(self.keys):034}")

    async def live(self):
        routes = [(BASE + r"(\w+)", Handler, {"moqui": self})]
        self._server = HTTPServer(Application(routes, log_function=lambda handler: None))
        sockets = bind_sockets(self.port, "127.0.0.1")
        self.port = sockets[0].getsockname()[1]
        self._server.add_sockets(sockets)

    async def die(self):
        self.slow.set()
        if self._server is not None:
            self._server.stop()
            await self._server.close_all_connections()
            self._server = None


class Handler(RequestHandler):
    def initialize(self, moqui):
        self.moqui = moqui

    async def get(self, resource):
        await self.serve(resource)

    async def post(self, resource):
        await self.serve(resource)

    async def serve(self, resource):
        moqui = self.moqui
        token = self.get_query_argument("classificationId", "") == "token"
        name = {"Authenticate": "token" if token else "long"}.get(resource, resource)
        moqui.calls[name] += 1
        moqui.seen.append((name, self.request.uri, dict(self.request.headers)))
        moqui.at_once += 1
        moqui.most_at_once = max(moqui.at_once, moqui.most_at_once)
        try:
            if moqui.fault == "slow":
                await moqui.slow.wait()
            else:
                await asyncio.sleep(0.002)
            self.answer(name)
        finally:
            moqui.at_once -= 1

    def answer(self, name):
        fault = self.moqui.fault
        if fault in {"500", "404", "400"}:
            self.say(int(fault), {"errorCode": int(fault), "errors": "it broke"})
        elif fault == "redirect":
            self.redirect(self.request.uri)
        elif fault in {"garbage", "array", "huge"}:
            huge = '{"authenticate":"' + "x" * 3_000_000 + '"}'
            self.set_header("Content-Type", "application/json")
            self.finish({"garbage": "<html>", "array": "[1]", "huge": huge}[fault])
        elif name == "Login":
            self.login()
        else:
            user_id = self.moqui.keys.get(self.request.headers.get("api_key"))
            if user_id is None:
                self.say(401, {"errorCode": 401, "errors": "Login key not valid\n"})
            else:
                getattr(self, name.lower())(self.moqui.people[user_id])

    def say(self, status, body):
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(body, indent=1))

    def login(self):
        arguments = self.request.body_arguments
        self.moqui.fields = {name: values[0].decode() for name, values in arguments.items()}
        name = self.get_body_argument("username")
        for person in self.moqui.people.values():
            if person["loginName"] == name:
                if person["password"] == self.get_body_argument("password"):
                    return self.long(person)
                text = f"Password incorrect for user {name}"
                return self.say(400, {"errorCode": 400, "errors": text})
        return self.say(400, {"errorCode": 400, "errors": f"Cannot find username: {name}"})

    def token(self, _):
        self.say(200, {"authenticate": {"moquiSessionToken": "k8Vb2nQe0xLr5TzW1uYd"}})

    def long(self, person):
        status = self.moqui.login_status
        unfinished = status not in {None, "setupInProgress"}
        hidden = {"tenant", "password"}
        user = {name: value for name, value in person.items() if name not in hidden}
        if self.moqui.fault == "nobody":
            user.pop("userId")
        key = None if self.moqui.fault == "keyless" else self.moqui.mint(person["userId"])
        about = {
            "ownerPartyId": person["tenant"],
            "applicationId": "AppAdmin",
            "apiKey": status if unfinished else key,
            "moquiSessionToken": "k8Vb2nQe0xLr5TzW1uYd",
            "user": user,
            **({"loginStatus": status} if status else {}),
        }
        self.say(200, {"authenticate": about})

    def user(self, asking):
        text = self.get_query_argument("search", "").lower()
        start, limit = (int(self.get_query_argument(name)) for name in ("start", "limit"))
        fields = ("partyId", "pseudoId", "firstName", "lastName", "company", "userId")
        found = []
        for person in self.moqui.people.values():
            texts = [person[name] for name in ("pseudoId", "firstName", "lastName", "email")]
            texts.append(person["company"]["name"])
            if person["tenant"] == asking["tenant"] and any(text in t.lower() for t in texts):
                leak = {name: person[name] for name in ("ownerPartyId",) if name in person}
                found.append({name: person[name] for name in fields} | leak)
        found.sort(key=lambda p: (p["lastName"].lower(), p["firstName"].lower()))
        self.say(200, {"users": found[start : start + limit]})


@contextlib.asynccontextmanager
async def playing_moqui():
    moqui = Moqui()
    await moqui.live()
    try:
        yield moqui
    finally:
        await moqui.die()
