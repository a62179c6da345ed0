"""The api keys of a person."""

from typing import Any

from tornado_chat.accounts import ApiKey
from tornado_chat.protocol import iso
from tornado_chat.web.admin.shapes import KeyPage, NewKey, NewKeyAnswer
from tornado_chat.web.admin.users import UserDoor
from tornado_chat.web.api import Done, describe


class KeyDoor(UserDoor):
    """Shows keys, never what opens a door."""

    def key_body(self, key: ApiKey) -> dict[str, Any]:
        return {
            "id": key.id,
            "name": key.name,
            "created": iso(key.created * 1000),
            "expires": None if key.expires is None else iso(key.expires * 1000),
            "configured": key.configured,
            "current": key.hash == self.identity.key,
        }


class UserKeys(KeyDoor):
    @describe("Lists the keys of a person", answer=KeyPage, errors=("not_found",))
    async def get(self, user_id: str) -> None:
        """Those that open a door, the newest first."""
        found = await self.server.accounts.keys(self.tenant, user_id)
        self.answer({"keys": [self.key_body(key) for key in found]})

    @describe(
        "Gives a person a key, shown in clear this once",
        body=NewKey,
        answer=NewKeyAnswer,
        status=201,
        errors=("not_found", "conflict"),
    )
    async def post(self, user_id: str) -> None:
        body = self.body()
        self.check_local()
        made, key = await self.server.accounts.give_key(self.tenant, user_id, **body)
        self.note(f"key {made.id} of {user_id} given")
        self.answer({**self.key_body(made), "key": key}, 201)


class UserKey(KeyDoor):
    @describe("Ends a key and its sockets for good", answer=Done, errors=("not_found",))
    async def delete(self, user_id: str, key_id: str) -> None:
        await self.server.accounts.take_key(self.tenant, user_id, key_id[:64])
        self.note(f"key {key_id[:64]} of {user_id} ended")
        self.answer({})
