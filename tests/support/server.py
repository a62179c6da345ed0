"""A real server on a free port, with a database of its own and a handful of people.

    async with running_server({"limits": {"frame_bytes": 100}}) as site:
        async with site.connect("ann") as ann: ...

The test kit (`tornado_chat.testing`) as the tests of the house need it: all installed plugins, any
server that has a port, plain sockets, real hashes, and no checks of what is left behind.
"""

import contextlib
import json

import websockets
from tornado.httpclient import AsyncHTTPClient

from support.described import check_answer, watching
from tornado_chat import testing
from tornado_chat.testing import key_of, password_of
from tornado_chat.testing.finding import Found
from tornado_chat.testing.people import PEOPLE
from tornado_chat.testing.running import merged, running

__all__ = [
    "TENANTS",
    "Native",
    "Site",
    "key_of",
    "merged",
    "password_of",
    "running_server",
    "users",
]

TENANTS = {name: tenant for name, (_surname, tenant) in PEOPLE.items()}


def users():
    return testing.users(passwords=False)


class Native(testing.Native):
    @property
    def socket(self):
        return self.connection


class Answer(testing.Answer):
    @property
    def code(self):
        return self.status


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
            create_connection=watching(self.server, path),
            **{"compression": None, "max_size": None, "ping_interval": None, **kwargs},
        )

    @contextlib.asynccontextmanager
    async def connect(self, name, **kwargs):
        """A native client that has had its hello."""
        async with self.open("/ws", name, **kwargs) as socket:
            client = Native(socket)
            client.hello = (await client.next())["hello"]
            yield client

    async def fetch(self, method, path, body=None, *, name=None, raw=None, **more):
        """An answer of the server, whatever its status."""
        rest = testing.Rest(self.http, self.url(""), name and key_of(name))
        answer = Answer(**vars(await rest.request(method, path, body, raw=raw, **more)))
        sent = json.dumps(body) if raw is None and body is not None else raw
        check_answer(self.server, method, path, sent, answer)
        return answer


@contextlib.asynccontextmanager
async def running_server(tables=None, modules=(), *, entry_points=True, folder=None):
    """`tables`: of the configuration, over the defaults of tests. `folder`: keeps the database."""
    found = Found(list(modules), entry_points)
    tables = {"users": users(), **(tables or {})}
    logs = testing.Logs()
    async with running(found, tables, folder=folder, logs=logs, weak=False) as chat:
        yield Site(chat.server)
