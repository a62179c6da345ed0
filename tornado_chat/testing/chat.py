"""A running server as a test sees it."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode

import websockets
from tornado.httpclient import AsyncHTTPClient

from tornado_chat.app import Server
from tornado_chat.messages import Credentials, Identity
from tornado_chat.testing.clock import Clock
from tornado_chat.testing.growerp import GrowErp
from tornado_chat.testing.logs import Logs
from tornado_chat.testing.native import Native, of
from tornado_chat.testing.people import key_of, user_id_of
from tornado_chat.testing.rest import Rest
from tornado_chat.testing.settling import settle
from tornado_chat.testing.socket import Opening, Socket

T = TypeVar("T", bound=Socket)


class Chat:
    """What `chat_server` gives. `server` is for looking inside."""

    def __init__(self, server: Server, clock: Clock, logs: Logs) -> None:
        self.server = server
        self.clock = clock
        self.logs = logs
        self.url = f"http://127.0.0.1:{server.port}"
        self._http = AsyncHTTPClient(force_instance=True, max_clients=100)
        clock.chat = self
        self._opened: list[Socket] = []

    def connect(self, name: str | None, **more: Any) -> Opening[Native]:
        """Somebody's native session, whose hello has come. Await it, or enter it to have it closed
        with the block; all that is still open is closed with the server's. `more` as in `open`."""

        async def opening() -> Native:
            native = await self._open(Native, "/ws", name, **more)
            native.hello = of(await native.next(), "hello")
            return native

        return Opening(opening)

    def open(
        self,
        path: str,
        name: str | None = None,
        *,
        key: str | None = None,
        query: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Opening[Socket]:
        """A socket at any path, of a dialect say. `name`: whose key is in the query, None for nobody's.
        `options`: of `websockets.connect`."""
        return Opening(lambda: self._open(Socket, path, name, key=key, query=query, **options))

    async def _open(
        self,
        kind: type[T],
        path: str,
        name: str | None,
        *,
        key: str | None = None,
        query: Mapping[str, str] | None = None,
        **options: Any,
    ) -> T:
        key = self._key(name) if key is None else key
        shown = {**({"api_key": key} if key is not None else {}), **(query or {})}
        connection = await websockets.connect(
            self.url.replace("http", "ws", 1) + path + (f"?{urlencode(shown)}" if shown else ""),
            **{"compression": None, "max_size": None, "ping_interval": None, **options},
        )
        socket = kind(connection)
        self._opened.append(socket)
        return socket

    def rest(self, name: str | None = None, *, key: str | None = None) -> Rest:
        """Somebody's requests, with the key in the header; without a name, nobody's."""
        return Rest(self._http, self.url, self._key(name) if key is None else key, self.clock)

    def growerp(self, name: str, *, subscribe: str | None = "ALL") -> Opening[GrowErp]:
        """Somebody's front-end: both sockets, the second of which asks for these notifications; None
        asks for nothing. Needs the plugin `growerp`."""

        async def opening() -> GrowErp:
            query = {"userId": user_id_of(name)}
            chat, notws = await asyncio.gather(
                self._open(Socket, "/chat", name, query=query),
                self._open(Socket, "/notws", name, query=query),
            )
            if subscribe is not None:
                await notws.send(f"subscribe: {subscribe}")
            return GrowErp(chat, notws, self.rest(name))

        return Opening(opening)

    async def room(self, *people: str, name: str | None = None) -> str:
        """The topic of a new room with these people in it, made by the first of them. Needs the
        plugin `chat_rooms`."""
        body = {"name": name, "members": [user_id_of(each) for each in people[1:]]}
        answer = await self.rest(people[0]).post("/plugins/chat_rooms/rooms", body)
        if answer.status != HTTPStatus.CREATED:
            raise AssertionError(f"no room: {answer.status} {answer.text}")
        topic: str = answer.json["room"]["topic"]
        return topic

    async def settled(self, seconds: float = 5.0) -> None:
        """What the server does beside all answers is done: observers and consumers have had every
        message, what is written in the background is committed."""
        await settle(self.server, seconds)

    def provider(self, kind: str) -> Any:
        """The owner of the topics of this kind, as the plugin gave it; for its own methods, such as
        `set` of a StateProvider."""
        return self.server.provider(kind)

    async def identity(self, name: str) -> Identity:
        """Who that is, as the methods of a provider get it."""
        return await self.server.identify(Credentials(key=self._key(name)))

    def _key(self, name: str | None) -> str | None:
        if name is None:
            return None
        named = {user.user_id: user.api_key for user in self.server.config.users}
        return named.get(user_id_of(name)) or named.get(name) or key_of(name)

    async def close(self) -> None:
        """Ends what was opened here."""
        await asyncio.gather(*(socket.close() for socket in self._opened))
        self._http.close()
