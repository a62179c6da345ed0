"""Those who publish: native and REST with keys, and the front-ends of GrowERP without."""

import asyncio
import contextlib
import json

import websockets
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from support.soak.world import key_of

BASE = "/rest/s1/growerp/100/"
GONE = (OSError, EOFError, TimeoutError, websockets.WebSocketException)
WINDOW = 6  # messages under way at a time


class Publisher:
    """`topics`: where it speaks, one after another; `pause`: seconds between two, on average."""

    def __init__(self, world, name, topics, *, pause=0.25, pad=0, audience=None):
        self.world = world
        self.name = name
        self.rng = world.rng_of(name)
        self.topics = topics
        self.pause = pause
        self.pad = pad
        self.audience = audience
        self.count = 0

    def say(self, key=False):
        topic = self.topics[self.count % len(self.topics)]
        self.count += 1
        pad = self.rng.randrange(200) if not self.pad else self.pad
        return self.world.say(self.name, topic, audience=self.audience, key=key, pad=pad)

    async def rest(self):
        """Seconds between two messages as a person writes them."""
        await asyncio.sleep(self.rng.expovariate(1 / self.pause))

    def answered(self, said, answer):
        said.answers.append(answer)
        if said.acked is None:
            said.acked = self.world.now

    def refused(self, said, text):
        """What a good client must never hear."""
        said.refused = text
        self.world.complain(self.name, f"{said.mark} was refused: {text}")

    @property
    def done(self):
        """Nothing is under way."""
        return not self.world.publishing

    def socket(self, path):
        return websockets.connect(
            f"ws://127.0.0.1:{self.world.port}{path}?api_key={key_of(self.name)}&userId=u-{self.name}",
            compression=None,
            ping_interval=None,
            max_size=None,
            open_timeout=10,
        )


class NativePublisher(Publisher):
    """Several under way at once; after a drop all without an answer are sent again, in order, with
    the same keys. `burst`: so many at once."""

    def __init__(self, *args, burst=1, **more):
        super().__init__(*args, **more)
        self.burst = burst
        self.waiting = {}  # mark -> Said, oldest first
        self._room = asyncio.Event()

    @property
    def done(self):
        return not self.world.publishing and not self.waiting

    async def run(self):
        tries = 0
        while not self.done:
            try:
                async with self.socket("/ws") as socket:
                    tries = 0
                    await self._speak(socket)
            except GONE:
                tries += 1
                await asyncio.sleep(self.rng.uniform(0, min(2.0, 0.1 * 2**tries)))

    async def _speak(self, socket):
        hello = json.loads(await asyncio.wait_for(socket.recv(), 10))
        assert "hello" in hello, hello
        hearing = asyncio.create_task(self._hear(socket))
        try:
            for said in list(self.waiting.values()):
                await self._send(socket, said)
            while not hearing.done() and not self.done:
                if self.world.publishing and len(self.waiting) < max(WINDOW, self.burst):
                    for _ in range(self.burst):
                        said = self.say(key=True)
                        self.waiting[said.mark] = said
                        await self._send(socket, said)
                    await self.rest()
                else:
                    self._room.clear()
                    await asyncio.wait([hearing, asyncio.ensure_future(self._heard())],
                                       return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
        finally:
            hearing.cancel()
            with contextlib.suppress(asyncio.CancelledError, *GONE):
                await hearing

    async def _heard(self):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._room.wait(), 0.2)

    async def _send(self, socket, said):
        said.tries += 1
        frame = {
            "id": said.mark,
            "do": "publish",
            "topic": self.world.topic_id(said.topic),
            "key": said.key,
            "data": {"content": said.text},
        }
        await socket.send(json.dumps(frame))

    async def _hear(self, socket):
        async for text in socket:
            frame = json.loads(text)
            said = self.waiting.get(frame.get("id"))
            if said is None:
                continue
            if "ok" in frame:
                del self.waiting[said.mark]
                self.answered(said, frame["ok"])
            else:
                del self.waiting[said.mark]
                self.refused(said, frame["error"])
            self._room.set()


