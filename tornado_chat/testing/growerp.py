"""Somebody at a GrowERP front-end: both of its sockets."""

import asyncio
from dataclasses import dataclass

from tornado_chat.testing.rest import Answer, Rest
from tornado_chat.testing.socket import Socket

RESOURCES = "/rest/s1/growerp/100/"


@dataclass
class GrowErp:
    """`chat` and `notws`: the sockets. `rest`: the same person's requests."""

    chat: Socket
    notws: Socket
    rest: Rest

    async def say(self, room_id: str, content: str) -> Answer:
        """A message in a room, by REST, as the front-end sends it."""
        message = {"chatRoom": {"chatRoomId": room_id}, "content": content}
        return await self.rest.post(RESOURCES + "ChatMessage", {"chatMessage": message})

    async def close(self) -> None:
        """Ends both sockets."""
        await asyncio.gather(self.chat.close(), self.notws.close())
