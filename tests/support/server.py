"""A real server on a free port, with a database of its own and a handful of people.

    async with running_server({"limits": {"frame_bytes": 100}}) as site:
        async with site.connect("ann") as ann: ...

ann, bob, carl and dora are of SHOP, zoe is of OTHER, admin of SHOP may everything. Each user's
key is `key-of-<name>`, the password `secret-of-<name>`, the user id `u-<name>`.
"""

import asyncio
import contextlib
import json
import tempfile
from pathlib import Path

import websockets
from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from tornado_chat import config as configuration
from tornado_chat.app import Server

TENANTS = {
    "ann": "SHOP",
    "bob": "SHOP",
    "carl": "SHOP",
    "dora": "SHOP",
    "admin": "SHOP",
    "zoe": "OTHER",
}
SURNAMES = {
    "ann": "Maas",
    "bob": "Prins",
    "carl": "Smit",
    "dora": "Vos",
    "admin": "Baas",
    "zoe": "Zee",
}


def key_of(name):
    return f"key-of-{name}"


def password_of(name):
    return f"secret-of-{name}"


def users():
    return [
        {
            "user_id": f"u-{name}",
            "login_name": f"{name}@{tenant.lower()}.example",
            "first_name": name.title(),
            "last_name": SURNAMES[name],
            "full_name": f"{name.title()} {SURNAMES[name]}",
            "email": f"{name}@{tenant.lower()}.example",
            "tenant": tenant,
            "groups": ["GROWERP_M_ADMIN"] if name == "admin" else ["GROWERP_M_EMPLOYEE"],
            "permissions": ["*"] if name == "admin" else [],
            "api_key": key_of(name),
        }
        for name, tenant in TENANTS.items()
    ]


def merged(base, changes):
    """Tables over tables; anything else replaces."""
    result = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


class Site:
    """A running server as clients see it; `server` is for looking inside."""

    def __init__(self, server):
        self.server = server
        self.http = AsyncHTTPClient(force_instance=True, max_clients=100)
        self.port = server.port

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def ws_url(self, path):
        return f"ws://127.0.0.1:{self.port}{path}"

    def open(self, path, name=None, *, query="", **kwargs):
        """A plain websocket; `name`'s key in the query."""
        if name is not None:
            query = f"api_key={key_of(name)}" + (f"&{query}" if query else "")
        return websockets.connect(
            self.ws_url(path) + (f"?{query}" if query else ""),
            **{"compression": None, "max_size": None, "ping_interval": None, **kwargs},
        )

    @contextlib.asynccontextmanager
    async def connect(self, name, **kwargs):
        """A native client that has had its hello."""
        async with self.open("/ws", name, **kwargs) as socket:
            client = Native(socket)
            client.hello = (await client.next())["hello"]
            yield client

    async def fetch(self, method, path, body=None, *, name=None, headers=None, form=None, raw=None):
        """An answer of the server, whatever its status; `.json` is its body."""
        headers = dict(headers or {})
        if name is not None:
            headers.setdefault("api_key", key_of(name))
        if raw is None and body is not None:
            raw = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        if form is not None:
            from urllib.parse import urlencode

            raw = urlencode(form)
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        request = HTTPRequest(
            self.url(path),
            method,
            headers,
            raw,
            allow_nonstandard_methods=True,
            request_timeout=20,
            follow_redirects=False,
        )
        answer = await self.http.fetch(request, raise_error=False)
        kind = answer.headers.get("Content-Type", "")
        answer.json = json.loads(answer.body) if kind.startswith("application/json") else None
        return answer


class Native:
    """A native session: commands with their replies, and what is pushed meanwhile."""

    def __init__(self, socket):
        self.socket = socket
        self.pushed = []  # pushes and signals that came while a reply was waited for
        self._last = 0

    async def next(self, seconds=5.0):
        """The next frame, whatever it is."""
        if self.pushed:
            return self.pushed.pop(0)
        return json.loads(await asyncio.wait_for(self.socket.recv(), seconds))

    async def send(self, frame):
        await self.socket.send(frame if isinstance(frame, str) else json.dumps(frame))

    async def do(self, do, seconds=5.0, **arguments):
        """A command; its reply frame. What comes before it is kept for `next`."""
        self._last += 1
        await self.send({"id": self._last, "do": do, **arguments})
        return await self.reply(self._last, seconds)

    async def reply(self, command_id, seconds=5.0):
        while True:
            frame = json.loads(await asyncio.wait_for(self.socket.recv(), seconds))
            if frame.get("id") == command_id and ("ok" in frame or "error" in frame):
                return frame
            self.pushed.append(frame)

    async def ok(self, do, **arguments):
        """A command that must go well; what it answers."""
        frame = await self.do(do, **arguments)
        assert "ok" in frame, frame
        return frame["ok"]

    async def refused(self, do, **arguments):
        """A command that must not; its error code."""
        frame = await self.do(do, **arguments)
        assert "error" in frame, frame
        return frame["error"]["code"]

    async def push(self, seconds=5.0):
        """The next frame, which must be a push."""
        frame = await self.next(seconds)
        assert "push" in frame, frame
        return frame["push"]

    async def quiet(self, seconds=0.2):
        """Nothing comes for a while."""
        if self.pushed:
            raise AssertionError(self.pushed)
        with contextlib.suppress(TimeoutError):
            frame = await asyncio.wait_for(self.socket.recv(), seconds)
            raise AssertionError(frame)


@contextlib.asynccontextmanager
async def running_server(tables=None, modules=(), *, entry_points=True, folder=None):
    """`tables`: of the configuration, over the defaults of tests. `folder`: keeps the database."""
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
        base = {
            "server": {"port": 0, "drain_seconds": 0},
            "store": {"url": f"sqlite:///{Path(folder) / 'chat.db'}"},
            "delivery": {"settle_seconds": 0.05},
            "limits": {"auth_attempts_per_minute": 0},
            "plugins": {"directory": str(Path(folder) / "plugins")},
            "users": users(),
        }
        config = configuration.build(merged(base, tables or {}))
        server = Server(config, modules, entry_points=entry_points)
        await server.start()
        try:
            yield Site(server)
        finally:
            await server.stop()