class Rest(Publisher):
    """What posts by REST share."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.http = AsyncHTTPClient(force_instance=True, max_clients=4)
        self.busy = False

    @property
    def done(self):
        return not self.world.publishing and not self.busy

    async def post(self, resource, body, key=None):
        """(status, body); status 0 where no answer came."""
        headers = {"api_key": key_of(self.name), "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        url = f"http://127.0.0.1:{self.world.port}{BASE}{resource}"
        request = HTTPRequest(url, "POST", headers, json.dumps(body), request_timeout=20)
        try:
            answer = await self.http.fetch(request, raise_error=False)
        except (OSError, HTTPClientError) as error:  # it never came to an answer
            return 0, str(error)
        return answer.code, json.loads(answer.body)

    def chat(self, said):
        """`ChatMessage.toJson()` of a front-end, nulls included."""
        return {
            "chatRoom": {"chatRoomId": self.world.rooms[said.topic], "members": []},
            "fromUserId": f"u-{self.name}",
            "fromUserFullName": None,
            "chatMessageId": None,
            "content": said.text,
            "creationDate": None,
        }


class RestPublisher(Rest):
    """Tries with the same key until it is answered. `notices`: notifications instead of chat."""

    def __init__(self, *args, notices=None, **more):
        super().__init__(*args, **more)
        self.notices = notices

    async def run(self):
        while self.world.publishing:
            self.busy = True
            said = self.say(key=True)
            while not said.answers and not said.refused:
                said.tries += 1
                status, body = await self._post(said)
                if status == 200:
                    [answer] = body.values()
                    given = answer.get("chatMessageId") or answer.get("notificationMessageId")
                    self.answered(said, {"id": given})
                elif status == 0:
                    await asyncio.sleep(self.rng.uniform(0.05, 0.6))
                else:
                    self.refused(said, body)
            self.busy = False
            await self.rest()

    async def _post(self, said):
        if self.notices is None:
            return await self.post("ChatMessage", {"chatMessage": self.chat(said)}, said.key)
        notice = {"topic": said.topic, "message": {"message": said.text}, **self.notices}
        return await self.post("Notification", {"notification": notice}, said.key)


class FramePublisher(Rest):
    """An older front-end: each message as a frame on /chat, and `both`: by REST as well, once, in
    either order. It never tries again."""

    def __init__(self, *args, both, **more):
        super().__init__(*args, **more)
        self.both = both

    async def run(self):
        while self.world.publishing:
            try:
                async with self.socket("/chat") as socket:
                    draining = asyncio.create_task(self._drain(socket))
                    try:
                        while self.world.publishing and not draining.done():
                            await self._say(socket)
                            await self.rest()
                    finally:
                        draining.cancel()
            except GONE:
                await asyncio.sleep(0.5)  # fixed, as the front-end's

    async def _drain(self, socket):
        with contextlib.suppress(*GONE):
            async for _ in socket:
                pass

    async def _say(self, socket):
        self.busy = True
        said = self.say()
        said.tries = 1
        body = self.chat(said)
        frame = json.dumps({"chatMessage": body} if self.rng.random() < 0.3 else body)
        try:
            if self.both and self.rng.random() < 0.5:
                posting = asyncio.ensure_future(self._post(said, body))
                await asyncio.sleep(0)
                with contextlib.suppress(*GONE):
                    await socket.send(frame)
                await posting
            else:
                await socket.send(frame)
                if self.both:
                    await self._post(said, body)
        finally:
            self.busy = False

    async def _post(self, said, body):
        status, answer = await self.post("ChatMessage", {"chatMessage": body})
        if status == 200:
            self.answered(said, {"id": answer["chatMessage"]["chatMessageId"]})
        elif status:
            self.refused(said, answer)
