"""The application: the first place that sees a request, and the last that sees its answer."""

from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from tornado.httputil import HTTPServerRequest
from tornado.iostream import IOStream
from tornado.web import Application, RequestHandler

from tornado_chat.web.proxies import Proxies


class House(Application):
    """All paths. Everybody after it knows by `remote_ip` who asks."""

    def __init__(self, *args: Any, proxies: Proxies, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._proxies = proxies
        self._asked: WeakKeyDictionary[HTTPServerRequest, IOStream] = WeakKeyDictionary()
        self._leaving: WeakSet[IOStream] = WeakSet()  # the answer was not gone at once

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        request.remote_ip = self._proxies.address(
            request.remote_ip or "", request.headers.get("X-Forwarded-For", "")
        )
        stream = getattr(request.connection, "stream", None)
        if stream is not None:
            self._asked[request] = stream
        return super().find_handler(request, **kwargs)

    def log_request(self, handler: RequestHandler) -> None:
        """From Tornado, once a request is answered."""
        stream = self._asked.pop(handler.request, None)
        if stream is not None and stream.writing():
            self._leaving.add(stream)
        super().log_request(handler)

    def owes_answers(self) -> bool:
        """Whether somebody who is still there waits for an answer, or for the rest of one."""
        owed = any(not stream.closed() for stream in list(self._asked.values()))
        return owed or any(stream.writing() for stream in list(self._leaving))
