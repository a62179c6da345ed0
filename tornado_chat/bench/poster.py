"""One keep-alive connection over which somebody posts messages, as a GrowERP front-end does."""

import asyncio
from urllib.parse import urlsplit

import orjson

from tornado_chat.errors import SetupError

PATH = "/rest/s1/growerp/100/ChatMessage"


class Poster:
    """Of the owner of this key."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._parts = urlsplit(url)
        self._key = key
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, topic: str, content: str) -> None:
        """Answered after the commit. Raises SetupError where it is refused, or nobody answers."""
        room = {"chatRoomId": topic.partition(":")[2]}
        body = orjson.dumps({"chatMessage": {"chatRoom": room, "content": content}})
        try:
            if self._writer is None:
                await self._open()
            status, answer = await self._ask(body)
        except (OSError, EOFError, ValueError) as problem:
            raise SetupError(f"{self._url}: a post was not answered: {problem}") from None
        if status != 200:
            raise SetupError(f"{self._url}: a post was answered {status}: {answer.decode()[:200]}")

    async def _open(self) -> None:
        tls = self._parts.scheme == "https"
        port = self._parts.port or (443 if tls else 80)
        self._reader, self._writer = await asyncio.open_connection(
            self._parts.hostname, port, ssl=tls or None
        )

    async def _ask(self, body: bytes) -> tuple[int, bytes]:
        assert self._reader is not None
        assert self._writer is not None
        head = (
            f"POST {self._parts.path}{PATH} HTTP/1.1\r\nHost: {self._parts.netloc}\r\n"
            f"api_key: {self._key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
        length = int(headers.get("content-length", 0))
        return int(first.split()[1]), await self._reader.readexactly(length)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
