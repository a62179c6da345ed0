"""Somebody at the REST side."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.httputil import HTTPHeaders

from tornado_chat.web.signatures import keys_of, sign

SECONDS = 20.0


@dataclass
class Answer:
    """`json`: the body where it is JSON, else None."""

    status: int
    headers: HTTPHeaders
    body: bytes
    json: Any

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


class Rest:
    """One person's requests, answered whatever the status. `key` None: nobody's."""

    def __init__(
        self,
        http: AsyncHTTPClient,
        url: str,
        key: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._url = url
        self._key = key
        self._clock = clock

    async def get(self, path: str, **more: Any) -> Answer:
        """`more` as in `request`."""
        return await self.request("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> Answer:
        """`more` as in `request`."""
        return await self.request("POST", path, body, **more)

    async def put(self, path: str, body: Any = None, **more: Any) -> Answer:
        """`more` as in `request`."""
        return await self.request("PUT", path, body, **more)

    async def patch(self, path: str, body: Any = None, **more: Any) -> Answer:
        """`more` as in `request`."""
        return await self.request("PATCH", path, body, **more)

    async def delete(self, path: str, body: Any = None, **more: Any) -> Answer:
        """`more` as in `request`."""
        return await self.request("DELETE", path, body, **more)

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        raw: str | bytes | None = None,
        query: Mapping[str, str] | None = None,
        signed: str | None = None,
    ) -> Answer:
        """`body` is sent as JSON, `form` as a form, `raw` as it is; `path` begins with a slash.
        `signed`: the secret by which it is signed, as Standard Webhooks has it."""
        sent = dict(headers or {})
        if self._key is not None:
            sent.setdefault("api_key", self._key)
        if raw is None and body is not None:
            raw = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        if form is not None:
            raw = urlencode(form)
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        if signed is not None:
            raw = raw.encode() if isinstance(raw, str) else raw or b""
            delivery = sent.setdefault("webhook-id", f"msg_{uuid4().hex}")
            at = sent.setdefault("webhook-timestamp", str(int(self._clock())))
            sent["webhook-signature"] = sign(keys_of(signed)[0], delivery, at, raw)
        request = HTTPRequest(
            self._url + path + (f"?{urlencode(query)}" if query else ""),
            method,
            sent,
            raw,
            allow_nonstandard_methods=True,
            request_timeout=SECONDS,
            follow_redirects=False,
        )
        got = await self._http.fetch(request, raise_error=False)
        kind = got.headers.get("Content-Type", "")
        is_json = kind.startswith("application/json") and got.body
        return Answer(got.code, got.headers, got.body, json.loads(got.body) if is_json else None)
