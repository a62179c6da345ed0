"""Who is here: has a socket of any kind open. Those who have a room open are told of its members.

What sockets do is gathered for a moment and told together, by two queries however many people came
or went, and by none as long as nobody has opened a room. It knows the sockets of this process alone.
"""

import asyncio
from collections.abc import Iterable

from tornado_chat import ChatError, Identity, Server, Topic

from . import queries
from .models import topic_of

GATHER_SECONDS = 0.25
GONE_SECONDS = 2.0  # whoever is back sooner has not gone: he loads the page again
PEOPLE = 100  # told of together
CROWD = 200  # members of a room, above which it would be everybody to everybody: nobody is told

Person = tuple[str, str]  # tenant, user id


class Here:
    """`wanted`: somebody has subscribed a room by its name since the start. `told`: who is here, as
    far as others know. `unsure`: who was not told of, but whoever asked may have been answered that
    he is here. `looks`: who came or went, and when to look whether he is here; one look for all that
    his sockets did until then."""

    def __init__(self, server: Server) -> None:
        self.wanted = False
        self._server = server
        self._told: set[Person] = set()
        self._unsure: set[Person] = set()
        self._looks: dict[Person, float] = {}
        self._task: asyncio.Task[None] | None = None

    def opened(self, identity: Identity) -> None:
        """A socket of his was opened."""
        if identity.tenant and (identity.tenant, identity.user_id) not in self._told:
            self._look(identity.tenant, identity.user_id, 0.0)

    def closed(self, identity: Identity) -> None:
        """A socket of his has ended. That all of them do when the server leaves is no news."""
        tenant, user = identity.tenant, identity.user_id
        if tenant and self._server.ready and not self._server.online(tenant, user):
            self._unsure.update({(tenant, user)} - self._told)
            self._look(tenant, user, GONE_SECONDS)

    def among(self, tenant: str, users: Iterable[str]) -> list[str]:
        """Which of these people are here, by user id."""
        return sorted(user for user in users if self._is_here(tenant, user))

    def _is_here(self, tenant: str, user: str) -> bool:
        person = tenant, user
        return self._server.online(*person) or (person in self._looks and person in self._told)

    def _look(self, tenant: str, user: str, seconds: float) -> None:
        self._looks[tenant, user] = asyncio.get_running_loop().time() + seconds
        if self._task is None:
            self._task = self._server.spawn(self._watch(), name="chat_rooms.here")

    async def _watch(self) -> None:
        """As long as there is somebody to look at."""
        try:
            while self._looks:
                await asyncio.sleep(GATHER_SECONDS)
                while due := self._due():
                    await self._tell(due)
        finally:
            self._task = None

    def _due(self) -> list[Person]:
        now = asyncio.get_running_loop().time()
        return [person for person, when in self._looks.items() if when <= now][:PEOPLE]

    async def _tell(self, people: list[Person]) -> None:
        for person in people:
            del self._looks[person]  # what his sockets do from now on is another look
        moved = {each for each in people if self._server.online(*each) != (each in self._told)}
        news = moved | self._unsure.intersection(people)
        self._told ^= moved
        self._unsure -= news
        try:
            rooms = await self._open_rooms(news) if news and self.wanted else []
        except ChatError:  # the store cannot be read now
            self._unsure |= news
            for tenant, user in news:
                self._look(tenant, user, GONE_SECONDS)
            return
        for topic, user in rooms:
            here = (topic.tenant, user) in self._told
            self._server.signal(topic, "here", {"user_id": user, "here": here})
            await asyncio.sleep(0)  # or more would wait to be handed out than may

    async def _open_rooms(self, people: set[Person]) -> list[tuple[Topic, str]]:
        """The rooms of these people that somebody has open, with each of them who is in it."""
        users = [user for _, user in people]
        found = await self._server.read(lambda _tx: queries.rooms_of(users))
        rooms = [
            (number, topic_of(tenant, room_id), user) for number, tenant, room_id, user in found
        ]
        rooms = [each for each in rooms if self._server.hearers(each[1])]
        numbers = {number for number, _, _ in rooms}
        if not numbers:
            return []
        small = await self._server.read(lambda _tx: queries.no_larger(numbers, CROWD))
        return [(topic, user) for number, topic, user in rooms if number in small]
